"""Keys of signed notes: Ed25519 (C2SP signed-note, type 0x01) and the cosignatures of C2SP tlog-cosignature.

0x04 is Ed25519 `cosignature/v1`, 0x06 is ML-DSA-44 (FIPS 204). A verifier checks the bytes behind the key id of one
signature line; a signer makes them. Cosigners take the time of signing as an argument. Ed25519 follows the one rule
of `ledger.keys`. The note around the signatures is `ledger.log.note`.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from ledger.encoding import format_b64url
from ledger.errors import BadSignature, CheckpointError, KeyFormatError, NoteError
from ledger.keys import PrivateKey, PublicKey, parse_public_jwk, private_key_from_seed
from ledger.log.treehead import parse_checkpoint
from ledger.log.wire import MAX_NUMBER

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

ED25519, COSIGNATURE_V1, ML_DSA_44 = 0x01, 0x04, 0x06  # signature type bytes
SEED_BYTES = 32
KEY_ID_BYTES = 4
TIME_BYTES = 8
MAX_NAME_BYTES = 255  # cosigned_message of tlog-cosignature: opaque cosigner_name<1..2^8-1>
_NOT_IN_NAMES = re.compile(r"[\s+\x00-\x1f\ud800-\udfff]")


def is_key_name(name: str) -> bool:
    """C2SP signed-note: not empty, neither Unicode spaces nor plus; and no ASCII control character."""
    return bool(name) and not _NOT_IN_NAMES.search(name)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """SHA-256(name || 0x0A || type || public key)[:4], C2SP signed-note, "Signatures"."""
    return sha256(name.encode("utf-8") + b"\n" + bytes([kind]) + public).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A known key, named; the base of all kinds. Compares equal by name, kind and key.

    name: as in signature lines; public: raw key bytes; key_id: 4 bytes. Raises NoteError for a name or a key that
    cannot be one.
    """

    KIND: ClassVar[int]
    PUBLIC_BYTES: ClassVar[int]
    SIGNATURE_BYTES: ClassVar[int]

    name: str
    public: bytes = field(repr=False)
    key_id: bytes = field(init=False, compare=False)
    _key: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.name.encode("utf-8")) > MAX_NAME_BYTES:
            raise NoteError("A key name is 1 to 255 bytes without spaces, control characters or plus signs.")
        if len(self.public) != self.PUBLIC_BYTES:
            raise NoteError(f"A public key of this type has {self.PUBLIC_BYTES} bytes.", name=self.name)
        object.__setattr__(self, "key_id", key_id(self.name, self.KIND, self.public))
        object.__setattr__(self, "_key", self._load(self.public))

    def verify(self, text: bytes, signature: bytes) -> None:
        """Raise BadSignature unless `signature` (what follows the key id) is this key's over the note's text."""
        if len(signature) != self.SIGNATURE_BYTES:
            raise BadSignature(f"A signature of this type has {self.SIGNATURE_BYTES} bytes.", name=self.name)
        if not self._accepts(text, signature):
            raise BadSignature("The signature of the note does not verify under this key.", name=self.name)

    @staticmethod
    @abstractmethod
    def _load(public: bytes) -> Any: ...

    @abstractmethod
    def _accepts(self, text: bytes, signature: bytes) -> bool: ...


class Ed25519Verifier(Verifier):
    """Type 0x01: Ed25519 over the note's text."""

    __slots__ = ()
    KIND, PUBLIC_BYTES, SIGNATURE_BYTES = ED25519, 32, 64

    @staticmethod
    def _load(public: bytes) -> PublicKey:
        return _load_ed25519(public)

    def _accepts(self, text: bytes, signature: bytes) -> bool:
        return _is_signed(self._key, signature, text)


class CosignatureVerifier(Verifier):
    """Type 0x04: u64be seconds || Ed25519 over `cosignature/v1` with that time and the checkpoint."""

    __slots__ = ()
    KIND, PUBLIC_BYTES, SIGNATURE_BYTES = COSIGNATURE_V1, 32, TIME_BYTES + 64

    @staticmethod
    def _load(public: bytes) -> PublicKey:
        return _load_ed25519(public)

    def _accepts(self, text: bytes, signature: bytes) -> bool:
        time = cosignature_time(signature)
        return time <= MAX_NUMBER and _is_signed(self._key, signature[TIME_BYTES:], cosignature_message(text, time))


class MLDSA44Verifier(Verifier):
    """Type 0x06: u64be seconds || ML-DSA-44 over the `cosigned_message` of the checkpoint."""

    __slots__ = ()
    KIND, PUBLIC_BYTES, SIGNATURE_BYTES = ML_DSA_44, 1312, TIME_BYTES + 2420

    @staticmethod
    def _load(public: bytes) -> MLDSA44PublicKey:
        key: MLDSA44PublicKey = _with_mldsa(lambda mldsa: mldsa.MLDSA44PublicKey.from_public_bytes(public))
        return key

    def _accepts(self, text: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        time = cosignature_time(signature)
        try:
            self._key.verify(signature[TIME_BYTES:], subtree_message(self.name, text, time))
        except (InvalidSignature, CheckpointError):  # the latter: what was signed is no checkpoint
            return False
        return time <= MAX_NUMBER


VERIFIERS: dict[int, type[Verifier]] = {
    kind.KIND: kind for kind in (Ed25519Verifier, CosignatureVerifier, MLDSA44Verifier)
}


# ---- signers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, named; the base of all kinds. seed: 32 secret bytes, shown in neither `repr` nor comparison."""

    KIND: ClassVar[int]

    name: str
    seed: bytes = field(repr=False, compare=False)
    verifier: Verifier = field(init=False)
    _key: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise NoteError(f"A private key is made from {SEED_BYTES} bytes.", name=self.name)
        key, public = self._derive(self.seed)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "verifier", VERIFIERS[self.KIND](self.name, public))

    @staticmethod
    @abstractmethod
    def _derive(seed: bytes) -> tuple[Any, bytes]: ...


class Ed25519Signer(Signer):
    """Signs notes, type 0x01."""

    __slots__ = ()
    KIND = ED25519

    @staticmethod
    def _derive(seed: bytes) -> tuple[PrivateKey, bytes]:
        key = private_key_from_seed("Ed25519", seed)
        return key, key.public.raw

    def sign(self, text: bytes) -> bytes:
        """The 64 bytes of the signature over the note's text."""
        key: PrivateKey = self._key
        return key.sign(text)


class Cosigner(Signer):
    """A private key that cosigns checkpoints at a time."""

    __slots__ = ()

    @abstractmethod
    def cosign(self, text: bytes, time: int) -> bytes:
        """u64be time || signature over the checkpoint's text; time: Unix seconds. Raises CheckpointError."""


class CosignatureSigner(Cosigner):
    """Cosigns checkpoints, type 0x04. Its key serves this one name: the message does not contain it."""

    __slots__ = ()
    KIND = COSIGNATURE_V1

    @staticmethod
    def _derive(seed: bytes) -> tuple[PrivateKey, bytes]:
        return Ed25519Signer._derive(seed)

    def cosign(self, text: bytes, time: int) -> bytes:
        """As `Cosigner.cosign`."""
        _require_cosignable(text, time)
        key: PrivateKey = self._key
        return time.to_bytes(TIME_BYTES, "big") + key.sign(cosignature_message(text, time))


class MLDSA44Signer(Cosigner):
    """Cosigns checkpoints, type 0x06. seed: the 32 bytes xi of FIPS 204 ML-DSA.KeyGen."""

    __slots__ = ()
    KIND = ML_DSA_44

    @staticmethod
    def _derive(seed: bytes) -> tuple[MLDSA44PrivateKey, bytes]:
        key: MLDSA44PrivateKey = _with_mldsa(lambda mldsa: mldsa.MLDSA44PrivateKey.from_seed_bytes(seed))
        return key, key.public_key().public_bytes_raw()

    def cosign(self, text: bytes, time: int) -> bytes:
        """As `Cosigner.cosign`; two signatures of the same message differ, both are valid."""
        _require_cosignable(text, time)
        key: MLDSA44PrivateKey = self._key
        return time.to_bytes(TIME_BYTES, "big") + key.sign(subtree_message(self.name, text, time))


SIGNERS: dict[int, type[Signer]] = {kind.KIND: kind for kind in (Ed25519Signer, CosignatureSigner, MLDSA44Signer)}


# ---- what cosignatures sign -----------------------------------------------------------------------------------------


def cosignature_time(signature: bytes) -> int:
    """The Unix seconds at the start of a cosignature (`timestamped_signature.timestamp`)."""
    return int.from_bytes(signature[:TIME_BYTES], "big")


def cosignature_message(text: bytes, time: int) -> bytes:
    """tlog-cosignature, "Ed25519 signed message": header line, time line, the whole checkpoint text."""
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def subtree_message(name: str, text: bytes, time: int) -> bytes:
    """tlog-cosignature, "ML-DSA-44 signed message": the `cosigned_message` of a checkpoint; raises CheckpointError."""
    checkpoint = parse_checkpoint(_decode(text))
    cosigner, origin = name.encode("utf-8"), checkpoint.origin.encode("utf-8")
    if len(origin) > MAX_NAME_BYTES:
        raise CheckpointError("An origin that is cosigned with ML-DSA has at most 255 bytes.")
    return b"".join((
        b"subtree/v1\n\x00",
        len(cosigner).to_bytes(1, "big"), cosigner,
        time.to_bytes(8, "big"),
        len(origin).to_bytes(1, "big"), origin,
        (0).to_bytes(8, "big"),  # start: a checkpoint is the subtree from the first leaf
        checkpoint.size.to_bytes(8, "big"),
        checkpoint.root,
    ))  # fmt: skip


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")  # what is not UTF-8 is refused by the parser behind this


def _require_cosignable(text: bytes, time: int) -> None:
    parse_checkpoint(_decode(text))
    if not 0 <= time <= MAX_NUMBER:
        raise CheckpointError("The time of a cosignature is in whole seconds from 0 to 2**63 - 1.")


def _load_ed25519(public: bytes) -> PublicKey:
    try:
        return parse_public_jwk({"kty": "OKP", "crv": "Ed25519", "x": format_b64url(public)})
    except KeyFormatError as error:
        raise NoteError("The public key is not a point that may be trusted: " + error.message) from None


def _is_signed(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except BadSignature:
        return False
    return True


def _with_mldsa(make: Callable[[Any], Any]) -> Any:
    # Imported when a key of this type is first met: few installations need it, and an OpenSSL may lack it.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import mldsa

    try:
        return make(mldsa)
    except UnsupportedAlgorithm:
        raise NoteError("The OpenSSL of this installation has no ML-DSA-44: install a wheel of cryptography.") from None
