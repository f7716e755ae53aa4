"""Who may do what, and the exact error that everybody else gets; nothing changes after a refusal."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from scripts.devchain import Contract, Devchain, Interface, Reverted, RpcError
from tests.contracts.world import HONEST, LOG_ID, ORIGIN, artifact_under_test, register

NOBODY = "0x" + "00" * 20
UNREGISTERED = (0, 0, 0, 0, 0, bytes(32), bytes(32))


def refused(contract: Contract, name: str, *values: object, sender: str) -> tuple[str, tuple[object, ...]]:
    """Name and values of the error that a transaction meets."""
    with pytest.raises(Reverted) as error:
        contract.send(name, *values, sender=sender)
    return error.value.name, error.value.values


def logged(anchors: Contract, receipt: dict[str, object]) -> list[str]:
    """Names of the events of a transaction, in order."""
    names = {topic: text.partition("(")[0] for text, topic in artifact_under_test("LogAnchor")["events"].items()}
    entries = receipt["logs"]
    assert isinstance(entries, list)
    assert {entry["address"] for entry in entries} <= {anchors.address}
    return [names[entry["topics"][0]] for entry in entries]


def test_the_first_owner_is_named_and_announced(chain: Devchain) -> None:
    owner, sender = chain.accounts[3], chain.accounts[0]
    made = chain.deploy(artifact_under_test("LogAnchor"), ("address", owner), sender=sender)
    assert made.call("owner") == owner
    assert made.call("successor") == NOBODY
    assert logged(made, made.receipt) == ["OwnershipTransferred"]
    (event,) = made.receipt["logs"]
    assert event["topics"][1:] == ["0x" + "00" * 32, f"0x{'00' * 12}{owner[2:]}"]


def test_nobody_owns_a_contract_without_an_owner(chain: Devchain) -> None:
    artifact = artifact_under_test("LogAnchor")
    with pytest.raises(RpcError) as error:
        chain.deploy(artifact, ("address", NOBODY))
    assert Interface.of(artifact["abi"]).errors[error.value.data] == ("ZeroAddress", [])


def test_only_the_owner_registers_logs_and_sets_anchorers(anchors: Contract) -> None:
    owner, stranger = anchors.chain.accounts[:2]
    for name in ("registerLog", "registerLooseLog"):
        assert refused(anchors, name, ORIGIN, stranger, sender=stranger) == ("NotOwner", (stranger,))
    assert anchors.call("head", LOG_ID) == UNREGISTERED
    register(anchors, owner)
    assert refused(anchors, "setAnchorer", LOG_ID, stranger, True, sender=stranger) == ("NotOwner", (stranger,))
    assert anchors.call("isAnchorer", LOG_ID, stranger) is False
    assert refused(anchors, "offerOwnership", stranger, sender=stranger) == ("NotOwner", (stranger,))
    assert anchors.call("successor") == NOBODY


@pytest.mark.parametrize(("name", "mode"), [("registerLog", 1), ("registerLooseLog", 2)])
def test_a_log_is_registered_once_under_the_digest_of_its_origin(anchors: Contract, name: str, mode: int) -> None:
    owner, anchorer, other = anchors.chain.accounts[:3]
    assert anchors.call(name, ORIGIN, anchorer) == LOG_ID == sha256(ORIGIN.encode()).digest()
    receipt = anchors.send(name, ORIGIN, anchorer)
    assert logged(anchors, receipt) == ["LogRegistered", "AnchorerSet"]
    registered, allowed = receipt["logs"]
    assert registered["topics"][1] == "0x" + LOG_ID.hex()
    assert bytes.fromhex(registered["data"][2:])[32:64] == mode.to_bytes(32, "big")
    assert bytes.fromhex(registered["data"][2:])[96 : 96 + len(ORIGIN)] == ORIGIN.encode()
    assert allowed["topics"][1:] == ["0x" + LOG_ID.hex(), f"0x{'00' * 12}{anchorer[2:]}"]
    assert int(allowed["data"], 16) == 1
    assert anchors.call("head", LOG_ID) == (0, 0, 0, 0, mode, bytes(32), bytes(32))
    assert anchors.call("isAnchorer", LOG_ID, anchorer) is True
    assert anchors.call("isAnchorer", LOG_ID, owner) is False
    for again in ("registerLog", "registerLooseLog"):
        assert refused(anchors, again, ORIGIN, other, sender=owner) == ("LogExists", (LOG_ID,))
    assert anchors.call("isAnchorer", LOG_ID, other) is False
    assert anchors.call("head", LOG_ID)[4] == mode


def test_a_log_has_a_name_and_an_anchorer(anchors: Contract) -> None:
    owner = anchors.chain.accounts[0]
    assert refused(anchors, "registerLog", "", owner, sender=owner) == ("EmptyOrigin", ())
    assert refused(anchors, "registerLog", ORIGIN, NOBODY, sender=owner) == ("ZeroAddress", ())
    assert anchors.call("head", LOG_ID) == UNREGISTERED
    register(anchors, owner)
    assert refused(anchors, "setAnchorer", LOG_ID, NOBODY, True, sender=owner) == ("ZeroAddress", ())


def test_anchorers_of_one_log_are_not_those_of_another(anchors: Contract) -> None:
    owner, first, second = anchors.chain.accounts[:3]
    other = sha256(b"log.lodeline.example/two").digest()
    register(anchors, first)
    assert refused(anchors, "setAnchorer", other, second, True, sender=owner) == ("UnknownLog", (other,))
    register(anchors, second, "log.lodeline.example/two")
    for log, stranger in ((LOG_ID, second), (other, first), (LOG_ID, owner)):
        checkpoint: tuple[Any, ...] = (log, 3, HONEST.root(3), [])
        assert refused(anchors, "anchor", *checkpoint, sender=stranger) == ("NotAnchorer", (log, stranger))
    anchors.send("anchor", LOG_ID, 3, HONEST.root(3), [], sender=first)
    assert anchors.call("head", other) == (0, 0, 0, 0, 1, bytes(32), bytes(32))


def test_a_revoked_anchorer_is_refused_and_may_be_allowed_again(anchors: Contract) -> None:
    owner, anchorer = anchors.chain.accounts[:2]
    register(anchors, anchorer)
    receipt = anchors.send("setAnchorer", LOG_ID, anchorer, False)
    assert logged(anchors, receipt) == ["AnchorerSet"]
    assert int(receipt["logs"][0]["data"], 16) == 0
    assert anchors.call("isAnchorer", LOG_ID, anchorer) is False
    checkpoint: tuple[Any, ...] = (LOG_ID, 3, HONEST.root(3), [])
    assert refused(anchors, "anchor", *checkpoint, sender=anchorer) == ("NotAnchorer", (LOG_ID, anchorer))
    assert refused(anchors, "anchor", *checkpoint, sender=owner) == ("NotAnchorer", (LOG_ID, owner))
    anchors.send("setAnchorer", LOG_ID, anchorer, True)
    assert anchors.call("anchor", *checkpoint, sender=anchorer) is True


def test_two_anchorers_at_once_during_the_change_of_a_key(anchors: Contract) -> None:
    _, old, new = anchors.chain.accounts[:3]
    register(anchors, old)
    anchors.send("setAnchorer", LOG_ID, new, True)
    for key in (old, new):
        assert anchors.call("anchor", LOG_ID, 3, HONEST.root(3), [], sender=key) is True


def test_ownership_changes_in_two_steps(anchors: Contract) -> None:
    owner, heir, stranger = anchors.chain.accounts[:3]
    assert refused(anchors, "acceptOwnership", sender=heir) == ("NotSuccessor", (heir,))
    offered = anchors.send("offerOwnership", heir)
    assert logged(anchors, offered) == ["OwnershipOffered"]
    assert offered["logs"][0]["topics"][1:] == [f"0x{'00' * 12}{one[2:]}" for one in (owner, heir)]
    assert (anchors.call("owner"), anchors.call("successor")) == (owner, heir)
    assert refused(anchors, "registerLog", ORIGIN, heir, sender=heir) == ("NotOwner", (heir,))
    assert refused(anchors, "acceptOwnership", sender=stranger) == ("NotSuccessor", (stranger,))
    accepted = anchors.send("acceptOwnership", sender=heir)
    assert logged(anchors, accepted) == ["OwnershipTransferred"]
    assert accepted["logs"][0]["topics"][1:] == [f"0x{'00' * 12}{one[2:]}" for one in (owner, heir)]
    assert (anchors.call("owner"), anchors.call("successor")) == (heir, NOBODY)
    assert refused(anchors, "registerLog", ORIGIN, owner, sender=owner) == ("NotOwner", (owner,))
    assert refused(anchors, "acceptOwnership", sender=heir) == ("NotSuccessor", (heir,))
    anchors.send("registerLog", ORIGIN, heir, sender=heir)


def test_an_offer_is_withdrawn(anchors: Contract) -> None:
    owner, heir = anchors.chain.accounts[:2]
    anchors.send("offerOwnership", heir)
    anchors.send("offerOwnership", NOBODY)
    assert anchors.call("successor") == NOBODY
    assert refused(anchors, "acceptOwnership", sender=heir) == ("NotSuccessor", (heir,))
    assert anchors.call("owner") == owner


def test_no_money_and_no_unknown_call_is_taken(anchors: Contract, verifier: Contract) -> None:
    sender = anchors.chain.accounts[0]
    for contract in (anchors, verifier):
        for data, value in (("0x", "0x1"), ("0x", "0x0"), ("0x12345678", "0x0")):
            with pytest.raises(RpcError) as error:
                contract.chain.send(**{"from": sender, "to": contract.address, "data": data, "value": value})
            assert error.value.data == b""
    register(anchors, sender)
    paid = {
        "from": sender,
        "to": anchors.address,
        "data": anchors.data("anchor", LOG_ID, 3, HONEST.root(3), []),
        "value": "0x1",
    }
    with pytest.raises(RpcError):
        anchors.chain.send(**paid)
    assert int(anchors.chain.rpc("eth_getBalance", anchors.address, "latest"), 16) == 0
