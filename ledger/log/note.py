r"""C2SP signed-note v1.0.0: text signed by one or more keys, and the textual form of those keys (vkeys).

`<text ending in \n>\n`, then lines `— <name> <base64(key id || signature)>\n`. Steps of opening a note: 1. form,
2. limits, 3. signatures of known keys, each of which must verify, 4. at least one of them. What a text means is left
to others; which keys are known is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.errors import NoteError, TooLarge, UntrustedNote
from ledger.log.signers import (
    COSIGNATURE_V1,
    ED25519,
    KEY_ID_BYTES,
    ML_DSA_44,
    SIGNERS,
    VERIFIERS,
    CosignatureSigner,
    CosignatureVerifier,
    Cosigner,
    Ed25519Signer,
    Ed25519Verifier,
    MLDSA44Signer,
    MLDSA44Verifier,
    Signer,
    Verifier,
    cosignature_time,
    is_key_name,
)
from ledger.log.wire import format_base64, parse_base64, parse_utf8

__all__ = [
    "COSIGNATURE_V1",
    "ED25519",
    "ML_DSA_44",
    "CosignatureSigner",
    "CosignatureVerifier",
    "Cosigner",
    "Ed25519Signer",
    "Ed25519Verifier",
    "MLDSA44Signer",
    "MLDSA44Verifier",
    "Note",
    "Signature",
    "Signer",
    "Verifier",
    "add_signatures",
    "cosign_note",
    "cosignature_time",
    "format_note",
    "format_signature",
    "format_skey",
    "format_vkey",
    "open_note",
    "parse_note",
    "parse_signatures",
    "parse_skey",
    "parse_vkey",
    "sign_note",
]

MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 1_000_000
_DASH = "— "  # U+2014 and a space
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line. name: of the key; key_id: 4 bytes; value: the bytes of the signature."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note. text: with its final newline; signatures: verified ones; unverified: those of unknown keys."""

    text: str
    signatures: tuple[Signature, ...]
    unverified: tuple[Signature, ...]


# ---- the note -------------------------------------------------------------------------------------------------------


def open_note(text: str | bytes, verifiers: Iterable[Verifier], *, limit: int = MAX_NOTE_BYTES) -> Note:
    """The note, with at least one signature by a known key.

    text: the whole note, str or UTF-8 bytes; limit: of its length. Raises NoteError and TooLarge for its form,
    BadSignature when a signature of a known key does not verify (the whole note is rejected), UntrustedNote (with the
    unverified note) when no key is known.
    """
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise NoteError("Two different known keys share one name and key id.", name=verifier.name)
    note = parse_note(text, limit=limit)
    signed = note.text.encode("utf-8")
    verified, unverified = [], []
    for signature in note.unverified:
        found = known.get((signature.name, signature.key_id))
        if found is None:
            unverified.append(signature)
        else:
            found.verify(signed, signature.value)
            verified.append(signature)
    if not verified:
        raise UntrustedNote("The note is not signed by any known key.", note=note)
    return Note(note.text, tuple(verified), tuple(unverified))


def parse_note(text: str | bytes, *, limit: int = MAX_NOTE_BYTES) -> Note:
    """The note with all its signatures unverified: trust nothing in it. Raises NoteError, TooLarge."""
    if len(text) > limit:
        raise TooLarge(f"A signed note is at most {limit // 1_000_000} MB.", limit=limit, actual=len(text))
    whole = parse_utf8(text, NoteError, "note")
    body, blank, lines = whole.rpartition("\n\n")
    if not blank:
        raise NoteError("A note is a text, an empty line and at least one signature line.")
    return Note(body + "\n", (), parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    r"""1 to 100 signature lines, each ending in \n, as they are: nothing is verified. Raises NoteError, TooLarge."""
    if not lines.endswith("\n"):
        raise NoteError("The last signature line does not end in a newline.")
    split = lines[:-1].split("\n")
    if len(split) > MAX_SIGNATURES:
        raise TooLarge("A note has at most 100 signature lines.", limit=MAX_SIGNATURES, actual=len(split))
    return tuple(_parse_signature(line) for line in split)


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not (line.startswith(_DASH) and space and is_key_name(name)):
        raise NoteError("A signature line is an em dash, a space, a key name, a space and base64.")
    data = parse_base64(encoded, NoteError, "signature")
    if len(data) <= KEY_ID_BYTES:
        raise NoteError("A signature line holds a key id and a signature.", name=name)
    return Signature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def format_signature(signature: Signature) -> str:
    r"""`— <name> <base64(key id || signature)>\n`."""
    return f"{_DASH}{signature.name} {format_base64(signature.key_id + signature.value)}\n"


def format_note(text: str, signatures: Iterable[Signature], *, limit: int = MAX_NOTE_BYTES) -> str:
    """The note of a text and its signatures; raises NoteError, TooLarge if that is not a note."""
    note = text + "\n" + "".join(map(format_signature, signatures))
    if parse_note(note, limit=limit).text != text:
        raise NoteError("The text of a note ends in a newline.")
    return note


def sign_note(
    text: str,
    signers: Iterable[Ed25519Signer] = (),
    *,
    cosigners: Iterable[Cosigner] = (),
    time: int = 0,
    limit: int = MAX_NOTE_BYTES,
) -> str:
    """The text as a note with one signature per signer, cosignatures (made at `time`, Unix seconds) after them.

    Raises NoteError when that is not a note, CheckpointError when something else than a checkpoint is cosigned.
    """
    data = parse_utf8(text, NoteError, "text").encode("utf-8")
    signatures = [_signature(signer, signer.sign(data)) for signer in signers]
    signatures += [_signature(cosigner, cosigner.cosign(data, time)) for cosigner in cosigners]
    return format_note(text, signatures, limit=limit)


def cosign_note(text: str, cosigner: Cosigner, time: int) -> Signature:
    """One cosignature over a checkpoint's text, made at `time` (Unix seconds); raises CheckpointError."""
    return _signature(cosigner, cosigner.cosign(text.encode("utf-8"), time))


def add_signatures(note: str, signatures: Iterable[Signature]) -> str:
    """The note with these signatures behind its own; one by the same name and key id is replaced."""
    parsed = parse_note(note)
    merged = {(signature.name, signature.key_id): signature for signature in (*parsed.unverified, *signatures)}
    return format_note(parsed.text, merged.values())


def _signature(signer: Signer, value: bytes) -> Signature:
    return Signature(signer.name, signer.verifier.key_id, value)


# ---- keys as text ---------------------------------------------------------------------------------------------------


def format_vkey(verifier: Verifier) -> str:
    """`<name>+<8 hex digits of the key id>+<base64(type || public key)>`."""
    return _format_key(verifier, verifier.public)


def parse_vkey(text: str) -> Verifier:
    """The verifier of a vkey of type 0x01, 0x04 or 0x06; raises NoteError."""
    name, identifier, kind, material = _parse_key(text)
    verifier = VERIFIERS[kind](name, material)
    if verifier.key_id.hex() != identifier:
        raise NoteError("The key id is not that of the name and the key.", name=name)
    return verifier


def format_skey(signer: Signer) -> str:
    """`PRIVATE+KEY+<name>+<key id>+<base64(type || seed)>`, the form of golang.org/x/mod/sumdb/note. A secret."""
    return _PRIVATE + _format_key(signer.verifier, signer.seed)


def parse_skey(text: str) -> Signer:
    """The signer of a private key's text; raises NoteError."""
    if not text.startswith(_PRIVATE):
        raise NoteError("A private key begins with PRIVATE+KEY+.")
    name, identifier, kind, seed = _parse_key(text.removeprefix(_PRIVATE))
    signer = SIGNERS[kind](name, seed)
    if signer.verifier.key_id.hex() != identifier:
        raise NoteError("The key id is not that of the name and the key.", name=name)
    return signer


def _format_key(verifier: Verifier, material: bytes) -> str:
    return f"{verifier.name}+{verifier.key_id.hex()}+{format_base64(bytes([verifier.KIND]) + material)}"


def _parse_key(text: str) -> tuple[str, str, int, bytes]:
    name, _, rest = text.partition("+")
    identifier, _, encoded = rest.partition("+")
    data = parse_base64(encoded, NoteError, "key")
    if not data or data[0] not in VERIFIERS:
        raise NoteError("A key is <name>+<key id>+<base64> of type 0x01, 0x04 or 0x06.")
    return name, identifier, data[0], data[1:]
