"""What people see: answers that cannot be written, screens too narrow for a table, what is told of an error."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from clients.cli.output import show_error, show_table
from clients.cli.views import show_report, show_tree
from clients.sdk.errors import ServiceRefused
from ledger.errors import Incomplete, SchemaError
from ledger.evidence.report import Finding, Outcome, Report
from tests.clients.test_processes import CLEAN, LODELINE, VKEY, run
from tests.support.world import ORIGIN

ROWS = [["LOT-1", "held", "coltan"], ["LOT-[2]", "", "tin"]]
COLUMNS = ["id", "status", "mineral"]


def start(*words: str, stdout: int | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LODELINE, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, env=CLEAN, timeout=60
    )  # fmt: skip


@pytest.mark.parametrize("words", [["rules", "list"], ["rules", "list", "--json"], ["--help"], ["lot", "--help"]])
def test_a_reader_that_went_away_is_no_verdict_and_no_traceback(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = start(*words, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (2, "")
    assert start(*words, stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize(
    "words", [["rules", "list"], ["rules", "list", "--json"], ["rules", "show", "nothing", "--json"]]
)
def test_an_answer_for_which_there_is_no_room(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = start(*words, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (
        2,
        "local-error: Not all could be written (No space left on device).\n",
    )


def test_closed_streams_are_no_reason_to_fail() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", *LODELINE, "rules", "list"], env=CLEAN, timeout=60
    )
    assert done.returncode == 0


def test_a_narrow_screen_gets_lines_instead_of_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    show_table("Lots", COLUMNS, ROWS)
    assert "│ LOT-1" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "32")
    show_table("Lots", COLUMNS, ROWS)
    assert capsys.readouterr().out == (
        "Lots\nid: LOT-1\nstatus: held\nmineral: coltan\n\nid: LOT-[2]\nmineral: tin\n\n"
    )
    show_table("", COLUMNS, [])
    assert capsys.readouterr().out == "\n"


def test_people_are_told_what_helps_them(capsys: pytest.CaptureFixture[str]) -> None:
    error = ServiceRefused("Not here.", status=404, code="not-found", head="3f1c")
    assert show_error(error) == 1
    assert capsys.readouterr().err == "service-refused: Not here.\n  head: 3f1c\n"
    assert show_error(error, as_json=True) == 1
    assert '"status": 404' in capsys.readouterr().out


def test_every_fault_of_a_body_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    faults = [{"pointer": "/a", "message": "one"}, {"pointer": "/b", "message": "two"}]
    show_error(SchemaError("/a: one.", pointer="/a", faults=faults))
    assert capsys.readouterr().err == "schema-error: /a: one.\n  at /a\n  at /b: two\n"
    show_error(SchemaError("/a: one.", pointer="/a", faults="two of them"))  # from a service that is none of ours
    assert capsys.readouterr().err == "schema-error: /a: one.\n  at /a\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["erase", "3f" * 32], "Stopped: nothing was done."),
        (["erase", "3f1c"], "is not a record id"),
        (["disclose", "3F" * 32], "is not a record id"),
        (["correct", "3f1c", "--reason", "x"], "is not a record id"),
        (["key", "new", "--passphrase"], "set LODELINE_PASSPHRASE"),
        (["key", "import", "{public}"], "holds no private key"),
        (["init", "http://127.0.0.1:1", "-p", "not a did"], "is not a participant id"),
        (["verify", "{public}", "--reference", "un_sanctions:soon:{public}"], "What --reference gives cannot be used"),
        (["verify", "{public}", "--pack-file", "{public}"], "What --pack-file gives cannot be used"),
        (["verdict", "show", "{public}", "--credential", "v.jwt"], "give the id of the verdict, not a file"),
        (["audit", "{folder}"], "Nothing can be audited there"),
    ],
)
def test_what_is_not_even_tried_ends_with_2_and_says_what_to_do(tmp_path: Path, words: list[str], told: str) -> None:
    home = {"LODELINE_HOME": str(tmp_path / "home")}
    run("init", "http://127.0.0.1:1", "-p", "did:web:a.example", "--log-key", VKEY, **home)
    run("key", "new", **home)
    public = tmp_path / "public.jwk"
    run("key", "export", "-o", str(public), **home)
    done = run(*(word.replace("{public}", str(public)).replace("{folder}", str(tmp_path)) for word in words), **home)
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    assert run("key", "list", **home).returncode == 0


def test_how_to_give_what_a_verdict_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    missing = {"dataset": "un_sanctions", "published": "2026-11-20", "digest": "5f" * 32}
    values: list[dict[str, str]] = [missing, {"pack": "ours", "digest": "6a" * 32}, {"record": "7b" * 32}]
    findings = tuple(Finding("verdicts", Outcome.INCOMPLETE, Incomplete("Not here.", **one)) for one in values)
    show_report(Report("LOT-1", ORIGIN, None, (), findings, 0, {}), as_json=False)
    told = [line.strip() for line in capsys.readouterr().out.splitlines() if "Add --" in line]
    service = f"the service gives participants the file at /v1/reference/{'5f' * 32}."
    assert told == [
        f"Add --reference un_sanctions:2026-11-20:FILE; {service}",
        f"Add --pack-file FILE, the pack of digest {'6a' * 32}.",
    ]


@pytest.mark.parametrize("low", ["", "30"])
def test_ranges_have_a_column_where_somebody_asked_for_them(low: str, capsys: pytest.CaptureFixture[str]) -> None:
    share = {"share": "40", "fraction": "2/5", **({"low": low, "high": "50"} if low else {})}
    element = {"element": "Ta", "sites": [{"site": "site:a", "country": "CD", **share}], "countries": []}
    element |= {"facilities": [], "uncovered": {"share": "0", "fraction": "0/1"}}
    origins = {"elements": [element], "weakest": "", "model": "segregated", "supports_origin": True, "upgrades": []}
    show_tree({"nodes": [], "edges": [], "lot": "L", "direction": "up", "hidden": 2, "origins": origins}, as_json=False)
    out = capsys.readouterr().out
    assert ("range" in out, "30 to 50" in out) == (bool(low), bool(low))
    assert "│ 40 " in out
    assert "│ 2/5 " in out
    assert "Lots that are not yours to see: 2." in out
