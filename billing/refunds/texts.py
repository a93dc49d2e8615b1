"""A refund's progress in words for the member (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from billing.core.statuses import RefundReason, RefundState

# Members' reasons for a refund; goodwill is only for staff.
REASONS = {
    RefundReason.DUPLICATE: "I was charged twice",
    RefundReason.ACCIDENTAL: "I paid by mistake",
    RefundReason.NOT_USED: "I did not use it",
    RefundReason.NOT_AS_EXPECTED: "It was not what I expected",
    RefundReason.FORGOT_TO_CANCEL: "I forgot to cancel",
    RefundReason.OTHER: "Another reason",
}
LABELS = {
    RefundState.REQUESTED: "In review",
    RefundState.DENIED: "Not approved",
    RefundState.WITHDRAWN: "Withdrawn",
    RefundState.APPROVED: "Approved",
    RefundState.SENDING: "Being sent",
    RefundState.PENDING: "On its way",
    RefundState.REQUIRES_ACTION: "Needs your answer",
    RefundState.SUCCEEDED: "At your bank",
    RefundState.FAILED: "Did not arrive",
    RefundState.CANCELED: "Canceled",
}
# For refunds sent longer ago than banks usually take.
REFUNDED = "Refunded"
# Stripe documentation, "The Refund object": failure_reason.
SENT_BACK = "Your bank sent it back."
FAILURES = {
    "charge_for_pending_refund_disputed": (
        "Your bank has returned the payment to you itself, so the refund was stopped."
    ),
    "declined": "Your bank did not take it.",
    "expired_or_canceled_card": "Your bank sent it back: the card has expired or was canceled.",
    "insufficient_funds": "Our payment provider could not pay it out.",
    "lost_or_stolen_card": "Your bank sent it back: the card was reported lost or stolen.",
    "merchant_request": "We stopped it.",
}


@dataclass(frozen=True)
class Refusal:
    """Why Stripe didn't make a refund at all, in words for the member and for staff."""

    member: str
    staff: str


NOT_SENT = "Our payment provider did not take it."
_TAKEN_BACK = Refusal(
    "Your bank has returned this payment to you itself, or is about to.",
    "The member's bank has taken this payment back: it can't be refunded.",
)
# By code: Stripe documentation, "Error codes".
REFUSALS: dict[str, Refusal] = {
    "charge_already_refunded": Refusal(
        "This payment was refunded in another way meanwhile.",
        "All of this payment was refunded already.",
    ),
    "charge_disputed": _TAKEN_BACK,
    "charge_not_refundable": Refusal(NOT_SENT, "Stripe says that this payment can't be refunded."),
    "refund_disputed_payment": _TAKEN_BACK,
}
WILL_BE_IN_TOUCH = "We have been told and will be in touch."
# Stripe documentation, "The Refund object": pending_reason.
PENDING = "Our payment provider is still working on it."
WAITS = {
    "charge_pending": "Your payment itself is not quite through yet: the refund follows it.",
    "insufficient_funds": (
        "The account that we refund from has to be topped up first, which happens automatically."
    ),
}
SENT_BY_ZELLE = "Most Zelle payments arrive within minutes; some banks take up to 3 business days."
ZELLE_LEFT = "It has left our account, so your bank should show it by now."
TO_ANSWER = (
    "The way you paid can't be refunded directly. Stripe, our payment provider, has sent you an "
    "email that asks where the money should go: please answer it."
)

CANCELED = "Our payment provider has canceled it: nothing was sent."
NOT_ANSWERED = (
    "Stripe, our payment provider, has canceled it: it had no answer from you where the money "
    "should go, so nothing was sent."
)

# Stripe's terms about a refund, in words for staff: Stripe documentation, "The Refund object"
# (failure_reason, pending_reason, reason) and "Error codes". The member's words are above.
FOR_STAFF: dict[str, str] = {
    "charge_for_pending_refund_disputed": (
        "The member's bank took the payment back itself, so the refund was stopped."
    ),
    "declined": "The member's bank did not take it.",
    "expired_or_canceled_card": "The member's card has expired or was canceled.",
    "insufficient_funds": "Our balance at Stripe was too low.",
    "lost_or_stolen_card": "The member's card was reported lost or stolen.",
    "merchant_request": "It was stopped in Stripe's dashboard.",
    "unknown": "The bank gave no reason.",
    "charge_pending": "The payment itself is not quite through yet.",
    **{code: refusal.staff for code, refusal in REFUSALS.items()},
    "requested_by_customer": "Reason given there: the member asked for it.",
    "duplicate": "Reason given there: it was charged twice.",
    "fraudulent": "Reason given there: it was fraud.",
}


def failure(code: str, *, was_sent: bool) -> str:
    """Return why a refund didn't arrive. `was_sent`: whether Stripe had accepted it."""
    if was_sent:
        return FAILURES.get(code, SENT_BACK)
    refusal = REFUSALS.get(code)
    return refusal.member if refusal else NOT_SENT


def wait(code: str) -> str:
    """Return what a refund that Stripe accepted is waiting for."""
    return WAITS.get(code, PENDING)


def cancellation(*, was_asked: bool) -> str:
    """Return why Stripe sent nothing. `was_asked`: whether it waited for the member's answer."""
    return NOT_ANSWERED if was_asked else CANCELED


def label(state: str, *, is_over: bool) -> str:
    """Return a state's badge label. `is_over`: nobody is working on it anymore."""
    if is_over and state == RefundState.SUCCEEDED:
        return REFUNDED
    return LABELS[RefundState(state)]


def reason(value: str) -> str:
    """Return why it was requested, or "" if that's not for the member."""
    known = value in set(RefundReason)
    return REASONS.get(RefundReason(value), "") if known else ""


def for_staff(code: str) -> str:
    """Return one of Stripe's terms as a sentence for staff, or an unknown one unchanged."""
    known = FOR_STAFF.get(code, f"Stripe says: {code.replace('_', ' ')}.")
    return known if code else ""
