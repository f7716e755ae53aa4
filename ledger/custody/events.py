"""Checking the body of a record against the schema of its type.

A payload that passes has exactly the members of its schema, each of the written type and range;
nothing is coerced, so the signed bytes and what the rules read are the same. Which record is
allowed at which moment is `state`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from ledger.custody.attestations import ATTESTATION_KINDS, STATEMENTS, statement_analytes
from ledger.custody.bodies import BODIES, CORRECTABLE, EVENT_TYPES, MAX_EDGES
from ledger.custody.forms import quick_check
from ledger.custody.quantity import check_assay, parse_analyte
from ledger.custody.vocabulary import Part
from ledger.errors import EnvelopeError, SchemaError, TooLarge

__all__ = ["ATTESTATION_KINDS", "EVENT_TYPES", "check_disclosed", "check_schema", "concealable_pointers"]

Body = Mapping[str, Any]
_SAID: Final = {
    "string_pattern_mismatch": "this is not spelled as it must be here (see docs/formats/events.md)",
    "extra_forbidden": "this member is not known here: remove it, or check its spelling",
    "missing": "this member is required: add it",
}
_NONE: Final[Body] = {}
_INDEX: Final = re.compile(r"(?<=/)\d+(?=/|$)")


def check_schema(payload: Body) -> None:
    """Raise SchemaError, with a JSON Pointer to the member at fault, unless the body fits its type.

    payload: of a record that `envelope.parse_record` has let through.
    """
    kind, body = payload["type"], payload["body"]
    model = BODIES.get(kind)
    if model is None:
        raise SchemaError(f"'{kind}' is not an event type: use one of {', '.join(EVENT_TYPES)}.", pointer="/type")
    _check_part(model, body, "/body")
    further = _FURTHER.get(kind)
    if further is not None:
        further(body)


def check_disclosed(payload: Body, body: Body, pointers: Iterable[str]) -> None:
    """Raise unless the disclosed members are concealable ones and fit the schema.

    payload: as signed; body: with the disclosed members filled in; pointers: of those members,
    relative to the payload. Raises EnvelopeError for a member that may not be concealed,
    SchemaError for one that does not fit.
    """
    check_schema({**payload, "body": body})
    allowed = concealable_pointers(payload["type"], body.get("kind", ""))
    for pointer in pointers:
        if _INDEX.sub("*", pointer) not in allowed:
            raise EnvelopeError(f"{pointer} can't be concealed: sign it in plain.", pointer=pointer)


@cache
def concealable_pointers(event_type: str, kind: str = "") -> frozenset[str]:
    """JSON Pointers, relative to the payload, of the members that may be concealed; `*` for an index.

    kind: of an attestation, whose statement has concealable members of its own.
    """
    found = set(_concealable(BODIES[event_type], "/body"))
    if kind in STATEMENTS and event_type == "attest":
        found.update(_concealable(STATEMENTS[kind], "/body/statement"))
    return frozenset(found)


def _concealable(model: type[Part], at: str) -> Iterable[str]:
    for name, field in model.model_fields.items():
        pointer = f"{at}/{field.alias or name}"
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("concealable"):
            yield pointer
        yield from _concealable_within(field.annotation, pointer)


def _concealable_within(annotation: Any, pointer: str) -> Iterable[str]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield from _concealable(annotation, pointer)
        return
    below = f"{pointer}/*" if get_origin(annotation) is list else pointer
    for argument in get_args(annotation):
        yield from _concealable_within(argument, below)


def _pointer(at: str, location: tuple[int | str, ...]) -> str:
    tokens = (str(part).replace("~", "~0").replace("/", "~1") for part in location if part != "[key]")
    return "/".join((at, *tokens))


def _check_part(model: type[Part], value: Any, at: str) -> None:
    if not quick_check(model)(value):
        model.model_rebuild()  # models are built when first needed: here, to name a fault
        _check(model.__pydantic_validator__.validate_python, value, at)


def _check(validate: Callable[[Any], Any], value: Any, at: str) -> None:
    try:
        validate(value)
    except ValidationError as error:
        faults = [
            {"pointer": _pointer(at, fault["loc"]), "message": _SAID.get(fault["type"]) or fault["msg"]}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)[:10]
        ]
        first = faults[0]
        raise SchemaError(
            f"{first['pointer']}: {first['message']}.",
            pointer=first["pointer"],
            **({"faults": faults} if len(faults) > 1 else {}),
        ) from None


def _check_unique(values: list[str], at: str, what: str) -> None:
    if len(set(values)) != len(values):
        twice = next(v for i, v in enumerate(values) if v in values[:i])
        raise SchemaError(f"{what} '{twice}' stands twice: name it once.", pointer=at)


def _check_ids(parts: list[Body], member: str, at: str) -> None:
    if len(parts) > 1:
        _check_unique([part[member] for part in parts], at, "Lot")


def _check_period(period: Body | None, at: str) -> None:
    if period is not None and period["from"] > period["to"]:
        raise SchemaError("The period ends before it begins: swap 'from' and 'to'.", pointer=at)


def _check_new_lots(lots: list[Body], at: str) -> None:
    _check_ids(lots, "id", at)
    tags = [f"{tag['scheme']}:{tag['number']}" for lot in lots for tag in lot.get("tags", ())]
    if len(tags) > 1:
        _check_unique(tags, at, "Tag")
    for i, lot in enumerate(lots):
        check_assay(lot["quantity"]["assay"], f"{at}/{i}/quantity/assay")


def _check_participant(body: Body) -> None:
    _check_unique(body["roles"], "/body/roles", "Role")


def _check_extract(body: Body) -> None:
    _check_period(body["period"], "/body/period")
    _check_new_lots(body["lots"], "/body/lots")


def _check_lot_list(body: Body) -> None:
    _check_unique(body["lots"], "/body/lots", "Lot")


def _check_measured(body: Body) -> None:
    lots = body["lots"]
    _check_ids(lots, "id", "/body/lots")
    for i, lot in enumerate(lots):
        assay = (lot.get("quantity") or _NONE).get("assay")
        if assay:
            check_assay(assay, f"/body/lots/{i}/quantity/assay")


def _check_receive(body: Body) -> None:
    _check_measured(body)
    accepted = body["outcome"] == "accepted"
    for i, lot in enumerate(body["lots"]):
        if accepted != (lot.get("quantity") is not None):
            raise SchemaError(
                "An accepted lot has the quantity that was measured, a refused one has none.",
                pointer=f"/body/lots/{i}/quantity",
            )


_SHAPES: Final[dict[str, Callable[[int, int], bool]]] = {
    "split": lambda inputs, _: inputs == 1,
    "retag": lambda inputs, outputs: inputs == outputs == 1,
    "merge": lambda inputs, outputs: inputs > 1 and outputs == 1,
    "blend": lambda inputs, outputs: inputs > 1,
}


def _check_transform(body: Body) -> None:
    inputs, outputs = body["inputs"], body["outputs"]
    _check_ids(inputs, "lot", "/body/inputs")
    _check_new_lots(outputs, "/body/outputs")
    if len(inputs) * len(outputs) > MAX_EDGES:
        raise TooLarge(
            f"Inputs times outputs exceed {MAX_EDGES}: split the process into several records.",
            pointer="/body/outputs",
            limit=MAX_EDGES,
            actual=len(inputs) * len(outputs),
        )
    shape = _SHAPES.get(body["process"])
    if shape is not None and not shape(len(inputs), len(outputs)):
        raise SchemaError(
            "A split has one input, a retag one input and one output, a merge several inputs and one output, "
            "a blend several inputs: choose the process that fits.",
            pointer="/body/process",
        )


def _check_attest(body: Body) -> None:
    kind = body["kind"]
    _check_part(STATEMENTS[kind], body["statement"], "/body/statement")
    start, end = body.get("from"), body.get("until")  # either may be null
    if start and end and start > end:
        raise SchemaError("The attestation ends before it begins: swap 'from' and 'until'.", pointer="/body/until")
    for member, grades in statement_analytes(kind, body["statement"]).items():
        at = f"/body/statement/{member}"
        for analyte in grades:
            try:
                parse_analyte(analyte)
            except SchemaError as error:
                raise SchemaError(error.message, pointer=f"{at}/{analyte}") from error


def _check_incident(body: Body) -> None:
    _check_period(body.get("period"), "/body/period")


@cache
def _replacement(event_type: str, member: str) -> TypeAdapter[Any] | None:
    for name, field in BODIES[event_type].model_fields.items():
        if (field.alias or name) == member and member in CORRECTABLE[event_type]:
            return TypeAdapter(field.rebuild_annotation())
    return None


def _check_correct(body: Body) -> None:
    for member, value in body["replace"].items():
        at = _pointer("/body/replace", (member,))
        adapter = _replacement(body["type"], member)
        if adapter is None or value is None:
            allowed = ", ".join(CORRECTABLE[body["type"]])
            raise SchemaError(
                f"'{member}' of a {body['type']} can't be corrected, only {allowed}: "
                "what moved custody or mass takes the counterparty's signature.",
                pointer=at,
            )
        _check(adapter.validator.validate_python, value, at)
    _check_period(body["replace"].get("period"), "/body/replace/period")


_FURTHER: Final[dict[str, Callable[[Body], None]]] = {
    "participant": _check_participant,
    "extract": _check_extract,
    "dispatch": _check_lot_list,
    "receive": _check_receive,
    "settle": _check_measured,
    "transform": _check_transform,
    "close": _check_lot_list,
    "attest": _check_attest,
    "incident": _check_incident,
    "correct": _check_correct,
}
