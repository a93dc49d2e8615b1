"""Fixes what webhooks didn't bring: finds missed events, and repairs rows that differ from Stripe.

It only reads from Stripe. Nobody gets messages about the past: everything goes through
`billing.sync.refresh`, whose messages are made once per cause and never about anything older than
MESSAGE_MAX_AGE_HOURS.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing.inbound import inbox
from billing.models import Reconciliation
from billing.reconcile import comparison
from billing.reconcile.comparison import THERE, Comparison, Difference, Progress
from billing.refunds import sync as refund_sync
from billing.stripe import gateway
from billing.sync import balance, drafts, fraud_warnings, methods, refresh, writing
from common.one_by_one import OneByOne, SomeFailed

logger = logging.getLogger(__name__)

# Stripe documentation, "List all events": they're kept for 30 days.
KEPT = timedelta(days=30)
OVERLAP = timedelta(hours=1)
# A repaired customer can bring in objects that weren't compared before.
MOST_REPAIRS = 3
# The most differences a report keeps; its count includes all.
MOST_REPORTED = 500
# Seconds.
TOLD_EVERY = 1.0

READ_AGAIN: dict[str, Callable[[str], object]] = {
    "customer": refresh.sync_customer,
    "payment_method": methods.sync_method,
    "subscription": refresh.sync_subscription,
    "invoice": refresh.sync_invoice,
    "credit_note": refresh.sync_credit_note,
    "payment": refresh.sync_payment,
    "refund": refund_sync.sync_refund,
    "dispute": refresh.sync_dispute,
    "fraud_warning": fraud_warnings.sync_fraud_warning,
    "payout": balance.sync_payout,
    "balance_transaction": balance.sync_transaction,
    "balance": lambda _currency: balance.read_balance(everything=True),
}


def reconcile(*, repair: bool) -> Reconciliation:
    """Fetch missed events, then compare everything; with `repair`, reread what differs.

    Raises:
        gateway.StripeError: Stripe didn't answer; the run is recorded as failed.
    """
    run, _failures = _fetch_missed()
    teller = _Teller(run)
    try:
        first = comparison.compare(teller.tell)
        left = _repair(first, run, teller.tell) if repair and first.differences else first
    except Exception as error:
        run.error = str(error) if isinstance(error, gateway.StripeError) else repr(error)
        run.progress = {}
        run.save()
        raise
    run.progress = {}
    run.customers_compared = max(first.customers, left.customers)
    run.customers_agreeing = left.agreeing
    run.differences_found = len(first.differences)
    run.differences_left = len(left.differences)
    shown = left.differences or first.differences
    run.differences = [one.as_dict() for one in shown[:MOST_REPORTED]]
    run.compared_at = timezone.now()
    run.save()
    return run


class _Teller:
    """Keeps how far a comparison has come in its run's row, at most once in a second."""

    def __init__(self, run: Reconciliation) -> None:
        self._run = run
        self._told = -TOLD_EVERY

    def tell(self, progress: Progress) -> None:
        """Say how far it has come."""
        if time.monotonic() - self._told < TOLD_EVERY:
            return
        self._told = time.monotonic()
        self._run.progress = asdict(progress)
        self._run.save(update_fields=["progress"])


def find_missed_events() -> Reconciliation:
    """Store every event since the last good run that isn't stored yet.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        SomeFailed: some couldn't be stored; all others were. Either way the run is recorded as
        failed, and the next one starts at the same point.
    """
    run, failures = _fetch_missed()
    if failures:
        raise SomeFailed(failures)
    return run


def _fetch_missed() -> tuple[Reconciliation, list[str]]:
    """Store what was missed; return the run, and a sentence per event that can't be stored."""
    now = timezone.now()
    last = Reconciliation.objects.filter(finished_at__isnull=False).first()
    start = last.started_at - OVERLAP if last else now - KEPT
    run = Reconciliation.objects.create(started_at=now)
    try:
        # Stripe lists the newest first; store them in the order they happened.
        payloads = list(gateway.events_since(max(start, now - KEPT)))
        done = OneByOne()
        for payload in reversed(payloads):
            run.events_seen += 1
            with done.each(f"event {payload.get('id')}"), transaction.atomic():
                run.events_missed += _store(payload, run)
    except Exception as error:
        run.error = f"{type(error).__name__}: {error}"
        run.save()
        raise
    run.error += "".join(f"{failure}\n" for failure in done.failures)
    run.finished_at = None if done.failures else timezone.now()
    run.save()
    return run, done.failures


def _store(payload: Mapping[str, Any], run: Reconciliation) -> bool:
    """Store one event. A malformed one will never work, so it's noted and not retried."""
    try:
        return inbox.take(json.dumps(payload)) == inbox.Taken.STORED
    except inbox.MalformedEvent as error:
        logger.exception("Event %s could not be stored.", payload.get("id"))
        run.error += f"{payload.get('id')}: {error}\n"
        return False


def _repair(
    latest: Comparison, run: Reconciliation, tell: Callable[[Progress], None]
) -> Comparison:
    """Reread what differs, compare again, and return what's left.

    Anything that can't be repaired stays in the report, with the reason in the run.
    """
    failures: list[str] = []
    for _ in range(MOST_REPAIRS):
        before = set(latest.differences)
        done = OneByOne(ended_by=gateway.ENDS_ALL)
        for difference in {one.id: one for one in latest.differences}.values():
            with done.each(f"{difference.object} {difference.id}"):
                read_again(difference, latest.invoice_of)
        failures = done.failures
        latest = comparison.compare(tell)
        if not latest.differences or set(latest.differences) == before:
            break
    run.error += "".join(f"{failure}\n" for failure in failures)
    return latest


def read_again(difference: Difference, invoice_of: Mapping[str, str]) -> str:
    """Write one object as Stripe shows it; return why that couldn't be, or an empty text.

    Raises:
        gateway.StripeError: Stripe didn't answer.
    """
    kind, identifier = difference.object, difference.id
    if kind == "payment" and identifier in invoice_of:
        kind, identifier = "invoice", invoice_of[identifier]
    try:
        gateway.patiently(lambda: READ_AGAIN[kind](identifier))
    except gateway.StripeMissing:
        if kind == "invoice" and difference.ours == THERE:
            drafts.forget(identifier)
        return "It’s no longer at Stripe."
    except (writing.UnknownCustomer, writing.NotOurs) as reason:
        logger.warning("%s %s could not be repaired: %s", kind, identifier, reason)
        return str(reason)
    return ""
