"""A world of refunds for tests: a policy, people who decide, requests, and faults."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import connection

from billing.core.statuses import RefundReason
from billing.inbound import inbox
from billing.models import Payment, Refund, RefundPolicy, StripeEvent
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.policy import PaymentKind, Rule, Share
from billing.refunds.service import RefundRequest
from billing.stripe import gateway
from billing.tests import factories
from billing.tests.life import deliver, subscribe
from conftest import Sandbox, run_jobs

USUAL: dict[str, Any] = {
    "shares": (Share(30, 100),),
    "automatic_up_to": 3000,
    "automatic_per_year": 2,
    "two_people_from": 10_000,
}


def policy(**changes: Any) -> RefundPolicy:
    """Put a policy in force: $30.00 at once, twice a year, two people from $100.00."""
    rule = Rule(**USUAL | changes)
    author = User.objects.get_or_create(username="author-of-policies")[0]
    rules = dict.fromkeys(PaymentKind, rule)
    return refund_terms.save_policy(rules, "For a test.", author)


def approver(name: str, *, large: bool = False) -> User:
    """Return somebody of the staff who may decide on refunds."""
    user = factories.make_member(name, is_staff=True)
    names = ["approve_refund"] + ["approve_large_refund"] * large
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return User.objects.get(pk=user.pk)


def refund_request(
    amount: int, reason: RefundReason = RefundReason.NOT_USED, **changes: Any
) -> RefundRequest:
    """Return a request, as from a form of its own."""
    return replace(RefundRequest(amount=amount, reason=reason, key=uuid.uuid4()), **changes)


def ask(user: User, payment: Payment, amount: int) -> Refund:
    """Ask for a refund."""
    return refunds.request(user, payment.pk, refund_request(amount))


def pay(sandbox: Sandbox, user: User) -> None:
    """Let somebody become a member, with all events delivered."""
    subscribe(sandbox, user)
    deliver(sandbox.events())


def run_jobs_under_faults() -> None:
    """Run what waits, though Stripe may not answer."""
    try:
        run_jobs()
    except gateway.StripeError:
        return


def make_jobs_due() -> None:
    """Let the time pass until the next try."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


def forget_jobs() -> None:
    """Lose the queue."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_events; DELETE FROM procrastinate_jobs")


def forget_events(sandbox: Sandbox) -> None:
    """Let all of Stripe's events be known here, but processed by nobody: as if they were lost."""
    for event in sandbox.events():
        inbox.take(json.dumps(event))
    StripeEvent.objects.exclude(state="processed").update(state="ignored")
    forget_jobs()
