"""Days of the story, counted back from the moment at which the demo runs, as records spell them."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from ledger.encoding import format_time

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Days:
    """now: seconds since the epoch; day 0 is the last midnight in UTC, day -1 the one before."""

    now: int

    def at(self, day: int, hour: int = 0, minute: int = 0) -> str:
        """A time on a past day."""
        midnight = self.now - self.now % DAY
        return format_time(midnight + day * DAY + hour * 3600 + minute * 60)

    def date(self, day: int) -> str:
        """The day alone."""
        return self.at(day)[:10]

    def ago(self, seconds: int) -> str:
        """A time a moment before the demo began."""
        return format_time(self.now - seconds)

    def month(self, day: int) -> str:
        """`2026-08`: the month in which a day lies, for names of batches."""
        return self.at(day)[:7]

    def month_around(self, day: int) -> tuple[int, int]:
        """The first and the last day of the calendar month in which a day lies."""
        then = date.fromisoformat(self.date(day))
        length = monthrange(then.year, then.month)[1]
        return day - then.day + 1, day - then.day + length
