"""Who must not see what, and who may: the rows of the table in `service.usecases.policy`, over HTTP."""

from __future__ import annotations

from typing import get_args

import pytest

from ledger.custody.vocabulary import Role
from service.usecases import policy
from service.usecases.paging import format_cursor
from service.usecases.policy import ANYBODY, Reader, RecordFacts, Relation
from service.usecases.policy import STRANGER as NO_RELATION
from service.usecases.statements import list_evidence
from tests.service.api.harness import SECRET, STRANGER, Desk, run_chain, send_concealed, serving, settle_in, weigh
from tests.support.world import (
    AUDITOR,
    AUTHORITY,
    BUYER,
    DEPOT,
    MINE,
    MINER,
    POLICY,
    REGISTRAR,
    SMELTER,
    TRADER,
    new_lot,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("engine")

LOTS = ("lot:1", "lot:4", "lot:5")
SEEN = {  # who sees which lots of the chain
    MINER: {"lot:1"},
    TRADER: {"lot:1", "lot:4"},
    SMELTER: {"lot:1", "lot:4", "lot:5"},
    AUDITOR: {"lot:1", "lot:4", "lot:5"},
    AUTHORITY: {"lot:1", "lot:4", "lot:5"},
    REGISTRAR: {"lot:1", "lot:4", "lot:5"},
    BUYER: set(),
    STRANGER: set(),
}


@pytest.mark.parametrize("reader", SEEN)
def test_a_lot_is_there_for_its_holders_and_those_downstream_only(chain: Desk, reader: str) -> None:
    for lot in LOTS:
        for tail in ("", "/history", "/provenance", "/bundle"):
            answer = chain.get(f"/v1/lots/{lot}{tail}", reader)
            assert answer.status_code == (200 if lot in SEEN[reader] else 404), (lot, tail, answer.text)


def test_a_stranger_cannot_tell_a_hidden_lot_from_one_that_never_was(chain: Desk) -> None:
    for tail in ("", "/history", "/provenance", "/bundle"):
        hidden = chain.get(f"/v1/lots/lot:5{tail}", STRANGER).json()
        missing = chain.get(f"/v1/lots/lot:never{tail}", STRANGER).json()
        assert hidden.pop("instance") != missing.pop("instance")
        assert hidden == missing
        assert hidden["status"] == 404
    for anonymous in ("lot:5", "lot:never"):
        assert chain.get(f"/v1/lots/{anonymous}").status_code == 401


def test_a_list_of_lots_holds_only_the_readers_own(chain: Desk) -> None:
    listed = {reader: {one["id"] for one in chain.get("/v1/lots", reader).json()["items"]} for reader in SEEN}
    assert listed[MINER] == {"lot:1", "lot:2", "lot:3"}
    assert listed[TRADER] == {"lot:1", "lot:2", "lot:3", "lot:4"}
    assert listed[SMELTER] == {"lot:4", "lot:5"}  # what lies upstream is reached through provenance
    assert listed[AUDITOR] == listed[AUTHORITY] == listed[REGISTRAR] == {f"lot:{n}" for n in range(1, 6)}
    assert listed[BUYER] == listed[STRANGER] == set()
    assert chain.get("/v1/lots").status_code == 401


def test_a_supplier_sees_no_customer_of_its_customer(chain: Desk) -> None:
    down = chain.get("/v1/lots/lot:1/provenance", MINER, direction="down").json()
    assert [node["id"] for node in down["nodes"]] == ["lot:1"]
    assert (down["edges"], down["hidden"]) == ([], 1)
    down = chain.get("/v1/lots/lot:1/provenance", TRADER, direction="down").json()
    assert [node["id"] for node in down["nodes"]] == ["lot:1", "lot:4"]
    assert [(edge["parent"], edge["child"]) for edge in down["edges"]] == [("lot:1", "lot:4")]
    assert down["hidden"] == 1
    down = chain.get("/v1/lots/lot:1/provenance", AUDITOR, direction="down").json()
    assert [node["id"] for node in down["nodes"]] == ["lot:1", "lot:4", "lot:5"]
    assert down["hidden"] == 0


def test_a_record_is_read_by_who_reads_a_lot_of_it(chain: Desk) -> None:
    smelted = chain.state.subjects["lot:5"].head
    for reader in (SMELTER, AUDITOR, TRADER):  # the trader held lot:4, which this record used up
        assert chain.get(f"/v1/records/{smelted}", reader).status_code == 200
    for reader in (MINER, BUYER, STRANGER, ""):
        assert chain.get(f"/v1/records/{smelted}", reader).status_code == 404
    assert chain.get(f"/v1/records/{smelted}/receipt").status_code == 200  # proofs betray nothing


def test_the_register_is_open_to_anybody(chain: Desk) -> None:
    for path in ("/v1/participants", "/v1/sites", f"/v1/participants/{MINER}", "/v1/sites/site:mine"):
        assert chain.get(path).status_code == 200
    for subject in (MINER, MINE):
        assert chain.get(f"/v1/records/{chain.state.subjects[subject].head}").status_code == 200


def test_entries_are_for_auditors_authorities_and_the_registrar(chain: Desk) -> None:
    path = f"/log/tile/entries/000.p/{len(chain.log)}"
    for reader in (AUDITOR, AUTHORITY, REGISTRAR):
        answer = chain.get(path, reader)
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")
        assert answer.headers["vary"] == "Authorization, Accept-Encoding"
    for reader in (MINER, TRADER, SMELTER, BUYER, STRANGER):
        assert chain.get(path, reader).status_code == 403
    assert chain.get(path).status_code == 401


def test_evidence_about_a_lot_is_hidden_from_strangers_and_about_a_site_from_outsiders(chain: Desk) -> None:
    about_lot, about_site = weigh(chain, "lot:5"), weigh(chain, MINE)

    def listed(reader: str) -> set[str]:
        return {one["id"] for one in chain.get("/v1/attestations", reader).json()["items"]}

    assert listed(SMELTER) >= {about_lot, about_site}
    assert listed(AUDITOR) >= {about_lot, about_site}
    assert listed(STRANGER) & {about_lot, about_site} == {about_site}
    assert chain.get("/v1/attestations").status_code == 401
    assert chain.get("/v1/attestations", STRANGER, subject="lot:5").status_code == 404
    assert chain.get("/v1/attestations", STRANGER, subject="lot:never").status_code == 404
    only = chain.get("/v1/attestations", SMELTER, subject="lot:5", kind="weighing", issuer=AUDITOR).json()["items"]
    assert [one["id"] for one in only] == [about_lot]
    assert chain.get("/v1/attestations", SMELTER, subject="lot:5", kind="assay").json()["items"] == []
    assert chain.get("/v1/attestations", SMELTER, issuer="did:web:nobody.example").json()["items"] == []


def test_a_page_of_evidence_is_filled_past_what_is_hidden(chain: Desk) -> None:
    """Nobody counts what others attest: a page ends early only after a long run of hidden statements."""
    hidden, shown = [weigh(chain, "lot:5") for _ in range(9)], weigh(chain, MINE)
    context, buyer = chain.service.context, Reader(BUYER, frozenset({"buyer"}))
    start = chain.get("/v1/attestations", AUDITOR, limit=200).json()["items"][-10]["index"] - 1
    page = list_evidence(context, buyer, "attest", cursor=format_cursor(start), limit=1)
    assert ([one["id"] for one in page["items"]], page["next"]) == ([shown], None)
    cursor, pages = format_cursor(start), []
    while cursor is not None:
        page = list_evidence(context, buyer, "attest", cursor=cursor, limit=1, step=2, scan=4)
        pages.append([one["id"] for one in page["items"]])
        cursor = page["next"]
    assert pages == [[], [], [shown], []] or pages == [[], [], [shown]]
    assert len(set(hidden)) == 9


@pytest.fixture(scope="module")
def concealed(chain: Desk) -> tuple[str, str]:
    """(record, lot) of a dispatch with a concealed driver, from the miner to the trader."""
    chain.extract(new_lot("lot:secret"))
    return send_concealed(chain, "lot:secret").id, "lot:secret"


@pytest.mark.parametrize(
    ("reader", "sees"), [(MINER, True), (TRADER, True), (AUDITOR, True), (AUTHORITY, True), (REGISTRAR, False)]
)
def test_disclosures_are_for_issuer_counterparty_auditor_and_authority(
    chain: Desk, concealed: tuple[str, str], reader: str, sees: bool
) -> None:
    answer = chain.get(f"/v1/records/{concealed[0]}", reader).json()
    assert answer["disclosed"]["transport"].get("driver") == (SECRET if sees else None)
    assert len(answer["disclosures"]) == int(sees)
    assert [one["state"] for one in answer["concealed"]] == ["disclosed" if sees else "withheld"]
    assert (SECRET in chain.get(f"/v1/lots/{concealed[1]}/history", reader).text) is sees


def test_a_later_holder_reads_the_record_but_not_what_it_conceals(chain: Desk, concealed: tuple[str, str]) -> None:
    record, lot = concealed
    chain.receive(TRADER, DEPOT, {lot: {"mass": "40", "moisture": "2", "assay": {"Ta2O5": "28.5"}}})
    chain.dispatch(TRADER, SMELTER, lot)
    answer = chain.get(f"/v1/records/{record}", SMELTER).json()
    assert answer["payload"]["body"]["consignee"] == TRADER
    assert answer["disclosures"] == []
    assert SECRET not in str(answer)


def test_public_entries_open_lots_and_records_but_no_disclosure(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("public"), policy=POLICY | {"entries": "public"}) as desk:
        settle_in(desk)
        run_chain(desk)
        desk.extract(new_lot("lot:6"))
        record = send_concealed(desk, "lot:6").id
        for reader in ("", STRANGER):
            assert desk.get(f"/log/tile/entries/000.p/{len(desk.log)}", reader).status_code == 200
            assert len(desk.get("/v1/lots", reader).json()["items"]) == 6
            assert desk.get("/v1/lots/lot:5/bundle", reader).status_code == 200
            assert desk.get("/v1/lots/lot:never", reader).status_code == 404
            shown = desk.get(f"/v1/records/{record}", reader)
            assert shown.status_code == 200
            assert SECRET not in shown.text
            assert [one["state"] for one in shown.json()["concealed"]] == ["withheld"]
        assert SECRET in desk.get(f"/v1/records/{record}", MINER).text


# ---- the table itself -----------------------------------------------------------------------------------------------

MEMBER, LINKED, GRANTED = (
    Reader("did:web:x.example", frozenset({"trader"})),
    Relation(linked=True),
    Relation(granted=True),
)
WITH = Relation(granted=True, granted_disclosures=True)
LOT_RECORD = RecordFacts(
    "dispatch", "did:web:a.example", has_lots=True, counterparties=frozenset({"did:web:b.example"})
)
SITE_EVIDENCE = RecordFacts("attest", "did:web:a.example", has_lots=False)


@pytest.mark.parametrize("role", get_args(Role))
def test_three_roles_read_everything_and_two_of_them_disclosures(role: str) -> None:
    reader = Reader("did:web:x.example", frozenset({role}))
    everything = role in ("auditor", "authority", "registrar")
    assert policy.may_read_entries(reader, public=False) is everything
    assert policy.may_read_lot(reader, NO_RELATION, public=False) is everything
    assert policy.may_read_record(reader, LOT_RECORD, NO_RELATION, public=False) is everything
    assert policy.may_read_disclosures(reader, LOT_RECORD, NO_RELATION) is (role in ("auditor", "authority"))
    assert policy.may_erase(reader, "did:web:a.example") is (role == "registrar")
    assert policy.may_revoke(reader, "did:web:a.example") is (role == "registrar")


def test_the_rows_of_the_table() -> None:
    for relation, reads, discloses in (
        (NO_RELATION, False, False),
        (LINKED, True, False),
        (GRANTED, True, False),
        (WITH, True, True),
    ):
        assert policy.may_read_lot(MEMBER, relation, public=False) is reads
        assert policy.may_read_record(MEMBER, LOT_RECORD, relation, public=False) is reads
        assert policy.may_read_disclosures(MEMBER, LOT_RECORD, relation) is discloses
        assert not policy.may_read_lot(ANYBODY, relation, public=False)
        assert not policy.may_read_disclosures(ANYBODY, LOT_RECORD, relation)
    assert policy.may_read_record(MEMBER, SITE_EVIDENCE, NO_RELATION, public=False)
    assert not policy.may_read_record(ANYBODY, SITE_EVIDENCE, NO_RELATION, public=False)
    assert policy.may_read_record(ANYBODY, SITE_EVIDENCE, NO_RELATION, public=True)
    for party in ("did:web:a.example", "did:web:b.example"):
        assert policy.may_read_record(Reader(party), LOT_RECORD, NO_RELATION, public=False)
        assert policy.may_read_disclosures(Reader(party), LOT_RECORD, NO_RELATION)
    for kind in policy.PUBLIC_TYPES:
        facts = RecordFacts(kind, "did:web:a.example", has_lots=False)
        assert policy.may_read_record(ANYBODY, facts, NO_RELATION, public=False)
        assert not policy.may_read_disclosures(ANYBODY, facts, NO_RELATION)
    assert not policy.may_erase(ANYBODY, "")


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"type": "dispatch", "body": {"consignee": "did:web:b"}}, {"did:web:b"}),
        ({"type": "participant", "body": {"id": "did:web:b"}}, {"did:web:b"}),
        ({"type": "key", "body": {"participant": "did:web:b"}}, {"did:web:b"}),
        ({"type": "site", "body": {"operator": "did:web:b"}}, {"did:web:b"}),
        ({"type": "receive", "body": {}}, {"did:web:before"}),
        ({"type": "settle", "body": {}}, {"did:web:before"}),
        ({"type": "attest", "body": {"statement": {"seller": "did:s", "buyer": "did:b"}}}, {"did:s", "did:b"}),
        ({"type": "attest", "body": {"statement": {"payer": "did:web:p", "payee": "a name"}}}, {"did:web:p"}),
        ({"type": "attest", "body": {}}, set()),
        ({"type": "attest", "body": {"statement": "odd"}}, set()),
        ({"type": "incident", "body": {"about": [{"subject": "did:web:accused"}]}}, set()),
        ({"type": "transform", "body": {"consignee": "did:web:b"}}, set()),
    ],
)  # fmt: skip
def test_the_counterparty_is_who_the_record_is_addressed_to(payload: dict[str, object], named: set[str]) -> None:
    assert policy.counterparties(payload, ["did:web:before"]) == named
