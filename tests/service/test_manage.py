"""The operator's commands: what they do, what they print, how they exit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from ledger.log.note import parse_vkey
from ledger.rules.packs import read_packs
from service.manage import main
from service.storage.engine import Store
from service.storage.schema import newest_step
from service.storage.sql import execute
from tests.support.server import database_url

pytestmark = pytest.mark.usefixtures("engine")

ORIGIN = "log.example.org/minerals"


class Operator:
    """Runs commands on one state folder. database: URL of another database than SQLite in it, or ""."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.state = folder / "state"
        self.database = url if (url := database_url(self.state)).startswith("postgresql") else ""

    def run(self, *words: str, code: int = 0) -> str:
        """Standard output of a command that must exit with `code`."""
        with pytest.raises(SystemExit) as caught:
            main(["--state", str(self.state), *(("--database", self.database) if self.database else ()), *words])
        out, err = self.capsys.readouterr()
        assert caught.value.code == code, out + err
        assert "Traceback" not in err
        return out if code == 0 else out + err

    def json(self, *words: str, code: int = 0) -> Any:
        return orjson.loads(self.run(*words, "--json", code=code).splitlines()[0])

    def init(self, *more: str, code: int = 0) -> Any:
        key = self.folder / "registrar.json"
        if not key.exists():
            self.run("keygen", "--out", str(key))
        words = ("init", "--origin", ORIGIN, "--name", "Example", "--registrar", "did:web:registrar.example")
        return self.run(*words, "--registrar-key", str(key), *more, code=code)

    def execute(self, statement: str) -> list[Any]:
        """Run a statement on the database behind the program's back."""
        store = Store(self.database or database_url(self.state))
        with store.writing() as conn:
            result = execute(conn, statement)
            rows = result.fetchall() if result.returns_rows else []
        store.close()
        return rows


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    for name in [name for name in os.environ if name.startswith("LODELINE_")]:
        monkeypatch.delenv(name)
    return Operator(tmp_path, capsys)


@pytest.mark.parametrize(
    "command", ["init", "migrate", "rebuild", "roles", "fsck", "export", "restore", "keygen", "serve"]
)
def test_every_command_explains_itself(operator: Operator, command: str) -> None:
    shown = operator.run(command, "--help")
    assert "Example" in shown
    assert "Exit codes" in shown


def test_life_of_a_log(operator: Operator) -> None:
    genesis = orjson.loads(operator.init("--json").splitlines()[0])
    assert genesis["origin"] == ORIGIN
    assert parse_vkey(genesis["vkey"]).name == ORIGIN
    assert (operator.state / "log.key").stat().st_mode & 0o777 == 0o600
    assert operator.json("migrate") == {"before": newest_step(), "after": newest_step()}
    assert operator.json("rebuild")["size"] == 1
    sound = operator.json("fsck")
    assert (sound["sound"], sound["differences"], sound["faults"]) == (True, [], [])
    exported = operator.json("export", str(operator.folder / "copy"))
    assert (exported["before"], exported["size"], exported["files"]) == (0, 1, 4)
    assert "pass" in operator.run("fsck")
    assert "before  1" in operator.run("export", str(operator.folder / "copy"))


def test_second_init_changes_nothing(operator: Operator) -> None:
    operator.init()
    before = (operator.state / "log.key").read_bytes()
    assert "holds a log already" in operator.init(code=1)
    assert (operator.state / "log.key").read_bytes() == before


def test_init_with_a_key_of_another_log(operator: Operator) -> None:
    operator.run("keygen", "--out", str(operator.state / "log.key"), "--origin", "other.example/log")
    assert "other.example/log" in operator.init(code=2)
    assert not (operator.state / "lodeline.db").exists()


def test_init_with_an_impossible_genesis(operator: Operator) -> None:
    assert "/body/registrar/country" in operator.init("--country", "Belgium", code=1)
    assert not (operator.state / "log.key").exists()  # nor under an origin that cannot be one: the next try is free
    assert "holds a log already" not in operator.init()


def test_public_log_says_so_in_its_genesis(operator: Operator) -> None:
    operator.init("--entries", "public")
    ((data,),) = operator.execute("SELECT data FROM subjects WHERE kind = 'log'")
    assert orjson.loads(data)["policy"]["entries"] == "public"


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_keygen_never_overwrites(operator: Operator, alg: str) -> None:
    path = operator.folder / "key.json"
    made = operator.json("keygen", "--out", str(path), "--alg", alg)
    assert path.stat().st_mode & 0o777 == 0o600
    assert orjson.loads(path.read_bytes()).items() > made["jwk"].items()
    assert "never overwritten" in operator.run("keygen", "--out", str(path), code=2)
    path.chmod(0o644)
    words = ("--origin", ORIGIN, "--name", "x", "--registrar", "did:web:x.example", "--registrar-key", str(path))
    assert "chmod 600" in operator.run("init", *words, code=2)


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"kty":"OKP"}', "PRIVATE+KEY+x"])
def test_key_files_with_something_else(operator: Operator, content: str) -> None:
    operator.init()
    for path in (operator.folder / "registrar.json", operator.state / "log.key"):
        path.write_text(content)
        path.chmod(0o600)
    assert "does not hold a private JWK" in operator.init(code=2)
    assert "does not hold a log's private key" in operator.run("fsck", code=2)


def test_cosigner_key_is_no_log_key(operator: Operator) -> None:
    from ledger.log.note import CosignatureSigner, format_skey

    operator.init()
    (operator.state / "log.key").write_text(format_skey(CosignatureSigner(ORIGIN, b"x" * 32)))
    assert "Ed25519 key of type 0x01" in operator.run("fsck", code=2)


def test_damage_is_found_and_mended(operator: Operator) -> None:
    operator.init()
    operator.execute("UPDATE subjects SET status = 'gone'")
    found = operator.json("fsck", code=1)
    assert not found["sound"]
    assert [one["table"] for one in found["differences"]] == ["subjects", "subjects"]
    assert "lodeline-server rebuild" in operator.run("fsck", code=1)
    operator.run("rebuild")
    assert operator.json("fsck")["sound"]


def test_lost_key_is_not_replaced_by_another(operator: Operator) -> None:
    operator.init()
    assert operator.state.stat().st_mode & 0o777 == 0o700
    (operator.state / "log.key").rename(operator.folder / "kept")
    assert "holds a log already" in operator.init(code=1)
    assert not (operator.state / "log.key").exists()
    assert "no key file" in operator.run("serve", code=2)
    (operator.folder / "kept").rename(operator.state / "log.key")
    assert operator.json("fsck")["sound"]


def test_packs_of_ones_own(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator.init()
    (operator.state / "signed-checkpoints").unlink()  # so that `serve` ends there when the packs are fine
    folder = operator.folder / "packs"
    monkeypatch.setenv("LODELINE_PACKS", str(folder))
    assert "LODELINE_PACKS must be a folder" in operator.run("serve", code=2)
    folder.mkdir()
    assert "--accept-head" in operator.run("serve", code=1)
    (folder / "own.toml").write_text("[pack]\nid = 1\n")
    assert f"{folder / 'own.toml'}: " in operator.run("serve", code=1)
    (folder / "own.toml").write_bytes(read_packs()["oecd-five-steps"].data)
    assert "oecd-five-steps" in operator.run("serve", code=1)


@pytest.mark.parametrize("words", [("serve",), ("serve", "--workers", "2")], ids=" ".join)
def test_witnesses_and_places_that_are_none(
    operator: Operator, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before any process starts: a parent would start one after the other for ever."""
    operator.init()
    file = operator.folder / "witnesses"
    monkeypatch.setenv("LODELINE_WITNESSES", str(file))
    assert "LODELINE_WITNESSES must be" in operator.run(*words, code=2)
    file.write_text("witness w1\n")
    assert f"{file} is none: Line 1" in operator.run(*words, code=2)
    monkeypatch.delenv("LODELINE_WITNESSES")
    monkeypatch.setenv("LODELINE_PUBLISH", "ftp://mirror.example/log")
    assert "LODELINE_PUBLISH must be" in operator.run(*words, code=2)


def test_lost_checkpoints_can_be_begun_anew(operator: Operator) -> None:
    operator.init()
    (operator.state / "signed-checkpoints").unlink()
    assert "--accept-head" in operator.run("fsck", code=1)
    assert "--accept-head" in operator.run("serve", code=1)
    assert operator.json("fsck", "--accept-head")["sound"]
    assert operator.json("fsck")["sound"]


@pytest.mark.parametrize("command", [("fsck",), ("rebuild",), ("serve",), ("export", "copy")])
def test_nothing_there_yet(operator: Operator, command: tuple[str, ...]) -> None:
    assert "lodeline-server init" in operator.run(*command, code=2)


def test_database_without_a_log(operator: Operator) -> None:
    operator.run("keygen", "--out", str(operator.state / "log.key"), "--origin", ORIGIN)
    assert operator.json("migrate") == {"before": None, "after": newest_step()}
    for command in (("fsck",), ("rebuild",), ("export", str(operator.folder / "copy")), ("fsck", "--accept-head")):
        assert "lodeline-server init" in operator.run(*command, code=1)
    operator.init()
    assert operator.json("fsck")["sound"]


def test_database_that_does_not_answer(operator: Operator) -> None:
    operator.database = ""
    operator.state.mkdir()
    (operator.state / "lodeline.db").write_bytes(b"this is no database" * 100)
    assert "database does not answer" in operator.run("migrate", code=1)


def test_export_into_a_file(operator: Operator) -> None:
    operator.init()
    (operator.folder / "file").write_text("")
    told = operator.run("export", str(operator.folder / "file"), code=1)
    assert told.startswith(f"lodeline-server: {operator.folder / 'file'} cannot be ")


def test_export_over_something_else(operator: Operator) -> None:
    operator.init()
    copy = operator.folder / "copy"
    copy.mkdir()
    (copy / "checkpoint").write_text("of another log")
    assert "choose another place" in operator.run("export", str(copy), code=1)
    assert [path.name for path in copy.iterdir()] == ["checkpoint"]
    (copy / "checkpoint").unlink()
    assert operator.json("export", str(copy), "--no-entries")["files"] == 3
    assert not (copy / "tile/entries").exists()


@pytest.mark.parametrize("words", ["nonsense", "export", "keygen", "fsck --nonsense", "serve --port x"])
def test_usage_errors(operator: Operator, words: str) -> None:
    assert "Usage" in operator.run(*words.split(), code=2)


def test_settings_errors(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODELINE_PORT", "many")
    assert "LODELINE_PORT must be a number" in operator.run("fsck", code=2)
    monkeypatch.delenv("LODELINE_PORT")
    operator.init()
    monkeypatch.setenv("LODELINE_LOG_LEVEL", "loud")
    assert "LODELINE_LOG_LEVEL must be one of debug" in operator.run("serve", code=2)
