"""Answers in one write: nothing is lost, reordered or kept longer than a turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from service.config import Settings
from service.processes import server_options
from service.protocol import JoinedHttp, Joining


class Wire(asyncio.Transport):
    """What a transport is told, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []
        self.closing = False

    def write(self, data: Any) -> None:
        self.told.append(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.told.append(tuple(list_of_data))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        self.told.append("closed")

    def pause_reading(self) -> None:
        self.told.append("paused")


Step = bytes | Callable[[Joining, Wire], None]


def told(*turns: list[Step]) -> list[Any]:
    """What the wire is told when these are written, or happen, in turn after turn of the event loop."""

    async def run() -> list[Any]:
        wire = Wire()
        joining = Joining(wire, asyncio.get_running_loop())
        for steps in turns:
            for step in steps:
                if isinstance(step, bytes):
                    joining.write(step)
                else:
                    step(joining, wire)
            wire.told.append("|")
            await asyncio.sleep(0)
        return wire.told

    return asyncio.run(run())


def close(joining: Joining, _wire: Wire) -> None:
    joining.close()


def breaks(_joining: Joining, wire: Wire) -> None:
    wire.close()


def test_head_and_body_are_one_write() -> None:
    assert told([b"head", b"body"]) == [(b"head", b"body"), "|"]
    assert told([b"head", b"body", b"next", b"more"]) == [(b"head", b"body"), (b"next", b"more"), "|"]


def test_what_nothing_follows_goes_out_in_the_same_turn() -> None:
    assert told([b"head"], [b"body"]) == ["|", b"head", "|", b"body"]
    assert told([b"head", b"body", b"more"], []) == [(b"head", b"body"), "|", b"more", "|"]


def test_what_is_held_is_sent_before_the_connection_is_closed() -> None:
    assert told([b"head", close]) == [b"head", "closed", "|"]
    assert told([b"head"], [close]) == ["|", b"head", "closed", "|"]
    assert told([close]) == ["closed", "|"]


def test_nothing_is_sent_over_a_connection_that_broke() -> None:
    assert told([b"head", breaks]) == ["closed", "|"]


def test_everything_else_is_the_transports() -> None:
    assert told([lambda joining, _: joining.pause_reading()]) == ["paused", "|"]
    with pytest.raises(AttributeError):
        told([lambda joining, _: joining.no_such_thing()])


def test_the_service_is_served_this_way(tmp_path: Path) -> None:
    assert server_options(Settings(state=tmp_path))["http"] is JoinedHttp
