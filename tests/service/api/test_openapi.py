"""The description of the API: committed, complete, and true when machine-made requests are thrown at the service."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema_rs import validator_for

from service.api import openapi
from service.api.answers import PROBLEM_REF
from service.api.problems import MEDIA_TYPE
from tests.service.api.harness import Desk, run_chain, send_concealed, serving, settle_in
from tests.support.world import AUDITOR, MINER, SMELTER, new_lot

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
SCHEMA = schemathesis.openapi.from_dict(openapi.describe_api())
OPERATIONS = [one.ok() for one in SCHEMA.get_all_operations()]
EXAMPLES_EACH = 25


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("openapi")) as desk:
        settle_in(desk)
        run_chain(desk)
        desk.extract(new_lot("lot:6"))
        send_concealed(desk, "lot:6")
        desk.give(desk.grant(SMELTER, MINER, "lot:5"))
        yield desk


def test_the_committed_file_is_what_the_code_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert openapi.main(["--check", "--file", str(COMMITTED)]) == 0
    other = tmp_path / "openapi.json"
    assert openapi.main(["--check", "--file", str(other)]) == 1
    assert "run `python -m service.api.openapi`" in capsys.readouterr().err
    assert openapi.main(["--file", str(other)]) == 0
    assert other.read_bytes() == COMMITTED.read_bytes()
    other.write_bytes(other.read_bytes().replace(b"Lodeline", b"Lodestar", 1))
    assert openapi.main(["--check", "--file", str(other)]) == 1


def test_the_service_serves_the_same_description(desk: Desk) -> None:
    assert desk.client.get("/openapi.json").json() == orjson.loads(COMMITTED.read_bytes())


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in orjson.loads(COMMITTED.read_bytes())["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_has_an_example_and_problem_responses() -> None:
    seen = [name for name, _ in operations()]
    assert {"POST /v1/records", "POST /v1/records/batch", "GET /v1/lots/{id}/bundle"} <= set(seen)
    for name, operation in operations():
        assert operation["description"], name
        good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        for media in good["content"].values():
            assert "example" in media, name
        problems = {
            status for status, answer in operation["responses"].items() if MEDIA_TYPE in answer.get("content", {})
        }
        assert {"400", "500"} <= problems, name
        for status in problems:
            content = operation["responses"][status]["content"][MEDIA_TYPE]
            assert content["schema"] == PROBLEM_REF
            for code, example in content["examples"].items():
                assert example["value"]["type"] == f"urn:lodeline:problem:{code}"
                assert example["value"]["status"] == int(status)
        if "requestBody" in operation:
            assert all("example" in media for media in operation["requestBody"]["content"].values()), name


def test_the_examples_are_of_their_schemas() -> None:
    document = orjson.loads(COMMITTED.read_bytes())
    checked = 0
    for name, operation in operations():
        for answer in operation["responses"].values():
            for media, content in answer.get("content", {}).items():
                if media not in ("application/json", MEDIA_TYPE):
                    continue
                schema = {**content["schema"], "components": document["components"]}
                found = [content["example"]] if "example" in content else []
                found += [one["value"] for one in content.get("examples", {}).values()]
                for example in found:
                    errors = [error.message for error in validator_for(schema).iter_errors(example)]
                    assert errors == [], name
                    checked += 1
    assert checked > 60


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_request_makes_the_service_fail(desk: Desk, operation: Any) -> None:
    """Requests that fit the description and requests that do not, as anybody and logged in: never a 5xx,
    and every answer is of a status and a form that the description knows."""

    @settings(
        max_examples=EXAMPLES_EACH,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=_cases(operation),
        reader=st.sampled_from(["", AUDITOR, MINER, SMELTER]),
        known=st.none() | st.sampled_from(_known_ids(desk, operation.path)),
    )
    def throw(case: Any, reader: str, known: str | None) -> None:
        if known is not None and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = known
        headers = {} if operation.path == "/v1/grants" and operation.method == "post" else dict(desk.as_(reader))
        answer = case.call(base_url=str(desk.client.base_url), headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code == 431:
            return  # more than any operation names: the connection refused it
        if answer.status_code in (404, 405) and "problem" in answer.headers["content-type"][0]:
            return  # an address that another operation, or none, is behind
        assert str(answer.status_code) in operation.definition.raw["responses"], (answer.status_code, answer.text)
        if answer.status_code != 304:
            case.validate_response(answer, checks=(schemathesis.checks.not_a_server_error,))

    throw()


def _known_ids(desk: Desk, path: str) -> list[str]:
    """Ids that are there, for a path that has one."""
    if path.startswith("/v1/records"):
        return [hashlib.sha256(entry.partition(b" ")[2]).hexdigest() for entry in desk.log]
    return sorted(desk.state.subjects)


def _cases(operation: Any) -> Any:
    """Valid requests and broken ones."""
    modes = schemathesis.GenerationMode
    return st.one_of(
        operation.as_strategy(generation_mode=modes.POSITIVE), operation.as_strategy(generation_mode=modes.NEGATIVE)
    )
