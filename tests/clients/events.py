"""Honest events of the simulator's world, as a client builds them."""

from __future__ import annotations

from typing import Any

from clients.sdk import events
from clients.sdk.events import Event
from ledger.encoding import format_time
from tests.support.world import START, dispatch_body, extract_body, new_lot


def dig(*lots: str, time: int = START) -> Event:
    """The miner commissions lots of 40 kg."""
    return events.extract(format_time(time), **extract_body(*(new_lot(lot) for lot in lots), time=time))


def send(consignee: str, *lots: str, time: int = START, **transport: Any) -> Event:
    """A custodian hands lots over."""
    body = dispatch_body(consignee, *lots, time=time)
    body["transport"] |= transport
    start, end = body.pop("from"), body.pop("to")
    return events.dispatch(format_time(time), start=start, end=end, **body)
