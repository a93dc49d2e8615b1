"""What needs a person about the bank's money, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.staff import show
from portal.backoffice.home.task import Task
from portal.backoffice.waiting import Bank

WARNING = "warning"


def of_bank(bank: Bank, now: datetime) -> Iterable[Task]:
    """List what this staff member should look at."""
    yield from _of_mails(bank)
    yield from _of_money(bank, now)
    if bank.not_booked:
        yield Task(
            ngettext(
                "%(count)s Zelle payment has been paid for over an hour, but Stripe’s books"
                " don’t have"
                " it.",
                "%(count)s Zelle payments have been paid for over an hour, but Stripe’s books don’t"
                " have them.",
                bank.not_booked,
            )
            % {"count": show.number(bank.not_booked)},
            show.list_of("billing.expectedtransfer", booked="no"),
            _("See why"),
        )


def _of_mails(bank: Bank) -> Iterable[Task]:
    unseen = show.list_of("billing.bankmail", needs="look")
    if bank.unverified:
        yield Task(
            ngettext(
                "%(count)s email claims that money came, and nothing proves that your bank sent"
                " it.",
                "%(count)s emails claim that money came, and nothing proves that your bank sent"
                " them.",
                bank.unverified,
            )
            % {"count": show.number(bank.unverified)},
            unseen,
            ngettext("Look at it", "Look at them", bank.unverified),
        )
    if bank.unread:
        yield Task(
            ngettext(
                "%(count)s email from your bank can’t be read, or repeats another.",
                "%(count)s emails from your bank can’t be read, or repeat others.",
                bank.unread,
            )
            % {"count": show.number(bank.unread)},
            unseen,
            _("See why"),
            WARNING,
        )


def _of_money(bank: Bank, now: datetime) -> Iterable[Task]:
    match = reverse("admin:billing_allocation_match")
    if bank.unmatched:
        text = ngettext(
            "%(count)s transfer waits to be matched with a payment, since %(day)s (%(age)s).",
            "%(count)s transfers wait to be matched with a payment, the oldest since %(day)s"
            " (%(age)s).",
            bank.unmatched,
        )
        age = {"day": show.day(bank.oldest), "age": show.age(bank.oldest, now)}
        yield Task(
            text % {"count": show.number(bank.unmatched), **age},
            match,
            _("Match"),
            WARNING,
        )
    if bank.proposed:
        yield Task(
            ngettext(
                "%(count)s match waits for someone to confirm.",
                "%(count)s matches wait for someone to confirm.",
                bank.proposed,
            )
            % {"count": show.number(bank.proposed)},
            match,
            _("Confirm"),
            WARNING,
        )

    if bank.unproved:
        yield Task(
            ngettext(
                "%(count)s transfer was announced by email, but no file of your account has had"
                " it in"
                " time.",
                "%(count)s transfers were announced by email, but no file of your account has had"
                " them in time.",
                bank.unproved,
            )
            % {"count": show.number(bank.unproved)},
            show.list_of("billing.banktransfer", told="missing"),
            _("See which"),
        )
