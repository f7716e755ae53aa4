"""The operator's page names every setting with its default, and metrics, log events and data sets that exist."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from ledger.rules.reference.datasets import DATASETS
from service.config import PREFIX, Limits, Settings
from service.metrics import Metrics
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
BY_STATE = {"LODELINE_DATABASE", "LODELINE_KEY", "LODELINE_VERIFIER_KEY"}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def expected_settings() -> dict[str, str]:
    """Variable -> default as the page shows it; "" where words describe it."""
    plain, limits = Settings(), Limits()
    found = {f"{PREFIX}{one.name.upper()}": getattr(plain, one.name) for one in fields(Settings)}
    found = {name: value for name, value in found.items() if not hasattr(value, "__dataclass_fields__")}
    found |= {f"{PREFIX}LIMIT_{one.name.upper()}": getattr(limits, one.name) for one in fields(Limits)}
    return {name: f"`{value}`" if value not in ("", None) else "" for name, value in found.items()}


def test_every_setting_is_there_with_its_default() -> None:
    shown = {name.strip("`"): default for name, default, _ in rows("Settings")}
    expected = expected_settings()
    assert shown.keys() == expected.keys()
    assert {name: shown[name] for name in expected if expected[name]} == {n: d for n, d in expected.items() if d}
    assert {shown[name] for name in expected if not expected[name] and name not in BY_STATE} == {"none"}


def test_the_calendar_has_every_data_set_once_and_in_time() -> None:
    days = {"day": 1, "week": 7, "month": 31, "quarter": 92, "half a year": 183, "year": 366}
    calendar = [
        (name, days[every]) for every, names in rows("Reference data") for name in re.findall(r"`(\w+)`", names)
    ]
    assert sorted(name for name, _ in calendar) == sorted(DATASETS)
    assert {name: every for name, every in calendar if every > DATASETS[name].stale_after} == {}


@pytest.mark.parametrize("metric", sorted(set(re.findall(r"\blodeline_[a-z_]+", PAGE))))
def test_metrics_exist(metric: str) -> None:
    names = {family.name for family in Metrics().registry.collect()}
    assert metric.removesuffix("_total") in names


def test_log_events_exist() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "service").rglob("*.py"))
    section = PAGE.partition("| event | meaning |")[2].partition("\n\n")[0]
    events = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(events) == 14
    assert [event for event in events if f'"{event}"' not in source] == []
