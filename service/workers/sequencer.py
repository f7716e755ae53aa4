"""The one writer: takes submissions from a bounded queue and commits as many at once as are waiting.

Greedy group commit: while one group is being committed the next one gathers, so a busy log makes
large groups and a quiet one answers at once; nothing ever waits for a group to fill. After any
failure whose outcome is unknown the log is opened again through the code of a restart; if that
fails the sequencer stops for good, says so, and answers `Unavailable`. It never goes on with a
state that it has not read back.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from ledger.errors import TooLarge
from service.errors import Unavailable
from service.logs import get_logger
from service.metrics import Metrics
from service.storage.head import HeadMoved
from service.storage.lease import Fenced
from service.usecases.open_log import RefuseToOpen
from service.usecases.submit import Book, ClockBehind, Item, Sequenced, Submission

Waiting = tuple[Submission, "Future[Sequenced]"]
"""A submission, and who waits for what becomes of it."""

_LONGEST_PAUSE: Final = 1.0  # seconds; a clock that was set right is noticed at least so soon

log = get_logger("sequencer")


class Sequencer:
    """open_log: opens the book, at start and after a failure; clock: seconds since the epoch;
    pause: waits that many seconds, or less when `stop` is called (tests move their clock instead); hand_back: is given,
    in order, what a sequencer that stepped down could not commit (without it, that fails)."""

    def __init__(
        self,
        open_log: Callable[[], Book],
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] | None = None,
        queue_records: int = 20_480,
        commit_records: int = 2_048,
        metrics: Metrics | None = None,
        hand_back: Callable[[list[Waiting]], None] | None = None,
    ) -> None:
        self._open_log, self._clock = open_log, clock
        self._queue_records, self._commit_records = queue_records, commit_records
        self._metrics = metrics or Metrics()
        self._hand_back = hand_back
        self._wake = threading.Condition()
        self._pause = pause or self._wait
        self._waiting: deque[Waiting] = deque()
        self._queued = 0
        self._under_way: list[Waiting] = []
        self._left: list[Waiting] = []
        self._stopping = False
        self._abandoned = False
        self._trouble = "The sequencer has not started."
        self._book: Book | None = None
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)

    # ---- for callers -------------------------------------------------------------------------

    def start(self) -> None:
        """Open the log and begin. Raises RefuseToOpen, in the caller's thread."""
        self._book = self._open_log()
        self._metrics.log_size.set(self._book.head.size)
        self._trouble = ""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is queued, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def trouble(self) -> str:
        """Why records are not taken right now, as a sentence; "" when they are."""
        return self._trouble

    @property
    def ended(self) -> bool:
        """Whether nothing will be taken any more."""
        return self._stopping or self._book is None

    def submit(self, items: Sequence[Item], *, atomic: bool = False, proofs: bool = False) -> Future[Sequenced]:
        """Queue records; the future is done when they are durable, or fails with Unavailable.

        proofs: receipts are wanted; here they are at hand. Raises TooLarge for more records than one
        commit takes, Unavailable when the queue is full or the sequencer is not running.
        """
        check_size(items, self._commit_records)
        future: Future[Sequenced] = Future()
        self.enqueue((Submission(items, atomic), future), limit=self._queue_records)
        return future

    def enqueue(self, waiting: Waiting, *, limit: int | None = None) -> None:
        """Queue a submission whose future is there already. limit: of records that wait, None for no limit.

        Raises Unavailable as `submit` does.
        """
        records = len(waiting[0].items)
        with self._wake:
            if self._stopping or self._book is None:
                raise Unavailable(self._trouble or "The service is shutting down.", retry_after=5)
            if limit is not None and self._queued + records > limit:
                raise Unavailable("Too many records are waiting: send them again in a second.", retry_after=1)
            self._waiting.append(waiting)
            self._queued += records
            self._metrics.queue_depth.set(self._queued)
            if len(self._waiting) == 1:
                self._wake.notify_all()

    def abandon(self) -> list[Waiting]:
        """End at once; what is being committed comes back too, whatever becomes of it: nobody is answered any more.

        Another sequencer that is given the same records finds those that were stored after all.
        """
        with self._wake:
            self._stopping = self._abandoned = True
            left = [*self._under_way, *self._waiting]
            self._under_way, self._queued = [], 0
            self._waiting.clear()
            self._wake.notify_all()
        return left

    # ---- the loop ----------------------------------------------------------------------------

    def _run(self) -> None:
        while group := self._take():
            self._commit(group)
            if self._book is None:
                break
        self._end("The service is shutting down.")

    def _take(self) -> list[Waiting]:
        """The next group: at least one submission, at most `commit_records` records; [] to end."""
        with self._wake:
            while True:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                group: list[Waiting] = []
                records = 0
                while self._waiting and (not group or records + len(self._waiting[0][0].items) <= self._commit_records):
                    submission, future = self._waiting.popleft()
                    self._queued -= len(submission.items)
                    if future.running() or future.set_running_or_notify_cancel():
                        group.append((submission, future))
                        records += len(submission.items)
                self._under_way = group
                self._metrics.queue_depth.set(self._queued)
                if group or self._stopping:
                    return group

    def _commit(self, group: list[Waiting]) -> None:
        """Commit a group. If that fails, each of its submissions is tried once more, alone: what was
        stored after all is found there, and one that always fails takes no other with it."""
        if self._try(group):
            return
        for one in group:
            if self._book is None or not self._try([one]):
                self._leave([one], self._trouble or "This could not be stored for now: send the same bytes again.")

    def _try(self, group: list[Waiting]) -> bool:
        """Whether the group was committed and answered; else the log was opened again, or `_book` is None."""
        submissions = [submission for submission, _ in group]
        while self._book is not None and not self._abandoned:
            started = time.perf_counter()
            try:
                done = self._book.submit(submissions, int(self._clock() * 1000))
            except ClockBehind as behind:
                self._wait_for_clock(behind)
            except HeadMoved:
                log.warning("another writer has moved the head: opening the log again")
                self._reopen()
            except Fenced:
                log.warning("another process sequences now: stepping down")
                self._trouble, self._book = "Another process sequences now.", None
            except BaseException:  # also the panic of a compiled library: somebody waits
                log.exception("the outcome of a commit is unknown: opening the log again")
                self._reopen()
                return False
            else:
                self._measure(submissions, time.perf_counter() - started)
                self._acknowledge(group, done)
                return True
        return False

    def _acknowledge(self, group: list[Waiting], done: list[Sequenced]) -> None:
        with self._wake:
            if self._abandoned:
                return
            self._forget(group)
        for (_, future), sequenced in zip(group, done, strict=True):
            future.set_result(sequenced)

    def _forget(self, group: list[Waiting]) -> None:
        """These are not under way any more; the others of their group still are."""
        gone = {id(future) for _, future in group}
        self._under_way = [one for one in self._under_way if id(one[1]) not in gone]

    def _leave(self, group: list[Waiting], why: str) -> None:
        """What will not be committed here: handed back when it may be elsewhere."""
        with self._wake:
            if self._abandoned:
                return
            self._forget(group)
            if self._book is None and self._hand_back is not None:
                self._left += group
                return
        self._fail(group, why)

    def _fail(self, group: list[Waiting], why: str) -> None:
        for _, future in group:
            future.set_exception(Unavailable(why, retry_after=1))

    def _wait_for_clock(self, behind: ClockBehind) -> None:
        if not self._trouble:
            log.error("the system clock is behind the log: waiting", seconds=behind.seconds)
        self._trouble = (
            f"The clock of the service is {behind.seconds:.0f} s behind its log: records wait until it is right."
        )
        if self._stopping:
            self._book = None
            return
        self._pause(min(behind.seconds, _LONGEST_PAUSE))

    def _wait(self, seconds: float) -> None:
        with self._wake:
            if not self._stopping:
                self._wake.wait(seconds)

    def _reopen(self) -> None:
        try:
            self._book = self._open_log()
            self._trouble = ""
        except BaseException as error:
            log.exception("the log could not be opened again: the sequencer stops")
            why = str(error) if isinstance(error, RefuseToOpen) else "why stands in the service's own lines."
            self._trouble = f"The log could not be opened again, an operator has to look: {why}"
            self._book = None

    def _measure(self, submissions: Sequence[Submission], seconds: float) -> None:
        self._trouble = ""
        self._metrics.commit_seconds.observe(seconds)
        self._metrics.batch_records.observe(sum(len(one.items) for one in submissions))
        if self._book is not None:
            self._metrics.log_size.set(self._book.head.size)

    def _end(self, why: str) -> None:
        """Nothing is taken any more; who still waits is told."""
        with self._wake:
            self._stopping = True
            self._trouble = self._trouble or why
            left = self._left + list(self._waiting)
            self._waiting.clear()
        if self._hand_back is not None:
            self._hand_back(left)
        else:
            self._fail(left, self._trouble)


def check_size(items: Sequence[Item], limit: int) -> None:
    """Raise TooLarge for more records than one commit takes."""
    if len(items) > limit:
        raise TooLarge(
            f"At most {limit} records go into one commit: send fewer at once.", limit=limit, actual=len(items)
        )
