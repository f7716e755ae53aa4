"""Names: aliases, other alphabets, legal forms and slips of the pen are found; different people are not."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import TooLarge
from ledger.rules.reference import names
from ledger.rules.reference.names import THRESHOLD, Candidate, NameIndex, index_of
from ledger.rules.reference.rows import Alias, Identifier, ListedParty
from ledger.rules.reference.spelling import MAX_TOKENS, tokens_of
from tests.ledger.rules.reference.files import load


def party(*aliases: str, weak: str = "", number: Identifier | None = None, id: str = "1") -> ListedParty:
    listed = tuple(Alias(name, True) for name in aliases) + ((Alias(weak, False),) if weak else ())
    return ListedParty(id, "entity", listed, identifiers=(number,) if number else ())


def score(name: str, *aliases: str, weak: str = "") -> int:
    """The score of the best candidate, 0 when there is none at the usual threshold."""
    found = NameIndex([party(*aliases, weak=weak)]).match([name])
    return found[0].score if found else 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Société Minière de l'Épreuve S.A.R.L.", ("miniere", "de", "lepreuve")),
        ("SPECIMEN TRADING CO., LTD.", ("specimen", "trading")),
        ("ООО «Пример Голд»", ("primer", "gold")),
        ("A. B. C. Mining (Pvt) Ltd", ("abc", "mining")),
        ("Müller & Söhne GmbH & Co. KG", ("muller", "sohne")),
        ("شركة الاختبار", ("shrkh", "lkhtbr")),
        ("Ltd", ("ltd",)),
        ("SA Co", ("sa", "co")),
        ("Sa Wei", ("wei",)),
        ("***", ()),
        ("", ()),
        ("3T Minerals Inc", ("3t", "minerals")),
        ("O'Neill-Brown plc", ("oneill", "brown")),
    ],
)  # fmt: skip
def test_words_of_a_name(name: str, words: tuple[str, ...]) -> None:
    assert tokens_of(name) == words


# Jaro-Winkler by hand: kaziga/kasiga (5/6 + 5/6 + 1)/3 = 0.889, two letters in front: 0.911; conter/counter
# (6/6 + 6/7 + 1)/3 = 0.952, 0.962; fixtura/fixture (6/7 + 6/7 + 1)/3 = 0.905, 0.943. Weighed by letters of both names.
@pytest.mark.parametrize(
    ("name", "listed", "expected"),
    [
        ("Kasiga Gold Counter", "KASIGA GOLD COUNTER", 1000),
        ("Counter Gold, Kasiga", "KASIGA GOLD COUNTER", 1000),
        ("Kasiga Gold Counter SARL", "Kasiga Gold Counter (Pty) Ltd", 1000),
        ("Касига Голд", "Kasiga Gold", 1000),
        ("Épreuve d'Or", "Epreuve Dor", 1000),
        ("KasigaGold Counter", "Kasiga Gold Counter", 990),
        ("Kaziga Gold Counter", "Kasiga Gold Counter", 968),
        ("Kasiga Gold Conter", "Kasiga Gold Counter", 985),
        ("Kasiga Gold Counter Uganda", "Kasiga Gold Counter", 930),
        ("Zandro Kilumba", "Zandro Bosco Kilumba", 930),
        ("Zandro Bosco Kilumba", "Zandro Kilumba", 930),
    ],
)  # fmt: skip
def test_same_name_written_otherwise(name: str, listed: str, expected: int) -> None:
    assert score(name, listed) == expected >= THRESHOLD
    assert score(f"Unrelated {name[::-1]} Holding", listed) == 0


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("Star Dragon Corporation Ltd", "Star Diamond Corporation Ltd"),
        ("Kivu Mining", "Kivu Minerals"),
        ("Gold Refinery", "Kasiga Gold Refinery of the Lakes"),
        ("Jean Bosco", "Jean Bosco Kilumba Wa Specimen"),
        ("Li Wei", "Wei Lin"),
        ("Ali", "Alia Trading"),
        ("General Trading", "General Trading International Fixture"),
        ("East African Gold", "West African Gold"),
        ("Zandro Kilumba", "Sandrine Kilimba"),
        ("Lam", "Lan"),
        ("Ltd", "Kasiga Gold Counter Ltd"),
        ("", "Kasiga Gold Counter"),
        ("---", "Kasiga Gold Counter"),
        ("Kasiga Gold Counter", "***"),
    ],
)
def test_other_names_are_no_candidates(name: str, listed: str) -> None:
    assert score(name, listed) == 0


def test_weak_alias_counts_less() -> None:
    assert (score("The Fixture", "Zandro Kilumba", weak="The Fixture"), score("The Fixture", "The Fixture")) == (
        950,
        1000,
    )
    assert score("The Fixtura", "Zandro Kilumba", weak="The Fixture") == 0
    assert score("The Fixtura", "The Fixture") == 960


def test_best_alias_is_named_and_each_entry_once() -> None:
    index = NameIndex([party("Kasiga Gold Counter", "Comptoir Kasiga"), party("Kasiga Gold Conter", id="0")])
    found = index.match(["Comptoir Kasiga SARL", "Kasiga Gold Counter"])
    assert [(one.party.id, one.score, one.name, one.exact) for one in found] == [
        ("1", 1000, "Comptoir Kasiga", False),
        ("0", 985, "Kasiga Gold Conter", False),
    ]
    assert index.match(["Kasiga Gold Counter"], threshold=986) == (
        Candidate(index.match(["Comptoir Kasiga"])[0].party, False, 1000, "Kasiga Gold Counter"),
    )


def test_threshold_is_a_parameter_with_a_floor() -> None:
    index = NameIndex([party("Star Diamond Ventures")])
    assert index.match(["Stern Diamond Venture"]) == ()
    assert [one.score for one in index.match(["Stern Diamond Venture"], threshold=753)] == [753]
    assert index.match(["Stern Diamond Venture"], threshold=754) == ()
    assert index.match(["Star Ventures of Another Kind"], threshold=0) == ()


@pytest.mark.parametrize(
    ("given_number", "listed", "exact"),
    [
        (("LEI", "5299-0000 test 0001"), ("Legal Entity Identifier", "52990000TEST0001"), True),
        (("tax_id", "A-123456"), ("Tax ID No.", "a123456"), True),
        (("registration", "CD/GOM/99-X-00001"), ("Company Number", "CDGOM99X00001"), True),
        (("CID", "CID900001"), ("cid", "CID900001"), True),
        (("", "OB0000001"), ("Passport", "OB 0000001"), True),
        (("tax_id", "OB0000001"), ("Passport", "OB 0000001"), False),
        (("passport", "OB0000001"), ("Passport", "OB 0000002"), False),
        (("registration", "1234"), ("Registration", "1234"), False),
        (("registration", "12345678", "GB"), ("Registration Number", "12345678", "RU"), False),
        (("registration", "12345678", "GB"), ("Registration Number", "12345678", "GB"), True),
        (("registration", "12345678", "GB"), ("Registration Number", "12345678"), True),
    ],
)
def test_exact_identifier(given_number: tuple[str, ...], listed: tuple[str, ...], exact: bool) -> None:
    """A passport is no tax number, and a register's number means nothing in another country."""
    index = NameIndex([party("Quite Another Name", number=Identifier(*listed))])
    found = index.match(["Example Minerals"], [Identifier(*given_number)])
    assert [(one.exact, one.score, one.number) for one in found] == ([(True, 1000, listed[1])] if exact else [])


def test_exact_identifier_outweighs_the_name() -> None:
    listed = party("Kasiga Gold Counter", number=Identifier("LEI", "52990000TEST0001"))
    index = NameIndex([listed, party("Kasiga Gold Counters", id="0")])
    found = index.match(["Kasiga Gold Counter"], [Identifier("lei", "52990000TEST0001")])
    assert [(one.party.id, one.exact) for one in found] == [("1", True), ("0", False)]


def test_real_formats_are_matched() -> None:
    for dataset, name in (
        ("un_sanctions", "Comptoir KASIGA"), ("ofac_sdn", "Cobalt Chain Fixture Corp."),
        ("eu_sanctions", "Raffinerie d\u2019Or de l\u2019Epreuve"), ("uflpa_entities", "CESHI LU"),
    ):  # fmt: skip
        snapshot = load(dataset)
        (found,) = index_of(snapshot).match([name])
        assert found.score == 1000
        assert index_of(load(dataset)) is index_of(snapshot)


def test_hostile_names_are_bounded() -> None:
    index = NameIndex([party("Kasiga Gold Counter")])
    for hostile in ("x" * 1001, "a " * 600):
        with pytest.raises(TooLarge) as caught:
            index.match([hostile])
        assert caught.value.values["limit"] == 1000
    with pytest.raises(TooLarge):
        index.match([], [Identifier("LEI", "9" * 1001)])
    assert len(tokens_of("ab " * 300)) == MAX_TOKENS
    assert index.match(["ﷺ" * 900, "\u0000\u202e\ud800", "💣" * 500]) == ()


def test_similar_words_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    index = NameIndex([party("Kasiga Gold Counter")])
    monkeypatch.setattr(names, "_REMEMBERED", 2)
    scores = [index.match([name])[0].score for name in ("Kasiga Gold Counter", "Kasiga Gold Conter") * 3]
    assert scores == [1000, 985] * 3


CLOSE = st.text(alphabet="abkst ", max_size=24)


@given(st.one_of(CLOSE, st.text(max_size=60)), st.one_of(CLOSE, st.text(max_size=60)))
def test_score_is_the_same_both_ways_and_never_above_one(left: str, right: str) -> None:
    def best(a: str, b: str) -> list[int]:
        return [one.score for one in NameIndex([party(a)]).match([b], threshold=750)]

    assert best(left, right) == best(right, left)
    assert all(750 <= one <= 1000 for one in best(left, right))
    assert best(left, left) == ([1000] if tokens_of(left) else [])


def test_fifty_parties_against_twenty_thousand_entries() -> None:
    rng = random.Random(7)  # noqa: S311  the same list every time
    vowels, consonants = "aeiou", "bdgklmnrstvz"
    usual = ("mohammed", "ali", "trading", "international", "company", "gold", "mining", "general", "abdul", "import")

    def word() -> str:
        return "".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.randint(2, 5)))

    def name() -> str:
        return " ".join(rng.choice(usual) if rng.random() < 0.35 else word() for _ in range(rng.randint(2, 4)))

    listed = [party(name(), *([name()] if n % 2 else []), id=str(n)) for n in range(20_000)]
    index = NameIndex(listed)
    planted = [listed[n].names[0].text + " SARL" for n in range(0, 20_000, 800)]
    index.match(["to load the library"])
    asked = [*planted, *(name() for _ in range(25))]
    best = min(_seconds(index, asked) for _ in range(3))
    assert all(index.match([one])[0].score == 1000 for one in planted)
    assert best < 0.25  # 20 ms where nothing else runs


def _seconds(index: NameIndex, asked: list[str]) -> float:
    index._similar.clear()
    begun = time.perf_counter()
    for one in asked:
        index.match([one])
    return time.perf_counter() - begun


def test_name_that_is_like_everybody_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand entries that differ by a number: the closest are compared, a hundred are given, always the same."""
    index = NameIndex([party(f"Specimen{n:05d} Holding{n:05d} Fixture", id=f"{n:05d}") for n in range(10_000)])
    found = index.match(["Specimen01234 Holding01234 Fixture"])
    assert (found[0].party.id, found[0].score, len(found)) == ("01234", 1000, names.MAX_CANDIDATES)
    assert index.match(["Specimen01234 Holding01234 Fixture"]) == found
    scored: list[str] = []
    monkeypatch.setattr(names, "_score", lambda _tokens, entry, _similar: scored.append(entry.alias.text) or 0)
    index.match(["Specimen01234 Holding01234 Fixture"])
    assert len(scored) == 500  # as many as hold one of the most similar words
    assert "Specimen01234 Holding01234 Fixture" in scored
    monkeypatch.setattr(names, "_MOST_ENTRIES", 10)
    scored.clear()
    index.match(["Specimen01234 Holding01234 Fixture"])
    assert len(scored) == 10
