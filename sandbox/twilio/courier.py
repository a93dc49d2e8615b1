"""The background threads that move messages on and report each status to the product."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sandbox.twilio import numbers, signed_post, store
from sandbox.twilio.store import Sms
from sandbox.world import World

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.2
RETRY_SECONDS = (0.5, 2.0, 5.0)
SENDERS = 8

Task = Callable[[], None]


class Courier:
    """Moves each message through its statuses over time, and reports them one by one.

    A product that doesn't answer only delays its own reports: the message is delivered anyway.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._due: list[tuple[float, int, Task]] = []
        self._sequence = itertools.count()
        self._wake = threading.Condition()
        self._in_flight = 0
        self._stopping = False
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="sms-callback")
        self._thread = threading.Thread(target=self._run, name="sms-courier", daemon=True)

    def start(self) -> None:
        """Continue what a restart interrupted, then wait for new messages."""
        for message in store.newest_first(self._world):
            self.take(message)
            if message["unreported"]:
                self._schedule(0, partial(self._report, message["id"], 0))
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def take(self, message: Sms) -> None:
        """Move a message on to its next step."""
        if next_status(message):
            self._schedule(STEP_SECONDS, partial(self._move, message["id"]))

    def idle(self) -> bool:
        """Whether every message has reached and reported its last status."""
        with self._wake:
            return not self._due and not self._in_flight

    def _schedule(self, delay: float, task: Task) -> None:
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._sequence), task))
            self._wake.notify()

    def _run(self) -> None:
        while task := self._next():
            self._pool.submit(self._carry_out, task)

    def _next(self) -> Task | None:
        """The next task once it's due; None when stopping."""
        with self._wake:
            while not self._stopping:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._in_flight += 1
                    return heapq.heappop(self._due)[2]
                self._wake.wait(wait)
        return None

    def _carry_out(self, task: Task) -> None:
        try:
            task()
        except Exception:
            # A pool's thread would swallow the exception. While stopping, the world may be closed
            # during a report; it's sent again after the next start.
            if not self._stopping:
                logger.exception("A text message got stuck")
        finally:
            with self._wake:
                self._in_flight -= 1

    def _move(self, sid: str) -> None:
        with self._world.lock:
            message = store.find(self._world, sid)
            status = next_status(message) if message else None
            if message is None or status is None:
                return
            nothing_waits = not message["unreported"]
            store.change(self._world, sid, **changes_for(message, status))
        if nothing_waits and message["callback"]:
            self._schedule(0, partial(self._report, sid, 0))
        self.take(message)

    def _report(self, sid: str, attempt: int) -> None:
        """Report the oldest unreported status; later ones wait for their turn."""
        message = store.find(self._world, sid)
        if message is None:
            return
        status = str(message["unreported"][0])
        answer = signed_post.post(message["callback"], callback_form(message, status))
        store.note_callback(self._world, sid, status, answer.text_line)
        if not answer.ok and attempt < len(RETRY_SECONDS):
            self._schedule(RETRY_SECONDS[attempt], partial(self._report, sid, attempt + 1))
            return
        if not answer.ok:
            logger.warning("Gave up reporting %s of %s: %s", status, sid, answer.text_line)
        if store.drop_report(self._world, sid):
            self._schedule(0, partial(self._report, sid, 0))


def next_status(message: Sms) -> str | None:
    """The status after the one that the courier set last."""
    if message["direction"] != "outbound-api":
        return None
    last = "undelivered" if message["to"] == numbers.UNDELIVERED_NUMBER else "delivered"
    return {None: "queued", "queued": "sent", "sent": last}.get(message["reached"])


def changes_for(message: Sms, status: str) -> dict[str, object]:
    """The fields that change as a message reaches a status."""
    changes: dict[str, object] = {"status": status, "reached": status}
    if message["callback"]:
        changes["unreported"] = [*message["unreported"], status]
    if status == "undelivered":
        changes["error_code"] = numbers.UNDELIVERED_CODE
        changes["error_message"] = numbers.UNDELIVERED_MESSAGE
    return changes


def callback_form(message: Sms, status: str) -> dict[str, str]:
    """The parameters of a status callback (Twilio's "Track the message status")."""
    form = {
        "AccountSid": store.ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "From": str(message["from"]),
        "MessageSid": str(message["id"]),
        "MessageStatus": status,
        "SmsSid": str(message["id"]),
        "SmsStatus": status,
        "To": str(message["to"]),
    }
    if status == "undelivered":
        form["ErrorCode"] = str(message["error_code"])
        form["ErrorMessage"] = str(message["error_message"])
    return form
