"""What the policy says about a payment: facts from our rows, judged by `policy`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from billing.core.statuses import (
    REFUND_VOID,
    DecisionState,
    InvoiceStatus,
    MembershipAction,
    PaymentStatus,
    RefundOrigin,
    RefundState,
)
from billing.facts import disputes
from billing.models import Invoice, MembershipDecision, Payment, Refund, RefundPolicy
from billing.models.decision import PENDING_FOR
from billing.models.refund import RefundQuerySet
from billing.refunds import policy
from billing.refunds.policy import Facts, Outcome, PaymentKind, PolicyError, Rule, Share
from common.reads import Moment
from members import access_changes

YEAR = timedelta(days=365)
# By then a switch's invoice has arrived: the hourly search finds events that were missed.
SWITCH_SEEN_WITHIN = timedelta(hours=2)
# The portal's own rules until staff make others: two weeks, and a person decides.
FIRST_RULES = {
    PaymentKind.MEMBERSHIP: Rule((Share(14, 100),), two_people_from=50_000),
    PaymentKind.SINGLE: Rule((Share(14, 100),), two_people_from=50_000),
    PaymentKind.OFFLINE: Rule((Share(14, 100),), two_people_from=50_000),
}
# A refund whose money is back, whether Stripe sent it or we did.
ARRIVED = Q(state=RefundState.SUCCEEDED)


def current_policy() -> RefundPolicy:
    """Return the policy in force."""
    newest = RefundPolicy.objects.first()
    if newest:
        return newest
    first = _first_policy()
    values = {"currency": first.currency, "rules": first.as_json(), "note": "The portal's own."}
    return RefundPolicy.objects.get_or_create(version=1, defaults=values)[0]


def newest_policy_of_others(actor: User) -> RefundPolicy | None:
    """Return the newest policy that someone else put in force, or the portal's own."""
    authors = User.objects.filter(pk__in=RefundPolicy.objects.order_by().values("created_by"))
    own = [one.pk for one in authors if access_changes.are_one_person(one, actor)]
    return RefundPolicy.objects.exclude(created_by__in=own).first()


def policy_in_force() -> policy.Policy:
    """Return the rules in force without writing the portal's own."""
    return rules_of(RefundPolicy.objects.first())


def rules_of(version: RefundPolicy | None) -> policy.Policy:
    """Return the rules of one version as values; the portal's own if none has been saved."""
    if version is None:
        return _first_policy()
    return policy.policy_from_json(version.version, version.currency, version.rules)


def _first_policy() -> policy.Policy:
    return policy.Policy(1, settings.PAYMENT_CURRENCY, FIRST_RULES)


@transaction.atomic
def save_policy(
    rules: dict[PaymentKind, Rule], note: str, actor: User, based_on: int | None = None
) -> RefundPolicy:
    """Put a new version in force. Requests that were already judged keep theirs.

    `based_on` is the version that the author saw.

    Raises:
        PolicyError: another version has been put in force since, or someone else changed the
        author's account within a day.
    """
    try:
        access_changes.require_not_on_hold(actor)
    except access_changes.OnHold as hold:
        raise PolicyError(str(hold)) from hold
    RefundPolicy.objects.select_for_update().get(pk=current_policy().pk)
    # A second author waits for the lock, and then finds a newer version than the locked row.
    newest = current_policy()
    if based_on is not None and newest.version != based_on:
        raise PolicyError(f"Version {newest.version} is in force meanwhile: look at it first.")
    made = policy.Policy(newest.version + 1, settings.PAYMENT_CURRENCY, rules)
    return RefundPolicy.objects.create(
        version=made.version,
        currency=made.currency,
        rules=made.as_json(),
        note=note,
        created_by=actor,
    )


def kind_of(payment: Payment) -> PaymentKind:
    """Return the kind of payment, which decides the rule."""
    if payment.is_outside and not payment.is_by_zelle:
        return PaymentKind.OFFLINE
    return PaymentKind.MEMBERSHIP if payment.membership else PaymentKind.SINGLE


def facts_of(payment: Payment) -> Facts:
    """Return what the policy must know about a payment.

    Only what has been paid can be refunded: for anything else, nothing is left.
    """
    return facts_of_all([payment])[payment.pk]


def facts_beside(row: Refund) -> Facts:
    """Return what the policy must know about a refund's payment, as if that refund didn't exist."""
    return without(facts_of(row.payment), row)


def without(facts: Facts, row: Refund) -> Facts:
    """Return a payment's facts as if one of its refunds didn't exist."""
    return facts if row.state in REFUND_VOID else facts.without(row.amount)


def facts_of_all(
    payments: Collection[Payment], *, counts_automatic: bool = True
) -> dict[int, Facts]:
    """Return payments' facts by primary key, in as few statements as for one.

    Without `counts_automatic`, automatic approval can't be determined.
    """
    around = Around(
        switches=_switches(payments),
        held=list(held_sums(Refund.objects.filter(payment__in=payments))),
        automatic=_automatic_before(payments) if counts_automatic else {},
    )
    return facts_from(payments, around)


@dataclass(frozen=True)
class Around:
    """What's needed besides payments and their disputes to judge them.

    `switches`: the invoice lines of switches, by membership key. `held`: by payment, what's
    refunded or promised, in refunds that Stripe doesn't know and in those it has. `automatic`: by
    customer, the number of automatic refunds in a year.
    """

    switches: Sequence[tuple[int, list[dict[str, Any]]]]
    held: Sequence[tuple[int, int, int]]
    automatic: Mapping[int, int]


def facts_from(payments: Collection[Payment], around: Around) -> dict[int, Facts]:
    """Return payments' facts by primary key; no statement if disputes are prefetched."""
    credited = _credited(payments, around.switches)
    committed = _committed(payments, around.held, credited)
    disputed = disputes.status_of(payments)
    return {
        row.pk: _facts(
            row,
            committed=committed[row.pk],
            credited=credited.get(row.pk, 0),
            disputed=disputed.get(row.pk, (False, 0)),
            automatic_before=around.automatic.get(row.customer_id, 0),
        )
        for row in payments
    }


def _facts(
    payment: Payment,
    *,
    committed: int,
    credited: int,
    disputed: tuple[bool, int],
    automatic_before: int,
) -> Facts:
    is_disputed, lost = disputed
    is_outside = payment.is_outside and not payment.is_by_zelle
    is_paid = payment.status == PaymentStatus.SUCCEEDED and not is_outside
    since = payment.paid_at or payment.created_at
    return Facts(
        kind=kind_of(payment),
        currency=payment.currency,
        paid=payment.amount_received if is_paid else 0,
        committed=committed,
        age_days=max(0, (timezone.now() - since).days),
        is_disputed=is_disputed,
        lost=lost,
        automatic_before=automatic_before,
        credited=credited,
        is_outside=is_outside,
        is_by_hand=payment.is_by_zelle,
    )


def committed_of(payment: Payment) -> int:
    """Return what's refunded, promised, or credited of a payment, in minor units."""
    held = held_sums(Refund.objects.filter(payment=payment))
    credited = _credited([payment], _switches([payment]))
    return _committed([payment], list(held), credited)[payment.pk]


def held_sums(rows: RefundQuerySet) -> QuerySet[Refund, tuple[int, int, int]]:
    """Return by payment what's refunded or promised: unknown to Stripe, and at Stripe.

    What we sent back by Zelle is at Stripe, too, once it has arrived: as a credit note.
    """
    sums = rows.holding().order_by().values("payment_id")
    return sums.annotate(
        ours=Sum("amount", filter=Q(stripe_id=None) & ~ARRIVED, default=0),
        stripe=Sum("amount", filter=~Q(stripe_id=None) | ARRIVED, default=0),
    ).values_list("payment_id", "ours", "stripe")


def _committed(
    payments: Collection[Payment],
    held: Sequence[tuple[int, int, int]],
    credited: dict[int, int],
) -> dict[int, int]:
    """Return what's refunded, promised, or credited of payments, by primary key.

    Stripe's own total counts if it's larger: a refund from its dashboard may not have reached us. A
    member who switched already has the payment's unused time back as credit.
    """
    by_payment = {payment_id: (int(ours), int(stripe)) for payment_id, ours, stripe in held}
    parts = [(row, *by_payment.get(row.pk, (0, 0))) for row in payments]
    return {
        row.pk: ours + max(stripe, row.amount_refunded) + credited.get(row.pk, 0)
        for row, ours, stripe in parts
    }


def credited_of(payments: Collection[Payment]) -> int:
    """Return what members got back as credit by switching, by payment, in minor units."""
    return sum(_credited(payments, _switches(payments)).values())


def _switches(payments: Collection[Payment]) -> list[tuple[int, list[dict[str, Any]]]]:
    subscriptions = {row.invoice.subscription_id for row in payments if row.invoice} - {None}
    rows = Invoice.objects.filter(subscription__in=subscriptions)
    return list(switch_lines(rows)) if subscriptions else []


def switch_lines(
    rows: QuerySet[Invoice, Any],
) -> QuerySet[Invoice, tuple[int, list[dict[str, Any]]]]:
    """Return the invoices that switched a membership: its key, and their lines."""
    switches = rows.filter(subscription__isnull=False, billing_reason="subscription_update")
    return switches.exclude(status=InvoiceStatus.VOID).values_list("subscription_id", "lines")


def _credited(
    payments: Collection[Payment], switches: Sequence[tuple[int, list[dict[str, Any]]]]
) -> dict[int, int]:
    """Return what Stripe credited of memberships' payments when their members switched.

    Stripe documentation, "Prorations": the unused time is a negative line on the switch's invoice,
    from the switch to the end of the paid period.
    """
    of_memberships = [row for row in payments if row.invoice and row.invoice.subscription_id]
    unused = [
        (subscription_id, line)
        for subscription_id, lines in switches
        for line in lines
        if line["amount"] < 0
    ]
    return {
        row.pk: -sum(
            line["amount"]
            for subscription_id, line in unused
            if row.invoice
            and subscription_id == row.invoice.subscription_id
            and _is_unused_of(line, row.invoice)
        )
        for row in of_memberships
    }


def is_switching(payment: Payment) -> bool:
    """Whether a switch of the payment's membership is under way, and its credit isn't here yet.

    Until its invoice arrives, nobody knows what's left of the payment. A failed one may have been
    made after all, if Stripe's answer was lost: it counts for as long as it may be pending.
    """
    subscription_id = payment.invoice.subscription_id if payment.invoice else None
    if subscription_id is None:
        return False
    now = timezone.now()
    failed = Q(state=DecisionState.FAILED)
    lately = ~failed & Q(created_at__gt=now - SWITCH_SEEN_WITHIN)
    lately |= failed & Q(created_at__gt=now - PENDING_FOR)
    its_invoice = Invoice.objects.filter(
        subscription=OuterRef("subscription"),
        billing_reason="subscription_update",
        created_at__gte=OuterRef("prorated_at"),
    )
    switches = MembershipDecision.objects.filter(
        lately, ~Exists(its_invoice), subscription=subscription_id, prorated_at__isnull=False
    )
    return switches.filter(action=MembershipAction.SWITCH).exists()


def _is_unused_of(credit: dict[str, Any], invoice: Invoice) -> bool:
    """Whether credited time is the rest of a period that an invoice charged."""
    return any(
        line["amount"] > 0
        and credit["period_end"] == line["period_end"]
        and credit["period_start"] >= line["period_start"]
        for line in invoice.lines
    )


def terms_of(payment: Payment) -> policy.Terms:
    """Return what can be refunded of a payment now."""
    return policy.terms(policy_in_force(), facts_of(payment))


def _automatic_before(payments: Collection[Payment]) -> dict[int, int]:
    """Count a year's automatic refunds by customer, including all of their member's."""
    payer = "customer__user__customers"
    mine = Refund.objects.filter(
        customer__user__customers__in={row.customer_id for row in payments}
    )
    held = automatic_since(mine, timezone.now() - YEAR)
    counts = held.order_by().values(payer).annotate(count=Count("pk"))
    return dict(counts.values_list(payer, "count"))


def automatic_since(rows: RefundQuerySet, since: Moment) -> RefundQuerySet:
    """Keep automatic ones that didn't come to nothing."""
    return rows.holding().filter(
        origin=RefundOrigin.MEMBER, verdict__outcome=Outcome.AUTOMATIC, created_at__gt=since
    )
