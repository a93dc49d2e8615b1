"""A refund's progress in words for the member (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.core.statuses import RefundReason, RefundState

# Members' reasons for a refund. Goodwill and a bank's report of fraud are only for staff.
REASONS = {
    RefundReason.DUPLICATE: _("I was charged twice"),
    RefundReason.ACCIDENTAL: _("I paid by mistake"),
    RefundReason.NOT_USED: _("I didn’t use it"),
    RefundReason.NOT_AS_EXPECTED: _("It wasn’t what I expected"),
    RefundReason.FORGOT_TO_CANCEL: _("I forgot to cancel"),
    RefundReason.OTHER: _("Another reason"),
}
LABELS = {
    RefundState.REQUESTED: _("In review"),
    RefundState.DENIED: _("Not approved"),
    RefundState.WITHDRAWN: _("Withdrawn"),
    RefundState.APPROVED: _("Approved"),
    RefundState.SENDING: _("Sending"),
    RefundState.PENDING: _("On its way"),
    RefundState.REQUIRES_ACTION: _("Needs your answer"),
    RefundState.SUCCEEDED: _("At your bank"),
    RefundState.FAILED: _("Didn’t arrive"),
    RefundState.CANCELED: _("Canceled"),
}
# For refunds sent longer ago than banks usually take.
REFUNDED = _("Refunded")
# Stripe documentation, "The Refund object": failure_reason.
SENT_BACK = _("Your bank sent it back.")
FAILURES = {
    "charge_for_pending_refund_disputed": _(
        "Your bank already returned the payment to you, so we stopped the refund."
    ),
    "declined": _("Your bank didn’t accept it."),
    "expired_or_canceled_card": _(
        "Your bank sent it back because the card has expired or was canceled."
    ),
    "insufficient_funds": _("Our payment provider couldn’t pay it out."),
    "lost_or_stolen_card": _(
        "Your bank sent it back because the card was reported lost or stolen."
    ),
    "merchant_request": _("We stopped it."),
}


@dataclass(frozen=True)
class Refusal:
    """Why Stripe didn't make a refund at all, in words for the member and for staff."""

    member: str | Promise
    staff: str | Promise


NOT_SENT = _("Our payment provider didn’t accept it.")
_TAKEN_BACK = Refusal(
    _("Your bank already returned this payment to you, or is about to."),
    _("The member’s bank has taken this payment back: it can’t be refunded."),
)
# By code: Stripe documentation, "Error codes".
REFUSALS: dict[str, Refusal] = {
    "charge_already_refunded": Refusal(
        _("This payment was refunded another way in the meantime."),
        _("All of this payment was refunded already."),
    ),
    "charge_disputed": _TAKEN_BACK,
    "charge_not_refundable": Refusal(
        NOT_SENT, _("Stripe says that this payment can’t be refunded.")
    ),
    "refund_disputed_payment": _TAKEN_BACK,
}
WILL_BE_IN_TOUCH = _("Our team has been notified and will be in touch.")
# Stripe documentation, "The Refund object": pending_reason.
PENDING = _("Our payment provider is still working on it.")
WAITS = {
    "charge_pending": _("Your payment hasn’t fully gone through yet. The refund follows it."),
    "insufficient_funds": _(
        "The account we refund from has to be topped up first, which happens automatically."
    ),
}
SENT_BY_ZELLE = _(
    "Most Zelle payments arrive within minutes. Some banks take up to 3 business days."
)
ZELLE_LEFT = _("It has left our account, so your bank should show it by now.")
TO_ANSWER = _(
    "We can’t refund the way you paid directly. Stripe, our payment provider, sent you an email "
    "asking where to send the money. Please answer it."
)

CANCELED = _("Our payment provider canceled it. Nothing was sent.")
NOT_ANSWERED = _(
    "Stripe, our payment provider, canceled it because you didn’t say where to send the money. "
    "Nothing was sent."
)

# Stripe's terms about a refund, in words for staff: Stripe documentation, "The Refund object"
# (failure_reason, pending_reason, reason) and "Error codes". The member's words are above.
FOR_STAFF: dict[str, str | Promise] = {
    "charge_for_pending_refund_disputed": _(
        "The member’s bank took the payment back itself, so the refund was stopped."
    ),
    "declined": _("The member’s bank did not take it."),
    "expired_or_canceled_card": _("The member’s card has expired or was canceled."),
    "insufficient_funds": _("Our balance at Stripe was too low."),
    "lost_or_stolen_card": _("The member’s card was reported lost or stolen."),
    "merchant_request": _("It was stopped in Stripe’s dashboard."),
    "unknown": _("The bank gave no reason."),
    "charge_pending": _("The payment itself is not quite through yet."),
    **{code: refusal.staff for code, refusal in REFUSALS.items()},
    "requested_by_customer": _("Reason given there: the member asked for it."),
    "duplicate": _("Reason given there: it was charged twice."),
    "fraudulent": _("Reason given there: it was fraud."),
}


def failure(code: str, *, was_sent: bool) -> str:
    """Return why a refund didn't arrive. `was_sent`: whether Stripe had accepted it."""
    if was_sent:
        return str(FAILURES.get(code, SENT_BACK))
    refusal = REFUSALS.get(code)
    return str(refusal.member if refusal else NOT_SENT)


def wait(code: str) -> str:
    """Return what a refund that Stripe accepted is waiting for."""
    return str(WAITS.get(code, PENDING))


def cancellation(*, was_asked: bool) -> str:
    """Return why Stripe sent nothing. `was_asked`: whether it waited for the member's answer."""
    return str(NOT_ANSWERED if was_asked else CANCELED)


def label(state: str, *, is_over: bool) -> str:
    """Return a state's badge label. `is_over`: nobody is working on it anymore."""
    if is_over and state == RefundState.SUCCEEDED:
        return str(REFUNDED)
    return str(LABELS[RefundState(state)])


def reason(value: str) -> str:
    """Return why it was requested, or "" if that's not for the member."""
    known = value in set(RefundReason)
    return str(REASONS.get(RefundReason(value), "")) if known else ""


def for_staff(code: str) -> str:
    """Return one of Stripe's terms as a sentence for staff, or an unknown one unchanged."""
    if not code:
        return ""
    unknown = gettext("Stripe says: %(code)s.") % {"code": code.replace("_", " ")}
    return str(FOR_STAFF.get(code, unknown))
