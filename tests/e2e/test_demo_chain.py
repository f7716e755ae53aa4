"""The demo where no Node is to be had: a chain in Python, its JSON-RPC, and several commands in one process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo import anchoring
from demo.anchoring import MISSING
from demo.processes import check_port
from demo.runner import run as play
from demo.stage import DemoFailed, Stage
from demo.tester_node import as_json, find_cause, reverted_with
from demo.together import run_together
from tests.e2e.test_demo import chain_port, free_port


def test_without_node_the_demo_anchors_on_a_chain_in_python_and_says_what_that_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def dispatch(stage: Stage) -> None:
        stage.notes["dispatch"] = stage["exporter"].client.head("site:export-plant")  # any record will do

    folder = tmp_path / "state"
    code = play(folder, free_port(), leave=True, node=False, scenes=(dispatch, anchoring.play))
    text = capsys.readouterr().out
    assert code == 0, text[-3000:]
    assert [line for line in MISSING if line not in text] == []
    assert "The chain is EthereumTester on this machine" in text
    assert re.findall(r"refused  (\w+)\(", text) == ["SizeNotIncreasing", "Equivocation", "InconsistentCheckpoint"]
    assert "reverted, and paid for" in text
    check_port(chain_port(folder))


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("execution reverted: b'\\x05\\xa7'", b"\x05\xa7"),
        ("b'\\x05'", b"\x05"),
        ("Revert(b'\\x05')", b"\x05"),
        ("execution reverted: gas", b""),
        ("execution reverted: 7", b""),
    ],
)
def test_the_chain_in_python_tells_what_a_contract_reverted_with(message: str, data: bytes) -> None:
    assert reverted_with(message) == data


def test_an_error_over_an_error_leads_to_the_first() -> None:
    first, over = KeyError("first"), OverflowError()
    over.__context__ = first
    assert find_cause(over, KeyError) is first
    assert find_cause(over, ZeroDivisionError) is None


def test_values_of_the_chain_in_python_are_those_of_json_rpc() -> None:
    told = {"number": 17, "hash": b"\x01", "status": True, "to": None, "logs": [(2, "x")]}
    assert as_json(told) == {"number": "0x11", "hash": "0x01", "status": True, "to": None, "logs": [["0x2", "x"]]}


def test_commands_in_one_process_stop_at_the_first_that_fails(tmp_path: Path) -> None:
    words = ("keygen", "--out", "key.json")
    (first,) = run_together(tmp_path, [words], {})
    assert "key.json" in first
    with pytest.raises(DemoFailed, match=r"`lodeline-server keygen --out key.json` ended with 2"):
        run_together(tmp_path, [words, ("keygen", "--out", "other.json")], {})
    assert not (tmp_path / "other.json").exists()
    with pytest.raises(DemoFailed, match="came to nothing"):
        run_together(tmp_path, [words], {"LODELINE_PYTHON": "1", "PYTHONPATH": "", "PYTHONHOME": "/nowhere"})
