"""A party's name in the form in which names are compared: Latin letters, lower case, no accents, no legal form.

Transliteration is `anyascii`'s table, pinned to one version because a verdict's scores rest on it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ledger.rules.reference.limits import MAX_NAME, check_limit

MAX_TOKENS: Final = 40

_INITIALS: Final = re.compile(r"\b(?:[a-z0-9]\.\s?){2,}(?:[a-z0-9]\b)?")
_APART: Final = re.compile(r"[^a-z0-9]+")
_FORMS: Final = frozenset(
    (
        "ltd", "limited", "llc", "llp", "lp", "inc", "incorporated", "corp", "corporation", "co", "company",
        "plc", "sarl", "sarlu", "sa", "sas", "sasu", "spa", "srl", "sprl", "bv", "nv", "ag", "gmbh", "mbh",
        "kg", "ohg", "oy", "oyj", "ab", "as", "asa", "aps", "pty", "pte", "pvt", "private", "public", "fze",
        "fzco", "fzc", "dmcc", "jsc", "ojsc", "pjsc", "cjsc", "ooo", "oao", "zao", "pao", "kk", "sdn", "bhd",
        "tbk", "pt", "cv", "ltda", "limitada", "eirl", "scarl", "scrl", "gie", "ets", "etablissements",
        "societe", "anonyme", "eurl", "snc", "proprietary", "unlimited",
    )
)  # fmt: skip
"""Words that say of what legal form a company is: they tell no two companies apart."""


@lru_cache(maxsize=16384)
def tokens_of(name: str) -> tuple[str, ...]:
    """The words of a name, normalised; legal forms at either end are taken off. Raises TooLarge.

    A name that is nothing but legal forms keeps them; a name without a letter or digit has no words.
    """
    # Imported here: only who compares names needs the tables.
    from anyascii import anyascii

    check_limit("characters of a name", len(name), MAX_NAME)
    plain = anyascii(name).lower().replace("'", "").replace("`", "")
    plain = _INITIALS.sub(lambda found: re.sub(r"[.\s]", "", found[0]) + " ", plain)
    words = _APART.sub(" ", plain).split()[:MAX_TOKENS]
    first, last = 0, len(words)
    while last > first and words[last - 1] in _FORMS:
        last -= 1
    while first < last and words[first] in _FORMS:
        first += 1
    return tuple(words[first:last] or words)


def plain_number(value: str) -> str:
    """An identifier as it is compared: upper case letters and digits only."""
    from anyascii import anyascii

    check_limit("characters of an identifier", len(value), MAX_NAME)
    return re.sub(r"[^A-Z0-9]", "", anyascii(value).upper())
