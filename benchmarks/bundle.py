"""What a buyer feels: verifying a bundle of 200 records from a cold start, and importing the core."""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.generate import Generator, Signer
from benchmarks.server import Server
from ledger.encoding import format_b64url, format_json
from ledger.evidence.bundle import parse_bundle
from ledger.evidence.trust import TrustedLog, TrustPolicy, format_policy
from ledger.log.note import parse_vkey

BAGS = 196


def measure_verify(folder: Path, bags: int = BAGS, rounds: int = 5) -> tuple[int, float]:
    """Records in the bundle, and median seconds of `lodeline verify`, start-up included."""
    bundle, policy = folder / "lot.bundle", folder / "policy.txt"
    _make_bundle(folder, bundle, policy, bags)
    command = [sys.executable, "-m", "clients.cli.main", "verify", str(bundle), "--trust", str(policy), "--json"]
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False)
        seconds.append(time.perf_counter() - began)
        if done.returncode != 0:
            raise RuntimeError(f"the bundle was refuted: {done.stdout[-400:]!r} {done.stderr[-400:]!r}")
    return len(parse_bundle(bundle.read_bytes()).entries), statistics.median(seconds)


def measure_import(*modules: str, rounds: int = 5) -> float:
    """Median ms to import `ledger` and these modules of it in a new interpreter."""
    names = ", ".join(("ledger", *modules))
    code = f"import time; t = time.perf_counter(); import {names}; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(rounds)
    ]
    return statistics.median(times) * 1e3


def _make_bundle(folder: Path, bundle: Path, policy: Path, bags: int) -> None:
    """One lot merged from so many bags, each dug in a record of its own."""
    generator = Generator(signers=10)
    with Server(folder) as server:
        server.post_batch([jws for _, jws in generator.register()])
        dug = list(generator.extracts(bags, owner=generator.miners[0]))
        server.post_batch([jws for _, jws in dug])
        server.post_batch([generator.merge(generator.miners[0], dug, "lot:merged")[1]])
        token = log_in(generator)
        status, content = server.request("GET", "/v1/lots/lot:merged/bundle", Authorization=f"Bearer {token}")
        if status != 200:
            raise RuntimeError(f"no bundle: {status} {content[:400]!r}")
        about: dict[str, Any] = json.loads(server.request("GET", "/.well-known/lodeline")[1])
    bundle.write_bytes(content)
    policy.write_bytes(format_policy(TrustPolicy((TrustedLog(parse_vkey(about["vkey"])),))))


def log_in(generator: Generator, who: Signer | None = None) -> str:
    """A login token of somebody (the first miner without), good for one request."""
    miner, now = who or generator.miners[0], int(time.time())
    header = {"alg": miner.key.public.alg, "kid": miner.key.public.kid, "typ": "JWT"}
    claims = {
        "iss": miner.name, "sub": miner.name, "aud": generator.origin, "iat": now, "exp": now + 120,
        "jti": hashlib.sha256(str(time.time_ns()).encode()).hexdigest(),
    }  # fmt: skip
    message = f"{format_b64url(format_json(header))}.{format_b64url(format_json(claims))}"
    return f"{message}.{format_b64url(miner.key.sign(message.encode()))}"
