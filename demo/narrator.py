"""What the demo prints: scenes, sentences, one line per record, commands as a person would type them, refusals."""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ledger.errors import LedgerError

WIDTH = 118
SHOWN_LINES = 24
"""Lines of a command's output that are shown, unless the scene asks for more."""


class Narrator:
    """Prints to `console`; a terminal gets colours, a file gets the same words."""

    def __init__(self, console: Console | None = None) -> None:
        width = None if sys.stdout.isatty() else WIDTH
        self.console = console or Console(width=width, highlight=False, soft_wrap=True)

    @property
    def inner_width(self) -> int:
        """Columns that the output of a command may take, so that its tables fit below the story."""
        return max(72, min(WIDTH, self.console.width) - 4)

    def act(self, title: str, *lines: str) -> None:
        """A new scene."""
        self.console.print()
        self.console.rule(f"[bold cyan]{escape(title)}", align="left", style="cyan")
        for line in lines:
            self.console.print(escape(line), style="italic")

    def say(self, text: str) -> None:
        """A sentence of the story."""
        self.console.print(f"\n[bold]{escape(text)}[/]")

    def note(self, text: str, style: str = "") -> None:
        """A remark below a sentence."""
        self.console.print(f"  {escape(text)}", style=style or None)

    def good(self, text: str) -> None:
        """Something that holds."""
        self.console.print(f"  [green]ok[/]  {escape(text)}")

    def failed(self, text: str) -> None:
        """The demo ends here, and why."""
        self.console.print(f"\n[bold red]The demo stopped.[/] {escape(text)}")

    def record(self, index: int, record: str, kind: str, who: str, what: str) -> None:
        """One record that the log has taken: its place, the beginning of its id, who signed, what it says."""
        place = f"[dim]#{index:<4}{record[:8]}…[/]"
        self.console.print(f"  {place} [green]{escape(kind):<22}[/] {escape(who)}: {escape(what)}")

    def papers(self, record: str, kind: str, count: int, who: str, what: str) -> None:
        """Papers of one kind that somebody filed together; the id is that of the first."""
        times = f" x {count}" if count > 1 else ""
        label = f"{kind.replace('_', ' ')}{times}"
        self.console.print(f"  [dim]+    {record[:8]}…[/] [green]{escape(label):<22}[/] {escape(who)}: {escape(what)}")

    def refused(self, error: LedgerError, size: int) -> None:
        """A refusal with its typed error, and that the log is as long as before."""
        name = type(error).__name__
        at = f" at {error.pointer}" if error.pointer else ""
        self.console.print(f"  [red]refused[/]  [bold]{name}[/] ({error.code}){escape(at)}")
        self.console.print(f"           {escape(error.message)}")
        self.console.print(f"           [dim]nothing stored: the log still has {size} entries[/]")

    def reverted(self, what: str, error: str) -> None:
        """What was tried, and the error with which a contract refused it."""
        self.console.print(f"  [red]refused[/]  [bold]{escape(error)}[/]   [dim]{escape(what)}[/]")

    def claimed(self, text: str) -> None:
        """What is claimed, below the command that asks."""
        self.console.print(f"  [dim]claimed[/]  [bold]{escape(text)}[/]")

    def answered(self, answer: str, numbers: str, *, good: bool) -> None:
        """The answer, and how many rules said what."""
        style = "bold green" if good else "bold red"
        self.console.print(f"  [dim]answer[/]   [{style}]{escape(answer)}[/]   [dim]rules: {escape(numbers)}[/]")

    def finding(self, word: str, style: str, rule: str, severity: str, sentence: str) -> None:
        """What one rule says, folded below its name."""
        self.console.print(f"  [{style}]{escape(word):<12}[/] [bold]{escape(rule)}[/] [dim]({escape(severity)})[/]")
        for line in textwrap.wrap(sentence, self.inner_width - 16):
            self.console.print(f"               {escape(line)}")

    def detail(self, text: str) -> None:
        """Evidence or gaps below a finding."""
        for line in textwrap.wrap(text, self.inner_width - 16):
            self.console.print(f"               [dim]{escape(line)}[/]")

    def command(self, words: Sequence[str]) -> None:
        """A command line, repeated options folded together."""
        self.console.print(f"  [bold yellow]$ {escape(format_command(words))}[/]")

    def output(self, text: str, *, lines: int = SHOWN_LINES) -> None:
        """What a command printed, indented; of more than so many lines the beginning and the last one."""
        found = [line.rstrip() for line in text.splitlines() if line.strip()] if lines else []
        left_out = len(found) - lines
        for line in found if left_out <= 0 else found[: lines - 1]:
            self.console.print(f"  [dim]│[/] {escape(line)}")
        if left_out > 0:
            self.console.print(f"  [dim]│ … {left_out} more lines[/]")
            self.console.print(f"  [dim]│[/] {escape(found[-1])}")

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Figures side by side; every column but the first is aligned right."""
        table = Table(title=title, title_justify="left", header_style="bold", title_style="bold")
        for place, name in enumerate(columns):
            table.add_column(name, justify="right" if place else "left")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self.console.print()
        self.console.print(table)


def format_command(words: Sequence[str]) -> str:
    """The words as a shell would take them; of an option given more than twice the first one and how many follow."""
    shown: list[str] = []
    seen: dict[str, int] = {}
    place = 0
    while place < len(words):
        word = words[place]
        pair = (
            words[place : place + 2] if word.startswith("--") and place + 1 < len(words) else words[place : place + 1]
        )
        if len(pair) == 2 and pair[1].startswith("--"):
            pair = pair[:1]
        if len(pair) == 2 and words.count(word) > 3:
            seen[word] = seen.get(word, 0) + 1
            if seen[word] == 2:
                shown.append(f"… ({words.count(word) - 1} more {word})")
            if seen[word] > 1:
                place += 2
                continue
        shown += [shlex.quote(one) if len(one) < 60 else f"{shlex.quote(one[:44])}…" for one in pair]
        place += len(pair)
    return " ".join(shown)
