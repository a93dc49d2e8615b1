"""A context for every kind of message, plain and hostile."""

from __future__ import annotations

from typing import Any

from emails.catalogue import Kind

REFUND = {
    "name": "Nina Novak",
    "amount": "$29.00",
    "description": "Harbor Yoga membership, November 2026",
    "url": "https://portal.example.com/refunds/123456/",
}
STAFF_REFUND = {
    "amount": "$29.00",
    "member": "Nina Novak",
    "description": "Harbor Yoga membership, November 2026",
    "reason": "I did not use it",
    "words": "I was ill all month.",
    "asked_on": "2026-11-24T12:00:00+00:00",
    "url": "https://portal.example.com/staff/billing/refund/42/change/",
}
SAMPLES: dict[Kind, dict[str, Any]] = {
    Kind.WELCOME: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "price": "$29.00",
        "interval": "month",
        "tax_words": "plus tax",
        "next_charge_on": "2026-12-24T12:00:00+00:00",
        "trial_ends_on": "",
    },
    Kind.PAYMENT_RECEIVED: {
        "name": "Nina Novak",
        "amount": "$29.00",
        "description": "Harbor Yoga membership, November 2026",
        "recovered": False,
        "next_card": "Visa ending in 0341",
        "home_url": "https://portal.example.com/",
        "invoice_number": "HY-0042",
        "paid_on": "2026-11-24T12:00:00+00:00",
        "method": "Visa ending in 4242",
        "is_direct": False,
        "lines": [{"description": "1 × Harbor Yoga membership", "amount": "$30.00"}],
        "taxes": [{"description": "Sales tax, New York (8.875%)", "amount": "$2.00"}],
        "taxes_included": [{"description": "Includes VAT (19%)", "amount": "$4.63"}],
        "tax_note": "Tax exempt.",
        "discount": "−$3.00",
        "discount_label": "Discount (code WELCOME50)",
        "credits": [{"description": "Credit applied", "amount": "−$1.00"}],
        "total": "$29.00",
        "url": "https://portal.example.com/payments/invoices/123456/",
    },
    Kind.PAYMENT_FAILED: {
        "name": "Nina Novak",
        "amount": "$29.00",
        "description": "Harbor Yoga membership, December 2026",
        "reason": "Your card was declined by your bank. Try another card, or ask your bank.",
        "method": "Visa ending in 0341",
        "next_attempt_on": "2026-12-27T12:00:00+00:00",
        "final": False,
        "last_try_follows": False,
        "url": "https://portal.example.com/payments/invoices/123456/",
    },
    Kind.INVITATION: {
        "name": "Nina Novak",
        "address": "nina@example.com",
        "url": "https://portal.example.com/accounts/signup/",
    },
    Kind.PAYMENT_CONFIRMATION: {
        "name": "Nina Novak",
        "amount": "$29.00",
        "description": "Harbor Yoga membership, December 2026",
        "method": "Visa ending in 3184",
        "url": "https://portal.example.com/payments/invoices/123456/stripe/",
    },
    Kind.TRIAL_ENDING: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "price": "$29.00",
        "interval": "month",
        "ends_on": "2026-12-24T12:00:00+00:00",
        "method": "Visa ending in 4242",
        "url": "https://portal.example.com/membership/",
    },
    Kind.RENEWAL_COMING: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "price": "$290.00",
        "interval": "year",
        "renews_on": "2026-12-24T12:00:00+00:00",
        "method": "Visa ending in 4242",
        "url": "https://portal.example.com/membership/",
    },
    Kind.CARD_EXPIRING: {
        "name": "Nina Novak",
        "method": "Visa ending in 4242",
        "expires": "12/2026",
        "next_charge_on": "2026-12-24T12:00:00+00:00",
        "url": "https://portal.example.com/membership/",
    },
    Kind.MEMBERSHIP_ENDS: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "ends_on": "2026-12-24T12:00:00+00:00",
        "credit": "$12.00",
        "url": "https://portal.example.com/membership/",
    },
    Kind.MEMBERSHIP_GOES_ON: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "price": "$29.00",
        "next_charge_on": "2026-12-24T12:00:00+00:00",
        "credit_used": "",
        "credit": "",
        "url": "https://portal.example.com/membership/",
    },
    Kind.MEMBERSHIP_ENDED: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "ended_on": "2026-12-24T12:00:00+00:00",
        "unpaid": False,
        "credit": "",
        "url": "https://portal.example.com/membership/",
    },
    Kind.PRICE_SWITCHED: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "rhythm": "yearly",
        "price": "$290.00",
        "interval": "year",
        "next_charge": "$290.00",
        "next_charge_on": "2027-11-24T12:00:00+00:00",
        "credit_used": "$29.00",
        "credit": "$261.00",
        "url": "https://portal.example.com/membership/",
    },
    Kind.OFFER_ACCEPTED: {
        "name": "Nina Novak",
        "plan_name": "Harbor Yoga membership",
        "terms": "20% off for 3 months",
        "next_charge": "$23.20",
        "next_charge_on": "2026-12-24T12:00:00+00:00",
        "credit_used": "",
        "credit": "",
        "url": "https://portal.example.com/membership/",
    },
    Kind.PAYMENT_REQUESTED: {
        "name": "Nina Novak",
        "amount": "$40.00",
        "description": "Workshop fee, 12 December",
        "expires_on": "2026-12-08T12:00:00+00:00",
        "url": "https://portal.example.com/pay/42.lGnZbTNqKxtZ0Rk6u1vP8s5J3yYwDh7cQeXaBfViMoE/",
    },
    Kind.PAYMENT_NOT_MADE: {
        "name": "Nina Novak",
        "amount": "$40.00",
        "description": "Workshop fee, 12 December",
        "reason": "The bank account is closed.",
        "method": "Bank account ending in 6789",
        "url": "https://portal.example.com/pay/42.lGnZbTNqKxtZ0Rk6u1vP8s5J3yYwDh7cQeXaBfViMoE/",
    },
    Kind.CREDIT_NOTE: {
        "name": "Nina Novak",
        "amount": "$9.00",
        "description": "Harbor Yoga membership, December 2026",
        "invoice_number": "HY-0042",
        "number": "HY-0042-CN-01",
        "sentences": ["$9.00 is kept for you: your next invoices are that much lower."],
        "url": "https://portal.example.com/payments/invoices/123456/",
    },
    Kind.REFUND_RECEIVED: {
        **REFUND,
        "reason": "I did not use it",
        "two_people": False,
        "leaves": True,
        "goes_on_until": "2027-11-24T12:00:00+00:00",
        "because": ", because credit paid part of it",
    },
    Kind.REFUND_APPROVED: {
        **REFUND,
        "asked": "$35.00",
        "words": "You came to one of the four evenings.",
        "method": "Visa ending in 4242",
        "leaves": True,
        "goes_on_until": "",
        "because": "",
    },
    Kind.REFUND_DENIED: {
        **REFUND,
        "words": "The workshop took place, and you were there.",
        "is_closed": False,
    },
    Kind.REFUND_SENT: {
        **REFUND,
        "sentence": "Our payment provider is still working on it.",
        "needs_answer": False,
        "answered": False,
        "until": "2026-12-01T12:00:00+00:00",
        "method": "Visa ending in 4242",
    },
    Kind.REFUND_ARRIVED: {
        **REFUND,
        "words": "Thank you for your patience.",
        "method": "Visa ending in 4242",
        "from": "2026-12-01T12:00:00+00:00",
        "until": "2026-12-08T12:00:00+00:00",
    },
    Kind.REFUND_FAILED: {
        **REFUND,
        "sentence": "Your bank sent it back: the card was reported lost or stolen.",
        "outlook": "We have been told and will be in touch.",
        "is_closed": False,
        "again_url": "",
        "method": "Visa ending in 5126",
    },
    Kind.REFUND_TO_DECIDE: {
        **STAFF_REFUND,
        "headline": "A member asks for a refund",
        "sentence": "It waits for one of you.",
    },
    Kind.REFUND_WAITS: {
        **STAFF_REFUND,
        "headline": "A refund still waits for a decision",
        "sentence": "It was asked for 3 days ago, and nobody has decided.",
    },
    Kind.REFUND_IN_TROUBLE: {
        **STAFF_REFUND,
        "headline": "Refund failed",
        "sentence": "Stripe says: lost or stolen card. The money is back with us.",
    },
    Kind.PROBLEM_FOUND: {
        "text": "Our records differ from Stripe: 2 differences found on 24 Nov 2026.",
        "action": "See the differences",
        "url": "https://portal.example.com/staff/billing/reconciliation/42/change/",
    },
    Kind.DISPUTE_OPENED: {
        "headline": "A payment of $29.00 is disputed",
        "sentence": "The money is with the bank until it decides.",
        "is_inquiry": False,
        "amount": "$29.00",
        "member": "Nina Novak",
        "reason": "The card's owner says that they did not make this payment.",
        "paid_on": "2026-11-04T12:00:00+00:00",
        "due_on": "2026-12-03T12:00:00+00:00",
        "url": "https://portal.example.com/staff/billing/dispute/42/change/",
    },
    Kind.DISPUTE_CLOSED: {
        "headline": "Dispute lost",
        "sentence": "The bank decided for the card's owner: $29.00 are gone, and Stripe's fee.",
        "amount": "$29.00",
        "member": "Nina Novak",
        "reason": "The card's owner says that they did not make this payment.",
        "opened_on": "2026-11-24T12:00:00+00:00",
        "url": "https://portal.example.com/staff/billing/dispute/42/change/",
    },
    Kind.ADDRESS_CODE: {"code": "K7F3-9QXZ", "minutes": 15},
    Kind.ADDRESS_LINK: {
        "url": "https://portal.example.com/account/email/confirm/eyJ1c2VyIjo0Mn0:1abc:def/",
        "days": 3,
    },
    Kind.LOGIN_CODE: {"code": "K7F3-9QXZ", "minutes": 3},
    Kind.PASSWORD_CODE: {"code": "K7F3-9QXZ", "minutes": 1},
    Kind.PHONE_CODE: {"code": "K7F3-9QXZ", "minutes": 15},
    Kind.ACCOUNT_EXISTS: {"url": "https://portal.example.com/accounts/login/"},
    Kind.UNKNOWN_ACCOUNT: {"url": "https://portal.example.com/accounts/signup/"},
    Kind.ACCOUNT_CHANGED: {
        "headline": "Your password was changed",
        "sentence": "The password of your account was changed.",
        "at": "2026-11-24T12:00:00+00:00",
        "device": "Firefox on Windows",
        "ip": "192.0.2.7",
        "url": "https://portal.example.com/account/",
    },
}

HOSTILE = """<script>alert("x")</script> & 'quotes' {{ braces }} """ + "long" * 60
# What a member, a browser or somebody in Stripe's dashboard may choose.
CHOSEN = {"name", "description", "plan_name", "reason", "method", "device", "ip", "sentence"}
CHOSEN |= {"invoice_number", "code", "headline", "member", "words"}


def hostile(context: dict[str, Any]) -> dict[str, Any]:
    """Return the context with what somebody else may choose replaced by the worst they can."""
    worst = {key: HOSTILE if key in CHOSEN else value for key, value in context.items()}
    if "lines" in worst:
        worst["lines"] = [{"description": HOSTILE, "amount": "$30.00"}]
    return worst
