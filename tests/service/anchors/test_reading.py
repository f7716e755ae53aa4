"""What readers see of anchors: the API, bundles, lots; and a bundle that is verified against a real node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clients.audit.driver import run_audit
from clients.audit.sources import MAX_CHECKPOINT, FolderSource, UrlSource
from clients.sdk.nodes import ask_nodes, parse_places
from contracts import artifact
from ledger.evidence.anchor import check_anchor, parse_anchor
from ledger.evidence.bundle import parse_bundle
from ledger.evidence.report import Report
from ledger.evidence.trust import TrustedLog, TrustPolicy
from ledger.evidence.verify import verify_bundle
from ledger.log.checkpoint import open_checkpoint
from ledger.log.note import format_vkey
from scripts.devchain import Contract, Devchain
from service.adapters.anchor_folder import CheckpointFolder
from service.adapters.anchor_keys import KeystoreSigner
from service.adapters.ethereum import EthereumNode
from service.adapters.shelves import FolderShelf
from service.config import AnchorSettings
from service.usecases.anchor_chain import EthereumSink
from service.usecases.anchor_files import FileSink
from service.usecases.anchor_link import Link, Place
from service.usecases.anchor_setup import checksum
from service.usecases.anchoring import LogReader, Outbox
from service.usecases.publish import publish
from tests.architecture.source import ROOT
from tests.service.anchors.site import CHAIN, CODE, deploy
from tests.service.api.harness import LOG_KEY, Desk, run_chain, serving, settle_in
from tests.support.evidence import later
from tests.support.world import AUDITOR, ORIGIN, new_lot


@dataclass
class Office:
    """A service with the honest chain in it, anchored twice over: in a folder and in a contract."""

    desk: Desk
    chain: Devchain
    contract: Contract
    ethereum: EthereumSink
    files: FileSink

    def anchor(self, *, blocks: int = 1) -> int:
        """Give the newest checkpoint to both sinks and see it mined; its size. blocks: on top of it."""
        self.desk.now += 1_000
        newest = LogReader(self.desk.service.store).newest()
        assert newest is not None
        for sink in (self.ethereum, self.files):
            sink.submit(newest, self.desk.now)
        assert self.files.tick(self.desk.now) == "final"
        assert self.ethereum.tick(self.desk.now) == "sent"
        # The chain's clock stands years before the world's: it is set to the world's, as clocks of today agree.
        self.chain.rpc("evm_setNextBlockTimestamp", hex(self.desk.now + 30))
        self.chain.rpc("anvil_mine", hex(blocks))
        assert self.ethereum.tick(self.desk.now) == "mined"
        self.look()
        return newest.size

    def look(self) -> None:
        self.ethereum.tick(self.desk.now)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.desk.get(path, AUDITOR, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bundle(self, lot: str) -> bytes:
        answer = self.desk.get(f"/v1/lots/{lot}/bundle", AUDITOR)
        assert answer.status_code == 200, answer.text
        return answer.content

    def verify(self, data: bytes, **more: Any) -> Report:
        policy = TrustPolicy((TrustedLog(LOG_KEY.verifier),))
        return verify_bundle(data, policy, later(self.desk, 3600), **more)


@pytest.fixture
def office(tmp_path: Path, chain: Devchain, signer: KeystoreSigner) -> Iterator[Office]:
    contract = deploy(chain, signer)
    folder = tmp_path / "outside"
    folder.mkdir()
    with serving(tmp_path / "log") as desk:
        settle_in(desk)
        run_chain(desk)
        store = desk.service.store
        node = EthereumNode(chain.url, contract.address, artifact()["abi"], timeout=5)
        place = Place(CHAIN, "", checksum(contract.address), CODE, None)
        outbox = Outbox(store, "ethereum", "one")
        link = Link(outbox, LogReader(store), node, signer, place, AnchorSettings(low_gwei=0.0), ORIGIN)
        files = FileSink(
            Outbox(store, "file", "one"),
            LogReader(store),
            CheckpointFolder(folder),
            origin=ORIGIN,
            verifier=LOG_KEY.verifier,
        )
        yield Office(desk, chain, contract, EthereumSink(link), files)


def test_a_lot_says_how_far_it_is_out_of_the_operators_hands(office: Office) -> None:
    standing = office.get("/v1/lots/lot:5")["standing"]
    assert standing["witnessed"] is None
    assert standing["anchored"] == []
    assert standing["words"] == f"logged {standing['logged']}"

    size = office.anchor(blocks=3)
    standing = office.get("/v1/lots/lot:5")["standing"]
    told = {one["sink"]: one for one in standing["anchored"]}
    assert (told["ethereum"]["state"], told["ethereum"]["size"], told["ethereum"]["chain"]) == ("mined", size, CHAIN)
    assert told["ethereum"]["confirmations"] == 3
    assert (told["ethereum"]["lasting"], told["file"]["lasting"]) == (False, True)
    assert standing["words"] == f"anchored (final) {told['file']['time']}"

    office.chain.rpc("anvil_mine", "0x8")
    office.look()
    told = {one["sink"]: one for one in office.get("/v1/lots/lot:5")["standing"]["anchored"]}
    assert (told["ethereum"]["state"], told["ethereum"]["confirmations"]) == ("final", 11)

    office.desk.extract(new_lot("lot:9"))
    standing = office.get("/v1/lots/lot:9")["standing"]
    assert standing["words"].startswith("logged ")
    office.anchor()
    assert {one["size"] for one in office.get("/v1/lots/lot:5")["standing"]["anchored"]} == {size}, "the first one"
    assert {one["size"] for one in office.get("/v1/lots/lot:9")["standing"]["anchored"]} == {size + 1}


def test_anchors_are_listed_for_anybody(office: Office) -> None:
    empty = office.desk.client.get("/v1/anchors").json()
    assert empty == {"items": [], "next": None, "sinks": []}
    first = office.anchor()
    office.desk.extract(new_lot("lot:9"))
    second = office.anchor(blocks=10)
    listed = office.desk.client.get("/v1/anchors").json()
    assert [(one["size"], one["sink"]) for one in listed["items"]] == [
        (second, "ethereum"),
        (second, "file"),
        (first, "ethereum"),
        (first, "file"),
    ]
    assert [(one["sink"], one["condition"]) for one in listed["sinks"]] == [("ethereum", "ok"), ("file", "ok")]
    seen = []
    cursor: dict[str, str] = {}
    while True:
        page = office.desk.client.get("/v1/anchors", params={"limit": 1, **cursor}).json()
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == listed["items"]
    final = office.desk.client.get("/v1/anchors", params={"state": "final", "sink": "ethereum"}).json()["items"]
    assert [one["size"] for one in final] == [second, first]
    for wrong in ({"sink": "paper"}, {"state": "sure"}, {"cursor": "MQ"}, {"cursor": "x"}):
        assert office.desk.client.get("/v1/anchors", params=wrong).status_code == 400


def test_evidence_is_served_to_keep(office: Office) -> None:
    size = office.anchor(blocks=10)
    answer = office.desk.client.get(f"/v1/anchors/ethereum/{size}")
    assert answer.status_code == 200
    anchor = parse_anchor(answer.content)
    check_anchor(anchor, ORIGIN, chains=[CHAIN])
    assert anchor.finality.state == "final"
    again = office.desk.client.get(f"/v1/anchors/ethereum/{size}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    note = office.desk.client.get(f"/v1/anchors/file/{size}").content
    assert open_checkpoint(note, ORIGIN, [LOG_KEY.verifier]).size == size
    for path in (f"/v1/anchors/ethereum/{size + 1}", f"/v1/anchors/file/{size + 1}"):
        assert office.desk.client.get(path).status_code == 404


def test_a_bundle_carries_the_anchor_and_is_verified_against_a_node(office: Office) -> None:
    assert parse_bundle(office.bundle("lot:5")).anchors == ()
    size = office.anchor(blocks=10)
    data = office.bundle("lot:5")
    bundle = parse_bundle(data)
    (carried,) = bundle.anchors
    assert carried.evidence["head"]["size"] == size

    offline = office.verify(data)
    assert offline.verified, offline.findings
    (told,) = offline.details["anchors"]
    assert (told["state"], told["covers"]) == ("final", len(bundle.entries))
    assert "What is left to trust" in told["trust"]

    places = parse_places([f"{CHAIN}:{office.contract.address}"])
    nodes = ask_nodes([office.chain.url], [carried.evidence])
    asked = office.verify(data, places=places, nodes=nodes)
    assert asked.verified
    assert asked.details["anchors"][0]["nodes"] == [office.chain.url]

    elsewhere = parse_places([f"{CHAIN}:0x{'11' * 20}"])
    assert office.verify(data, places=elsewhere).outcome == "refuted"

    office.chain.rpc("anvil_reorg", 12, [])
    gone = office.verify(data, nodes=ask_nodes([office.chain.url], [carried.evidence]))
    assert (gone.outcome, gone.checks[-1].outcome.value) == ("refuted", "fail")
    assert "another block" in gone.checks[-1].sentence


def test_a_bundle_of_newer_records_carries_the_largest_anchor(office: Office) -> None:
    size = office.anchor(blocks=10)
    office.desk.extract(new_lot("lot:9"))
    report = office.verify(office.bundle("lot:9"))
    assert report.verified
    (told,) = report.details["anchors"]
    assert told["size"] == size
    assert told["covers"] == report.details["entries"]["shown"] - 1
    office.anchor(blocks=10)
    (told,) = office.verify(office.bundle("lot:9")).details["anchors"]
    assert told["covers"] == report.details["entries"]["shown"]


def test_an_operator_that_backdates_nothing_but_its_clock(office: Office) -> None:
    """The chain's clock says that the block was earlier than the log says it took the entries: a finding."""
    newest = LogReader(office.desk.service.store).newest()
    assert newest is not None
    office.ethereum.submit(newest, office.desk.now)
    assert office.ethereum.tick(office.desk.now) == "sent"
    office.chain.rpc("anvil_mine", "0xa")
    assert office.ethereum.tick(office.desk.now) == "mined"
    office.look()
    report = office.verify(office.bundle("lot:5"))
    assert report.outcome == "refuted"
    assert {one.error.code for one in report.findings} == {"false-time"}


def test_what_is_published_follows_the_chain(office: Office, tmp_path: Path) -> None:
    place, store = FolderShelf(tmp_path / "www"), office.desk.service.store

    def states() -> list[tuple[int, str]]:
        publish(store, LOG_KEY.verifier, place, entries=True)
        assert publish(store, LOG_KEY.verifier, place, entries=True).files == 0
        trust = TrustPolicy((TrustedLog(LOG_KEY.verifier),))
        report = run_audit(FolderSource(tmp_path / "www"), trust, later(office.desk, 3600), workers=0)
        assert report.verified
        return [(one["size"], one["state"]) for one in report.details.get("anchors", ())]

    assert states() == []
    size = office.anchor(blocks=3)
    assert states() == [(size, "mined")]
    path = f"anchors/ethereum/{size}.anchor.json"
    first = place.read(path)
    office.chain.rpc("anvil_mine", "0x8")
    office.look()
    office.look()
    assert states() == [(size, "final")]
    assert place.read(path) == office.desk.client.get(f"/v1/anchors/ethereum/{size}").content != first

    served = UrlSource(str(office.desk.client.base_url))
    served.read("checkpoint", MAX_CHECKPOINT)
    assert {one.sink: served.read_anchor(one) for one in served.list_anchors()} == {
        "ethereum": place.read(path),
        "file": place.read(f"anchors/file/{size}.checkpoint"),
    }
    served.close()


def lodeline(*words: str) -> Any:
    """The JSON report of a command in a process of its own."""
    program = "import sys; from clients.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, *words, "--json"], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_the_commands_of_an_auditor(office: Office, tmp_path: Path) -> None:
    size = office.anchor(blocks=10)
    bundle, evidence, copy = tmp_path / "lot.bundle.json", tmp_path / "a.anchor.json", tmp_path / "copy"
    bundle.write_bytes(office.bundle("lot:5"))
    evidence.write_bytes(office.desk.client.get(f"/v1/anchors/ethereum/{size}").content)
    publish(office.desk.service.store, LOG_KEY.verifier, FolderShelf(copy), entries=True)
    trust = ("--log-key", format_vkey(LOG_KEY.verifier))
    place = ("--rpc", office.chain.url, "--contract", f"{CHAIN}:{office.contract.address}")

    verified = lodeline("verify", str(bundle), *trust, *place, "--at", "2026-12-31")
    assert verified["outcome"] == "verified"
    assert verified["anchors"][0]["nodes"] == [office.chain.url]
    audited = lodeline(
        "audit", str(copy), *trust, *place, "--forget", "--anchor", str(evidence), "--anchor", str(bundle)
    )
    assert [one["size"] for one in audited["anchors"]] == [size], "given twice, and published"
    assert audited["checks"][-1]["outcome"] == "pass"
    assert "1 signed checkpoints" in audited["checks"][-1]["sentence"]
    refused = lodeline(
        "audit", str(copy), *trust, "--forget", "--anchor", str(evidence), "--contract", f"1:0x{'11' * 20}"
    )
    assert refused["outcome"] == "refuted"
    away = lodeline("verify", str(bundle), *trust, "--rpc", "http://127.0.0.1:1", "--at", "2026-12-31")
    assert away["outcome"] == "incomplete"
