"""The demo's refunds: a policy, a year of requests with their outcomes, and two that wait.

All of it goes through the portal's use cases and Stripe's API, at times in the past, for which this
process's clock is set back. What the worker would do for an approved refund is done here, because
the worker's clock can't be moved. Only when money arrived, or came back, is written afterward.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from unittest import mock

import httpx
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F

from billing.core.jobs import JobName
from billing.core.statuses import PaymentStatus, RefundReason
from billing.models import Payment, Refund
from billing.payments import single_payments
from billing.refunds import sending
from billing.refunds import service as refunds
from billing.refunds import sync as refund_sync
from billing.refunds import terms as refund_terms
from billing.refunds.policy import PaymentKind, Rule, Share
from billing.refunds.service import RefundRequest
from emails import outbox

CARD = "4242424242424242"
RULE = Rule(
    (Share(14, 100), Share(30, 50)),
    automatic_up_to=3_000,
    automatic_per_year=2,
    two_people_from=10_000,
)
HALF_WORDS = "You were there on the first of the two days, so half of it goes back."
DENIED_WORDS = (
    "The workshop took place and you attended, so we can't refund it. The next one is half price."
)


@dataclass(frozen=True)
class Request:
    """Who asked, how many days ago, why. `paid`: the amount of a single payment or membership."""

    name: str
    days: float
    reason: RefundReason
    words: str
    paid: int = 0
    note: str = ""
    outcome: str = ""  # "half", "denied", "failed", "first" of two; else by policy


REQUESTS = [
    Request("Owen Murphy", 118, RefundReason.ACCIDENTAL, "I meant to pause it for the summer."),
    Request("Nora Jensen", 82, RefundReason.NOT_USED, "I was abroad the whole month."),
    Request(
        "Aisha Bello", 57, RefundReason.NOT_AS_EXPECTED, "I could only come on Saturday.",
        6_000, "Weekend workshop", "half",
    ),
    Request(
        "Ingrid Dahl", 36, RefundReason.NOT_AS_EXPECTED, "It was too advanced for me.",
        6_000, "Weekend workshop", "denied",
    ),
    Request(
        "Ravi Patel", 11, RefundReason.DUPLICATE, "Paid twice by mistake.",
        2_500, "Mat", "failed",
    ),
    Request(
        "Zoe Papadakis", 2.2, RefundReason.NOT_USED,
        "I broke my ankle and can't come to the retreat. I can send the doctor's note.",
        15_000, "Spring retreat", "first",
    ),
    Request(
        "Olivia Grant", 0.3, RefundReason.ACCIDENTAL, "I picked the wrong weekend.",
        6_000, "Weekend workshop",
    ),
]  # fmt: skip
# Whose payment was refunded in Stripe's dashboard: how many days ago, and how much.
IN_DASHBOARD = ("Julia Novak", 24, 1_000)


class Control(Protocol):
    """The running sandbox."""

    def control(self, path: str, **values: Any) -> Any:
        """Post to its control address."""


@dataclass(frozen=True)
class RefundStory:
    """Makes the refunds. `wait` waits until the worker has processed everything that arrived."""

    sandbox: Control
    post: Callable[[str, dict[str, str]], None]
    user: Callable[[str], User]
    wait: Callable[[], None]

    def happenings(self, now: datetime) -> Iterator[tuple[datetime, Callable[[], None]]]:
        """Yield what happens, with its time."""
        begun = now - timedelta(days=360)
        yield begun, lambda: self._make_policy(begun)
        for one in REQUESTS:
            at = now - timedelta(days=one.days)
            if one.paid:
                yield at - timedelta(days=3), lambda one=one: self._pay(one)  # type: ignore[misc]
            yield at, lambda one=one, at=at: self._ask(one, at)  # type: ignore[misc]
            if one.outcome:
                later = at + timedelta(hours=5)
                yield later, lambda one=one, at=later: self._decide(one, at)  # type: ignore[misc]
        at = now - timedelta(days=IN_DASHBOARD[1])
        yield at, lambda: self._refund_in_dashboard(at)

    def finish(self) -> None:
        """Set the days on which money arrived, or came back, to the story's."""
        Refund.objects.exclude(succeeded_at=None).update(succeeded_at=F("sent_at"))
        came_back = F("sent_at") + timedelta(hours=5)
        Refund.objects.exclude(failed_at=None).update(failed_at=came_back)

    def _make_policy(self, at: datetime) -> None:
        with _clock(at):
            refund_terms.save_policy(
                dict.fromkeys(PaymentKind, RULE), "For a small studio.", self.user("Alex Morgan")
            )

    def _pay(self, one: Request) -> None:
        user = self.user(one.name)
        single_payments.pay_amount(user, one.paid, one.note)
        session = user.customers.get().checkouts.latest("pk").session_id
        self.sandbox.control(f"checkout/{session}/complete", card=CARD)

    def _ask(self, one: Request, at: datetime) -> None:
        self.wait()
        user = self.user(one.name)
        paid = Payment.objects.for_user(user).filter(status=PaymentStatus.SUCCEEDED)
        payment = paid.filter(invoice__isnull=bool(one.paid)).latest("paid_at")
        wish = RefundRequest(amount=0, reason=one.reason, words=one.words, key=uuid.uuid4())
        with self._quiet(), _clock(at):
            most = refund_terms.terms_of(payment).most
            with _no_worker():
                row = refunds.request(user, payment.pk, replace(wish, amount=most))
            sending.send(row.pk)

    def _decide(self, one: Request, at: datetime) -> None:
        row = Refund.objects.for_user(self.user(one.name)).latest("pk")
        helper = self.user("Sam Rivera")
        with self._quiet(), _clock(at):
            if one.outcome == "failed":
                _let_fail(row)
                refund_sync.sync_refunds(row.payment.stripe_id)
                return
            with _no_worker():
                if one.outcome == "half":
                    refunds.approve(row.pk, helper, row.amount // 2, HALF_WORDS)
                elif one.outcome == "denied":
                    refunds.deny(row.pk, helper, DENIED_WORDS)
                else:
                    refunds.approve(row.pk, helper)
            sending.send(row.pk)

    def _refund_in_dashboard(self, at: datetime) -> None:
        self.wait()
        name, _days, amount = IN_DASHBOARD
        paid = Payment.objects.for_user(self.user(name)).filter(status=PaymentStatus.SUCCEEDED)
        intent = paid.latest("paid_at").stripe_id
        with self._quiet(), _clock(at):
            self.post("refunds", {"payment_intent": intent, "amount": str(amount)})
            refund_sync.sync_refunds(intent)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Hold webhooks back, so the worker doesn't write what's written here."""
        self.sandbox.control("switches", webhooks_paused=True)
        try:
            yield
        finally:
            self.sandbox.control("switches", webhooks_paused=False)


@contextmanager
def _clock(at: datetime) -> Iterator[None]:
    """Move this process's clock for the portal's code; nobody gets messages about the past."""
    lately = datetime.now(UTC) - timedelta(days=3)
    with mock.patch("django.utils.timezone.now", return_value=at), outbox.nothing_before(lately):
        yield


@contextmanager
def _no_worker() -> Iterator[None]:
    """Remove the job that sends a refund before the worker sees it: it's sent here."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND task_name = %s",
                [JobName.SEND_REFUND],
            )


def _let_fail(row: Refund) -> None:
    """Let the bank send the money back, with the button on the sandbox's panel."""
    url = f"{os.environ['STRIPE_API_BASE']}/refunds/{row.stripe_id}"
    answer = httpx.post(url, data={"step": "fail"}, trust_env=False)
    if answer.is_error:
        answer.raise_for_status()
