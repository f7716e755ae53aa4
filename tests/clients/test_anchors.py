"""`--rpc`, `--contract` and `--anchor`: nodes that are asked, and files that carry evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.audit.anchors import read_anchors
from clients.audit.driver import run_audit
from clients.audit.sources import FolderSource, Listed, UrlSource, parse_index
from clients.cli.verify import ask_about
from clients.sdk.errors import LocalError, Unreachable
from clients.sdk.nodes import ask_nodes, parse_places
from clients.sdk.transport import Retries
from ledger.encoding import format_json
from ledger.evidence.anchor import format_anchor
from ledger.evidence.anchored import NodeAnswer
from ledger.evidence.bundle import format_bundle
from ledger.evidence.report import Report
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.note import Ed25519Signer
from ledger.log.tiles import format_bundle as format_entries
from tests.ledger.evidence.test_anchored import ANCHOR, WITH, anchor_at, leaves, world
from tests.ledger.evidence.test_bundle import SAMPLE
from tests.support.anchors import CHAIN, CONTRACT, NUMBER, anchor_of, head_of
from tests.support.evidence import LOG_SIGNER, POLICY, later, sign_log
from tests.support.world import ORIGIN

EVIDENCE = json.loads(format_anchor(anchor_at(9)))
HASH = bytes.fromhex(EVIDENCE["block"][2:])


def node(told: dict[str, Any]) -> httpx.MockTransport:
    """A node that answers by method; blocks by their place."""

    def handle(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        found = told[asked["method"]]
        if asked["method"] == "eth_getBlockByNumber":
            found = found[asked["params"][0]]
        return httpx.Response(200, json=found if isinstance(found, dict) and "error" in found else {"result": found})

    return httpx.MockTransport(handle)


def blocks(**more: Any) -> dict[str, Any]:
    honest = {hex(NUMBER): {"hash": EVIDENCE["block"]}, "finalized": {"number": hex(NUMBER)}}
    return {"eth_chainId": hex(CHAIN), "eth_getBlockByNumber": {**honest, **more}}


def ask(told: dict[str, Any]) -> NodeAnswer:
    (answer,) = ask_nodes(["http://node.example"], [EVIDENCE, EVIDENCE], transport=node(told))
    return answer


def test_a_node_that_has_the_block() -> None:
    assert ask(blocks()) == NodeAnswer("http://node.example", CHAIN, NUMBER, HASH, True)


def test_a_node_that_has_it_not_final_or_not_at_all() -> None:
    assert ask(blocks(finalized={"number": hex(NUMBER - 1)})).final is False
    assert ask(blocks(finalized=None)).final is False
    assert ask(blocks(finalized={"error": {"message": "unknown tag"}})).final is False
    assert ask(blocks(**{hex(NUMBER): None})).hash == b""


@pytest.mark.parametrize(
    "told",
    [
        {"eth_chainId": {"error": {}}},
        {"eth_chainId": "one"},
        {"eth_chainId": None},
        blocks(finalized={"number": None}),
        blocks(**{hex(NUMBER): {"hash": 5}}),
        blocks(**{hex(NUMBER): "text"}),
    ],
)
def test_a_node_that_answers_nonsense(told: dict[str, Any]) -> None:
    answer = ask(told)
    assert (answer.number, answer.hash, answer.final, bool(answer.problem)) == (NUMBER, b"", False, True)


def test_a_node_that_is_not_there() -> None:
    (answer,) = ask_nodes(["http://127.0.0.1:1"], [EVIDENCE])
    assert answer.problem == "ConnectError"
    (answer,) = ask_nodes(["not an address"], [EVIDENCE])
    assert answer.problem


def test_evidence_that_is_none_is_asked_nobody_about() -> None:
    assert ask_nodes(["http://127.0.0.1:1"], [{"format": "lodeline-anchor/9"}, {}]) == []


def test_contracts() -> None:
    assert parse_places([]).pairs == ()
    assert parse_places([f"{CHAIN}:0x{CONTRACT.hex().upper()}", f"1:{CONTRACT.hex()}"]).pairs == (
        (CHAIN, CONTRACT),
        (1, CONTRACT),
    )
    for text in ("", "1", "0x1:0x" + "5f" * 20, "1:0x5f", "1:" + "zz" * 20):
        with pytest.raises(LocalError, match="--contract"):
            parse_places([text])


def test_nothing_is_asked_without_options() -> None:
    def never() -> list[Any]:
        raise AssertionError

    assert ask_about(None, None, never) == (None, [])
    places, nodes = ask_about([f"1:{CONTRACT.hex()}"], None, never)
    assert (places is not None, nodes) == (True, [])


def test_files_with_evidence(tmp_path: Path) -> None:
    single, bundle, without, other, note = (tmp_path / name for name in "abcde")
    note.write_text(sign_log(world().log[:9], world().now))
    single.write_bytes(format_anchor(anchor_at(9)))
    bundle.write_bytes(format_bundle(WITH))
    without.write_bytes(format_bundle(SAMPLE))
    other.write_text("something else")
    assert read_anchors(single) == ([EVIDENCE], [])
    assert read_anchors(bundle) == ([ANCHOR.evidence], [])
    assert read_anchors(note) == ([], [note.read_bytes()])
    with pytest.raises(LocalError, match="carries no anchor"):
        read_anchors(without)
    with pytest.raises(LocalError, match="neither"):
        read_anchors(other)


# ---- anchors that a log publishes ----------------------------------------------------------------------------------

SIZE = 17
FALSE = json.loads(format_anchor(anchor_of(head_of(9, b"\x07" * 32), ORIGIN)))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The first records of the world's log as files, without anchors."""
    write(tmp_path, "checkpoint", sign_log(world().log[:SIZE], world().now).encode())
    write(tmp_path, f"tile/0/000.p/{SIZE}", b"".join(leaves()[:SIZE]))
    write(tmp_path, f"tile/entries/000.p/{SIZE}", format_entries(world().log[:SIZE]))
    return tmp_path


def write(folder: Path, path: str, content: bytes) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)


def publish(folder: Path, **files: bytes) -> None:
    """Anchors of 9 entries with an index of them; `ethereum` and `file` hold what is named so."""
    listed = [{"sink": sink, "size": 9, "state": "final"} for sink in files]
    write(folder, "anchors/index.json", json.dumps({"anchors": listed}).encode())
    for sink, content in files.items():
        write(folder, Listed(sink, 9).path, content)


def audit(source: FolderSource | UrlSource) -> Report:
    return run_audit(source, POLICY, later(world()), workers=0)


def told(report: Report) -> tuple[str, str]:
    """Outcome, and the sentence of the step `anchors`."""
    return report.outcome, report.checks[-1].sentence


def note_of(root: bytes = b"", size: int = 9) -> bytes:
    """A checkpoint that the log signed; of another tree when a root is given."""
    if root:
        return sign_checkpoint(Checkpoint(ORIGIN, size, root), [Ed25519Signer(ORIGIN, LOG_SIGNER.seed)]).encode()
    return sign_log(world().log[:size], world().now).encode()


def test_a_log_without_anchors_is_told_in_one_line(export: Path) -> None:
    assert told(audit(FolderSource(export))) == (
        "verified",
        "The log publishes no evidence of anchors, and none was given.",
    )
    with serve(export) as http:
        assert audit(UrlSource("https://ledger.example", http=http)).verified


def test_anchors_of_an_export_are_checked_without_being_named(export: Path) -> None:
    publish(export, ethereum=format_json(EVIDENCE), file=note_of())
    outcome, sentence = told(audit(FolderSource(export)))
    assert outcome == "verified"
    assert sentence.startswith("1 anchor holds: 9 of 17 entries existed by ")
    assert sentence.endswith("The log extends 1 signed checkpoints that were kept outside it.")
    publish(export, file=note_of())
    assert told(audit(FolderSource(export)))[1] == "The log extends 1 signed checkpoints that were kept outside it."


@pytest.mark.parametrize(
    ("sink", "content", "code"),
    [
        ("ethereum", format_json(FALSE), "false-anchor"),
        ("ethereum", format_json({**EVIDENCE, "format": "other/1"}), "anchor-error"),
        ("file", note_of(b"\x07" * 32), "equivocation"),
        ("file", note_of(b"\x07" * 32, SIZE), "equivocation"),
        ("file", note_of().replace(b"\n9\n", b"\n8\n"), "bad-signature"),
        ("file", b"no note", "note-error"),
    ],
)
def test_an_anchor_that_contradicts_the_log_is_found(export: Path, sink: str, content: bytes, code: str) -> None:
    publish(export, **{sink: content})
    report = audit(FolderSource(export))
    assert report.outcome == "refuted"
    assert [(one.check, one.error.code) for one in report.findings] == [("anchors", code)]


def test_an_anchor_of_more_than_there_is(export: Path) -> None:
    publish(export, file=note_of(b"\x07" * 32, SIZE + 1))
    outcome, sentence = told(audit(FolderSource(export)))
    assert (outcome, sentence[:26]) == ("incomplete", "More of this log is anchor")


@pytest.mark.parametrize(
    "index",
    [b"no JSON", b"[]", b"{}", b'{"anchors":{}}', b'{"anchors":[1]}']
    + [json.dumps({"anchors": [{"sink": sink, "size": size}]}).encode() for sink, size in ((1, 9), ("file", 0))]
    + [json.dumps({"anchors": [{"sink": "file", "size": size}]}).encode() for size in ("9", 2**63, None)],
)
def test_an_index_that_is_none(export: Path, index: bytes) -> None:
    write(export, "anchors/index.json", index)
    outcome, sentence = told(audit(FolderSource(export)))
    assert outcome == "incomplete"
    assert "list of anchors" in sentence


def test_an_index_names_what_is_not_there_or_not_known(export: Path) -> None:
    assert parse_index(b'{"anchors":[{"sink":"stone","size":9}]}') == [], "a sink of later versions"
    publish(export, ethereum=b"no JSON")
    assert audit(FolderSource(export)).outcome == "incomplete"
    (export / "anchors/ethereum/9.anchor.json").unlink()
    assert "has no file anchors/ethereum/9.anchor.json" in told(audit(FolderSource(export)))[1]


# ---- over HTTP -----------------------------------------------------------------------------------------------------


def serve(folder: Path, *, prefix: str = "", hidden: int = 404, api: dict[str, Any] | None = None) -> httpx.Client:
    """A server of files below a prefix; hidden: status of what is not there; api: answers by path and query."""

    def answer(request: httpx.Request) -> httpx.Response:
        where = request.url.raw_path.decode()
        if api is not None and where in api:
            found = api[where]
            return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)
        file = folder / where.removeprefix(f"{prefix}/")
        there = where.startswith(f"{prefix}/") and file.is_file()
        return httpx.Response(200, content=file.read_bytes()) if there else httpx.Response(hidden)

    return httpx.Client(transport=httpx.MockTransport(answer))


def over_http(folder: Path, **served: Any) -> Report:
    with serve(folder, **served) as http:
        retries = Retries(attempts=1)
        return audit(UrlSource("https://ledger.example", http=http, retries=retries))


@pytest.mark.parametrize("prefix", ["/log", ""])
@pytest.mark.parametrize("hidden", [404, 403])
def test_anchors_of_a_server_of_files(export: Path, prefix: str, hidden: int) -> None:
    assert told(over_http(export, prefix=prefix, hidden=hidden))[1].startswith("The log publishes no evidence")
    publish(export, file=note_of(b"\x07" * 32))
    assert over_http(export, prefix=prefix, hidden=hidden).outcome == "refuted"


def test_files_beside_a_service_are_read_with_their_own_anchors(export: Path) -> None:
    """A web server shows the files below /log and hands the rest to the service, which is further by now."""
    ahead = note_of(b"\x07" * 32, SIZE + 1)
    api = {
        "/v1/anchors?limit=100": page({"sink": "file", "size": SIZE + 1, "evidence": True}),
        f"/v1/anchors/file/{SIZE + 1}": httpx.Response(200, content=ahead),
    }
    publish(export, file=note_of())
    outcome, sentence = told(over_http(export, prefix="/log", api=api))
    assert (outcome, sentence) == ("verified", "The log extends 1 signed checkpoints that were kept outside it.")
    (export / "anchors/index.json").unlink()
    assert over_http(export, prefix="/log", api=api).outcome == "incomplete", "of files without an index, as served"


def page(*items: Any, following: str | None = None) -> dict[str, Any]:
    return {"items": list(items), "next": following, "sinks": []}


def test_anchors_of_a_service_page_by_page(export: Path) -> None:
    first = {"sink": "ethereum", "size": 9, "evidence": True}
    second, third = {"sink": "file", "size": 8, "evidence": True}, {"sink": "file", "size": 3, "evidence": False}
    api = {
        "/v1/anchors?limit=100": page(first, following="a+b"),
        "/v1/anchors?limit=100&cursor=a%2Bb": page(second, third),
        "/v1/anchors/ethereum/9": httpx.Response(200, content=format_json(EVIDENCE)),
        "/v1/anchors/file/8": httpx.Response(200, content=note_of(size=8)),
    }
    outcome, sentence = told(over_http(export, prefix="/log", api=api))
    assert outcome == "verified", sentence
    assert "1 anchor holds" in sentence
    assert "1 signed checkpoints" in sentence
    assert (
        over_http(
            export,
            prefix="/log",
            api={**api, "/v1/anchors/ethereum/9": httpx.Response(200, content=format_json(FALSE))},
        ).outcome
        == "refuted"
    )


@pytest.mark.parametrize(
    "answer",
    [{"items": 1}, {"items": [1]}, [], page({"sink": "file", "size": "nine", "evidence": True}), httpx.Response(400)],
)
def test_a_service_that_lists_nonsense(export: Path, answer: Any) -> None:
    report = over_http(export, prefix="/log", api={"/v1/anchors?limit=100": answer})
    assert report.outcome == "incomplete"
    assert {one.check for one in report.findings} == {"anchors"}


def test_a_service_that_never_ends_its_list(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.audit.sources.MOST_ANCHORS", 3)
    one = {"sink": "file", "size": 9, "evidence": True}
    again = page(one, following="x")
    api = {"/v1/anchors?limit=100": again, "/v1/anchors?limit=100&cursor=x": again}
    assert "more than 3 anchors" in told(over_http(export, prefix="/log", api=api))[1]


def test_a_service_that_goes_away_before_its_anchors(export: Path) -> None:
    with pytest.raises(Unreachable):
        over_http(export, prefix="/log", api={"/v1/anchors?limit=100": httpx.Response(503)})
