"""The container image and docker-compose.yml give nothing away: rights, writable places, secrets, versions.

No engine runs here; what can be read off the files is checked, and each check is shown to bite.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import yaml

from service.config import PREFIX, Settings
from tests.architecture.source import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PINNED = re.compile(r"[a-z./-]+:\d+\.\d+[\w.-]*")
SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY")
CREDENTIALS = re.compile(r"://[^/@]*:[^/@]+@")


def instructions(text: str) -> list[tuple[str, str]]:
    """(name, rest) of each instruction, continuation lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in joined.splitlines() if line.strip()]


def image_faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile; empty when nothing is."""
    steps = instructions(text)
    names = [name for name, _ in steps]
    last = dict(steps[max(i for i, name in enumerate(names) if name == "FROM") :])
    found = []
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", last.get("USER", "")):
        found.append("USER")
    if not last.get("HEALTHCHECK", "NONE").startswith("--"):
        found.append("HEALTHCHECK")
    if not last.get("CMD", "").startswith("["):
        found.append("CMD")
    if "ADD" in names or any(rest.startswith(". ") for name, rest in steps if name == "COPY"):
        found.append("COPY")
    images = [rest.partition("=")[2] for name, rest in steps if name == "ARG"]
    if not all(PINNED.fullmatch(image) for image in images):
        found.append("ARG")
    if not all(rest.startswith("${PYTHON_IMAGE}") for name, rest in steps if name == "FROM"):
        found.append("FROM")
    commands = [part for name, rest in steps if name == "RUN" for part in rest.split("&&") if "pip install" in part]
    if not all("--require-hashes" in command or "--no-index" in command for command in commands):
        found.append("RUN")
    return found


def service_faults(service: dict[str, Any]) -> list[str]:
    """Which members of a compose service leave something open; empty when none does."""
    once = service.get("restart") == "no"
    ok = {
        "user": service.get("user", "0").startswith("${LODELINE_UID:-10001}"),
        "read_only": service.get("read_only") is True,
        "cap_drop": service.get("cap_drop") == ["ALL"],
        "security_opt": service.get("security_opt") == ["no-new-privileges:true"],
        "tmpfs": any(place.startswith("/tmp:size=") for place in service.get("tmpfs", [])),  # noqa: S108  in a container
        "mem_limit": "mem_limit" in service,
        "pids_limit": "pids_limit" in service,
        "image": bool(PINNED.fullmatch(service.get("image", ""))),
        "healthcheck": once or bool(service.get("healthcheck", {}).get("test")),
        "ports": all(port.startswith("127.0.0.1:") for port in service.get("ports", [])),
        "privileged": not service.get("privileged"),
        "environment": not any(
            CREDENTIALS.search(str(value)) or (SECRET.search(name) and not str(value).startswith("/run/secrets/"))
            for name, value in service.get("environment", {}).items()
        ),
    }
    return [member for member, good in ok.items() if not good]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_service_is_hardened(name: str) -> None:
    assert service_faults(COMPOSE["services"][name]) == []


def _set(member: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda service: service.__setitem__(member, value)


@pytest.mark.parametrize(
    ("member", "bend"),
    [
        ("user", _set("user", "0:0")),
        ("read_only", _set("read_only", False)),
        ("cap_drop", _set("cap_drop", ["NET_RAW"])),
        ("security_opt", lambda service: service.pop("security_opt")),
        ("tmpfs", lambda service: service.pop("tmpfs")),
        ("mem_limit", lambda service: service.pop("mem_limit")),
        ("pids_limit", lambda service: service.pop("pids_limit")),
        ("image", _set("image", "lodeline:latest")),
        ("healthcheck", _set("healthcheck", {"disable": True})),
        ("ports", _set("ports", ["8000:8000"])),
        ("privileged", _set("privileged", True)),
        ("environment", _set("environment", {"LODELINE_DATABASE": "postgresql://lodeline:open@database/lodeline"})),
        ("environment", _set("environment", {"POSTGRES_PASSWORD": "open"})),
    ],
)
def test_a_service_that_is_opened_is_noticed(member: str, bend: Callable[[dict[str, Any]], None]) -> None:
    service = copy.deepcopy(COMPOSE["services"]["ledger"])
    bend(service)
    assert service_faults(service) == [member]


def test_secrets_are_files_that_git_does_not_know() -> None:
    files = [secret["file"] for secret in COMPOSE["secrets"].values()]
    names = ("postgres-password", "api-password", "pgpass", "pgpass-owner")
    assert files == [f"docker/secrets/{name}" for name in names]
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    used = {name for service in COMPOSE["services"].values() for name in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])


def test_the_service_is_not_the_owner_of_its_tables() -> None:
    services = COMPOSE["services"]
    assert services["ledger"]["environment"]["LODELINE_DATABASE"].startswith("postgresql+psycopg://lodeline_api@")
    assert "pgpass-owner" not in services["ledger"]["secrets"]
    assert "roles --api lodeline_api" in services["migrate"]["command"][-1]
    assert "CREATE ROLE lodeline_api LOGIN" in (ROOT / "docker/roles.sh").read_text(encoding="utf-8")


def test_the_database_is_not_reachable_from_outside() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert COMPOSE["services"]["database"]["networks"] == ["inside"]
    assert "ports" not in COMPOSE["services"]["database"]


@pytest.mark.parametrize(
    ("step", "old", "new"),
    [
        ("USER", "USER 10001:10001", "USER root"),
        ("HEALTHCHECK", "HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3", "HEALTHCHECK NONE"),
        ("CMD", 'CMD ["lodeline-server", "serve"]', "CMD lodeline-server serve"),
        ("COPY", "COPY ledger ledger", "COPY . ."),
        ("ARG", "python:3.11.13-slim-bookworm", "python:latest"),
        ("FROM", "FROM ${PYTHON_IMAGE} AS build", "FROM python AS build"),
        ("RUN", "--require-hashes -r docker/service.lock", "-r docker/service.lock"),
    ],
)
def test_image_is_hardened_and_the_check_bites(step: str, old: str, new: str) -> None:
    assert image_faults(DOCKERFILE) == []
    assert old in DOCKERFILE
    assert image_faults(DOCKERFILE.replace(old, new)) == [step]


def test_image_is_built_from_files_that_exist_and_docker_sees() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    sources = [rest.split()[:-1] for name, rest in instructions(DOCKERFILE) if name == "COPY" and "--from" not in rest]
    for source in (one for names in sources for one in names):
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored or f"!{source.rpartition('/')[0]}/*.lock" in ignored, source


def test_settings_of_the_containers_are_settings_of_the_service() -> None:
    known = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}
    told = set(re.findall(r"\bLODELINE_[A-Z_]+(?==)", DOCKERFILE))
    for service in COMPOSE["services"].values():
        told |= {name for name in service.get("environment", {}) if name.startswith(PREFIX)}
    assert told <= known
    assert {"LODELINE_STATE", "LODELINE_DATABASE"} <= told
