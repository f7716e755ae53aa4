"""An honest world in memory: a registrar, a mine, a trader, a smelter and an auditor who sign records.

`World.submit` runs a record through exactly what the service runs (format, schema, signature,
custody rules) and appends it to `World.log`. A test bends one thing and asserts the one error, and
that nothing was stored: `refused` does both.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger.custody.events import check_disclosed, check_schema
from ledger.custody.state import State, Step, needs, plan_step
from ledger.encoding import format_time
from ledger.envelope import Record, SignedRecord, check_signature, open_disclosures, parse_record, sign_record
from ledger.errors import LedgerError
from ledger.keys import PrivateKey, parse_public_jwk, private_key_from_seed

ORIGIN = "log.lodeline.example/test"
START = 1_790_000_000
"""Seconds since the epoch at which the world begins; one second passes per record."""
POLICY = {"tolerance": {"mass": "0.5", "metal": "2", "receipt": "1"}, "skew": 300, "entries": "members"}

REGISTRAR = "did:web:registrar.example"
MINER = "did:web:miner.example"
TRADER = "did:web:trader.example"
SMELTER = "did:web:smelter.example"
AUDITOR = "did:web:auditor.example"
BUYER = "did:web:buyer.example"
AUTHORITY = "did:web:mines-agency.example"
ROLES = {
    MINER: ("producer",),
    TRADER: ("trader", "exporter"),
    SMELTER: ("smelter", "refiner"),
    AUDITOR: ("auditor",),
    BUYER: ("buyer",),
    AUTHORITY: ("authority",),
}
MINE, DEPOT, PLANT = "site:mine", "site:depot", "site:plant"


def key_of(name: str, alg: str = "Ed25519") -> PrivateKey:
    """A key that depends on nothing but its name."""
    return private_key_from_seed(alg, hashlib.sha256(name.encode()).digest())


def quantity(mass: str, moisture: str = "2", assay: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A quantity as records hold it."""
    return {"mass": mass, "moisture": moisture, "assay": dict(assay if assay is not None else {"Ta2O5": "28.5"})}


def new_lot(lot_id: str, amount: Mapping[str, Any] | None = None, tags: Sequence[str] = ()) -> dict[str, Any]:
    """A lot as `extract` and `transform` bring it into being."""
    return {
        "id": lot_id,
        "mineral": "coltan",
        "quantity": amount or quantity("40"),
        "tags": [{"scheme": "itsci", "number": number} for number in tags],
    }


@dataclass
class Salts:
    """Salts without end, each another; a copy goes on from the same place."""

    used: int = 0

    def __iter__(self) -> Salts:
        return self

    def __next__(self) -> bytes:
        self.used += 1
        return hashlib.sha256(b"salt %d" % self.used).digest()[:16]


@dataclass
class World:
    """The participants' keys, the state of the log, and its entries."""

    state: State = field(default_factory=State)
    log: list[bytes] = field(default_factory=list)
    disclosures: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    now: int = START

    def __post_init__(self) -> None:
        self._salts = Salts()

    def sign(
        self,
        issuer: str,
        event: str,
        body: Mapping[str, Any],
        moves: Sequence[str] = (),
        *,
        key: PrivateKey | None = None,
        conceal: Sequence[str] = (),
        **claims: Any,
    ) -> SignedRecord:
        """A record over the current heads of the subjects that it moves; claims override what is honest."""
        payload = {
            "iss": issuer,
            "aud": ORIGIN,
            "iat": self.now,
            "type": event,
            "time": format_time(self.now),
            "prev": {one: self.state.subjects[one].head for one in moves},
            "body": body,
            **claims,
        }
        return sign_record(payload, key or self.keys[issuer], conceal=conceal, salts=self._salts)

    def submit(self, signed: SignedRecord) -> str:
        """Take a record into the log, as the service does; returns its id."""
        record = parse_record(signed.jws)
        check_schema(record.payload)
        if signed.disclosures:
            disclosed = open_disclosures(record, signed.disclosures)
            check_disclosed(record.payload, disclosed.body, disclosed.pointers)
        step = self._plan(record)
        jwk = (step.keys.get(record.kid) or self.state.keys[record.kid]).jwk
        check_signature(record, parse_public_jwk(jwk))
        self.state.apply(step)
        self.log.append(b"%d %s" % (self.now * 1000, signed.jws.encode()))
        if signed.disclosures:
            self.disclosures[record.id] = signed.disclosures
        self.now += 1
        return record.id

    def _plan(self, record: Record) -> Step:
        """Plan on the whole state, and on the part of it that `needs` names: both must agree."""
        part = needed_part(self.state, record)
        try:
            step = plan_step(self.state, record, self.now * 1000)
        except LedgerError as error:
            with pytest.raises(type(error)) as again:
                plan_step(part, record, self.now * 1000)
            assert again.value.to_json() == error.to_json()  # noqa: PT017  (both are raised, and compared)
            raise
        assert plan_step(part, record, self.now * 1000) == step
        return step

    def do(self, issuer: str, event: str, body: Mapping[str, Any], moves: Sequence[str] = (), **more: Any) -> str:
        """Sign and submit."""
        return self.submit(self.sign(issuer, event, body, moves, **more))

    def refused(self, error: type[LedgerError], signed: SignedRecord) -> LedgerError:
        """Assert that the record is refused with exactly this error and that nothing is stored."""
        before, length = copy.deepcopy(self.state), len(self.log)
        with pytest.raises(LedgerError) as caught:
            self.submit(signed)
        assert type(caught.value) is error, repr(caught.value)
        assert self.state == before
        assert len(self.log) == length
        assert caught.value.message.endswith((".", ":"))
        return caught.value

    # what honest participants do -------------------------------------------------------------

    def enrol(self, participant: str, roles: Sequence[str], status: str = "active") -> str:
        """The registrar enrols a participant with a key named after it."""
        self.keys[participant] = key_of(participant)
        body = {
            "id": participant,
            "country": "CD",
            "roles": list(roles),
            "status": status,
            "keys": [self.keys[participant].public.jwk()],
        }
        return self.do(REGISTRAR, "participant", body)

    def register(self, site: str, kind: str, operator: str) -> str:
        """The operator registers a site of its own."""
        return self.do(operator, "site", site_body(site, kind, operator))

    def extract(self, *lots: Mapping[str, Any], **more: Any) -> str:
        """The miner commissions lots at its mine."""
        return self.do(MINER, "extract", extract_body(*lots, time=self.now), **more)

    def dispatch(self, issuer: str, consignee: str, *lots: str, **more: Any) -> str:
        """A custodian hands lots over."""
        return self.do(issuer, "dispatch", dispatch_body(consignee, *lots, time=self.now), lots, **more)

    def receive(self, issuer: str, site: str, lots: Mapping[str, Any], **more: Any) -> str:
        """The consignee accepts lots as measured: id -> quantity."""
        return self.do(issuer, "receive", receive_body(site, lots), list(lots), **more)

    def hand_over(self, issuer: str, consignee: str, site: str, *lots: str) -> None:
        """Dispatch and receive without any difference."""
        self.dispatch(issuer, consignee, *lots)
        measured = {}
        for one in lots:
            lot = self.state.subjects[one]
            measured[one] = quantity(lot.left, lot.moisture, lot.assay)
        self.receive(consignee, site, measured)

    def transform(self, issuer: str, inputs: Mapping[str, str], *outputs: Mapping[str, Any], **more: Any) -> str:
        """Mass taken from lots (id -> kg) becomes new lots."""
        return self.do(issuer, "transform", transform_body(inputs, *outputs, **more), list(inputs))


def needed_part(state: State, record: Record) -> State:
    """What a service that fetches only what `needs` names would have in memory."""
    wanted = needs(record)
    return State(
        state.origin,
        {one: state.subjects[one] for one in wanted.subjects if one in state.subjects},
        {kid: state.keys[kid] for kid in wanted.keys if kid in state.keys},
        {tag: state.tags[tag] for tag in wanted.tags if tag in state.tags},
        {one: state.records[one] for one in wanted.records if one in state.records},
        state.scope,
    )


def site_body(site: str, kind: str, operator: str) -> dict[str, Any]:
    """The body of an honest site record."""
    return {
        "id": site,
        "kind": kind,
        "operator": operator,
        "country": "CD",
        "subdivision": "CD-NK",
        "minerals": ["coltan"],
        "status": "active",
    }


def extract_body(*lots: Mapping[str, Any], time: int = START, site: str = MINE) -> dict[str, Any]:
    """The body of an honest extract record."""
    period = {"from": format_time(time - 86_400), "to": format_time(time)}
    return {"site": site, "period": period, "method": "artisanal", "workers": 120, "lots": [*lots]}


def dispatch_body(consignee: str, *lots: str, time: int = START) -> dict[str, Any]:
    """The body of an honest dispatch record."""
    return {
        "lots": [*lots],
        "consignee": consignee,
        "from": MINE,
        "to": DEPOT,
        "transport": {"mode": "truck", "seals": ["S-1"]},
        "expected": format_time(time + 86_400),
    }


def receive_body(site: str, lots: Mapping[str, Any], outcome: str = "accepted") -> dict[str, Any]:
    """The body of an honest receive record."""
    return {
        "outcome": outcome,
        "site": site,
        "lots": [{"id": one} | ({"quantity": amount} if amount else {}) for one, amount in lots.items()],
    }


def transform_body(
    inputs: Mapping[str, str],
    *outputs: Mapping[str, Any],
    process: str = "concentrate",
    site: str = DEPOT,
    model: str = "segregated",
    **more: Any,
) -> dict[str, Any]:
    """The body of an honest transform record."""
    return {
        "process": process,
        "site": site,
        "model": model,
        "inputs": [{"lot": lot, "mass": mass} for lot, mass in inputs.items()],
        "outputs": [*outputs],
        **more,
    }


def genesis_body(registrar: PrivateKey, policy: Mapping[str, Any] = POLICY) -> dict[str, Any]:
    """The body of the log's first record."""
    return {
        "origin": ORIGIN,
        "name": "Test log",
        "registrar": {"id": REGISTRAR, "country": "BE", "keys": [registrar.public.jwk()]},
        "policy": policy,
    }


def empty_world() -> World:
    """A world whose log holds nothing, with the registrar's key at hand."""
    world = World()
    world.keys[REGISTRAR] = key_of(REGISTRAR)
    return world


def honest_world(policy: Mapping[str, Any] = POLICY) -> World:
    """A world with participants and sites, before anything is dug."""
    world = empty_world()
    world.do(REGISTRAR, "genesis", genesis_body(world.keys[REGISTRAR], policy))
    for participant, roles in ROLES.items():
        world.enrol(participant, roles)
    for site, kind, operator in ((MINE, "mine", MINER), (DEPOT, "depot", TRADER), (PLANT, "smelter", SMELTER)):
        world.register(site, kind, operator)
    return world


def chain_world() -> World:
    """Three bags, received by the trader, blended and concentrated, received by the smelter."""
    world = honest_world()
    world.extract(new_lot("lot:1", tags=("T1",)), new_lot("lot:2", tags=("T2",)), new_lot("lot:3", tags=("T3",)))
    world.hand_over(MINER, TRADER, DEPOT, "lot:1", "lot:2", "lot:3")
    inputs = {"lot:1": "40", "lot:2": "40", "lot:3": "20"}
    world.transform(TRADER, inputs, new_lot("lot:4", quantity("95", "2", {"Ta2O5": "30"}), ["T4"]))
    world.hand_over(TRADER, SMELTER, PLANT, "lot:4")
    world.transform(
        SMELTER, {"lot:4": "95"}, new_lot("lot:5", quantity("22", "0", {"Ta": "99.9"})), process="smelt", site=PLANT
    )
    return world
