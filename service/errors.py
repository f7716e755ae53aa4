"""What the service itself refuses, in one tree beside `ledger.errors`.

The ledger's tree says why bytes or records are not accepted; this one says why a request is not
answered: not there (or not for you), not proven to be you, not well asked, not now. Status codes
live in `service/api/problems.py` and nowhere else.

    ServiceError
    ├── BadRequest            a parameter is missing, malformed or out of range
    │   ├── BadCursor         not a cursor that this service gave out
    │   └── BatchRefused      a line of an all-or-nothing batch that was fine in itself
    ├── NotAuthenticated      no token, or one that proves nothing
    ├── Forbidden             it is you, and you may not
    ├── NotFound              not there, or not for you: the two are never told apart
    ├── MethodNotAllowed
    ├── Conflict              against what is stored already
    ├── UnsupportedMedia      the Content-Type is not one that is read here
    ├── BodyTooLarge          body, line or number of lines beyond the limit
    ├── TimedOut              the request did not arrive, or was not answered, in time
    ├── Unavailable           not now: full queue, shutting down, no database (retry_after)
    └── Internal              our fault; details are in the log, never in the answer
"""

from __future__ import annotations

from typing import Any

from ledger.errors import code_of


class ServiceError(Exception):
    """Base of the tree: `message` is one sentence for a person, `values` is JSON-compatible."""

    def __init__(self, message: str, *, pointer: str = "", retry_after: int | None = None, **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer
        self.retry_after = retry_after
        self.values = values

    @property
    def code(self) -> str:
        """Stable kebab-case name of the leaf, for example `not-found`."""
        return code_of(type(self))  # type: ignore[arg-type]  # any class has a name


class BadRequest(ServiceError):
    """A parameter is missing, malformed or out of range."""


class BadCursor(BadRequest):
    """The cursor is not one that this service gave out."""


class BatchRefused(BadRequest):
    """The line was fine in itself, but the all-or-nothing batch that it belongs to was refused."""


class NotAuthenticated(ServiceError):
    """No token, or one that proves nothing."""


class Forbidden(ServiceError):
    """The caller is known and may not do this."""


class NotFound(ServiceError):
    """There is nothing here that the caller may see."""


class MethodNotAllowed(ServiceError):
    """The resource does not know this method."""


class Conflict(ServiceError):
    """The request contradicts what is stored already."""


class UnsupportedMedia(ServiceError):
    """The Content-Type is not one that is read here."""


class BodyTooLarge(ServiceError):
    """The body, a line of it, or the number of its lines is beyond the limit."""


class TimedOut(ServiceError):
    """The request did not arrive, or could not be answered, in time."""


class Unavailable(ServiceError):
    """The service cannot do this now; try again later."""


class Internal(ServiceError):
    """Something went wrong on our side."""
