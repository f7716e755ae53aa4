"""Words of the command line as values: `Ta2O5=28.5`, `itsci:4711`, dates, files with a body. Faults name the option."""

from __future__ import annotations

import json
import re
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from clients.sdk.errors import LocalError
from clients.sdk.files import read_limited
from ledger.encoding import format_time

MAX_BODY = 1_000_000
_NO_MEMBERS = frozenset({"start", "end", "subjects"})  # words of the SDK; records say `from` and `to`


def bad(option: str, message: str) -> typer.BadParameter:
    """A usage error (exit code 2) at an option."""
    return typer.BadParameter(message, param_hint=option)


def parse_pairs(words: Iterable[str], option: str, example: str) -> dict[str, str]:
    """`name=value` words; none twice."""
    out: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value) or name in out:
            raise bad(option, f"{word!r} is not a single name=value: write {example}.")
        out[name] = value
    return out


def parse_when(text: str, option: str = "--time", *, end_of_day: bool = False) -> str:
    """A time as records hold it; now when nothing is given, the first or last second of a date."""
    if not text:
        return format_time(int(time.time()))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad(option, f"{text!r} is not a time: write 2026-12-31T14:30:00Z or 2026-12-31.") from error
    if len(text) == 10:
        clock = {"hour": 23, "minute": 59, "second": 59} if end_of_day else {}
        moment = moment.replace(tzinfo=UTC, **clock)
    if moment.tzinfo is None:
        raise bad(option, f"{text!r} has no time zone: add Z for UTC, or an offset such as +02:00.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_tags(words: Iterable[str]) -> list[dict[str, str]]:
    """`scheme:number` words."""
    tags = []
    for word in words:
        scheme, colon, number = word.partition(":")
        if not (scheme and colon and number):
            raise bad("--tag", f"{word!r} is not scheme:number: write itsci:CD-004711.")
        tags.append({"scheme": scheme, "number": number})
    return tags


def parse_route(words: Iterable[str]) -> list[dict[str, str]]:
    """`CD:Kolwezi` words."""
    route = []
    for word in words:
        country, colon, place = word.partition(":")
        if not (len(country) == 2 and colon and place):
            raise bad("--via", f"{word!r} is not country:place: write ZM:Kasumbalesa.")
        route.append({"country": country, "place": place})
    return route


def parse_documents(words: Iterable[str]) -> list[dict[str, str]]:
    """`kind:number` words."""
    documents = []
    for word in words:
        kind, _, number = word.partition(":")
        documents.append({"kind": kind, **({"number": number} if number else {})})
    return documents


def parse_new_lot(text: str) -> dict[str, Any]:
    """`LOT MINERAL MASS MOISTURE [Co=30.2 ...] [tag=itsci:1 ...] [role=residue] [packages=4]` as an output."""
    words = text.split()
    if len(words) < 4 or any("=" in word for word in words[:4]):
        raise bad("--output", f'{text!r}: write "LOT MINERAL KG MOISTURE Co=30.2 tag=itsci:4711".')
    pairs = [word.partition("=") for word in words[4:]]
    tags = parse_tags(value for name, _, value in pairs if name == "tag")
    rest = parse_pairs((word for word in words[4:] if not word.startswith("tag=")), "--output", "Co=30.2")
    role, packages = rest.pop("role", ""), rest.pop("packages", "")
    quantity = {"mass": words[2], "moisture": words[3], "assay": rest}
    lot: dict[str, Any] = {"id": words[0], "mineral": words[1], "quantity": quantity, "tags": tags}
    if role:
        lot["role"] = role
    if packages:
        lot["packages"] = parse_count(packages, "--output")
    return lot


def parse_count(text: str, option: str) -> int:
    """A whole number without sign."""
    if not (text.isascii() and text.isdigit()):
        raise bad(option, f"{text!r} is not a whole number.")
    return int(text)


def check_record_id(text: str) -> str:
    """The id of a record, which is never abbreviated: what is erased or corrected must be no other."""
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise LocalError(f"{text!r} is not a record id: write all its 64 digits, as `lodeline lot history` shows them.")
    return text


def read_body(path: Path | None) -> dict[str, Any]:
    """The members in a JSON or TOML file, {} without one; LocalError names the line at fault."""
    if path is None:
        return {}
    content = sys.stdin.buffer.read(MAX_BODY) if str(path) == "-" else read_limited(path, MAX_BODY)
    try:
        text = content.decode()
        value = (
            tomllib.loads(text, parse_float=_refuse_float)
            if path.suffix == ".toml"
            else json.loads(text, parse_float=_refuse_float)
        )
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise LocalError(f"{path} cannot be used: {error}.") from error
    if not isinstance(value, dict):
        raise LocalError(f"{path} must hold one JSON object.")
    for name in _NO_MEMBERS & value.keys():
        raise LocalError(f"{path} has {name!r}, which is no member of a body: see docs/formats/events.md.")
    return value


def nested(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object under a name of a body, {} when it is not there."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise LocalError(f"In the file of --body {name!r} must be an object, not {json.dumps(value)[:40]}.")
    return value


def _refuse_float(text: str) -> Any:
    raise ValueError(f'decimals are written as strings: "{text}", not {text}')


def merge(body: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Members of a file, overridden by options that were given (not None, "" or [])."""
    names = {"start": "from", "end": "to"}
    return {**body, **{names.get(n, n): v for n, v in given.items() if v not in (None, "", [], {})}}
