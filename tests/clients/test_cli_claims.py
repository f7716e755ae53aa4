"""Claims on the command line: asked of the service, judged from a bundle, shown, and verified with the evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.cli.output import show_json
from ledger.rules.claim import CLAIMS
from ledger.rules.packs import read_packs
from tests.clients.town import BUYER, MINE, TRADER, Town, open_town

OWN = """
[pack]
id = "own"
version = "1.0.0"
title = "Our own"
source = "A buyer"
effective = "2020-01-01"
about = "What a buyer asks for besides."

[pack.parameters.member]
value = ["workers"]

[[rule]]
id = "OWN.WORKERS"
requirement = "Every extraction says how many worked."
citation = { text = "Ours" }
risk = ["human_rights"]
severity = "high"
grade = "self_attested"
evidence = "extract records"
supplier = ["producer"]
check = "field_present"
with = { record = "extract", each = "mines", fields = "$member" }
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("claims")) as town:
        town.extract("LOT-1")
        yield town


def claim(town: Town, *words: str, who: str = MINE, code: int = 0) -> Any:
    return town.json(who, "claim", "LOT-1", *words, code=code)


CHAIN = ("--claim", "chain_complete", "--pack", "claims")


def test_a_claim_is_asked_and_its_evidence_verified_offline(town: Town, tmp_path: Path) -> None:
    bundle, out = tmp_path / "lot.json", tmp_path / "verdict.json"
    told = claim(town, *CHAIN, "--bundle", str(bundle), "--out", str(out))
    assert told["verdict"]["answer"] == "supported"
    assert json.loads(out.read_bytes()) == told
    report = town.json(BUYER, "verify", str(bundle), "--log-key", town.vkey)
    assert [one["recomputed"] for one in report["verdicts"]] == ["same"]
    changed = tmp_path / "changed.json"
    changed.write_text(bundle.read_text().replace('"answer":"supported"', '"answer":"refuted"'))
    town.run(BUYER, "verify", str(changed), "--log-key", town.vkey, code=1)
    shown = town.run(BUYER, "verdict", "show", str(out)).output
    assert "CLAIM.CHAIN" in shown
    assert "supported" in shown
    assert town.json(BUYER, "verdict", "show", str(out)) == told


def test_a_bundle_is_judged_without_a_service(town: Town, tmp_path: Path) -> None:
    bundle = tmp_path / "lot.json"
    town.run(MINE, "lot", "bundle", "LOT-1", "--out", str(bundle))
    offline = ("--offline", str(bundle), "--log-key", town.vkey)
    told = claim(town, "--claim", "quantity", "--term", "kg=40", "--pack", "claims", *offline, who=BUYER)
    assert (told["format"], told["answer"]) == ("lodeline-verdict/1", "supported")
    refuted = claim(town, "--claim", "quantity", "--term", "kg=50", "--pack", "claims", *offline, who=BUYER, code=1)
    assert refuted["answer"] == "refuted"
    broken = tmp_path / "broken.json"
    broken.write_bytes(bundle.read_bytes().replace(b"LOT-1", b"LOT-2", 1))
    town.run(BUYER, "claim", "LOT-1", *CHAIN, "--offline", str(broken), "--log-key", town.vkey, code=2)


def test_the_same_bytes_online_and_offline(town: Town, tmp_path: Path) -> None:
    bundle = tmp_path / "lot.json"
    when = ("--as-of", "2026-11-01T00:00:00Z", "--known-as-of")
    now = town.json(MINE, "claim", "LOT-1", *CHAIN, "--bundle", str(bundle))["verdict"]["known_as_of"]
    terms = ("--claim", "origin", "--term", "country=CD", "--pack", "claims")
    online = claim(town, *terms, *when[2:], now, "--as-of", now)["verdict"]
    offline = claim(town, *terms, *when[2:], now, "--as-of", now, "--offline", str(bundle), "--log-key", town.vkey)
    assert offline == online


def test_own_packs_and_parameters(town: Town, tmp_path: Path) -> None:
    pack = tmp_path / "own.toml"
    pack.write_text(OWN)
    assert town.json(BUYER, "rules", "check", str(pack))["id"] == "own"
    told = claim(town, *CHAIN, "--pack-file", str(pack))
    assert [one["outcome"] for one in told["verdict"]["findings"] if one["rule"] == "OWN.WORKERS"] == ["pass"]
    pack.write_text(OWN.replace("field_present", "magic"))
    assert town.json(BUYER, "rules", "check", str(pack), code=1)["error"]["pointer"] == "/rule/0/check"


def test_what_a_verdict_rests_on_and_does_not_ship_is_given_to_verify(town: Town, tmp_path: Path) -> None:
    pack, bundle, orders = tmp_path / "own.toml", tmp_path / "lot.json", tmp_path / "orders.csv"
    pack.write_text(OWN)
    header = "act,kind,country,subdivision,territory,sites,minerals,methods,start,end,published"
    orders.write_text(f"{header}\nOrder 1,ban,CD,,,,,,2025-01-01,,2025-01-01\n")
    told = claim(town, *CHAIN, "--pack-file", str(pack), "--bundle", str(bundle))
    assert told["verdict"]["answer"] == "supported"
    words = ("verify", str(bundle), "--log-key", town.vkey)
    assert town.json(BUYER, *words, code=1)["outcome"] == "incomplete"
    given = ("--pack-file", str(pack), "--reference", f"orders:2026-01-01:{orders}")
    report = town.json(BUYER, *words, *given)
    assert (report["outcome"], [one["recomputed"] for one in report["verdicts"]]) == ("verified", ["same"])
    town.run(BUYER, *words, "--reference", "orders:2026-01-01", code=2)


def test_what_cannot_be_asked(town: Town) -> None:
    assert claim(town, "--claim", "clean", code=1)["error"]["pointer"] == "/claim/type"
    assert claim(town, *CHAIN, "--parameter", "nothing=1", code=1)["error"]["pointer"] == "/claim/parameters/nothing"
    vague = claim(town, "--claim", "origin", code=1)["error"]["message"]
    assert vague == "The claim is not well formed: name exactly one of 'site', 'country' and 'subdivision'."
    town.run(MINE, "claim", "LOT-1", *CHAIN, "--term", "country", code=2)
    town.run(MINE, "claim", "LOT-1", *CHAIN, "--offline", "nowhere.json", code=2)
    assert claim(town, *CHAIN, who=BUYER, code=1)["error"]["code"] == "not-found"


def test_verdicts_and_risk_are_shown(town: Town) -> None:
    claim(town, "--claim", "quantity", "--term", "kg=40", "--pack", "claims")
    listed = town.json(MINE, "verdict", "list", "--subject", "LOT-1")
    assert {one["answer"] for one in listed} >= {"supported"}
    assert town.json(MINE, "verdict", "show", listed[0]["id"])["verdict"]["claim"]["subject"] == "LOT-1"
    lines = town.run(MINE, "verdict", "list").output.splitlines()
    assert any("LOT-1" in line and listed[0]["answer"] in line for line in lines)
    risk = town.json(MINE, "risk", "LOT-1")
    assert set(risk["areas"]["human_rights"]) == {"level", "counts", "findings", "unknown"}
    assert "human_rights" in town.run(MINE, "risk", "LOT-1").output
    assert town.run(MINE, "claim", "LOT-1", *CHAIN).output.count("supported") == 1


def test_a_verdict_is_written_for_people_and_for_other_systems(town: Town, tmp_path: Path) -> None:
    claim(town, *CHAIN)
    (newest, *_) = town.json(MINE, "verdict", "list")
    html, pdf, token = tmp_path / "v.html", tmp_path / "v.pdf", tmp_path / "v.jwt"
    town.run(MINE, "verdict", "show", newest["id"], "--html", str(html), "--pdf", str(pdf), "--credential", str(token))
    assert newest["id"] in html.read_text()
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert token.read_text().count(".") == 2


def test_rules_are_listed_and_shown(town: Town) -> None:
    assert [one["id"] for one in town.json(BUYER, "rules", "list")] == list(read_packs())
    rules = town.json(BUYER, "rules", "list", "--pack", "claims")
    assert "CLAIM.ORIGIN" in [one["id"] for one in rules]
    assert town.json(BUYER, "rules", "show", "CLAIM.ORIGIN")["check"] == "origin_is"
    assert [one["type"] for one in town.json(BUYER, "rules", "claims")] == list(CLAIMS)
    assert "origin_is" in [one["check"] for one in town.json(BUYER, "rules", "checks")]
    town.run(BUYER, "rules", "list", "--pack", "nowhere", code=2)
    town.run(BUYER, "rules", "show", "NO.RULE", code=2)


def test_what_is_no_verdict(town: Town, tmp_path: Path) -> None:
    deep, odd = "[" * 100_000, '{"format": "lodeline-verdict/1", "answer": NaN}'
    for content in (
        "{",
        "[]",
        "{}",
        deep,
        odd,
        '{"format": "lodeline-verdict/1"}',
        '{"verdict": {"findings": {}}}',
        "\xff",
    ):
        file = tmp_path / "x.json"
        file.write_text(content)
        town.run(TRADER, "verdict", "show", str(file), code=2)


def test_foreign_text_does_not_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters (also the C1 ones that some terminals obey) and turned text are escaped in JSON too."""
    hostile = "\x1b[2J \x9b31m \u202egnp.exe \x7f \u200b Z\u00fcrich"
    show_json({"sentence": hostile})
    out = capsys.readouterr().out
    assert json.loads(out) == {"sentence": hostile}
    assert all(one.isprintable() or one == "\n" for one in out)
    assert "Z\u00fcrich" in out
