"""A month of the books as a journal entry: debits equal credits, however the month went (pure).

Every line of a statement changes Stripe's balance by its amount, so it's posted twice: to Stripe's
balance, and the other way around to the account that it belongs to. Tax is then moved out of the
accounts that it came in with. What moved directly is posted against the bank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from billing.core.book_words import Section

STRIPE, TRANSIT, BANK = "stripe", "transit", "bank"
MEMBERSHIP, SUBSCRIPTION, SINGLE, OTHER = "membership", "subscription", "single", "other"
REFUNDS, DISPUTES, FEES, ADJUSTMENTS, TAX = "refunds", "disputes", "fees", "adjustments", "tax"
OF_SECTION = {
    Section.REFUNDS: REFUNDS,
    Section.DISPUTES: DISPUTES,
    Section.FEES: FEES,
    Section.OTHER: ADJUSTMENTS,
    Section.PAYOUTS: TRANSIT,
}
BALANCE, PAID_OUT, SALES_TAX = "Stripe's balance", "Payouts to the bank", "Sales tax"


class Account(NamedTuple):
    """An account: what it's for, and what it's called until somebody says otherwise.

    As long as nobody names it, what's `instead` of it is posted to, name and code, if it has one.
    There's no code to begin with. Each chart of accounts has its own, and a wrong one is posted
    without a word, or refused: Xero's manual journals can't have its system accounts.
    """

    meaning: str
    name: str
    instead: str = ""


ACCOUNTS = {
    STRIPE: Account("Stripe’s balance", "Stripe balance"),
    TRANSIT: Account("Payouts on their way to the bank", "Payouts in transit"),
    BANK: Account("Bank account (Zelle, cash, checks)", "Checking"),
    MEMBERSHIP: Account("Income from memberships", "Membership income"),
    SUBSCRIPTION: Account("Income from other subscriptions", "Sales", instead=SINGLE),
    SINGLE: Account("Income from one-time payments", "Sales"),
    OTHER: Account("Income from customers who aren’t members", "Sales"),
    REFUNDS: Account("Refunds", "Refunds"),
    DISPUTES: Account("Disputes", "Chargebacks"),
    FEES: Account("Stripe’s and dispute fees", "Payment processing fees"),
    ADJUSTMENTS: Account("Adjustments and reserves", "Stripe adjustments"),
    TAX: Account("Sales tax to be paid", "Sales tax payable"),
}


@dataclass(frozen=True)
class Posting:
    """A line of an entry, in minor units: a debit if it's positive, a credit if it's negative."""

    account: str
    text: str
    amount: int


@dataclass(frozen=True)
class Entry:
    """A month in one currency, on its last day. Its postings come to nothing."""

    number: str
    day: date
    currency: str
    text: str
    postings: list[Posting]

    @property
    def debits(self) -> int:
        """What its debits come to, which is what its credits do."""
        return sum(one.amount for one in self.postings if one.amount > 0)


def of_line(section: Section, sold: str, label: str, amount: int) -> Iterator[Posting]:
    """Yield what a statement's line posts: Stripe's balance against its account."""
    account = sold if section is Section.GROSS else OF_SECTION[section]
    balance = PAID_OUT if section is Section.PAYOUTS else BALANCE
    yield Posting(STRIPE, balance, amount)
    yield Posting(account, label, -amount)


def of_tax(account: str, amount: int) -> Iterator[Posting]:
    """Yield what moves tax out of the account that it came in with, or went back with."""
    yield Posting(account, SALES_TAX, amount)
    yield Posting(TAX, SALES_TAX, -amount)


def of_direct(account: str, label: str, amount: int) -> Iterator[Posting]:
    """Yield what moved outside of Stripe."""
    yield Posting(BANK, label, amount)
    yield Posting(account, label, -amount)


def merged(postings: Iterable[Posting]) -> list[Posting]:
    """Return one posting per account and text, in order; what comes to nothing is left out."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in postings:
        sums[one.account, plain(one.text)] += one.amount
    order = list(ACCOUNTS)
    found = [Posting(*key, amount) for key, amount in sums.items() if amount]
    return sorted(found, key=lambda one: (order.index(one.account), one.text))


def plain(text: str) -> str:
    """Return a posting's text with a straight apostrophe, which every program takes."""
    return text.replace("’", "'")


def by_account(postings: Iterable[Posting]) -> list[Posting]:
    """Return one posting per account and side: for a program that takes few lines."""
    words = {key: plain(account.meaning) for key, account in ACCOUNTS.items()}
    each = [Posting(one.account, words[one.account], one.amount) for one in postings]
    sides = ([one for one in each if one.amount > 0], [one for one in each if one.amount < 0])
    return [one for side in sides for one in merged(side)]


def names(chosen: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, str]]:
    """Return each account's name and code: those that staff chose, or the portal's own name."""
    return {key: _named(key, chosen) for key in ACCOUNTS}


def _named(key: str, chosen: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    account, own = ACCOUNTS[key], chosen.get(key, {})
    if account.instead and not any(own.values()):
        return _named(account.instead, chosen)
    return own.get("name") or account.name, own.get("code") or ""


def without_code(postings: Iterable[Posting], chosen: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what the accounts are for that are posted to and have no code."""
    posted, known = {one.account for one in postings}, names(chosen)
    return [
        account.meaning for key, account in ACCOUNTS.items() if key in posted and not known[key][1]
    ]
