"""What the policy says of a payment: facts from our rows, judged by `refund_policy`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from billing import disputes, refund_policy
from billing.models import Payment, Refund, RefundPolicy
from billing.models.refund import RefundQuerySet
from billing.refund_policy import Facts, Outcome, PaymentKind, PolicyError, Rule, Share
from billing.states import REFUND_VOID, PaymentStatus, RefundOrigin

YEAR = timedelta(days=365)
# The portal's own rules, until staff make others: a fortnight, and a person decides.
FIRST_RULES = {
    PaymentKind.MEMBERSHIP: Rule((Share(14, 100),), two_people_from=50_000),
    PaymentKind.SINGLE: Rule((Share(14, 100),), two_people_from=50_000),
    PaymentKind.OFFLINE: Rule((Share(14, 100),), two_people_from=50_000),
}


def current_policy() -> RefundPolicy:
    """Return the policy in force."""
    newest = RefundPolicy.objects.first()
    if newest:
        return newest
    first = refund_policy.Policy(1, settings.PAYMENT_CURRENCY, FIRST_RULES)
    values = {"currency": first.currency, "rules": first.as_json(), "note": "The portal's own."}
    return RefundPolicy.objects.get_or_create(version=1, defaults=values)[0]


@transaction.atomic
def save_policy(
    rules: dict[PaymentKind, Rule], note: str, actor: User, based_on: int | None = None
) -> RefundPolicy:
    """Put a new version in force. Requests that were judged already keep theirs.

    `based_on` is the version that the author looked at.

    Raises:
        PolicyError: another version is in force meanwhile.
    """
    RefundPolicy.objects.select_for_update().get(pk=current_policy().pk)
    # A second author waits for the lock, and finds a newer version than the row that was locked.
    newest = current_policy()
    if based_on is not None and newest.version != based_on:
        raise PolicyError(f"Version {newest.version} is in force meanwhile: look at it first.")
    made = refund_policy.Policy(newest.version + 1, settings.PAYMENT_CURRENCY, rules)
    return RefundPolicy.objects.create(
        version=made.version,
        currency=made.currency,
        rules=made.as_json(),
        note=note,
        created_by=actor,
    )


def kind_of(payment: Payment) -> PaymentKind:
    """Return which rule is a payment's."""
    paid_membership = payment.invoice and payment.invoice.subscription_id
    return PaymentKind.MEMBERSHIP if paid_membership else PaymentKind.SINGLE


def facts_of(payment: Payment, without: Refund | None = None) -> Facts:
    """Return what the policy must know of a payment, as if one of its refunds were not there.

    Only what has been paid can be refunded: of anything else nothing is left.
    """
    paid = payment.amount_received if payment.status == PaymentStatus.SUCCEEDED else 0
    committed = committed_of(payment, without)
    lost = disputes.amount_lost(payment)
    since = payment.paid_at or payment.created_at
    return Facts(
        kind=kind_of(payment),
        currency=payment.currency,
        paid=paid,
        left=max(0, paid - committed - lost),
        committed=committed,
        age_days=max(0, (timezone.now() - since).days),
        is_disputed=disputes.open_disputes(payment).exists(),
        is_charged_back=lost > 0,
        automatic_before=_automatic_before(payment, without),
    )


def committed_of(payment: Payment, without: Refund | None = None) -> int:
    """Return what goes back of a payment, or was promised, in minor units.

    Stripe's own sum counts where it is larger: a refund of its dashboard may not have reached us.
    """
    rows = _all_but(without, payment.refunds.holding())
    sums: dict[str, Any] = rows.aggregate(
        ours=Sum("amount", filter=Q(stripe_id=None), default=0),
        stripe=Sum("amount", filter=~Q(stripe_id=None), default=0),
    )
    return int(sums["ours"] + max(sums["stripe"], payment.amount_refunded))


def terms_of(payment: Payment) -> refund_policy.Terms:
    """Return what may be refunded of a payment now."""
    return refund_policy.terms(current_policy().policy, facts_of(payment))


def _automatic_before(payment: Payment, without: Refund | None) -> int:
    """Count the member's refunds of a year that no person decided on."""
    rows = Refund.objects.filter(
        customer_id=payment.customer_id,
        origin=RefundOrigin.MEMBER,
        verdict__outcome=Outcome.AUTOMATIC,
        created_at__gt=timezone.now() - YEAR,
    )
    return _all_but(without, rows.exclude(state__in=sorted(REFUND_VOID))).count()


def _all_but(one: Refund | None, rows: RefundQuerySet) -> RefundQuerySet:
    return rows.exclude(pk=one.pk) if one else rows
