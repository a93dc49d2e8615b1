"""The background threads that move messages on and report each status to the product."""

import heapq
import itertools
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sandbox.twilio import numbers, signed_post, store
from sandbox.twilio.store import Sms
from sandbox.world import World

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.2
RETRY_SECONDS = (0.5, 2.0, 5.0)
SENDERS = 8


@dataclass(frozen=True)
class Report:
    """One status to reach and to report; `attempt` counts from 0."""

    sid: str
    status: str
    attempt: int = 0


class Courier:
    """Takes each message through its statuses, in order; different messages side by side."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._due: list[tuple[float, int, Report]] = []
        self._sequence = itertools.count()
        self._wake = threading.Condition()
        self._in_flight = 0
        self._stopping = False
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="sms-callback")
        self._thread = threading.Thread(target=self._run, name="sms-courier", daemon=True)

    def start(self) -> None:
        """Go on with what a restart interrupted, then wait for new messages."""
        for message in store.newest_first(self._world):
            step = next_status(message)
            if step and message["direction"] != "inbound":
                self.schedule(Report(message["id"], step), STEP_SECONDS)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def schedule(self, report: Report, delay: float) -> None:
        with self._wake:
            due = time.monotonic() + delay
            heapq.heappush(self._due, (due, next(self._sequence), report))
            self._wake.notify()

    def idle(self) -> bool:
        """Whether every message has reached its last status and reported it."""
        with self._wake:
            return not self._due and not self._in_flight

    def _run(self) -> None:
        while report := self._next():
            self._pool.submit(self._carry, report)

    def _next(self) -> Report | None:
        """The next report when it is due; None when stopping."""
        with self._wake:
            while not self._stopping:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._in_flight += 1
                    return heapq.heappop(self._due)[2]
                self._wake.wait(wait)
        return None

    def _carry(self, report: Report) -> None:
        try:
            self._deliver(report)
        except Exception:
            # A pool's thread would keep the exception to itself.
            logger.exception("Status %s of %s could not be reported", report.status, report.sid)
        finally:
            with self._wake:
                self._in_flight -= 1

    def _deliver(self, report: Report) -> None:
        message = reach(self._world, report)
        if message is None:
            return
        if message["callback"] and not self._report(message, report):
            if report.attempt < len(RETRY_SECONDS):
                again = Report(report.sid, report.status, report.attempt + 1)
                self.schedule(again, RETRY_SECONDS[report.attempt])
                return
            logger.warning("Gave up reporting %s of %s", report.status, report.sid)
        step = next_status(message)
        if step:
            self.schedule(Report(report.sid, step), STEP_SECONDS)

    def _report(self, message: Sms, report: Report) -> bool:
        answer = signed_post.post(message["callback"], callback_form(message))
        line = {"status": report.status, "attempt": report.attempt + 1, "answer": answer.text_line}
        store.change(self._world, report.sid, callbacks=[*message["callbacks"], line])
        return answer.ok


def reach(world: World, report: Report) -> Sms | None:
    """Give the message the status that is about to be reported."""
    changes: dict[str, object] = {"status": report.status}
    if report.status == "undelivered":
        changes["error_code"] = numbers.UNDELIVERED_CODE
        changes["error_message"] = numbers.UNDELIVERED_MESSAGE
    return store.change(world, report.sid, reported=report.status, **changes)


def next_status(message: Sms) -> str | None:
    """What comes after the last status that was reached by the courier."""
    last = "undelivered" if message["to"] == numbers.UNDELIVERED_NUMBER else "delivered"
    following = {None: "queued", "queued": "sent", "sent": last}
    return None if message["status"] == "failed" else following.get(message.get("reported"))


def callback_form(message: Sms) -> dict[str, str]:
    """The parameters of a status callback (Twilio's "Track the message status")."""
    form = {
        "AccountSid": store.ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "From": str(message["from"]),
        "MessageSid": str(message["id"]),
        "MessageStatus": str(message["status"]),
        "SmsSid": str(message["id"]),
        "SmsStatus": str(message["status"]),
        "To": str(message["to"]),
    }
    if message["error_code"]:
        form["ErrorCode"] = str(message["error_code"])
        form["ErrorMessage"] = str(message["error_message"])
    return form
