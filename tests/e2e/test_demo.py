"""`make demo EXIT=1` as a person runs it: real processes, real HTTP, and what its files prove afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from clients.audit.driver import run_audit
from clients.audit.sources import FolderSource
from demo.anchoring import MISSING
from demo.chain import LISTENING
from demo.narrator import format_command
from demo.processes import PortTaken, check_port
from demo.runner import MARKER, ROOT, clear
from demo.stage import DemoFailed
from ledger.encoding import format_json
from ledger.entry import parse_entry
from ledger.envelope import parse_record
from ledger.evidence.trust import parse_policy
from ledger.evidence.verify import verify_bundle
from scripts.toolchain import install

SECONDS = 600
REFUSALS = (
    ("LotDisputed", "lot-disputed"),
    ("TagInUse", "tag-in-use"),
    ("UnknownKey", "unknown-key"),
    ("LotInTransit", "lot-in-transit"),
    ("StaleHead", "stale-head"),
    ("NotConsignee", "not-consignee"),
    ("LotNotHeld", "lot-not-held"),
    ("MetalGain", "metal-gain"),
    ("MassGain", "mass-gain"),
    ("LotClosed", "lot-closed"),
)
VERDICTS = (
    ("origin of TANTALUM-1: country CD, share 100", "supported"),
    ("icglr exportable of COLTAN-X1", "supported"),
    ("oecd aligned of TANTALUM-1", "not proven"),
    ("origin of TIN-METAL-1: share 100, site site:northern-tin", "supported"),
    (
        "eu 2017 821 import file of TIN-TRUCK-1: cn 26090000, importer did:web:estuary-smelting.example",
        "supported",
    ),
    ("custody model of CO-SULPHATE-1: model segregated", "supported"),
    ("quantity of CO-SULPHATE-1: element Co, kg 10470, tolerance 0.5", "supported"),
    (
        (
            "eu battery due diligence of CO-SULPHATE-1: allocated kg 10000, company did:web:cell-maker.example, "
            "early adopter True, element Co, model NMC-1"
        ),
        "not proven",
    ),
    ("origin of COLTAN-TWIN: share 100, site site:hilltop-A", "refuted"),
    ("custody model of CO-TRUCK-9: model segregated", "refuted"),
    ("custody model of CO-BLEND-1: model controlled_blending, share 92", "supported"),
    ("custody model of CO-BLEND-1: model controlled_blending, share 92", "refuted"),
    ("conduct of did:web:lakeshore-gold.example", "refuted"),
    ("icglr exportable of COLTAN-X1", "refuted"),
    ("icglr exportable of COLTAN-X1", "supported"),
)
FINDINGS = (
    ("tantalum-origin", "F-MASS", "pass", "by -1.12 %"),
    ("tantalum-origin", "F-FPRINT", "pass", "D2 = 1.98"),
    ("coltan-icglr_exportable", "CD.ROYALTY", "pass", "USD 41250.00 of royalty paid, USD 41250.00 due"),
    ("tantalum-oecd_aligned", "OECD-RF.LOC1", "pass", "discharges it"),
    ("tantalum-oecd_aligned", "OECD-A2.3.CONTROL", "insufficient_evidence", "conflict_events"),
    ("tin-origin", "F-CAPACITY.LSM", "pass", "0.00 % off"),
    ("tin-eu_2017_821_import_file", "EU821.SCOPE", "pass", "27010 kg of tin ores"),
    ("cobalt-custody_model", "F-MASS", "pass", "the dry mass changed by 0.00 % (the wet mass by -13.46 %)"),
    ("coltan-twin-origin", "F-TAGREUSE", "fail", "11 tags on lots of site:hilltop-A are not of its allocation"),
    ("coltan-twin-origin", "F-CAPACITY.ASM", "fail", "2600.00 kg declared, 792.00 kg possible"),
    ("coltan-twin-origin", "F-CAPACITY.ASM.GROSS", "fail", "R = 3.28"),
    ("coltan-twin-origin", "F-SPILLOVER", "red_flag", "after site:shadow-D turned Red"),
    ("coltan-twin-origin", "F-ROUND", "red_flag", "52 of 52 bags weigh a multiple of 5 kg, 52 weigh the same"),
    ("coltan-twin-origin", "F-SPEED", "fail", "96 km/h by truck"),
    ("coltan-twin-origin", "F-FPRINT", "red_flag", "D2 = 41.00 from the samples of site:hilltop-A, 22.46 is the limit"),
    ("co-truck-9-custody_model", "COC.DOWNGRADE", "fail", "CO-TRUCK-9 was made under segregated"),
    ("co-truck-9-custody_model", "COC.SEG", "fail", "92 % of its metal is characteristic"),
    ("co-blend-1-custody_model", "COC.CB", "pass", "92 % of its metal is characteristic"),
    ("blend-national-custody_model", "CD.ASMCO2025", "fail", "suspended since 2025-12-19"),
    ("gold-house-conduct", "F-OVEREXPORT", "fail", "73.00 kg declared for export, 60.00 kg came in"),
    ("coltan-now-icglr_exportable", "ICGLR.SITE.REDCRIT", "fail", "An incident at site:riverside-B is open"),
    ("coltan-then-icglr_exportable", "ICGLR.SITE.REDCRIT", "pass", "found nothing of the kind"),
)
"""File of the verdict, rule, outcome, words of the finding."""
LINES = (
    "row 10, column Poids net (kg) (G)",  # the import names the bad cell
    "decimal-comma",
    "16 rows, 0 records, 1 faults; nothing was sent.",
    "5,450 kg become 5,000 kg at 30.0 %",
    "│   concentrate made   │  1,619.0 │ 1,019.97 │     75.0 % │",
    "│   in stock           │  1,538.0 │   968.94 │     71.2 % │",
    "On the scale 13.5 % are missing; the ledger compares dry mass and metal, and accepts.",
    "10.80 t Co in, 10.47 t Co out: 97.0 % recovery, 16.7 t of sulphate per truck.",
    "overspent: Lot 'COLTAN-A-17' has 40 kg left, 60 kg can't be taken from it.",
    "not-found: There is no such lot, or you may not see it",
    "Cosigned by w1; quorum w1.",
    "ok  the same verdict, computed from the bundle alone",
    "ok  refuted: nobody signed this verdict",
    "ok  refuted: this evidence leads to another answer, whoever signs",
    "ok  refuted: the operator's signed list names the record that is missing",
    "verified TANTALUM-1",
    "ok  verified offline: exit code 0",
    "refuted TANTALUM-1",
    "ok  refuted: exit code 1",
    "bad-signature",
    "ok  verified with the disclosures erased: exit code 0",
    "The log extends the checkpoint that you remember.",
    "ok  audited twice: the log is append-only",
)
ANCHORED = (
    "The chain is anvil on this machine and stands in for Ethereum.",
    "state               final: the chain does not go back on that block",
    "refused  SizeNotIncreasing(anchored 209, offered 132)   cut the log off before it",
    "refused  Equivocation(entries 209, anchored 0x",
    "refused  InconsistentCheckpoint(anchored 209, offered 210)   the same, and let the log grow by one entry",
    "reverted, and paid for",
    "ok  refused: the contract still holds the 209 entries that it held, and nothing else",
    "anchors: 1 anchor holds: 123 of 123 entries existed by ",
    "is canonical on chain 31337, says http://127.0.0.1:",
    "ok  verified against the chain: exit code 0",
    "anchors hold: 210 of 210 entries existed by ",
)


@dataclass(frozen=True)
class Run:
    """A finished run: exit code, what was printed, the folder that it left."""

    code: int
    text: str
    folder: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chain_port(folder: Path) -> int:
    """Where the chain of a run listened."""
    found = re.search(LISTENING, (folder / "chain.log").read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1])


def command(folder: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "demo", "--exit", "--port", str(port), "--state", str(folder)]


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    """The chain's node, as `make demo` installs it."""
    try:
        install()
    except SystemExit as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"anvil is not to be had here: {missing}")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    done = subprocess.run(command(folder, port), cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    check_port(port)  # the service is gone
    check_port(chain_port(folder))
    return Run(done.returncode, done.stdout + done.stderr, folder)


def test_the_whole_demo_runs_to_its_end(run: Run) -> None:
    assert run.code == 0, run.text[-3000:]
    assert "Traceback" not in run.text
    assert [line for line in LINES if line not in run.text] == []
    assert re.search(r"^\d+ records in the log, in \d+ s\.", run.text, re.MULTILINE)


def test_the_log_is_anchored_and_a_fork_is_refused(run: Run) -> None:
    assert [line for line in ANCHORED if line not in run.text] == []
    assert [line for line in MISSING if line in run.text] == [], "there is a node"
    assert int(re.findall(r"(\d+) checkpoints anchored so far", run.text)[0]) > 2


def test_what_the_demo_left_carries_the_anchor(run: Run) -> None:
    policy = parse_policy((run.folder / "trust.policy").read_bytes())
    data = (run.folder / "people" / "buyer" / "tantalum.bundle.json").read_bytes()
    (anchor,) = verify_bundle(data, policy, datetime.now(UTC)).details["anchors"]
    assert (anchor["chain"], anchor["size"], anchor["state"], anchor["mode"]) == (31337, 209, "final", "strict")
    value = json.loads(data)
    value.pop("digest")
    value["anchors"][0]["evidence"]["head"]["size"] = 208
    forged = format_json({**value, "digest": hashlib.sha256(format_json(value)).hexdigest()})
    report = verify_bundle(forged, policy, datetime.now(UTC))
    assert [(one.check, one.error.code) for one in report.findings] == [("anchors", "false-anchor")]


def test_the_export_that_the_demo_left_is_held_against_its_anchors(run: Run) -> None:
    folder = run.folder / "export"
    policy = parse_policy((run.folder / "trust.policy").read_bytes())
    report = run_audit(FolderSource(folder), policy, datetime.now(UTC), workers=0)
    assert report.verified
    sizes = sorted(one["size"] for one in report.details["anchors"])
    assert sizes[-2:] == [209, 210]
    (folder / f"anchors/ethereum/{sizes[0]}.anchor.json").unlink()
    assert run_audit(FolderSource(folder), policy, datetime.now(UTC), workers=0).outcome == "incomplete"


def test_every_fraud_is_refused_with_its_error_and_leaves_no_trace(run: Run) -> None:
    found = re.findall(
        r"refused  (\w+) \(([a-z-]+)\).*\n +.+\n +nothing stored: the log still has (\d+) entries", run.text
    )
    assert [(name, code) for name, code, _ in found] == list(REFUSALS)
    sizes = [int(size) for _, _, size in found]
    assert sizes == sorted(sizes)


def test_the_log_goes_on_where_a_refusal_left_it(run: Run) -> None:
    size, checked = None, 0
    for line in run.text.splitlines():
        if still := re.search(r"nothing stored: the log still has (\d+) entries", line):
            size = int(still[1])
        elif line.startswith(("  $ ", "  +  ")):
            size = None  # records of the command line, and papers of a batch, have no line of their own
        elif (accepted := re.match(r"  #(\d+) ", line)) and size is not None:
            assert int(accepted[1]) == size
            size, checked = None, checked + 1
    assert checked >= 2


def test_every_claim_has_the_answer_of_its_scenario(run: Run) -> None:
    found = re.findall(r"^  claimed  (.+)\n  answer   (\S+(?: \S+)*?)   rules: ", run.text, re.MULTILINE)
    assert found == list(VERDICTS)


@pytest.mark.parametrize(("name", "rule", "outcome", "words"), FINDINGS)
def test_findings_say_what_the_scenario_is_about(run: Run, name: str, rule: str, outcome: str, words: str) -> None:
    (path,) = (run.folder / "people").glob(f"*/{name}.json")
    findings = json.loads(path.read_bytes())["verdict"]["findings"]
    (found,) = [one for one in findings if one["rule"] == rule]
    assert (found["outcome"], words in found["sentence"]) == (outcome, True), found["sentence"]
    assert found["evidence"] or found.get("missing")


def test_the_verdict_is_written_for_people(run: Run) -> None:
    folder = run.folder / "people" / "tantalum"
    page, paper = folder / "tantalum-origin.html", folder / "tantalum-origin.pdf"
    assert "TANTALUM-1" in page.read_text(encoding="utf-8")
    assert paper.read_bytes().startswith(b"%PDF-")
    assert [str(path) in run.text for path in (page, paper)] == [True, True]


def test_who_leaves_an_incident_out_is_told_which(run: Run) -> None:
    folder = run.folder / "people" / "exporter"
    whole, short = (
        json.loads((folder / f"{name}.bundle.json").read_bytes()) for name in ("coltan", "without-incident")
    )
    (gone,) = [one["entry"] for one in whole["entries"] if one not in short["entries"]]
    record = parse_record(parse_entry(gone.encode())[1])
    assert (record.type, record.body["category"]) == ("incident", "A2.3.ii")
    policy = parse_policy((run.folder / "trust.policy").read_bytes())
    report = verify_bundle((folder / "without-incident.bundle.json").read_bytes(), policy, datetime.now(UTC))
    assert report.outcome == "refuted"
    assert [record.id in str(one.to_json()) for one in report.findings if one.check == "completeness"] == [True]


def test_erased_members_read_erased(run: Run) -> None:
    erased = re.findall(r"a member of (/body\S*), digest \S+: erased", run.text)
    assert sorted(erased) == ["/body", "/body/documents/0", *["/body/transport"] * 3]


@pytest.mark.parametrize(
    ("name", "outcome", "failed"),
    [
        ("tantalum.bundle.json", "verified", set()),
        ("after-erasure.bundle.json", "verified", set()),
        ("flipped.bundle.json", "refuted", {"format"}),
        ("forged.bundle.json", "refuted", {"inclusion", "signatures", "completeness"}),
    ],
)
def test_bundles_that_the_demo_left_prove_what_it_said(run: Run, name: str, outcome: str, failed: set[str]) -> None:
    policy = parse_policy((run.folder / "trust.policy").read_bytes())
    report = verify_bundle((run.folder / "people" / "buyer" / name).read_bytes(), policy, datetime.now(UTC))
    assert report.outcome == outcome
    assert {check.name for check in report.checks if check.outcome.value == "fail"} == failed
    if outcome == "verified":
        assert report.lot is not None
        origins = [origin["site"] for origin in report.lot["origins"]]
        assert origins == ["site:ridge-E", "site:riverside-B", "site:riverside-C", "site:hilltop-A"]


def test_the_database_that_the_demo_left_is_sound(run: Run) -> None:
    words = [sys.executable, "-m", "service.manage", "--state", str(run.folder / "service"), "fsck"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_private_keys_stay_private(run: Run) -> None:
    keys = [*run.folder.rglob("*.jwk"), *run.folder.rglob("*.key"), run.folder / "registrar.json"]
    assert len(keys) > 18
    assert {oct(path.stat().st_mode & 0o777) for path in keys} == {"0o600"}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_taken_port_is_named_with_the_way_out(taken: int, tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match=rf"Port {taken} .* `make demo PORT={taken + 10}`"):
        check_port(taken)
    done = subprocess.run(command(tmp_path / "state", taken), cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 2
    assert f"make demo PORT={taken + 10}" in done.stdout
    assert not (tmp_path / "state").exists()


def test_left_running_the_service_answers_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port, out = free_port(), tmp_path / "out"
    program = "import pathlib, sys; from demo.runner import run; folder, port = sys.argv[1:]; "
    program += "sys.exit(run(pathlib.Path(folder), int(port), leave=False, scenes=()))"
    words = [sys.executable, "-u", "-c", program, str(tmp_path / "state"), str(port)]
    with out.open("wb") as sink:
        demo = subprocess.Popen(words, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)
    try:
        _wait_for(b"LODELINE_HOME=", out, demo)
        urls = re.findall(r"^  (http://\S+)", out.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(urls) == 6
        assert [httpx.get(url).status_code for url in urls] == [200] * 6
        chain = chain_port(tmp_path / "state")
        assert f"http://127.0.0.1:{chain}" in out.read_text(encoding="utf-8")
    finally:
        demo.send_signal(signal.SIGTERM)  # the demo stops what it started
        code = demo.wait(SECONDS)
    assert code == 0
    assert "Stopping the service and the chain." in out.read_text(encoding="utf-8")
    check_port(port)
    check_port(chain)


def _wait_for(text: bytes, out: Path, demo: subprocess.Popen[bytes]) -> None:
    for _ in range(10 * SECONDS):
        if text in out.read_bytes():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            demo.wait(0.1)
            break
    raise AssertionError(out.read_text(encoding="utf-8"))


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoFailed, match="holds something that this demo did not make"):
        clear(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
    (tmp_path / MARKER).touch()
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_commands_are_shown_as_a_person_could_type_them() -> None:
    words = ["lodeline", "extract", "A", "--note", "two words", "--tag", "s:1", "--tag", "s:2", "--offline"]
    assert format_command(words) == "lodeline extract A --note 'two words' --tag s:1 --tag s:2 --offline"
    words += ["--tag", "s:3", "--tag", "s:4"]
    assert format_command(words) == ("lodeline extract A --note 'two words' --tag s:1 … (3 more --tag) --offline")
