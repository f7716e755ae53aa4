"""French words of field surveys in the words of this project. What is not recognised stays unknown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ledger.errors import SnapshotError

_QUALIFICATIONS: Final = {
    "vert": "green", "jaune": "yellow", "rouge": "red", "bleu": "blue",
    "1": "green", "2": "yellow", "3": "red", "4": "blue",
    "0": "", "": "", "not class": "", "non classe": "", "non qualifie": "", "none": "",
}  # fmt: skip
"""Words and numbers of IPIS. ICGLR counts otherwise (0 blue): never read its numbers with this table."""

_MINERALS: Final = {
    "or": "gold", "cassiterite": "cassiterite", "coltan": "coltan", "wolframite": "wolframite", "cuivre": "copper",
    "cobalt": "cobalt", "heterogenite": "cobalt", "diamant": "diamond", "argent": "silver", "plomb": "lead",
    "manganese": "manganese", "amethyste": "amethyst", "fer": "iron", "lithium": "lithium",
}  # fmt: skip
_FREQUENCIES: Final = {
    "permanent": "permanent", "permanente": "permanent", "quotidien": "permanent", "quotidienne": "permanent",
    "plus d'une fois par semaine": "weekly", "une fois par semaine": "weekly", "hebdomadaire": "weekly",
    "chaque semaine": "weekly", "une fois tous les 15 jours": "monthly", "une fois par mois": "monthly",
    "mensuelle": "monthly", "trimestrielle": "rare", "semestrielle": "rare", "rarement": "rare",
    "non permanente": "rare", "occasionnelle": "rare", "temporaire": "rare", "a l'improviste": "rare",
    "aleatoire": "rare", "brusquement": "rare", "moins d'une fois par mois": "rare", "irreguliere": "rare",
}  # fmt: skip
_NON_STATE: Final = re.compile(
    r"\b(?:groupes? armes?|mai[- ]?mai|raia|mutomboki|fdlr|cnrd|m23|afc|adf|ndc|nduma|codeco|nyatura|rebelles?|milices?"
    r"|hors[- ]la[- ]loi|bandits?|combattants?|wazalendo|pareco|apcls)\b"
)
_STATE: Final = re.compile(
    r"\b(?:fardc|pnc|police|pmh|anr|dgm|armee|militaires?|soldats?|gr|garde republicaine|forces? de securite|t2"
    r"|auditorat|acteurs etatiques)\b"
)
_YES: Final = frozenset(("oui", "yes", "true", "vrai"))
_NO: Final = frozenset(("non", "no", "false", "faux"))


def fold(text: str) -> str:
    """Lower case without accents, typographic apostrophes as straight ones."""
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def recode_qualification(text: str) -> str:
    """Status of a site: green, yellow, red, blue or "". Raises SnapshotError for anything that IPIS does not use."""
    word = fold(text)
    if word not in _QUALIFICATIONS:
        raise SnapshotError(f"'{text[:40]}' is not a qualification that is known.")
    return _QUALIFICATIONS[word]


def recode_mineral(text: str) -> str:
    """The English name of a mineral, or the word itself in lower case."""
    return _MINERALS.get(fold(text), fold(text))


def recode_frequency(text: str) -> str:
    """permanent, weekly, monthly, rare, or "" for what is not recognised."""
    return _FREQUENCIES.get(fold(text), "")


def recode_force(text: str) -> str:
    """state_force, non_state or unknown. Who is named with both is non-state: the graver reading."""
    word = fold(text)
    if _NON_STATE.search(word):
        return "non_state"
    return "state_force" if _STATE.search(word) else "unknown"


def recode_flag(text: str) -> bool | None:
    """Yes, no, or None when the question was not answered; a count above zero is a yes."""
    word = fold(text).removesuffix(".0")
    if word.isascii() and word.isdigit():
        return any(digit != "0" for digit in word)
    return True if word in _YES else False if word in _NO else None
