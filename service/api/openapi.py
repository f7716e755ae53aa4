"""The OpenAPI description, hot operations included.

`python -m service.api.openapi [--check]` writes docs/openapi.json, or compares it with the code.

The committed file is the contract that clients are written against; continuous integration runs
`--check`, so that it cannot drift from the code.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.routing import APIRoute

from ledger.errors import BadSignature, EnvelopeError, LotNotHeld, SchemaError, StaleHead, TooLarge
from service.api import examples
from service.api.answers import describe
from service.api.application import ROUTERS, make_application
from service.api.schemas import Accepted, BatchLine, Problem
from service.errors import BatchRefused, BodyTooLarge, TimedOut, Unavailable, UnsupportedMedia

FILE = Path("docs/openapi.json")
_MODELS = "#/components/schemas/{model}"
_RECORD = "application/custody-record+sd-jwt"
_PRESENTATION = f"{examples.JWS}~{examples.DISCLOSURE}~"
_BUSY = Unavailable("Too many records are waiting: send them again in a second.", retry_after=1)
_LATE = TimedOut("The body did not arrive in time: send it again.")
_REFUSED = (
    EnvelopeError("A record is a compact JWS: three base64url texts with dots between them."),
    SchemaError("The claim `prev` is missing.", pointer="/prev"),
    BadSignature("The signature does not verify under this key.", kid=examples.PARTICIPANT["keys"][0]),
    LotNotHeld("The signer is not the custodian of the lot.", pointer="/body/lots/0"),
    StaleHead("`prev` does not name the current head.", pointer="/prev", subject=examples.LOT, head=examples.HEAD_ID),
)
_ABOUT_RECORD = (
    "Take one signed record into the log. The signature is the login. Safe to repeat: a record that is there already "
    "is answered with 200 and its receipt. The answer is sent when the record is durable."
)
_ABOUT_BATCH = (
    "Take many records, one presentation per line, in order; later ones may build on earlier ones. Read and answered "
    "as a stream: one JSON object per line of the request, and a last one with the counts and the newest checkpoint. "
    "If that last line is missing the answer broke off: send the rest again. Each record is taken or refused by "
    "itself; with `atomic=true` all or none are stored, and lines that were fine are answered with 424."
)
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE


def describe_api(app: FastAPI | None = None) -> dict[str, Any]:
    """The whole OpenAPI 3.1 document."""
    described: dict[str, Any] = FastAPI.openapi(app or make_application(None))
    schemas = described["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in described["paths"].values():
        for operation in path.values():
            _drop_validation(operation)
    _restore_examples(described["paths"])
    for model in (Problem, Accepted, BatchLine):
        shape = model.model_json_schema(ref_template=_MODELS)
        schemas.update(shape.pop("$defs", {}))
        schemas[model.__name__] = shape
    described["paths"] = {**_hot_paths(), **described["paths"]}
    for responses in (op["responses"] for path in described["paths"].values() for op in path.values()):
        for response in responses.values():
            response.setdefault("headers", {})["X-Request-Id"] = {"schema": {"type": "string"}}
    return described


def install(app: FastAPI) -> None:
    """Have the application serve the whole description."""
    described = describe_api(app)
    app.openapi = lambda: described  # type: ignore[method-assign]  # FastAPI's own way to replace it


def _restore_examples(paths: dict[str, Any]) -> None:
    """FastAPI leaves out members that are null, which makes examples invalid: put ours back whole."""
    for route in (one for module in ROUTERS for one in module.router.routes if isinstance(one, APIRoute)):
        for method in route.methods or ():
            operation = paths[route.path.replace(":path", "")][method.lower()]
            for status, response in route.responses.items():
                for media, content in response.get("content", {}).items():
                    if "example" in content:
                        operation["responses"][str(status)]["content"][media]["example"] = content["example"]


def _drop_validation(operation: dict[str, Any]) -> None:
    """FastAPI announces its own 422; ours is a problem, and a 400."""
    response = operation["responses"].get("422", {})
    if "HTTPValidationError" in str(response.get("content", {}).get("application/json", "")):
        response["content"].pop("application/json")
        if not response["content"]:
            operation["responses"].pop("422")


def _hot_paths() -> dict[str, Any]:
    return {"/v1/records": {"post": _post_record()}, "/v1/records/batch": {"post": _post_batch()}}


def _post_record() -> dict[str, Any]:
    body = {"schema": {"type": "string"}, "example": _PRESENTATION}
    accepted = {"schema": {"$ref": "#/components/schemas/Accepted"}, "example": examples.ACCEPTED}
    too_large = TooLarge("A record may have at most 60000 bytes.", limit=60000, actual=60123)
    media = UnsupportedMedia(f"Send this as {_RECORD} or text/plain.", accepted=[_RECORD, "text/plain"])
    return {
        "tags": ["records"],
        "summary": "Post Record",
        "operationId": "post_record",
        "description": _ABOUT_RECORD,
        "requestBody": {
            "required": True,
            "description": "`<jws>~<disclosure>~...~`, or the JWS alone.",
            "content": {_RECORD: body, "text/plain": body},
        },
        "responses": {
            "201": {"description": "The record is in the log.", "content": {"application/json": accepted}},
            "200": {"description": "The record was in the log before.", "content": {"application/json": accepted}},
            **_problems(*_REFUSED, too_large, media, _BUSY, _LATE),
        },
    }


def _post_batch() -> dict[str, Any]:
    problem = describe(_REFUSED[-1])[409]["content"]["application/problem+json"]["examples"]["stale-head"]["value"]
    lines = [
        {"line": 1, "status": 201, "id": examples.RECORD_ID, "index": 1471, "logged": examples.LOGGED},
        {"line": 2, "status": 409, "problem": problem},
        {"accepted": 1, "existing": 0, "refused": 1, "checkpoint": examples.CHECKPOINT},
    ]
    flag = {"type": "boolean", "default": False}
    body = {"schema": {"type": "string"}, "example": f"{_PRESENTATION}\n{_PRESENTATION}\n"}
    media = UnsupportedMedia("Send this as application/x-ndjson or text/plain.")
    return {
        "tags": ["records"],
        "summary": "Post Batch",
        "operationId": "post_batch",
        "description": _ABOUT_BATCH,
        "parameters": [
            {"name": "atomic", "in": "query", "schema": flag, "description": "All or nothing, in one commit."},
            {"name": "receipts", "in": "query", "schema": flag, "description": "With the receipt of each record."},
        ],
        "requestBody": {
            "required": True,
            "description": "One presentation per line; empty lines are counted and left out.",
            "content": {"text/plain": body},
        },
        "responses": {
            "200": {
                "description": "Outcomes, one JSON object (`BatchLine`) per line.",
                "content": {
                    "application/x-ndjson": {
                        "schema": {"type": "string", "contentSchema": {"$ref": "#/components/schemas/BatchLine"}},
                        "example": "".join(orjson.dumps(line).decode() + "\n" for line in lines),
                    }
                },
            },
            **_problems(
                BodyTooLarge("A batch may have at most 10000 lines: send it in parts.", limit=10000),
                BatchRefused("This record was fine, but the batch is all or nothing and another one was refused."),
                media,
                _BUSY,
                _LATE,
            ),
        },
    }


def _problems(*errors: Any) -> dict[str, Any]:
    return {str(status): response for status, response in describe(*errors).items()}


def format_description() -> bytes:
    """The committed file's bytes."""
    return (
        orjson.dumps(describe_api(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        + b"\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with --check say whether it is up to date (exit code 1 when not)."""
    parser = argparse.ArgumentParser(description="The OpenAPI description of the service.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--file", type=Path, default=FILE)
    given = parser.parse_args(arguments)
    data = format_description()
    if not given.check:
        given.file.write_bytes(data)
        return 0
    if given.file.is_file() and given.file.read_bytes() == data:
        return 0
    sys.stderr.write(f"{given.file} is not what the code says: run `python -m service.api.openapi` and commit it.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
