"""Grants: signed by the custodian, for one lot and what is upstream, until they expire or are taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clients.sdk.tokens import GRANT_TYP, sign_jwt
from ledger.encoding import format_b64url
from ledger.keys import PrivateKey
from tests.service.api.harness import SECRET, STRANGER, Desk, run_chain, send_concealed, serving, settle_in
from tests.support.world import AUDITOR, BUYER, MINER, ORIGIN, REGISTRAR, SMELTER, TRADER, key_of, new_lot

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(scope="module")
def desk(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("grants")) as desk:
        settle_in(desk)
        run_chain(desk)
        yield desk


def reads(desk: Desk, reader: str, lot: str) -> bool:
    status = desk.get(f"/v1/lots/{lot}", reader).status_code
    assert status in (200, 404)
    assert desk.get(f"/v1/lots/{lot}/bundle", reader).status_code == status
    return status == 200


def test_a_buyer_reads_what_the_custodian_grants_with_everything_upstream(desk: Desk) -> None:
    desk.extract(new_lot("lot:other"))
    assert not reads(desk, BUYER, "lot:5")
    grant = desk.grant(SMELTER, BUYER, "lot:5")
    answer = desk.give(grant)
    assert answer.status_code == 201
    told = answer.json()
    assert told["grant"] == grant
    assert (told["issuer"], told["grantee"], told["lot"], told["status"]) == (SMELTER, BUYER, "lot:5", "active")
    for lot in ("lot:5", "lot:4", "lot:1"):
        assert reads(desk, BUYER, lot)
    assert not reads(desk, BUYER, "lot:other")
    assert [one["id"] for one in desk.get("/v1/lots", BUYER).json()["items"]] == ["lot:5"]
    assert desk.give(grant).status_code == 200  # once more changes nothing
    assert not reads(desk, STRANGER, "lot:5")

    revoked = desk.delete(f"/v1/grants/{told['jti']}", SMELTER)
    assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked")
    assert not reads(desk, BUYER, "lot:5")
    assert desk.delete(f"/v1/grants/{told['jti']}", SMELTER).json()["revoked"] == revoked.json()["revoked"]
    assert desk.give(grant).json()["status"] == "revoked"  # sent again it stays taken back
    assert not reads(desk, BUYER, "lot:5")


def test_a_grant_expires(desk: Desk) -> None:
    assert desk.give(desk.grant(SMELTER, BUYER, "lot:5", seconds=60)).status_code == 201
    assert reads(desk, BUYER, "lot:5")
    desk.now += 61
    assert not reads(desk, BUYER, "lot:5")
    assert [one["status"] for one in desk.get("/v1/grants", BUYER).json()["items"]].count("expired") == 1


def test_disclosures_only_with_a_grant_that_says_so(desk: Desk) -> None:
    desk.extract(new_lot("lot:d"))
    record = send_concealed(desk, "lot:d").id  # the miner stays custodian until the trader receives
    for disclosures in (False, True):
        assert desk.give(desk.grant(MINER, BUYER, "lot:d", disclosures=disclosures)).status_code == 201
        shown = desk.get(f"/v1/records/{record}", BUYER)
        assert (SECRET in shown.text) is disclosures
        assert (SECRET in desk.get("/v1/lots/lot:d/history", BUYER).text) is disclosures
        assert bool(shown.json()["disclosures"]) is disclosures


def test_only_the_custodian_grants_and_nobody_learns_which_lots_exist(desk: Desk) -> None:
    for issuer, lot in ((TRADER, "lot:5"), (STRANGER, "lot:5"), (STRANGER, "lot:never"), (SMELTER, "site:mine")):
        answer = desk.give(desk.grant(issuer, BUYER, lot))
        assert answer.status_code == 404
        assert answer.json()["detail"] == "You are not the custodian of such a lot."
    answer = desk.give(desk.grant(SMELTER, "did:web:nobody.example", "lot:5"))
    assert (answer.status_code, answer.json()["pointer"]) == (404, "/sub")


def test_who_may_list_and_revoke(desk: Desk) -> None:
    jti = desk.give(desk.grant(SMELTER, BUYER, "lot:5")).json()["jti"]

    def listed(reader: str, **params: Any) -> set[str]:
        return {one["jti"] for one in desk.get("/v1/grants", reader, **params).json()["items"]}

    for reader, sees in (
        (SMELTER, True),
        (BUYER, True),
        (AUDITOR, True),
        (REGISTRAR, True),
        (TRADER, False),
        (STRANGER, False),
    ):
        assert (jti in listed(reader)) is sees
        assert (jti in listed(reader, lot="lot:5")) is sees
        assert jti not in listed(reader, lot="lot:d")
    assert desk.get("/v1/grants").status_code == 401
    for reader, status in (("", 401), (STRANGER, 404), (AUDITOR, 404), (BUYER, 403), (REGISTRAR, 200)):
        assert desk.delete(f"/v1/grants/{jti}", reader).status_code == status
    assert desk.delete("/v1/grants/no-such-grant-at-all", SMELTER).status_code == 404
    pages, cursor = [], None
    while True:
        page = desk.get("/v1/grants", AUDITOR, limit=1, **({"cursor": cursor} if cursor else {})).json()
        pages += [one["jti"] for one in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert pages == sorted(listed(AUDITOR))
    assert desk.get("/v1/grants", AUDITOR, cursor="*").status_code == 400
    assert desk.get("/v1/grants", AUDITOR, cursor=format_b64url(b"\x00\x01")).status_code == 400
    assert desk.get("/v1/grants", AUDITOR, cursor=format_b64url("é".encode())).status_code == 400


def test_a_grant_ends_with_its_key_and_with_its_issuer(desk: Desk) -> None:
    key = key_of("stolen key")
    add = {"participant": SMELTER, "action": "add", "key": key.public.jwk(), "reason": "new_device"}
    desk.do(SMELTER, "key", add, [SMELTER])
    desk.extract(new_lot("lot:k"))
    honest = desk.keys[SMELTER]
    desk.keys[SMELTER] = key
    assert desk.give(desk.grant(SMELTER, STRANGER, "lot:5")).status_code == 201
    desk.keys[SMELTER] = honest
    assert reads(desk, STRANGER, "lot:5")
    revoke = {"participant": SMELTER, "action": "revoke", "kid": key.public.kid, "reason": "stolen"}
    desk.do(SMELTER, "key", revoke, [SMELTER])
    assert not reads(desk, STRANGER, "lot:5")
    assert refused(desk, {}, key=key) == (403, "key-revoked")

    assert desk.give(desk.grant(SMELTER, STRANGER, "lot:5")).status_code == 201
    assert reads(desk, STRANGER, "lot:5")
    body = {"id": SMELTER, "country": "CD", "roles": ["smelter"], "status": "suspended"}
    desk.do(REGISTRAR, "participant", body, [SMELTER])
    assert not reads(desk, STRANGER, "lot:5")
    assert refused(desk, {}) == (403, "forbidden")
    desk.do(REGISTRAR, "participant", body | {"status": "active"}, [SMELTER])
    assert reads(desk, STRANGER, "lot:5")


def refused(
    desk: Desk, bent: dict[str, Any], *, key: PrivateKey | None = None, typ: str = GRANT_TYP
) -> tuple[int, str]:
    """Status and code for an honest grant with some claims bent; None leaves one out."""
    honest = {
        "iss": SMELTER, "sub": BUYER, "aud": ORIGIN, "lot": "lot:5", "iat": desk.now, "exp": desk.now + 60,
        "disclosures": False, "jti": "a-jti-for-bent-grants",
    }  # fmt: skip
    claims = {name: value for name, value in (honest | bent).items() if value is not None}
    answer = desk.give(sign_jwt(claims, key or desk.keys[SMELTER], typ=typ))
    return answer.status_code, answer.json().get("type", "").rpartition(":")[2]


@pytest.mark.parametrize(
    ("bent", "status", "code"),
    [
        ({"aud": "another.example/log"}, 422, "wrong-audience"),
        ({"iss": TRADER}, 403, "unknown-key"),
        ({"exp": 5}, 422, "schema-error"),
        ({"exp": None}, 422, "schema-error"),
        ({"exp": 2_000_000_000}, 422, "schema-error"),
        ({"exp": "never"}, 422, "schema-error"),
        ({"iat": -1}, 422, "schema-error"),
        ({"iat": 100, "exp": 200}, 422, "schema-error"),
        ({"iat": 1_790_900_000, "exp": 1_790_900_100}, 422, "time-ahead"),
        ({"disclosures": "yes"}, 422, "schema-error"),
        ({"jti": "short"}, 422, "schema-error"),
        ({"lot": ""}, 422, "schema-error"),
        ({"lot": 7}, 422, "schema-error"),
        ({"scope": "all"}, 422, "schema-error"),
    ],
)
def test_a_bent_grant_is_refused_and_not_stored(desk: Desk, bent: dict[str, Any], status: int, code: str) -> None:
    assert refused(desk, bent) == (status, code)
    assert "a-jti-for-bent-grants" not in desk.get("/v1/grants", AUDITOR).text


def test_a_grant_of_another_form(desk: Desk) -> None:
    assert refused(desk, {}, key=key_of("nobody")) == (403, "unknown-key")
    assert refused(desk, {}, typ="JWT") == (400, "envelope-error")
    honest = desk.grant(SMELTER, BUYER, "lot:5")
    head, claims, signature = honest.split(".")
    es256 = format_b64url(
        b'{"alg":"ES256","kid":"%s","typ":"access-grant+jwt"}' % desk.keys[SMELTER].public.kid.encode()
    )
    hs256 = format_b64url(b'{"alg":"HS256","kid":"x","typ":"access-grant+jwt"}')
    number = format_b64url(b"5")
    for text, status, code in (
        (f"{head}.{claims}", 400, "envelope-error"),
        (f"{head}.{claims}.{signature}.x", 400, "envelope-error"),
        (f"{head}.{claims}.{signature[:-4]}AAAA", 403, "bad-signature"),
        (f"{es256}.{claims}.{signature}", 400, "encoding-error"),
        (f"{hs256}.{claims}.{signature}", 400, "envelope-error"),
        (f"{head}.{number}.{signature}", 400, "envelope-error"),
        (f"{number}.{claims}.{signature}", 400, "envelope-error"),
        ("x" * 4097, 413, "body-too-large"),
        ("", 400, "envelope-error"),
    ):
        answer = desk.give(text)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, code), text[:40]
    headers = {"content-type": "application/json"}
    assert desk.client.post("/v1/grants", content=honest, headers=headers).status_code == 415


def test_another_grant_with_a_used_jti(desk: Desk) -> None:
    honest = {
        "iss": SMELTER, "sub": BUYER, "aud": ORIGIN, "lot": "lot:5", "iat": desk.now, "exp": desk.now + 60,
        "disclosures": False, "jti": "a-jti-that-comes-twice",
    }  # fmt: skip
    assert desk.give(sign_jwt(honest, desk.keys[SMELTER], typ=GRANT_TYP)).status_code == 201
    wider = honest | {"disclosures": True}
    answer = desk.give(sign_jwt(wider, desk.keys[SMELTER], typ=GRANT_TYP))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:lodeline:problem:conflict")
