"""Logging in with the record key: what proves who one is, and everything that does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from clients.sdk.tokens import GRANT_TYP, sign_jwt
from ledger.encoding import format_b64url
from ledger.envelope import RECORD_TYP
from service.api.auth import MAX_TOKEN_BYTES, parse_bearer
from service.errors import NotAuthenticated
from service.storage.read_access import KEPT_SECONDS
from tests.service.api.harness import Desk, serving
from tests.support.world import MINER, ORIGIN, REGISTRAR, START, TRADER, key_of

pytestmark = pytest.mark.usefixtures("engine")

_numbers = count()


@pytest.fixture(scope="module")
def desk(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with serving(tmp_path_factory.mktemp("auth")) as desk:
        desk.enrol(MINER, ("producer",))
        desk.enrol(TRADER, ("trader",))
        yield desk


def status(desk: Desk, header: str | None) -> int:
    answer = desk.client.get("/v1/lots", headers={"authorization": header} if header is not None else {})
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == f'Bearer realm="{ORIGIN}", error="invalid_token"'
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:lodeline:problem:not-authenticated"
    return answer.status_code


def test_an_honest_token_works_once(desk: Desk) -> None:
    header = f"Bearer {desk.token(MINER)}"
    assert status(desk, header) == 200
    assert status(desk, header) == 401
    assert status(desk, header.replace("Bearer", "bearer")) == 401


def test_a_token_stays_used_after_a_restart(tmp_path_factory: pytest.TempPathFactory, desk: Desk) -> None:
    header = f"Bearer {desk.token(MINER)}"
    assert status(desk, header) == 200
    with desk.service.store.reading() as conn:
        nonces = conn.exec_driver_sql("SELECT issuer, expires FROM nonces").fetchall()
    assert (MINER, desk.now + 60) in [tuple(row) for row in nonces]


def test_used_tokens_are_forgotten_when_they_have_expired(desk: Desk) -> None:
    assert status(desk, f"Bearer {desk.token(MINER)}") == 200
    desk.now += 3600
    assert status(desk, f"Bearer {desk.token(MINER)}") == 200
    with desk.service.store.reading() as conn:
        assert conn.exec_driver_sql("SELECT COUNT(*) FROM nonces").scalar() == 1


def test_a_host_whose_clock_is_ahead_forgets_no_token_that_another_still_takes(desk: Desk) -> None:
    header = f"Bearer {desk.token(MINER)}"
    assert status(desk, header) == 200
    for ahead, known in ((60 + KEPT_SECONDS - 1, 401), (60 + KEPT_SECONDS, 200)):
        desk.now += ahead
        assert status(desk, f"Bearer {desk.token(TRADER)}") == 200
        desk.now -= ahead
        assert status(desk, header) == known


def test_the_same_jti_of_two_participants_is_no_replay(desk: Desk) -> None:
    for participant in (MINER, TRADER):
        assert status(desk, f"Bearer {desk.token(participant, jti='a-jti-that-is-shared')}") == 200
    assert status(desk, f"Bearer {desk.token(MINER, jti='a-jti-that-is-shared')}") == 401


def test_a_token_made_by_another_library(desk: Desk) -> None:
    """joserfc writes other JSON than ours: order and white space of a token are free."""
    key = OKPKey.import_key(key_of(MINER).to_jwk())
    claims = {
        "jti": "made-by-joserfc-0001",
        "iss": MINER,
        "sub": MINER,
        "aud": ORIGIN,
        "iat": desk.now,
        "exp": desk.now + 300,
    }
    header = {"typ": "JWT", "kid": key_of(MINER).public.kid, "alg": "Ed25519"}
    assert status(desk, f"Bearer {jwt.encode(header, claims, key, algorithms=['Ed25519'])}") == 200


def test_an_es256_key_logs_in(desk: Desk) -> None:
    """A second key, of an HSM: enrolled by the first one."""
    key = key_of("second key", "ES256")
    body = {"participant": MINER, "action": "add", "key": key.public.jwk(), "reason": "new_device"}
    desk.do(MINER, "key", body, [MINER])
    assert status(desk, f"Bearer {desk.token(MINER, key=key)}") == 200
    body = {"participant": MINER, "action": "revoke", "kid": key.public.kid, "reason": "stolen"}
    desk.do(MINER, "key", body, [MINER])
    assert status(desk, f"Bearer {desk.token(MINER, key=key)}") == 401


def test_a_key_that_is_not_valid_yet(desk: Desk) -> None:
    key = key_of("next year's key")
    body = {
        "participant": MINER,
        "action": "add",
        "key": key.public.jwk(),
        "from": "2027-01-01T00:00:00Z",
        "reason": "rotation",
    }
    desk.do(MINER, "key", body, [MINER])
    assert status(desk, f"Bearer {desk.token(MINER, key=key)}") == 401


def test_a_suspended_participant_is_out_with_the_next_request(desk: Desk) -> None:
    assert status(desk, f"Bearer {desk.token(TRADER)}") == 200
    body = {"id": TRADER, "country": "CD", "roles": ["trader"], "status": "suspended"}
    desk.do(REGISTRAR, "participant", body, [TRADER])
    assert status(desk, f"Bearer {desk.token(TRADER)}") == 401
    desk.do(REGISTRAR, "participant", body | {"status": "active"}, [TRADER])
    assert status(desk, f"Bearer {desk.token(TRADER)}") == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another.example/log"},
        {"aud": None},
        {"sub": TRADER},
        {"iss": TRADER, "sub": TRADER},
        {"iss": 7, "sub": 7},
        {"exp": START - 1},
        {"exp": START + 10**6},
        {"iat": START + 10**6, "exp": START + 10**6 + 60},
        {"iat": "now"},
        {"exp": 1.5},
        {"exp": None},
        {"iat": True},
        {"jti": "short"},
        {"jti": "j" * 129},
        {"jti": None},
        {"nbf": START},
    ],
)
def test_a_token_with_one_claim_bent(desk: Desk, claims: dict[str, Any]) -> None:
    assert status(desk, f"Bearer {_sign_loosely(desk, claims)}") == 401
    assert status(desk, f"Bearer {desk.token(MINER)}") == 200


def _sign_loosely(desk: Desk, bent: dict[str, Any], head: dict[str, Any] | None = None) -> str:
    """A signed token whose JSON need not be canonical."""
    claims = {
        "iss": MINER,
        "sub": MINER,
        "aud": ORIGIN,
        "iat": desk.now,
        "exp": desk.now + 60,
        "jti": f"loose-{next(_numbers):020d}",
    }
    given = {name: value for name, value in (claims | bent).items() if value is not None}
    header = {"alg": "Ed25519", "kid": desk.keys[MINER].public.kid, "typ": "JWT"} | (head or {})
    signed = ".".join(format_b64url(json.dumps(part).encode()) for part in (header, given))
    return f"{signed}.{format_b64url(desk.keys[MINER].sign(signed.encode()))}"


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"typ": RECORD_TYP},
        {"typ": GRANT_TYP},
        {"crit": []},
        {"kid": ""},
        {"kid": 5},
        {"kid": key_of("nobody").public.kid},
        {"jwk": key_of("mine").public.jwk()},
    ],
)
def test_a_token_with_a_bent_header(desk: Desk, head: dict[str, Any]) -> None:
    assert status(desk, f"Bearer {_sign_loosely(desk, {}, head)}") == 401
    assert status(desk, f"Bearer {_sign_loosely(desk, {}, {})}") == 200


def test_a_token_signed_by_another_key_or_changed_afterwards(desk: Desk) -> None:
    honest = desk.token(MINER)
    head, claims, signature = honest.split(".")
    stolen = sign_jwt({"iss": MINER}, key_of(TRADER), typ="JWT").split(".")[2]
    for forged in (
        f"{head}.{claims}.{stolen}",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}.",
        f"{head}.{claims}",
    ):
        assert status(desk, f"Bearer {forged}") == 401
    assert status(desk, f"Bearer {honest}") == 200


def test_a_record_or_a_grant_is_no_token(desk: Desk) -> None:
    record = desk.sign(MINER, "site", {"id": "site:x"})
    grant = desk.grant(MINER, TRADER, "lot:1")
    for text in (record.jws, grant):
        assert status(desk, f"Bearer {text}") == 401


JUNK: list[Callable[[str], str]] = [
    lambda _: "",
    lambda _: "Bearer",
    lambda _: "Bearer  .",
    lambda _: "Basic dXNlcjpwYXNz",
    lambda _: "Bearer a.b.c",
    lambda _: "Bearer ....",
    lambda _: "Bearer W10.W10.W10",
    lambda _: "Bearer " + "x" * (MAX_TOKEN_BYTES + 1),
    lambda token: f"Bearer {token}=",
    lambda token: f"Bearer {token}.x",
    lambda token: "Bearer " + ".".join([format_b64url(b'{"alg":"Ed25519","alg":"none"}'), *token.split(".")[1:]]),
    lambda token: "Bearer " + ".".join([format_b64url(b"[" * 3000), *token.split(".")[1:]]),
    lambda token: "Bearer " + ".".join([format_b64url(b"\xff\xfe"), *token.split(".")[1:]]),
]


@pytest.mark.parametrize("junk", range(len(JUNK)))
def test_junk_in_the_header(desk: Desk, junk: int) -> None:
    assert status(desk, JUNK[junk](desk.token(MINER))) == 401


def test_no_header_is_anybody_and_a_bad_one_is_not(desk: Desk) -> None:
    head = desk.state.subjects[MINER].head
    assert desk.client.get(f"/v1/records/{head}").status_code == 200
    assert desk.client.get(f"/v1/records/{head}", headers={"authorization": "Bearer a.b.c"}).status_code == 401
    assert desk.client.delete(f"/v1/records/{head}/disclosures").status_code == 401


def test_the_message_holds_nothing_of_the_token() -> None:
    with pytest.raises(NotAuthenticated) as caught:
        parse_bearer("Bearer secret.secret.secret", origin=ORIGIN, now=START)
    assert "secret" not in caught.value.message
    assert "secret" not in str(caught.value.values)
