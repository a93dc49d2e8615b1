"""Stripe's terms in plain words: cards, reasons, periods (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from babel.lists import format_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.core.statuses import OUTSIDE, ZELLE, DisputeStatus
from common import days, locales
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
DIRECT = gettext_lazy("Direct payment")
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
DECLINED = gettext_lazy("Your bank declined the card. Try another card, or contact your bank.")
BANK_REFUSED = gettext_lazy("Your bank didn’t send the money. Try again, or pay another way.")
BANK_REASONS = {
    "account_closed": gettext_lazy("The bank account is closed."),
    "bank_account_restricted": gettext_lazy(
        "This bank account can’t be used for this kind of payment."
    ),
    "debit_not_authorized": gettext_lazy("Your bank says you didn’t authorize this debit."),
    "insufficient_funds": gettext_lazy("There wasn’t enough money in the bank account."),
    "no_account": gettext_lazy("Your bank couldn’t find this account."),
}
REASONS = {
    "authentication_required": gettext_lazy("Your bank wants you to confirm this payment."),
    "card_not_supported": gettext_lazy("Your card can’t be used for this kind of payment."),
    "currency_not_supported": gettext_lazy("Your card doesn’t support this currency."),
    "expired_card": gettext_lazy("Your card has expired."),
    "incorrect_cvc": gettext_lazy("Your card’s security code was incorrect."),
    "incorrect_number": gettext_lazy("Your card number was incorrect."),
    "insufficient_funds": gettext_lazy("Your card didn’t have enough money on it."),
    "invalid_expiry_month": gettext_lazy("Your card’s expiration date was incorrect."),
    "invalid_expiry_year": gettext_lazy("Your card’s expiration date was incorrect."),
    "payment_intent_authentication_failure": gettext_lazy(
        "Your bank didn’t get your confirmation in time."
    ),
    "subscription_payment_intent_requires_action": gettext_lazy(
        "Your bank wants you to confirm this payment, which isn’t possible here."
    ),
    "processing_error": gettext_lazy("We couldn’t reach your bank. Try again in a moment."),
}
LASTING = {
    "once": gettext_lazy("your next payment"),
    "forever": gettext_lazy("every payment"),
}
# Stripe documentation, "Credit notes": why one is issued.
CREDIT_REASONS = {
    "duplicate": gettext_lazy("charged twice"),
    "fraudulent": gettext_lazy("not made by you"),
    "order_change": gettext_lazy("changed"),
    "product_unsatisfactory": gettext_lazy("not as expected"),
}
# An invoice that no longer asks for money.
VOID = gettext_lazy("This invoice was canceled. There’s nothing to pay.")
GIVEN_UP = gettext_lazy(
    "We’ve stopped collecting this invoice, and you won’t be charged for it automatically. "
    "Want to pay it after all, or think you already did? Write to us."
)
PAUSED = gettext_lazy("Your payments were paused, so you don’t have to pay this invoice.")
PAID_DIRECTLY = gettext_lazy(
    "You paid us directly, for example in cash, by check, or by bank transfer, and we’ve "
    "recorded it. No card was charged."
)
# A payment that's neither made nor refused.
TO_CONFIRM = gettext_lazy(
    "Your bank wants you to confirm this payment. It takes a minute on Stripe’s page. You won’t be "
    "charged until then."
)
PROCESSING = gettext_lazy(
    "Your bank is processing it, which may take a few days. There’s nothing you need to do. "
    "We’ll email you when it’s done."
)

# Stripe documentation, "Dispute reason codes". Anything else reads like "general".
DISPUTE_REASONS = {
    "bank_cannot_process": gettext_lazy("The bank could not process the payment."),
    "check_returned": gettext_lazy("The bank returned the check."),
    "credit_not_processed": gettext_lazy(
        "The member says that money was to be paid back and was not."
    ),
    "customer_initiated": gettext_lazy("The member asked their bank to take the payment back."),
    "debit_not_authorized": gettext_lazy("The member says that they did not allow this debit."),
    "duplicate": gettext_lazy("The member says that they were charged twice."),
    "fraudulent": gettext_lazy("The card’s owner says that they did not make this payment."),
    "general": gettext_lazy("The bank gives no particular reason."),
    "incorrect_account_details": gettext_lazy("The account’s details were not right."),
    "insufficient_funds": gettext_lazy("There was not enough money in the account."),
    "noncompliant": gettext_lazy("The bank says that a rule of the card network was broken."),
    "product_not_received": gettext_lazy(
        "The member says that they did not get what they paid for."
    ),
    "product_unacceptable": gettext_lazy(
        "The member says that what they got was not as described."
    ),
    "subscription_canceled": gettext_lazy(
        "The member says that they had canceled before this payment."
    ),
    "unrecognized": gettext_lazy("The card’s owner does not recognize this payment."),
}
# For staff. Stripe documentation, "How disputes work".
DISPUTE_STATES = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: gettext_lazy(
        "The bank asks what this payment was. No money has moved; an answer in time may keep it so."
    ),
    DisputeStatus.WARNING_UNDER_REVIEW: gettext_lazy(
        "The bank has our answer. No money has moved."
    ),
    DisputeStatus.WARNING_CLOSED: gettext_lazy(
        "The bank asked no further within its time. The money stays with us."
    ),
    DisputeStatus.NEEDS_RESPONSE: gettext_lazy(
        "The bank has taken the money back for now. Without evidence in time it stays there."
    ),
    DisputeStatus.UNDER_REVIEW: gettext_lazy(
        "The bank has our evidence and decides, which can take two or three months."
    ),
    DisputeStatus.APPEAL_NEEDS_RESPONSE: gettext_lazy(
        "The dispute goes on: the bank wants more evidence."
    ),
    DisputeStatus.APPEAL_UNDER_REVIEW: gettext_lazy(
        "The bank has our further evidence and decides."
    ),
    DisputeStatus.WON: gettext_lazy("The bank decided for us. The money is back."),
    DisputeStatus.LOST: gettext_lazy(
        "The bank decided for the card’s owner. The money is gone, and a fee."
    ),
    DisputeStatus.PREVENTED: gettext_lazy("It was settled before it became a dispute."),
}
DISPUTE_OUTCOMES = {
    DisputeStatus.WARNING_CLOSED: gettext_lazy("Bank inquiry closed"),
    DisputeStatus.WON: gettext_lazy("Dispute won"),
    DisputeStatus.LOST: gettext_lazy("Dispute lost"),
    DisputeStatus.PREVENTED: gettext_lazy("Dispute prevented"),
}

# For the member; %(amount)s is the disputed amount.
ASKED_BY_BANK = gettext_lazy("Your bank is asking about this payment")
ASKED_BY_BANK_TEXT = gettext_lazy(
    "The card’s bank asked us what this payment was, and we’re answering. No money has moved, and "
    "there’s nothing you need to do. It can’t be refunded until the bank is done."
)
DISPUTED = gettext_lazy("This payment is disputed with the bank")
DISPUTED_TEXT = gettext_lazy(
    "The cardholder asked their bank for the money back. The bank is holding %(amount)s until it "
    "decides, which can take two or three months. It can’t be refunded until then. Was it a "
    "mistake? If so, ask your bank to withdraw the dispute; that’s the fastest fix."
)
DISPUTE_WON = gettext_lazy("The bank decided that this payment stands")
DISPUTE_WON_TEXT = gettext_lazy(
    "It was disputed, and the card’s bank found it valid. Questions? Contact the bank."
)
DISPUTE_LOST = gettext_lazy("The bank returned this payment")
DISPUTE_LOST_TEXT = gettext_lazy(
    "It was disputed, and the card’s bank returned %(amount)s to the card. It can’t be refunded "
    "again here."
)
DISPUTE_SETTLED = gettext_lazy("The bank’s question about this payment is settled")
DISPUTE_SETTLED_TEXT = gettext_lazy(
    "The card’s bank asked about it. No money moved, and the payment stands."
)


def card(brand: str, last4: str) -> str:
    """Return "Visa ending in 4242", or an empty string if there's no card."""
    if brand in BANK_ACCOUNTS and last4:
        return _("Bank account ending in %(last4)s") % {"last4": last4}
    if (special := _special(brand)) or not last4:
        return special
    return _("%(name)s ending in %(last4)s") % {"name": _brand(brand), "last4": last4}


def card_short(brand: str, last4: str) -> str:
    """Return "Visa 4242", for a narrow column."""
    if special := _special(brand):
        return special
    name = _("Bank account") if brand in BANK_ACCOUNTS else _brand(brand)
    return f"{name} {last4}" if last4 else ""


def card_in_sentence(brand: str, last4: str) -> str:
    """Return "Visa ending in 4242" or "bank account ending in 6789", for inside a sentence."""
    if brand in BANK_ACCOUNTS and last4:
        return _("bank account ending in %(last4)s") % {"last4": last4}
    return card(brand, last4)


def _special(brand: str) -> str:
    """Return the name of a way to pay that has no number."""
    return {ZELLE: "Zelle", OUTSIDE: str(DIRECT)}.get(brand, "")


def _brand(brand: str) -> str:
    return BRANDS.get(brand, brand.replace("_", " ").title() or _("Card"))


def card_expiry(year_and_month: str) -> str:
    """Return "12/2030" for "2030-12", or an empty string."""
    year, _, month = year_and_month.partition("-")
    return f"{month}/{year}" if month else ""


def failure(code: str, method: str = "") -> str:
    """Return why a payment failed, for the member. `method`: a card's brand or a bank's type."""
    if method in DELAYED:
        return str(BANK_REASONS.get(code, BANK_REFUSED))
    return str(REASONS.get(code, DECLINED))


def dispute_reason(reason: str) -> str:
    """Return why a payment is disputed, for staff."""
    return str(DISPUTE_REASONS.get(reason, DISPUTE_REASONS["general"]))


def dispute_state(status: str) -> str:
    """Return what a dispute's status means, for staff; an unknown one is shown as it is."""
    known = status in set(DisputeStatus)
    if not known:
        return status.replace("_", " ").capitalize()
    return str(DISPUTE_STATES[DisputeStatus(status)])


def dispute_outcome(status: str) -> str:
    """Return how a dispute ended, for staff."""
    known = status in set(DisputeStatus)
    words = DISPUTE_OUTCOMES.get(DisputeStatus(status)) if known else None
    return str(words or _("Dispute closed"))


def with_tax(price: str, tax_words: str) -> str:
    """Return what's said of a price with its tax: "$29.00 a month, plus tax"."""
    return _("%(price)s, %(tax)s") % {"price": price, "tax": tax_words} if tax_words else price


def listed(words: Sequence[str]) -> str:
    """Return "a", "a and b", or "a, b, and c", as the language lists things."""
    return str(format_list(words, locale=locales.current().days))


def less(percent_off: float | None, amount_off: int | None, currency: str) -> str:
    """Return how much a coupon takes off: "20% off", "$5.00 off"."""
    if percent_off is not None:
        return _("%(percent)s%% off") % {"percent": f"{percent_off:g}"}
    return _("%(amount)s off") % {"amount": Money(amount_off or 0, currency)}


def lasting(duration: str, count: int | None) -> str:
    """Return how long a coupon lasts: "for 3 months", "for your next payment"."""
    if duration != "repeating":
        return str(LASTING.get(duration, LASTING["once"]))
    months = count or 1
    return ngettext("for %(count)s month", "for %(count)s months", months) % {"count": months}


def less_for(less: str, duration: str, count: int | None) -> str:
    """Return what a coupon gives: "20% off for 3 months", "20% off your next payment"."""
    if duration == "forever":
        return _("%(less)s every payment") % {"less": less}
    if duration != "repeating":
        return _("%(less)s your next payment") % {"less": less}
    months = count or 1
    words = ngettext("%(less)s for %(count)s month", "%(less)s for %(count)s months", months)
    return words % {"less": less, "count": months}


def discount(promotion_codes: str) -> str:
    """Return "Discount (code WELCOME50)", or the label of a discount without a code."""
    if not promotion_codes:
        return _("Discount")
    return _("Discount (code %(code)s)") % {"code": promotion_codes}


def invoice_credits(parts: InvoiceParts) -> list[tuple[str, int]]:
    """Return the items between an invoice's total and the amount due, with minor units."""
    balance = parts.balance_applied
    words = _("Credit applied") if balance < 0 else _("From your balance")
    if balance > 0 > parts.total:
        words = _("Kept for your next invoices")
    credits_used = [(words, balance), (_("Credit notes"), -parts.pre_payment_credit_notes_amount)]
    return [(name, amount) for name, amount in credits_used if amount]


def credit_note(parts: CreditNoteParts) -> list[str]:
    """Return what happens to a credit note's amount, one sentence per part."""
    ways = [
        (parts.pre_payment_amount, _("%(amount)s less to pay on this invoice.")),
        (parts.credited, _("%(amount)s in credit for your next invoices.")),
        (parts.refunded, _("%(amount)s goes back to where you paid from.")),
        (parts.out_of_band, _("%(amount)s was returned to you another way.")),
    ]
    return [
        sentence % {"amount": Money(amount, parts.currency)} for amount, sentence in ways if amount
    ]


def payment_description(description: str, brand: str) -> str:
    """Return what a payment without an invoice is for, even if Stripe has no description."""
    return description or _("Payment to %(business)s") % {"business": brand}


def _months_of(line: dict[str, Any]) -> str:
    """Return "December 2026", or "December 2026 to December 2027" for a longer period."""
    start = datetime.fromtimestamp(line["period_start"], UTC)
    end = datetime.fromtimestamp(line.get("period_end") or line["period_start"], UTC)
    if end - start <= A_MONTH:
        return days.month(start)
    return _("%(first)s to %(last)s") % {"first": days.month(start), "last": days.month(end)}


def invoice_description(plan_name: str, lines: list[dict[str, Any]], *, is_plan: bool) -> str:
    """Return what an invoice is for: "Membership, December 2026", or "Towels and 13 more"."""
    if not lines:
        return plan_name
    # Stripe puts the plan's line last, after prorations.
    if is_plan and lines[-1].get("period_start"):
        return _("%(plan)s, %(months)s") % {"plan": plan_name, "months": _months_of(lines[-1])}
    first = str(lines[0].get("description") or plan_name)
    if len(lines) == 1:
        return first
    return _("%(first)s and %(count)s more") % {"first": first, "count": len(lines) - 1}
