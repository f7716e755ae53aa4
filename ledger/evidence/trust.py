"""Whom a verifier trusts: a policy of logs, witnesses and a quorum, in the C2SP tlog-policy format.

A checkpoint is believed when one of the listed logs has signed it and the quorum of witnesses has cosigned it. Keys
inside log entries are another matter (`ledger.custody`); fetching checkpoints is left to others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.errors import NoteError, PolicyError, TooLarge, UntrustedNote
from ledger.log.checkpoint import Checkpoint, parse_checkpoint
from ledger.log.merkle import check_inclusion, leaf_hash
from ledger.log.note import (
    COSIGNATURE_V1,
    ED25519,
    ML_DSA_44,
    Note,
    Verifier,
    cosignature_time,
    format_vkey,
    open_note,
    parse_note,
    parse_vkey,
)
from ledger.log.proof import Receipt, parse_receipt
from ledger.log.wire import parse_decimal

MAX_POLICY_BYTES = 1_000_000
MAX_DEFINITIONS = 256  # of logs, of witnesses and of groups; the specification asks for at least 32 of each
NONE = "none"
LOG_KINDS = (ED25519, ML_DSA_44)
WITNESS_KINDS = (COSIGNATURE_V1, ML_DSA_44)
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class TrustedLog(NamedTuple):
    """A log: its key is named like its origin; url may be empty."""

    verifier: Verifier
    url: str = ""


class TrustedWitness(NamedTuple):
    """A witness under the name that the policy gives it; url (its submission prefix) may be empty."""

    name: str
    verifier: Verifier
    url: str = ""


class Group(NamedTuple):
    """Witnesses once `threshold` of its members (witnesses or earlier groups) have."""

    name: str
    threshold: int
    members: tuple[str, ...]


class Trusted(NamedTuple):
    """A checkpoint that satisfies a policy, and who signed it.

    logs: vkeys of the log's keys that signed; witnesses: name in the policy -> Unix seconds of its newest cosignature,
    for every known witness, needed for the quorum or not.
    """

    checkpoint: Checkpoint
    logs: tuple[str, ...]
    witnesses: dict[str, int]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A checked policy. quorum: the name of a witness or group, or "none". Raises PolicyError when it is not sound."""

    logs: tuple[TrustedLog, ...] = ()
    witnesses: tuple[TrustedWitness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE

    def __post_init__(self) -> None:
        draft = _Draft()
        for log in self.logs:
            draft.add_log(log)
        for witness in self.witnesses:
            draft.add_witness(witness)
        for group in self.groups:
            draft.add_group(group)
        draft.set_quorum(self.quorum)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of the listed logs, each once."""
        return tuple(dict.fromkeys(log.verifier.name for log in self.logs))

    def verifiers(self, origin: str) -> tuple[Verifier, ...]:
        """The keys of the log of this name; none when it is not listed."""
        return tuple(log.verifier for log in self.logs if log.verifier.name == origin)

    def open_checkpoint(self, note_text: str | bytes, origin: str = "") -> Trusted:
        """The checkpoint of a note that satisfies this policy, and who signed.

        origin: demand this log; "" accepts any listed one. 1. the note's and the checkpoint's form (NoteError,
        CheckpointError, TooLarge); 2. a listed log, with its signature (UntrustedNote); 3. no bad signature by a known
        key (BadSignature); 4. the quorum (UntrustedNote with `quorum` and the `witnesses` that did sign).
        """
        note = parse_note(note_text)
        checkpoint = parse_checkpoint(note.text)
        logs = self.verifiers(checkpoint.origin)
        if not logs or origin not in ("", checkpoint.origin):
            raise UntrustedNote("The trust policy does not accept this log.", note=note, origin=checkpoint.origin)
        opened = open_note(note_text, (*logs, *(witness.verifier for witness in self.witnesses)))
        keys = {(signature.name, signature.key_id) for signature in opened.signatures}
        signed = tuple(format_vkey(log) for log in logs if (log.name, log.key_id) in keys)
        if not signed:
            raise UntrustedNote("The checkpoint is not signed by its log.", note=note, origin=checkpoint.origin)
        witnesses = self._witnessed(opened)
        if not self.is_quorum(witnesses):
            raise UntrustedNote(
                "Too few of the trusted witnesses have cosigned the checkpoint.",
                note=note, quorum=_show(self.quorum), witnesses=[_show(name) for name in sorted(witnesses)],
            )  # fmt: skip
        return Trusted(checkpoint, signed, witnesses)

    def check_receipt(self, entry: bytes, receipt: Receipt | str | bytes, origin: str = "") -> Trusted:
        """As `ledger.log.proof.check_receipt`, with this policy in place of one log's keys."""
        if not isinstance(receipt, Receipt):
            receipt = parse_receipt(receipt)
        trusted = self.open_checkpoint(receipt.checkpoint, origin)
        head = trusted.checkpoint
        check_inclusion(leaf_hash(entry), receipt.index, head.size, receipt.proof, head.root)
        return trusted

    def is_quorum(self, witnesses: Iterable[str]) -> bool:
        """Whether cosignatures by these witnesses (names of the policy) satisfy the quorum."""
        satisfied = {NONE, *witnesses} - {group.name for group in self.groups}
        for group in self.groups:  # members are defined before the group: one pass is enough
            if sum(member in satisfied for member in group.members) >= group.threshold:
                satisfied.add(group.name)
        return self.quorum in satisfied

    def _witnessed(self, note: Note) -> dict[str, int]:
        times: dict[str, int] = {}
        for witness in self.witnesses:
            key = witness.verifier.name, witness.verifier.key_id
            for signature in note.signatures:
                if (signature.name, signature.key_id) == key:
                    times[witness.name] = max(times.get(witness.name, 0), cosignature_time(signature.value))
        return times


class _Draft:
    """A policy in the making: each definition is checked against those before it. Raises PolicyError, TooLarge."""

    def __init__(self) -> None:
        self.logs: list[TrustedLog] = []
        self.witnesses: list[TrustedWitness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self._defined: set[str] = set()
        self._grouped: set[str] = set()

    def add_log(self, log: TrustedLog) -> None:
        """A `log` line; PolicyError for a key of another kind, or one named twice."""
        _check_key("log", LOG_KINDS, log.verifier, (known.verifier for known in self.logs))
        self._count(self.logs)
        self.logs.append(log)

    def add_witness(self, witness: TrustedWitness) -> None:
        """A `witness` line; PolicyError for a key of another kind, or a name or key that is there already."""
        _check_key("witness", WITNESS_KINDS, witness.verifier, (known.verifier for known in self.witnesses))
        self._define(witness.name)
        self._count(self.witnesses)
        self.witnesses.append(witness)

    def add_group(self, group: Group) -> None:
        """A `group` line; PolicyError for members not yet defined or grouped already, or a threshold out of range."""
        for member in group.members:
            if member not in self._defined:
                raise PolicyError("A group's member is a witness or group defined before it.", name=_show(member))
            if member in self._grouped:
                raise PolicyError("A witness or group is a member of one group only, and once.", name=_show(member))
            self._grouped.add(member)
        if not 1 <= group.threshold <= len(group.members):
            raise PolicyError("The threshold of a group is from 1 to the number of its members.")
        self._define(group.name)
        self._count(self.groups)
        self.groups.append(group)

    def set_quorum(self, name: str) -> None:
        """The `quorum` line; PolicyError for a second one, or a name not yet defined."""
        if self.quorum is not None:
            raise PolicyError("A trust policy has exactly one quorum line.")
        if name != NONE and name not in self._defined:
            raise PolicyError("The quorum is a witness or group defined before it, or none.", name=_show(name))
        self.quorum = name

    def _define(self, name: str) -> None:
        if name == NONE or name in self._defined:
            raise PolicyError("This name is defined already.", name=_show(name))
        self._defined.add(name)

    @staticmethod
    def _count(known: Sequence[object]) -> None:
        if len(known) >= MAX_DEFINITIONS:
            raise TooLarge("A trust policy has at most 256 of a kind.", limit=MAX_DEFINITIONS, actual=len(known) + 1)


def _check_key(what: str, kinds: tuple[int, ...], verifier: Verifier, known: Iterable[Verifier]) -> None:
    if verifier.KIND not in kinds:
        raise PolicyError(f"This is not a key of the type that a {what} signs with.", name=verifier.name)
    if any(other.public == verifier.public for other in known):
        raise PolicyError(f"This key is that of another {what} already.", name=verifier.name)


def _show(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# ---- the text -------------------------------------------------------------------------------------------------------


def parse_policy(data: str | bytes) -> TrustPolicy:
    """The policy of a tlog-policy file; raises PolicyError with the `line` at fault, TooLarge.

    Octets above 0x7F are opaque: names are compared byte by byte.
    """
    octets = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    if len(octets) > MAX_POLICY_BYTES:
        raise TooLarge("A trust policy is at most 1 MB.", limit=MAX_POLICY_BYTES, actual=len(octets))
    if _CONTROL.search(octets):
        raise PolicyError("The only control characters of a trust policy are tab and newline.")
    if not octets.endswith(b"\n"):
        raise PolicyError("The last line of a trust policy does not end in a newline.")
    draft = _Draft()
    for number, line in enumerate(octets.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = re.findall(r"[^ \t]+", line)
        if not words or words[0].startswith("#"):
            continue
        try:
            _read_line(draft, words[0], words[1:])
        except (PolicyError, NoteError) as error:
            raise PolicyError(f"Line {number}: {error.message}", line=number, **error.values) from None
    if draft.quorum is None:
        raise PolicyError("A trust policy has exactly one quorum line: write `quorum none` for no witnesses.")
    return TrustPolicy(tuple(draft.logs), tuple(draft.witnesses), tuple(draft.groups), draft.quorum)


def _read_line(draft: _Draft, keyword: str, words: list[str]) -> None:
    match keyword, words:
        case "log", [vkey, *url] if len(url) <= 1:
            draft.add_log(TrustedLog(parse_vkey(vkey), *url))
        case "witness", [name, vkey, *url] if len(url) <= 1:
            draft.add_witness(TrustedWitness(name, parse_vkey(vkey), *url))
        case "group", [name, threshold, *members]:
            draft.add_group(Group(name, _read_threshold(threshold, len(members)), tuple(members)))
        case "quorum", [name]:
            draft.set_quorum(name)
        case _:
            raise PolicyError("A line is a log, witness, group or quorum with its words, or a # comment.")


def _read_threshold(word: str, members: int) -> int:
    if word in ("any", "all"):
        return 1 if word == "any" else members
    return parse_decimal(word, PolicyError, "threshold")


def format_policy(policy: TrustPolicy) -> bytes:
    """The policy as a tlog-policy file, in one canonical order and spelling."""
    lines = [["log", format_vkey(log.verifier), log.url] for log in policy.logs]
    lines += [["witness", witness.name, format_vkey(witness.verifier), witness.url] for witness in policy.witnesses]
    lines += [["group", group.name, str(group.threshold), *group.members] for group in policy.groups]
    lines.append(["quorum", policy.quorum])
    data = "".join(" ".join(filter(None, words)) + "\n" for words in lines).encode("utf-8", "surrogateescape")
    if parse_policy(data) != policy:
        raise PolicyError("A name or URL of this policy cannot be written: it has a space or a control character.")
    return data
