"""Selective disclosure of members of a record's body (RFC 9901), without keys or signatures.

A concealed member leaves the body; the digest of its disclosure stands in the `_sd` array of the
object that held it. A disclosure is the base64url text of the JSON array [salt, name, value].
This profile is narrower than the RFC: only object members inside `body`, SHA-256 only, disclosures
in RFC 8785 form like everything else, no array elements (`...`). `ledger.envelope` signs and opens.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ledger.encoding import MAX_DEPTH, format_b64url, format_json, join_pointer, parse_b64url, parse_json, parse_pointer
from ledger.errors import EnvelopeError

SD_ALG = "sha-256"
MIN_SALT_BYTES = 16  # RFC 9901 section 9.3: 128 bits
DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")  # 32 bytes in canonical base64url

_RESERVED = frozenset(("_sd", "_sd_alg", "..."))
_MIN_SALT_TEXT = 22  # 16 bytes in base64url


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A body with its disclosed members in place.

    body: without `_sd` and digests; pointers: JSON Pointer of each disclosed member, relative to the
    payload, to its digest; erased: digests for which no disclosure is held (decoys included).
    """

    body: dict[str, Any]
    pointers: dict[str, str]
    erased: int


def disclosure_digest(disclosure: str) -> str:
    """base64url SHA-256 of the disclosure's ASCII text (RFC 9901 section 4.2.3), 43 characters."""
    try:
        return format_b64url(hashlib.sha256(disclosure.encode("ascii")).digest())
    except UnicodeEncodeError:
        raise EnvelopeError("A disclosure is base64url text.") from None


def conceal_members(
    payload: Mapping[str, Any], conceal: Sequence[str], *, salts: Iterable[bytes]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A copy of the payload with the members concealed, and one disclosure for each, in order.

    conceal: JSON Pointers relative to the payload, inside `/body`; a member inside another concealed
    one is concealed first. salts: one value of at least 16 bytes per pointer, all different.
    Raises EncodingError or EnvelopeError: a pointer that names no member, an array element, a
    reserved name in the payload, salts that are too few, too short or used twice.
    """
    copy = parse_json(format_json(payload))
    if "_sd_alg" in copy or find_digests(copy.get("body")):
        raise EnvelopeError("Give the plain payload to conceal from: it holds digests already.")
    given = list(islice(salts, len(conceal)))
    if len(given) < len(conceal) or len(set(given)) < len(given) or any(len(salt) < MIN_SALT_BYTES for salt in given):
        raise EnvelopeError("Each concealed member needs a salt of its own of at least 16 bytes.")
    paths = [(parse_pointer(pointer), index) for index, pointer in enumerate(conceal)]
    disclosures = [""] * len(conceal)
    for tokens, index in sorted(paths, key=lambda path: -len(path[0])):  # innermost first
        holder, name = _find_member(copy, tokens, pointer=conceal[index])
        text = format_b64url(format_json([format_b64url(given[index]), name, holder.pop(name)]))
        # in the order of the digests, which hides the order of the members (RFC 9901 section 4.2.4.1)
        holder["_sd"] = sorted([*holder.get("_sd", ()), disclosure_digest(text)])
        disclosures[index] = text
    if conceal:
        copy["_sd_alg"] = SD_ALG
    return copy, tuple(disclosures)


def find_digests(body: Any) -> dict[str, str]:
    """Every digest in a body or disclosed value, to the JSON Pointer of the object that it is in.

    Pointers are relative to the payload of a record with this body.

    Raises EnvelopeError: `_sd` that is not a list of digests, a digest that stands twice, `...` or
    `_sd_alg` as a member name.
    """
    found: dict[str, str] = {}
    places: list[tuple[str, Any]] = [("/body", body)]
    for pointer, item in places:  # grows while it is read
        if type(item) is dict:
            for digest in () if _RESERVED.isdisjoint(item) else _parse_digests(item, pointer):
                if digest in found:
                    raise _twice(pointer)
                found[digest] = pointer
            for name, below in item.items():
                if type(below) is dict or (type(below) is list and name != "_sd"):
                    places.append((join_pointer(pointer, name), below))
        elif type(item) is list:
            for index, below in enumerate(item):
                if type(below) is dict or type(below) is list:
                    places.append((f"{pointer}/{index}", below))
    return found


def fill_in(body: dict[str, Any], disclosures: Iterable[str]) -> Disclosed:
    """The body with disclosed members in place of their digests (RFC 9901 section 7.1, step 3).

    Raises EncodingError or EnvelopeError: a disclosure that is malformed, given twice or whose digest
    is neither in the body nor in another disclosure, a name that is reserved or there already, a
    digest that stands twice, a body deeper than MAX_DEPTH.
    """
    held: dict[str, tuple[str, Any]] = {}
    for text in disclosures:
        digest = disclosure_digest(text)
        if digest in held:
            raise EnvelopeError("A disclosure is given twice.", digest=digest)
        held[digest] = _parse_disclosure(text, digest)
    filling = _Filling(held, set(), {})
    filled = filling.fill(body, "/body", depth=2)  # the payload is level 1
    for digest in sorted(held.keys() - filling.seen):
        raise EnvelopeError("A disclosure belongs to no digest of this record.", digest=digest)
    return Disclosed(filled, filling.pointers, len(filling.seen) - len(held))


@dataclass(slots=True)
class _Filling:
    """What `fill_in` holds and has met so far, by digest."""

    held: dict[str, tuple[str, Any]]
    seen: set[str]
    pointers: dict[str, str]

    def fill(self, value: Any, pointer: str, *, depth: int) -> Any:
        """A copy of the value with everything filled in; the recursion is at most MAX_DEPTH deep."""
        if depth > MAX_DEPTH and isinstance(value, (dict, list)):
            raise EnvelopeError(f"The disclosed body is more than {MAX_DEPTH} levels deep.", pointer=pointer)
        if isinstance(value, list):
            return [self.fill(item, f"{pointer}/{index}", depth=depth + 1) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        out: dict[str, Any] = {}
        for name, item in value.items():
            if name != "_sd":
                out[name] = self.fill(item, join_pointer(pointer, name), depth=depth + 1)
        for digest in _parse_digests(value, pointer):
            if digest in self.seen:
                raise _twice(pointer)
            self.seen.add(digest)
            if digest not in self.held:
                continue  # not disclosed, erased, or a decoy
            name, hidden = self.held[digest]
            place = join_pointer(pointer, name)
            if name in out:
                raise EnvelopeError("A disclosed member is there already.", pointer=place)
            out[name] = self.fill(hidden, place, depth=depth + 1)
            self.pointers[place] = digest
        return out


def _parse_digests(item: dict[str, Any], pointer: str) -> list[str]:
    """The digests of one object's `_sd`, [] without one; its reserved names are checked."""
    if "..." in item or "_sd_alg" in item:
        raise EnvelopeError("`...` and `_sd_alg` may not be member names inside the body.", pointer=pointer)
    if "_sd" not in item:
        return []
    digests = item["_sd"]
    if type(digests) is not list or not digests:
        raise EnvelopeError("`_sd` is a list of at least one digest.", pointer=join_pointer(pointer, "_sd"))
    for digest in digests:
        if type(digest) is not str or DIGEST.fullmatch(digest) is None:
            raise EnvelopeError("`_sd` holds base64url SHA-256 digests only.", pointer=join_pointer(pointer, "_sd"))
    return digests


def _twice(pointer: str) -> EnvelopeError:
    return EnvelopeError("A digest stands in the record twice.", pointer=join_pointer(pointer, "_sd"))


def _parse_disclosure(text: str, digest: str) -> tuple[str, Any]:
    """Member name and value of a disclosure [salt, name, value]."""
    parts = parse_json(parse_b64url(text))
    if type(parts) is not list or len(parts) != 3:  # two parts: an array element, not in this profile
        raise EnvelopeError("A disclosure is an array of salt, member name and value.", digest=digest)
    salt, name, value = parts
    if type(salt) is not str or len(salt) < _MIN_SALT_TEXT:
        raise EnvelopeError("The salt of a disclosure is a string of at least 22 characters.", digest=digest)
    if type(name) is not str or not name.isascii() or name in _RESERVED:
        raise EnvelopeError("A disclosed member has an ASCII name other than `_sd`, `_sd_alg`, `...`.", digest=digest)
    return name, value


def _find_member(payload: dict[str, Any], tokens: tuple[str, ...], *, pointer: str) -> tuple[dict[str, Any], str]:
    """The object that holds the member which a pointer names, and the member's name."""
    holder: Any = payload
    for token in tokens[:-1]:
        if type(holder) is list and token in map(str, range(len(holder))):
            holder = holder[int(token)]
        else:
            holder = holder.get(token) if type(holder) is dict else None
    if len(tokens) < 2 or tokens[0] != "body" or type(holder) is not dict or tokens[-1] not in holder:
        raise EnvelopeError("Only a member of an object inside `body` can be concealed, and once.", pointer=pointer)
    return holder, tokens[-1]
