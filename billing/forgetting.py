"""Deletes what billing knows about people who left, except the books, and old payloads.

The books (invoices, payments, refunds, credit notes, disputes) stay, as tax law requires: they have
amounts, days, and Stripe's IDs, and lead to a user without a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.core.statuses import OPEN_DISPUTE, OPEN_EVENT
from billing.models import (
    BankMail,
    BankUpload,
    Checkout,
    Customer,
    DayMail,
    DisputeAnswer,
    EventAttempt,
    EvidenceFile,
    ExpectedTransfer,
    FailureMail,
    FraudWarning,
    Item,
    KnownPayer,
    MembershipDecision,
    NumbersMail,
    Payment,
    PaymentMethod,
    PaymentRequest,
    Reconciliation,
    Refund,
    RowChange,
    StripeEvent,
    UnassignedCustomer,
)
from billing.refunds import ledger_texts
from billing.stripe.snapshots import object_id
from billing.sync import expected
from business import rules
from common.traces import Traces

# What's kept of an event's object: the IDs it can be read again by.
IDS = ("id", "customer", "subscription", "invoice", "payment_intent", "charge")
PLAIN = ("object", "status", "amount", "currency", "created", "livemode")
ENVELOPE = ("id", "object", "type", "api_version", "created", "livemode")
REQUEST = "Payment"
# A bank's file that somebody looked at and didn't import.
UPLOADS_KEPT = timedelta(hours=1)
NAMELESS: dict[str, Any] = {
    **dict.fromkeys(("email", "name", "business_name", "individual_name"), ""),
    **dict.fromkeys(("told_email", "told_name", "told_language"), ""),
    "address": {},
    "default_method_id": "",
    "tax_ids": [],
}

Json = Mapping[str, Any]


LEFT = "The member closed their account."


def traces_of(user: User) -> Iterable[tuple[str, str]]:
    """Return addresses and names of a user's customers, as kept here and as sent to Stripe."""
    for row in Customer.objects.filter(user=user):
        yield row.email, row.name
        yield "", row.business_name
        yield "", row.individual_name
        yield row.told_email, row.told_name


def forget(users: QuerySet[User]) -> None:
    """Empty what belongs to users who left. Running it again covers what came in since."""
    Customer.objects.filter(user__in=users).exclude(**NAMELESS).update(**NAMELESS)
    NumbersMail.objects.filter(user__in=users).delete()
    DayMail.objects.filter(user__in=users).delete()
    FailureMail.objects.filter(user__in=users).delete()
    MembershipDecision.objects.filter(customer__user__in=users).exclude(comment="").update(
        comment=""
    )
    PaymentRequest.objects.filter(user__in=users).exclude(description=REQUEST).update(
        description=REQUEST
    )
    Checkout.objects.filter(user__in=users).exclude(description="", url="").update(
        description="", url=""
    )
    # Nobody is there to pay: money that still comes is for staff.
    expected.close(ExpectedTransfer.objects.filter(user__in=users).open(), LEFT)
    ExpectedTransfer.objects.filter(user__in=users).exclude(
        payer_name="", description=REQUEST
    ).update(payer_name="", description=REQUEST)
    KnownPayer.objects.filter(user__in=users).delete()
    PaymentMethod.objects.filter(customer__user__in=users).delete()
    # Part of the books, except for what people said about it.
    Refund.objects.filter(customer__user__in=users).exclude(words="", answer="").update(
        words="", answer=""
    )
    _empty_answers(DisputeAnswer.objects.filter(dispute__customer__user__in=users))
    FraudWarning.objects.filter(customer__user__in=users).exclude(left_because="").update(
        left_because=""
    )
    Item.members.through.objects.filter(user__in=users).delete()
    ledger_texts.forget(users)
    reduce_events(StripeEvent.objects.filter(customer_id__in=_customer_ids(users)))
    RowChange.objects.filter(attempt__event__customer_id__in=_customer_ids(users)).delete()


def forget_traces(user: User, traces: Traces) -> None:
    """Empty what mentions a user who left without belonging to them."""
    listed = Q(pk__in=[])
    for address in traces.addresses:
        listed |= Q(email__iexact=address)
    unassigned = UnassignedCustomer.objects.filter(listed)
    ids = {
        *_customer_ids(User.objects.filter(pk=user.pk)),
        *unassigned.values_list("stripe_id", flat=True),
    }
    unassigned.update(email="", name="", erased_at=timezone.now())
    whole = StripeEvent.objects.filter(reduced_at=None)
    reduce_events(whole.filter(customer_id__in=ids))
    reduce_events(traces.rows(whole, "payload"))
    for event in traces.rows(StripeEvent.objects.defer("payload"), "error"):
        StripeEvent.objects.filter(pk=event.pk).update(error=traces.scrub(event.error))
    for attempt in traces.rows(EventAttempt.objects.all(), "problem"):
        EventAttempt.objects.filter(pk=attempt.pk).update(problem=traces.scrub(attempt.problem))
    RowChange.objects.filter(attempt__event__customer_id__in=ids).delete()
    traces.rows(RowChange.objects.all(), "before", "after").delete()
    _scrub_reports(ids, traces)


def _empty_answers(answers: QuerySet[DisputeAnswer]) -> None:
    """Delete what was said to banks; that it was sent, when, and by whom stays."""
    EvidenceFile.objects.filter(answer__in=answers).delete()
    answers.exclude(texts={}, problem="").update(texts={}, problem="")


def _customer_ids(users: QuerySet[User]) -> QuerySet[Any, str]:
    return Customer.objects.filter(user__in=users).values_list("stripe_id", flat=True)


def _scrub_reports(ids: set[str], traces: Traces) -> None:
    """Remove these customers' values from comparison reports, and names from errors."""
    for run in Reconciliation.objects.exclude(differences=[], error="").iterator():
        differences = [
            one | {"ours": "", "stripe": ""} if one.get("customer") in ids else one
            for one in run.differences
        ]
        error = traces.scrub(run.error)
        if differences != run.differences or error != run.error:
            Reconciliation.objects.filter(pk=run.pk).update(differences=differences, error=error)


# Payloads


def reduced(payload: Json) -> dict[str, Any]:
    """Return an event's payload with only what's needed to read its object again."""
    data = payload["data"]
    kept: dict[str, Any] = {"object": _reduced_object(data["object"])}
    if before := object_id((data.get("previous_attributes") or {}).get("customer")):
        kept["previous_attributes"] = {"customer": before}
    return {name: payload[name] for name in ENVELOPE if name in payload} | {"data": kept}


def _reduced_object(source: Json) -> dict[str, Any]:
    kept: dict[str, Any] = {name: object_id(source[name]) for name in IDS if source.get(name)}
    kept |= {name: source[name] for name in PLAIN if isinstance(source.get(name), (str, int))}
    details = (source.get("parent") or {}).get("subscription_details") or {}
    if subscription := object_id(details.get("subscription")):
        kept["parent"] = {"subscription_details": {"subscription": subscription}}
    return kept


def reduce_events(events: QuerySet[StripeEvent]) -> int:
    """Reduce payloads that haven't been reduced yet; return how many."""
    count = 0
    for event in events.filter(reduced_at=None).only("pk", "payload").iterator(chunk_size=200):
        StripeEvent.objects.filter(pk=event.pk, reduced_at=None).update(
            payload=reduced(event.payload), reduced_at=timezone.now()
        )
        count += 1
    return count


def reduce_if_left(event: StripeEvent) -> None:
    """Reduce an event that's about to be processed if it's about someone who left.

    Deleting a customer itself makes events, with everything Stripe knew about them.
    """
    if event.reduced_at is None and _is_of_somebody_who_left(event):
        reduce_events(StripeEvent.objects.filter(pk=event.pk))


def _is_of_somebody_who_left(event: StripeEvent) -> bool:
    if event.customer_id:
        customers = Customer.objects.filter(
            stripe_id=event.customer_id, closed_at__isnull=False
        ).values("pk")
        erased = UnassignedCustomer.objects.filter(
            stripe_id=event.customer_id, erased_at__isnull=False
        ).values("pk")
        return customers.union(erased, all=True).exists()
    data = event.payload["data"]["object"]
    payment, charge = object_id(data.get("payment_intent")), object_id(data.get("charge"))
    named = Q(stripe_id=payment) if payment else Q(pk__in=[])
    named |= Q(charge_id=charge) if charge else Q(pk__in=[])
    return Payment.objects.filter(named, customer__closed_at__isnull=False).exists()


def forget_uploads() -> None:
    """Delete banks' files that nobody imported in time."""
    BankUpload.objects.older_than(timezone.now() - UPLOADS_KEPT).delete()


def forget_old() -> int:
    """Reduce payloads, and empty reports and banks' mails that are old enough.

    What events changed is deleted, and so are banks' files that nobody imported, and what was said
    to banks about disputes that have long been decided.
    """
    forget_uploads()
    oldest = timezone.now() - rules.payloads_kept()
    Reconciliation.objects.filter(started_at__lt=oldest).exclude(differences=[]).update(
        differences=[]
    )
    _old_mails(oldest).update(content=None)
    RowChange.objects.filter(attempt__began_at__lt=oldest).delete()
    # As long as what it's made from.
    _empty_answers(_old_answers(timezone.now() - rules.sign_ins_kept()))
    return reduce_events(_old_events(oldest))


def count_old_events(kept: timedelta) -> int:
    """Return how many events would be reduced if their payloads were kept this long."""
    return _old_events(timezone.now() - kept).count()


def count_old_mails(kept: timedelta) -> int:
    """Return how many of the bank's mails would lose their content if it were kept this long."""
    return _old_mails(timezone.now() - kept).count()


def count_old_answers(kept: timedelta) -> int:
    """Return how many answers to disputes would be emptied if they were kept this long."""
    return _old_answers(timezone.now() - kept).exclude(texts={}).count()


def _old_answers(oldest: datetime) -> QuerySet[DisputeAnswer]:
    over = DisputeAnswer.objects.exclude(dispute__status__in=OPEN_DISPUTE)
    return over.filter(edited_at__lt=oldest)


def _old_events(oldest: datetime) -> QuerySet[StripeEvent]:
    rows = StripeEvent.objects.filter(received_at__lt=oldest, reduced_at=None)
    return rows.exclude(state__in=OPEN_EVENT)


def _old_mails(oldest: datetime) -> QuerySet[BankMail]:
    return BankMail.objects.filter(received_at__lt=oldest).exclude(content=None)
