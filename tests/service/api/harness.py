"""A whole service in this process: real key, database, application and HTTP server, and a world that talks to it."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from clients.sdk.tokens import sign_grant, sign_jwt
from ledger.envelope import SignedRecord
from ledger.keys import PrivateKey
from ledger.log.note import Ed25519Signer
from service.adapters.keystore import save_log_key
from service.app import create_app
from service.bootstrap import Service, wire
from service.config import Limits, Settings
from service.protocol import JoinedHttp
from service.storage.schema import migrate
from service.usecases.create_log import create_log
from tests.support.server import database_url
from tests.support.world import (
    AUDITOR,
    DEPOT,
    MINE,
    MINER,
    ORIGIN,
    PLANT,
    REGISTRAR,
    ROLES,
    SMELTER,
    TRADER,
    World,
    dispatch_body,
    empty_world,
    genesis_body,
    new_lot,
    quantity,
)

RECORD = "application/custody-record+sd-jwt"
NDJSON = {"content-type": "text/plain"}
_jti = itertools.count()
LOG_KEY = Ed25519Signer(ORIGIN, bytes(range(32)))


@dataclass
class Desk(World):
    """An honest world whose records go to the service first; the clock of both is `now`."""

    client: httpx.Client = field(default=None, repr=False)  # type: ignore[assignment]  # set by `serving`
    service: Service = field(default=None, repr=False)  # type: ignore[assignment]  # the same

    def submit(self, signed: SignedRecord) -> str:
        """POST the record and apply it here as well; the service must say the same as the world."""
        answer = self.post(signed)
        assert answer.status_code == 201, answer.text
        assert answer.json()["index"] == len(self.log)
        record = super().submit(signed)
        assert answer.json()["id"] == record
        assert answer.json()["entry"].encode() == self.log[-1]
        return record

    def post(self, signed: SignedRecord | str) -> httpx.Response:
        """POST one record."""
        text = signed if isinstance(signed, str) else signed.text
        return self.client.post("/v1/records", content=text.encode(), headers={"content-type": RECORD})

    def token(self, participant: str, *, key: PrivateKey | None = None, typ: str = "JWT", **claims: Any) -> str:
        """A login token, honest but for what is overridden; None leaves a claim out."""
        honest = {"iss": participant, "sub": participant, "aud": ORIGIN, "iat": self.now, "exp": self.now + 60}
        merged = {**honest, "jti": f"jti-{next(_jti):020d}", **claims}
        given = {name: value for name, value in merged.items() if value is not None}
        return sign_jwt(given, key or self.keys[participant], typ=typ)

    def as_(self, participant: str, **more: Any) -> Mapping[str, str]:
        """Headers that log a participant in for one request; none for ""."""
        return {"authorization": f"Bearer {self.token(participant, **more)}"} if participant else {}

    def get(self, path: str, participant: str = "", **params: Any) -> httpx.Response:
        """GET as a participant, or as anybody."""
        return self.client.get(path, headers=self.as_(participant), params=params)

    def delete(self, path: str, participant: str = "") -> httpx.Response:
        """DELETE as a participant, or as anybody."""
        return self.client.delete(path, headers=self.as_(participant))

    def grant(self, issuer: str, grantee: str, lot: str, *, seconds: int = 3600, disclosures: bool = False) -> str:
        """A signed grant."""
        return sign_grant(
            self.keys[issuer], issuer, ORIGIN,
            grantee=grantee, lot=lot, now=self.now, expires=self.now + seconds, disclosures=disclosures,
        )  # fmt: skip

    def give(self, grant: str) -> httpx.Response:
        """POST a grant."""
        return self.client.post(
            "/v1/grants", content=grant.encode(), headers={"content-type": "application/access-grant+jwt"}
        )


def make_service(folder: Path, world: World, *, policy: Mapping[str, Any] | None = None, **settings: Any) -> Service:
    """A wired service on a new log in `folder`, whose genesis the world signed and took in."""
    limits = replace(Limits(), **settings.pop("limits", {}))
    settings.setdefault("database", database_url(folder))
    wanted = Settings(state=folder, workers=settings.pop("workers", 0), limits=limits, **settings)
    save_log_key(wanted.key_file, LOG_KEY)
    service = wire(wanted, clock=lambda: float(world.now))
    migrate(service.store)
    body = genesis_body(world.keys[REGISTRAR], policy) if policy else genesis_body(world.keys[REGISTRAR])
    signed = world.sign(REGISTRAR, "genesis", body)
    outcome = create_log(service.store, service.file, service.signer, signed, now=world.now * 1000)
    assert outcome.status == "created"
    World.submit(world, signed)
    return service


class Server(uvicorn.Server):
    """uvicorn in a thread, on a port of its own choice."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(app, port=0, http=JoinedHttp, lifespan="on", log_config=None, ws="none", access_log=False)
        )
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, name="server")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As ever, and tell who waits."""
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"


@contextmanager
def listening(app: Any) -> Iterator[httpx.Client]:
    """A client of the running application; on leaving the server has shut down."""
    server = Server(app)
    server.thread.start()
    server.ready.wait(30)
    assert server.started, "the application did not start"
    try:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        server.thread.join(30)
        assert not server.thread.is_alive()


@contextmanager
def serving(folder: Path, *, transport: httpx.AsyncBaseTransport | None = None, **settings: Any) -> Iterator[Desk]:
    """A running service with nothing but its genesis."""
    desk = Desk(keys=dict(empty_world().keys))
    desk.service = make_service(folder, desk, **settings)
    with listening(create_app(desk.service, transport=transport)) as client:
        desk.client = client
        yield desk


STRANGER = "did:web:other-trader.example"
SECRET = "did:web:haulier.example/driver-17"


def settle_in(desk: Desk) -> None:
    """Everybody is enrolled, a trader with no part in anything too, and the sites are registered."""
    for participant, roles in ROLES.items():
        desk.enrol(participant, roles)
    desk.enrol(STRANGER, ("trader",))
    for site, kind, operator in ((MINE, "mine", MINER), (DEPOT, "depot", TRADER), (PLANT, "smelter", SMELTER)):
        desk.register(site, kind, operator)


def run_chain(desk: Desk) -> None:
    """Three bags from the miner over the trader, who blends them, to the smelter: lot:1..3 -> lot:4 -> lot:5."""
    desk.extract(new_lot("lot:1", tags=("T1",)), new_lot("lot:2", tags=("T2",)), new_lot("lot:3", tags=("T3",)))
    desk.hand_over(MINER, TRADER, DEPOT, "lot:1", "lot:2", "lot:3")
    inputs = {"lot:1": "40", "lot:2": "40", "lot:3": "20"}
    desk.transform(TRADER, inputs, new_lot("lot:4", quantity("95", "2", {"Ta2O5": "30"}), ["T4"]))
    desk.hand_over(TRADER, SMELTER, PLANT, "lot:4")
    desk.transform(
        SMELTER, {"lot:4": "95"}, new_lot("lot:5", quantity("22", "0", {"Ta": "99.9"})), process="smelt", site=PLANT
    )


def send_concealed(desk: Desk, lot: str, *, issuer: str = MINER, consignee: str = TRADER) -> SignedRecord:
    """A dispatch whose driver is concealed, submitted; returns it as signed."""
    body = dispatch_body(consignee, lot, time=desk.now)
    body["transport"]["driver"] = SECRET
    signed = desk.sign(issuer, "dispatch", body, [lot], conceal=["/body/transport/driver"])
    desk.submit(signed)
    return signed


def weigh(desk: Desk, subject: str, *, issuer: str = AUDITOR) -> str:
    """An attestation about a subject and its head."""
    statement = {"gross": "41.2", "tare": "1.2", "net": "40", "scale": "SC-7", "uncertainty": "0.02"}
    head = desk.state.subjects[subject].head
    return desk.do(
        issuer, "attest", {"kind": "weighing", "about": [{"subject": subject, "record": head}], "statement": statement}
    )
