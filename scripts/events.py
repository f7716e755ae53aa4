"""The page docs/formats/events.md, from the schemas of ledger/custody.

The words come from the source (names of types, limits, docstrings), the facts from the models
(required, concealable, spelling on the wire), so the page cannot say what the code does not do.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import typing
from collections.abc import Iterator
from typing import Any

from ledger.custody.attestations import STATEMENTS
from ledger.custody.bodies import BODIES, CORRECTABLE
from ledger.custody.vocabulary import Part

PREAMBLE = """\
# Events: what the body of a record holds

Generated from the schemas in `ledger/custody/` by `make pages`; `make check` compares. Every
schema is strict: nothing is coerced, a member that is not listed is refused, and so is one of
the wrong type or range (`schema-error`, with a JSON Pointer to the member).

A member marked *concealable* may be signed as a digest only (`_sd`, RFC 9901): who holds the
disclosure reads it, who does not still checks the signature. A concealed member counts as absent
for the schema, so every concealable one is optional. Rules that bind several members or records
stand in [record.md](record.md).
"""
WORDS = {"str": "string", "int": "integer", "bool": "boolean", "Any": "value"}


class Source:
    """One schema module as a person wrote it: its classes' members, its named types, its values."""

    def __init__(self, module: str) -> None:
        loaded = importlib.import_module(module)
        self.values = vars(loaded)
        self.members: dict[str, dict[str, ast.AnnAssign]] = {}
        self.names: dict[str, tuple[ast.expr, str]] = {}
        body = ast.parse(inspect.getsource(loaded)).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            if isinstance(node, ast.ClassDef):
                written = (item for item in node.body if isinstance(item, ast.AnnAssign))
                self.members[node.name] = {ast.unparse(item.target): item for item in written}
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
                value = (
                    after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
                )
                self.names[ast.unparse(node.targets[0])] = (node.value, str(value))

    def value(self, node: ast.expr) -> Any:
        """What a constant or a name of this module stands for."""
        if isinstance(node, ast.Name):
            return self.values[node.id]
        return ast.literal_eval(node)

    def limits(self, calls: list[ast.expr]) -> dict[str, Any]:
        """Keyword arguments of `Field(...)` and `StringConstraints(...)` that restrict a value."""
        wanted = {"min_length", "max_length", "ge", "le", "pattern"}
        given = [word for call in calls if isinstance(call, ast.Call) for word in call.keywords if word.arg in wanted]
        return {
            str(word.arg): self.pattern(word.value) if word.arg == "pattern" else self.value(word.value)
            for word in given
        }

    def pattern(self, node: ast.expr) -> str:
        """A regular expression, put together as it is written: from pieces, names and other patterns."""
        program = compile(ast.Expression(node), "<pattern>", "eval")
        return str(eval(program, dict(self.values)))  # noqa: S307  our own source, already imported


source = functools.cache(Source)


def say_limits(limits: dict[str, Any]) -> str:
    """`, 1 to 40` and the like; patterns and lengths of strings after them."""
    low, high = limits.get("min_length", limits.get("ge")), limits.get("max_length", limits.get("le"))
    said = ""
    if high is not None:
        said = f", {low or 0} to {high}"
    elif low is not None:
        said = f", at least {low}"
    return said + (f", `{limits['pattern']}`" if "pattern" in limits else "")


def say_validators(calls: list[ast.expr]) -> str:
    """`, at most 100` for `AfterValidator(_at_most_100)`; those named for a mere check say nothing."""
    named = [
        call.args[0].id.strip("_").replace("_", " ")
        for call in calls
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Name)
    ]
    return "".join(f", {name}" for name in named if not name.startswith("check"))


def say_type(node: ast.expr, where: Source) -> str:
    """A type expression in words: `list of Tag, 1 to 40`, `` one of `a`, `b` ``, `Mass by Analyte`."""
    match node:
        case ast.BinOp(left=left, right=ast.Constant(value=None)):
            return say_type(left, where)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            codes = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return "one of " + ", ".join(f"`{ast.literal_eval(code)}`" for code in codes)
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return f"list of {say_type(inner, where)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, value])):
            return f"object: {say_type(value, where)} by {say_type(key, where)}"
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, *calls])):
            return say_type(inner, where) + say_limits(where.limits(calls)) + say_validators(calls)
        case ast.Name(id=name):
            return WORDS.get(name, name)
    raise AssertionError(f"no words for {ast.unparse(node)}")


def written(model: type[Part], member: str) -> tuple[ast.AnnAssign, Source]:
    """The line that declares a member, and the module that it stands in."""
    for owner in model.__mro__:
        where = source(owner.__module__) if owner.__module__.startswith("ledger.") else None
        if where is not None and member in where.members.get(owner.__name__, {}):
            return where.members[owner.__name__][member], where
    raise AssertionError(f"{model.__name__}.{member} is declared nowhere")


def rows(model: type[Part]) -> Iterator[str]:
    """One table row per member, in the order of the schema; `_sd` is left out, it goes with any of them."""
    for name, field in model.model_fields.items():
        if field.alias == "_sd":
            continue
        line, where = written(model, name)
        said = say_type(line.annotation, where) + say_limits(where.limits([line.value] if line.value else []))
        extra, note = field.json_schema_extra, ""
        if field.is_required():
            note = "required"
        elif isinstance(extra, dict) and extra.get("concealable"):
            note = "*concealable*"
        elif field.default_factory is None and field.default is not None:
            note = f"default `{str(field.default).lower()}`"
        yield f"| `{field.alias or name}` | {said.replace('|', chr(92) + '|')} | {note} |"


def section(title: str, model: type[Part]) -> list[str]:
    """Heading, sentence and table of one schema, and the rule that binds its members."""
    lines = [
        "",
        f"### {title}",
        "",
        inspect.getdoc(model) or "",
        "",
        "| member | value | |",
        "|---|---|---|",
        *rows(model),
    ]
    if "model_post_init" in vars(model):
        lines += ["", inspect.getdoc(model.model_post_init) or ""]
    return lines


def parts(models: list[type[Part]]) -> list[type[Part]]:
    """Schemas that these use, directly or through others, each once, in order of first use."""
    found: dict[type[Part], None] = {}

    def walk(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Part) and annotation not in found:
            found[annotation] = None
            below(annotation)
        for argument in typing.get_args(annotation):
            walk(argument)

    def below(model: type[Part]) -> None:
        for field in model.model_fields.values():
            walk(field.annotation)

    for model in models:
        below(model)
    return list(found)


def names(models: list[type[Part]]) -> Iterator[str]:
    """One row per named type of the modules of these schemas that is no schema itself."""
    for module in dict.fromkeys(["ledger.custody.vocabulary", *(model.__module__ for model in models)]):
        where = source(module)
        for name, (node, note) in where.names.items():
            if not name.startswith("_"):
                said = say_type(node, where).replace("|", "\\|")
                yield f"| {name} | {said} | {' '.join(note.split()).rstrip('.')} |"


def format_page() -> str:
    """The whole page."""
    schemas = [*BODIES.values(), *STATEMENTS.values()]
    shared = parts(schemas)
    lines = [PREAMBLE, "## Event types"]
    for event_type, model in BODIES.items():
        lines += section(f"`{event_type}`", model)
        if event_type in CORRECTABLE:
            lines += ["", "A `correct` may replace " + ", ".join(f"`{name}`" for name in CORRECTABLE[event_type]) + "."]
    lines += ["", "## Kinds of attestation", "", "What `statement` holds, by `kind` of the attestation."]
    for kind, model in STATEMENTS.items():
        lines += section(f"`{kind}`", model)
    lines += ["", "## Parts", "", "Objects that the schemas above share."]
    for model in shared:
        lines += section(model.__name__, model)
    lines += ["", "## Words", "", "Code lists and spellings; numbers are lengths or ranges.", ""]
    return "\n".join([*lines, "| name | values | |", "|---|---|---|", *names([*schemas, *shared])]) + "\n"
