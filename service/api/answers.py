"""How operations are described: one good answer with its example, and the problems they may meet."""

from __future__ import annotations

from typing import Any

from service.api.problems import MEDIA_TYPE, Refusal, format_problem
from service.errors import BadRequest, Internal, NotAuthenticated, Unavailable

PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
Answers = dict[int | str, dict[str, Any]]


def answers(example: Any, *problems: Refusal, status: int = 200, about: str = "Done.") -> Answers:
    """The responses of a JSON operation: a good one, the problems given, and those that any operation may meet."""
    good = {"description": about, "content": {"application/json": {"example": example}}}
    return {status: good, **describe(*problems)}


def raw(media: str, example: str, *problems: Refusal, about: str, schema: dict[str, Any] | None = None) -> Answers:
    """The responses of an operation that does not answer with JSON."""
    shape = schema or {"type": "string"}
    return {
        200: {"description": about, "content": {media: {"schema": shape, "example": example}}},
        **describe(*problems),
    }


def describe(*problems: Refusal) -> Answers:
    """Responses in problem form, by status."""
    everywhere = (
        BadRequest("There is no parameter `statsu` here.", pointer="/statsu"),
        Unavailable("This took too long: ask for less, or try again.", retry_after=5),
        Internal("Something went wrong here: tell the operator the instance id."),
    )
    described: Answers = {}
    for error in (*problems, *everywhere):
        problem = format_problem(error, instance="4f0c8a1be2d79365")
        content = {MEDIA_TYPE: {"schema": PROBLEM_REF, "examples": {error.code: {"value": problem}}}}
        known = described.setdefault(problem["status"], {"description": problem["title"], "content": content})
        known["content"][MEDIA_TYPE]["examples"].setdefault(error.code, {"value": problem})
    return described


def page(item: Any) -> dict[str, Any]:
    """An example of a page that holds one item and is not the last."""
    return {"items": [item], "next": "MTQ3MQ"}


LOGIN = NotAuthenticated("Log in: send a token signed by your own key.")
