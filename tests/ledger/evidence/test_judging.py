"""Claims judged from bundles: the same answer offline, whatever else the bundle holds, and lies found."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ledger.encoding import format_json
from ledger.errors import Incomplete, UnknownSubject, VerdictError
from ledger.evidence.judging import Evidence, evidence_of, find_differences, judge, recompute, select_known
from ledger.log.checkpoint import Checkpoint
from ledger.rules.outcome import Answer
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References
from ledger.rules.verdict import format_verdict
from tests.support.evidence import bundle_of
from tests.support.story import (
    AUTHORITY,
    MINE_A,
    MINE_B,
    MINER,
    PLANT,
    SMELTER,
    TRADER,
    Story,
    bags,
    coltan_story,
)
from tests.support.world import ORIGIN, chain_world, new_lot, quantity

NOW = "2026-06-30T00:00:00Z"
HEAD = Checkpoint(ORIGIN, 40, bytes(32))


@pytest.fixture
def story() -> Story:
    return coltan_story()


def evidence(story: Story, subject: str = "lot:export", hidden: tuple[str, ...] = (), **more: Any) -> Evidence:
    return Evidence(subject, ORIGIN, story.shown(**more), hidden)


def verdict_of(story: Story, known: str = NOW, valid: str = NOW, **more: Any) -> dict[str, Any]:
    claim = story.claim("origin", {"country": "CD"}, packs=["claims"], **more)
    judged = judge(
        claim, evidence(story, claim.subject), read_packs(), References(), valid_as_of=valid, known_as_of=known
    )
    return format_verdict(judged, HEAD)


def test_a_verdict_is_recomputed_byte_for_byte(story: Story) -> None:
    verdict = verdict_of(story)
    assert verdict["answer"] == Answer.SUPPORTED.value
    again = recompute(verdict, evidence(story), read_packs().values(), References())
    assert format_json(again) == format_json(verdict)
    assert find_differences(verdict, again) == []


def test_what_came_later_or_belongs_to_others_changes_nothing(story: Story) -> None:
    verdict = verdict_of(story, known="2026-05-20T23:59:59Z", valid="2026-05-20T23:59:59Z")
    story.on("2026-06-01").incident(AUTHORITY, MINE_A, "A2.1.child", verified=True)
    story.extract(MINE_B, *bags("x", 3), period=("2026-05-02", "2026-05-31"))
    story.dispatch(SMELTER, TRADER, PLANT, "site:depot", "lot:export")
    again = recompute(verdict, evidence(story), read_packs().values(), References())
    assert format_json(again) == format_json(verdict)
    assert verdict_of(story)["evidence"] != verdict["evidence"]


def test_records_of_strangers_are_not_evidence(story: Story) -> None:
    before = verdict_of(story)
    story.on("2026-06-01").enrol("did:web:stranger.example", "UG", ["producer"])
    story.register("site:stranger", "mine", "did:web:stranger.example", "UG-404")
    story.extract("site:stranger", *bags("s", 2), period=("2026-05-02", "2026-05-31"))
    after = verdict_of(story)
    assert after["evidence"] == before["evidence"]
    assert format_json(after) == format_json(before)


def test_hidden_records_count_when_something_builds_on_them(story: Story) -> None:
    shown = story.shown()
    hidden = next(one for one in shown if one.record.type == "transform").record.id
    known, unseen = select_known(Evidence("lot:export", ORIGIN, shown, (hidden, "f" * 64)), NOW)
    assert unseen == [hidden]
    assert len(known) <= len(shown)


def test_a_site_is_judged_by_all_there_is(story: Story) -> None:
    known, _ = select_known(evidence(story, MINE_A), NOW)
    assert len(known) == len(story.world.log)
    assert len(select_known(evidence(story, MINE_A), "2026-03-31T23:00:00Z")[0]) < len(known)
    with pytest.raises(UnknownSubject):
        verdict_of(story, subject="lot:nowhere")


def test_a_lie_is_found_where_it_is(story: Story) -> None:
    verdict = verdict_of(story)
    lie = copy.deepcopy(verdict)
    lie["answer"] = "refuted"
    lie["findings"][0]["evidence"].pop()
    lie["counts"]["pass"] = 3
    again = recompute(lie, evidence(story), read_packs().values(), References())
    assert again == verdict
    assert find_differences(lie, again) == ["/answer", "/counts/pass", "/findings/0/evidence"]
    assert find_differences({"a": 1}, {"b": 1}) == ["/a", "/b"]
    assert find_differences([1, {"x": 2}], [1, {"x": 3}]) == ["/1/x"]


def test_what_is_not_at_hand_is_named(story: Story) -> None:
    verdict = verdict_of(story)
    with pytest.raises(Incomplete) as caught:
        recompute(verdict, evidence(story), [], References())
    assert caught.value.values["pack"] == "claims"
    verdict["references"] = [{"dataset": "orders", "digest": "0" * 64, "published": "2026-01-01"}]
    with pytest.raises(Incomplete) as caught:
        recompute(verdict, evidence(story), read_packs().values(), References())
    assert caught.value.values["dataset"] == "orders"


@pytest.mark.parametrize("member", ["claim", "log", "packs", "references", "valid_as_of", "known_as_of"])
def test_a_verdict_without_a_member_is_none(story: Story, member: str) -> None:
    verdict = verdict_of(story)
    for bad in ({k: v for k, v in verdict.items() if k != member}, {**verdict, member: 3}):
        with pytest.raises((VerdictError, Exception)) as caught:
            recompute(bad, evidence(story), read_packs().values(), References())
        assert caught.value.__class__.__module__ == "ledger.errors"


def test_a_verdict_about_something_else_is_refused(story: Story) -> None:
    with pytest.raises(VerdictError):
        recompute(verdict_of(story), evidence(story, "lot:a-1"), read_packs().values(), References())


def test_relabelling_changes_nothing_but_names() -> None:
    """The same chain under other lot ids gives the same findings."""

    def tell(prefix: str) -> list[tuple[str, str]]:
        story = coltan_story()
        story.on("2026-06-01").extract(MINE_A, *bags(prefix, 2), period=("2026-05-02", "2026-05-31"))
        names = [f"lot:{prefix}-1", f"lot:{prefix}-2"]
        story.transform(
            MINER, MINE_A, dict.fromkeys(names, "40"), new_lot(f"lot:{prefix}", quantity("80", "2", {"Ta2O5": "28.5"}))
        )
        verdict = verdict_of(story, subject=f"lot:{prefix}")
        return [(one["rule"], one["outcome"]) for one in verdict["findings"]]

    assert tell("p") == tell("zz") == [("CLAIM.ORIGIN", "pass")]


def test_a_verdict_rests_only_on_what_its_log_has(story: Story) -> None:
    verdict = verdict_of(story)
    last = max(one.index for one in story.shown())
    verdict["log"]["size"] = last + 1
    assert recompute(verdict, evidence(story), read_packs().values(), References()) == verdict
    verdict["log"]["size"] = last
    with pytest.raises(VerdictError) as caught:
        recompute(verdict, evidence(story), read_packs().values(), References())
    assert caught.value.pointer == "/log/size"


def test_what_a_bundle_shows_by_hash_only_is_named() -> None:
    world = chain_world()
    whole, veiled = (evidence_of(bundle_of(world, "lot:5", hash_only=hidden)) for hidden in ([], [11]))
    assert list(whole.hidden) == []
    (hidden,) = veiled.hidden
    assert {one.record.id for one in whole.shown} == {one.record.id for one in veiled.shown} | {hidden}
