"""Reading from a service: records, lots, provenance, register, evidence. Each call logs in with the caller's key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from clients.sdk.answers import member
from clients.sdk.errors import NotFound
from clients.sdk.transport import Transport

PAGE = 200
SINGLE_HEADS = 20  # up to so many heads are asked for one by one, more by reading the list of lots
MAX_PAGES = 10_000

Json = dict[str, Any]


def escape(part: str) -> str:
    """An id as one path segment."""
    return quote(part, safe="")


class Reads:
    """The reading half of the client; `_headers` gives a fresh login for each try."""

    _transport: Transport

    def _headers(self) -> Mapping[str, str]:
        return {}

    def get(self, path: str, **params: Any) -> Json:
        """A JSON object from the API; parameters that are None or "" are left out."""
        given = {name.rstrip("_"): value for name, value in params.items() if value not in (None, "")}
        answer = self._transport.send("GET", path, headers=self._headers, params=given or None)
        value = answer.json()
        member({"answer": value}, "answer", dict)
        return dict(value)

    def pages(self, path: str, **params: Any) -> Iterator[Json]:
        """Every item of a paged list, following the cursor."""
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = self.get(path, cursor=cursor, limit=PAGE, **params)
            yield from member(page, "items", list)
            cursor = page.get("next")
            if not cursor:
                return

    def record(self, record: str) -> Json:
        """One record with its place in the log and what may be disclosed to the caller."""
        return self.get(f"/v1/records/{escape(record)}")

    def receipt(self, record: str) -> str:
        """A fresh receipt (tlog-proof) of a record."""
        return self._transport.send("GET", f"/v1/records/{escape(record)}/receipt", headers=self._headers).text

    def lots(self, *, status: str = "", custodian: str = "", mineral: str = "") -> Iterator[Json]:
        """Lots that the caller may see."""
        return self.pages("/v1/lots", status=status, custodian=custodian, mineral=mineral)

    def lot(self, lot: str) -> Json:
        """One lot as it stands now."""
        return self.get(f"/v1/lots/{escape(lot)}")

    def history(self, lot: str) -> Iterator[Json]:
        """The records that moved a lot and the evidence about it, oldest first."""
        return self.pages(f"/v1/lots/{escape(lot)}/history")

    def provenance(self, lot: str, *, direction: str = "up", depth: int | None = None, intervals: bool = False) -> Json:
        """The lot graph upstream or downstream; upstream with shares of origin, and with their ranges if asked for."""
        asked = "true" if intervals else None
        return self.get(f"/v1/lots/{escape(lot)}/provenance", direction=direction, depth=depth, intervals=asked)

    def bundle(
        self, subject: str, *, kind: str = "lot", hash_only: Sequence[str] = (), verdicts: Sequence[str] = ()
    ) -> bytes:
        """The evidence bundle of a lot, site or participant (`kind`), exactly as the service made it.

        hash_only: records to show by hash; verdicts: ids of verdicts on it to put in.
        """
        given = {"hash_only": list(hash_only), "verdict": list(verdicts)}
        params = {name: value for name, value in given.items() if value}
        path = f"/v1/{kind}s/{escape(subject)}/bundle"
        return self._transport.send("GET", path, headers=self._headers, params=params).content

    def participants(self) -> Iterator[Json]:
        """All participants."""
        return self.pages("/v1/participants")

    def participant(self, participant: str) -> Json:
        """One participant."""
        return self.get(f"/v1/participants/{escape(participant)}")

    def sites(self) -> Iterator[Json]:
        """All sites."""
        return self.pages("/v1/sites")

    def site(self, site: str) -> Json:
        """One site."""
        return self.get(f"/v1/sites/{escape(site)}")

    def attestations(self, *, subject: str = "", kind: str = "") -> Iterator[Json]:
        """Attestations about a subject, of a kind."""
        return self.pages("/v1/attestations", subject=subject, kind=kind)

    def incidents(self, *, subject: str = "", status: str = "") -> Iterator[Json]:
        """Incidents about a subject."""
        return self.pages("/v1/incidents", subject=subject, status=status)

    def claim(self, question: Json) -> bytes:
        """The signed verdict on a claim, as canonical JSON; question: {claim, valid_as_of?, known_as_of?, packs?}."""
        body = json.dumps(question, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        return self._transport.send(
            "POST", "/v1/claims", headers=lambda: {**headers, **self._headers()}, content=body
        ).content

    def portfolio(self, question: Json) -> Json:
        """The answers to one claim about many lots; question: {claim, subjects, valid_as_of?, known_as_of?, packs?}."""
        body = json.dumps(question, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        answer = self._transport.send(
            "POST", "/v1/portfolios", headers=lambda: {**headers, **self._headers()}, content=body
        ).json()
        member({"answer": answer}, "answer", dict)
        return dict(answer)

    def verdict(self, verdict: str, *, form: str = "json") -> bytes:
        """A verdict that was given: as canonical JSON, html, pdf, or credential (a compact JWS)."""
        path = f"/v1/verdicts/{escape(verdict)}"
        return self._transport.send("GET", path, headers=self._headers, params={"form": form}).content

    def verdicts(self, *, subject: str = "") -> Iterator[Json]:
        """Verdicts that the caller asked for, newest first."""
        return self.pages("/v1/verdicts", subject=subject)

    def rule_packs(self) -> Iterator[Json]:
        """The rule packs that the service judges by."""
        return self.pages("/v1/rule-packs")

    def risk(self, subject: str) -> Json:
        """The risk of a lot, site or participant by area."""
        return self.get("/v1/risk", subject=subject)

    def grants(self) -> Iterator[Json]:
        """Grants that the caller gave or got."""
        return self.pages("/v1/grants")

    def head(self, subject: str) -> str | None:
        """The current head of a lot, site or participant; None when the service shows no such subject."""
        for kind in ("lots", "participants", "sites"):
            try:
                return str(member(self.get(f"/v1/{kind}/{escape(subject)}"), "head", str))
            except NotFound:
                continue
        return None

    def heads(self, subjects: Iterable[str]) -> dict[str, str]:
        """The heads of many subjects, as far as the service shows them; many lots are read from the list of lots."""
        wanted = dict.fromkeys(subjects)
        found: dict[str, str] = {}
        if len(wanted) > SINGLE_HEADS:
            for lot in self.lots():
                if lot.get("id") in wanted:
                    found[lot["id"]] = str(member(lot, "head", str))
                    if len(found) == len(wanted):
                        break
        for subject in wanted:
            head = found.get(subject) or self.head(subject)
            if head is not None:
                found[subject] = head
        return found
