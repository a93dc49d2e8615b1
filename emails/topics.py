"""What members are told about, as their page of notifications lists it.

A topic is a group of kinds that people want or don't want together. Each kind in the catalog names
its topic. What someone can't do without is sent by email to everybody, and the page says why. Texts
are never needed: who wants any can leave out single topics.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


class Topic(StrEnum):
    """The topics. Links in mails and rows of choices hold these values: they stay as they are."""

    MEMBERSHIP = "membership"
    RENEWALS = "renewals"
    CARD_EXPIRING = "card_expiring"
    RECEIPTS = "receipts"
    BILLS = "bills"
    DUE_REMINDERS = "due_reminders"
    PAYMENT_PROBLEMS = "payment_problems"
    REFUND_PROGRESS = "refund_progress"
    REFUND_RESULTS = "refund_results"
    SECURITY = "security"
    ON_REQUEST = "on_request"


class Group(StrEnum):
    """The sections of the page."""

    MEMBERSHIP = "membership"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class About:
    """A topic in words. `always` says why its emails can't be turned off; empty if they can."""

    group: Group
    title: Words
    tells: Words
    always: Words = ""


GROUPS: dict[Group, Words] = {
    Group.MEMBERSHIP: _("Membership"),
    Group.PAYMENTS: _("Payments"),
    Group.REFUNDS: _("Refunds"),
    Group.ACCOUNT: _("Account and security"),
}
TOPICS: dict[Topic, About] = {
    Topic.MEMBERSHIP: About(
        Group.MEMBERSHIP,
        _("Membership changes"),
        _("When your membership starts, changes, pauses, or ends."),
        _("These emails are your record of what you agreed to."),
    ),
    Topic.RENEWALS: About(
        Group.MEMBERSHIP,
        _("Trial, discount, and renewal notices"),
        _("Before a free trial or a discount ends, a yearly plan renews, or your price goes up."),
        _("So no charge comes as a surprise."),
    ),
    Topic.CARD_EXPIRING: About(
        Group.MEMBERSHIP,
        _("Expiring card"),
        _("When the card we charge is about to expire."),
    ),
    Topic.RECEIPTS: About(
        Group.PAYMENTS,
        _("Receipts"),
        _(
            "When your bank starts a payment, and when one goes through. Your receipts are always"
            " under Payments, too."
        ),
    ),
    Topic.BILLS: About(
        Group.PAYMENTS,
        _("Invoices and payment requests"),
        _("When there’s something to pay, and when it’s overdue."),
        _("You need them to pay on time."),
    ),
    Topic.DUE_REMINDERS: About(
        Group.PAYMENTS,
        _("Payment reminders"),
        _(
            "A few days before an invoice is due, a payment request expires, or we stop waiting for"
            " a Zelle payment."
        ),
    ),
    Topic.PAYMENT_PROBLEMS: About(
        Group.PAYMENTS,
        _("Failed payments"),
        _("When a payment fails, or your bank wants you to confirm it."),
        _("You could lose your membership if you missed one."),
    ),
    Topic.REFUND_PROGRESS: About(
        Group.REFUNDS,
        _("Refund progress"),
        _("When we get your request, when it’s approved, and if you withdraw it."),
    ),
    Topic.REFUND_RESULTS: About(
        Group.REFUNDS,
        _("Refund results"),
        _("When a refund arrives, is declined, or needs an answer from you."),
        _("They’re about your money."),
    ),
    Topic.SECURITY: About(
        Group.ACCOUNT,
        _("Security and account changes"),
        _("New sign-ins, and changes to your email, phone, password, card, or account."),
        _("They tell you if someone else gets in."),
    ),
    Topic.ON_REQUEST: About(
        Group.ACCOUNT,
        _("What you ask for"),
        _("Sign-in codes, links, copies of receipts, and your data."),
        _("We only send them when you ask."),
    ),
}


def is_optional(topic: Topic) -> bool:
    """Whether a topic's emails can be turned off."""
    return not TOPICS[topic].always
