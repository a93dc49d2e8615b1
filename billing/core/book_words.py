"""The lines of the books: which of Stripe's reporting categories belongs where, in words (pure).

Stripe documentation, "Reporting categories". More may be added: an unknown one counts as other.
"""

from enum import StrEnum


class Section(StrEnum):
    """The sections of a month, in order. Fees that a transaction carries are in `FEES`."""

    GROSS = "gross"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    FEES = "fees"
    OTHER = "other"
    PAYOUTS = "payouts"


HEADINGS = {
    Section.GROSS: "Payments",
    Section.REFUNDS: "Refunds",
    Section.DISPUTES: "Disputes",
    Section.FEES: "Fees",
    Section.OTHER: "Adjustments and reserves",
    Section.PAYOUTS: "Payouts to the bank",
}
OPENING, NET, CLOSING = "Opening balance", "Net before payouts", "Closing balance"
TAX = "Sales tax included"
# What moved without Stripe: payments by what stands in for the card's brand, and what went back.
OUTSIDE = "Outside Stripe’s balance"
ZELLE_REFUND, GIVEN_BACK = "zelle_refund", "given_back"
DIRECT = {
    "zelle": "Received by Zelle",
    "out_of_band": "Received outside Stripe",
    ZELLE_REFUND: "Refunded by Zelle",
    GIVEN_BACK: "Given back outside Stripe",
}
SECTIONS: dict[str, Section] = {
    "charge": Section.GROSS,
    "partial_capture_reversal": Section.GROSS,
    "refund": Section.REFUNDS,
    "refund_failure": Section.REFUNDS,
    "charge_failure": Section.REFUNDS,
    "dispute": Section.DISPUTES,
    "dispute_reversal": Section.DISPUTES,
    "fee": Section.FEES,
    "network_cost": Section.FEES,
    "tax": Section.FEES,
    "payout": Section.PAYOUTS,
    "payout_reversal": Section.PAYOUTS,
}
CATEGORIES: dict[str, str] = {
    "charge": "Payment",
    "charge_failure": "Payment that failed later",
    "dispute": "Dispute",
    "dispute_reversal": "Dispute won",
    "fee": "Stripe’s fee",
    "other_adjustment": "Adjustment",
    "payout": "Payout",
    "payout_minimum_balance_hold": "Minimum balance held",
    "payout_minimum_balance_release": "Minimum balance released",
    "payout_reversal": "Payout returned",
    "refund": "Refund",
    "refund_failure": "Refund that failed",
    "risk_reserve": "Reserve",
    "tax": "Tax on Stripe’s fees",
    "topup": "Top-up",
}
FEES: dict[str, str] = {
    "application_fee": "Application fees",
    "payment_method_passthrough_fee": "Payment method fees",
    "stripe_fee": "Stripe’s fees",
    "tax": "Tax on Stripe’s fees",
    "withheld_tax": "Withheld tax",
}
DISPUTE_FEES = "Dispute fees"
UNCATEGORIZED = "Without a category"


def section(category: str) -> Section:
    """Return the section that a reporting category belongs to."""
    return SECTIONS.get(category, Section.OTHER)


def category(name: str) -> str:
    """Return a reporting category in words."""
    return CATEGORIES.get(name) or name.replace("_", " ").capitalize() or UNCATEGORIZED


def fee(kind: str, of_category: str) -> str:
    """Return a fee's kind in words; a dispute's is Stripe's price for answering it."""
    if kind == "stripe_fee" and section(of_category) is Section.DISPUTES:
        return DISPUTE_FEES
    return FEES.get(kind) or kind.replace("_", " ").capitalize()
