"""Use cases: a member requests a refund, staff decide, or staff give one themselves.

Everything happens under the lock on the member. The rules are in `policy`; who may decide is
checked here. Nobody decides on their own request or payment.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Unpack

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core.bank_statuses import ExpectedState
from billing.core.jobs import JobName
from billing.core.statuses import (
    PaymentStatus,
    RefundAction,
    RefundOrigin,
    RefundReason,
    RefundState,
)
from billing.models import ExpectedTransfer, Invoice, Payment, Refund
from billing.models.locks import lock_member, locked_customer
from billing.refunds import ledger_texts, terms, transitions
from billing.refunds import policy as refund_policy
from billing.refunds.policy import Facts, Outcome
from billing.refunds.transitions import Columns, RefundAmountError, RefundError
from common.money import Money
from members import access_changes

MAY_APPROVE = "billing.approve_refund"
MAY_APPROVE_LARGE = "billing.approve_large_refund"
TWO = 2
# When a member switches, Stripe credits a payment's unused part; it mustn't be given twice.
SWITCHING = gettext_lazy("A switch is still being confirmed. Please try again in 15 minutes.")

NOT_COUNTED = gettext_lazy(
    "No money counts for this payment right now, so there’s nothing to refund."
)


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """What someone wants back, in minor units, and why. `key` comes from the form they sent."""

    amount: int
    reason: RefundReason
    words: str = ""
    key: uuid.UUID
    cancels_membership: bool = False


@transaction.atomic
def request(user: User, payment_pk: int, wanted: RefundRequest) -> Refund:
    """Request a refund of one's own payment. If the policy allows, it's approved automatically.

    The same form sent twice makes one refund.

    Raises:
        RefundError: the policy refuses it, or the payment already has a waiting request.
    """
    lock_member(user.pk)
    payment = Payment.objects.for_user(user).select_related("invoice").filter(pk=payment_pk).first()
    if payment is None:
        raise RefundError(_("There’s no such payment."))
    if known := _made_before(wanted.key, payment):
        return known
    if waiting := payment.refunds.undecided().first():
        if waiting.origin == RefundOrigin.STAFF:
            raise RefundError(
                _("We’re already reviewing a refund of this payment. We’ll email you.")
            )
        raise RefundError(_("You’ve already requested a refund of this payment. We’ll email you."))
    _check_booked(payment)
    if terms.is_switching(payment):
        raise RefundError(str(SWITCHING))
    policy = terms.current_policy()
    facts = terms.facts_of(payment)
    verdict = refund_policy.judge(terms.rules_of(policy), facts, wanted.amount)
    if verdict.outcome == Outcome.REFUSED:
        raise RefundError(" ".join(verdict.sentences))
    row = _new(payment, wanted, RefundOrigin.MEMBER, user)
    row.policy, row.verdict = policy, verdict.as_json()
    row.approvals_needed = verdict.approvals
    transitions.begin(
        row,
        RefundAction.REQUESTED,
        actor=user,
        words=ledger_texts.asked(wanted.reason, wanted.words),
    )
    if verdict.outcome == Outcome.AUTOMATIC:
        words = " ".join(verdict.sentences)
        _approve(row, RefundAction.APPROVED_BY_POLICY, None, words)
    return row


@transaction.atomic
def withdraw(user: User, refund_pk: int) -> Refund:
    """Withdraw a request that nobody has decided on yet.

    Raises:
        RefundError: it isn't this member's request, or it's already decided.
    """
    row = Refund.objects.for_user(user).filter(pk=refund_pk, origin=RefundOrigin.MEMBER).first()
    if row is None:
        raise RefundError(_("There’s no such request."))
    row = transitions.locked(row.pk)
    if not row.is_undecided:
        raise RefundError(_("We’ve already decided on this request."))
    transitions.move(row, RefundState.WITHDRAWN, RefundAction.WITHDRAWN, actor=user)
    return row


@transaction.atomic
def approve(refund_pk: int, actor: User, amount: int | None = None, words: str = "") -> Refund:
    """Approve a refund, in full or less (minor units); the last required approval sends it.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: it's already decided, it's the actor's own, they've already approved it, or the
        amount isn't left.
    """
    _require(actor, MAY_APPROVE)
    row = _to_decide(refund_pk, actor)
    agreed = row.amount if amount is None else amount
    if not 0 < agreed <= row.amount:
        raise RefundAmountError(f"Up to {row.money} was asked for.")
    row.approvals_needed = _people_for(row, agreed, actor)
    columns: Columns = {"amount": agreed, "approvals_needed": row.approvals_needed}
    if row.approvals_needed >= TWO and row.first_approved_by is None:
        columns.update({"first_approved_by": actor, "answer": words})
        first = RefundAction.APPROVED_FIRST
        transitions.move(row, RefundState.REQUESTED, first, actor=actor, words=words, **columns)
        return row
    _approve(row, RefundAction.APPROVED, actor, words, **columns)
    return row


@transaction.atomic
def goes_back_at_once(row: Refund, actor: User) -> bool:
    """Return whether `approve` would send the full refund now, or wait for a second person.

    Raises:
        PermissionDenied, RefundError: as `approve` would.
    """
    _require(actor, MAY_APPROVE)
    _check_decidable(row, actor)
    return _people_for(row, row.amount, actor) < TWO or row.first_approved_by is not None


@transaction.atomic
def ask_second(refund_pk: int, actor: User, words: str) -> Refund:
    """Require a second approval, whatever the amount.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: it's already decided, or takes two people anyway.
    """
    _require(actor, MAY_APPROVE)
    row = _to_decide(refund_pk, actor)
    if row.approvals_needed >= TWO:
        raise RefundError("This refund takes two people already.")
    asked = RefundAction.SECOND_ASKED
    transitions.move(
        row, RefundState.REQUESTED, asked, actor=actor, words=words, approvals_needed=TWO
    )
    return row


@transaction.atomic
def deny(refund_pk: int, actor: User, words: str) -> Refund:
    """Deny a refund, with a message to the member.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: it's already decided, it's the actor's own, or the message is missing.
    """
    _require(actor, MAY_APPROVE)
    row = _to_decide(refund_pk, actor)
    if not words.strip():
        raise RefundError("Say why: the member reads it.")
    decided: Columns = {"answer": words, "decided_by": actor, "decided_at": timezone.now()}
    denied = RefundAction.DENIED
    transitions.move(row, RefundState.DENIED, denied, actor=actor, words=words, **decided)
    return row


@transaction.atomic
def give(payment_pk: int, actor: User, wanted: RefundRequest) -> Refund:
    """Refund a payment without a request, up to what's left, whatever the policy's window.

    Giving counts as the first approval: from the policy's limit on, someone else must approve too.
    The same form sent twice makes one refund.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: it's their own payment, it has a waiting request, or there isn't that much
        left.
    """
    _require(actor, MAY_APPROVE)
    payment = _locked_payment(payment_pk)
    return _give(payment, actor, wanted)


@transaction.atomic
def give_on_invoice(invoice_pk: int, actor: User, wanted: RefundRequest) -> list[Refund]:
    """Refund an invoice without a request, starting with its newest payment.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: as for `give`; then nothing is refunded.
    """
    _require(actor, MAY_APPROVE)
    if wanted.amount <= 0:
        raise RefundAmountError("The amount must be more than nothing.")
    invoice = Invoice.objects.get(pk=invoice_pk)
    locked_customer(pk=invoice.customer_id)
    rows = invoice.payments.filter(status=PaymentStatus.SUCCEEDED).order_by("-paid_at", "-pk")
    payments = list(rows)
    keys = {row.pk: uuid.uuid5(wanted.key, str(row.pk)) for row in payments}
    if made := list(Refund.objects.filter(key__in=keys.values()).order_by("pk")):
        return made
    facts = terms.facts_of_all(payments)
    # Splitting an invoice doesn't get around the limit for two people either.
    total = wanted.amount + sum(facts[row.pk].committed for row in payments)
    left, given = wanted.amount, []
    for payment in payments:
        part = min(left, facts[payment.pk].left)
        if part > 0:
            one = replace(wanted, amount=part, key=keys[payment.pk])
            weight = total - facts[payment.pk].committed
            given.append(_give(_locked_payment(payment.pk), actor, one, weight))
            left -= part
    if left:
        money = Money(wanted.amount - left, invoice.currency)
        raise RefundAmountError(f"Of this invoice {money} can be refunded.")
    return given


def is_own(refund: Refund, actor: User) -> bool:
    """Whether this person requested the refund, or it's of their own payment.

    Another account of the same person counts as that person.
    """
    asked = refund.requested_by if refund.origin == RefundOrigin.MEMBER else None
    persons = {refund.customer.user, asked}
    return any(access_changes.are_one_person(one, actor) for one in persons if one)


@transaction.atomic
def would_go_back_at_once(payment_pk: int, actor: User, wanted: RefundRequest) -> bool:
    """Return whether `give` would send it now, or wait for a second person.

    Raises:
        PermissionDenied, RefundError: as `give` would.
    """
    _require(actor, MAY_APPROVE)
    payment = _locked_payment(payment_pk)
    _check_not_own(payment, actor)
    return _to_give(payment, actor, wanted, 0).approvals_needed < TWO


def _not_ones_own(what: str, user: User, actor: User) -> str:
    if user == actor:
        return f"Nobody {what}."
    return f"Nobody {what}, and the account of {user} counts as yours. Somebody else has to."


def _give(payment: Payment, actor: User, wanted: RefundRequest, total: int = 0) -> Refund:
    """Refund a locked member's payment. `total` includes what's given on other payments."""
    _check_not_own(payment, actor)
    if known := _made_before(wanted.key, payment):
        return known
    row = _to_give(payment, actor, wanted, total)
    if row.approvals_needed >= TWO:
        row.first_approved_by = actor
    transitions.begin(
        row, RefundAction.GIVEN, actor=actor, words=ledger_texts.asked(wanted.reason, wanted.words)
    )
    if row.approvals_needed < TWO:
        _approve(row, RefundAction.APPROVED, actor, "")
    return row


def _check_not_own(payment: Payment, actor: User) -> None:
    if access_changes.are_one_person(payment.customer.user, actor):
        raise RefundError(_not_ones_own("refunds their own payment", payment.customer.user, actor))


def _to_give(payment: Payment, actor: User, wanted: RefundRequest, total: int) -> Refund:
    """Return an allowed refund, unsaved, with the number of people it takes.

    Raises:
        RefundError: it isn't allowed.
    """
    _check_not_on_hold(actor)
    _check_booked(payment)
    if payment.refunds.undecided().exists():
        raise RefundError("This payment has a request that waits: decide on that one.")
    row = _new(payment, wanted, RefundOrigin.STAFF, actor)
    row.policy = terms.current_policy()
    facts = terms.facts_of(payment)
    row.approvals_needed = _approvals_now(row, facts, max(wanted.amount, total), actor)
    _check_left(row, facts, wanted.amount)
    return row


def _check_booked(payment: Payment) -> None:
    """Refuse a payment by Zelle whose money was somebody else's: Stripe may not know yet.

    Raises:
        RefundError: no money counts for it.
    """
    paid = ExpectedTransfer.objects.filter(state=ExpectedState.CONFIRMED, invoice=payment.invoice)
    if payment.is_by_zelle and not paid.exists():
        raise RefundError(str(NOT_COUNTED))


def _made_before(key: uuid.UUID, payment: Payment) -> Refund | None:
    """Return what this very form has already made.

    Raises:
        RefundError: the form's key has made a refund of another payment.
    """
    known = Refund.objects.filter(key=key).first()
    if known and known.payment_id != payment.pk:
        raise RefundError(_("This page has expired. Load it again."))
    return known


def _new(payment: Payment, wanted: RefundRequest, origin: RefundOrigin, actor: User) -> Refund:
    return Refund(
        key=wanted.key,
        payment=payment,
        customer=payment.customer,
        amount=wanted.amount,
        amount_asked=wanted.amount,
        currency=payment.currency,
        origin=origin,
        reason=wanted.reason,
        words=wanted.words,
        cancels_membership=wanted.cancels_membership,
        state=RefundState.REQUESTED,
        requested_by=actor,
        created_at=timezone.now(),
    )


def _approve(
    row: Refund, action: RefundAction, actor: User | None, words: str, **columns: Unpack[Columns]
) -> None:
    """Approve a locked refund, and send it once this is committed."""
    columns.update({"decided_by": actor, "decided_at": timezone.now()})
    if actor and words:
        columns["answer"] = words
    transitions.move(row, RefundState.APPROVED, action, actor=actor, words=words, **columns)
    if not row.payment.is_by_zelle:
        transitions.enqueue(JobName.SEND_REFUND, row)
    if row.cancels_membership:
        transitions.enqueue(JobName.END_MEMBERSHIP_OF_REFUND, row)


def _locked_payment(payment_pk: int) -> Payment:
    """Lock a payment's member, and return the payment as of then."""
    customer_id = Payment.objects.values_list("customer_id", flat=True).get(pk=payment_pk)
    locked_customer(pk=customer_id)
    return Payment.objects.select_related("invoice", "customer__user").get(pk=payment_pk)


def _to_decide(refund_pk: int, actor: User) -> Refund:
    """Lock a refund that this person may decide on.

    Raises:
        RefundError: it's decided, or their own.
    """
    row = transitions.locked(refund_pk)
    _check_decidable(row, actor)
    return row


def _check_decidable(row: Refund, actor: User) -> None:
    if not row.is_undecided:
        raise RefundError(f"This was decided already: it is “{row.get_state_display()}” now.")
    if is_own(row, actor):
        raise RefundError(_not_ones_own("decides on their own refund", row.customer.user, actor))
    _check_not_on_hold(actor)


def _check_not_on_hold(actor: User) -> None:
    """Make sure that others haven't changed the actor's account recently.

    Raises:
        RefundError: they have.
    """
    try:
        access_changes.require_not_on_hold(actor)
    except access_changes.OnHold as hold:
        raise RefundError(str(hold)) from hold


def _people_for(row: Refund, amount: int, actor: User) -> int:
    """Return how many people an amount takes, if this person approves now.

    Raises:
        PermissionDenied: neither of the two may approve large refunds.
        RefundError: the amount isn't left, or they've already approved it.
    """
    facts = terms.facts_beside(row)
    _check_left(row, facts, amount)
    needed = max(row.approvals_needed, _approvals_now(row, facts, amount, actor))
    if needed >= TWO and row.first_approved_by is None:
        return needed
    if row.first_approved_by == actor:
        raise RefundError("You have agreed already: somebody else has to agree, too.")
    if row.first_approved_by and access_changes.are_one_person(row.first_approved_by, actor):
        raise RefundError(
            f"The account of {row.first_approved_by}, who agreed first, counts as the same person"
            " as yours. Somebody else has to agree."
        )
    if needed >= TWO:
        _require_large(row, actor)
    return needed


def _check_left(row: Refund, facts: Facts, amount: int) -> None:
    """Make sure that the payment has this amount left, and nothing else prevents it."""
    if facts.is_outside:
        raise RefundError("This was paid outside Stripe, so it can't be refunded through Stripe.")
    if facts.is_disputed or facts.is_charged_back:
        raise RefundError("The member's bank has taken this payment back, or is about to.")
    if terms.is_switching(row.payment):
        raise RefundError(str(SWITCHING))
    if not 0 < amount <= facts.left:
        raise RefundAmountError(f"Of this payment {Money(facts.left, row.currency)} is left.")


def _approvals_now(row: Refund, facts: Facts, amount: int, actor: User) -> int:
    """Return how many people must approve, given the payment's current state.

    Nobody loosens the rule of two for themselves: someone who put a policy in force is also
    measured by the last one that someone else put in force.
    """
    policy = row.policy or terms.current_policy()
    of_others = terms.newest_policy_of_others(actor)
    measures = [policy, of_others] if of_others else [policy]
    return max(refund_policy.approvals_for(terms.rules_of(one), facts, amount) for one in measures)


def _require(actor: User, permission: str) -> None:
    if not actor.is_active or not actor.has_perm(permission):
        raise PermissionDenied("Deciding on refunds needs a permission.")


def _require_large(row: Refund, actor: User) -> None:
    """Require that at least one of two approvers may approve large refunds."""
    first = row.first_approved_by
    if not (actor.has_perm(MAY_APPROVE_LARGE) or (first and first.has_perm(MAY_APPROVE_LARGE))):
        raise PermissionDenied("One of the two must be allowed to approve large refunds.")
