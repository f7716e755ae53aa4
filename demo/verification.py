"""What outsiders can check: a buyer with a bundle, an auditor with the log's files, a witness, and erasure."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from demo.anchoring import anchors_of
from demo.chain import ID
from demo.d1_coltan import REFINED
from demo.setting import operate
from demo.stage import Stage
from ledger.encoding import format_json

BUNDLE, AFTER = "tantalum.bundle.json", "after-erasure.bundle.json"


def play(stage: Stage) -> None:
    """Buyer, forger, erasure, auditor."""
    stage.narrator.act(
        "Verification: nobody has to trust the operator",
        "A buyer asks where the tantalum comes from; an auditor recomputes the whole log.",
    )
    grant(stage)
    verify(stage)
    tamper(stage)
    erase(stage)
    audit(stage)


def grant(stage: Stage) -> None:
    """The refiner lets the buyer read the lot; a stranger is told that there is no such lot."""
    narrator, buyer = stage.narrator, stage["buyer"]
    narrator.say("A buyer asks the refiner, who grants it the lot for 30 days, concealed members included.")
    stage["tantalum"].run("grant", "give", REFINED, buyer.id, "--days", "30", "--disclosures", lines=8)
    buyer.run("lot", "provenance", REFINED, lines=30)
    narrator.say("A stranger asks the same and learns nothing, not even that the lot exists:")
    text = stage["stranger"].run("lot", "show", REFINED, code=1)
    stage.check("not-found" in text, "a stranger must be told that there is no such lot")


def verify(stage: Stage) -> None:
    """Bundle fetched, then checked without a network."""
    narrator, buyer = stage.narrator, stage["buyer"]
    narrator.say("The buyer fetches the evidence as one file, pulls the plug, and verifies it offline.")
    stage.wait_for_witness()
    buyer.run("lot", "bundle", REFINED, "--out", BUNDLE)
    with buyer.no_network():
        buyer.run("verify", BUNDLE, *_trust(stage), lines=40)
    narrator.good("verified offline: exit code 0")
    ask_the_chain(stage)


def ask_the_chain(stage: Stage) -> None:
    """What is left to trust offline, which block is canonical, is asked of a node."""
    narrator, buyer, anchors = stage.narrator, stage["buyer"], anchors_of(stage)
    if not anchors.chain.proofs:
        narrator.note("The bundle carries no anchor: the chain of this run gives no proofs to put into it.")
        return
    narrator.say("One thing is left to trust: that the chain has this block. The buyer asks a node of its choice.")
    with buyer.no_network():
        place = ("--rpc", anchors.chain.url, "--contract", anchors.place)
        text = buyer.run("verify", BUNDLE, *_trust(stage), *place, lines=0)
    (line,) = (one for one in text.splitlines() if " anchors: " in one)
    narrator.output(line)
    agreed = f"is canonical on chain {ID}, says {anchors.chain.url}"
    stage.check(agreed in line, "the node should have the anchor's block")
    narrator.good("verified against the chain: exit code 0")


def _trust(stage: Stage) -> tuple[str, ...]:
    """The trust policy: this log, and the witness must have cosigned."""
    return ("--trust", str(stage.notes["trust"]))


def tamper(stage: Stage) -> None:
    """One byte flipped; then by somebody who repairs the file's own digest afterwards."""
    narrator, buyer = stage.narrator, stage["buyer"]
    whole = (buyer.folder / BUNDLE).read_bytes()
    narrator.say("One byte of the file is flipped:")
    middle = whole.index(b'"entry":"') + 400
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    (buyer.folder / "flipped.bundle.json").write_bytes(flipped)
    buyer.run("verify", "flipped.bundle.json", *_trust(stage), code=1, lines=6)
    narrator.good("refuted: exit code 1")
    narrator.say("A forger who knows the format changes one character of a signed record and mends the file's digest:")
    (buyer.folder / "forged.bundle.json").write_bytes(forge(whole))
    text = buyer.run("verify", "forged.bundle.json", *_trust(stage), code=1, lines=16)
    stage.check("refuted" in text, "a forged bundle must be refuted")
    narrator.good("refuted all the same: the log never held such an entry")


def forge(bundle: bytes) -> bytes:
    """The bundle with one character of its last record's signature changed, in its canonical form again."""
    value = json.loads(bundle)
    value.pop("digest")
    entry = value["entries"][-1]["entry"]
    swapped = "A" if entry[-20] != "A" else "B"
    value["entries"][-1]["entry"] = entry[:-20] + swapped + entry[-19:]
    value["digest"] = hashlib.sha256(format_json(value)).hexdigest()
    return format_json(value)


def erase(stage: Stage) -> None:
    """The exporter erases the driver and the rest of what its dispatch concealed: every proof still holds."""
    narrator, exporter, buyer = stage.narrator, stage["exporter"], stage["buyer"]
    record = stage.notes["dispatch"]
    narrator.say("The driver asks to be forgotten. The exporter erases what its dispatch conceals, for good:")
    exporter.run("disclose", record, lines=12)
    before = stage.size()
    exporter.run("erase", record, "--yes")
    concealed = exporter.client.record(record)["concealed"]
    for one in concealed:
        stage.check(one["state"] == "erased", "an erased member must read erased")
        narrator.note(f"a member of {one['pointer']}, digest {one['digest'][:12]}…: {one['state']}")
    stage.check(len(concealed) == 5, "carrier, vehicle, driver, price and a document number were concealed")
    stage.check(stage.size() == before, "erasure must not touch the log")
    narrator.say("Every proof is as valid as before: a new bundle of the same lot verifies, the members are gone.")
    buyer.run("lot", "bundle", REFINED, "--out", AFTER)
    buyer.run("verify", AFTER, *_trust(stage), lines=40)
    stage.check(b"TZ-4471-B" not in _plain(buyer.folder / AFTER), "the driver must be gone from the bundle")
    narrator.good("verified with the disclosures erased: exit code 0")


def _plain(bundle: Path) -> bytes:
    """All disclosures of a bundle in plain."""
    from ledger.encoding import parse_b64url

    entries = json.loads(bundle.read_bytes())["entries"]
    return b"\n".join(parse_b64url(text) for entry in entries for text in entry.get("disclosures", ()))


def audit(stage: Stage) -> None:
    """The whole log over HTTP, then from an export: the second run proves that the log only grew since the first."""
    narrator, auditor = stage.narrator, stage["auditor"]
    narrator.say("The auditor recomputes the whole log: every hash, every signature, every custody rule.")
    stage.wait_for_witness()
    auditor.run("audit", stage.url, "--login", *_trust(stage), lines=30)
    narrator.say("The log grows by one entry; the operator exports it as plain files that any web server can serve.")
    stage["agency"].attest(
        stage.days.ago(60), "inspection", ["site:shadow-D"], "site:shadow-D is guarded",
        number="INSP-D-09", date=stage.days.date(0), office="Provincial division of mines",
        armed_presence="public_security",
    )  # fmt: skip
    stage.wait_for_witness()
    operate(narrator, stage.folder, "--state", "service", "export", "export")
    narrator.say("A second audit reads the export, without the service, and proves that the log only grew.")
    with auditor.no_network():
        text = auditor.run("audit", str(stage.folder / "export"), *_trust(stage), lines=30)
    stage.check("extends the checkpoint that you remember" in text, "the second audit must build on the first")
    narrator.good("audited twice: the log is append-only")
