"""What comes to light later: an incident, two verdicts that differ, one that was tampered with, one kept back."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clients.sdk import events
from demo.actor import Actor, run_lodeline
from demo.ask import CORES, ask
from demo.stage import Stage
from demo.verdicts import EXPORTABLE
from ledger.encoding import format_json, format_time
from ledger.entry import parse_entry
from ledger.envelope import parse_record
from ledger.keys import parse_private_jwk
from ledger.rules.signed import sign_verdict

BUNDLE, TAMPERED, SIGNED = "coltan.bundle.json", "tampered.bundle.json", "signed-lie.bundle.json"
SHORT = "without-incident.bundle.json"


def play(stage: Stage) -> None:
    """An incident, known from now on; the bundle with its verdict; two ways to cheat with it."""
    narrator, exporter = stage.narrator, stage["exporter"]
    narrator.act(
        "Later: an incident comes to light",
        "A verdict is about what was known. It stays what it was; the next one knows more.",
    )
    before = format_time(int(time.time()))
    _next_second(before)
    incident = report(stage)
    stage.wait_for_witness()
    now = replace(EXPORTABLE, answer="refuted", name="coltan-now", bundle=BUNDLE, rules=())
    then = replace(EXPORTABLE, name="coltan-then", known=before, rules=("ICGLR.SITE.REDCRIT",))
    narrator.say("The same question again: may the concentrate be exported?")
    ask(stage, now)
    narrator.say("And as it was known a moment ago: the old answer stands.")
    ask(stage, then)
    verify_all(stage, exporter, make_bundles(stage, exporter.folder, incident))


def _next_second(moment: str) -> None:
    """Times in the log have seconds: wait until the second is over."""
    while format_time(int(time.time())) == moment:
        time.sleep(0.05)


def report(stage: Stage) -> str:
    """A field monitor reports armed men who tax the diggers of site B, and says that it verified it."""
    days, monitor = stage.days, stage["monitor"]
    body: dict[str, Any] = {
        "about": stage.about("site:riverside-B"), "category": "A2.3.ii", "severity": 3, "status": "open",
        "verified": True, "period": {"from": days.at(-105), "to": days.at(-100)},
        "narrative": "Armed men took a fifth of each digger's output.", "source": "two diggers",
    }  # fmt: skip
    event = events.incident(days.ago(60), **body)
    return monitor.do(event, "armed men taxed the diggers of site B (who said so is concealed)", reveal=()).id


@dataclass(frozen=True, slots=True)
class Check:
    """A bundle that `lodeline verify` looks at. say: before it; words: that it must print; good: what that shows."""

    file: str
    code: int
    words: str
    say: str
    good: str


def make_bundles(stage: Stage, folder: Path, incident: str) -> list[Check]:
    """The bundle as it came, with a changed answer, with a signed lie, and without the incident."""
    value = read_bundle(folder / BUNDLE)
    envelope = value["verdicts"][0]
    envelope["verdict"]["answer"] = "supported"
    write_bundle(folder / TAMPERED, value)
    key = parse_private_jwk(json.loads((stage.folder / "service" / "verifier.key").read_bytes()))
    value["verdicts"] = [sign_verdict(envelope["verdict"], key, envelope["certificate"])]
    write_bundle(folder / SIGNED, value)
    value["entries"] = [one for one in value["entries"] if not _holds(one, incident)]
    value["verdicts"] = []
    mend_proofs(value)
    write_bundle(folder / SHORT, value)
    return [
        Check(
            BUNDLE, 0, "1 verdict follows from this evidence",
            "The bundle carries evidence and verdict. Anybody can compute it again, without the service:",
            "the same verdict, computed from the bundle alone",
        ),
        Check(
            TAMPERED, 1, "bad-signature",
            "The exporter changes the answer in the bundle to 'supported', and mends the file's digest:",
            "refuted: nobody signed this verdict",
        ),
        Check(
            SIGNED, 1, "/verdicts/0/verdict/answer",
            "So the operator of the service lends a hand, and signs the lie with the real key of its verdicts:",
            "refuted: this evidence leads to another answer, whoever signs",
        ),
        Check(
            SHORT, 1, incident, "Then the exporter leaves the incident out, and the verdict with it:",
            f"refuted: the operator's signed list names the record that is missing, {incident[:8]}…",
        ),
    ]  # fmt: skip


def verify_all(stage: Stage, exporter: Actor, checks: Sequence[Check]) -> None:
    """All of them offline, two at a time; told one after the other."""
    grounds = ("--trust", str(stage.notes["trust"]))
    grounds += tuple(word for one in stage.notes["references"] for word in ("--reference", one))
    commands = [("verify", one.file, *grounds) for one in checks]
    width = stage.narrator.inner_width
    with exporter.no_network(), ThreadPoolExecutor(CORES) as pool:
        runs = list(pool.map(lambda words: run_lodeline(exporter.folder, words, width), commands))
    for one, words, done in zip(checks, commands, runs, strict=True):
        text = done.stdout + done.stderr
        stage.narrator.say(one.say)
        stage.narrator.command(("lodeline", *words))
        shown = [line for line in text.splitlines() if " fail " in line or one.words in line or "completeness" in line]
        stage.narrator.output("\n".join(shown))
        stage.check(one.words in text, f"`lodeline verify {one.file}` should name {one.words}:\n{text}")
        stage.check(done.returncode == one.code, f"`lodeline verify {one.file}` ended with {done.returncode}:\n{text}")
        stage.narrator.good(one.good)


def _holds(entry: dict[str, Any], record: str) -> bool:
    return "entry" in entry and parse_record(parse_entry(entry["entry"].encode())[1]).id == record


def mend_proofs(bundle: dict[str, Any]) -> None:
    """Only the hashes that a proof still uses, in the order of first use."""
    hashes: list[str] = bundle["hashes"]
    places: dict[str, int] = {}
    for entry in bundle["entries"]:
        entry["proof"] = [places.setdefault(hashes[place], len(places)) for place in entry["proof"]]
    bundle["hashes"] = list(places)


def read_bundle(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value


def write_bundle(path: Path, value: dict[str, Any]) -> None:
    """A bundle in its canonical form, with its own digest mended."""
    value.pop("digest", None)
    value["digest"] = hashlib.sha256(format_json(value)).hexdigest()
    path.write_bytes(format_json(value))
