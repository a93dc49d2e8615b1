"""What the kinds of messages are called, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from emails.catalog import Kind

NAMES: Mapping[str, str | Promise] = {
    Kind.WELCOME: _("Welcome"),
    Kind.JOINED: _("Joined"),
    Kind.PAYMENT_RECEIVED: _("Payment received"),
    Kind.RECEIPT_AGAIN: _("Receipt again"),
    Kind.PAYMENT_FAILED: _("Payment failed"),
    Kind.INVITATION: _("Invitation"),
    Kind.PAYMENT_CONFIRMATION: _("Payment confirmation"),
    Kind.TRIAL_ENDING: _("Trial ending"),
    Kind.FREE_TIME: _("Free time"),
    Kind.RENEWAL_COMING: _("Renewal coming"),
    Kind.CARD_EXPIRING: _("Card expiring"),
    Kind.CARD_CHANGED: _("Card changed"),
    Kind.CARD_LINK: _("Card link"),
    Kind.MEMBERSHIP_ENDS: _("Membership ends"),
    Kind.MEMBERSHIP_GOES_ON: _("Membership goes on"),
    Kind.MEMBERSHIP_ENDED: _("Membership ended"),
    Kind.MEMBERSHIP_PAUSED: _("Membership paused"),
    Kind.MEMBERSHIP_RESUMED: _("Membership resumed"),
    Kind.INVOICE_SENT: _("Invoice sent"),
    Kind.INVOICE_DUE: _("Invoice due"),
    Kind.INVOICE_OVERDUE: _("Invoice overdue"),
    Kind.PRICE_SWITCHED: _("Price switched"),
    Kind.PRICE_PLANNED: _("Price planned"),
    Kind.PLAN_DROPPED: _("Plan dropped"),
    Kind.OFFER_ACCEPTED: _("Offer accepted"),
    Kind.PAYMENT_REQUESTED: _("Payment requested"),
    Kind.PAYMENT_EXPIRING: _("Payment expiring"),
    Kind.DEBIT_COMING: _("Debit coming"),
    Kind.DISCOUNT_ENDING: _("Discount ending"),
    Kind.CREDIT_NOTE: _("Credit note"),
    Kind.ZELLE_STARTED: _("Zelle started"),
    Kind.ZELLE_REMINDER: _("Zelle reminder"),
    Kind.ZELLE_RECEIVED: _("Zelle received"),
    Kind.ZELLE_JOINED: _("Zelle joined"),
    Kind.ZELLE_PART_RECEIVED: _("Zelle part received"),
    Kind.ZELLE_EXPIRED: _("Zelle expired"),
    Kind.ZELLE_UNDONE: _("Zelle undone"),
    Kind.PAYMENT_NOT_MADE: _("Payment not made"),
    Kind.REFUND_RECEIVED: _("Refund received"),
    Kind.REFUND_APPROVED: _("Refund approved"),
    Kind.REFUND_DENIED: _("Refund denied"),
    Kind.REFUND_SENT: _("Refund sent"),
    Kind.REFUND_ARRIVED: _("Refund arrived"),
    Kind.REFUND_FAILED: _("Refund failed"),
    Kind.REFUND_WITHDRAWN: _("Refund withdrawn"),
    Kind.REFUND_TO_DECIDE: _("Refund to decide"),
    Kind.REFUND_TAKEN_BACK: _("Refund taken back"),
    Kind.REFUND_WAITS: _("Refund waits"),
    Kind.REFUND_IN_TROUBLE: _("Refund in trouble"),
    Kind.MONEY_MISSING: _("Money missing"),
    Kind.PROBLEM_FOUND: _("Problem found"),
    Kind.NUMBERS: _("Numbers"),
    Kind.YESTERDAY: _("Yesterday"),
    Kind.RENEWAL_FAILED: _("Renewal failed"),
    Kind.FRAUD_REPORTED: _("Fraud reported"),
    Kind.DISPUTE_OPENED: _("Dispute opened"),
    Kind.DISPUTE_CLOSED: _("Dispute closed"),
    Kind.ADDRESS_CODE: _("Address code"),
    Kind.ADDRESS_LINK: _("Address link"),
    Kind.PASSWORD_LINK: _("Password link"),
    Kind.STAFF_INVITED: _("Staff invited"),
    Kind.LOGIN_CODE: _("Login code"),
    Kind.SIGN_IN_LINK: _("Sign in link"),
    Kind.PASSWORD_CODE: _("Password code"),
    Kind.PHONE_CODE: _("Phone code"),
    Kind.TEXTS_ON: _("Texts on"),
    Kind.ACCOUNT_EXISTS: _("Account exists"),
    Kind.UNKNOWN_ACCOUNT: _("Unknown account"),
    Kind.ACCOUNT_CHANGED: _("Account changed"),
    Kind.ACCOUNT_CLOSED: _("Account closed"),
    Kind.DATA_READY: _("Data ready"),
    Kind.HELP_ASKED: _("Help asked"),
    Kind.CLOSING_PLANNED: _("Closing planned"),
    Kind.CLOSING_UNDONE: _("Closing undone"),
    Kind.CLOSING_HELD: _("Closing held"),
}


def name_of(kind: str) -> str:
    """Return a kind of message in words; one that was sent once and is none anymore, too."""
    return str(NAMES.get(kind) or kind.replace("_", " ").capitalize())
