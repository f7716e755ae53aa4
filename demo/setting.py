"""Before the first scene: the log, its witness and the service come up; participants and sites are registered."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clients.cli.home import Home
from clients.sdk import events
from clients.sdk.store import PinnedLog
from demo.actor import Actor, lodeline, run_lodeline
from demo.cast import CAST, REGISTRAR, SITES, Place
from demo.narrator import Narrator
from demo.papers import Paper, file_papers
from demo.processes import Running, is_ready
from demo.shapes import Json
from demo.stage import DemoFailed, Stage
from demo.together import run_together
from ledger.keys import PrivateKey, parse_private_jwk

ORIGIN = "ledger.example/demo"
WITNESS = "witness.example/w1"
SHOWN_BY_HAND = "hilltop"
"""Whose first steps are typed at the command line; the others do the same through the SDK."""
VISITORS = frozenset({"authority", "laboratory", "auditor", "monitor"})


@dataclass(frozen=True, slots=True)
class Log:
    """The log that was made: its pin, and the registrar's key."""

    pin: PinnedLog
    registrar: PrivateKey


def make_log(narrator: Narrator, folder: Path) -> Log:
    """What an operator types once: the registrar's key, then the log with its first record."""
    narrator.act(
        "A new ledger", "The operator makes the registrar's key and the log; its first record is the registrar's."
    )
    init = (
        "--state", "service", "init", "--origin", ORIGIN, "--name", "Demo ledger",
        "--registrar", REGISTRAR.id, "--registrar-key", "registrar.json", "--country", REGISTRAR.country,
    )  # fmt: skip
    commands = (("keygen", "--out", "registrar.json"), init)
    told = run_together(folder, commands, {})
    for words, text in zip(commands, told, strict=True):
        narrator.command(("lodeline-server", *words))
        narrator.output(text)
    vkey = re.search(r"^vkey +(\S+)$", told[1], re.MULTILINE)
    if vkey is None:
        raise DemoFailed(f"`lodeline-server init` did not print the log's key:\n{told[1]}")
    key = parse_private_jwk(json.loads((folder / "registrar.json").read_bytes()))
    return Log(PinnedLog(ORIGIN, vkey[1]), key)


def operate(narrator: Narrator, folder: Path, *words: str) -> str:
    """Run `lodeline-server` as the operator would, show command and output, return the output."""
    narrator.command(("lodeline-server", *words))
    done = run_server(folder, words)
    narrator.output(done.stdout + done.stderr)
    return done.stdout


def run_server(folder: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """`lodeline-server` with these words; DemoFailed unless it ends well."""
    done = subprocess.run(  # noqa: S603 - our own program
        [*lodeline("lodeline-server"), *words],
        cwd=folder, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        raise DemoFailed(f"`lodeline-server {words[0]}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def start_witness(narrator: Narrator, folder: Path, log: Log) -> tuple[Running, Path]:
    """An independent witness: cosigns only checkpoints that extend what it saw. Returns it, and a trust policy."""
    narrator.say("Somebody independent runs a witness: it cosigns a checkpoint only if the log has merely grown.")
    home = folder / "witness"
    home.mkdir()
    words = ("witness", "keygen", WITNESS, "--state", "keys")
    narrator.command(("lodeline", *words))
    vkey = run_lodeline(home, words, narrator.inner_width).stdout.strip()
    narrator.output(vkey)
    serve = ("witness", "serve", "--state", "keys", "--log", log.pin.vkey, "--listen", "127.0.0.1:0")
    narrator.command(("lodeline", *serve))
    running = Running("witness", [*lodeline(), *serve], home, {})
    running.wait_until(lambda: bool(running.find(r"(http://\S+)/add-checkpoint")))
    url = running.find(r"(http://\S+)/add-checkpoint")
    trust = folder / "trust.policy"
    trust.write_text(f"log {log.pin.vkey}\nwitness w1 {vkey} {url}\nquorum w1\n", encoding="utf-8")
    narrator.note("Everybody's trust policy from now on: this log's key, and the witness must have cosigned.")
    return running, trust


def start_service(narrator: Narrator, folder: Path, port: int, trust: Path, anchoring: Mapping[str, str]) -> Running:
    """The real server process, asked until it is ready. anchoring: its settings of anchors."""
    narrator.say(f"The service starts on 127.0.0.1:{port}.")
    words = ("--state", "service", "serve", "--port", str(port))
    narrator.command(("lodeline-server", *words))
    environment = {"LODELINE_WITNESSES": str(trust), "LODELINE_WITNESS_SECONDS": "1", "LODELINE_HOST": "127.0.0.1"}
    environment |= anchoring
    running = Running("service", [*lodeline("lodeline-server"), *words], folder, environment)
    try:
        running.wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"))
    except BaseException:
        running.stop()
        raise
    narrator.good("ready")
    return running


def gather(stage: Stage, log: Log) -> None:
    """Participants make their keys, the registrar enrols them, operators register their sites."""
    stage.narrator.act(
        "Register: every participant has a key of its own, which never leaves its folder",
        "The registrar enrols the keys; from then on nobody can sign in another's name, not even the operator.",
    )
    people = stage.folder / "people"
    registrar = Actor.join(stage, REGISTRAR, people / "registrar", log.pin, log.registrar)
    for name, role in CAST.items():
        if name == SHOWN_BY_HAND:
            _set_up_by_hand(stage, people / name, log)
            stage.actors[name] = Actor.open(stage, role, people / name)
        else:
            stage.actors[name] = Actor.join(stage, role, people / name, log.pin)
    enrol(stage, registrar)
    register_sites(stage)


def _set_up_by_hand(stage: Stage, folder: Path, log: Log) -> None:
    role = CAST[SHOWN_BY_HAND]
    stage.narrator.say(f"{role.name} sets itself up, as a person types it:")
    folder.mkdir(parents=True)
    for words in (("init", stage.url, "--participant", role.id, "--log-key", log.pin.vkey), ("key", "new")):
        stage.narrator.command(("lodeline", *words))
        stage.narrator.output(run_lodeline(folder, words, stage.narrator.inner_width).stdout)
    stage.check(bool(Home(folder / "home").config().key), "`lodeline key new` should have made a key")


def enrol(stage: Stage, registrar: Actor) -> None:
    """Every participant, with its own key; of who only visits a chain the address is concealed."""
    stage.narrator.say("The registrar enrols everybody. Companies of a chain show name, address and owners.")
    papers = []
    for actor in stage.actors.values():
        role = actor.role
        event = events.participant(
            stage.days.at(-230, 9), id=role.id, country=role.country, roles=list(role.roles), status="active",
            keys=[actor.client.signer.public.jwk()], name=role.name, address=f"PO Box 17, {role.country}",
            owners=[{"name": f"{role.name} Holding", "capacity": "shareholder", "share": "100"}],
        )  # fmt: skip
        visits = not VISITORS.isdisjoint(role.roles)
        papers.append(Paper(registrar, event, role.name, ("name",) if visits else ("*",)))
    file_papers(stage, papers)


def register_sites(stage: Stage) -> None:
    """Every site, by its operator, with its place to a tenth of a degree."""
    stage.narrator.say("The operators register their sites, with the place to about ten kilometres.")
    file_papers(stage, [Paper(stage[one.operator], _site(stage, one), one.id) for one in SITES])


def _site(stage: Stage, place: Place) -> events.Event:
    workers, kg_per_month = place.capacity
    body: Json = {
        "id": place.id, "kind": place.kind, "operator": stage[place.operator].id, "country": place.country,
        "subdivision": place.subdivision, "minerals": [place.mineral], "status": "active",
        "location": {"type": "Point", "coordinates": list(place.point)},
    }  # fmt: skip
    if place.method:
        body |= {"method": place.method, "capacity": {"workers": workers}, "national_id": place.national_id}
    if kg_per_month:
        body["capacity"]["kg_per_month"] = kg_per_month
    return events.site(stage.days.at(-229, 9), **body)
