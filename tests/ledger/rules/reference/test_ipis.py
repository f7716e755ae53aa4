"""IPIS: visits are no mines, words are French, and its numbers are not those of ICGLR."""

from __future__ import annotations

import pytest

from ledger.errors import SnapshotError
from ledger.rules.reference import french
from ledger.rules.reference.rows import ArmedPresence, Roadblock, SiteVisit
from tests.ledger.rules.reference.files import bent, load

NEWER = SiteVisit(
    site="codmine90001",
    visit="v-2",
    visited_on="2025-08-14",
    name="Mine d'essai",
    subdivision_name="Sud-Kivu",
    territory="Kalehe",
    position=(281234568, -25000000),
    minerals=("cassiterite", "coltan"),
    workers=120,
    status="blue",
    interference=True,
    armed=(
        ArmedPresence("FARDC", "state_force", "weekly", ()),
        ArmedPresence("Mai-Mai Essai", "non_state", "", ("buying", "forced_labour")),
    ),
    child_under_15=True,
    child_15_to_18=None,
    mercury=False,
    source="IPIS",
)


def test_one_row_is_one_visit_not_one_mine() -> None:
    older, newer = load("ipis_visits").rows
    assert newer == NEWER
    assert (older.site, older.visited_on, older.position) == ("codmine90001", "2023-01-05", (281200000, -25100000))
    assert (older.minerals, older.interference, older.workers) == (("gold",), False, None)
    assert (older.child_under_15, older.armed, older.status) == (None, (), "")


def test_web_map() -> None:
    older, newer = load("ipis_webmap").rows
    assert newer == SiteVisit(
        site="codmine90001",
        visit="codmine90001/2024-03-04",
        visited_on="2024-03-04",
        name="Mine d'essai",
        subdivision_name="Sud-Kivu",
        territory="Kalehe",
        position=(281000000, -25000000),
        minerals=("gold",),
        workers=None,
        status="blue",
        interference=True,
        armed=(ArmedPresence("FARDC", "state_force", "permanent", ("taxing", "tax_commerce")),),
        child_under_15=True,
        child_15_to_18=False,
        mercury=True,
        traceability="iTSCi",
        source="IPIS",
        destinations=("Bukavu", "Kampala"),
    )
    assert older.armed == (ArmedPresence("Des hommes armés", "unknown", "", ()),)
    assert (older.status, older.workers, older.mercury, older.traceability) == ("", 30, None, "oui")


def test_roadblocks() -> None:
    taxed, other = load("ipis_roadblocks").rows
    assert taxed == Roadblock(
        name="Barrière d'essai",
        seen_on="2023-05-06",
        position=(291000000, -15000000),
        operator="FARDC et civils",
        operator_types=("state_force", "non_state", "unknown"),
        taxed="camions",
        amount="1000 FC",
        barrier_types=("Passage", "Ressources naturelles"),
        natural_resources=True,
        source="IPIS",
    )
    assert (other.operator_types, other.natural_resources) == ((), False)


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Vert", "green"), ("jaune", "yellow"), ("ROUGE", "red"), ("Bleu", "blue"), ("1", "green"), ("2", "yellow"),
        ("3", "red"), ("4", "blue"), ("0", ""), ("", ""), ("not class", ""), ("Non classé", ""),
    ],
)  # fmt: skip
def test_blue_is_four_and_none_is_zero(written: str, status: str) -> None:
    """ICGLR's 0 is blue and its 1 is green: numbers of one never pass for those of the other."""
    assert french.recode_qualification(written) == status
    raw = bent("ipis_visits", '"qualification": "Bleu"', f'"qualification": "{written}"')
    assert load("ipis_visits", raw).rows[1].status == status


@pytest.mark.parametrize("written", ["5", "-1", "verte", "orange", "green", "bleu?"])
def test_qualification_that_nobody_knows_is_refused(written: str) -> None:
    for dataset, old, column in (
        ("ipis_visits", '"qualification": "', "qualification"),
        ("ipis_webmap", '"q": "', "q"),
    ):
        raw = bent(dataset, f'{old}Bleu"', f'{old}{written}"')
        with pytest.raises(SnapshotError) as caught:
            load(dataset, raw)
        assert caught.value.values == {"row": 1, "column": column}


@pytest.mark.parametrize(
    ("dataset", "old", "new", "column"),
    [
        ("ipis_visits", '"pcode"', '"code"', "pcode"),
        ("ipis_visits", '"visit_date": "2025-08-14"', '"visited": "2025-08-14"', "visit_date"),
        ("ipis_visits", "2025-08-14", "14/08/25", "visit_date"),
        ("ipis_visits", "2025-08-14", "2025-02-30", "visit_date"),
        ("ipis_visits", '"workers_numb": 120.0', '"workers_numb": "beaucoup"', "workers_numb"),
        ("ipis_visits", '"workers_numb": 120.0', '"workers_numb": -7', "workers_numb"),
        ("ipis_visits", '"workers_numb": 120.0', '"workers_numb": 12.5', "workers_numb"),
        ("ipis_visits", "28.123456789, -2.5]", "28.123456789, -92.5]", None),
        ("ipis_visits", '"longitude": "28.12"', '"longitude": "28,12"', None),
        ("ipis_visits", '"interference": 1', '"interfere": 1', "interference"),
        ("ipis_webmap", '"ln": "28.1"', '"lon": "28.1"', "ln"),
        ("ipis_webmap", '"ln": "28.1"', '"ln": "281"', None),
        ("ipis_webmap", '"d": "2024-03-04"', '"d": "March"', "d"),
        ("ipis_roadblocks", '"b": "Passage, Ressources naturelles", ', "", "b"),
        ("ipis_roadblocks", "2023-05-06", "2023", "d"),
        ("ipis_roadblocks", '"lt": -1.5', '"lt": true', None),
    ],
)
def test_row_that_is_malformed(dataset: str, old: str, new: str, column: str | None) -> None:
    with pytest.raises(SnapshotError) as caught:
        load(dataset, bent(dataset, old, new))
    assert caught.value.values.get("column") == column
    assert caught.value.values["row"] in (1, 2)


def test_answer_of_the_web_map_without_result() -> None:
    for raw in (b'{"error": "key"}', b'["result"]'):
        with pytest.raises(SnapshotError, match="no member `result`"):
            load("ipis_webmap", raw)


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("1", True), ("2", True), ("1.0", True), ("oui", True), ("Vrai", True), ("0", False), ("Non", False),
        ("", None), ("peut-être", None), ("-1", None), ("1.5", None), ("9" * 400, True), ("0.0", False),
    ],
)  # fmt: skip
def test_yes_no_and_no_answer(text: str, flag: bool | None) -> None:
    assert french.recode_flag(text) is flag


@pytest.mark.parametrize(
    ("text", "force"),
    [
        ("FARDC", "state_force"), ("Police des mines (PMH)", "state_force"), ("Armée", "state_force"),
        ("Raia Mutomboki", "non_state"), ("Maï-Maï", "non_state"), ("Groupes armés", "non_state"),
        ("FARDC et Nyatura", "non_state"), ("Acteurs civils", "unknown"), ("", "unknown"), ("Fardcisation", "unknown"),
    ],
)  # fmt: skip
def test_forces(text: str, force: str) -> None:
    assert french.recode_force(text) == force


@pytest.mark.parametrize(
    ("text", "frequency"),
    [
        ("Permanente", "permanent"), ("Quotidien", "permanent"), ("Une fois par semaine", "weekly"),
        ("Une fois tous les 15 jours", "monthly"), ("A l\u2019improviste", "rare"), ("Irrégulière", "rare"),
        ("quand ils veulent", ""), ("", ""),
    ],
)  # fmt: skip
def test_frequencies(text: str, frequency: str) -> None:
    assert french.recode_frequency(text) == frequency


def test_minerals() -> None:
    assert [french.recode_mineral(one) for one in ("Or", "Cassitérite", "Tourmaline")] == [
        "gold",
        "cassiterite",
        "tourmaline",
    ]
