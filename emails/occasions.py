"""When each kind of message is written, and for whom: what the gallery and the docs say of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from emails import topics
from emails.catalog import Category, Kind, spec_of


class Audience(StrEnum):
    """Whom a kind is for."""

    MEMBER = "Member"
    STAFF = "Staff"
    # They sign up, sign in with an unknown address, are invited, or have just left.
    OTHERS = "Someone without an account"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happens right before a kind is written, and whom it's for."""

    when: str
    audience: Audience = Audience.MEMBER


def _staff(when: str) -> Occasion:
    return Occasion(when, Audience.STAFF)


def _others(when: str) -> Occasion:
    return Occasion(when, Audience.OTHERS)


# What goes to the colleagues who want it, not to STAFF_EMAIL.
BY_CHOICE = frozenset({Kind.NUMBERS, Kind.YESTERDAY, Kind.RENEWAL_FAILED})

OCCASIONS: dict[Kind, Occasion] = {
    Kind.WELCOME: Occasion("A membership or its free trial starts."),
    Kind.JOINED: Occasion("A membership starts, and its first payment goes through."),
    Kind.PAYMENT_RECEIVED: Occasion("A payment goes through, without a welcome on its way."),
    Kind.RECEIPT_AGAIN: Occasion("A member asks for a copy of a receipt."),
    Kind.PAYMENT_FAILED: Occasion("An automatic charge fails."),
    Kind.INVITATION: _others("An imported customer has no account yet, and staff invite them."),
    Kind.PAYMENT_CONFIRMATION: Occasion("The bank wants the member to confirm a charge."),
    Kind.TRIAL_ENDING: Occasion("A free trial or free time ends in a few days."),
    Kind.FREE_TIME: Occasion("Staff give a member free time."),
    Kind.RENEWAL_COMING: Occasion(
        "A yearly plan renews soon, a plan whose discount is gone without an email about it, or one"
        " that costs more because of what’s planned."
    ),
    Kind.CARD_EXPIRING: Occasion("The card expires before the next charge."),
    Kind.CARD_CHANGED: Occasion("A membership is paid with another card from now on."),
    Kind.CARD_LINK: Occasion("Staff send a member the link to change their card."),
    Kind.MEMBERSHIP_ENDS: Occasion("A membership is set to end."),
    Kind.MEMBERSHIP_GOES_ON: Occasion("A membership that was set to end continues."),
    Kind.MEMBERSHIP_ENDED: Occasion("A membership has ended."),
    Kind.MEMBERSHIP_PAUSED: Occasion("Payments are paused."),
    Kind.MEMBERSHIP_RESUMED: Occasion("Payments have resumed."),
    Kind.INVOICE_SENT: Occasion("An invoice is ready that the member pays themselves."),
    Kind.INVOICE_DUE: Occasion("An unpaid invoice is due in a few days."),
    Kind.INVOICE_OVERDUE: Occasion("An invoice is still unpaid after its due date."),
    Kind.PRICE_SWITCHED: Occasion("A membership switches between monthly and yearly."),
    Kind.PRICE_PLANNED: Occasion("Staff plan another price for the end of a member’s period."),
    Kind.PLAN_DROPPED: Occasion("Another price was planned, and the present one stays after all."),
    Kind.OFFER_ACCEPTED: Occasion("A member who was leaving accepts a discount to stay."),
    Kind.PAYMENT_REQUESTED: Occasion("Staff ask a member for a payment."),
    Kind.PAYMENT_EXPIRING: Occasion("A payment request expires in a few days."),
    Kind.DEBIT_COMING: Occasion("A bank starts to process a renewal or a one-time payment."),
    Kind.DISCOUNT_ENDING: Occasion(
        "A discount ends before the next payment. A yearly renewal’s notice says it instead, and"
        " the receipt of its payment if it was for one."
    ),
    Kind.CREDIT_NOTE: Occasion("An invoice is reduced by a credit note."),
    Kind.ZELLE_STARTED: Occasion("A member chooses to pay by Zelle."),
    Kind.ZELLE_REMINDER: Occasion("A payment by Zelle hasn’t arrived, and its last day is near."),
    Kind.ZELLE_RECEIVED: Occasion("A payment by Zelle is matched."),
    Kind.ZELLE_JOINED: Occasion("A payment by Zelle is matched, and a membership starts with it."),
    Kind.ZELLE_PART_RECEIVED: Occasion("Less than the amount arrives by Zelle."),
    Kind.ZELLE_EXPIRED: Occasion("No payment by Zelle arrived in time."),
    Kind.ZELLE_UNDONE: Occasion("Staff undo the match of a payment by Zelle."),
    Kind.PAYMENT_NOT_MADE: Occasion("A one-time payment fails after the member has left the page."),
    Kind.REFUND_RECEIVED: Occasion("A member asks for a refund that someone has to decide on."),
    Kind.REFUND_APPROVED: Occasion("A refund is approved."),
    Kind.REFUND_DENIED: Occasion("A refund is declined or closed."),
    Kind.REFUND_SENT: Occasion("A refund is on its way, is late, or needs an answer."),
    Kind.REFUND_ARRIVED: Occasion("A refund is with the bank."),
    Kind.REFUND_FAILED: Occasion("A refund fails or is canceled."),
    Kind.REFUND_WITHDRAWN: Occasion("A member withdraws a refund request."),
    Kind.REFUND_TAKEN_BACK: _staff("A member withdraws a refund request that staff were told of."),
    Kind.REFUND_TO_DECIDE: _staff("A refund request needs a decision."),
    Kind.REFUND_WAITS: _staff("A refund request has waited too long."),
    Kind.REFUND_IN_TROUBLE: _staff("A refund fails, or Stripe holds it."),
    Kind.MONEY_MISSING: _staff("The bank announced money that no bank file has."),
    Kind.PROBLEM_FOUND: _staff("Something about the portal needs someone: a red task on home."),
    Kind.YESTERDAY: _staff(
        "A day with new or lost members, failed payments, or failed messages, for those who turned"
        " it on."
    ),
    Kind.NUMBERS: _staff("A week has passed, for those who turned it on."),
    Kind.RENEWAL_FAILED: _staff(
        "A renewal’s first charge fails, or its last one if the membership goes on, for those who"
        " turned it on."
    ),
    Kind.FRAUD_REPORTED: _staff("A card’s bank reports a payment as fraud, before any dispute."),
    Kind.DISPUTE_OPENED: _staff("A bank asks about a payment, or wants it back."),
    Kind.DISPUTE_CLOSED: _staff("A dispute has been decided."),
    Kind.HELP_ASKED: _staff("Someone writes to us on the help page."),
    Kind.ADDRESS_CODE: _others("Someone signs up, or enters a new email address."),
    Kind.ADDRESS_LINK: Occasion("Staff correct a member’s email address."),
    Kind.PASSWORD_LINK: Occasion("Someone on the team sends a link to a new password."),
    Kind.STAFF_INVITED: _others("An owner invites someone to the team."),
    Kind.LOGIN_CODE: Occasion("Someone signs in with a code."),
    Kind.SIGN_IN_LINK: Occasion("Staff send a member a sign-in link."),
    Kind.PASSWORD_CODE: Occasion("Someone forgot their password."),
    Kind.PHONE_CODE: Occasion("A phone number is entered that needs verifying."),
    Kind.TEXTS_ON: Occasion("A member agrees to texts."),
    Kind.ACCOUNT_EXISTS: Occasion("Someone signs up with an address that has an account."),
    Kind.UNKNOWN_ACCOUNT: _others("Someone signs in with an address that has no account."),
    Kind.ACCOUNT_CHANGED: Occasion(
        "The email address, phone, password, or second step changes, or a new device signs in."
    ),
    Kind.ACCOUNT_CLOSED: _others("An account is closed: the last email."),
    Kind.DATA_READY: Occasion("A copy of a member’s data can be downloaded."),
    Kind.CLOSING_PLANNED: Occasion("An account is set to close in a few days."),
    Kind.CLOSING_UNDONE: Occasion("The closing of an account is taken back."),
    Kind.CLOSING_HELD: Occasion("An account can’t be closed yet."),
}


def audience_of(kind: Kind) -> Audience:
    """Return whom a kind is for."""
    return OCCASIONS[kind].audience


def channels_of(kind: Kind) -> str:
    """Return how a kind travels, in words."""
    spec = spec_of(kind)
    names = [name for name, is_used in (("email", spec.email), ("text", spec.sms)) if is_used]
    return " and ".join(names).capitalize()


def choice_of(kind: Kind) -> str:
    """Return whether its reader can turn a kind off, and how, in words."""
    spec, audience = spec_of(kind), audience_of(kind)
    if kind in BY_CHOICE:
        return "Optional: each colleague turns it on"
    if audience == Audience.STAFF:
        return "Always, to the addresses in STAFF_EMAIL"
    if audience == Audience.OTHERS or spec.topic is None or spec.category == Category.ACCOUNT:
        return "Always"
    topic = topics.TOPICS[spec.topic]
    if topics.is_optional(spec.topic):
        return f"Optional: “{topic.title}”"
    texts = f"; texts are optional: “{topic.title}”" if spec.sms else ""
    return f"Email always{texts}"
