"""The numbers by day: kept current by the database's notes, equal to a count from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from billing.core.statuses import InvoiceStatus, SubscriptionStatus
from billing.facts import daily
from billing.models import (
    CohortFact,
    Customer,
    DayFact,
    Dispute,
    FactDue,
    FactState,
    Invoice,
    MemberSpan,
    Payment,
    Refund,
    Subscription,
    TrialSpan,
)
from billing.tests import factories

pytestmark = pytest.mark.django_db
START = datetime(2024, 1, 31, 4, 30, tzinfo=UTC)  # the evening before in New York
DAY = timedelta(days=1)
PLAN, LOCKER = "prod_membership", "prod_locker"


def stamp(at: datetime) -> int:
    return int(at.timestamp())


def month(start: datetime, count: int = 1) -> datetime:
    """Return the same time some months later, on the last day if the month is shorter."""
    months = start.year * 12 + start.month - 1 + count
    for day in range(start.day, 0, -1):
        try:
            return start.replace(year=months // 12, month=months % 12 + 1, day=day)
        except ValueError:
            continue
    raise AssertionError


def subscribe(customer: Customer, at: datetime = START, **fields: Any) -> Subscription:
    period = {"current_period_start": at, "current_period_end": month(at)}
    return factories.make_subscription(customer, started_at=at, **period | fields)


def bill(row: Subscription, begin: datetime, end: datetime | None = None, **fields: Any) -> Invoice:
    """Return an invoice of a period."""
    amount = fields.pop("amount", row.amount)
    line = {
        "description": "1 × Membership",
        "quantity": 1,
        "amount": amount,
        "product": PLAN if row.is_membership else LOCKER,
        "period_start": stamp(begin),
        "period_end": stamp(end or month(begin)),
    }
    values = {"lines": [line], "created_at": begin, "finalized_at": begin, "paid_at": begin}
    values |= {"currency": row.currency, "total": amount}
    return factories.make_invoice(row.customer, subscription=row, **values | fields)


def counts() -> dict[tuple[str, str], tuple[int, int]]:
    """Return what was counted on all days together, by currency and kind."""
    sums = DayFact.objects.order_by().values("currency", "kind")
    return {
        (row["currency"], row["kind"]): (row["count"], row["amount"])
        for row in sums.annotate(count=Sum("count"), amount=Sum("amount"))
    }


def pay(invoice: Invoice, **fields: Any) -> Payment:
    values = {"paid_at": invoice.paid_at, "currency": invoice.currency, "amount": invoice.total}
    return factories.make_payment(invoice=invoice, **values | fields)


def give_back(payment: Payment, amount: int, at: datetime, **fields: Any) -> Refund:
    values: dict[str, Any] = {"state": "succeeded", "origin": "staff"}
    return Refund.objects.create(
        payment=payment,
        customer=payment.customer,
        amount=amount,
        amount_asked=amount,
        currency=payment.currency,
        created_at=at,
        sent_at=at,
        **values | fields,
    )


def test_a_year_of_a_business_is_counted() -> None:
    daily.rebuild()
    stays, leaves = factories.make_customer(), factories.make_customer()
    membership, locker = subscribe(stays), factories.make_other_subscription(stays)
    Subscription.objects.filter(pk=locker.pk).update(started_at=START)
    locker.refresh_from_db()
    first = bill(membership, START)
    pay(first)
    pay(bill(locker, month(START)), card_brand="zelle")
    factories.make_payment(stays, amount=1500, paid_at=START)
    late = bill(membership, month(START), attempt_count=3)
    lost = bill(membership, month(START, 2), status=InvoiceStatus.OPEN, attempt_count=1)
    gone = subscribe(
        leaves,
        status=SubscriptionStatus.CANCELED,
        ended_at=START + 40 * DAY,
        trial_end=START + 14 * DAY,
    )
    bill(gone, START, START + 14 * DAY, amount=0)
    refunded = pay(bill(gone, START + 14 * DAY))
    give_back(refunded, 500, START + 20 * DAY)
    factories.make_dispute(refunded, created_at=START + 30 * DAY)
    factories.make_dispute(refunded, created_at=START, status="warning_needs_response")
    daily.refresh_all()
    assert not FactDue.objects.exists()
    assert counts() == {
        ("usd", "mrr:new"): (2, 5800),
        ("usd", "mrr:expansion"): (1, 900),
        ("usd", "mrr:churn"): (1, -2900),
        ("usd", "members:new"): (2, 0),
        ("usd", "members:lost"): (1, 0),
        ("usd", "trials:started"): (1, 0),
        ("usd", "trials:ended"): (1, 0),
        ("usd", "trials:converted"): (1, 0),
        ("usd", "paid:membership"): (2, 5800),
        ("usd", "paid:other"): (1, 900),
        ("usd", "paid:once"): (1, 1500),
        ("usd", "paid_through:stripe"): (3, 7300),
        ("usd", "refunded"): (1, 500),
        ("usd", "disputed"): (1, 2900),
        ("usd", "failed"): (2, late.total + lost.total),
        ("usd", "recovered"): (1, late.total),
    }
    # The evening in New York is the next day in UTC.
    assert DayFact.objects.filter(kind="members:new").earliest("day").day == date(2024, 1, 30)


def test_news_that_changes_nothing_is_not_counted_again() -> None:
    daily.rebuild()
    row = subscribe(factories.make_customer())
    bill(row, START)
    daily.refresh_all()
    Subscription.objects.update(read_at=START, card_last4="1111")
    Invoice.objects.update(read_at=START, hosted_url="https://stripe.example/i")
    assert not FactDue.objects.exists()


def test_another_time_zone_counts_everything_anew(settings: Settings) -> None:
    daily.refresh_all()
    bill(subscribe(factories.make_customer()), START)
    daily.refresh_all()
    assert MemberSpan.objects.get().day == date(2024, 1, 30)
    settings.TIME_ZONE = "Asia/Tokyo"
    daily.refresh_all()
    assert MemberSpan.objects.get().day == date(2024, 1, 31)
    assert FactState.objects.get().time_zone == "Asia/Tokyo"


def test_what_is_deleted_or_becomes_anothers_is_no_longer_counted() -> None:
    daily.refresh_all()
    one, other = factories.make_customer(), factories.make_customer()
    row = subscribe(one, trial_end=START + 7 * DAY)
    bill(row, START + 7 * DAY)
    daily.refresh_all()
    Customer.objects.filter(pk=one.pk).update(user=other.user)
    daily.refresh_all()
    assert {span.user_id for span in MemberSpan.objects.all()} == {other.user_id}
    assert TrialSpan.objects.get().user_id == other.user_id
    Invoice.objects.all().delete()
    row.delete()
    one.delete()
    daily.refresh_all()
    assert daily.recount() == (set(), set(), set(), set())


def test_a_payment_is_for_a_membership_as_soon_as_its_subscription_is_one() -> None:
    daily.refresh_all()
    row = subscribe(factories.make_customer(), is_membership=False)
    pay(bill(row, START))
    daily.refresh_all()
    assert ("usd", "paid:other") in counts()
    Subscription.objects.update(is_membership=True)
    daily.refresh_all()
    assert ("usd", "paid:membership") in counts()
    assert ("usd", "paid:other") not in counts()


def test_those_who_joined_in_a_month_are_followed() -> None:
    for number in range(3):
        ended: dict[str, Any] = {}
        if number:
            ended = {"status": "canceled", "ended_at": month(START, number)}
        bill(subscribe(factories.make_customer(), **ended), START)
    daily.rebuild()
    cohort = CohortFact.objects.filter(joined=date(2024, 1, 1)).order_by("month")
    changes = [(one.month, one.change) for one in cohort]
    assert changes == [
        (date(2024, 1, 1), 3),
        (date(2024, 2, 1), -1),
        (date(2024, 3, 1), -1),
    ]


def test_the_command_counts_anew(capsys: pytest.CaptureFixture[str]) -> None:
    bill(subscribe(factories.make_customer()), START)
    call_command("rebuild_facts")
    assert capsys.readouterr().out == "Counted 1 members anew.\n"
    assert MemberSpan.objects.count() == 1


# Random histories: whatever happens in whatever order, what's kept equals a count from nothing.


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Around changes of clocks, a leap day, ends of months and of the year.
TIMES = st.sampled_from(
    [
        *(START, datetime(2024, 2, 29, 23, 59, tzinfo=UTC), datetime(2024, 3, 10, 5, tzinfo=UTC)),
        *(datetime(2024, 3, 10, 7, 30, tzinfo=UTC), datetime(2024, 11, 3, 5, 30, tzinfo=UTC)),
        *(datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 1, 1, 4, 59, tzinfo=UTC)),
    ]
)
STATUSES = st.sampled_from(["active", "active", "past_due", "unpaid", "trialing", "paused"])
BILLS = st.sampled_from(["paid", "paid", "open", "void", "draft", "uncollectible"])
FOREVER = [{"duration": "forever", "percent_off": 20.0, "amount_off": None}]
STEPS = st.sampled_from(
    [
        *("subscribe", "subscribe", "bill", "bill", "bill", "pay", "pay", "refund", "dispute"),
        *("end", "change", "void", "back_date", "move", "delete_bill", "delete_payment"),
        *("other_plan", "fail", "lose", "refresh", "zelle"),
    ]
)


class World:
    """Two members, and what may happen to what they have."""

    def __init__(self, draw: st.DataObject) -> None:
        self.draw = draw
        self.customers = [factories.make_customer() for _ in range(2)]

    def pick(self, rows: list[Any]) -> Any:
        return self.draw.draw(st.sampled_from(rows))

    def one_of(self, model: type[Any]) -> Any:
        rows = list(model.objects.order_by("pk"))
        return self.pick(rows) if rows else None

    def at(self) -> datetime:
        return self.draw.draw(TIMES) + self.draw.draw(st.integers(0, 70)) * DAY

    def step(self, what: str) -> None:
        if what == "refresh":
            daily.refresh_all()
        elif what == "subscribe":
            self._subscribe()
        elif what in ("bill", "end", "change", "other_plan"):
            if row := self.one_of(Subscription):
                getattr(self, f"_{what}")(row)
        elif what in ("pay", "void", "back_date", "fail", "delete_bill", "zelle"):
            if row := self.one_of(Invoice):
                getattr(self, f"_{what}")(row)
        elif what == "move":
            owner = self.pick(self.customers).user
            Customer.objects.filter(pk=self.pick(self.customers).pk).update(user=owner)
        elif what == "lose":
            Dispute.objects.update(status=self.pick(["lost", "won", "warning_closed"]))
        elif payment := self.one_of(Payment):
            getattr(self, f"_{what}")(payment)

    def _subscribe(self) -> None:
        at = self.at()
        fields: dict[str, Any] = {"status": self.draw.draw(STATUSES)}
        fields |= {"currency": self.pick(["usd", "eur"]), "amount": self.pick([2900, 29000, 999])}
        fields |= {"interval": self.pick(["month", "year", "week"])}
        if self.draw.draw(st.booleans()):
            fields["trial_end"] = at + self.pick([7, 14, 30]) * DAY
        if self.draw.draw(st.booleans()):
            fields["discounts"] = FOREVER
        subscribe(self.pick(self.customers), at, **fields)

    def _bill(self, row: Subscription) -> None:
        begin = row.started_at + self.pick([0, 7, 14, 30, 31, 61]) * DAY
        end = begin + self.pick([7, 14, 31, 366]) * DAY
        fields = {"status": self.draw.draw(BILLS), "discount": self.pick([0, 500])}
        bill(row, begin, end, amount=self.pick([0, row.amount, 2 * row.amount]), **fields)

    def _end(self, row: Subscription) -> None:
        ended = self.pick([None, row.started_at + self.pick([0, 1, 14, 45]) * DAY])
        status = "canceled" if ended else "active"
        Subscription.objects.filter(pk=row.pk).update(ended_at=ended, status=status)

    def _change(self, row: Subscription) -> None:
        paused = self.pick(["", "void"])
        Subscription.objects.filter(pk=row.pk).update(
            amount=self.pick([1000, 5800]), pause_behavior=paused, status=self.draw.draw(STATUSES)
        )

    def _other_plan(self, row: Subscription) -> None:
        Subscription.objects.filter(pk=row.pk).update(is_membership=not row.is_membership)

    def _pay(self, invoice: Invoice) -> None:
        pay(invoice, paid_at=self.at())

    def _zelle(self, invoice: Invoice) -> None:
        pay(invoice, paid_at=self.at(), card_brand="zelle")

    def _void(self, invoice: Invoice) -> None:
        Invoice.objects.filter(pk=invoice.pk).update(status=self.draw.draw(BILLS))

    def _fail(self, invoice: Invoice) -> None:
        Invoice.objects.filter(pk=invoice.pk).update(attempt_count=self.pick([0, 1, 3]))

    def _back_date(self, invoice: Invoice) -> None:
        begin = invoice.created_at - self.pick([1, 40]) * DAY
        lines = [one | {"period_start": stamp(begin)} for one in invoice.lines]
        Invoice.objects.filter(pk=invoice.pk).update(
            created_at=begin, finalized_at=begin, lines=lines
        )

    def _delete_bill(self, invoice: Invoice) -> None:
        if not invoice.payments.exists():
            invoice.delete()

    def _refund(self, payment: Payment) -> None:
        state = self.pick(["succeeded", "pending", "failed"])
        give_back(payment, 100, self.at(), state=state)

    def _dispute(self, payment: Payment) -> None:
        factories.make_dispute(payment, created_at=self.at(), currency=payment.currency)

    def _delete_payment(self, payment: Payment) -> None:
        if not payment.refunds.exists() and not payment.disputes.exists():
            payment.delete()


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data(), st.lists(STEPS, min_size=3, max_size=25))
def test_what_is_kept_equals_a_full_recount(data: st.DataObject, steps: list[str]) -> None:
    with undone():
        daily.rebuild()
        world = World(data)
        for step in steps:
            world.step(step)
        daily.refresh_all()
        kept = daily.recount()
        daily.rebuild()
        assert kept == daily.recount()
        for day, currency in {(row[2], row[1]) for row in kept[0]}:
            on_the_day = _by_hand(day, currency)
            facts = DayFact.objects.filter(currency=currency, day__lte=day)
            mrr = facts.filter(kind__startswith="mrr:").aggregate(sum=Sum("amount", default=0))
            joined = {one.kind: one.count for one in _all_members(facts)}
            members = joined.get("members:new", 0) + joined.get("members:returned", 0)
            members -= joined.get("members:lost", 0)
            assert (mrr["sum"], members) == on_the_day


def _all_members(facts: Any) -> list[DayFact]:
    sums = facts.filter(kind__startswith="members:").order_by().values("kind")
    return [
        DayFact(kind=row["kind"], count=row["total"]) for row in sums.annotate(total=Sum("count"))
    ]


def _by_hand(day: date, currency: str) -> tuple[int, int]:
    """Add up what each subscription was worth at the end of a day, and count the members."""
    total, members = 0, set()
    users = set(Subscription.objects.values_list("customer__user_id", flat=True))
    for user in users:
        for span in daily._read([user]).spans[user]:
            if span.currency == currency and span.day <= day < (span.until or date.max):
                total += span.mrr
                members |= {user} if span.is_member else set()
    return total, len(members)
