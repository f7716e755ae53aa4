"""Records bent by hand: a good signature over whatever is given."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ledger.encoding import format_b64url, format_json
from ledger.envelope import (
    parse_record,
)
from ledger.errors import (
    LedgerError,
)
from ledger.keys import private_key_from_seed

KEY = private_key_from_seed("Ed25519", bytes(range(32)))
OTHER = private_key_from_seed("Ed25519", bytes(31) + b"\x07")
P256 = private_key_from_seed("ES256", bytes(range(32)))
SALTS = tuple(bytes([n]) * 16 for n in range(1, 64))
HEADER = {"alg": "Ed25519", "kid": KEY.public.kid, "typ": "custody-record+sd-jwt"}
PAYLOAD: dict[str, Any] = {
    "aud": "log.example/copperbelt",
    "body": {
        "consignee": "did:web:smelter.example",
        "documents": [{"kind": "invoice", "number": "77"}, {"kind": "cmr", "number": "é-1234"}],
        "lots": ["lot:1", "lot:2"],
        "transport": {"driver": {"licence": "D 5", "name": "x"}, "mode": "road", "seals": []},
    },
    "iat": 1790000000,
    "iss": "did:web:mine.example",
    "prev": {"lot:1": "ab" * 32, "lot:2": "cd" * 32},
    "time": "2026-09-01T10:20:30Z",
    "type": "dispatch",
}
CONCEAL = ("/body/documents/1/number", "/body/transport/driver/name", "/body/transport/driver", "/body/consignee")


def signed(
    payload: Any = None, *, header: Any = None, text: bytes | None = None, head: bytes | None = None, key: Any = KEY
) -> str:
    """A JWS with a good signature over whatever is given: what a dishonest signer can make."""
    first = format_b64url(format_json(HEADER if header is None else header) if head is None else head)
    second = format_b64url(format_json(PAYLOAD if payload is None else payload) if text is None else text)
    return f"{first}.{second}.{format_b64url(key.sign(f'{first}.{second}'.encode()))}"


def changed(**claims: Any) -> dict[str, Any]:
    return deepcopy(PAYLOAD) | claims


def refuse(error: type[LedgerError], jws: bytes | str, *, pointer: str = "", match: str | None = None) -> LedgerError:
    with pytest.raises(error, match=match) as caught:
        parse_record(jws)
    assert type(caught.value) is error
    assert caught.value.pointer == pointer
    return caught.value


def bent(old: bytes, new: bytes) -> str:
    text = format_json(PAYLOAD)
    assert text.count(old) == 1
    return signed(text=text.replace(old, new))
