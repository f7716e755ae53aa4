"""What the documents say is there: files, links, make targets, commands, settings; the example opens."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import typer

from tests.architecture.source import PACKAGES, ROOT, modules, text_of

PAGES = tuple(sorted(page for place in (".", "docs/**", "docker", "native") for page in ROOT.glob(f"{place}/*.md")))
DECISIONS = tuple(page for page in PAGES if re.match(r"\d{4}-", page.name))
CODE = re.compile(r"^```.*?^```|^    .*?$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TOPS = ("ledger", "service", "clients", "tests", "scripts", "docs", "docker", "benchmarks", "contracts", "demo", ".ci")
PATH = re.compile(rf"`((?:{'|'.join(map(re.escape, TOPS))})/[\w./*-]*)`")
# Hosts that a text may name: loopback, reserved for examples and tests (RFC 2606), publishers of standards, and where a
# person looks at a block.
HOSTS = re.compile(
    r"127\.0\.0\.1|localhost|([\w-]+\.)*(example(\.(org|com|net))?|test|invalid)|www\.apache\.org|semver\.org|c2sp\.org"
    r"|([\w-]+\.)?etherscan\.io"
    r"|www\.w3\.org|vocabulary\.uncefact\.org"
)
# Where the texts of laws and standards are published that rules cite: nothing is ever fetched from there.
CITED = re.compile(
    r"data\.europa\.eu|eur-lex\.europa\.eu|legalinstruments\.oecd\.org|main\.un\.org|icglr\.org|eiti\.org|www\.iso\.org"
    r"|www\.(itsci|kimberleyprocess|lbma|responsiblemineralsinitiative)\.(org|com|org\.uk)|www\.(cbp|dhs|sec)\.gov"
    r"|doi\.org|ofac\.treasury\.gov|www\.fedlex\.admin\.ch|www\.mdpi\.com|publications\.waset\.org"
)
CITING = ("ledger/rules/packs/", "docs/rules.md")
MACHINE = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:tmp|work|farm|root|home)/")


def ids(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def tracked() -> list[Path]:
    """Text files that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    assert listed, "not a git checkout"
    files = [ROOT / name for name in listed if Path(name).suffix not in {".lock", ".png", ".xlsx", ".woff2"}]
    return [file for file in files if file.is_file()]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(CODE.sub("", text)) if "://" not in link and not link.startswith("#")]
    broken = [link for link in links if not (page.parent / link.partition("#")[0]).exists()]
    broken += [path for path in PATH.findall(text) if not list(ROOT.glob(path.rstrip("/")))]
    assert broken == []


def resolves(name: str) -> bool:
    """Whether a dotted name is a module of ours, or a member of one."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_names_of_the_code_are_there(page: Path) -> None:
    names = re.findall(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)[`(]", page.read_text(encoding="utf-8"))
    assert [name for name in names if not resolves(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_programs_are_there(page: Path) -> None:
    """`python -m name` and `python path`."""
    named = re.findall(r"\bpython (?:-m ([a-z_.]+)|([a-z_/]+\.py))", page.read_text(encoding="utf-8"))
    paths = [Path(path or module.rstrip(".").replace(".", "/")) for module, path in named]
    found = [
        (ROOT / one).is_file() or (ROOT / one / "__main__.py").is_file() or (ROOT / f"{one}.py").is_file()
        for one in paths
    ]
    assert [one for one, there in zip(paths, found, strict=True) if not there] == []


def test_a_name_that_is_not_there_is_noticed() -> None:
    assert resolves("ledger.log.merkle.check_inclusion")
    assert not resolves("ledger.log.merkle.check_exclusion")
    assert not resolves("ledger.tree.check_inclusion")


def headings(text: str) -> set[str]:
    """Fragments that lead to a heading of a page: lower case, words with hyphens, nothing else."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_into_a_page_lead_to_a_heading(page: Path) -> None:
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    links = [link.partition("#") for link in LINK.findall(text) if "://" not in link and "#" in link]
    targets = [(page.parent / path if path else page, fragment) for path, _, fragment in links]
    assert [one for one in targets if one[1] not in headings(one[0].read_text(encoding="utf-8"))] == []


def test_the_fragments_of_headings() -> None:
    assert headings("# A `b` c\n\n## Keys, and where\n```\n# no\n```\n") == {"a-b-c", "keys-and-where"}


def operations(text: str) -> set[tuple[str, str]]:
    """Method and path of what is written as `GET /v1/lots/{id}`, without names in braces and without queries."""
    named = re.findall(r"`(GET|POST|DELETE|PUT) (/v1/[^`?]+)", text)
    return {(method, re.sub(r"{\w+}", "{}", path)) for method, path in named}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_operations_of_the_api_exist(page: Path) -> None:
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    known = operations("".join(f"`{one.upper()} {path}`" for path, methods in paths.items() for one in methods))
    assert len(known) > 25
    assert operations(page.read_text(encoding="utf-8")) <= known


@pytest.mark.parametrize("page", DECISIONS, ids=ids)
def test_decision_has_its_five_parts_on_one_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parts = re.findall(r"^(?:> )?\*\*(Context|Decision|Consequences|Alternatives|The check)\.\*\*", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences", "Alternatives", "The check"]
    assert text.startswith(f"# {page.name[:4]} ")
    assert text.count("\n") <= 60
    assert f"({page.name})" in (page.parent / "README.md").read_text(encoding="utf-8")


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^    |^\$ )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


def command_lines(text: str, program: str) -> list[list[str]]:
    """The words of every command of `program` in indented blocks and code spans, without comments and the program."""
    blocks = re.findall(rf"^    (?:\\$ )?(?:[\w. -]*? )?({program} .*)$", text, re.MULTILINE)
    spans = re.findall(rf"`({program} [a-z][^`|.]*)`", text)
    return [shlex.split(line.partition("  #")[0])[1:] for line in [*blocks, *spans]]


def command_faults(words: list[str], command: Any) -> list[str]:
    """Words that are no command, and options that the command does not have; empty when it could run."""
    while hasattr(command, "get_command") and words and not words[0].startswith("-"):
        found = command.get_command(None, words[0])
        if found is None:
            return [words[0]]
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word) and word not in known | {"--help"}]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docker-compose.yml"], ids=ids)
@pytest.mark.parametrize("program", ["lodeline", "lodeline-server"])
def test_commands_exist_with_these_options(page: Path, program: str) -> None:
    app = import_module({"lodeline": "clients.cli.main", "lodeline-server": "service.manage"}[program]).app
    lines = command_lines(page.read_text(encoding="utf-8"), program)
    faults = {" ".join(words): command_faults(words, typer.main.get_command(app)) for words in lines}
    assert {line: fault for line, fault in faults.items() if fault} == {}


def test_a_command_or_option_that_is_not_there_is_noticed() -> None:
    from clients.cli.main import app

    command = typer.main.get_command(app)
    assert command_lines("    lodeline lot show A --json\nand `lodeline-server init`", "lodeline") == [
        ["lot", "show", "A", "--json"]
    ]
    assert command_faults(["lot", "show", "A", "--json"], command) == []
    assert command_faults(["lot", "show", "A", "--jason"], command) == ["--jason"]
    assert command_faults(["lots", "show", "A"], command) == ["lots"]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_settings_exist(page: Path) -> None:
    from service.config import PREFIX, AnchorSettings, Limits, Settings

    known = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}
    known |= {f"{PREFIX}LIMIT_{field.name.upper()}" for field in fields(Limits)}
    known |= {f"{PREFIX}ANCHOR_{field.name.upper()}" for field in fields(AnchorSettings)}
    known |= {f"{PREFIX}{name}" for name in ("VECTORS", "TEST_POSTGRES", "NATIVE", "UID", "GID", "PUBLISHED_PORT")}
    assert variables(page.read_text(encoding="utf-8")) <= known | variables(*map(text_of, modules("clients")))


def variables(*texts: str) -> set[str]:
    """Names of environment variables of ours in these texts."""
    return {name for text in texts for name in re.findall(r"\bLODELINE_[A-Z_]+[A-Z]\b", text)}


def test_variables_of_the_clients_are_in_the_readme() -> None:
    used = variables(*map(text_of, modules("clients")))
    assert "LODELINE_HOME" in used
    assert used <= variables(text_of(Path("README.md")))


def test_no_file_names_a_machine_or_a_strange_host() -> None:
    found = []
    for file in tracked():
        text = file.read_text(encoding="utf-8")
        cites = ids(file).startswith(CITING)
        for n, line in enumerate(text.splitlines(), 1):
            hosts = re.findall(r"https?://(?:[^/@\s\"'`]*@)?([A-Za-z][\w.-]*[A-Za-z]|\d+\.\d+\.\d+\.\d+)", line)
            strange = [
                host
                for host in hosts
                if "." in host and not (HOSTS.fullmatch(host) or (cites and CITED.fullmatch(host)))
            ]
            if strange or (MACHINE.search(line) and file.name not in {".gitignore", Path(__file__).name}):
                found.append(f"{file.relative_to(ROOT)}:{n} {line.strip()[:90]}")
    assert found == []


def test_the_scan_for_hosts_and_machines_bites() -> None:
    assert MACHINE.search('open("/' + 'tmp/x")')
    assert MACHINE.search("see /" + "root/.cache")
    assert not MACHINE.search("/var/lib/lodeline and /v1/work/x")
    assert not HOSTS.fullmatch("mirror.internal.net")
    assert HOSTS.fullmatch("log.lodeline.example")
    assert CITED.fullmatch("eur-lex.europa.eu")
    assert not CITED.fullmatch("eur-lex.europa.eu.example.net")


def example(page: str) -> str:
    """The first TOML text of a page of docs/formats."""
    return re.findall(r"^```toml\n(.*?)^```", text_of(Path("docs/formats", page)), re.DOTALL | re.MULTILINE)[0]


def test_the_example_pack_loads() -> None:
    from ledger.errors import PackError
    from ledger.rules.pack import parse_pack

    text = example("packs.md")
    assert [rule.id for rule in parse_pack(text.encode()).rules] == ["OUR.VISIT"]
    with pytest.raises(PackError):
        parse_pack(text.replace("max_age", "maximum_age").encode())


def test_the_example_mapping_fits_its_list() -> None:
    from clients.importers.mapping import parse_mapping
    from clients.sdk.errors import LocalError

    members = tomllib.loads(example("lists.md"))
    mapping = parse_mapping(members, kind="extracts")
    assert (dict(mapping.assay), mapping.defaults["method"]) == ({"Ta2O5": "Grade"}, "artisanal")
    with pytest.raises(LocalError):
        parse_mapping(members | {"kind": "dispatches"}, kind="dispatches")


def test_the_checks_of_a_bundle_are_those_that_verify_makes() -> None:
    from ledger.evidence.verify import CHECKS

    section = text_of(Path("docs/formats/bundle.md")).partition("\n## Verification\n")[2]
    assert tuple(re.findall(r"^\| \d+ \| `(\w+)` \|", section, re.MULTILINE)) == CHECKS


def test_the_example_record_is_what_the_page_says() -> None:
    from ledger.custody.events import check_schema
    from ledger.envelope import check_signature, open_disclosures, parse_presentation, parse_record
    from ledger.errors import BadSignature
    from ledger.keys import private_key_from_seed

    text = text_of(Path("docs/formats/record.md"))
    (presentation,) = re.findall(r"^    (eyJ\S+~)$", text, re.MULTILINE)
    jws, disclosures = parse_presentation(presentation)
    record = parse_record(jws)
    check_schema(record.payload)
    check_signature(record, private_key_from_seed("Ed25519", bytes(range(32))).public)
    assert f"Record id `{record.id}`" in text
    disclosed = open_disclosures(record, disclosures)
    assert disclosed.body["transport"]["driver"] == "name of the driver"
    assert open_disclosures(record, ()).erased == 1
    with pytest.raises(BadSignature):
        check_signature(record, private_key_from_seed("Ed25519", bytes(32)).public)
