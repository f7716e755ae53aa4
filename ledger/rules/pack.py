"""Rule packs: one regime each, as TOML that a compliance officer can read, strictly checked on loading.

A pack is data: which requirement, whose words, how grave, which check with which parameters.
Unknown checks, parameters, members and ids are errors, with a pointer. `$name` in a check's
members stands for a parameter of the pack, which a claim may override. The digest of the file's
bytes is in every verdict. Form: docs/formats/packs.md.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ledger.custody.vocabulary import Country, Date, Role, Url
from ledger.encoding import first_fault, join_pointer
from ledger.errors import PackError
from ledger.rules.checks import CHECKS
from ledger.rules.claim import CLAIMS, PackId, ParameterName, Scalar
from ledger.rules.minerals import MATERIALS
from ledger.rules.outcome import Grade, RiskArea, Severity

MAX_PACK_BYTES: Final = 1_000_000
MAX_RULES: Final = 300
MAX_DEPTH: Final = 16
"""Tables and lists inside one another, and parts of a dotted key."""
_KEY: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY: Final = re.compile(rf"(?:^|[{{,\[])[ \t]*(?:{_KEY}[ \t]*\.[ \t]*){{{MAX_DEPTH}}}", re.MULTILINE)

Text = Annotated[str, StringConstraints(min_length=1, max_length=600)]
RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9]*(?:[.-][A-Z0-9]+)*$", max_length=60)]
_Grades = Literal["self_attested", "countersigned", "competent_authority", "independent", "instrument"]


class _Form(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True
    )


class Citation(_Form):
    """Where the requirement stands. `unverified` repeats what could not be checked against the official text."""

    text: Text
    url: Url | None = None
    unverified: Text | None = None


class Scope(_Form):
    """When a rule applies; all members given must hold.

    materials: the lot holds one of them (`3tg` = tin, tantalum, tungsten, gold); methods: some of it
    was mined so; origins: countries of its mines; claims: types of claim; subjects: kinds of subject;
    since, before: days between which the valid clock must stand (`before` is the first day after).
    """

    materials: Annotated[list[str], Field(min_length=1)] | None = None
    methods: Annotated[list[Literal["artisanal", "semi_mechanised", "large_scale"]], Field(min_length=1)] | None = None
    origins: Annotated[list[Country], Field(min_length=1)] | None = None
    claims: Annotated[list[str], Field(min_length=1)] | None = None
    subjects: Annotated[list[Literal["lot", "site", "participant"]], Field(min_length=1)] | None = None
    since: Date | None = None
    before: Date | None = None


class Parameter(_Form):
    """A value that may differ by jurisdiction, date or buyer; `remark` says what is not certain about it."""

    value: Scalar
    unit: Text | None = None
    remark: Text | None = None


class RuleForm(_Form):
    """One rule of a pack. evidence: what it needs, in words; supplier: roles of those who could supply it.

    open_days: after how many days an undischarged red flag counts as a fault (0: never); optional: a
    test for which not everybody has the data: what it finds counts, that it could not be made does not.
    """

    id: RuleId
    requirement: Text
    citation: Citation
    risk: Annotated[list[Annotated[RiskArea, Field(strict=False)]], Field(min_length=1, max_length=5)]
    severity: Annotated[Severity, Field(strict=False)]
    grade: _Grades = "countersigned"
    evidence: Text
    supplier: Annotated[list[Role], Field(min_length=1)]
    check: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    scope: Scope = Scope()
    open_days: Annotated[int, Field(ge=0, le=3660)] = 60
    optional: bool = False
    remark: Text | None = None


class _Head(_Form):
    id: PackId
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Text
    source: Text
    url: Url | None = None
    effective: Date
    until: Date | None = None
    about: Text
    parameters: Annotated[dict[ParameterName, Parameter], Field(max_length=200)] = {}


class _PackForm(_Form):
    pack: _Head
    rule: Annotated[list[RuleForm], Field(min_length=1, max_length=MAX_RULES)]


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack. digest: hex SHA-256 of its bytes; data: those bytes.

    members: by rule id, those of its check as the pack's own parameters have them.
    """

    id: str
    version: str
    title: str
    digest: str
    head: Any
    rules: tuple[RuleForm, ...]
    data: bytes
    members: Mapping[str, Any]

    def reference(self) -> dict[str, str]:
        """How a verdict names the pack."""
        return {"id": self.id, "version": self.version, "digest": self.digest}


def parse_pack(data: bytes) -> Pack:
    """The pack that a TOML file spells. Raises PackError with a pointer to the member at fault, TooLarge."""
    if len(data) > MAX_PACK_BYTES:
        raise PackError(f"A pack is at most {MAX_PACK_BYTES} bytes.", limit=MAX_PACK_BYTES, actual=len(data))
    form = _fit(_PackForm, _read_toml(data), "")
    seen: set[str] = set()
    members: dict[str, Any] = {}
    for number, rule in enumerate(form.rule):
        pointer = f"/rule/{number}"
        if rule.id in seen:
            raise PackError(f"The rule {rule.id} stands in the pack twice.", pointer=f"{pointer}/id")
        seen.add(rule.id)
        members[rule.id] = _check_rule(rule, form.pack, pointer)
    _check_unused(form)
    head = form.pack
    digest = hashlib.sha256(data).hexdigest()
    return Pack(head.id, head.version, head.title, digest, head, tuple(form.rule), data, members)


def _read_toml(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
        if _LONG_KEY.search(text):  # the parser takes time with the square of the parts
            raise PackError(f"A key of a pack has at most {MAX_DEPTH} parts between dots.", limit=MAX_DEPTH)
        value = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise PackError("A pack is UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"A pack is TOML: {error}.") from error
    except ValueError as error:  # Python reads numbers of at most 4,300 digits
        raise PackError("A number of the pack is too long.") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [below for one in level for below in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in level if isinstance(one, dict | list)]
    if level:
        raise _too_deep()


def _too_deep() -> PackError:
    return PackError(f"Tables and lists of a pack stand at most {MAX_DEPTH} deep in one another.", limit=MAX_DEPTH)


def index_packs(packs: Iterable[Pack]) -> dict[str, Pack]:
    """Packs by id. Raises PackError when two have one id, or one rule id stands in two of them."""
    by_id: dict[str, Pack] = {}
    rules: dict[str, str] = {}
    for pack in packs:
        if pack.id in by_id:
            raise PackError(f"There are two packs '{pack.id}': give one of them another id.", pack=pack.id)
        by_id[pack.id] = pack
        for rule in pack.rules:
            if rules.setdefault(rule.id, pack.id) != pack.id:
                raise PackError(f"The rule {rule.id} stands in '{rules[rule.id]}' and in '{pack.id}'.", rule=rule.id)
    return by_id


def bind(rule: RuleForm, parameters: Mapping[str, Any]) -> Any:
    """The rule's check members with `$name` filled in, as the check's own model. Raises PackError."""
    members = {name: _fill(value, parameters) for name, value in rule.with_.items()}
    return _fit(CHECKS[rule.check].model, members, "/with")


def parameters_of(pack: Pack) -> dict[str, Any]:
    """The pack's parameters with their values."""
    return {name: one.value for name, one in pack.head.parameters.items()}


def _fill(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        return parameters[value[1:]]
    if isinstance(value, list):
        return [_fill(one, parameters) for one in value]
    if isinstance(value, dict):
        return {name: _fill(one, parameters) for name, one in value.items()}
    return value


def _names(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value[1:]} if value.startswith("$") else set()
    if isinstance(value, dict):
        value = list(value.values())
    return {name for one in value for name in _names(one)} if isinstance(value, list) else set()


def _check_rule(rule: RuleForm, head: _Head, pointer: str) -> Any:
    """The rule's members, as the pack's own parameters have them."""
    if rule.check not in CHECKS:
        raise PackError(f"There is no check '{rule.check}': see `lodeline rules checks`.", pointer=f"{pointer}/check")
    unknown = _names(rule.with_) - head.parameters.keys()
    if unknown:
        raise PackError(f"The pack has no parameter '{min(unknown)}'.", pointer=f"{pointer}/with")
    for claim in rule.scope.claims or ():
        if claim not in CLAIMS:
            raise PackError(f"There is no claim '{claim}'.", pointer=f"{pointer}/scope/claims")
    for material in rule.scope.materials or ():
        if material not in MATERIALS:
            raise PackError(f"There is no material '{material}'.", pointer=f"{pointer}/scope/materials")
    try:
        return bind(rule, {name: one.value for name, one in head.parameters.items()})
    except PackError as error:
        raise PackError(error.message, pointer=pointer + error.pointer) from error


def _check_unused(form: _PackForm) -> None:
    used = {name for rule in form.rule for name in _names(rule.with_)}
    unused = form.pack.parameters.keys() - used
    if unused:
        name = min(unused)
        raise PackError(f"No rule uses the parameter '{name}'.", pointer=join_pointer("/pack/parameters", name))


def grade_of(rule: RuleForm) -> Grade:
    """The least grade that the rule's evidence must have."""
    return Grade[rule.grade.upper()]


def _fit(model: Any, value: Any, pointer: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        said, pointer = first_fault(error, pointer)
        raise PackError(f"The pack is not well formed: {said}.", pointer=pointer) from error
