"""A verdict as a W3C verifiable credential: the digital conformity credential of UNTP 0.7, secured as a JWT.

Verifiable Credentials Data Model 2.0 with JOSE (`application/vc+jwt`, VC-JOSE-COSE), issued by the
`did:key` of the verifier key. The credential repeats the verdict in the words of UNTP for systems
that speak them, and names the verdict by its digest, which is what counts. UNTP knows conformance
as yes or no only; what was not shown is "no" there, and its own outcome stands beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from ledger.encoding import format_b64url, format_json
from ledger.keys import PrivateKey, PublicKey
from ledger.rules.claim import CLAIMS
from ledger.rules.verdict import verdict_id

TYP: Final = "vc+jwt"
CONTEXTS: Final = ("https://www.w3.org/ns/credentials/v2", "https://vocabulary.uncefact.org/untp/")
_ED25519_MULTICODEC: Final = b"\xed\x01"
_SHA256_MULTIHASH: Final = b"\x12\x20"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RANKS: Final = ("refuted", "not_proven", "review", "supported_with_plan", "supported")


def sign_credential(verdict: Mapping[str, Any], key: PrivateKey, *, issuer: str, holder: str) -> str:
    """The credential as a compact JWS. issuer: name of who runs the service; holder: participant who asked."""
    did = format_did(key.public)
    header = {"alg": key.public.alg, "cty": "vc", "kid": f"{did}#{did.removeprefix('did:key:')}", "typ": TYP}
    payload = format_json(_credential(verdict, did, issuer, holder))
    signed = f"{format_b64url(format_json(header))}.{format_b64url(payload)}"
    return f"{signed}.{format_b64url(key.sign(signed.encode('ascii')))}"


def format_did(key: PublicKey) -> str:
    """The did:key of an Ed25519 key (multibase base58btc of multicodec 0xed and the key)."""
    return f"did:key:{_multibase(_ED25519_MULTICODEC + key.raw)}"


def _credential(verdict: Mapping[str, Any], did: str, issuer: str, holder: str) -> dict[str, Any]:
    identity = f"urn:lodeline:verdict:{verdict_id(dict(verdict))}"
    claim = verdict["claim"]
    title = CLAIMS[claim["type"]].title
    judged = [one for one in verdict["findings"] if one["outcome"] != "not_applicable"]
    return {
        "@context": list(CONTEXTS),
        "type": ["DigitalConformityCredential", "VerifiableCredential"],
        "id": f"{identity}#credential",
        "issuer": {"type": ["CredentialIssuer"], "id": did, "name": issuer},
        "validFrom": verdict["known_as_of"],
        "name": f"{title}: {claim['subject']}",
        "credentialSubject": {
            "type": ["ConformityAttestation"],
            "id": identity,
            "name": f"{title}: {claim['subject']}",
            "description": f"Claim of type {claim['type']}, valid as of {verdict['valid_as_of']}: {verdict['answer']}."
            + ("" if claim.get("packs") is None else " Judged by packs that the claimant chose.")
            + (" Judged with parameters that the claimant set." if verdict["parameters"] else ""),
            "assessorLevel": "3rdParty",
            "assessmentLevel": "unspecified",
            "attestationType": "verification",
            "issuedToParty": {"id": _uri(holder), "name": holder},
            "referenceScheme": {"id": f"urn:lodeline:claim:{claim['type']}", "name": title},
            "profileScore": {
                "code": verdict["answer"],
                "rank": _RANKS.index(verdict["answer"]),
                "definition": "Of refuted, not_proven, review, supported_with_plan and supported.",
            },
            "auditableEvidence": {
                "linkURL": identity,
                "linkName": "The verdict with its evidence",
                "mediaType": "application/json",
                "digestMultibase": _multibase(_SHA256_MULTIHASH + hashlib.sha256(format_json(dict(verdict))).digest()),
            },
            "conformityAssessment": [_assessment(one, identity, verdict) for one in judged],
        },
    }


def _assessment(finding: Mapping[str, Any], identity: str, verdict: Mapping[str, Any]) -> dict[str, Any]:
    subject = verdict["claim"]["subject"]
    return {
        "type": ["ConformityAssessment"],
        "id": f"{identity}#{finding['rule']}",
        "name": finding["rule"],
        "description": finding["sentence"],
        "assessmentCriteria": [
            {
                "id": f"urn:lodeline:rule:{finding['pack']}:{finding['rule']}",
                "name": finding["rule"],
                "conformityTopic": [
                    {"type": ["ConformityTopic"], "id": f"urn:lodeline:risk:{area}", "name": area.replace("_", " ")}
                    for area in finding["risk"]
                ],
            }
        ],
        "assessmentDate": verdict["valid_as_of"][:10],
        "assessedPerformance": [
            {
                "metric": {"id": "urn:lodeline:metric:outcome", "name": "Outcome of the rule"},
                "score": {"code": finding["outcome"]},
            }
        ],
        "assessedProduct": [{"product": {"id": _uri(subject), "name": subject}, "idVerifiedByCAB": True}],
        "conformance": finding["outcome"] == "pass",
    }


def _uri(name: str) -> str:
    """An id of the ledger as a URI: participants mostly are one already."""
    return name if name.startswith(("did:", "urn:", "https://")) else f"urn:lodeline:subject:{name}"


def _multibase(data: bytes) -> str:
    """Multibase base58btc: `z`, then the number in base 58, with a 1 for each leading zero byte."""
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return "z" + "1" * (len(data) - len(data.lstrip(b"\0"))) + digits
