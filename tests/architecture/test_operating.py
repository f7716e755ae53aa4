"""What operators read names every setting with its default, and metrics, log events, data sets, states that exist."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from ledger.rules.reference.datasets import DATASETS
from service.config import PREFIX, AnchorSettings, Limits, Settings
from service.metrics import Metrics
from service.usecases.anchoring import CONDITIONS, STATES
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
ANCHORING = (ROOT / "docs" / "anchoring.md").read_text(encoding="utf-8")
BY_STATE = {"LODELINE_DATABASE", "LODELINE_KEY", "LODELINE_VERIFIER_KEY"}


def rows(heading: str, page: str = PAGE) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
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


def anchor_settings(page: str) -> dict[str, str]:
    """Variable -> default, as the table shows them: several to a row, all but the first by their last word."""
    shown = dict.fromkeys(re.findall(r"`(LODELINE_ANCHOR_(?:SINKS|FOLDER))`", page), "")
    for names, defaults, _ in rows("To a contract", page):
        short = [name.removeprefix(f"{PREFIX}ANCHOR").lstrip("_") for name in re.findall(r"`(\w+)`", names)]
        values = defaults.split(", ") if re.match(r"\d", defaults) else [""] * len(short)
        shown |= {f"{PREFIX}ANCHOR_{name}": value for name, value in zip(short, values, strict=True)}
    return shown


def test_every_setting_of_anchors_is_there_with_its_default() -> None:
    plain = {
        f"{PREFIX}ANCHOR_{one.name.upper()}": getattr(AnchorSettings(), one.name) for one in fields(AnchorSettings)
    }
    expected = {name: f"{value:.10g}" if isinstance(value, int | float) else "" for name, value in plain.items()}
    assert anchor_settings(ANCHORING) == expected
    assert anchor_settings(ANCHORING.replace("| 180 |", "| 181 |")) != expected
    assert anchor_settings(ANCHORING.replace("`_TIP_GWEI`", "`_TIPS_GWEI`")) != expected


def test_every_state_and_condition_of_anchors_is_there() -> None:
    table = [name for names, _ in rows("States", ANCHORING) for name in re.findall(r"`(\w+)`", names)]
    assert sorted(table) == sorted(CONDITIONS)
    section = ANCHORING.partition("\n## States\n")[2].partition("\n|")[0]
    assert [state for state in STATES if f"`{state}`" not in section] == []


def test_the_calendar_has_every_data_set_once_and_in_time() -> None:
    days = {"day": 1, "week": 7, "month": 31, "quarter": 92, "half a year": 183, "year": 366}
    calendar = [
        (name, days[every]) for every, names in rows("Reference data") for name in re.findall(r"`(\w+)`", names)
    ]
    assert sorted(name for name, _ in calendar) == sorted(DATASETS)
    assert {name: every for name, every in calendar if every > DATASETS[name].stale_after} == {}


def names_of_metrics() -> set[str]:
    """As Prometheus stores them."""
    families = [(family.name, family.type) for family in Metrics().registry.collect()]
    return {f"{name}_total" if kind == "counter" else name for name, kind in families}


@pytest.mark.parametrize("page", ["docs/operating.md", "docs/anchoring.md", "docker/alerts-anchors.yml"])
def test_metrics_exist(page: str) -> None:
    named = set(re.findall(r"\blodeline_[a-z_]+", (ROOT / page).read_text(encoding="utf-8")))
    assert named
    assert named <= names_of_metrics()


def test_every_metric_is_looked_at_by_somebody() -> None:
    text = PAGE + (ROOT / "docker" / "alerts-anchors.yml").read_text(encoding="utf-8")
    assert {name for name in names_of_metrics() if not re.search(rf"\b{name}\b", text)} == set()


def test_log_events_exist() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "service").rglob("*.py"))
    section = PAGE.partition("| event | meaning |")[2].partition("\n\n")[0]
    events = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(events) == 14
    assert [event for event in events if f'"{event}"' not in source] == []
