"""The rule packs that this service judges by: those that ship with it, and the operator's own."""

from __future__ import annotations

from typing import Any

from ledger.rules.pack import Pack
from service.errors import NotFound
from service.usecases.context import Context
from service.usecases.paging import cut_page, parse_text


def list_packs(context: Context, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """A page of the packs in short, by id."""
    packs, after = context.verifier.packs, parse_text(cursor)
    page, following = cut_page(sorted(one for one in packs if one > after)[: limit + 1], limit, str)
    return {"items": [_present(packs[one]) for one in page], "next": following}


def get_pack(context: Context, pack_id: str) -> dict[str, Any]:
    """One pack with its rules and its file. Raises NotFound."""
    pack = context.verifier.packs.get(pack_id)
    if pack is None:
        raise NotFound("There is no such rule pack: see /v1/rule-packs.")
    rules = [
        {
            "id": rule.id,
            "requirement": rule.requirement,
            "citation": rule.citation.model_dump(exclude_none=True),
            "risk": [area.value for area in rule.risk],
            "severity": rule.severity.value,
            "grade": rule.grade,
            "evidence": rule.evidence,
            "supplier": list(rule.supplier),
            "check": rule.check,
            "optional": rule.optional,
        }
        for rule in pack.rules
    ]
    parameters = {name: one.model_dump(exclude_none=True) for name, one in pack.head.parameters.items()}
    return {**_present(pack), "parameters": parameters, "items": rules, "toml": pack.data.decode("utf-8")}


def _present(pack: Pack) -> dict[str, Any]:
    head = pack.head
    return {
        **pack.reference(),
        "title": head.title,
        "about": head.about,
        "source": head.source,
        "effective": head.effective,
        "rules": len(pack.rules),
    }
