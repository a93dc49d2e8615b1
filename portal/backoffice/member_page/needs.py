"""What about a member needs somebody, the most urgent first. Pure: no queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.text import Truncator

from billing.admin import labels, two_memberships
from billing.core import texts
from billing.core.statuses import RefundState
from billing.models import Invoice, Refund
from common.staff import show
from emails import names
from portal.backoffice.home.task import Task
from portal.backoffice.member_page.facts import SHOWN, MemberFacts, Money
from portal.models import ClosingState

WARNING = "warning"
# Characters of a member's words; the message's page has all.
LONGEST = 120


def of(facts: MemberFacts, edit_url: str) -> tuple[Task, ...]:
    """Return what this staff member should look at. `edit_url` leads to the account's details."""
    return (*_of_money(facts.money), *_of_messages(facts), *_of_account(facts, edit_url))


def _of_money(money: Money) -> Iterator[Task]:
    for dispute in money.disputes[:SHOWN]:
        state = labels.dispute(dispute)
        due = dispute.needs_response and dispute.evidence_due_at
        until = f" Answer by {show.day(dispute.evidence_due_at)}." if due else ""
        what = "The bank asks about" if dispute.is_inquiry else "The bank disputes"
        tone = "danger" if dispute.needs_response else WARNING
        page = show.page_of(dispute)
        yield Task(f"{what} {dispute.money}: {state.lower()}.{until}", page, "Open", tone)
    for warning in money.fraud[:SHOWN]:
        paid = f"{warning.payment.money} of {show.day(warning.payment.created_at)}"
        text = f"The bank reports {paid} as fraud. A full refund now normally avoids a dispute."
        yield Task(text, show.page_of(warning), "Open", "danger")
    for invoice in money.unpaid[:SHOWN]:
        yield Task(_unpaid(invoice), show.page_of(invoice), "Open")
    yield from _more(len(money.unpaid), "unpaid invoices", "billing.invoice", money)
    for refund in money.refunds[: 2 * SHOWN]:
        yield _refund(refund)
    if money.continuing > 1 and money.membership:
        page = two_memberships.page_of(money.membership.customer.user_id)
        yield Task(f"They pay for {money.continuing} memberships.", page, "Compare")
    yield from _of_card(money)
    for request in money.requests[:SHOWN]:
        asked = f"Asked on {show.day(request.sent_at)} to pay {request.price}; not paid yet."
        yield Task(asked, show.page_of(request), "Open", WARNING)


def _unpaid(row: Invoice) -> str:
    """Return "Invoice A-0001 over $29.00 isn't paid. Payment retry Dec 4, 2026."."""
    name = f"Invoice {row.number}" if row.number else "An invoice"
    open_ = f"{name}: {row.money_remaining} isn’t paid."
    if row.next_payment_attempt_at:
        return f"{open_} Stripe tries again on {show.day(row.next_payment_attempt_at)}."
    if row.due_at:
        was = "was" if row.is_overdue else "is"
        return f"{open_} It {was} due {show.day(row.due_at)}."
    return f"{open_} No retry is scheduled."


def _more(count: int, what: str, model: str, money: Money) -> Iterator[Task]:
    if count > SHOWN and money.customers:
        only = {"customer__id__exact": money.customers[0].pk}
        url = show.list_of(model, **only) if len(money.customers) == 1 else show.list_of(model)
        yield Task(f"There are more {what}.", url, "See all")


def _refund(row: Refund) -> Task:
    waits = f"since {show.day(row.created_at)} ({show.age(row.created_at)})"
    text, action, tone = {
        RefundState.REQUESTED: (f"Refund of {row.money} waits for a decision", "Decide", "danger"),
        RefundState.FAILED: (f"Refund of {row.money} failed, and is still owed", "Open", "danger"),
        RefundState.REQUIRES_ACTION: (f"Refund of {row.money} waits for the member", "Open", ""),
    }.get(RefundState(row.state), (f"Refund of {row.money} is on its way", "Open", ""))
    return Task(f"{text}, {waits}.", show.page_of(row), action, tone or WARNING)


def _of_card(money: Money) -> Iterator[Task]:
    row = money.membership
    if row is None or not row.is_live:
        return
    ends = row.card_ends_at
    if ends and row.is_renewal_charged and not row.is_sent and ends <= row.current_period_end:
        card = texts.card_short(row.card_brand, row.card_last4)
        text = f"{card} expires {texts.card_expiry(row.card_expires)}, before the next charge."
        yield Task(text, show.page_of(row), "Open", WARNING)
    if row.tax_problem:
        text = "No tax is added: Stripe can’t tell where the member is."
        yield Task(text, show.page_of(row), "See why", WARNING)


def _of_messages(facts: MemberFacts) -> Iterable[Task]:
    for said in facts.help[:SHOWN]:
        words = Truncator(said.words.strip()).chars(LONGEST)
        text = f"Wrote {show.age(said.created_at, facts.now)}, not answered yet: “{words}”"
        yield Task(text, show.page_of(said), "Answer")
    for message in facts.failed[:SHOWN]:
        name = names.name_of(message.kind)
        how, on = message.get_channel_display(), show.day(message.created_at)
        yield Task(f"{how} not delivered: {name}, {on}.", show.page_of(message), "See why", WARNING)
    if len(facts.failed) > SHOWN:
        url = show.list_of("emails.message", user__id__exact=facts.user.pk)
        yield Task("More messages weren’t delivered.", url, "See all", WARNING)


def _of_account(facts: MemberFacts, edit: str) -> Iterator[Task]:
    if facts.closing and facts.closing.state == ClosingState.PLANNED:
        text = f"The account closes on {show.day(facts.closing.closes_at)}."
        if facts.closing.planned_by:
            name, why = show.name_of(facts.closing.planned_by), facts.closing.reason
            text = f"{text} {name} planned it: “{why}”"
        if facts.closing.held_because:
            text = f"{text} {facts.closing.held_because}"
        yield Task(text, edit, "Details", WARNING)
    member = facts.user.member
    if member.phone and not member.phone_is_verified:
        yield Task(
            "The phone number isn’t verified, so it gets no texts.", edit, "Details", WARNING
        )
    if facts.user.email and not facts.sign_ins.is_email_verified:
        yield Task("The email address isn’t verified.", edit, "Details", WARNING)
