"""`--rpc`, `--contract` and `--anchor`: nodes that are asked, and files that carry evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.audit.anchors import read_anchors
from clients.cli.verify import ask_about
from clients.sdk.errors import LocalError
from clients.sdk.nodes import ask_nodes, parse_places
from ledger.evidence.anchor import format_anchor
from ledger.evidence.anchored import NodeAnswer
from ledger.evidence.bundle import format_bundle
from tests.ledger.evidence.test_anchored import ANCHOR, WITH, anchor_at
from tests.ledger.evidence.test_bundle import SAMPLE
from tests.support.anchors import CHAIN, CONTRACT, NUMBER

EVIDENCE = json.loads(format_anchor(anchor_at(9)))
HASH = bytes.fromhex(EVIDENCE["block"][2:])


def node(told: dict[str, Any]) -> httpx.MockTransport:
    """A node that answers by method; blocks by their place."""

    def handle(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        found = told[asked["method"]]
        if asked["method"] == "eth_getBlockByNumber":
            found = found[asked["params"][0]]
        return httpx.Response(200, json=found if isinstance(found, dict) and "error" in found else {"result": found})

    return httpx.MockTransport(handle)


def blocks(**more: Any) -> dict[str, Any]:
    honest = {hex(NUMBER): {"hash": EVIDENCE["block"]}, "finalized": {"number": hex(NUMBER)}}
    return {"eth_chainId": hex(CHAIN), "eth_getBlockByNumber": {**honest, **more}}


def ask(told: dict[str, Any]) -> NodeAnswer:
    (answer,) = ask_nodes(["http://node.example"], [EVIDENCE, EVIDENCE], transport=node(told))
    return answer


def test_a_node_that_has_the_block() -> None:
    assert ask(blocks()) == NodeAnswer("http://node.example", CHAIN, NUMBER, HASH, True)


def test_a_node_that_has_it_not_final_or_not_at_all() -> None:
    assert ask(blocks(finalized={"number": hex(NUMBER - 1)})).final is False
    assert ask(blocks(finalized=None)).final is False
    assert ask(blocks(finalized={"error": {"message": "unknown tag"}})).final is False
    assert ask(blocks(**{hex(NUMBER): None})).hash == b""


@pytest.mark.parametrize(
    "told",
    [
        {"eth_chainId": {"error": {}}},
        {"eth_chainId": "one"},
        {"eth_chainId": None},
        blocks(finalized={"number": None}),
        blocks(**{hex(NUMBER): {"hash": 5}}),
        blocks(**{hex(NUMBER): "text"}),
    ],
)
def test_a_node_that_answers_nonsense(told: dict[str, Any]) -> None:
    answer = ask(told)
    assert (answer.number, answer.hash, answer.final, bool(answer.problem)) == (NUMBER, b"", False, True)


def test_a_node_that_is_not_there() -> None:
    (answer,) = ask_nodes(["http://127.0.0.1:1"], [EVIDENCE])
    assert answer.problem == "ConnectError"
    (answer,) = ask_nodes(["not an address"], [EVIDENCE])
    assert answer.problem


def test_evidence_that_is_none_is_asked_nobody_about() -> None:
    assert ask_nodes(["http://127.0.0.1:1"], [{"format": "lodeline-anchor/9"}, {}]) == []


def test_contracts() -> None:
    assert parse_places([]).pairs == ()
    assert parse_places([f"{CHAIN}:0x{CONTRACT.hex().upper()}", f"1:{CONTRACT.hex()}"]).pairs == (
        (CHAIN, CONTRACT),
        (1, CONTRACT),
    )
    for text in ("", "1", "0x1:0x" + "5f" * 20, "1:0x5f", "1:" + "zz" * 20):
        with pytest.raises(LocalError, match="--contract"):
            parse_places([text])


def test_nothing_is_asked_without_options() -> None:
    def never() -> list[Any]:
        raise AssertionError

    assert ask_about(None, None, never) == (None, [])
    places, nodes = ask_about([f"1:{CONTRACT.hex()}"], None, never)
    assert (places is not None, nodes) == (True, [])


def test_files_with_evidence(tmp_path: Path) -> None:
    single, bundle, without, other = (tmp_path / name for name in "abcd")
    single.write_bytes(format_anchor(anchor_at(9)))
    bundle.write_bytes(format_bundle(WITH))
    without.write_bytes(format_bundle(SAMPLE))
    other.write_text("something else")
    assert read_anchors(single) == [EVIDENCE]
    assert read_anchors(bundle) == [ANCHOR.evidence]
    with pytest.raises(LocalError, match="carries no anchor"):
        read_anchors(without)
    with pytest.raises(LocalError, match="neither"):
        read_anchors(other)
