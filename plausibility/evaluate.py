"""How well the shipped model does on worlds that it has never seen: precision and recall per fraud and overall.

For each fraud, worlds that hold only it. A subject counts as found when it is flagged. Precision is
over those who could have done it; `cases` counts a fraud as found when any of its subjects is
flagged. Those who only dealt with cheats count neither way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ledger.rules.plausibility.model import Model
from ledger.rules.plausibility.score import Anomaly, assess
from plausibility.frauds import PATTERNS
from plausibility.observe import observe
from plausibility.simulator import simulate
from plausibility.world import World

SEED = "held-out-2026"
WORLDS = 8
"""Worlds per fraud, and as many without any."""


class Tally(NamedTuple):
    """What happened to those who cheated and those who did not; by_score: found by the forest's score."""

    bent: int = 0
    found: int = 0
    by_score: int = 0
    honest: int = 0
    alarms: int = 0
    cases: int = 0
    cases_found: int = 0

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Row(NamedTuple):
    """A line of the table. precision, recall, case_recall: per mille, None where there is nothing to divide by."""

    name: str
    title: str
    tally: Tally
    drivers: tuple[tuple[str, int], ...]

    @property
    def precision(self) -> int | None:
        """Of those flagged, how many cheated."""
        if not self.tally.bent:
            return None
        return _per_mille(self.tally.found, self.tally.found + self.tally.alarms)

    @property
    def recall(self) -> int | None:
        """Of those who cheated, how many were flagged."""
        return _per_mille(self.tally.found, self.tally.bent)

    @property
    def case_recall(self) -> int | None:
        """Of the frauds, how many showed in at least one subject."""
        return _per_mille(self.tally.cases_found, self.tally.cases)

    @property
    def alarm_rate(self) -> int:
        """Flagged honest subjects in 10,000, rounded up."""
        return -(-self.tally.alarms * 10_000 // max(1, self.tally.honest))

    def to_json(self) -> dict[str, Any]:
        """Figures as integers."""
        return {
            "fraud": self.name,
            **self.tally._asdict(),
            "precision_per_mille": self.precision,
            "recall_per_mille": self.recall,
            "case_recall_per_mille": self.case_recall,
            "false_alarms_per_10000": self.alarm_rate,
            "drivers": dict(self.drivers),
        }


def evaluate(
    model: Model, *, seed: str = SEED, worlds: int = WORLDS, frauds: Iterable[str] = tuple(PATTERNS)
) -> list[Row]:
    """A row for each fraud, then `overall` (all worlds, everybody) and `honest` (worlds without fraud)."""
    rows, overall = [], Tally()
    for name in frauds:
        own, drivers = Tally(), dict[str, int]()
        for n in range(worlds):
            world = simulate(f"{seed}/{name}/{n}", [name])
            verdicts = judge(world, model)
            own = own.plus(tally(world, verdicts, name, everybody=False))
            overall = overall.plus(tally(world, verdicts, name, everybody=True))
            for subject in world.bent[name]:
                for driver in verdicts[subject].drivers[:1]:
                    drivers[driver.feature] = drivers.get(driver.feature, 0) + 1
        top = sorted(drivers.items(), key=lambda item: (-item[1], item[0]))[:3]
        rows.append(Row(name, PATTERNS[name].title, own, tuple(top)))
    honest = Tally()
    for n in range(worlds):
        world = simulate(f"{seed}/honest/{n}")
        honest = honest.plus(tally(world, judge(world, model), "", everybody=True))
    rows.append(Row("overall", "All worlds, everybody in them", overall.plus(honest), ()))
    rows.append(Row("honest", "Worlds without fraud", honest, ()))
    return rows


def judge(world: World, model: Model) -> dict[str, Anomaly]:
    """The score of everything in a world."""
    return {name: assess(observation, model) for name, observation in observe(world)}


def tally(world: World, verdicts: dict[str, Anomaly], fraud: str, *, everybody: bool) -> Tally:
    """Compare what was flagged with the truth; everybody: all subjects, not only those who could have done it."""
    bent = world.bent.get(fraud, set())
    judged = set(verdicts) if everybody else world.eligible[fraud]
    honest = judged - bent - world.involved
    cases = world.cases.get(fraud, [])
    return Tally(
        bent=len(bent),
        found=sum(verdicts[one].flagged for one in bent),
        by_score=sum(verdicts[one].flagged and verdicts[one].score >= verdicts[one].threshold for one in bent),
        honest=len(honest),
        alarms=sum(verdicts[one].flagged for one in honest),
        cases=len(cases),
        cases_found=sum(any(verdicts[one].flagged for one in case) for case in cases),
    )


def format_table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| fraud | bent | precision | recall | seen | false alarms | what gave them away |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        drivers = ", ".join(f"`{name}`" for name, _ in row.drivers)
        figures = [_percent(figure) for figure in (row.precision, row.recall, row.case_recall)]
        cells = [row.title, str(row.tally.bent), *figures, str(row.alarm_rate), drivers]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _per_mille(part: int, whole: int) -> int | None:
    return (2_000 * part + whole) // (2 * whole) if whole else None


def _percent(per_mille: int | None) -> str:
    return "" if per_mille is None else f"{per_mille // 10}.{per_mille % 10} %"
