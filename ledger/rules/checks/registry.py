"""Where checks register themselves: name -> function, and the model of its members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

from ledger.rules.case import Case
from ledger.rules.ruling import Ruling


class Members(BaseModel):
    """Base of a check's members: strict, closed, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Check(NamedTuple):
    """A check as packs name it. summary: the first line of its docstring."""

    name: str
    summary: str
    model: type[Members]
    run: Callable[[Case, Any], Ruling]


CHECKS: Final[dict[str, Check]] = {}

_M = TypeVar("_M", bound=Members)


def check(function: Callable[[Case, _M], Ruling]) -> Callable[[Case, _M], Ruling]:
    """Register a function `(case, members)` under its own name; the annotation of `members` is its model."""
    hints = get_type_hints(function)
    model = next(hint for name, hint in hints.items() if name not in ("case", "return"))
    name = function.__name__
    assert name not in CHECKS, f"two checks are called {name}"  # noqa: S101 - a bug of ours, not bad input
    summary = (function.__doc__ or "").strip().splitlines()[0]
    CHECKS[name] = Check(name, summary, model, function)
    return function
