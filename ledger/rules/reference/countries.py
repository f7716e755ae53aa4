"""Country names and three-letter codes, as lists write them, into ISO 3166-1 alpha-2.

The table is that of `pycountry` (Debian iso-codes); the spellings that lists use and it does not know
stand here. What is not recognised is "", never a guess.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_ALSO: Final = {
    "bolivia (plurinational state of)": "BO",
    "congo (kinshasa)": "CD",
    "congo (brazzaville)": "CG",
    "congo, democratic republic of": "CD",
    "congo, democratic republic of the": "CD",
    "congo, republic of": "CG",
    "congo, republic of the": "CG",
    "democratic republic of congo": "CD",
    "democratic republic of the congo": "CD",
    "dr congo": "CD",
    "drc": "CD",
    "republic of the congo": "CG",
    "cote d ivoire": "CI",
    "cote d'ivoire": "CI",
    "ivory coast": "CI",
    "iran (islamic republic of)": "IR",
    "iran": "IR",
    "korea, north": "KP",
    "north korea": "KP",
    "korea, south": "KR",
    "south korea": "KR",
    "laos": "LA",
    "macedonia": "MK",
    "north macedonia, republic of": "MK",
    "palestinian": "PS",
    "russia": "RU",
    "swaziland": "SZ",
    "syria": "SY",
    "taiwan": "TW",
    "taiwan, province of china": "TW",
    "tanzania": "TZ",
    "turkey": "TR",
    "turkiye": "TR",
    "united states": "US",
    "usa": "US",
    "venezuela": "VE",
    "venezuela (bolivarian republic of)": "VE",
    "viet nam": "VN",
    "vietnam": "VN",
}


@lru_cache(maxsize=2048)
def country_code(name: str) -> str:
    """Alpha-2 code of a country's name, alpha-2 or alpha-3 code; "" when it is not recognised."""
    # Imported here: tables of 300 kB that a reader of other data need not load.
    import pycountry

    wanted = " ".join(name.casefold().split())
    if wanted in _ALSO:
        return _ALSO[wanted]
    try:
        return str(pycountry.countries.lookup(wanted).alpha_2)
    except LookupError:
        return ""


@lru_cache(maxsize=512)
def code_of_alpha3(code: str) -> str:
    """Alpha-2 code of an ISO 3166-1 alpha-3 code; "" when there is none."""
    import pycountry

    found = pycountry.countries.get(alpha_3=code)
    return str(found.alpha_2) if found is not None else ""
