"""A verdict signed by the service's verifier key, and what ties that key to the log.

The envelope (`lodeline-signed-verdict/1`, docs/formats/verdict.md) holds the verdict in plain
sight, a JWS with detached payload over its canonical bytes (RFC 7515 appendix F), and the key's
certificate: a note by which the log itself, whose key the reader trusts, names the verifier key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ledger.encoding import format_b64url, format_json, parse_b64url, parse_json
from ledger.errors import EncodingError, KeyFormatError, UntrustedNote, VerdictError
from ledger.keys import PrivateKey, PublicKey, parse_public_jwk
from ledger.log.note import Ed25519Signer, Verifier, open_note, sign_note
from ledger.rules.verdict import FORMAT as VERDICT_FORMAT
from ledger.rules.verdict import verdict_id
from ledger.rules.verdict_form import check_verdict

FORMAT: Final = "lodeline-signed-verdict/1"
TYP: Final = "verdict+jws"
CERTIFICATE: Final = "lodeline-verifier-key/1"
_MEMBERS: Final = frozenset({"format", "verdict", "certificate", "signature"})


@dataclass(frozen=True, slots=True)
class SignedVerdict:
    """A verdict whose signature was checked, and the key that made it."""

    verdict: dict[str, Any]
    key: PublicKey
    origin: str

    @property
    def id(self) -> str:
        """Of the verdict: hex SHA-256 of its canonical bytes."""
        return verdict_id(self.verdict)


def certify_key(origin: str, key: PublicKey, signer: Ed25519Signer) -> str:
    """The note by which the log `origin` names the key that signs its service's verdicts.

    signer: the log's own. Raises VerdictError for a key that is not Ed25519 or a signer of another log.
    """
    if key.alg != "Ed25519" or signer.name != origin:
        raise VerdictError("A verifier key is an Ed25519 key, certified by the log's own key.")
    return sign_note(f"{CERTIFICATE}\n{origin}\n{format_b64url(key.raw)}\n", [signer])


def open_certificate(note_text: str, verifiers: Iterable[Verifier]) -> tuple[str, PublicKey]:
    """Origin and key of a certificate that one of these logs signed.

    Raises NoteError, BadSignature, UntrustedNote; VerdictError for a note of another form.
    """
    note = open_note(note_text, verifiers)
    lines = note.text.split("\n")
    if len(lines) != 4 or lines[0] != CERTIFICATE:
        raise VerdictError(f"A certificate of a verifier key has the line {CERTIFICATE}, the origin and the key.")
    if all(signature.name != lines[1] for signature in note.signatures):
        raise UntrustedNote("The certificate is not signed by the log that it speaks for.", note=note)
    try:
        return lines[1], parse_public_jwk({"crv": "Ed25519", "kty": "OKP", "x": lines[2]})
    except KeyFormatError as error:
        raise VerdictError(error.message) from error


def seal_verdict(verdict: dict[str, Any], key: PrivateKey, certificate: str) -> tuple[bytes, str]:
    """The canonical bytes of the envelope of a verdict, and the verdict's id; the verdict is written once."""
    body, header = format_json(verdict), _header(key.public)
    signature = key.sign(_signing_input(header, body))
    rest = {"format": FORMAT, "certificate": certificate, "signature": f"{header}..{format_b64url(signature)}"}
    return format_json(rest)[:-1] + b',"verdict":' + body + b"}", hashlib.sha256(body).hexdigest()


def sign_verdict(verdict: dict[str, Any], key: PrivateKey, certificate: str) -> dict[str, Any]:
    """The envelope of a verdict, as a JSON object."""
    envelope: dict[str, Any] = parse_json(seal_verdict(verdict, key, certificate)[0])
    return envelope


def open_verdict(envelope: Any, verifiers: Iterable[Verifier]) -> SignedVerdict:
    """The verdict of an envelope, once key and signature are checked. verifiers: of the logs that the reader trusts.

    Raises VerdictError with a pointer for its form, BadSignature, NoteError, UntrustedNote.
    """
    if not isinstance(envelope, dict) or envelope.keys() != _MEMBERS or envelope["format"] != FORMAT:
        raise VerdictError(f"A signed verdict has the format {FORMAT} and exactly its members.", pointer="/format")
    verdict, signature = envelope["verdict"], envelope["signature"]
    if not isinstance(verdict, dict) or verdict.get("format") != VERDICT_FORMAT:
        raise VerdictError(f"This reader knows verdicts of the format {VERDICT_FORMAT}.", pointer="/verdict/format")
    try:
        check_verdict(verdict)
    except VerdictError as error:
        raise VerdictError(error.message, pointer=f"/verdict{error.pointer}") from error
    if not isinstance(envelope["certificate"], str) or not isinstance(signature, str):
        raise VerdictError("Certificate and signature are texts.", pointer="/certificate")
    origin, key = open_certificate(envelope["certificate"], verifiers)
    if verdict["log"]["origin"] != origin:
        raise VerdictError("The verdict is about another log than its key's.", pointer="/verdict/log/origin")
    header, separator, value = signature.partition("..")
    if not separator or header != _header(key):
        raise VerdictError("The signature is not one by the certified key.", pointer="/signature")
    try:
        raw = parse_b64url(value)
    except EncodingError as error:
        raise VerdictError(error.message, pointer="/signature") from error
    key.verify(raw, _signing_input(header, format_json(verdict)))
    return SignedVerdict(verdict, key, origin)


def parse_envelope(data: bytes) -> Any:
    """A file with a signed verdict as a JSON value. Raises VerdictError when it is not canonical JSON."""
    try:
        return parse_json(data)
    except EncodingError as error:
        raise VerdictError(f"Not a signed verdict: {error.message}", pointer=error.pointer) from error


def _header(key: PublicKey) -> str:
    return format_b64url(format_json({"alg": key.alg, "kid": key.kid, "typ": TYP}))


def _signing_input(header: str, body: bytes) -> bytes:
    return f"{header}.{format_b64url(body)}".encode("ascii")
