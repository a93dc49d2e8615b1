"""What needs a person about the bank's money, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse

from common.staff import show
from portal.backoffice.home.task import Task
from portal.backoffice.waiting import Bank

WARNING = "warning"


def of_bank(bank: Bank, now: datetime) -> Iterable[Task]:
    """List what this staff member should look at."""
    yield from _of_mails(bank)
    yield from _of_money(bank, now)
    if bank.not_booked:
        have = "has" if bank.not_booked == 1 else "have"
        yield Task(
            f"{show.count(bank.not_booked, 'Zelle payment')} {have} been paid for over an hour,"
            " but Stripe’s books don’t"
            f" have {_it(bank.not_booked)}.",
            show.list_of("billing.expectedtransfer", booked="no"),
            "See why",
        )


def _of_mails(bank: Bank) -> Iterable[Task]:
    unseen = show.list_of("billing.bankmail", needs="look")
    if bank.unverified:
        claims = "claims" if bank.unverified == 1 else "claim"
        yield Task(
            f"{show.count(bank.unverified, 'email')} {claims} that money came, and nothing proves"
            " that your bank sent it.",
            unseen,
            "Look at it" if bank.unverified == 1 else "Look at them",
        )
    if bank.unread:
        repeats = "repeats another" if bank.unread == 1 else "repeat others"
        yield Task(
            f"{show.count(bank.unread, 'email')} from your bank can’t be read, or {repeats}.",
            unseen,
            "See why",
            WARNING,
        )


def _of_money(bank: Bank, now: datetime) -> Iterable[Task]:
    match = reverse("admin:billing_allocation_match")
    if bank.unmatched:
        waits = "waits" if bank.unmatched == 1 else "wait"
        since = "since" if bank.unmatched == 1 else "the oldest since"
        yield Task(
            f"{show.count(bank.unmatched, 'transfer')} {waits} to be matched with a payment,"
            f" {since} {show.day(bank.oldest)} ({show.age(bank.oldest, now)}).",
            match,
            "Match",
            WARNING,
        )
    if bank.proposed:
        waits = "match waits" if bank.proposed == 1 else "matches wait"
        yield Task(
            f"{show.number(bank.proposed)} {waits} for someone to confirm.",
            match,
            "Confirm",
            WARNING,
        )

    if bank.unproved:
        was = "was" if bank.unproved == 1 else "were"
        yield Task(
            f"{show.count(bank.unproved, 'transfer')} {was} announced by email, but no file of your"
            f" account has had {_it(bank.unproved)} in time.",
            show.list_of("billing.banktransfer", told="missing"),
            "See which",
        )


def _it(count: int) -> str:
    return "it" if count == 1 else "them"
