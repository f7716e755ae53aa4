"""Portfolios on the command line: lots from arguments and files, asked in parts, shown, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.cli import portfolios
from clients.cli.portfolios import join, read_lots
from clients.sdk.errors import LocalError
from tests.clients.test_cli_claims import OWN
from tests.clients.town import BUYER, MINE, Town, open_town

CHAIN = ("--claim", "chain_complete", "--pack", "claims")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("portfolios")) as town:
        for number, mass in enumerate(("40", "40", "41"), 1):
            town.extract(f"LOT-{number}", mass=mass)
        yield town


def test_lots_from_arguments_and_files(town: Town, tmp_path: Path) -> None:
    stock = tmp_path / "stock.txt"
    stock.write_text("LOT-2\n\n LOT-3 \nLOT-1\n")
    told = town.json(MINE, "portfolio", "LOT-1", str(stock), *CHAIN)
    assert [(one["subject"], one["answer"]) for one in told["lots"]] == [
        ("LOT-1", "supported"), ("LOT-2", "supported"), ("LOT-3", "supported"),
    ]  # fmt: skip
    assert told["findings"] == []
    assert read_lots(["LOT-1", str(stock)]) == ["LOT-1", "LOT-2", "LOT-3"]
    with pytest.raises(LocalError):
        read_lots([])


def test_one_lot_that_is_not_supported_is_told_by_the_exit_code(town: Town) -> None:
    words = ("portfolio", "LOT-1", "LOT-2", "LOT-3", "--claim", "quantity", "--term", "kg=40", "--pack", "claims")
    told = town.json(MINE, *words, code=1)
    assert [one["answer"] for one in told["lots"]] == ["supported", "supported", "refuted"]
    (finding,) = told["findings"]
    assert (finding["rule"], finding["outcome"]) == ("CLAIM.QUANTITY", "fail")
    assert len(told["evidence"][finding["evidence"]]) == 1
    shown = town.run(MINE, *words, code=1).output
    assert "3 lots" in shown
    assert "It weighs 41 kg, 40 kg are claimed." in shown
    assert "CLAIM.QUANTITY" not in town.run(MINE, *words[:3], *words[4:]).output


def test_many_lots_are_asked_about_in_parts(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("portfolio", "LOT-3", "LOT-1", "LOT-2", "--claim", "quantity", "--term", "kg=45", "--pack", "claims")
    whole = town.json(MINE, *words, code=1)
    when = ("--as-of", whole["valid_as_of"], "--known-as-of", whole["known_as_of"])
    monkeypatch.setattr(portfolios, "PART", 1)
    assert expanded(town.json(MINE, *words, *when, code=1)) == expanded(whole)


def expanded(told: dict[str, Any]) -> list[Any]:
    """Every lot with its findings and their records spelt out."""

    def spell(place: int) -> dict[str, Any]:
        finding = told["findings"][place]
        return {**finding, "evidence": told["evidence"][finding["evidence"]]}

    lots = [{**one, "findings": [spell(place) for place in one["findings"]]} for one in told["lots"]]
    return [told["claim"], told["valid_as_of"], told["known_as_of"], told["log"], lots]


def test_two_answers_as_one() -> None:
    def answer(lot: str) -> dict[str, Any]:
        lots = [{"subject": lot, "findings": [0]}]
        return {"log": lot, "lots": lots, "findings": [{"rule": lot, "evidence": 0}], "evidence": [[lot]]}

    assert join({}, answer("a")) == answer("a")
    assert join(answer("a"), answer("b")) == {
        "log": "b",
        "lots": [{"subject": "a", "findings": [0]}, {"subject": "b", "findings": [1]}],
        "findings": [{"rule": "a", "evidence": 0}, {"rule": "b", "evidence": 1}],
        "evidence": [["a"], ["b"]],
    }


def test_own_packs_and_parameters(town: Town, tmp_path: Path) -> None:
    pack = tmp_path / "own.toml"
    pack.write_text(OWN)
    told = town.json(MINE, "portfolio", "LOT-1", "LOT-2", *CHAIN, "--pack-file", str(pack))
    assert {one["answer"] for one in told["lots"]} == {"supported"}
    wrong = (*CHAIN, "--pack-file", str(pack), "--parameter", "nothing=1")
    error = town.json(MINE, "portfolio", "LOT-1", *wrong, code=1)["error"]
    assert error["pointer"] == "/claim/parameters/nothing"


def test_what_cannot_be_asked(town: Town) -> None:
    assert town.json(MINE, "portfolio", "LOT-1", "LOT-9", *CHAIN, code=1)["error"]["code"] == "not-found"
    assert town.json(BUYER, "portfolio", "LOT-1", *CHAIN, code=1)["error"]["code"] == "not-found"
    town.run(MINE, "portfolio", "LOT-1", code=2)
