"""A realistic log of any length, made fast: for benchmarks and for the tests of the audit.

Bags of coltan are dug at many mines, travel to a trader one by one, are blended two by two and concentrated, travel on,
and now and then are weighed and smelted: nine to eleven records by three signers, 700 to 1,100 bytes each. Everything
is derived from counters, so the same arguments give the same bytes.

    python -m benchmarks.generate FOLDER --records 100000
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

from ledger.encoding import format_b64url, format_json, format_time
from ledger.entry import format_entry
from ledger.envelope import RECORD_TYP
from ledger.evidence.trust import TrustedLog, TrustPolicy, format_policy
from ledger.keys import PrivateKey, private_key_from_seed
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import HASH_SIZE
from ledger.log.note import Ed25519Signer, format_vkey
from ledger.log.sequence import Edge, plan_batch
from ledger.log.tiles import ENTRIES, WIDTH, TileId, format_bundle, tile_path

ORIGIN = "log.lodeline.example/bench"
START = 1_760_000_000
STEP_MS = 40  # between two entries
POLICY = {"tolerance": {"mass": "0.5", "metal": "2", "receipt": "1"}, "skew": 300, "entries": "public"}
REGISTRAR = "did:web:registrar.example"
BATCH = 16 * WIDTH
TOGETHER = 64  # stories under way at the same time
CONSIGNMENT = 50  # drums that travel together

Made = tuple[int, bytes]
"""Time of logging in ms and the compact JWS."""


def key_of(name: str) -> PrivateKey:
    """The Ed25519 key that belongs to a name."""
    return private_key_from_seed("Ed25519", hashlib.sha256(name.encode()).digest())


@dataclass(slots=True)
class Signer:
    """A participant that signs fast: the header is encoded once."""

    name: str
    site: str = ""
    key: PrivateKey = field(init=False)
    header: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.use(key_of(self.name))

    def use(self, key: PrivateKey) -> None:
        """Sign with this key from now on."""
        self.key = key
        text = format_json({"alg": key.public.alg, "kid": key.public.kid, "typ": RECORD_TYP})
        self.header = format_b64url(text).encode() + b"."


@dataclass(slots=True)
class Generator:
    """Makes records in log order. first: seconds of the first entry's clock; genesis: id of one that exists already."""

    origin: str = ORIGIN
    signers: int = 200
    first: int = START
    registrar: Signer = field(default_factory=lambda: Signer(REGISTRAR))
    miners: list[Signer] = field(init=False)
    traders: list[Signer] = field(init=False)
    smelters: list[Signer] = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        few = max(1, self.signers // 10)
        self.smelters = [Signer(f"did:web:smelter-{n:04d}.example", f"site:smelter-{n:04d}") for n in range(few)]
        self.traders = [Signer(f"did:web:trader-{n:04d}.example", f"site:depot-{n:04d}") for n in range(3 * few)]
        rest = max(1, self.signers - 1 - 4 * few)
        self.miners = [Signer(f"did:web:miner-{n:04d}.example", f"site:mine-{n:04d}") for n in range(rest)]

    def records(self) -> Iterator[Made]:
        """All records of the log, without end."""
        yield self._genesis()
        yield from self.register()
        yield from self.stories()

    def register(self) -> Iterator[Made]:
        """Participants and their sites."""
        kinds = ((self.miners, "producer", "mine"), (self.traders, "trader", "depot"))
        for group, role, kind in (*kinds, (self.smelters, "smelter", "smelter")):
            for one in group:
                body = {
                    "id": one.name, "country": "CD", "roles": [role], "status": "active",
                    "identifiers": {}, "keys": [one.key.public.jwk()],
                }  # fmt: skip
                yield self._sign(self.registrar, "participant", body, {})[1:]
                yield self._sign(one, "site", _site(one, kind), {})[1:]

    def extracts(self, number: int, *, owner: Signer | None = None, first: int = 0) -> Iterator[Made]:
        """`number` extracts of one lot each, none building on another; by one owner, or by all miners in turn."""
        for n in range(first, first + number):
            miner, now = owner or self.miners[n % len(self.miners)], self._now()
            lot = _lot(f"lot:single:{n:08d}", 38_000 + n % 4_000, "Ta2O5", 28_500, "2.00")
            yield self._sign(miner, "extract", _extract(miner, lot, now), {})[1:]

    def merge(self, owner: Signer, bags: list[Made], name: str, *, first: int = 0) -> Made:
        """One lot from all the lots of `extracts`."""
        heads = {f"lot:single:{n:08d}": hashlib.sha256(jws).hexdigest() for n, (_, jws) in enumerate(bags, first)}
        output = _lot(name, 38_000 * len(bags), "Ta2O5", 28_500, "2.00")
        return self._sign(owner, "transform", _transform(owner, list(heads), 38_000, output, "merge"), heads)[1:]

    def drums(self, owner: Signer, taker: Signer, blend: str, head: bytes, grams: list[int]) -> Iterator[Made]:
        """A lot split into drums of these weights, `CONSIGNMENT` of which travel to the taker at a time."""
        weights = {f"{blend}:drum-{n:04d}": weight for n, weight in enumerate(grams)}
        tags = {name: [{"scheme": "itsci", "number": name[4:].replace(":", "-")}] for name in weights}
        drums = [_lot(name, weight, "Ta2O5", 28_500, "2.00") | {"tags": tags[name]} for name, weight in weights.items()]
        body = _transform(owner, [blend], sum(grams), drums[0], "split") | {"outputs": drums, "losses": []}
        split, logged, jws = self._sign(owner, "transform", body, {blend: hashlib.sha256(head).hexdigest()})
        yield logged, jws
        names = list(weights)
        for start in range(0, len(names), CONSIGNMENT):
            some = names[start : start + CONSIGNMENT]
            sent = _dispatch(owner, taker, some[0], self._now()) | {"lots": some}
            sending, logged, jws = self._sign(owner, "dispatch", sent, dict.fromkeys(some, split))
            yield logged, jws
            got = [{"id": one, "quantity": {"mass": _kg(weights[one] - 20), "moisture": "1.96"}} for one in some]
            body = {"outcome": "accepted", "site": taker.site, "lots": got}
            yield self._sign(taker, "receive", body, dict.fromkeys(some, sending))[1:]

    def _now(self) -> str:
        return format_time(self.first + self.made * STEP_MS // 1000)

    def stories(self, *, first: int = 0, step: int = 1) -> Iterator[Made]:
        """Lots from the pit to the smelter, many at a time: every `step`th, so that two streams share no lot."""
        numbers = count(first, step)
        running = [self._story(next(numbers)) for _ in range(TOGETHER)]
        while True:
            for position, story in enumerate(running):
                made = next(story, None)
                if made is None:
                    running[position] = self._story(next(numbers))
                else:
                    yield made

    def _genesis(self) -> Made:
        jwk = self.registrar.key.public.jwk()
        registrar = {"id": self.registrar.name, "country": "BE", "keys": [jwk]}
        body = {"origin": self.origin, "name": "A log made of counters", "registrar": registrar, "policy": POLICY}
        return self._sign(self.registrar, "genesis", body, {})[1:]

    def _sign(self, signer: Signer, event: str, body: dict[str, Any], prev: dict[str, str]) -> tuple[str, int, bytes]:
        """Record id, time of logging and JWS."""
        logged = self.first * 1000 + self.made * STEP_MS
        self.made += 1
        payload = {
            "iss": signer.name, "aud": self.origin, "iat": logged // 1000, "type": event,
            "time": format_time(logged // 1000), "prev": prev, "body": body,
        }  # fmt: skip
        message = signer.header + format_b64url(format_json(payload)).encode()
        jws = message + b"." + format_b64url(signer.key.sign(message)).encode()
        return hashlib.sha256(jws).hexdigest(), logged, jws

    def _story(self, number: int) -> Iterator[Made]:
        miner = self.miners[number % len(self.miners)]
        trader = self.traders[number % len(self.traders)]
        smelter = self.smelters[number % len(self.smelters)]
        grams = 38_000 + number * 7_919 % 4_000
        bags = [f"lot:{number:08d}:bag-{letter}" for letter in "ab"]
        heads: dict[str, str] = {}

        def step(signer: Signer, event: str, body: dict[str, Any], moves: list[str], makes: list[str]) -> Made:
            head, logged, jws = self._sign(signer, event, body, {one: heads[one] for one in moves})
            heads.update(dict.fromkeys((*moves, *makes), head))
            return logged, jws

        now = self._now()
        for bag in bags:
            tag = {"scheme": "itsci", "number": bag[4:].replace(":", "-")}
            lot = _lot(bag, grams, "Ta2O5", 28_500, "2.00") | {"tags": [tag]}
            yield step(miner, "extract", _extract(miner, lot, now), [], [bag])
            yield from self._move(step, miner, trader, bag, grams, now)
        if number % 4 == 0:
            yield step(trader, "attest", _weighing(bags[0], heads[bags[0]], grams), [], [])
        blend = f"lot:{number:08d}:concentrate"
        richer = _lot(blend, grams * 7 // 4, "Ta2O5", 31_000, "2.00")
        yield step(trader, "transform", _transform(trader, bags, grams - 20, richer, "concentrate"), bags, [blend])
        yield from self._move(step, trader, smelter, blend, grams * 7 // 4, now)
        if number % 4 == 0:
            metal = f"lot:{number:08d}:metal"
            pure = _lot(metal, grams * 2 // 5, "Ta", 99_900, "0")
            body = _transform(smelter, [blend], grams * 7 // 4 - 20, pure, "smelt")
            yield step(smelter, "transform", body, [blend], [metal])

    @staticmethod
    def _move(
        step: Callable[..., Made], sender: Signer, taker: Signer, lot: str, grams: int, now: str
    ) -> Iterator[Made]:
        yield step(sender, "dispatch", _dispatch(sender, taker, lot, now), [lot], [])
        received = [{"id": lot, "quantity": {"mass": _kg(grams - 20), "moisture": "1.96"}}]
        body = {"outcome": "accepted", "site": taker.site, "lots": received, "seals": [f"S-{lot[4:12]}"]}
        yield step(taker, "receive", body, [lot], [])


def _kg(grams: int) -> str:
    return f"{grams // 1000}.{grams % 1000:03d}"


def _site(owner: Signer, kind: str) -> dict[str, Any]:
    return {
        "id": owner.site, "kind": kind, "operator": owner.name, "country": "CD", "subdivision": "CD-NK",
        "minerals": ["coltan"], "status": "active",
    }  # fmt: skip


def _lot(name: str, grams: int, analyte: str, share: int, moisture: str) -> dict[str, Any]:
    quantity = {"mass": _kg(grams), "moisture": moisture, "assay": {analyte: _kg(share)}}
    return {"id": name, "mineral": "coltan", "quantity": quantity}


def _extract(miner: Signer, lot: dict[str, Any], now: str) -> dict[str, Any]:
    period = {"from": f"{now[:10]}T00:00:00Z", "to": now}
    return {"site": miner.site, "period": period, "method": "artisanal", "workers": 42, "lots": [lot]}


def _dispatch(sender: Signer, taker: Signer, lot: str, now: str) -> dict[str, Any]:
    route = [{"country": "CD", "place": "Goma"}, {"country": "RW", "place": "Kigali"}]
    transport = {"mode": "truck", "seals": [f"S-{lot[4:12]}"], "route": route}
    papers = [{"kind": "waybill", "number": f"WB-{lot[4:12]}"}]
    return {
        "lots": [lot], "consignee": taker.name, "from": sender.site, "to": taker.site, "transport": transport,
        "documents": papers, "expected": now,
    }  # fmt: skip


def _transform(owner: Signer, inputs: list[str], grams: int, output: dict[str, Any], process: str) -> dict[str, Any]:
    return {
        "process": process, "site": owner.site, "model": "segregated",
        "inputs": [{"lot": lot, "mass": _kg(grams)} for lot in inputs], "outputs": [output],
        "losses": [{"kind": "tailings", "mass": "1.250"}],
    }  # fmt: skip


def _weighing(lot: str, head: str, grams: int) -> dict[str, Any]:
    statement = {"gross": _kg(grams + 250), "tare": "0.250", "net": _kg(grams), "scale": "SC-0042"}
    return {"kind": "weighing", "about": [{"subject": lot, "record": head}], "statement": statement}


# ---- a whole log ----------------------------------------------------------------------------------------------------


def write_log(folder: Path, made: Iterator[Made], *, origin: str = ORIGIN) -> Checkpoint:
    """Write an exported log of these records: checkpoint, tiles, entries, and the trust policy that accepts it."""
    edge, tiles, entries = Edge.empty(), dict[TileId, bytes](), (format_entry(*one) for one in made)
    while batch := list(islice(entries, BATCH)):
        for start in range(0, len(batch), WIDTH):
            some = batch[start : start + WIDTH]
            _write(folder, (ENTRIES, (edge.size + start) // WIDTH), len(some), format_bundle(some))
        planned = plan_batch(edge, batch)
        edge = planned.edge
        tiles |= planned.tiles
        for tile in [tile for tile, hashes in tiles.items() if len(hashes) == WIDTH * HASH_SIZE]:
            _write(folder, tile, WIDTH, tiles.pop(tile))
    for tile, hashes in tiles.items():
        _write(folder, tile, len(hashes) // HASH_SIZE, hashes)
    signer = Ed25519Signer(origin, hashlib.sha256(origin.encode()).digest())
    checkpoint = Checkpoint(origin, edge.size, edge.root)
    (folder / "checkpoint").write_text(sign_checkpoint(checkpoint, [signer]), encoding="utf-8")
    (folder / "policy.txt").write_bytes(format_policy(TrustPolicy((TrustedLog(signer.verifier),))))
    (folder / "vkey.txt").write_text(format_vkey(signer.verifier) + "\n", encoding="utf-8")
    return checkpoint


def _write(folder: Path, tile: TileId, width: int, content: bytes) -> None:
    path = folder / tile_path(*tile, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--signers", type=int, default=200)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = write_log(given.folder, islice(Generator(signers=given.signers).records(), given.records))
    print(f"{checkpoint.size} records in {given.folder}")


if __name__ == "__main__":
    main()
