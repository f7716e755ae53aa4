"""The plain checks that packs of one's own are made of: attested, field_present, validity_window."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ledger.errors import PackError
from ledger.rules.engine import Finding
from ledger.rules.outcome import Outcome
from tests.ledger.rules.test_engine import pack, trial
from tests.support.story import (
    AUTHORITY,
    EXPORTER,
    MINE_A,
    MINE_B,
    MINER,
    SMELTER,
    TRADER,
    Story,
    coltan_story,
    start_story,
)

PASS, FAIL, LACK, AWAY = Outcome.PASS, Outcome.FAIL, Outcome.INSUFFICIENT, Outcome.NOT_APPLICABLE


@pytest.fixture(scope="module")
def base() -> Story:
    return coltan_story().on("2026-05-21")


@pytest.fixture
def story(base: Story) -> Story:
    return copy.deepcopy(base)


def says(story: Story, check: str, members: str) -> Finding:
    found: Finding = trial(story, pack(f"with = {{ {members} }}", check=check, grade="self_attested"))
    return found


# ---- attested: about whom -------------------------------------------------------------------------------------------

WHOM = {
    "subject": ("lot:export",),
    "chain": ("lot:export",),
    "lots": tuple(f"lot:a-{n}" for n in range(1, 17)) + tuple(f"lot:b-{n}" for n in range(1, 5)) + ("lot:export",),
    "mined_lots": tuple(f"lot:a-{n}" for n in range(1, 17)) + tuple(f"lot:b-{n}" for n in range(1, 5)),
    "mines": (MINE_A, MINE_B),
    "sites": (MINE_A, MINE_B, "site:depot", "site:warehouse", "site:plant"),
    "smelters": ("site:plant",),
    "handlers": (MINER, "did:web:cooperative-b.example", TRADER, EXPORTER, SMELTER),
    "custodian": (SMELTER,),
    "consignments": ("lot:export", "lot:a-1", "lot:b-1"),
}
WEIGHING = {"gross": "41", "tare": "1", "net": "40", "scale": "S-1"}


@pytest.mark.parametrize("each", WHOM)
def test_evidence_about_each(story: Story, each: str) -> None:
    members = f'kind = "weighing", each = "{each}"'
    assert says(story, "attested", members).ruling.outcome is LACK
    for subject in WHOM[each]:
        story.attest(AUTHORITY, "weighing", subject, WEIGHING)
    assert says(story, "attested", members).ruling.outcome is PASS


def test_nobody_to_ask_about_is_not_applicable() -> None:
    bare = start_story()
    bare.register("site:new", "depot", TRADER)
    one = pack('with = { kind = "weighing", each = "smelters" }')
    claim = bare.claim("conduct", subject="site:new", packs=["trial"])
    from ledger.rules.packs import read_packs

    (finding,) = bare.judge(claim, packs=[read_packs()["claims"], one]).findings
    assert (finding.ruling.outcome, finding.ruling.sentence) == (AWAY, "There are no smelters here.")


def test_an_attestation_must_say_what_is_asked(story: Story) -> None:
    story.attest(AUTHORITY, "weighing", "lot:export", WEIGHING)
    asked = 'kind = "weighing", each = "subject", where = { scale = ["S-1", "S-2"] }'
    assert says(story, "attested", asked).ruling.outcome is PASS
    assert says(story, "attested", asked.replace("S-1", "S-3")).ruling.outcome is LACK


# ---- field_present --------------------------------------------------------------------------------------------------

FIELDS: list[tuple[str, Outcome]] = [
    ('record = "extract", each = "mines", fields = ["workers", "period.from"]', PASS),
    ('record = "extract", each = "mines", fields = ["team"]', LACK),
    ('record = "dispatch", each = "chain", fields = ["transport.seals"]', PASS),
    ('record = "dispatch", each = "chain", fields = ["transport.seals.first"]', LACK),
    ('record = "site", each = "mines", fields = ["location"]', PASS),
    ('record = "participant", each = "handlers", fields = ["name", "address"]', PASS),
    ('record = "participant", each = "mines", fields = ["name"]', LACK),
    ('record = "transform", each = "mined_lots", fields = ["model"]', PASS),
    ('kind = "weighing", each = "subject", fields = ["scale"]', LACK),
]


@pytest.mark.parametrize(("members", "outcome"), FIELDS)
def test_members_that_records_must_have(base: Story, members: str, outcome: Outcome) -> None:
    assert says(base, "field_present", members).ruling.outcome is outcome


def test_a_member_may_be_concealed_from_the_reader(story: Story) -> None:
    assay = {"sample": "S", "protocol": "P", "laboratory": AUTHORITY, "method": "XRF", "witness": "A witness",
             "grades": {"Ta2O5": {"value": "28"}}}  # fmt: skip
    story.attest(AUTHORITY, "assay", "lot:export", assay, conceal=["/body/statement/witness"])
    one = pack('with = { kind = "assay", each = "subject", fields = ["witness"] }', check="field_present")
    assert trial(story, one).ruling.outcome is PASS
    hidden = trial(story, one, erase=True).ruling
    assert (hidden.outcome, hidden.sentence) == (LACK, "The witness of the assay is concealed from this reader.")


# ---- validity_window ------------------------------------------------------------------------------------------------


def certificate(issued: str, expires: str, **more: Any) -> dict[str, Any]:
    return {
        "scheme": "icglr", "country": "CD", "number": "CD-1", "exporter": EXPORTER, "mass": "800", "origins": ["CD"],
        "authority": AUTHORITY, "verified": "2026-04-01", "issued": issued, "expires": expires, **more,
    }  # fmt: skip


WINDOWS: list[tuple[str, str, str, Outcome]] = [
    ("2026-04-05", "2026-07-03", 'used = "never", max_days = 90', PASS),
    ("2026-04-05", "2026-08-03", 'used = "never", max_days = 90', FAIL),
    ("2026-04-05", "2026-04-01", 'used = "never"', FAIL),
    ("2026-04-05", "2026-08-03", 'used = "today"', PASS),
    ("2026-04-05", "2026-05-01", 'used = "today"', FAIL),
    ("2026-03-01", "2026-06-01", 'used = "extraction"', PASS),
    ("2026-03-15", "2026-06-01", 'used = "extraction"', FAIL),
    ("2026-04-05", "2026-06-01", 'used = "dispatch"', PASS),
]


@pytest.mark.parametrize(("issued", "expires", "more", "outcome"), WINDOWS)
def test_a_document_is_valid_when_it_is_used(
    story: Story, issued: str, expires: str, more: str, outcome: Outcome
) -> None:
    members = f'kind = "certificate", each = "subject", {more}'
    assert says(story, "validity_window", members).ruling.outcome is LACK
    story.attest(AUTHORITY, "certificate", ["lot:export", "lot:a-1"], certificate(issued, expires))
    assert says(story, "validity_window", members).ruling.outcome is outcome


@pytest.mark.parametrize(("issued", "outcome"), [("2026-05-21", PASS), ("2026-05-23", FAIL)])
def test_a_document_must_be_in_force_at_the_dispatch_that_follows_it(
    story: Story, issued: str, outcome: Outcome
) -> None:
    story.attest(AUTHORITY, "certificate", "lot:export", certificate(issued, "2026-07-01"))
    story.on("2026-05-22").dispatch(SMELTER, TRADER, "site:plant", "site:depot", "lot:export")
    members = 'kind = "certificate", each = "subject", used = "dispatch"'
    assert says(story, "validity_window", members).ruling.outcome is outcome


def test_a_document_without_its_dates_shows_nothing(story: Story) -> None:
    story.attest(
        AUTHORITY, "licence", MINE_A, {"kind": "claim", "number": "L", "holder": MINER, "granted": "2026-01-01"}
    )
    members = 'kind = "licence", each = "chain", issued = "granted"'
    assert says(story, "validity_window", members).ruling.outcome is LACK
    assert "expires" in says(story, "validity_window", members).ruling.sentence
    with pytest.raises(PackError, match="'given' is no date of a licence: use one of granted, expires"):
        says(story, "validity_window", members.replace("granted", "given"))
