"""Who signs anchoring transactions: a v3 keystore with its password in a file, or a remote signer.

Never the log's key. Both look the same from outside: an address, and `sign`. What a remote signer hands back is
decoded and compared before it is believed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson

from service.adapters.chain import AnchorSetupError

_KEYSTORE = "LODELINE_ANCHOR_KEYSTORE"
_PASSWORD = "LODELINE_ANCHOR_PASSWORD"  # noqa: S105  the name of the setting
_SIGNER = "LODELINE_ANCHOR_SIGNER"


class KeystoreSigner:
    """A key in this process's memory. address: with its checksum."""

    def __init__(self, key: bytes) -> None:
        from eth_account import Account

        self._account = Account.from_key(key)
        self.address = str(self._account.address)

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """The signed transaction."""
        return bytes(self._account.sign_transaction(dict(transaction)).raw_transaction)


class RemoteSigner:
    """A signer that speaks `eth_signTransaction` (web3signer, clef). url: its address; address: whose key it holds."""

    def __init__(self, url: str, address: str, *, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        self._url, self.address = url, address
        self._http = httpx.Client(timeout=timeout, transport=transport)

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """The signed transaction, if it is what was asked for. Raises AnchorSetupError."""
        asked = {
            name: hex(value) if isinstance(value, int) else "0x" + value.hex() if isinstance(value, bytes) else value
            for name, value in transaction.items()
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_signTransaction", "params": [{**asked, "from": self.address}]}
        try:
            answer = self._http.post(self._url, json=body).json()
            result = answer["result"]
            raw = bytes.fromhex((result["raw"] if isinstance(result, dict) else result).removeprefix("0x"))
            told = _read_signed(raw)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnchorSetupError(
                f"The remote signer did not sign ({type(error).__name__}): check {_SIGNER} and that it holds the key "
                f"of {self.address}."
            ) from error
        if told != {**transaction, "from": self.address}:
            raise AnchorSetupError(f"The remote signer signed something else than was asked: do not use {_SIGNER}.")
        return raw


_FIELDS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data", "accessList")


def _read_signed(raw: bytes) -> dict[str, Any]:
    """The members of a signed type-2 transaction (EIP-1559) as `sign` is given them, and who signed it.

    Raises ValueErrors for anything else.
    """
    import rlp
    from eth_account import Account
    from eth_utils.address import to_checksum_address

    if raw[:1] != b"\x02":
        raise ValueError("not a transaction of type 2")
    try:
        told: dict[str, Any] = dict(zip(_FIELDS, rlp.decode(raw[1:])[: len(_FIELDS)], strict=True))
    except rlp.exceptions.RLPException as error:
        raise ValueError("not RLP") from error
    if told.pop("accessList") or len(told["to"]) != 20:
        raise ValueError("an access list, or no receiver")
    data, to = told.pop("data"), str(to_checksum_address(told.pop("to")))
    numbers = {name: int.from_bytes(value, "big") for name, value in told.items()}
    return {**numbers, "type": 2, "to": to, "data": data, "from": str(Account.recover_transaction(raw))}


def load_keystore(
    keystore: Path | None, password: Path | None, *, told: tuple[str, str] = (_KEYSTORE, _PASSWORD)
) -> KeystoreSigner:
    """The key of a v3 keystore. told: the settings that name the two files, for AnchorSetupError."""
    from eth_account import Account

    if keystore is None or password is None:
        raise AnchorSetupError(
            f"Set {_KEYSTORE} and {_PASSWORD} to the anchorer's keystore and to the file of its password "
            "(`lodeline-server anchor keygen` makes both), or set LODELINE_ANCHOR_SIGNER and LODELINE_ANCHOR_ADDRESS."
        )
    content = _read(keystore, told[0])
    secret = _read(password, told[1]).decode("utf-8", "replace").rstrip("\r\n")
    try:
        stored = orjson.loads(content)
        if not isinstance(stored, dict) or stored.get("version") != 3 or "crypto" not in stored:
            raise AnchorSetupError(f"{keystore} is not a version 3 keystore: set {told[0]} to one.")
        return KeystoreSigner(bytes(Account.decrypt(stored, secret)))
    except orjson.JSONDecodeError:
        raise AnchorSetupError(f"{keystore} is not JSON: set {told[0]} to a version 3 keystore.") from None
    except ValueError:  # a wrong password fails the keystore's own digest
        raise AnchorSetupError(
            f"The password in {password} does not open {keystore}: set {told[1]} to the right file."
        ) from None
    except (KeyError, TypeError, NotImplementedError):
        raise AnchorSetupError(f"{keystore} is damaged: set {told[0]} to a whole version 3 keystore.") from None


def make_keystore(keystore: Path, password: Path) -> str:
    """Write a new key to a new keystore, and its password to a new file if there is none yet; the address.

    Raises AnchorSetupError when the keystore exists already.
    """
    from eth_account import Account

    if keystore.exists():
        raise AnchorSetupError(f"{keystore} exists already: a key is never overwritten, move it away first.")
    if not password.exists():
        _write(password, secrets.token_urlsafe(32).encode() + b"\n")
    secret = _read(password, _PASSWORD).decode("utf-8", "replace").rstrip("\r\n")
    key = secrets.token_bytes(32)
    _write(keystore, orjson.dumps(Account.encrypt(key, secret), option=orjson.OPT_INDENT_2) + b"\n")
    return KeystoreSigner(key).address


def _read(path: Path, setting: str) -> bytes:
    try:
        if path.stat().st_mode & 0o077 and os.name == "posix":
            raise AnchorSetupError(f"{path} can be read by others: run `chmod 600 {path}`.")
        return path.read_bytes()
    except OSError as error:
        raise AnchorSetupError(f"{path} cannot be read ({error.strerror}): set {setting} to a file that can.") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise AnchorSetupError(f"{path} cannot be made: {error.strerror}.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
