"""A dated coltan chain for rule cases: who did what on which day, and what the rules say of it.

`Story` wraps a `World` whose clock is set to days (`on`), so that cases read like a diary:

    story = coltan_story()                     # two mines, trader, exporter, smelter; honest, bare of papers
    story.on("2026-03-20").attest(AUTHORITY, "inspection", MINE_A, {...})
    assert story.finding("OECD-A2.1.CHILD").ruling.outcome is Outcome.PASS

Only custody is in it; papers (certificates, payments, inspections...) are for the cases to add.
"""

from __future__ import annotations

import calendar
import time as clock
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.encoding import format_time, parse_time
from ledger.entry import parse_entry
from ledger.envelope import parse_record
from ledger.rules.case import Background
from ledger.rules.claim import parse_claim
from ledger.rules.engine import Finding, Judgement, decide, judge_rule
from ledger.rules.facts import Facts
from ledger.rules.gather import gather
from ledger.rules.pack import Pack, index_packs, parameters_of
from ledger.rules.packs import read_packs
from ledger.rules.reference.snapshot import References, Snapshot
from tests.support.shown import Shown
from tests.support.world import REGISTRAR, World, empty_world, genesis_body, new_lot, quantity

MINER, MINER_B = "did:web:cooperative-a.example", "did:web:cooperative-b.example"
TRADER = "did:web:negociant.example"
EXPORTER = "did:web:exporter.example"
SMELTER = "did:web:smelter.example"
AUDITOR = "did:web:assurance.example"
LAB = "did:web:laboratory.example"
AUTHORITY = "did:web:mines-agency.example"
CUSTOMS = "did:web:customs.example"
MONITOR = "did:web:field-monitor.example"
BUYER = "did:web:buyer.example"
MINE_A, MINE_B = "site:mine-a", "site:mine-b"
DEPOT, WAREHOUSE, PLANT = "site:depot", "site:warehouse", "site:plant"

PARTIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    MINER: ("CD", ("producer", "cooperative")),
    MINER_B: ("CD", ("producer", "cooperative")),
    TRADER: ("CD", ("trader",)),
    EXPORTER: ("CD", ("trader", "exporter")),
    SMELTER: ("MY", ("smelter",)),
    AUDITOR: ("BE", ("auditor",)),
    LAB: ("ZA", ("laboratory",)),
    AUTHORITY: ("CD", ("authority",)),
    CUSTOMS: ("CD", ("authority",)),
    MONITOR: ("BE", ("monitor",)),
    BUYER: ("DE", ("buyer",)),
}


def square(longitude: str, latitude: str) -> dict[str, Any]:
    """A mine's polygon: about 350 m by 350 m (12 ha) from its south-west corner; decimal degrees."""
    west, south = round(float(longitude) * 10**4), round(float(latitude) * 10**4)
    corners = [(0, 0), (31, 0), (31, 31), (0, 31), (0, 0)]
    ring = [[f"{(west + x) / 10**4:.4f}", f"{(south + y) / 10**4:.4f}"] for x, y in corners]
    return {"type": "Polygon", "coordinates": [ring]}


def point(longitude: str, latitude: str) -> dict[str, Any]:
    """A GeoJSON point."""
    return {"type": "Point", "coordinates": [longitude, latitude]}


@dataclass
class Story:
    """A world with dates, and the reference data that its verdicts are judged by."""

    world: World = field(default_factory=empty_world)
    snapshots: list[Snapshot] = field(default_factory=list)
    subject: str = "lot:export"

    # the diary ---------------------------------------------------------------------------------------

    def on(self, day: str) -> Story:
        """Set the clock to noon of a day, or to a time; it never goes back."""
        moment = parse_time(day if "T" in day else f"{day}T12:00:00Z")
        assert moment >= self.world.now, f"{day} is before {format_time(self.world.now)}"
        self.world.now = moment
        return self

    def enrol(self, participant: str, country: str, roles: Sequence[str], **more: Any) -> str:
        """The registrar enrols a participant; more: name, address, owners, identifiers..."""
        from tests.support.world import key_of

        self.world.keys[participant] = key_of(participant)
        keys = [self.world.keys[participant].public.jwk()]
        body = {"id": participant, "country": country, "roles": [*roles], "status": "active", "keys": keys, **more}
        return self.world.do(REGISTRAR, "participant", body)

    def amend(self, participant: str, **more: Any) -> str:
        """The registrar amends a participant: its last record with other members."""
        body = {**self.body_of("participant", participant), **more}
        body.pop("keys", None)
        return self.world.do(REGISTRAR, "participant", body, [participant])

    def register(self, site: str, kind: str, operator: str, subdivision: str = "CD-NK", **more: Any) -> str:
        """The operator registers a site; more: location, capacity, method, licence..."""
        body = {
            "id": site, "kind": kind, "operator": operator, "country": subdivision[:2], "subdivision": subdivision,
            "minerals": ["coltan"], "status": "active", **more,
        }  # fmt: skip
        return self.world.do(operator, "site", body)

    def amend_site(self, site: str, **more: Any) -> str:
        """The operator amends a site."""
        body = {**self.body_of("site", site), **more}
        return self.world.do(body["operator"], "site", body, [site])

    def body_of(self, event: str, subject: str) -> dict[str, Any]:
        """The body of the newest record that registered a participant or site."""
        bodies = [
            one.record.body for one in self.shown() if one.record.type == event and one.record.body["id"] == subject
        ]
        return dict(bodies[-1])

    def extract(self, site: str, *lots: Mapping[str, Any], period: tuple[str, str], **more: Any) -> str:
        """The operator of a mine commissions lots; period: first and last day."""
        body = {
            "site": site, "period": {"from": f"{period[0]}T06:00:00Z", "to": f"{period[1]}T17:00:00Z"},
            "method": "artisanal", "workers": 120, "lots": [*lots], **more,
        }  # fmt: skip
        return self.world.do(self.world.state.subjects[site].operator, "extract", body)  # type: ignore[union-attr]

    def dispatch(self, issuer: str, consignee: str, start: str, end: str, *lots: str, **transport: Any) -> str:
        """A custodian hands lots over; transport: mode, seals, route, carrier, expected (in five days)."""
        expected = transport.pop("expected", format_time(self.world.now + 5 * 86_400))
        body = {
            "lots": [*lots], "consignee": consignee, "from": start, "to": end,
            "transport": {"mode": "truck", "seals": ["S-1"], **transport},
            "expected": expected,
        }  # fmt: skip
        return self.world.do(issuer, "dispatch", body, lots)

    def receive(self, issuer: str, site: str, lots: Mapping[str, Any], seals: Sequence[str] = ("S-1",)) -> str:
        """The consignee accepts lots as measured: id -> quantity, or None for as dispatched."""
        measured = [{"id": one} | {"quantity": amount or self.amount(one)} for one, amount in lots.items()]
        body = {"outcome": "accepted", "site": site, "lots": measured, "seals": [*seals]}
        return self.world.do(issuer, "receive", body, list(lots))

    def amount(self, lot: str) -> dict[str, Any]:
        """What is left of a lot, as a quantity."""
        held = self.world.state.subjects[lot]
        return quantity(held.left, held.moisture, held.assay)  # type: ignore[union-attr]

    def transform(
        self, issuer: str, site: str, inputs: Mapping[str, str], *outputs: Mapping[str, Any], **more: Any
    ) -> str:
        """Mass taken from lots (id -> kg) becomes new lots; more: process, model, additions, losses."""
        body = {
            "process": "merge", "site": site, "model": "segregated",
            "inputs": [{"lot": lot, "mass": mass} for lot, mass in inputs.items()], "outputs": [*outputs], **more,
        }  # fmt: skip
        return self.world.do(issuer, "transform", body, list(inputs))

    def attest(
        self, issuer: str, kind: str, about: str | Iterable[str], statement: Mapping[str, Any],
        *, conceal: Sequence[str] = (), **body: Any,
    ) -> str:  # fmt: skip
        """Somebody attests something about subjects; body: from, until, result, documents."""
        return self.world.do(
            issuer,
            "attest",
            {"kind": kind, "about": self.about(about), "statement": dict(statement), **body},
            conceal=conceal,
        )

    def incident(self, issuer: str, about: str | Iterable[str], category: str, **body: Any) -> str:
        """Somebody reports an incident; body: severity, status, verified, period, follows..."""
        members = {"severity": 2, "status": "open", **body}
        return self.world.do(issuer, "incident", {"about": self.about(about), "category": category, **members})

    def about(self, subjects: str | Iterable[str]) -> list[dict[str, str]]:
        """Subjects with their heads, as evidence names them."""
        names = [subjects] if isinstance(subjects, str) else list(subjects)
        return [{"subject": one, "record": self.world.state.subjects[one].head} for one in names]

    def load(self, dataset: str, raw: bytes, published: str) -> Story:
        """Load reference data."""
        from ledger.rules.reference.snapshot import parse_snapshot

        self.snapshots.append(parse_snapshot(dataset, raw, published=published, source="https://example.org/list"))
        return self

    # the verdict -------------------------------------------------------------------------------------

    def shown(self, *, erase: bool = False) -> list[Shown]:
        """Everything that is in the log, as if a bundle held it all."""
        out = []
        for index, entry in enumerate(self.world.log):
            logged, jws = parse_entry(entry)
            record = parse_record(jws)
            out.append(Shown(index, logged, record, () if erase else self.world.disclosures.get(record.id, ())))
        return out

    def facts(
        self, *, known: str = "", valid: str = "", subject: str = "", erase: bool = False, hidden: Sequence[str] = ()
    ) -> Facts:
        """The evidence set; both clocks stand at the last record unless set (a day means its end)."""
        now = format_time(self.world.now)
        return gather(
            subject or self.subject,
            self.shown(erase=erase),
            hidden=hidden,
            known_as_of=_end(known) or now,
            valid_as_of=_end(valid) or now,
        )

    def claim(self, claim_type: str = "oecd_aligned", terms: Mapping[str, Any] | None = None, **members: Any) -> Any:
        """A claim about the story's subject."""
        value = {
            "type": claim_type,
            "subject": members.pop("subject", self.subject),
            "terms": dict(terms or {}),
            **members,
        }
        return parse_claim(value)

    def finding(
        self, rule_id: str, *, claim: Any = None, packs: Mapping[str, Pack] | None = None, **clocks: Any
    ) -> Finding:
        """What one rule says. clocks: known, valid, subject, erase, hidden as for `facts`; the claim has parameters."""
        pack, rule = next(
            (pack, rule) for pack in (packs or read_packs()).values() for rule in pack.rules if rule.id == rule_id
        )
        claim = claim or self.claim(subject=clocks.get("subject") or self.subject)
        back = Background(self.facts(**clocks), claim, References(self.snapshots), tuple(packs or read_packs()))
        return judge_rule(rule, pack.id, back, {**parameters_of(pack), **claim.parameters})

    def judge(self, claim: Any, *, packs: Iterable[Pack] | None = None, **clocks: Any) -> Judgement:
        """The judgement on a claim."""
        by_id = index_packs(packs) if packs is not None else read_packs()
        return decide(claim, self.facts(subject=claim.subject, **clocks), by_id, References(self.snapshots))


def _end(day: str) -> str:
    return day if not day or "T" in day else f"{day}T23:59:59Z"


def start_story(day: str = "2026-01-05") -> Story:
    """Everybody enrolled, with names and addresses in plain sight, and the sites registered; nothing dug yet."""
    story = Story()
    story.world.now = calendar.timegm(clock.strptime(f"{day}T08:00:00Z", "%Y-%m-%dT%H:%M:%SZ"))
    story.world.do(REGISTRAR, "genesis", genesis_body(story.world.keys[REGISTRAR]))
    for participant, (country, roles) in PARTIES.items():
        name = participant.removeprefix("did:web:").removesuffix(".example").replace("-", " ").title()
        story.enrol(participant, country, roles, name=f"{name} SARL", address=f"1 Example Road, {country}")
    capacity = {"workers": 120, "kg_per_month": "792"}
    story.register(MINE_A, "mine", MINER, location=square("28.8800", "-1.5500"), capacity=capacity, method="artisanal")
    story.register(
        MINE_B, "mine", MINER_B, location=square("28.9500", "-1.6000"), capacity=capacity, method="artisanal"
    )
    story.register(DEPOT, "depot", TRADER, location=point("28.9000", "-1.5800"))
    story.register(WAREHOUSE, "warehouse", EXPORTER, location=point("29.2200", "-1.6800"))
    story.register(PLANT, "smelter", SMELTER, "MY-01", location=point("103.9000", "1.4500"))
    return story


def bags(prefix: str, count: int, mass: str = "40", grade: str = "28.5") -> list[dict[str, Any]]:
    """Tagged bags: `lot:<prefix>-1`..., one tag each."""
    amount = quantity(mass, "2", {"Ta2O5": grade})
    return [new_lot(f"lot:{prefix}-{n}", amount, [f"{prefix.upper()}{n:05d}"]) for n in range(1, count + 1)]


def coltan_story() -> Story:
    """An honest month: 16 bags of mine A and 4 of mine B, consolidated, exported, received by the smelter.

    Lots: `lot:a-1`... and `lot:b-1`..., `lot:export` (merged by the trader, held by the smelter at the end).
    """
    story = start_story()
    story.on("2026-03-31").extract(MINE_A, *bags("a", 16), period=("2026-03-02", "2026-03-31"))
    story.extract(MINE_B, *bags("b", 4), period=("2026-03-02", "2026-03-31"), workers=30)
    a, b = [f"lot:a-{n}" for n in range(1, 17)], [f"lot:b-{n}" for n in range(1, 5)]
    story.on("2026-04-01T06:00:00Z").dispatch(MINER, TRADER, MINE_A, DEPOT, *a)
    story.dispatch(MINER_B, TRADER, MINE_B, DEPOT, *b)
    story.on("2026-04-01T11:00:00Z").receive(TRADER, DEPOT, dict.fromkeys(a))
    story.receive(TRADER, DEPOT, dict.fromkeys(b))
    mixed = new_lot("lot:export", quantity("800", "2", {"Ta2O5": "28.5"}), ["N00001"])
    story.on("2026-04-02").transform(TRADER, DEPOT, dict.fromkeys((*a, *b), "40"), mixed)
    story.on("2026-04-03T06:00:00Z").dispatch(TRADER, EXPORTER, DEPOT, WAREHOUSE, "lot:export")
    story.on("2026-04-03T12:00:00Z").receive(EXPORTER, WAREHOUSE, {"lot:export": None})
    route = [{"country": "RW", "place": "Transit"}, {"country": "TZ", "place": "Port"}]
    sea = {"mode": "vessel", "route": route, "expected": "2026-05-25T12:00:00Z"}
    story.on("2026-04-10").dispatch(EXPORTER, SMELTER, WAREHOUSE, PLANT, "lot:export", **sea)
    story.on("2026-05-20").receive(SMELTER, PLANT, {"lot:export": None})
    return story
