"""Examples for the OpenAPI description: one consistent little story, with ids and bytes shortened by hand."""

from __future__ import annotations

from typing import Any, Final

LOT: Final = "lot:kivu-ridge/2026-0147"
MINER: Final = "did:web:kivu-ridge.example"
TRADER: Final = "did:web:great-lakes-minerals.example"
REGISTRAR: Final = "did:web:registrar.example"
ORIGIN: Final = "log.example.org/lodeline"
RECORD_ID: Final = "3f9c1a52d07b4e8896a1c4d2b7e0f35a6c8d9e1f2a3b4c5d6e7f8091a2b3c4d5"
HEAD_ID: Final = "b1946ac92492d2347c6235b4d2611184e0d3f9a7c5b1e8f60718293a4b5c6d7e"
DIGEST: Final = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
LOGGED: Final = 1790000123456
JWS: Final = "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoi...In0.eyJhdWQiOiJsb2cuZXhhbXBsZS5vcmcvbG9kZWxpbmUi...fQ.c2lnbmF0dXJl..."
DISCLOSURE: Final = "WyI2Y2JlZTQ4NWZkMGE3Y2Q0IiwiZHJpdmVyIiwiLi4uIl0"
CHECKPOINT: Final = f"{ORIGIN}\n1472\nq1ZcS5Q0y0ReVv1oJ5hZcR0cVqU3m0o6l0Zq7u3f9aE=\n\n— {ORIGIN} PlZ3c2lnbmF0dXJlLi4u\n"
RECEIPT: Final = f"c2sp.org/tlog-proof@v1\nindex 1471\nq83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng=\n\n{CHECKPOINT}"

ACCEPTED: Final[dict[str, Any]] = {
    "id": RECORD_ID,
    "index": 1471,
    "logged": LOGGED,
    "entry": f"{LOGGED} {JWS}",
    "receipt": RECEIPT,
}
_QUANTITY: Final = {"mass": "40", "moisture": "2", "assay": {"Ta2O5": "28.5"}}
LOT_STATE: Final[dict[str, Any]] = {
    "subject": "lot",
    "id": LOT,
    "head": RECORD_ID,
    "time": "2026-09-21T13:35:20Z",
    "mineral": "coltan",
    "status": "in_transit",
    "custodian": MINER,
    "site": "site:kivu-ridge/pit-3",
    **_QUANTITY,
    "left": "40",
    "tags": ["itsci:0417733"],
    "model": "identity_preserved",
    "generation": 0,
    "consignor": "",
    "consignee": TRADER,
    "destination": "site:goma/depot-2",
    "sent": None,
    "index": 1471,
}
_DISPATCH: Final[dict[str, Any]] = {
    "lots": [LOT],
    "consignee": TRADER,
    "from": "site:kivu-ridge/pit-3",
    "to": "site:goma/depot-2",
    "expected": "2026-09-22T12:00:00Z",
}
RECORD: Final[dict[str, Any]] = {
    "id": RECORD_ID,
    "index": 1471,
    "logged": LOGGED,
    "record": JWS,
    "payload": {
        "_sd_alg": "sha-256",
        "aud": ORIGIN,
        "body": _DISPATCH | {"transport": {"_sd": [DIGEST], "mode": "truck", "seals": ["S-1"]}},
        "iat": 1790000120,
        "iss": MINER,
        "prev": {LOT: HEAD_ID},
        "time": "2026-09-21T13:35:20Z",
        "type": "dispatch",
    },
    "disclosures": [],
    "disclosed": _DISPATCH | {"transport": {"mode": "truck", "seals": ["S-1"]}},
    "concealed": [{"digest": DIGEST, "pointer": "/body/transport", "state": "withheld"}],
    "erased": 0,
}
STATEMENT: Final[dict[str, Any]] = RECORD | {
    "payload": {
        "aud": ORIGIN,
        "body": {
            "kind": "weighing",
            "about": [{"subject": LOT, "record": HEAD_ID}],
            "statement": {"gross": "41.2", "tare": "1.2", "net": "40", "scale": "SC-7", "uncertainty": "0.02"},
        },
        "iat": 1790000120,
        "iss": "did:web:assay-house.example",
        "prev": {},
        "time": "2026-09-21T13:35:20Z",
        "type": "attest",
    },
    "disclosed": {"kind": "weighing"},
    "concealed": [],
}
_ALL: Final = {"share": "100", "fraction": "1/1"}
_RANGED: Final = _ALL | {"low": "", "high": ""}
_PIT: Final = {"site": "site:pit-88", "country": "CD", "subdivision": "CD-NK", "kind": "mine"}
_TANTALUM: Final[dict[str, Any]] = {
    "element": "Ta",
    "exact": True,
    "sites": [_PIT | _RANGED],
    "countries": [_RANGED | {"code": "CD"}],
    "subdivisions": [_RANGED | {"code": "CD-NK"}],
    "facilities": [_PIT | _ALL | {"site": "site:depot-goma", "kind": "depot"}],
    "uncovered": {"share": "0", "fraction": "0/1"},
}
PROVENANCE: Final[dict[str, Any]] = {
    "lot": "lot:great-lakes/88",
    "direction": "up",
    "nodes": [LOT_STATE | {"id": "lot:great-lakes/88", "generation": 1, "depth": 0}, LOT_STATE | {"depth": 1}],
    "edges": [{"child": "lot:great-lakes/88", "parent": LOT, "mass": "40", "index": 1503}],
    "complete": True,
    "hidden": 0,
    "origins": {
        "model": "segregated",
        "weakest": "lot:great-lakes/88",
        "upgrades": [],
        "basis": "physical",
        "supports_origin": True,
        "elements": [_TANTALUM],
    },
}
JWK: Final = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
PARTICIPANT: Final[dict[str, Any]] = {
    "subject": "participant",
    "id": MINER,
    "head": HEAD_ID,
    "time": "2026-09-01T08:00:00Z",
    "country": "CD",
    "roles": ["producer"],
    "status": "active",
    "keys": ["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"],
    "identifiers": {"lei": "529900T8BM49AURSDO55"},
    "index": 12,
}
KEYS: Final = [{"kid": PARTICIPANT["keys"][0], "jwk": JWK, "valid_from": "", "revoked": False}]
SITE: Final[dict[str, Any]] = {
    "subject": "site",
    "id": "site:kivu-ridge/pit-3",
    "head": HEAD_ID,
    "time": "2026-09-01T08:05:00Z",
    "kind": "mine",
    "operator": MINER,
    "country": "CD",
    "subdivision": "CD-NK",
    "status": "active",
    "minerals": ["coltan"],
    "index": 13,
}
GRANT: Final[dict[str, Any]] = {
    "jti": "Yk3mS0cGqN7vR2xW8aTz",
    "lot": LOT,
    "issuer": MINER,
    "grantee": "did:web:buyer.example",
    "disclosures": False,
    "issued": 1790000000,
    "expires": 1797776000,
    "revoked": None,
    "status": "active",
    "grant": JWS,
}
INFO: Final[dict[str, Any]] = {
    "origin": ORIGIN,
    "vkey": f"{ORIGIN}+3e567773+AQpP9K5fU0V5Qm1n0e2o8bq0mQ3mZ0a7c6d5e4f3g2h1",
    "name": "Example register of minerals",
    "registrar": REGISTRAR,
    "entries": "members",
    "head": HEAD_ID,
    "witnesses": ["witness.example.net/north"],
    "version": "0.1.0",
}
COMPLETENESS: Final = (
    f"lodeline-completeness/1\n{ORIGIN}\n1472\nq1ZcS5Q0y0ReVv1oJ5hZcR0cVqU3m0o6l0Zq7u3f9aE=\n{LOT}\n"
    f"status CD-NK 0 {'A' * 43}=\nsubject {LOT} 2 q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng=\n"
    f"\n— {ORIGIN} PlZ3c2lnbmF0dXJlLi4u\n"
)
BUNDLE: Final[dict[str, Any]] = {
    "checkpoint": CHECKPOINT,
    "completeness": {"note": COMPLETENESS, "topics": {"status CD-NK": [], f"subject {LOT}": [RECORD_ID, HEAD_ID]}},
    "digest": RECORD_ID,
    "entries": [
        {"disclosures": [DISCLOSURE], "entry": f"{LOGGED} {JWS}", "index": 1471, "proof": [0]},
        {"index": 1472, "leaf": DIGEST, "proof": [1], "record": HEAD_ID},
    ],
    "format": "lodeline-bundle/1",
    "hashes": [DIGEST, "q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng"],
    "log_key": INFO["vkey"],
    "origin": ORIGIN,
    "subject": LOT,
    "verdicts": [],
}

DATASET: Final[dict[str, Any]] = {
    "dataset": "un_sanctions",
    "title": "UN Security Council consolidated list",
    "format": "XML of the UN, CONSOLIDATED_LIST",
    "licence": "public",
    "stale_after": 1,
    "reason": "lists change any day; 24 h, and a date has no hour, so yesterday's still counts",
    "count": 1,
    "age": 0,
    "stale": False,
    "snapshots": [
        {
            "published": "2026-09-21",
            "digest": HEAD_ID,
            "source": "the committee's web site",
            "loaded": 1790000000,
            "rows": 1012,
            "left_out": 0,
            "size": 2203411,
        }
    ],
}
ANCHORED: Final[dict[str, Any]] = {
    "sink": "ethereum",
    "chain": 11155111,
    "size": 1480,
    "state": "final",
    "confirmations": 70,
    "time": "2026-09-21T14:02:24Z",
    "lasting": False,
}
ANCHOR: Final[dict[str, Any]] = ANCHORED | {
    "root": "lCGmmUBqpiOkHqJUBE7mYRm1ZhEMjPaVFYOrcJMwCbw",
    "problem": "",
    "queued": "2026-09-21T14:00:00Z",
    "block": 9251844,
    "block_hash": f"0x{HEAD_ID}",
    "transaction": f"0x{RECORD_ID}",
    "evidence": True,
}
SINK_STATE: Final[dict[str, Any]] = {"sink": "ethereum", "condition": "ok", "since": 1789000000, "ticked": 1790000000}
ANCHOR_EVIDENCE: Final[dict[str, Any]] = {"format": "lodeline-anchor/1", "chain": 11155111}
STANDING: Final[dict[str, Any]] = {
    "logged": "2026-09-21T13:35:21Z",
    "witnessed": "2026-09-21T13:36:02Z",
    "anchored": [ANCHORED],
    "words": "anchored (final) 2026-09-21T14:02:24Z",
}
