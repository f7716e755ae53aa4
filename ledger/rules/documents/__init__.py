"""A verdict for people: as one HTML page and as PDF, with what each rule asks for beside what was found.

Both are laid out by kept libraries from templates beside this module: HTML by Jinja2 with
autoescaping, PDF by Typst, which gets the verdict as data and never as markup. They show what the
JSON says and add nothing to it; the JSON is what is signed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from ledger.rules.claim import CLAIMS
from ledger.rules.pack import Pack
from ledger.rules.verdict import verdict_id

if TYPE_CHECKING:
    from jinja2 import Template

ANSWERS: Final = {
    "supported": "Supported",
    "supported_with_plan": "Supported, with a plan",
    "review": "To be reviewed",
    "not_proven": "Not proven",
    "refuted": "Refuted",
}
MAX_MISSING: Final = 8
"""Missing things that the overview names per supplier; the findings name all of them."""
MAX_EVIDENCE: Final = 50
"""Records that a finding names for people; the JSON names all of them."""
OUTCOMES: Final = {
    "fail": "Not met",
    "red_flag": "Review",
    "insufficient_evidence": "Not proven",
    "pass": "Met",
    "not_applicable": "Does not apply",
}
"""As a buyer is shown them, worst first."""


def format_html(verdict: Mapping[str, Any], packs: Iterable[Pack], *, signed: bool) -> str:
    """The verdict as one HTML page that loads nothing from anywhere. packs: those that it names, as far as at hand."""
    return _template().render(_view(verdict, packs, signed=signed))


def format_pdf(verdict: Mapping[str, Any], packs: Iterable[Pack], *, signed: bool) -> bytes:
    """The verdict as PDF. packs: those that it names, as far as at hand."""
    import typst

    data = json.dumps(_view(verdict, packs, signed=signed), ensure_ascii=False)
    source = files(__name__).joinpath("verdict.typ").read_bytes()
    document: bytes = typst.compile(source, sys_inputs={"view": data}, ignore_system_fonts=True)
    return document


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files(__name__).joinpath("verdict.html").read_text(encoding="utf-8"))


def _view(verdict: Mapping[str, Any], packs: Iterable[Pack], *, signed: bool) -> dict[str, Any]:
    """What both templates show, as JSON-compatible values."""
    named = {pack["digest"] for pack in verdict["packs"]}
    rules = {rule.id: rule for pack in packs if pack.digest in named for rule in pack.rules}
    claim = verdict["claim"]
    known = CLAIMS.get(claim["type"])
    findings = [_finding(one, rules.get(one["rule"])) for one in verdict["findings"]]
    return {
        "id": verdict_id(dict(verdict)),
        "answer": verdict["answer"],
        "answer_words": ANSWERS.get(verdict["answer"], verdict["answer"]),
        "says": known.title if known else claim["type"],
        "type": claim["type"],
        "subject": claim["subject"],
        "terms": [[name.replace("_", " "), _words(value)] for name, value in claim["terms"].items()],
        "chosen": _chosen(verdict),
        "parameters": [[name, _words(value)] for name, value in verdict["parameters"].items()],
        "valid_as_of": verdict["valid_as_of"],
        "known_as_of": verdict["known_as_of"],
        "log": verdict["log"],
        "evidence": verdict["evidence"],
        "packs": verdict["packs"],
        "references": verdict["references"],
        "signed": signed,
        "groups": [
            {"outcome": outcome, "words": words, "findings": [one for one in findings if one["outcome"] == outcome]}
            for outcome, words in OUTCOMES.items()
        ],
        "missing": _missing(findings),
    }


def _finding(one: Mapping[str, Any], rule: Any) -> dict[str, Any]:
    return {
        "rule": one["rule"],
        "outcome": one["outcome"],
        "severity": one["severity"],
        "risk": ", ".join(area.replace("_", " ") for area in one["risk"]),
        "grade": one.get("grade", "").replace("_", " "),
        "requirement": rule.requirement if rule else "",
        "citation": rule.citation.text if rule else "",
        "unverified": (rule.citation.unverified or "") if rule else "",
        "sentence": one["sentence"],
        "evidence": one["evidence"][:MAX_EVIDENCE],
        "records": len(one["evidence"]),
        "missing": [{"what": gap["what"], "who": ", ".join(gap["who"])} for gap in one.get("missing", ())],
        "notes": [
            f"{words} {one[member]}"
            for member, words in (
                ("plan", "Covered by the mitigation plan"),
                ("discharged_by", "Discharged by"),
                ("confirmed_by", "Confirmed by"),
            )
            if one.get(member)
        ]
        + (["Left open too long: counts as a fault."] if one.get("overdue") else []),
    }


def _chosen(verdict: Mapping[str, Any]) -> str:
    """What the claimant chose otherwise than the claim of this type has it, "" for nothing."""
    chosen = [
        words
        for given, words in (
            (verdict["claim"].get("packs") is not None, "by packs that the claimant chose instead of the claim's own"),
            (bool(verdict["parameters"]), "with parameters that the claimant set"),
        )
        if given
    ]
    return f"Judged {' and '.join(chosen)}." if chosen else ""


def _missing(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is missing, by who could supply it."""
    asked: dict[str, dict[str, None]] = {}
    for one in findings:
        for gap in one["missing"]:
            asked.setdefault(gap["who"], {}).setdefault(gap["what"])
    return [
        {"who": who, "what": list(what)[:MAX_MISSING], "more": max(0, len(what) - MAX_MISSING)}
        for who, what in asked.items()
    ]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
