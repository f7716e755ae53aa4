"""What comes to light later: an incident, two verdicts that differ, one that was tampered with, one kept back."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from clients.sdk import events
from demo.actor import Actor
from demo.ask import ask
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
    judge_again(stage, exporter)
    tamper(stage, exporter)
    leave_out(stage, exporter, incident)


def _next_second(moment: str) -> None:
    """Times in the log have seconds: wait until the second is over."""
    while format_time(int(time.time())) == moment:
        time.sleep(0.05)


def report(stage: Stage) -> str:
    """A field monitor reports armed men who tax the diggers of site B; the agency verifies it."""
    days, monitor = stage.days, stage["monitor"]
    body: dict[str, Any] = {
        "about": stage.about("site:riverside-B"), "category": "A2.3.ii", "severity": 3, "status": "open",
        "verified": True, "period": {"from": days.at(-105), "to": days.at(-100)},
        "narrative": "Armed men took a fifth of each digger's output.", "source": "two diggers",
    }  # fmt: skip
    event = events.incident(days.ago(60), **body)
    return monitor.do(event, "armed men taxed the diggers of site B (who said so is concealed)", reveal=()).id


def judge_again(stage: Stage, exporter: Actor) -> None:
    """Offline, from the bundle alone: the same verdict, byte for byte."""
    stage.narrator.say("The bundle carries evidence and verdict. Anybody can compute it again, without the service:")
    with exporter.no_network():
        text = exporter.run("verify", BUNDLE, *_trust(stage), *_references(stage), lines=0)
    stage.narrator.output("\n".join(line for line in text.splitlines() if "completeness" in line or "verdicts" in line))
    stage.check("1 verdicts follow from this evidence" in text, "the verdict must follow from the evidence")
    stage.narrator.good("the same verdict, computed from the bundle alone")


def tamper(stage: Stage, exporter: Actor) -> None:
    """The answer is changed from refuted to supported: by the exporter, then by the operator, who can sign it."""
    stage.narrator.say("The exporter changes the answer in the bundle to 'supported', and mends the file's digest:")
    value = _read(exporter.folder / BUNDLE)
    envelope = value["verdicts"][0]
    envelope["verdict"]["answer"] = "supported"
    _write(exporter.folder / TAMPERED, value)
    _refuted(stage, exporter, TAMPERED, "bad-signature")
    stage.narrator.good("refuted: nobody signed this verdict")
    stage.narrator.say(
        "So the operator of the service lends a hand, and signs the lie with the real key of its verdicts:"
    )
    key = parse_private_jwk(json.loads((stage.folder / "service" / "verifier.key").read_bytes()))
    value["verdicts"] = [sign_verdict(envelope["verdict"], key, envelope["certificate"])]
    _write(exporter.folder / SIGNED, value)
    _refuted(stage, exporter, SIGNED, "/verdicts/0/verdict/answer")
    stage.narrator.good("refuted: this evidence leads to another answer, whoever signs")


def leave_out(stage: Stage, exporter: Actor, incident: str) -> None:
    """The incident is cut out of the bundle."""
    stage.narrator.say("Then it leaves the incident out, and the verdict with it:")
    value = _read(exporter.folder / BUNDLE)
    kept = [one for one in value["entries"] if not _holds(one, incident)]
    stage.check(len(kept) == len(value["entries"]) - 1, "the bundle must hold the incident")
    value["entries"], value["verdicts"] = kept, []
    _mend_proofs(value)
    _write(exporter.folder / SHORT, value)
    _refuted(stage, exporter, SHORT, incident)
    stage.narrator.good(f"refuted: the operator's signed list names the record that is missing, {incident[:8]}…")


def _refuted(stage: Stage, exporter: Actor, name: str, words: str) -> None:
    with exporter.no_network():
        text = exporter.run("verify", name, *_trust(stage), *_references(stage), code=1, lines=0)
    shown = [line for line in text.splitlines() if " fail " in line or words in line]
    stage.narrator.output("\n".join(shown), lines=12)
    stage.check(words in text, f"`lodeline verify {name}` should name {words}:\n{text}")


def _holds(entry: dict[str, Any], record: str) -> bool:
    return "entry" in entry and parse_record(parse_entry(entry["entry"].encode())[1]).id == record


def _trust(stage: Stage) -> tuple[str, ...]:
    return ("--trust", str(stage.notes["trust"]))


def _references(stage: Stage) -> tuple[str, ...]:
    """The lists that the rules looked at, as anybody can get them from their publishers."""
    return tuple(word for one in stage.notes["references"] for word in ("--reference", one))


def _mend_proofs(bundle: dict[str, Any]) -> None:
    """Only the hashes that a proof still uses, in the order of first use."""
    hashes: list[str] = bundle["hashes"]
    places: dict[str, int] = {}
    for entry in bundle["entries"]:
        entry["proof"] = [places.setdefault(hashes[place], len(places)) for place in entry["proof"]]
    bundle["hashes"] = list(places)


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value


def _write(path: Path, value: dict[str, Any]) -> None:
    """A bundle in its canonical form, with its own digest mended."""
    value.pop("digest", None)
    value["digest"] = hashlib.sha256(format_json(value)).hexdigest()
    path.write_bytes(format_json(value))
