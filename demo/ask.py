"""Questions at the command line: a claim is judged, and the answer told with what it rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.actor import run_lodeline
from demo.shapes import Json
from demo.stage import Stage

CORES = 2
LATE = {"online_days": "300", "offline_days": "300"}
"""The demo enters months of records in half a minute: every question asks to overlook how late they came."""

WORDS = {
    "pass": "met",
    "fail": "not met",
    "red_flag": "look closer",
    "insufficient_evidence": "not shown",
    "not_applicable": "does not apply",
}
_STYLES = {"pass": "green", "fail": "bold red", "red_flag": "yellow", "insufficient_evidence": "cyan"}
_GOOD = frozenset({"supported", "supported_with_plan"})
_SHOWN_IDS = 4
_SHOWN_FINDINGS = 6


@dataclass(frozen=True, slots=True)
class Question:
    """A claim to be asked, and the answer that it must have.

    rules: those that are told even though they don't decide; known: as of which time; bundle: file for the
    evidence; name: of the file that keeps the verdict, with the type of claim.
    """

    who: str
    subject: str
    claim: str
    answer: str
    terms: tuple[tuple[str, str], ...] = ()
    packs: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    known: str = ""
    bundle: str = ""
    name: str = ""

    @property
    def file(self) -> str:
        """Where the verdict is kept, in the asker's folder."""
        return f"{self.name or self.subject.lower()}-{self.claim}.json"

    @property
    def words(self) -> tuple[str, ...]:
        """The command."""
        late = LATE if not self.packs or "ledger-integrity" in self.packs else {}
        words = ["claim", self.subject, "--claim", self.claim, "--out", self.file]
        words += [word for pack in self.packs for word in ("--pack", pack)]
        words += [word for term, value in self.terms for word in ("--term", f"{term}={value}")]
        words += [word for member, value in late.items() for word in ("--parameter", f"{member}={value}")]
        words += ["--known-as-of", self.known] if self.known else []
        return tuple([*words, "--bundle", self.bundle] if self.bundle else words)


def ask(stage: Stage, question: Question) -> None:
    """Ask as a participant would, and tell the answer; DemoFailed when it is another one than the question says."""
    ask_ahead(stage, question)
    tell_answer(stage, question)


def ask_ahead(stage: Stage, *questions: Question) -> None:
    """Have several answered at once, two participants at a time; what comes of it is told by `tell_answer`."""
    by_asker: dict[str, list[Question]] = {}
    for one in questions:
        by_asker.setdefault(one.who, []).append(one)
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda several: _ask_all(stage, several), by_asker.values()))


def _ask_all(stage: Stage, questions: Sequence[Question]) -> None:
    for one in questions:
        _ask(stage, one)


def _ask(stage: Stage, question: Question) -> None:
    folder = stage[question.who].folder
    done = run_lodeline(folder, question.words, stage.narrator.inner_width)
    text = done.stdout + done.stderr
    stage.check((folder / question.file).is_file(), f"a verdict on {question.subject} was expected:\n{text}")
    given = read_verdict(folder / question.file)["answer"]
    wanted = question.answer
    stage.check(given == wanted, f"'{wanted}' was expected of {question.subject}, not '{given}':\n{text}")
    stage.check(done.returncode == (0 if wanted in _GOOD else 1), f"exit code {done.returncode} does not say '{given}'")


def tell_answer(stage: Stage, question: Question) -> None:
    """The command that was asked, the answer, and why."""
    stage.narrator.command(("lodeline", *question.words))
    tell(stage, read_verdict(stage[question.who].folder / question.file), question.rules)


def read_verdict(path: Path) -> Json:
    """The verdict of a file."""
    value: Json = json.loads(path.read_bytes())["verdict"]
    return value


def tell(stage: Stage, verdict: Json, rules: Sequence[str] = ()) -> None:
    """The claim, the answer, and the findings that decided it; those named in `rules` in any case."""
    claim = verdict["claim"]
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in claim["terms"].items())
    narrator = stage.narrator
    narrator.claimed(f"{claim['type'].replace('_', ' ')} of {claim['subject']}{': ' if said else ''}{said}")
    narrator.answered(verdict["answer"].replace("_", " "), _numbers(verdict), good=verdict["answer"] in _GOOD)
    deciding, named = chosen(verdict, rules)
    for one in [*deciding[:_SHOWN_FINDINGS], *named]:
        narrator.finding(WORDS[one["outcome"]], _STYLES[one["outcome"]], one["rule"], one["severity"], one["sentence"])
        ids = one.get("evidence", ())
        if ids:
            more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
            narrator.detail(f"rests on {', '.join(f'{record[:8]}…' for record in ids[:_SHOWN_IDS])}{more}{_grade(one)}")
        gaps = one.get("missing", ())
        if one["outcome"] == "insufficient_evidence" and gaps:
            narrator.detail(f"missing: {gaps[0]['what']}; could come from: {', '.join(gaps[0]['who'])}")
    if len(deciding) > _SHOWN_FINDINGS:
        more = ", ".join(one["rule"] for one in deciding[_SHOWN_FINDINGS:])
        narrator.detail(f"and {len(deciding) - _SHOWN_FINDINGS} more: {more}")


def _numbers(verdict: Json) -> str:
    """How many rules said what; what is optional or for information and not shown is counted apart."""
    counts = dict(verdict["counts"])
    idle = sum(_idle(one) for one in verdict["findings"])
    counts["insufficient_evidence"] -= idle
    said = [f"{counts[outcome]} {word}" for outcome, word in WORDS.items() if counts[outcome]]
    return ", ".join([*said, *([f"{idle} optional ones without data"] if idle else [])])


def _grade(finding: Mapping[str, Any]) -> str:
    return f" ({finding['grade'].replace('_', ' ')})" if finding.get("grade") else ""


def chosen(verdict: Json, rules: Sequence[str]) -> tuple[list[Json], list[Json]]:
    """What decided: faults, else flags, else what is not shown; and of `rules` those that apply beside it."""
    counted = [one for one in verdict["findings"] if one["severity"] != "info" and not _idle(one)]
    deciding: list[Json] = []
    for outcome in ("fail", "red_flag", "insufficient_evidence"):
        deciding = deciding or [one for one in counted if one["outcome"] == outcome]
    if verdict["answer"] in _GOOD:
        deciding = [one for one in counted if one["rule"].startswith("CLAIM.")]
    by_id = {one["rule"]: one for one in verdict["findings"] if one["outcome"] in _STYLES}
    deciding.sort(key=lambda one: rules.index(one["rule"]) if one["rule"] in rules else len(rules))
    return deciding, [by_id[rule] for rule in rules if rule in by_id and by_id[rule] not in deciding]


def _idle(finding: Mapping[str, Any]) -> bool:
    """Not shown, but optional or for information: it decides nothing."""
    light = bool(finding.get("optional")) or finding["severity"] == "info"
    return light and bool(finding["outcome"] == "insufficient_evidence")
