"""Billing's jobs. Each is safe to run twice."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from billing.core.jobs import JobName
from billing.core.statuses import OPEN_EVENT
from billing.disputes import answering
from billing.facts import daily, trials
from billing.inbound import events, replays
from billing.models import Customer, ExpectedTransfer, StripeEvent
from billing.notices import reminders
from billing.reconcile import closing_books, history, missed_events, push
from billing.refunds import ledger, sending
from billing.refunds import notices as refund_notices
from billing.refunds import staff_notices as refund_staff_notices
from billing.refunds import sync as refund_sync
from billing.refunds import transitions as refund_transitions
from billing.sync import account_setup, assignment, balance, catalog, refresh, taxing
from billing.zelle import booking, ending, expecting, mailbox, missing, outgoing, receiving
from billing.zelle import jobs as zelle_jobs
from common.one_by_one import OneByOne, SomeFailed
from common.queue import Backoff, enqueue_once

logger = logging.getLogger(__name__)

EVENT_BACKOFF = Backoff(max_attempts=30)
OVERDUE = timedelta(minutes=2)


@app.task(retry=EVENT_BACKOFF, pass_context=True)
def process_event(context: JobContext, event_id: int, again: bool = False) -> None:
    """Process one stored event."""
    is_last = EVENT_BACKOFF.is_last(context.job.attempts)
    events.process(event_id, is_last_attempt=is_last, again=again)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="sweep_inbox")
def sweep_inbox(timestamp: int) -> None:
    """Enqueue overdue events that have no waiting job."""
    overdue = StripeEvent.objects.filter(
        state__in=OPEN_EVENT, received_at__lt=timezone.now() - OVERDUE
    )
    for pk in overdue.order_by("pk").values_list("pk", flat=True)[:1000]:
        enqueue_once(process_event, f"event:{pk}", event_id=pk)


@app.task(retry=Backoff(max_attempts=30))
def replay_events(replay_pk: int) -> None:
    """Hand over the next events of a replay that staff started."""
    replays.hand_over(replay_pk)


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="find_missed_events", retry=Backoff(max_attempts=5, first=60))
def find_missed_events(timestamp: int = 0) -> None:
    """Ask Stripe for the events that never reached us."""
    missed_events.find_missed_events()


@app.periodic(cron="37 3 * * *")
@app.task(queueing_lock="reconcile", retry=Backoff(max_attempts=5, first=300))
def compare_with_stripe(timestamp: int) -> None:
    """Compare our whole copy with Stripe once a day; staff decide about a repair."""
    run = missed_events.reconcile(repair=False)
    if run.differences_left:
        logger.error("Our copy differs from Stripe: %s.", run.summary)


@app.task(queueing_lock="repair", retry=Backoff(max_attempts=5, first=60))
def repair_from_stripe() -> None:
    """Reread what differs from Stripe (a staff button)."""
    missed_events.reconcile(repair=True)


@app.task(retry=Backoff(max_attempts=20))
def read_history(customer_id: str) -> None:
    """Read everything a newly assigned customer has, then process the events that waited."""
    if Customer.objects.filter(stripe_id=customer_id, history_read_at=None).exists():
        try:
            history.read_history(customer_id)
        except SomeFailed:
            # The waiting events don't depend on what failed.
            history.replay_waiting(customer_id)
            raise
    history.replay_waiting(customer_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="tell_stripe_of_changes")
def tell_stripe_of_changes(timestamp: int) -> None:
    """Enqueue customers whose latest data Stripe doesn't know."""
    for pk in push.behind().order_by("pk").values_list("pk", flat=True)[:1000]:
        enqueue_once(tell_stripe, f"tell:{pk}", customer_pk=pk)


@app.task(retry=Backoff(max_attempts=20))
def tell_stripe(customer_pk: int) -> None:
    """Tell Stripe a member's new email address, name, or language."""
    push.tell(customer_pk)


@app.periodic(cron="*/2 * * * *")
@app.task(queueing_lock="match_customers")
def match_customers(timestamp: int) -> None:
    """Give unassigned customers to members who have verified their address since."""
    assignment.match_verified()


@app.periodic(cron="47 * * * *")
@app.task(queueing_lock="refresh_plan", retry=Backoff(max_attempts=10))
def refresh_plan(timestamp: int = 0) -> None:
    """Reread the plan's price, in case it was changed in Stripe's dashboard.

    Also check whether Stripe Tax can resume where an address was missing.
    """
    catalog.sync_current_plan()
    refresh.read_unknown_items()
    refresh.read_unknown_taxes()
    taxing.turn_on_again()


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock=JobName.READ_BALANCE, lock="read_balance", retry=Backoff(max_attempts=10))
def read_balance(timestamp: int = 0) -> None:
    """Read the balance's new transactions and payouts, of which no event tells."""
    balance.read_balance()


@app.periodic(cron="53 * * * *")
@app.task(queueing_lock="check_setup", retry=Backoff(max_attempts=5, first=60))
def check_setup(timestamp: int = 0) -> None:
    """Check that Stripe is set up so members can change their card."""
    account_setup.check_portal()


@app.periodic(cron="7 4 * * *")
@app.task(queueing_lock="remember_trials", retry=Backoff(max_attempts=5, first=300))
def remember_trials(timestamp: int = 0) -> None:
    """Keep digests, under the current key, of the addresses of everyone who had a trial."""
    trials.remember_all()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="refresh_facts", lock="facts")
def refresh_facts(timestamp: int = 0) -> None:
    """Count again the members and days that changed, for the staff's numbers."""
    daily.refresh_all()


@app.periodic(cron="52 2 * * *")
@app.task(queueing_lock="rebuild_facts", lock="facts", retry=Backoff(max_attempts=5, first=300))
def rebuild_facts(timestamp: int = 0) -> None:
    """Count all numbers anew once a day."""
    daily.rebuild()


@app.periodic(cron="23 14 * * *")
@app.task(queueing_lock="remind_members", retry=Backoff(max_attempts=10))
def remind_members(timestamp: int) -> None:
    """Tell members of trials that end, years that are renewed, cards that expire, and of answers
    that Stripe waits for.
    """
    run = OneByOne()
    with run.each("Reminders"):
        reminders.remind_all()
    with run.each("Refunds that need an answer"):
        refund_notices.remind_to_answer()
    run.finish()


@app.periodic(cron="11 * * * *")
@app.task(queueing_lock="tidy_zelle_payments", retry=Backoff(max_attempts=5, first=60))
def tidy_zelle_payments(timestamp: int = 0) -> None:
    """Remind members of payments by Zelle that they started, and expire those past their date."""
    run = OneByOne()
    with run.each("Reminders of Zelle payments"):
        expecting.remind()
    with run.each("Zelle payments past their date"):
        expecting.expire()
    run.finish()


@app.task(retry=Backoff(max_attempts=12))
def send_refund(refund_pk: int) -> None:
    """Send an approved refund to Stripe."""
    sending.send(refund_pk)


@app.task(retry=Backoff(max_attempts=20))
def make_credit_note(refund_pk: int) -> None:
    """Make the credit note for a refund of an invoice's payment."""
    sending.make_credit_note(refund_pk)


@app.task(retry=Backoff(max_attempts=20))
def end_membership_of_refund(refund_pk: int) -> None:
    """End the membership of a member who asked for that with their refund."""
    sending.end_membership(refund_pk)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="sweep_refunds")
def sweep_refunds(timestamp: int) -> None:
    """Enqueue refunds that should be at Stripe by now."""
    for refund in sending.overdue().select_related("customer")[:1000]:
        refund_transitions.enqueue(JobName.SEND_REFUND, refund)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="sweep_dispute_answers")
def sweep_dispute_answers(timestamp: int = 0) -> None:
    """Finish sending answers to banks that Stripe hasn't confirmed."""
    answering.finish_all()


@app.periodic(cron="37 13 * * *")
@app.task(queueing_lock="end_unpaid_zelle", retry=Backoff(max_attempts=10))
def end_unpaid_zelle(timestamp: int = 0) -> None:
    """End memberships whose renewal wasn't paid by Zelle in time."""
    ending.end_unpaid()


@app.periodic(cron="19 13 * * *")
@app.task(queueing_lock="tell_of_missing_money", retry=Backoff(max_attempts=10))
def tell_of_missing_money(timestamp: int = 0) -> None:
    """Tell staff of money that was announced, and that no file has had."""
    missing.tell()


@app.task(retry=Backoff(max_attempts=12))
def book_zelle(expected_pk: int) -> None:
    """Book a confirmed payment by Zelle at Stripe."""
    booking.book(expected_pk)


@app.task(retry=Backoff(max_attempts=20))
def take_back_zelle(expected_pk: int, invoice_pk: int) -> None:
    """Take back what was booked for money that was somebody else's."""
    booking.take_back(expected_pk, invoice_pk)


@app.task(retry=Backoff(max_attempts=12))
def prove_refund(refund_pk: int) -> None:
    """Look whether a refund that was sent by Zelle is on the account already."""
    outgoing.look_for(refund_pk)


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="sweep_zelle")
def sweep_zelle(timestamp: int) -> None:
    """Enqueue payments by Zelle that should be booked at Stripe by now."""
    for expected in ExpectedTransfer.objects.to_book()[:1000]:
        zelle_jobs.enqueue(JobName.BOOK_ZELLE, expected)


@app.periodic(cron="41 7 * * *")
@app.task(queueing_lock="remind_staff_of_refunds", retry=Backoff(max_attempts=10))
def remind_staff_of_refunds(timestamp: int) -> None:
    """Tell staff once a day about refunds that wait too long: for them, the worker, or Stripe."""
    refund_staff_notices.remind()


@app.periodic(cron="7 2 * * *")
@app.task(queueing_lock="verify_ledger", retry=Backoff(max_attempts=5, first=300))
def verify_ledger(timestamp: int = 0) -> None:
    """Verify the refund ledger and the closed months once a day; export both heads."""
    check = ledger.verify()
    try:
        refund_sync.compare_with_stripe(check)
    finally:
        ledger.export_head(check)
        closing_books.verify()
    closing_books.export_head()
    if check.problems:
        logger.error("The ledger of refunds: %s", "; ".join(check.problems[:5]))


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="read_bank_mail", lock="read_bank_mail")
def read_bank_mail(timestamp: int = 0) -> None:
    """Read the mailbox that the bank writes to, if one is set."""
    if settings.BANK_MAIL_URL:
        mailbox.read(receiving.receive)
