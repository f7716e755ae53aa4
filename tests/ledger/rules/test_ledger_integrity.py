"""The rules about the records themselves, each with every outcome that it can give."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.encoding import format_time, parse_time
from ledger.entry import parse_entry
from ledger.envelope import parse_record
from ledger.rules.packs import read_packs
from tests.support.cases import FAIL, FLAG, INSUFFICIENT, NOT_APPLICABLE, PASS, Bend, Case, check_case, dug, nobody
from tests.support.story import (
    CUSTOMS,
    EXPORTER,
    MINE_A,
    MINER,
    MONITOR,
    PLANT,
    SMELTER,
    TRADER,
    WAREHOUSE,
    Story,
    bags,
    start_story,
)
from tests.support.world import REGISTRAR


def honest(story: Story) -> None:
    """Nothing is bent."""


def enrolled_by_itself(story: Story) -> dict[str, Any]:
    """The registrar digs."""
    story.register("site:own-mine", "mine", REGISTRAR)
    story.on("2026-06-01").extract("site:own-mine", *bags("own", 1), period=("2026-05-01", "2026-05-31"))
    return {"subject": "lot:own-1"}


def revoke(story: Story, reason: str, day: str) -> None:
    """The registrar revokes the trader's key; day: when it was lost, stolen or replaced."""
    body = {"participant": TRADER, "action": "revoke", "kid": story.world.keys[TRADER].public.kid, "reason": reason}
    story.world.do(REGISTRAR, "key", body, [TRADER], time=f"{day}T00:00:00Z")


def signed_with_anothers_key(story: Story) -> None:
    append(story, SMELTER, "close", {"lots": ["lot:export"], "reason": "consumed"}, ["lot:export"], key=TRADER)


def append(story: Story, issuer: str, event: str, body: dict[str, Any], moves: list[str], *, key: str = "") -> None:
    """Write a record into the log that the rules would not have taken."""
    world = story.world
    signed = world.sign(issuer, event, body, moves, key=world.keys[key or issuer])
    world.log.append(b"%d %s" % (world.now * 1000, signed.jws.encode()))
    world.now += 1


def forked(story: Story) -> None:
    """The miner hands a bag over that the trader has already merged."""
    append(story, MINER, "close", {"lots": ["lot:a-1"], "reason": "lost"}, ["lot:a-1"])


def leave_out(event: str) -> Bend:
    """The evidence lacks the last record of a type."""

    def bend(story: Story) -> None:
        world = story.world
        world.log.remove(next(one for one in reversed(world.log) if payload_type(one) == event))

    return bend


def site_left_out(story: Story) -> None:
    """The lot goes on to a site of which the evidence says nothing."""
    story.register("site:unseen", "warehouse", EXPORTER)
    story.on("2026-05-21").dispatch(SMELTER, EXPORTER, PLANT, "site:unseen", "lot:export")
    leave_out("site")(story)


def payload_type(entry: bytes) -> str:
    return parse_record(parse_entry(entry)[1]).type


def sent_on(day: str) -> Bend:
    """The smelter sends the lot on, and then only time passes until a day."""

    def bend(story: Story) -> None:
        story.on("2026-05-21").dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, "lot:export")
        story.on(day)

    return bend


def refused(story: Story) -> None:
    story.on("2026-05-21").dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, "lot:export")
    body = {"outcome": "refused", "site": WAREHOUSE, "lots": [{"id": "lot:export"}], "seals": []}
    story.world.do(EXPORTER, "receive", body, ["lot:export"])


def disputed(story: Story) -> None:
    story.on("2026-05-21").dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, "lot:export")
    lighter = {**story.amount("lot:export"), "mass": "700"}
    story.receive(EXPORTER, WAREHOUSE, {"lot:export": lighter})


def settled(story: Story) -> None:
    disputed(story)
    body = {"lots": [{"id": "lot:export", "quantity": story.amount("lot:export")}]}
    story.world.do(SMELTER, "settle", body, ["lot:export"])


def correct(story: Story, event: str, issuer: str, replaced: dict[str, Any], nth: int = 0) -> str:
    """The issuer corrects the nth record of a type that it signed about the export lot."""
    shown = [one.record for one in story.shown() if one.record.type == event and one.record.iss == issuer]
    moved = [one for one in story.world.state.subjects if one in _subjects(shown[nth])]
    body = {"record": shown[nth].id, "type": event, "reason": "typing error", "replace": replaced}
    return story.world.do(issuer, "correct", body, moved)


def _subjects(record: Any) -> set[str]:
    new = record.body.get("outputs") or (record.body["lots"] if record.type == "extract" else ())
    return {*record.prev, *(one["id"] for one in new)}


TRANSPORT = {"transport": {"mode": "truck", "seals": ["S-2"]}}


def corrected_alone(story: Story) -> None:
    """The exporter changes the route after the smelter has signed for it."""
    correct(story, "dispatch", EXPORTER, TRANSPORT)


def corrected_and_signed_over(story: Story) -> None:
    corrected_alone(story)
    story.on("2026-05-22").dispatch(SMELTER, EXPORTER, PLANT, WAREHOUSE, "lot:export")


def corrected_and_confirmed(story: Story) -> None:
    correction = correct(story, "dispatch", EXPORTER, TRANSPORT)
    about = [{"subject": "lot:export", "record": correction}]
    body = {"kind": "contract", "about": about, "statement": {"title": "Agreed correction"}}
    story.world.do(SMELTER, "attest", body)


def corrected_and_passed_over(story: Story) -> None:
    correct(story, "dispatch", EXPORTER, TRANSPORT)
    story.attest(SMELTER, "contract", PLANT, {"title": "Of something else"})


def corrected_a_note(story: Story) -> None:
    correct(story, "receive", SMELTER, {"note": "seal cut by customs"})


def last_dispatch(story: Story, **claims: Any) -> None:
    """The smelter sends the lot on, with other times in the record."""
    body = {
        "lots": ["lot:export"], "consignee": EXPORTER, "from": PLANT, "to": WAREHOUSE,
        "transport": {"mode": "truck"}, "expected": format_time(story.world.now + 864_000),
    }  # fmt: skip
    story.world.do(SMELTER, "dispatch", body, ["lot:export"], **claims)


def late(signed: str, happened: str = "2026-05-21T12:00:00Z", logged: str = "2026-06-10") -> Bend:
    """The last dispatch happened on 21 May and is logged on a day; signed then, or when it was logged."""

    def bend(story: Story) -> None:
        story.on(logged)
        iat = story.world.now if signed == "later" else story.world.now - days(happened, logged)
        last_dispatch(story, iat=iat, time=happened)

    return bend


def days(start: str, end: str) -> int:
    return parse_time(f"{end}T12:00:00Z") - parse_time(start)


def declare(story: Story, lots: list[str], day: str) -> None:
    statement = {
        "declaration": "E-1", "code_system": "HS", "code": "261590", "net": "800", "exporter": EXPORTER,
        "destination": "MY",
    }  # fmt: skip
    body = {"kind": "export", "about": story.about(lots), "statement": statement}
    story.world.do(CUSTOMS, "attest", body, time=day)


def one_by_one(story: Story) -> dict[str, Any]:
    return backfill(story, pause=7200)


def enrolled_itself_again(story: Story) -> dict[str, Any]:
    """The registrar digs, and has enrolled itself."""
    found = enrolled_by_itself(story)
    story.world.do(REGISTRAR, "participant", {
        "id": REGISTRAR, "country": "CD", "roles": ["registrar", "producer"], "status": "active",
    }, [REGISTRAR])  # fmt: skip
    return found


def backfill(story: Story, pause: int = 0) -> dict[str, Any]:
    """A bag is declared for export in its extract, and everything else about it comes in one batch afterwards."""
    story.on("2026-06-01").extract(MINE_A, *bags("d", 1), period=("2026-05-25", "2026-05-30"))
    story.on("2026-06-04")
    declare(story, ["lot:d-1"], "2026-06-03T18:00:00Z")
    story.on("2026-06-05")
    moved = ["lot:d-1"]
    ends = {"from": MINE_A, "to": "site:depot", "transport": {"mode": "truck"}, "expected": "2026-06-03T17:00:00Z"}
    story.world.do(MINER, "dispatch", {"lots": moved, "consignee": TRADER, **ends}, moved, time="2026-06-02T06:00:00Z")
    story.world.now += pause
    got = {
        "outcome": "accepted",
        "site": "site:depot",
        "lots": [{"id": "lot:d-1", "quantity": story.amount("lot:d-1")}],
    }
    story.world.do(TRADER, "receive", got, moved, time="2026-06-02T12:00:00Z")
    return {"subject": "lot:d-1"}


def declared_in_order(story: Story) -> None:
    declare(story, ["lot:export"], "2026-05-20T12:00:00Z")


def signed_before(hours: int) -> Bend:
    def bend(story: Story) -> None:
        story.on("2026-05-21")
        last_dispatch(story, iat=story.world.now - 3600 * hours)

    return bend


def dug_tomorrow(story: Story) -> dict[str, Any]:
    story.on("2026-06-01").extract(MINE_A, *bags("e", 1), period=("2026-05-25", "2026-06-03"))
    return {"subject": "lot:e-1"}


def dated_back(story: Story) -> None:
    """The smelter dates the next record before its own receipt."""
    world = story.world
    signed = world.sign(
        SMELTER, "close", {"lots": ["lot:export"], "reason": "consumed"}, ["lot:export"], time="2026-05-01T12:00:00Z"
    )
    world.log.append(b"%d %s" % (world.now * 1000, signed.jws.encode()))


def some_hidden(story: Story) -> dict[str, Any]:
    return {"hidden": ("0" * 64,)}


def years_later(story: Story) -> None:
    story.on("2032-01-01")


def names_the_team(story: Story) -> None:
    story.on("2026-06-01").extract(MINE_A, *bags("f", 1), period=("2026-05-01", "2026-05-31"), team="Team Nine")


def tells_it_all(story: Story) -> None:
    story.incident(MONITOR, MINE_A, "A2.3.i", narrative="Armed men were seen at the pit.")


def conceals_it(story: Story) -> None:
    body = {
        "about": story.about(MINE_A), "category": "A2.3.i", "severity": 2, "status": "open",
        "narrative": "Armed men were seen at the pit.",
    }  # fmt: skip
    story.world.do(MONITOR, "incident", body, conceal=["/body/narrative"])


CASES: dict[str, Case] = {
    "everybody was enrolled by the registrar": ("LED.SIG", honest, PASS),
    "the signer says himself who he is": ("LED.SIG", enrolled_by_itself, INSUFFICIENT),
    "the registrar says who the registrar is": ("LED.SIG", enrolled_itself_again, INSUFFICIENT),
    "a record is signed with somebody else's key": ("LED.SIG", signed_with_anothers_key, FAIL),
    "the key was stolen a day before it signed": ("LED.SIG", lambda s: revoke(s, "stolen", "2026-04-02"), FAIL),
    "the key was stolen after its last record": ("LED.SIG", lambda s: revoke(s, "stolen", "2026-05-01"), PASS),
    "the key was replaced in time": ("LED.SIG", lambda s: revoke(s, "rotation", "2026-04-02"), PASS),
    "there is no custody to look at": ("LED.SIG", nobody, INSUFFICIENT),
    "all records link up": ("LED.CHAIN", honest, PASS),
    "a lot is spent twice": ("LED.CHAIN", forked, FAIL),
    "a dispatch is left out": ("LED.CHAIN", leave_out("dispatch"), FAIL),
    "the registration of a site is left out": ("LED.CHAIN", site_left_out, INSUFFICIENT),
    "a record is shown by hash only": ("LED.CHAIN", some_hidden, INSUFFICIENT),
    "there is no chain": ("LED.CHAIN", nobody, INSUFFICIENT),
    "both sides signed every handover": ("LED.DUAL", honest, PASS),
    "the lot was never handed over": ("LED.DUAL", dug, NOT_APPLICABLE),
    "the lot has been on its way for a week": ("LED.DUAL", sent_on("2026-05-28"), PASS),
    "nobody has signed for three weeks": ("LED.DUAL", sent_on("2026-06-11"), INSUFFICIENT),
    "the consignment was refused and came back": ("LED.DUAL", refused, PASS),
    "the sides disagree on the mass": ("LED.DUAL", disputed, FAIL),
    "the sides disagreed and settled": ("LED.DUAL", settled, PASS),
    "nothing was corrected": ("LED.SUPERSEDE", honest, NOT_APPLICABLE),
    "the route was changed after the receipt": ("LED.SUPERSEDE", corrected_alone, FAIL),
    "the receiver signed over the change": ("LED.SUPERSEDE", corrected_and_signed_over, PASS),
    "the receiver confirmed the change": ("LED.SUPERSEDE", corrected_and_confirmed, PASS),
    "the receiver signed something else": ("LED.SUPERSEDE", corrected_and_passed_over, FAIL),
    "a note was corrected": ("LED.SUPERSEDE", corrected_a_note, PASS),
    "all records came within a week": ("LED.LATE", honest, PASS),
    "a record was captured offline and came after twenty days": ("LED.LATE", late("then"), PASS),
    "a record was written twenty days later": ("LED.LATE", late("later"), FLAG),
    "an offline record came after forty days": ("LED.LATE", late("then", logged="2026-06-30"), FLAG),
    "the books were filled after the export": ("LED.LATE", backfill, FLAG),
    "the books were filled little by little": ("LED.LATE", one_by_one, PASS),
    "the export was declared when all was on record": ("LED.LATE", declared_in_order, PASS),
    "nothing was recorded": ("LED.LATE", nobody, INSUFFICIENT),
    "the dates follow one another": ("LED.ORDER", honest, PASS),
    "the signer's clock is an hour behind": ("LED.ORDER", signed_before(1), PASS),
    "it was signed a day before it happened": ("LED.ORDER", signed_before(24), FAIL),
    "it was produced after it was recorded": ("LED.ORDER", dug_tomorrow, FAIL),
    "it left before it arrived": ("LED.ORDER", dated_back, FAIL),
    "there is nothing to order": ("LED.ORDER", nobody, INSUFFICIENT),
    "the log is not anchored": ("LED.ANCHOR", honest, INSUFFICIENT),
    "all records are kept": ("LED.RETAIN5", honest, PASS),
    "not every record is shown": ("LED.RETAIN5", some_hidden, INSUFFICIENT),
    "all records are older than five years": ("LED.RETAIN5", years_later, NOT_APPLICABLE),
    "nobody is exposed": ("LED.PRIV", honest, PASS),
    "miners are named in the log": ("LED.PRIV", names_the_team, FAIL),
    "an account of an incident is in the log": ("LED.PRIV", tells_it_all, FAIL),
    "the account of an incident is concealed": ("LED.PRIV", conceals_it, PASS),
    "there is nothing to look at": ("LED.PRIV", nobody, INSUFFICIENT),
}


@pytest.mark.parametrize("words", CASES)
def test_ledger_integrity(base: Story, words: str) -> None:
    check_case(base, CASES[words])


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _ in CASES.values()} == {rule.id for rule in read_packs()["ledger-integrity"].rules}


def test_an_anchor_is_information_only(base: Story) -> None:
    judgement = base.judge(base.claim("chain_complete"))
    assert judgement.answer.value == "supported"
    assert start_story().facts(subject=MINE_A).subject_kind == "site"
