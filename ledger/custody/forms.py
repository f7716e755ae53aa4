"""The schemas once more, as plain dictionaries: a quick yes for the many records that are in order.

Validating into a model makes an object per part, which nobody reads: a record is what was signed.
The same annotations as TypedDicts take half the time. A no says nothing about where the fault is;
for that, and for parts with a rule of their own (`model_post_init`), the models are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from ledger.custody.vocabulary import Part


@cache
def quick_check(model: type[Part]) -> Callable[[Any], bool]:
    """A function that is true only for values which the model takes."""
    return TypeAdapter(_form(model)).validator.isinstance_python


@cache
def _form(model: type[Part]) -> Any:
    if model.model_post_init is not Part.model_post_init:
        return model
    members = {}
    for name, field in model.model_fields.items():
        annotation = _plain(field.rebuild_annotation())
        members[field.alias or name] = annotation if field.is_required() else NotRequired[annotation]
    make: Any = TypedDict  # made from data, which no type checker follows
    form = make(model.__name__, members)
    form.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
    return form


def _plain(annotation: Any) -> Any:
    """The annotation with every model in it replaced by its form."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return _form(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None or origin is Literal:
        return annotation
    if origin is Annotated:
        return Annotated[(_plain(arguments[0]), *annotation.__metadata__)]
    plain = tuple(map(_plain, arguments))
    return reduce(or_, plain) if origin in (Union, UnionType) else origin[plain]
