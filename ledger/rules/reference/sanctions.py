"""Sanctions lists: the UN consolidated list, OFAC's SDN list, the EU's consolidated list (FSF). All XML.

A screening list must not lose an entry: an entry without a name or an id, or a file that holds fewer
entries than it says, is refused as a whole. Names that a list calls weak or low quality are kept and
marked, because they match too much to mean what a strong one means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ledger.errors import LedgerError, SnapshotError
from ledger.rules.reference.countries import country_code
from ledger.rules.reference.limits import MAX_NAME, MAX_ROWS, check_limit
from ledger.rules.reference.parsed import Parsed, optional_day
from ledger.rules.reference.rows import Alias, Identifier, ListedParty
from ledger.rules.reference.xmltext import Node, read_xml

_UN_PARTS: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_OFAC_KINDS: Final = {"individual": "individual", "vessel": "vessel", "aircraft": "aircraft"}
_EU_KINDS: Final = {"person": "individual", "P": "individual", "enterprise": "entity", "E": "entity"}


def parse_un(raw: bytes) -> Parsed:
    """The UN Security Council's consolidated list: INDIVIDUALS and ENTITIES; an entity's name is in FIRST_NAME."""
    found: list[ListedParty] = []
    head = read_xml(raw, "CONSOLIDATED_LIST", frozenset(("INDIVIDUAL", "ENTITY")), _taker(found, _un_party))
    return Parsed(tuple(found), optional_day(head.get("dateGenerated", ""), "dateGenerated"))


def parse_ofac(raw: bytes) -> Parsed:
    """OFAC's SDN.XML. Publisher's own misspelling: `publshInformation`, which also says how many entries there are."""
    found: list[ListedParty] = []
    about: list[Node] = []
    take = _taker(found, _ofac_party)
    records = frozenset(("sdnEntry", "publshInformation"))
    read_xml(raw, "sdnList", records, lambda node: take(node) if node.name == "sdnEntry" else about.append(node))
    if not about:
        raise SnapshotError("The file holds no publshInformation: it is not the SDN list, or not all of it.")
    said = about[0].first("Record_Count")
    if said != str(len(found)):
        raise SnapshotError(f"The file says that it holds {said[:20]} entries, but there are {len(found)}.")
    return Parsed(tuple(found), optional_day(about[0].first("Publish_Date"), "Publish_Date"))


def parse_eu(raw: bytes) -> Parsed:
    """The EU's consolidated list: sanctionEntity with nameAlias, identification, citizenship, regulation."""
    found: list[ListedParty] = []
    head = read_xml(raw, "export", frozenset(("sanctionEntity",)), _taker(found, _eu_party))
    return Parsed(tuple(found), optional_day(head.get("generationDate", ""), "generationDate"))


def _taker(found: list[ListedParty], read: Callable[[Node], ListedParty]) -> Callable[[Node], None]:
    def take(node: Node) -> None:
        row = len(found) + 1
        check_limit("rows", row, MAX_ROWS)
        try:
            party = read(node)
            if not party.id or not party.names:
                raise SnapshotError("it has no id or no name.")
            check_limit("characters of a name", max(len(name.text) for name in party.names), MAX_NAME)
        except LedgerError as error:
            raise type(error)(f"Row {row} <{node.name}>: {error.message}", **{**error.values, "row": row}) from None
        found.append(party)

    return take


def _un_party(node: Node) -> ListedParty:
    person = node.name == "INDIVIDUAL"
    primary = " ".join(filter(None, (node.first(part) for part in _UN_PARTS)))
    aliases = [(alias.first("ALIAS_NAME"), alias.first("QUALITY") != "Low") for alias in node.all(f"{node.name}_ALIAS")]
    names = _names([(primary, True), (node.first("NAME_ORIGINAL_SCRIPT"), True), *aliases])
    papers = _identifiers(
        (paper.first("TYPE_OF_DOCUMENT"), paper.first("NUMBER"), paper.first("ISSUING_COUNTRY"))
        for paper in node.all("INDIVIDUAL_DOCUMENT")
    )
    countries = (*node.texts("NATIONALITY", "VALUE"), *node.texts(f"{node.name}_ADDRESS", "COUNTRY"))
    births = (_un_birth(birth) for birth in node.all("INDIVIDUAL_DATE_OF_BIRTH"))
    return ListedParty(
        node.first("REFERENCE_NUMBER") or node.first("DATAID"),
        "individual" if person else "entity",
        names,
        identifiers=papers,
        programmes=node.texts("UN_LIST_TYPE"),
        listed_on=optional_day(node.first("LISTED_ON"), "LISTED_ON"),
        countries=_countries(countries),
        births=tuple(dict.fromkeys(filter(None, births))),
    )


def _un_birth(node: Node) -> str:
    """A day, a year, or two years with a slash between them."""
    span = "/".join(filter(None, (node.first("FROM_YEAR"), node.first("TO_YEAR"))))
    return node.first("DATE")[:10] or node.first("YEAR") or span


def _ofac_party(node: Node) -> ListedParty:
    aliases = [(_ofac_name(aka), aka.first("category") != "weak") for aka in node.all("akaList", "aka")]
    papers = _identifiers(
        (paper.first("idType"), paper.first("idNumber"), paper.first("idCountry")) for paper in node.all("idList", "id")
    )
    countries = (
        *node.texts("nationalityList", "nationality", "country"),
        *node.texts("citizenshipList", "citizenship", "country"),
        *node.texts("addressList", "address", "country"),
    )
    return ListedParty(
        node.first("uid"),
        _OFAC_KINDS.get(node.first("sdnType").lower(), "entity"),
        _names([(_ofac_name(node), True), *aliases]),
        identifiers=papers,
        programmes=node.texts("programList", "program"),
        countries=_countries(countries),
        births=node.texts("dateOfBirthList", "dateOfBirthItem", "dateOfBirth"),
    )


def _ofac_name(node: Node) -> str:
    return " ".join(filter(None, (node.first("firstName"), node.first("lastName"))))


def _eu_party(node: Node) -> ListedParty:
    kinds = [kind.attributes.get("code", "") for kind in node.all("subjectType")]
    names = [
        (alias.attributes.get("wholeName") or alias.first("wholeName"), alias.attributes.get("strong") != "false")
        for alias in node.all("nameAlias")
    ]
    papers = _identifiers(
        (
            paper.attributes.get("identificationTypeCode", ""),
            paper.attributes.get("number", ""),
            paper.attributes.get("countryIso2Code", ""),
        )
        for paper in node.all("identification")
    )
    acts = [act.attributes for act in node.all("regulation")]
    days = [optional_day(act.get("publicationDate", ""), "publicationDate") for act in acts]
    places = [
        place.attributes.get("countryIso2Code", "") for name in ("citizenship", "address") for place in node.all(name)
    ]
    births = [birth.attributes.get("birthdate") or birth.attributes.get("year", "") for birth in node.all("birthdate")]
    return ListedParty(
        node.attributes.get("euReferenceNumber") or node.attributes.get("logicalId", ""),
        _EU_KINDS.get(kinds[0] if kinds else "", "entity"),
        _names(names),
        identifiers=papers,
        programmes=tuple(dict.fromkeys(act["programme"] for act in acts if act.get("programme"))),
        listed_on=min(filter(None, days), default=""),
        countries=_countries(places),
        births=tuple(dict.fromkeys(filter(None, births))),
    )


def _names(pairs: Iterable[tuple[str, bool]]) -> tuple[Alias, ...]:
    """Each name once, strong if it stands there strong; the first is the primary one."""
    strong: dict[str, bool] = {}
    for text, is_strong in pairs:
        if text.strip():
            name = " ".join(text.split())
            strong[name] = strong.get(name, False) or is_strong
    return tuple(Alias(name, is_strong) for name, is_strong in strong.items())


def _identifiers(papers: Iterable[tuple[str, str, str]]) -> tuple[Identifier, ...]:
    found = (Identifier(kind, number, country_code(country)) for kind, number, country in papers if number)
    return tuple(dict.fromkeys(found))


def _countries(names: Iterable[str]) -> tuple[str, ...]:
    """Codes of those that are recognised, each once; "00" and other stand-ins are none."""
    return tuple(dict.fromkeys(filter(None, map(country_code, names))))
