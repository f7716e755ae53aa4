"""Anchors in bundles and in audits: what holds, what is refused, and times that an anchor disproves."""

from __future__ import annotations

import builtins
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ledger.encoding import format_json
from ledger.errors import BundleError, Incomplete
from ledger.evidence.anchor import Anchor, format_anchor
from ledger.evidence.anchored import NodeAnswer, Places
from ledger.evidence.audit import Audit
from ledger.evidence.bundle import MAX_ANCHORS, Bundle, BundleAnchor, format_bundle, parse_bundle
from ledger.evidence.report import Report
from ledger.evidence.verify import verify_bundle
from ledger.log.merkle import leaf_hash, prove_consistency, tree_root
from ledger.log.tiles import TileId
from tests.ledger.evidence.test_bundle import SAMPLE, reseal
from tests.support.anchors import CHAIN, CONTRACT, NUMBER, anchor_of, head_of
from tests.support.evidence import POLICY, bundle_of, later, sign_log
from tests.support.world import ORIGIN, World, chain_world

OTHER = hashlib.sha256(b"other").digest()


@cache
def world() -> World:
    return chain_world()


@cache
def leaves() -> list[bytes]:
    return [leaf_hash(entry) for entry in world().log]


def logged(index: int) -> int:
    """Seconds, as the log claims."""
    return int(world().log[index].partition(b" ")[0]) // 1000


def anchor_at(size: int, *, time: int | None = None, **other: Any) -> Anchor:
    """An honest anchor of the world's log, a minute after what it covers."""
    taken = logged(size - 1) + 60 if time is None else time
    return anchor_of(head_of(size, tree_root(leaves()[:size]), time=taken), ORIGIN, **other)


def proof_between(old: int, new: int) -> tuple[bytes, ...]:
    if old == new:
        return ()
    return tuple(
        prove_consistency(old, new, lambda nodes: [tree_root(leaves()[n << k : (n + 1) << k]) for k, n in nodes])
    )


def carried(anchor: Anchor, proof: Sequence[bytes] | None = None) -> BundleAnchor:
    size = len(world().log)
    honest = proof_between(*sorted((anchor.head.size, size))) if anchor.head.size <= size else ()
    return BundleAnchor(json.loads(format_anchor(anchor)), tuple(honest if proof is None else proof))


def verify(*anchors: BundleAnchor, **more: Any) -> Report:
    bundle = replace(bundle_of(world(), "lot:5"), anchors=anchors)
    return verify_bundle(format_bundle(bundle), POLICY, later(world()), **more)


def step(report: Report) -> tuple[str, str]:
    """Outcome and sentence of the step."""
    return report.checks[-1].outcome.value, report.checks[-1].sentence


def reason(report: Report) -> str:
    (finding,) = report.findings
    return f"{finding.error.code} {finding.error.values.get('reason', '')}".strip()


def test_a_bundle_without_anchors() -> None:
    assert step(verify()) == ("pass", "No anchor was shown.")
    assert verify().details["anchors"] == []


def test_an_anchor_of_the_whole_log() -> None:
    size = len(world().log)
    report = verify(carried(anchor_at(size)))
    assert report.verified
    (told,) = report.details["anchors"]
    assert (told["size"], told["covers"], told["state"], told["chain"]) == (size, 14, "final", CHAIN)
    assert told["block"]["number"] == NUMBER
    outcome, sentence = step(report)
    assert outcome == "pass"
    assert "14 of 14 entries existed by" in sentence
    assert "What is left to trust: that block 1000" in sentence
    assert report.to_json()["anchors"] == [told]


def test_without_a_checkpoint_an_anchor_still_holds_by_itself() -> None:
    bundle = replace(bundle_of(world(), "lot:5"), anchors=(carried(anchor_at(9)),), checkpoint="no note")
    report = verify_bundle(format_bundle(bundle), POLICY, later(world()))
    assert report.outcome == "refuted"
    assert [one["size"] for one in report.details["anchors"]] == [9]


def test_an_older_anchor_covers_what_was_logged_before() -> None:
    report = verify(carried(anchor_at(9)), carried(anchor_at(12)))
    assert report.verified
    assert [one["covers"] for one in report.details["anchors"]] == [6, 9]
    assert "2 anchors hold: 9 of 14 entries" in step(report)[1]


def test_an_anchor_that_is_only_mined_says_so() -> None:
    anchor = anchor_at(9)
    mined = replace(anchor, finality=replace(anchor.finality, state="mined", confirmations=3))
    report = verify(carried(mined))
    assert report.details["anchors"][0]["state"] == "mined"
    assert "(mined, 3 confirmations)" in step(report)[1]


# ---- every lie -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"origin": "other.example/log"}, "false-anchor log"),
        ({"block": OTHER}, "false-anchor block"),
        ({"contract": OTHER[:20]}, "false-anchor account"),
        ({"header": b"\xc0"}, "false-anchor header"),
    ],
)
def test_evidence_of_something_else(change: dict[str, Any], expected: str) -> None:
    report = verify(carried(replace(anchor_at(9), **change)))
    assert (report.outcome, step(report)[0], reason(report)) == ("refuted", "fail", expected)
    assert report.details["anchors"] == []


def test_an_anchor_of_another_history() -> None:
    """The contract holds it, and the log that signed the bundle does not have it."""
    forked = anchor_of(head_of(9, OTHER), ORIGIN)
    assert reason(verify(carried(forked))) == "false-anchor consistency"
    assert reason(verify(carried(anchor_at(9), [OTHER]))) == "false-anchor consistency"
    assert reason(verify(carried(anchor_at(9), [*proof_between(9, 17), OTHER]))) == "false-anchor consistency"
    same = anchor_of(head_of(len(world().log), OTHER), ORIGIN)
    assert reason(verify(carried(same))) == "false-anchor root"


def test_an_anchor_that_goes_further_than_the_bundle() -> None:
    """The usual case of an old bundle: its checkpoint is covered by an anchor taken later."""
    short = replace(bundle_of(world(), "lot:5"), checkpoint=sign_log(world().log[:12], world().now))
    anchor = BundleAnchor(json.loads(format_anchor(anchor_at(17))), proof_between(12, 17))
    report = verify_bundle(format_bundle(replace(short, anchors=(anchor,))), POLICY, later(world()))
    assert step(report)[0] == "pass"


def test_form() -> None:
    broken = BundleAnchor({**json.loads(format_anchor(anchor_at(9))), "more": 1})
    assert reason(verify(broken)) == "anchor-error"
    unknown = BundleAnchor({"format": "lodeline-anchor/9"})
    assert reason(verify(unknown)) == "anchor-error"


def test_places_that_the_reader_accepts() -> None:
    anchor = carried(anchor_at(9))
    assert verify(anchor, places=Places(((1, OTHER[:20]), (CHAIN, CONTRACT)))).verified
    assert reason(verify(anchor, places=Places(((1, CONTRACT),)))) == "false-anchor chain"
    assert reason(verify(anchor, places=Places(((CHAIN, OTHER[:20]),)))) == "false-anchor contract"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be said of the anchors, and that is said; the rest of the bundle stands."""
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name in ("rlp", "eth_hash.auto", "trie.hexary"):
            raise ModuleNotFoundError(name=name)
        return real(name, *rest, **more)

    bundle = format_bundle(replace(bundle_of(world(), "lot:5"), anchors=(carried(anchor_at(9)),)))
    monkeypatch.setattr(builtins, "__import__", absent)
    report = verify_bundle(bundle, POLICY, later(world()))
    monkeypatch.undo()
    assert (report.outcome, step(report)) == (
        "incomplete",
        ("incomplete", "Anchors cannot be checked here: install `lodeline[anchor]`."),
    )


# ---- nodes ---------------------------------------------------------------------------------------------------------


def answer(anchor: Anchor, **other: Any) -> NodeAnswer:
    told: dict[str, Any] = {"node": "one", "chain": CHAIN, "number": NUMBER, "hash": anchor.block, "final": True}
    return NodeAnswer(**{**told, **other})


def test_nodes_that_agree() -> None:
    anchor = anchor_at(9)
    nodes = [answer(anchor), answer(anchor, node="two"), answer(anchor, node="elsewhere", chain=1, hash=OTHER)]
    report = verify(carried(anchor), nodes=nodes)
    assert report.verified
    assert report.details["anchors"][0]["nodes"] == ["one", "two"]
    assert step(report)[1].endswith("Block 1000 is canonical on chain 31337, says one, two.")


def test_nodes_that_do_not_agree() -> None:
    anchor = anchor_at(9)
    differs = [answer(anchor), answer(anchor, node="two", hash=OTHER)]
    assert reason(verify(carried(anchor), nodes=differs)) == "false-anchor canonical"
    missing = [answer(anchor, hash=b"", final=False)]
    assert reason(verify(carried(anchor), nodes=missing)) == "false-anchor canonical"


def test_nodes_that_cannot_say() -> None:
    anchor = anchor_at(9)
    silent = verify(carried(anchor), nodes=[answer(anchor), answer(anchor, node="two", problem="ConnectError")])
    assert (silent.outcome, reason(silent)) == ("incomplete", "incomplete")
    foreign = verify(carried(anchor), nodes=[answer(anchor, chain=1)])
    assert (foreign.outcome, "None of the nodes follows chain 31337" in step(foreign)[1]) == ("incomplete", True)


def test_final_is_what_nodes_call_final() -> None:
    anchor = anchor_at(9)
    report = verify(carried(anchor), nodes=[answer(anchor), answer(anchor, node="two", final=False)])
    assert report.details["anchors"][0]["state"] == "mined"
    mined = replace(anchor, finality=replace(anchor.finality, state="mined"))
    assert verify(carried(mined), nodes=[answer(anchor)]).details["anchors"][0]["state"] == "final"


# ---- times ---------------------------------------------------------------------------------------------------------


def test_a_time_that_a_final_anchor_disproves() -> None:
    """The log says that it took the entries after the block that covers them."""
    early = anchor_at(9, time=logged(8) - 301)
    report = verify(carried(early))
    assert report.outcome == "refuted"
    wrong = [one for one in report.findings if one.error.code == "false-time"]
    assert [one.index for one in wrong] == [n for n in range(9) if logged(n) > logged(8) - 1]
    assert wrong[-1].error.values == {"claimed": logged(8), "anchored": logged(8) - 301}
    assert verify(carried(anchor_at(9, time=logged(8) - 300))).verified, "clocks may differ by so much"


def test_a_block_that_may_still_go_disproves_nothing() -> None:
    early = anchor_at(9, time=logged(8) - 3000)
    mined = replace(early, finality=replace(early.finality, state="mined"))
    assert verify(carried(mined)).verified
    assert verify(carried(mined), nodes=[answer(early)]).outcome == "refuted", "it is final by now"


# ---- audits --------------------------------------------------------------------------------------------------------


def audit(*values: Any, size: int = 0, drop: bool = False, kept: Sequence[str] = ()) -> Report:
    """An audit of the world's log, hash tiles and all; drop: the tile is missing; kept: signed checkpoints."""
    from ledger.evidence.chunk import Chunk, check_chunk
    from ledger.log.tiles import format_bundle as format_entries

    log = world().log[: size or len(world().log)]
    run = Audit(POLICY, later(world()), ORIGIN)
    assert run.open(sign_log(log, world().now).encode()) is not None
    tile = b"".join(leaves()[: len(log)])
    tiles: dict[TileId, bytes] = {} if drop else {(0, 0): tile}
    for anchor in run.open_anchors(values, kept=[one.encode() for one in kept]):
        run.check_anchored(anchor, tiles)
    run.fold(check_chunk(Chunk(0, len(log), format_entries(log), tile), run.keys))
    return run.finish()


def evidence(anchor: Anchor) -> Any:
    return json.loads(format_anchor(anchor))


def test_an_audit_holds_anchors_against_the_log() -> None:
    assert step(audit()) == ("pass", "No anchor was shown.")
    report = audit(evidence(anchor_at(9)), evidence(anchor_at(17)))
    assert report.verified
    assert [one["covers"] for one in report.details["anchors"]] == [9, 17]


def test_an_audit_refuses_what_does_not_hold() -> None:
    assert reason(audit(evidence(anchor_of(head_of(9, OTHER), ORIGIN)))) == "false-anchor consistency"
    assert reason(audit(evidence(replace(anchor_at(9), block=OTHER)))) == "false-anchor block"
    early = audit(evidence(anchor_at(17, time=logged(16) - 1000)))
    assert {one.error.code for one in early.findings} == {"false-time"}


def test_an_audit_of_a_log_that_was_cut_back() -> None:
    report = audit(evidence(anchor_at(17)), size=12)
    assert (report.outcome, reason(report)) == ("incomplete", "incomplete")
    assert "More of this log is anchored" in step(report)[1]


def test_an_audit_holds_checkpoints_that_were_kept_elsewhere_against_the_log() -> None:
    log, now = world().log, world().now
    kept = [sign_log(log[:size], now) for size in (9, 17)]
    assert step(audit(kept=kept)) == ("pass", "The log extends 2 signed checkpoints that were kept outside it.")
    assert step(audit(evidence(anchor_at(9)), kept=kept[:1]))[1].endswith(
        "1 signed checkpoints that were kept outside it."
    )
    fork = [*log[:8], log[9], log[8]]
    for size in (9, 10):
        report = audit(kept=[sign_log(fork[:size], now)])
        assert (report.outcome, reason(report)) == ("refuted", "equivocation")
        assert "they are signed proof" in step(report)[1]
    assert reason(audit(kept=[sign_log(log[:9], now, "other.example/log")])) == "untrusted-note"
    assert audit(kept=kept, size=12).outcome == "incomplete"
    assert audit(kept=kept[:1], drop=True).outcome == "incomplete"


def test_an_anchor_that_cannot_be_read_leaves_the_question_open() -> None:
    run = Audit(POLICY, later(world()), ORIGIN)
    assert run.open(sign_log(world().log, world().now).encode()) is not None
    run.missing_anchor(Incomplete("The server has lost it."))
    told = run.finish().findings[0]
    assert (told.check, told.outcome.value) == ("anchors", "incomplete")


def test_an_audit_that_lacks_a_tile() -> None:
    report = audit(evidence(anchor_at(9)), drop=True)
    assert (report.outcome, reason(report)) == ("incomplete", "tile-error")


def test_an_audit_without_a_checkpoint_checks_no_anchor() -> None:
    run = Audit(POLICY, later(world()), ORIGIN)
    assert run.open(b"nothing") is None
    run.check_anchored(anchor_at(9), {})
    assert run.finish().findings[0].check == "checkpoint"


# ---- the form of a bundle with anchors -----------------------------------------------------------------------------

ANCHOR = BundleAnchor({"format": "lodeline-anchor/1"}, (OTHER, OTHER))
WITH: Bundle = replace(SAMPLE, anchors=(ANCHOR,))


def test_a_bundle_with_anchors_is_read_again() -> None:
    assert parse_bundle(format_bundle(WITH)) == WITH
    assert b'"anchors"' not in format_bundle(SAMPLE), "left out when there are none"


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/anchors", []),
        ("/anchors", {}),
        ("/anchors", [{"consistency": [], "evidence": {"format": "x"}}] * (MAX_ANCHORS + 1)),
        ("/anchors/0", {}),
        ("/anchors/0", []),
        ("/anchors/0/evidence", [{"consistency": [], "evidence": []}]),
        ("/anchors/0/evidence", [{"consistency": [], "evidence": {}}]),
        ("/anchors/0/evidence", [{"consistency": [], "evidence": {"format": "x" * 100_001}}]),
        ("/anchors/0/consistency", [{"consistency": {}, "evidence": {"format": "x"}}]),
        ("/anchors/0/consistency", [{"consistency": ["A" * 43] * 127, "evidence": {"format": "x"}}]),
        ("/anchors/0/consistency/0", [{"consistency": ["A"], "evidence": {"format": "x"}}]),
    ],
)
def test_anchors_of_another_form(pointer: str, value: Any) -> None:
    told = json.loads(format_bundle(WITH))
    told["anchors"] = [value] if pointer == "/anchors/0" else value
    with pytest.raises(BundleError) as caught:
        parse_bundle(reseal(told))
    assert caught.value.pointer == pointer


def test_a_digest_covers_the_anchors() -> None:
    told = json.loads(format_bundle(WITH))
    told["anchors"][0]["evidence"]["format"] = "lodeline-anchor/2"
    with pytest.raises(BundleError, match="damaged"):
        parse_bundle(format_json(told))
