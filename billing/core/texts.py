"""Stripe's terms in plain words: cards, reasons, periods (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from billing.core.statuses import OUTSIDE, ZELLE, DisputeStatus
from common.money import Money

# The longest period that's named after its month.
A_MONTH = timedelta(days=35)


class InvoiceParts(Protocol):
    """What an invoice asks for, and what reduces that, in minor units."""

    total: int
    pre_payment_credit_notes_amount: int

    @property
    def balance_applied(self) -> int:
        """What the customer's balance adds to the amount due."""


class CreditNoteParts(Protocol):
    """The parts of a credit note's amount, in minor units."""

    currency: str
    pre_payment_amount: int
    credited: int
    refunded: int
    out_of_band: int


# How payments outside of Stripe were made: cash, a check, a bank transfer.
DIRECT = "Direct payment"
BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "Eftpos",
    "jcb": "JCB",
    "link": "Link",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
# Stripe's payment methods that take days (Stripe documentation, "Payment method support": delayed
# notification). A copy stores this type instead of a card's brand.
BANK_ACCOUNTS = frozenset(
    [
        "acss_debit",
        "au_becs_debit",
        "bacs_debit",
        "nz_bank_account",
        "sepa_debit",
        "us_bank_account",
    ]
)
DELAYED = BANK_ACCOUNTS | {"boleto", "customer_balance", "konbini", "multibanco", "oxxo"}

# Stripe documentation, "Decline codes". Anything else reads like a generic decline.
DECLINED = "Your card was declined by your bank. Try another card, or ask your bank."
BANK_REFUSED = "Your bank did not send the money. Try again, or pay another way."
BANK_REASONS = {
    "account_closed": "The bank account is closed.",
    "bank_account_restricted": "The bank account can't be used for this kind of payment.",
    "debit_not_authorized": "Your bank says that you did not allow this debit.",
    "insufficient_funds": "The bank account did not have enough money on it.",
    "no_account": "The bank knows no such account.",
}
REASONS = {
    "authentication_required": "Your bank asks you to confirm this payment yourself.",
    "card_not_supported": "Your card can't be used for this kind of payment.",
    "currency_not_supported": "Your card can't be used in this currency.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "The security code of your card was not right.",
    "incorrect_number": "The number of your card was not right.",
    "insufficient_funds": "Your card did not have enough money on it.",
    "invalid_expiry_month": "The expiry date of your card was not right.",
    "invalid_expiry_year": "The expiry date of your card was not right.",
    "payment_intent_authentication_failure": "Your bank did not get your confirmation in time.",
    "subscription_payment_intent_requires_action": (
        "Your bank asks you to confirm this payment yourself, which is not possible here."
    ),
    "processing_error": "Your bank could not be reached. Trying again may help.",
}
LASTING = {"once": "your next payment", "forever": "every payment"}
RHYTHMS = {"day": "Daily", "week": "Weekly", "month": "Monthly", "year": "Yearly"}
# Stripe documentation, "Credit notes": why one is issued.
CREDIT_REASONS = {
    "duplicate": "charged twice",
    "fraudulent": "not made by you",
    "order_change": "changed",
    "product_unsatisfactory": "not as it should have been",
}
# An invoice that no longer asks for money.
VOID = "This invoice was canceled: there is nothing to pay, and it counts for nothing."
GIVEN_UP = (
    "We no longer try to collect this invoice, and you won’t be charged for it automatically. "
    "If you think it was paid, or want to pay it after all, write to us."
)
PAUSED = "Your payments were paused, so you don't have to pay this invoice."
PAID_DIRECTLY = (
    "You paid this directly to us, for example in cash, by check, or by bank transfer, and we've "
    "recorded it. Nothing was charged to a card."
)
# A payment that's neither made nor refused.
TO_CONFIRM = (
    "Your bank asks you to confirm this payment yourself. It takes a minute on Stripe's page; "
    "nothing is charged before."
)
PROCESSING = (
    "Your bank is processing it, which may take a few days. There’s nothing you need to do: "
    "we’ll email you when it’s done."
)

# Stripe documentation, "Dispute reason codes". Anything else reads like "general".
DISPUTE_REASONS = {
    "bank_cannot_process": "The bank could not process the payment.",
    "check_returned": "The bank returned the check.",
    "credit_not_processed": "The member says that money was to be paid back and was not.",
    "customer_initiated": "The member asked their bank to take the payment back.",
    "debit_not_authorized": "The member says that they did not allow this debit.",
    "duplicate": "The member says that they were charged twice.",
    "fraudulent": "The card's owner says that they did not make this payment.",
    "general": "The bank gives no particular reason.",
    "incorrect_account_details": "The account's details were not right.",
    "insufficient_funds": "There was not enough money in the account.",
    "noncompliant": "The bank says that a rule of the card network was broken.",
    "product_not_received": "The member says that they did not get what they paid for.",
    "product_unacceptable": "The member says that what they got was not as described.",
    "subscription_canceled": "The member says that they had cancelled before this payment.",
    "unrecognized": "The card's owner does not recognize this payment.",
}
# For staff. Stripe documentation, "How disputes work".
DISPUTE_STATES = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: (
        "The bank asks what this payment was. No money has moved; an answer in time may keep it so."
    ),
    DisputeStatus.WARNING_UNDER_REVIEW: "The bank has our answer. No money has moved.",
    DisputeStatus.WARNING_CLOSED: (
        "The bank asked no further within its time. The money stays with us."
    ),
    DisputeStatus.NEEDS_RESPONSE: (
        "The bank has taken the money back for now. Without evidence in time it stays there."
    ),
    DisputeStatus.UNDER_REVIEW: (
        "The bank has our evidence and decides, which can take two or three months."
    ),
    DisputeStatus.APPEAL_NEEDS_RESPONSE: "The dispute goes on: the bank wants more evidence.",
    DisputeStatus.APPEAL_UNDER_REVIEW: "The bank has our further evidence and decides.",
    DisputeStatus.WON: "The bank decided for us. The money is back.",
    DisputeStatus.LOST: "The bank decided for the card's owner. The money is gone, and a fee.",
    DisputeStatus.PREVENTED: "It was settled before it became a dispute.",
}
DISPUTE_OUTCOMES = {
    DisputeStatus.WARNING_CLOSED: "Bank inquiry closed",
    DisputeStatus.WON: "Dispute won",
    DisputeStatus.LOST: "Dispute lost",
    DisputeStatus.PREVENTED: "Dispute prevented",
}

# For the member; {amount} is the disputed amount.
ASKED_BY_BANK = "The bank asks about this payment"
ASKED_BY_BANK_TEXT = (
    "The card's bank has asked us what this payment was. We answer the bank; no money has moved, "
    "and there is nothing you need to do here. Until the bank is done, it can't be refunded here."
)
DISPUTED = "This payment is disputed with the bank"
DISPUTED_TEXT = (
    "The card's owner has asked their bank for the money back. The bank keeps {amount} until it "
    "has decided, which can take two or three months; until then it can't be refunded here. Was it "
    "a mistake? If so, ask your bank to withdraw the dispute; that’s the fastest fix."
)
DISPUTE_WON = "The bank has decided: this payment stands"
DISPUTE_WON_TEXT = (
    "It was disputed with the card's bank, which found it to be right. Questions about the "
    "decision are answered by the bank."
)
DISPUTE_LOST = "The bank has given this payment back"
DISPUTE_LOST_TEXT = (
    "It was disputed, and the card's bank returned {amount} to the card. That can't be refunded "
    "here a second time."
)
DISPUTE_SETTLED = "The bank's question about this payment is settled"
DISPUTE_SETTLED_TEXT = "The card's bank had asked about it. No money has moved; the payment stands."


def card(brand: str, last4: str) -> str:
    """Return "Visa ending in 4242", or an empty string if there's no card."""
    return _method(brand, last4, "{name} ending in {last4}")


def card_short(brand: str, last4: str) -> str:
    """Return "Visa 4242", for a narrow column."""
    return _method(brand, last4, "{name} {last4}")


def card_in_sentence(brand: str, last4: str) -> str:
    """Return "Visa ending in 4242" or "bank account ending in 6789", for inside a sentence."""
    words = card(brand, last4)
    return f"{words[:1].lower()}{words[1:]}" if brand in BANK_ACCOUNTS else words


def _method(brand: str, last4: str, form: str) -> str:
    if brand == ZELLE:
        return "Zelle"
    if brand == OUTSIDE:
        return DIRECT
    if not last4:
        return ""
    known = BRANDS.get(brand, brand.replace("_", " ").title() or "Card")
    name = "Bank account" if brand in BANK_ACCOUNTS else known
    return form.format(name=name, last4=last4)


def card_expiry(year_and_month: str) -> str:
    """Return "12/2030" for "2030-12", or an empty string."""
    year, _, month = year_and_month.partition("-")
    return f"{month}/{year}" if month else ""


def failure(code: str, method: str = "") -> str:
    """Return why a payment failed, for the member. `method`: a card's brand or a bank's type."""
    if method in DELAYED:
        return BANK_REASONS.get(code, BANK_REFUSED)
    return REASONS.get(code, DECLINED)


def dispute_reason(reason: str) -> str:
    """Return why a payment is disputed, for staff."""
    return DISPUTE_REASONS.get(reason, DISPUTE_REASONS["general"])


def dispute_state(status: str) -> str:
    """Return what a dispute's status means, for staff; an unknown one is shown as it is."""
    known = status in set(DisputeStatus)
    return DISPUTE_STATES[DisputeStatus(status)] if known else status.replace("_", " ").capitalize()


def dispute_outcome(status: str) -> str:
    """Return how a dispute ended, for staff."""
    known = status in set(DisputeStatus)
    return (
        DISPUTE_OUTCOMES.get(DisputeStatus(status), "Dispute closed") if known else "Dispute closed"
    )


def interval(name: str, count: int) -> str:
    """Return "month", or "3 months"."""
    return name if count == 1 else f"{count} {name}s"


def rhythm(name: str, count: int) -> str:
    """Return how often a member pays: "Monthly", "Yearly", "Every 3 months"."""
    if count == 1:
        return RHYTHMS.get(name, f"Every {name}")
    return f"Every {interval(name, count)}"


def listed(words: Sequence[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def months(count: int) -> str:
    """Return "1 month", or "3 months"."""
    return f"{count} month{'' if count == 1 else 's'}"


def less(percent_off: float | None, amount_off: int | None, currency: str) -> str:
    """Return how much a coupon takes off: "20% off", "$5.00 off"."""
    if percent_off is not None:
        return f"{percent_off:g}% off"
    return f"{Money(amount_off or 0, currency)} off"


def lasting(duration: str, count: int | None) -> str:
    """Return how long a coupon lasts: "for 3 months", "your next payment"."""
    if duration == "repeating":
        return f"for {months(count or 1)}"
    return LASTING.get(duration, LASTING["once"])


def discount(promotion_codes: str) -> str:
    """Return "Discount (code WELCOME50)", or the label of a discount without a code."""
    return f"Discount (code {promotion_codes})" if promotion_codes else "Discount"


def invoice_credits(parts: InvoiceParts) -> list[tuple[str, int]]:
    """Return the items between an invoice's total and the amount due, with minor units."""
    balance = parts.balance_applied
    words = "Credit applied" if balance < 0 else "From your balance"
    if balance > 0 > parts.total:
        words = "Kept for your next invoices"
    credits_used = [(words, balance), ("Credit notes", -parts.pre_payment_credit_notes_amount)]
    return [(name, amount) for name, amount in credits_used if amount]


def credit_note(parts: CreditNoteParts) -> list[str]:
    """Return what happens to a credit note's amount, one sentence per part."""
    ways = [
        (parts.pre_payment_amount, "{} less to pay on this invoice."),
        (parts.credited, "{} is kept for you: your next invoices are that much lower."),
        (parts.refunded, "{} goes back to where you paid from."),
        (parts.out_of_band, "{} was given back to you in another way."),
    ]
    return [sentence.format(Money(amount, parts.currency)) for amount, sentence in ways if amount]


def payment_description(description: str, brand: str) -> str:
    """Return what a payment without an invoice is for, even if Stripe has no description."""
    return description or f"Payment to {brand}"


def _months_of(line: dict[str, Any]) -> str:
    """Return "December 2026", or "December 2026 to December 2027" for a longer period."""
    start = datetime.fromtimestamp(line["period_start"], UTC)
    end = datetime.fromtimestamp(line.get("period_end") or line["period_start"], UTC)
    if end - start <= A_MONTH:
        return f"{start:%B %Y}"
    return f"{start:%B %Y} to {end:%B %Y}"


def invoice_description(plan_name: str, lines: list[dict[str, Any]], *, is_plan: bool) -> str:
    """Return what an invoice is for: "Membership, December 2026", or "Towels and 13 more"."""
    if not lines:
        return plan_name
    # Stripe puts the plan's line last, after prorations.
    if is_plan and lines[-1].get("period_start"):
        return f"{plan_name}, {_months_of(lines[-1])}"
    first = str(lines[0].get("description") or plan_name)
    return first if len(lines) == 1 else f"{first} and {len(lines) - 1} more"
