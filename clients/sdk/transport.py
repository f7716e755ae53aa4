"""HTTP for the SDK: timeouts, size limits, and retries that are safe because every call of the API is idempotent.

Submitting a record twice gives the same entry (records.md section 7), so a lost answer is simply asked for again.
Waits grow exponentially with full jitter; `Retry-After` is honoured when it is longer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from clients.sdk.errors import LocalError, Misbehaviour, Unreachable, parse_problem_bytes

MAX_ANSWER = 256 * 1024 * 1024  # bytes; a bundle of a large lot, far above any other answer
RETRIED = frozenset({408, 429, 502, 503, 504})
TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently: at most `attempts` tries, waits of `first` x 2^n seconds, never above `longest`."""

    attempts: int = 6
    first: float = 0.25
    longest: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)

    def wait(self, attempt: int, asked: float) -> None:
        """Wait before try number `attempt + 1`; `asked` is what Retry-After wants, 0 if nothing."""
        backoff = min(self.longest, self.first * 2**attempt) * self.jitter()
        self.sleep(min(self.longest, max(backoff, asked)))


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise Misbehaviour("The service's answer is not UTF-8 text.") from error

    def json(self) -> Any:
        """The body as JSON, or `Misbehaviour` when it is none."""
        import orjson

        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError as error:
            raise Misbehaviour(
                "The service's answer is not JSON: is this the address of a Lodeline service?"
            ) from error


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds that the Retry-After header asks for (RFC 9110 section 10.2.3: seconds or a date); 0 without one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:6])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return 0.0


class Transport:
    """Sends requests to one service; `http` may be any httpx.Client, such as one that talks to an app in process."""

    def __init__(self, url: str, *, http: httpx.Client | None = None, retries: Retries | None = None) -> None:
        self.url = _checked(url)
        self.retries = retries or Retries()
        self._owned = http is None
        self._http = http or httpx.Client(timeout=TIMEOUT, headers={"user-agent": "lodeline"})

    def close(self) -> None:
        """Close the connections, unless they were handed in."""
        if self._owned:
            self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Callable[[], Mapping[str, str]] = dict,
        params: Mapping[str, Any] | None = None,
        limit: int = MAX_ANSWER,
    ) -> Answer:
        """Send until there is an answer that is not "come back later".

        headers is called for each try (a token is good for one). Raises Unreachable, or the typed error of the problem.
        """
        problem = Unreachable(f"{self.url} was not asked.", url=self.url)
        asked = 0.0
        for attempt in range(self.retries.attempts):
            if attempt:
                self.retries.wait(attempt - 1, asked)
                asked = 0.0
            try:
                answer = self._once(method, path, content, dict(headers()), params, limit)
            except httpx.TransportError as error:
                problem = Unreachable(f"{self.url} cannot be reached ({_reason(error)}).", url=self.url)
                continue
            if answer.status not in RETRIED:
                return _accepted(answer)
            asked = retry_after(answer.headers, time.time())
            problem = Unreachable(f"{self.url} is busy or down ({answer.status}).", url=self.url, status=answer.status)
        raise problem

    def _once(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: dict[str, str],
        params: Mapping[str, Any] | None,
        limit: int,
    ) -> Answer:
        with self._http.stream(method, self.url + path, content=content, headers=headers, params=params) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit:
                    raise Misbehaviour(f"The answer to {method} {path} is larger than {limit} bytes.", limit=limit)
            return Answer(response.status_code, response.headers, bytes(body))


def _accepted(answer: Answer) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    raise parse_problem_bytes(answer.status, answer.content)


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise LocalError(f"{url!r} is not a URL: write https://host or http://127.0.0.1:8000.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise LocalError(f"{url!r} is not the address of a service: write https://host or http://127.0.0.1:8000.")
    return url.rstrip("/")


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
