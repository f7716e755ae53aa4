"""The command line against a running service: the life of lots, refusals, the queue, evidence, grants, erasure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.envelope import open_disclosures, parse_presentation, parse_record
from ledger.evidence.bundle import parse_bundle
from tests.clients.town import AUDITOR, BUYER, MINE, TRADER, Town, now, open_town
from tests.support.world import ORIGIN, REGISTRAR


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town")) as made:
        yield made


def test_a_lot_from_the_pit_to_a_verified_bundle(town: Town, tmp_path: Path) -> None:
    for lot in ("way:1", "way:2"):
        assert (
            town.extract(lot, "--tag", f"itsci:{lot[4:]}", "--packages", "1", "--team", "North")["state"] == "accepted"
        )
        town.dispatch(lot, "--seal", "S-1", "--via", "CD:Goma", "--document", "waybill:W1", "--driver", "D")
        town.receive(lot, "39.9", "--moisture", "2", "--seal", "S-1", "--note", "fine")
    merge = ["transform", "merge", "--site", "site:depot", "--model", "segregated", "--note", "one drum"]
    merge += ["--input", "way:1=39.9", "--input", "way:2=39.9", "--output", "way:3 coltan 79.8 2 Ta2O5=28.5 tag=n:1"]
    assert town.json(TRADER, *merge, "--loss", "dust=0.1", "--addition", "water=0.1")["state"] == "accepted"

    assert town.json(TRADER, "lot", "show", "way:3")["mass"] == "79.8"
    assert "way:3" in town.run(TRADER, "lot", "show", "way:3").stdout
    history = town.json(TRADER, "lot", "history", "way:1")
    assert [one["payload"]["type"] for one in history] == ["extract", "dispatch", "receive", "transform"]
    assert "transform" in town.run(TRADER, "lot", "history", "way:1").stdout
    tree = town.run(TRADER, "lot", "provenance", "way:3").stdout
    assert "39.9 kg of way:1" in tree
    assert "39.9 kg of way:2" in tree
    down = town.json(TRADER, "lot", "provenance", "way:1", "--down", "--depth", "3")
    assert [node["id"] for node in down["nodes"]] == ["way:1", "way:3"]
    assert {"way:1", "way:2", "way:3"} <= {lot["id"] for lot in town.json(TRADER, "lot", "list")}
    assert "way:3" in town.run(TRADER, "lot", "list", "--status", "held").stdout

    file = tmp_path / "way.bundle.json"
    assert town.json(TRADER, "lot", "bundle", "way:3", "-o", str(file))["bytes"] == file.stat().st_size
    report = town.json(TRADER, "verify", str(file))
    assert report["outcome"] == "verified"
    assert [origin["site"] for origin in report["lot"]["origins"]] == ["site:pit"]
    assert "verified" in town.run(BUYER, "verify", str(file), "--log-key", town.vkey).stdout
    damaged = tmp_path / "damaged.json"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    assert town.json(TRADER, "verify", str(damaged), code=1)["outcome"] == "refuted"
    assert "refuted" in town.run(TRADER, "verify", str(damaged), code=1).stdout
    assert town.json(TRADER, "verify", str(file), "--at", "2020-01-01", code=1)["outcome"] == "refuted"

    evidence = town.home(TRADER) / "evidence"
    record = history[-1]["id"]
    words = ["verify", str(evidence / f"{record}.record"), "--receipt", str(evidence / f"{record}.tlog-proof")]
    assert town.json(BUYER, *words)["record"] == record
    assert record in town.run(BUYER, *words).stdout
    other = str(evidence / f"{history[-2]['id']}.tlog-proof")
    assert town.json(BUYER, *words[:-1], other, code=1)["error"]["code"] == "proof-error"


def test_frauds_are_refused_with_their_name_and_leave_nothing_behind(town: Town) -> None:
    town.extract("fraud:1", "--tag", "itsci:F1")
    before = town.json(MINE, "queue", "list")
    assert town.extract("fraud:1", code=1)["error"]["code"] == "id-taken"
    assert town.extract("fraud:2", "--tag", "itsci:F1", code=1)["error"]["code"] == "tag-in-use"
    town.dispatch("fraud:1")
    refused = town.run(MINE, "dispatch", "fraud:1", "-c", BUYER, "--from", "site:pit", "--to", "site:depot",
                       "--expected", "2100-01-01", code=1)  # fmt: skip
    assert "lot-in-transit" in refused.stderr
    assert "at /body" in refused.stderr
    assert town.json(BUYER, "receive", "fraud:1", "--site", "site:depot", "--mass", "1", code=1)["error"]["code"]
    gain = ["transform", "concentrate", "--site", "site:depot", "--model", "segregated", "--input", "fraud:1=40"]
    gain += ["--output", "fraud:3 coltan 40 2 Ta2O5=60 role=product packages=2"]
    town.receive("fraud:1")
    assert town.json(TRADER, *gain, code=1)["error"]["code"] == "metal-gain"
    assert town.json(MINE, "queue", "list") == before == []


def test_a_disputed_receipt_is_settled(town: Town) -> None:
    town.extract("dry:1")
    town.dispatch("dry:1")
    town.receive("dry:1", "30", "--moisture", "1", "--assay", "Ta2O5=28.5")
    assert town.json(MINE, "lot", "show", "dry:1")["status"] == "disputed"
    assert town.json(MINE, "settle", "dry:1", "--offline", code=2)["error"]["code"] == "local-error"
    assert town.json(MINE, "settle", "dry:1", "--note", "dried on the way")["state"] == "accepted"
    assert town.json(TRADER, "close", "dry:1", "--reason", "consumed", "--note", "used")["state"] == "accepted"
    assert town.json(MINE, "lot", "show", "dry:1")["status"] == "closed"


def test_a_receipt_that_refuses_and_one_of_several_lots(town: Town) -> None:
    for lot in ("several:1", "several:2", "several:3"):
        town.extract(lot)
        town.dispatch(lot)
    refuse = ["receive", "several:3", "--site", "site:depot", "--refuse", "--note", "seal broken"]
    assert town.json(TRADER, *refuse)["state"] == "accepted"
    assert town.json(MINE, "lot", "show", "several:3")["custodian"] == MINE
    both = ["receive", "several:1", "several:2", "--site", "site:depot"]
    masses = ["--mass", "several:1=40", "--mass", "several:2=39.9"]
    assert town.json(TRADER, *both, *masses)["state"] == "accepted"
    assert town.json(TRADER, "lot", "show", "several:2")["mass"] == "39.9"
    assert "--assay" in town.run(TRADER, *both, *masses, "--assay", "Ta=1", code=2).stderr
    assert "none of the lots" in town.run(TRADER, *both, "--mass", "x:1=40", code=2).stderr


def test_offline_work_is_queued_in_order_and_pushed(town: Town) -> None:
    town.extract("late:0")
    town.json(MINE, "queue", "fetch", "late:0")
    assert town.extract("late:1", "--offline")["state"] == "queued"
    assert town.dispatch("late:1", "--offline")["state"] == "queued"
    assert town.dispatch("late:0", "--offline")["queued"]
    listed = town.json(MINE, "queue", "list")
    assert [(one["type"], len(one["needs"])) for one in listed] == [("extract", 0), ("dispatch", 1), ("dispatch", 0)]
    assert "dispatch" in town.run(MINE, "queue", "list").stdout
    shown = town.json(MINE, "queue", "show", str(listed[1]["seq"]))
    assert shown["payload"]["prev"] == {"late:1": listed[0]["id"]}
    assert town.json(MINE, "lot", "show", "late:1", code=1)["error"]["code"] == "not-found"
    first = town.json(MINE, "queue", "push", "-n", "1")
    assert [len(first[name]) for name in ("accepted", "waiting")] == [1, 2]
    assert "accepted" in town.run(MINE, "queue", "push").stdout
    assert town.json(MINE, "lot", "show", "late:1")["status"] == "in_transit"
    assert town.json(MINE, "queue", "list") == []
    assert town.json(MINE, "queue", "list", "--all")


def test_a_refused_record_in_the_queue_blocks_what_builds_on_it(town: Town) -> None:
    town.extract("clash:1", "--offline", mass="10")
    town.dispatch("clash:1", "--offline")
    town.extract("clash:2", "--offline")
    numbers = [one["seq"] for one in town.json(MINE, "queue", "list")]
    other = town.home("other")
    other.mkdir()
    for name in ("config.toml", "log.toml", "keys"):
        (other / name).symlink_to(town.home(MINE) / name)
    words = ["extract", "clash:1", "--site", "site:pit", "--mineral", "coltan", "--mass", "1", "--moisture", "0"]
    words += ["--from", "2026-01-01", "--to", "2026-01-02", "--method", "artisanal", "--workers", "1"]
    assert town.json("other", *words)["state"] == "accepted"  # the same key on another machine was faster
    report = town.json(MINE, "queue", "push", code=1)
    assert [[one["seq"] for one in report[name]] for name in ("refused", "blocked", "accepted")] == [
        [one] for one in numbers
    ]
    assert report["gaps"] == numbers[:2]
    shown = town.run(MINE, "queue", "list").stdout
    assert "blocked" in shown
    assert "choose another" in shown
    assert "id-taken" in json.dumps(town.json(MINE, "queue", "show", str(numbers[0])))
    again = town.dispatch("clash:1")  # with a network the head that really is there is built on
    assert again["state"] == "accepted"
    town.run(MINE, "queue", "retry", str(numbers[0]))
    pushed = town.run(MINE, "queue", "push", code=1).stdout
    assert f"Gaps, not in the log although later records are: {numbers[0]}, {numbers[1]}." in pushed
    for number in numbers[:2]:
        town.run(MINE, "queue", "drop", str(number))
    assert town.json(MINE, "queue", "list") == []
    assert town.json(MINE, "queue", "show", "9999", code=2)["error"]["code"] == "local-error"


def test_a_record_that_builds_on_a_queued_one_takes_it_along(town: Town) -> None:
    town.extract("along:1", "--offline")
    assert town.dispatch("along:1")["state"] == "accepted"
    town.extract("along:1", "--offline", mass="3")
    assert town.dispatch("along:1", code=2)["error"]["values"]["queued"]
    for one in town.json(MINE, "queue", "list"):
        town.run(MINE, "queue", "drop", str(one["seq"]))


def test_evidence_incidents_and_corrections(town: Town, tmp_path: Path) -> None:
    dug = town.extract("proof:1")
    statement = tmp_path / "assay.json"
    members = {"sample": "S1", "protocol": "P1", "laboratory": MINE, "method": "XRF", "grades": {"Ta": {"value": "23"}}}
    statement.write_text(json.dumps({"statement": members}))
    words = ["attest", "assay", "--about", "proof:1", "--body", str(statement), "--result", "conform"]
    assert town.json(MINE, *words, "--from", "2026-01-01", "--until", "2026-12-31")["state"] == "accepted"
    weighing = ["attest", "weighing", "--about", f"proof:1={dug['id']}", "--set", "gross=41", "--set", "tare=1"]
    assert town.json(MINE, *weighing, "--set", "net=40", "--set", "scale=W1", "--offline")["state"] == "queued"
    report = ["incident", "--about", "site:pit", "--category", "A2.1", "--severity", "2", "--narrative", "at the gate"]
    opened = town.json(MINE, *report, "--verified")
    assert town.json(MINE, *report, "--follows", opened["id"], "--status", "closed")["state"] == "accepted"
    unknown = town.json(MINE, "incident", "--about", "nobody", "--category", "x", "--severity", "1", code=2)
    assert unknown["error"]["values"] == {"subject": "nobody"}
    replace = tmp_path / "replace.json"
    replace.write_text('{"replace": {"workers": 11}}')
    fixed = ["correct", dug["id"], "--reason", "misread", "--body", str(replace), "--set", "method=artisanal"]
    assert town.json(MINE, *fixed)["state"] == "accepted"
    assert town.json(MINE, "queue", "push")["refused"] == []
    history = town.json(MINE, "lot", "history", "proof:1")
    assert [one["payload"]["type"] for one in history] == ["extract", "attest", "correct", "attest"]
    shown = town.run(MINE, "lot", "history", "proof:1").stdout
    assert "attest assay" in shown


def test_a_grant_lets_a_buyer_read_until_it_is_revoked(town: Town) -> None:
    town.extract("gift:1")
    assert town.json(BUYER, "lot", "show", "gift:1", code=1)["error"]["code"] == "not-found"
    grant = town.json(MINE, "grant", "give", "gift:1", BUYER, "--days", "2", "--disclosures")
    assert town.json(BUYER, "lot", "show", "gift:1")["custodian"] == MINE
    assert "gift:1" in town.run(BUYER, "grant", "list").stdout
    assert town.json(MINE, "grant", "revoke", grant["jti"])["status"] == "revoked"
    assert town.json(BUYER, "lot", "show", "gift:1", code=1)["error"]["code"] == "not-found"


def test_concealed_members_are_shown_handed_on_and_erased(town: Town, tmp_path: Path) -> None:
    town.extract("veil:1")
    sent = town.dispatch("veil:1", "--driver", "D", "--vehicle", "V 1", "--carrier", "C", "--reveal", "carrier")
    shown = town.json(TRADER, "disclose", sent["id"])
    assert shown["disclosed"] == ["/body/transport/driver", "/body/transport/vehicle"]
    assert shown["body"]["transport"]["carrier"] == "C"
    file = tmp_path / "driver.sd-jwt"
    assert town.json(TRADER, "disclose", sent["id"], "--only", "driver", "-o", str(file))["disclosed"] == [
        "/body/transport/driver"
    ]
    jws, disclosures = parse_presentation(file.read_text())
    assert open_disclosures(parse_record(jws), disclosures).body["transport"]["driver"] == "D"
    town.run(MINE, "erase", sent["id"], code=2, text="n\n")
    assert town.json(MINE, "erase", sent["id"], "--yes")["erased"] == 2
    assert town.json(TRADER, "disclose", sent["id"])["erased"] == 2
    assert "2 erased" in town.run(TRADER, "lot", "history", "veil:1").stdout
    bundle = tmp_path / "veil.json"
    town.run(MINE, "lot", "bundle", "veil:1", "-o", str(bundle), "--withhold", sent["id"])
    assert town.json(MINE, "verify", str(bundle))["entries"]["hash_only"] == 1  # the content stays with its owner
    town.run(MINE, "lot", "bundle", "veil:1", "-o", str(bundle))
    assert town.json(MINE, "verify", str(bundle))["outcome"] == "verified"


def test_a_network_that_is_down_keeps_the_record_in_the_queue(town: Town) -> None:
    config = town.home(MINE) / "config.toml"
    honest = config.read_text()
    config.write_text(honest.replace(town.url, "http://127.0.0.1:1"))
    words = ["incident", "--about", f"site:pit={'0' * 64}", "--category", "A2.1", "--severity", "1"]
    down = town.run(MINE, *words, code=2, LODELINE_TRIES="1").stderr
    assert "cannot be reached" in down
    assert "lodeline queue push" in down
    assert "LODELINE_TRIES" in town.run(MINE, *words, code=2, LODELINE_TRIES="many").stderr
    config.write_text(honest)
    report = town.json(MINE, "queue", "push", code=1)  # it was never lost, and is refused for what it says
    assert [one["problem"]["code"] for one in report["refused"]] == ["unknown-record"]
    town.run(MINE, "queue", "drop", str(report["refused"][0]["seq"]))
    assert town.run(MINE, "queue", "fetch").stdout.strip().endswith("heads are known here.")


def test_the_whole_log_is_audited_and_the_checkpoint_remembered(town: Town, tmp_path: Path) -> None:
    report = town.json(AUDITOR, "audit", "--login", "--jobs", "0")
    assert report["outcome"] == "verified"
    town.extract("audit:1")
    again = town.run(AUDITOR, "audit", town.url, "--login", "-j", "0")
    assert "verified" in again.stdout
    assert (
        town.json(BUYER, "audit", town.url, "--login", "-j", "0", "--memory", str(tmp_path), code=1)["outcome"]
        != "verified"
    )
    (memory,) = (town.home(AUDITOR) / "audits").iterdir()
    memory.write_text(memory.read_text().replace("\n", "\n\n", 1))
    assert town.json(AUDITOR, "audit", "--login", "-j", "0", code=2)["error"]["code"] == "local-error"
    assert town.json(AUDITOR, "audit", "--login", "-j", "0", "--forget")["outcome"] == "verified"


def test_the_word_of_a_bundle_is_held_against_the_whole_log(town: Town, tmp_path: Path) -> None:
    town.extract("word:1")
    lot, site, party = (tmp_path / f"{name}.json" for name in ("lot", "site", "party"))
    town.run(MINE, "lot", "bundle", "word:1", "-o", str(lot))
    town.extract("word:2")
    assert town.json(MINE, "lot", "bundle", "site:pit", "--of", "site", "-o", str(site))["site"] == "site:pit"
    town.run(AUDITOR, "lot", "bundle", MINE, "--of", "participant", "-o", str(party))
    assert "forbidden" in town.run(BUYER, "lot", "bundle", MINE, "--of", "participant", "--json", code=1).stdout
    for bundle in (lot, site, party):
        assert town.json(MINE, "verify", str(bundle))["outcome"] == "verified"
    note = tmp_path / "statement.txt"
    note.write_text(parse_bundle(lot.read_bytes()).completeness.note)
    words = [word for file in (lot, site, party, note) for word in ("--statement", str(file))]
    report = town.json(AUDITOR, "audit", "--login", "-j", "0", "--forget", *words)
    assert report["outcome"] == "verified"
    assert "lists of 4 statements" in report["checks"][-2]["sentence"]
    note.write_text(note.read_text().replace("subject word:1 1", "subject word:1 2"))
    report = town.json(AUDITOR, "audit", "--login", "-j", "0", "--forget", *words, code=1)
    assert [one["code"] for one in report["findings"]] == ["bad-signature"]
    note.write_text("something else")
    words = ["audit", "--login", "-j", "0", "--statement", str(note)]
    assert "neither a statement of completeness nor a bundle" in town.run(AUDITOR, *words, code=2).stderr


def test_the_register(town: Town) -> None:
    assert {one["id"] for one in town.json(MINE, "participant", "list")} == {REGISTRAR, MINE, TRADER, BUYER, AUDITOR}
    assert town.json(MINE, "participant", "show")["id"] == MINE
    assert TRADER in town.run(MINE, "participant", "show", TRADER).stdout
    assert [one["id"] for one in town.json(MINE, "site", "list")] == ["site:pit", "site:depot"]
    assert "site:pit" in town.run(MINE, "site", "show", "site:pit").stdout
    amend = ["participant", "enrol", BUYER, "--country", "BE", "--role", "buyer", "--identifier", "cid=CID001234"]
    assert town.json(REGISTRAR, *amend)["state"] == "accepted"
    assert town.json(MINE, "participant", "show", BUYER)["country"] == "BE"
    assert town.json(MINE, *amend, code=1)["error"]["code"] == "signer-not-allowed"
    assert "--point" in town.run(MINE, "site", "add", "s", "--kind", "mine", "--country", "CD", "--subdivision",
                                 "CD-NK", "--mineral", "x", "--point", "1", code=2).stderr  # fmt: skip


def test_the_policy_is_changed_by_the_registrar_alone(town: Town) -> None:
    words = ["policy", "--mass", "0.5", "--metal", "2", "--receipt", "1", "--skew", "300", "--entries", "members"]
    first = town.json(REGISTRAR, *words)
    second = town.json(REGISTRAR, *words)
    assert (first["type"], first["state"], second["state"]) == ("policy", "accepted", "accepted")
    assert second["id"] != first["id"]
    assert town.json(TRADER, *words, code=1)["error"]["code"] == "signer-not-allowed"
    assert town.json(REGISTRAR, *words[:-1], "nobody", code=1)["error"]["pointer"] == "/body/policy/entries"


def test_keys_are_added_used_and_revoked(town: Town, tmp_path: Path) -> None:
    old = town.json(BUYER, "key", "list")[0]["kid"]
    new = json.loads(town.run(BUYER, "key", "new", "--passphrase", "--json", LODELINE_PASSPHRASE="long enough").stdout)
    assert new["signs"] is False, "it is not in the log yet"
    assert [one["kid"] for one in town.json(BUYER, "key", "list") if one["signs"]] == [old]
    file = tmp_path / "new.jwk"
    town.run(BUYER, "key", "export", new["kid"], "-o", str(file), LODELINE_PASSPHRASE="long enough")
    assert town.json(BUYER, "key", "add", str(file), "--reason", "rotation")["state"] == "accepted"
    town.run(BUYER, "key", "use", new["kid"][:10])
    revoked = town.run(BUYER, "key", "revoke", old, "--reason", "rotation", LODELINE_PASSPHRASE="long enough")
    assert "accepted" in revoked.stdout
    assert "wrong" in town.run(BUYER, "lot", "list", code=2, LODELINE_PASSPHRASE="not this one").stderr
    assert "LODELINE_PASSPHRASE" in town.run(BUYER, "lot", "list", code=2).stderr
    town.run(BUYER, "key", "use", old)
    assert town.json(BUYER, "lot", "list", code=1)["error"]["code"] in ("not-authorised", "key-revoked")
    town.run(BUYER, "key", "use", new["kid"])
    shown = [(one["encrypted"], one["signs"]) for one in town.json(BUYER, "key", "list")]
    assert sorted(shown) == [(False, False), (True, True)]
    assert "kid" in town.run(BUYER, "key", "list").stdout
    assert "crv" in town.run(MINE, "key", "show").stdout
    assert town.json(MINE, "key", "show")["kty"] == "OKP"
    assert "d" not in json.loads(town.run(MINE, "key", "export").stdout)
    assert town.run(MINE, "key", "new", "--passphrase", code=2, LODELINE_PASSPHRASE="short").stderr
    signing = town.json(MINE, "key", "show")["kid"]
    kid, hint = town.run(MINE, "key", "new").stdout.splitlines()
    assert (
        hint == f"Next: `lodeline key export {kid} -o new.jwk`, `lodeline key add new.jwk`, `lodeline key use {kid}`."
    )
    assert town.json(MINE, "key", "show")["kid"] == signing
    assert town.json(MINE, "key", "new", "--use")["signs"] is True
    assert town.json(MINE, "key", "show")["kid"] not in (kid, signing)
    town.run(MINE, "key", "use", signing)
    (tmp_path / "bad.jwk").write_text("{")
    assert "no JWK" in town.run(MINE, "key", "add", str(tmp_path / "bad.jwk"), code=2).stderr
    assert "no JWK" in town.run(MINE, "key", "import", str(tmp_path / "bad.jwk"), code=2).stderr


def test_lists_are_imported(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    head = "site,from,to,method,workers,lot,mineral,mass,moisture\n"
    row = "site:pit,2026-01-01,2026-01-31,artisanal,12,{},coltan,{},2\n"
    file.write_text(head + row.format("sheet:1", "40") + row.format("sheet:2", "40,5"))
    refused = town.json(MINE, "import", "extracts", str(file), code=1)
    assert [(one["row"], one["code"]) for one in refused["faults"]] == [(3, "field-count")]
    file.write_text(head + row.format("sheet:1", "40") + row.format("sheet:2", '"40,5"'))
    shown = town.run(MINE, "import", "extracts", str(file), code=1).stdout
    assert "row 3, column mass (H)" in shown
    assert "write 40.5" in shown
    assert "nothing was sent" in shown
    assert town.json(MINE, "lot", "show", "sheet:1", code=1)["error"]["code"] == "not-found"
    sent = town.json(MINE, "import", "extracts", str(file), "--skip-bad", code=1)
    assert [(one["rows"], one["state"]) for one in sent["records"]] == [([2], "accepted")]
    file.write_text(head + row.format("sheet:3", "40") + row.format("sheet:4", "40.5"))
    dry = town.json(MINE, "import", "extracts", str(file), "--dry-run")
    assert [one["rows"] for one in dry["records"]] == [[2], [3]]
    assert "Would be signed" in town.run(MINE, "import", "extracts", str(file), "--dry-run").stdout
    assert "accepted" in town.run(MINE, "import", "extracts", str(file)).stdout
    file.write_text(head + row.format("sheet:3", "41") + row.format("sheet:4", "40.5"))
    assert "refused" in town.run(MINE, "import", "extracts", str(file), code=1).stdout
    for one in town.json(MINE, "queue", "list"):
        town.run(MINE, "queue", "drop", str(one["seq"]))
    mapping = tmp_path / "map.toml"
    mapping.write_text(f'[columns]\nlot = "Sac"\n[defaults]\nconsignee = "{TRADER}"\nfrom = "site:pit"\n'
                       'to = "site:depot"\nmode = "truck"\nexpected = "2100-01-01"\n')  # fmt: skip
    file.write_text(f"Sac,time\nsheet:1,{now()}\nsheet:9,{now()}\n")
    unknown = town.json(MINE, "import", "dispatches", str(file), "-m", str(mapping), code=1)
    assert [(one["row"], one["code"]) for one in unknown["faults"]] == [(3, "unknown-lot")]
    some = town.json(MINE, "import", "dispatches", str(file), "-m", str(mapping), "--skip-bad", "--offline", code=1)
    assert [one["state"] for one in some["records"]] == ["queued"]
    assert town.json(MINE, "queue", "push")["accepted"]
    assert town.json(MINE, "lot", "show", "sheet:1")["status"] == "in_transit"


def test_what_is_not_set_up_says_what_to_do(town: Town, tmp_path: Path) -> None:
    for words, hint in [
        (["lot", "list"], "lodeline init"),
        (["key", "list"], "lodeline init"),
        (["verify", str(tmp_path)], "--log-key"),
        (["audit"], "--log-key"),
        (["init", "ledger.example"], "not the address"),
        (["init", "http://127.0.0.1:1"], "cannot be reached"),
    ]:
        result = town.run("nobody", *words, code=2, LODELINE_TRIES="1")
        assert hint in result.stderr.replace("\n", " "), words
    assert town.json("nobody2", "init", town.url)["origin"] == ORIGIN
    assert "lodeline key new" in town.run("nobody2", "lot", "list", code=2).stderr
    assert "lodeline key new" in town.run("nobody2", "key", "show", code=2).stderr
    assert "first contact" in town.run("nobody2", "init", town.url).stdout
    other = "other.example/log+8a0e9b1c+AQ=="
    assert "trusts another log" in town.run("nobody2", "init", town.url, "--log-key", other, code=2).stderr
    (town.home("nobody2") / "config.toml").write_text("colour = 1")
    assert "damaged" in town.run("nobody2", "lot", "list", code=2).stderr


def test_words_that_cannot_be_understood(town: Town, tmp_path: Path) -> None:
    bad = [
        ["extract", "l", "--site", "s", "--mineral", "m", "--mass", "1", "--moisture", "1", "--from", "31/12/2026",
         "--to", "2026-12-31", "--method", "artisanal", "--workers", "1"],
        ["close", "l", "--reason", "lost", "--time", "2026-12-31T10:00:00"],
        ["extract", "l", "--site", "s", "--mineral", "m", "--mass", "1", "--moisture", "1", "--from", "2026-12-31",
         "--to", "2026-12-31", "--method", "artisanal", "--workers", "a few"],
        ["extract", "l", "--site", "s", "--mineral", "m", "--mass", "1", "--moisture", "1", "--from", "2026-12-31",
         "--to", "2026-12-31", "--method", "artisanal", "--workers", "1", "--tag", "T1"],
        ["transform", "merge", "--site", "s", "--model", "segregated", "--input", "a"],
        ["transform", "merge", "--site", "s", "--model", "segregated", "--output", "a b"],
        ["dispatch", "a", "-c", "x", "--from", "a", "--to", "b", "--expected", "2026-12-31", "--via", "Goma"],
        ["nonsense"],
        ["lot"],
    ]  # fmt: skip
    for words in bad:
        town.run(MINE, *words, code=2)
    for name, text in [("a.json", "[]"), ("b.json", "{"), ("c.json", '{"n": 1.5}'), ("d.toml", "x = 1.5")]:
        (tmp_path / name).write_text(text)
        words = [
            "incident",
            "--about",
            "site:pit",
            "--category",
            "x",
            "--severity",
            "1",
            "--body",
            str(tmp_path / name),
        ]
        assert town.run(MINE, *words, code=2).stderr
    assert "--install-completion" in town.run(MINE, "--help").stdout
    assert "witness" in town.run(MINE, "--help").stdout
    assert "LOT-0001" in town.run(MINE, "dispatch", "--help").stdout
    assert town.run(MINE, "--version").stdout.startswith("lodeline 0")


def test_a_body_from_standard_input(town: Town) -> None:
    words = ["transform", "split", "--site", "site:pit", "--model", "segregated", "--body", "-", "--json"]
    town.extract("stdin:1")
    quantity = {"mass": "20", "moisture": "2", "assay": {"Ta2O5": "28.5"}}
    outputs = [{"id": f"stdin:{n}", "mineral": "coltan", "quantity": quantity} for n in (2, 3)]
    body = json.dumps({"inputs": [{"lot": "stdin:1", "mass": "40"}], "outputs": outputs})
    assert json.loads(town.run(MINE, *words, text=body).stdout)["state"] == "accepted"
    assert town.json(MINE, "lot", "show", "stdin:2")["mass"] == "20"
