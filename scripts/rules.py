"""The page of all rules, from the packs that ship with the project."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.rules.checks import CHECKS
from ledger.rules.claim import CLAIMS
from ledger.rules.pack import Pack, RuleForm
from ledger.rules.packs import read_packs

HEAD = """# The rules

Generated from `ledger/rules/packs/*.toml` by `make pages`; how packs are written stands in
[formats/packs.md](formats/packs.md), how findings add up in [verification.md](verification.md).

**Status** says how far the requirement was compared with the official text: *read* where it was, else what is still
to be compared. A threshold that is ours, or on which official sources disagree, is a parameter with a remark; a claim
may set it otherwise, and the verdict says so. A rule marked *optional* counts by what it finds, not by whether it
could be judged. Nothing here is legal advice.
"""


def format_page() -> str:
    """The whole page."""
    packs = list(read_packs().values())
    total = sum(len(pack.rules) for pack in packs)
    parts = [HEAD, f"{total} rules in {len(packs)} packs.\n", _claims(), *(_pack(pack) for pack in packs), _checks()]
    return "\n".join(parts)


def _claims() -> str:
    rows = []
    for name, claim in CLAIMS.items():
        packs = ", ".join(
            pack if prefixes == ("",) else f"{pack} ({', '.join(prefixes)})" for pack, prefixes in claim.rules.items()
        )
        rows.append(f"| `{name}` | {claim.title}. | {', '.join(claim.subjects)} | {packs} |")
    return _table("## Claims\n", ("claim", "says", "about a", "packs, or the rules of them that begin so"), rows)


def _pack(pack: Pack) -> str:
    head = pack.head
    until = f" until {head.until}" if head.until else ""
    dates = f"`{pack.id}` {pack.version}, in effect from {head.effective}{until}."
    intro = f"## {head.title}\n\n{dates} {head.about} Source: {head.source}.\n"
    columns = ("rule", "requirement", "severity", "least grade", "risk", "evidence, and who has it", "check", "status")
    text = _table(intro, columns, (_rule(rule) for rule in pack.rules))
    parameters = [
        f"| `{name}` | {_cell(one.value)}{f' {one.unit}' if one.unit else ''} | {_cell(one.remark or '')} |"
        for name, one in head.parameters.items()
    ]
    return text + (_table("", ("parameter", "value", "remark"), parameters) if parameters else "")


def _rule(rule: RuleForm) -> str:
    cited = f"[{rule.citation.text}]({rule.citation.url})" if rule.citation.url else rule.citation.text
    status = f"to compare: {rule.citation.unverified}" if rule.citation.unverified else "read"
    remark = f" *{rule.remark}*" if rule.remark else ""
    severity = f"{rule.severity.value}{', optional' if rule.optional else ''}"
    return (
        f"| `{rule.id}` | {_cell(rule.requirement)} {_cell(cited)}{_cell(remark)} | {severity} "
        f"| {rule.grade.replace('_', ' ')} | {', '.join(area.value.replace('_', ' ') for area in rule.risk)} "
        f"| {_cell(rule.evidence)} ({', '.join(rule.supplier)}) | `{rule.check}` | {_cell(status)} |"
    )


def _checks() -> str:
    rows = [f"| `{name}` | {_cell(check.summary)} |" for name, check in sorted(CHECKS.items())]
    return _table("## The vocabulary of checks\n", ("check", "passes when"), rows)


def _table(intro: str, columns: tuple[str, ...], rows: Iterable[str]) -> str:
    return "\n".join((intro, f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *rows, ""))


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
