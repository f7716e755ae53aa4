"""Structured logs: one JSON object per line on one stream, with the request id where there is one.

What is written is chosen member by member at the call: never a token, a record, a disclosure or a
query string. Anything with a secret-looking name that slips in is blotted out here as well.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, BinaryIO, Final

import orjson
import structlog

LEVELS: Final = ("debug", "info", "warning", "error")
_SECRET_NAMES = frozenset(
    {"authorization", "token", "secret", "password", "private", "disclosure", "disclosures", "jws", "record"}
)
REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id")
"""Of the request that is being served: in every line that is logged meanwhile."""


def configure_logs(level: str = "info", stream: BinaryIO | None = None) -> None:
    """Send structlog and the standard library's loggers as JSON lines to `stream` (standard error)."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            blot_secrets,
            structlog.processors.JSONRenderer(serializer=_format_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stderr.buffer),
        cache_logger_on_first_use=False,
    )
    handler = _Bridge()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpcore", "alembic"):
        other = logging.getLogger(name)
        other.handlers[:] = []
        other.propagate = True
    # Their lines per request would repeat ours, with the query string in them.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # A process that follows looks at the database's step every few seconds.
    logging.getLogger("alembic").setLevel(logging.WARNING)


@contextmanager
def logs_aside() -> Iterator[None]:
    """For a command that answers on standard output: what is logged meanwhile goes to standard error."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        yield
    finally:
        structlog.configure(**before)


def get_logger(name: str) -> Any:
    """A logger whose lines carry `component: name`. Each line looks up how logs are set up; `bind()` does it once."""
    return structlog.get_logger(component=name)


def add_request_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the request, where there is one."""
    if request_id := REQUEST_ID.get(""):
        event["request_id"] = request_id
    return event


def blot_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every member whose name says that it is nobody's business."""
    for name in event:
        if name.lower() in _SECRET_NAMES:
            event[name] = "[withheld]"
    return event


def _format_line(event: Any, **_options: Any) -> bytes:
    return orjson.dumps(event, default=str)


class _Bridge(logging.Handler):
    """Lines of the standard library's loggers, written the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(component=record.name)
        exc = record.exc_info if record.exc_info and record.exc_info[0] else None
        logger.log(record.levelno, record.getMessage(), exc_info=exc)
