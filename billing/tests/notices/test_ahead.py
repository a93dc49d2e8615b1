"""What's told ahead of time: a discount ends, a payment request expires."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from billing.core.dates import plain_date
from billing.core.statuses import RequestState
from billing.models import PaymentRequest, Subscription
from billing.notices import announcing, reminders
from billing.notices.transitions import PricePlanned
from billing.tests import factories, staff_world
from conftest import run_jobs
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db
NOW = timezone.now
YEARLY = "price_membership_yearly"
LATER = NOW() + timedelta(days=20)
# The amounts of an invoice with a discount of 20%.
LOWERED = {"subtotal": 2900, "discount": 580, "total": 2320, "amount_paid": 2320}


def told(user: User) -> list[str]:
    """Return the kinds of the emails to somebody, in order."""
    rows = Message.objects.filter(user=user, channel="email").order_by("pk")
    return list(rows.values_list("kind", flat=True))


def discount(days: float) -> dict[str, Any]:
    """Return a discount of 20% that ends in some days, as Stripe tells of one."""
    return {
        "id": "di_1",
        "coupon": "co_1",
        "name": "",
        "code": "",
        "percent_off": 20.0,
        "amount_off": None,
        "currency": "",
        "duration": "repeating",
        "ends_at": int((NOW() + timedelta(days=days)).timestamp()),
    }


def member(renews_in: float, ends_in: float, period: int = 30) -> Subscription:
    """Make a membership with a discount."""
    end = NOW() + timedelta(days=renews_in)
    return factories.make_subscription(
        current_period_start=end - timedelta(days=period),
        current_period_end=end,
        discounts=[discount(ends_in)],
        next_charge=2900,
    )


@pytest.mark.parametrize(
    ("renews_in", "ends_in", "is_told"),
    [(5, 4, True), (20, 5, True), (20, 15, False), (5, 10, False)],
)
def test_the_end_of_a_discount_is_told_before_the_first_full_price(
    renews_in: float, ends_in: float, is_told: bool
) -> None:
    row = member(renews_in, ends_in)
    reminders.remind_all()
    reminders.remind_all()
    assert told(row.customer.user) == ["discount_ending"] * is_told
    if is_told:
        text = rendering.render_email(Message.objects.get(kind="discount_ending")).text
        assert "your discount (20% off) ends on" in text
        assert "We’ll charge $29.00" in text


def test_a_yearly_renewal_says_it_itself() -> None:
    row = member(5, 4, period=365)
    factories.make_invoice(row.customer, subscription=row, discount=580)
    reminders.remind_all()
    assert told(row.customer.user) == ["renewal_coming"]
    text = rendering.render_email(Message.objects.get(kind="renewal_coming")).text
    assert "This payment no longer includes 20% off." in text


def paid_less(**facts: Any) -> Subscription:
    """Make a monthly membership whose last payment had a discount that's gone."""
    row = member(5, 4)
    Subscription.objects.filter(pk=row.pk).update(discounts=[], **facts)
    factories.make_invoice(row.customer, subscription=row, **LOWERED)
    return row


def test_a_payment_without_the_earlier_discount_is_told_before() -> None:
    """Staff took the discount back, or the member wants no receipts."""
    row = paid_less()
    reminders.remind_all()
    reminders.remind_all()
    assert told(row.customer.user) == ["renewal_coming"]
    text = rendering.render_email(Message.objects.get(kind="renewal_coming")).text
    assert "Your earlier discount doesn’t apply to this payment." in text
    assert "$29.00" in text


@pytest.mark.parametrize("state", ["sent", "skipped"])
def test_what_a_receipt_said_of_the_next_payment_isnt_told_again(state: str) -> None:
    row = paid_less()
    staff_world.make_message(
        row.customer.user,
        cause=row.invoices.get().stripe_id,
        context={"full_price": "$29.00"},
        state=state,
    )
    reminders.remind_all()
    assert ("renewal_coming" in told(row.customer.user)) == (state == "skipped")


@pytest.mark.parametrize("facts", [{"next_charge": 2320}, {"current_period_end": LATER}])
def test_a_renewal_that_costs_no_more_or_is_far_off_is_not_told(facts: dict[str, Any]) -> None:
    row = paid_less(**facts)
    reminders.remind_all()
    assert told(row.customer.user) == []


def test_a_discount_that_was_extended_isnt_called_ending() -> None:
    row = member(5, 4)
    reminders.remind_all()
    Subscription.objects.update(discounts=[discount(40)])
    run_jobs()
    message = Message.objects.get(kind="discount_ending")
    assert (message.state, message.error) == ("skipped", "The discount has another end now.")
    assert told(row.customer.user) == ["discount_ending"]


def test_two_discounts_that_end_are_told_together_and_once() -> None:
    """The subscription has one, and its item another, which ends later."""
    row = member(12, 4)
    of_item = discount(9) | {"percent_off": None, "amount_off": 500, "currency": "usd"}
    Subscription.objects.update(discounts=[of_item | {"item": "si_1"}, discount(4)])
    reminders.remind_all()
    mail = rendering.render_email(Message.objects.get(kind="discount_ending"))
    words = " ".join(mail.text.split())
    assert mail.subject == "Discounts end before your next payment"
    assert "these discounts end before your next payment: 20% off, $5.00 off." in words
    first, second = (plain_date(NOW() + timedelta(days=days)) for days in (4, 9))
    assert f"Discount: 20% off until {first} Discount: $5.00 off until {second}" in words
    assert "We’ll charge $29.00" in words
    Subscription.objects.update(discounts=[of_item])
    reminders.remind_all()
    assert told(row.customer.user) == ["discount_ending"]


def test_one_of_two_discounts_that_ends_is_named_alone() -> None:
    row = member(5, 4)
    lasting = discount(200) | {"id": "di_2", "percent_off": 10.0}
    Subscription.objects.update(discounts=[lasting, discount(4)], next_charge=2610)
    reminders.remind_all()
    assert told(row.customer.user) == ["discount_ending"]
    text = rendering.render_email(Message.objects.get(kind="discount_ending")).text
    assert "your discount (20% off) ends on" in text
    assert ("10%" in text, "We’ll charge $26.10" in text) == (False, True)


def test_a_yearly_renewal_names_the_discounts_that_end_before_it() -> None:
    row = member(5, 4, period=365)
    lasting = discount(200) | {"id": "di_2", "percent_off": 10.0}
    Subscription.objects.update(discounts=[lasting, discount(4)])
    reminders.remind_all()
    assert told(row.customer.user) == ["renewal_coming"]
    text = rendering.render_email(Message.objects.get(kind="renewal_coming")).text
    assert "This payment no longer includes 20% off." in text


def planned(next_charge: int | None = 29000, **facts: Any) -> Subscription:
    """Make a monthly membership that becomes a yearly one in five days, as its member knows."""
    factories.make_plan(stripe_id=YEARLY, amount=29000, interval="year")
    end = NOW() + timedelta(days=5)
    values: dict[str, Any] = {"planned_price_id": YEARLY, "planned_at": end}
    values |= {"schedule_id": "sub_sched_1", "current_period_end": end, "next_charge": next_charge}
    row = factories.make_subscription(**values | facts)
    factories.make_invoice(row.customer, subscription=row, total=2900, amount_paid=2900)
    if row.planned_price_id:
        announcing.announce(PricePlanned(row, NOW()))
        earlier = NOW() - timedelta(days=20)
        Message.objects.update(state="delivered", created_at=earlier)
    return row


def test_a_higher_price_that_is_planned_is_told_before_its_first_payment() -> None:
    row = planned()
    reminders.remind_all()
    reminders.remind_all()
    assert told(row.customer.user) == ["price_planned", "renewal_coming"]
    mail = rendering.render_email(Message.objects.get(kind="renewal_coming", channel="email"))
    assert mail.subject.endswith(": $290.00")
    assert "From then on, you’ll pay $290.00 a year, as planned." in " ".join(mail.text.split())


def test_a_planned_price_of_an_amount_that_nobody_knows_is_told_before() -> None:
    row = planned(next_charge=None)
    reminders.remind_all()
    assert told(row.customer.user) == ["price_planned", "renewal_coming"]
    mail = rendering.render_email(Message.objects.get(kind="renewal_coming", channel="email"))
    assert "Amount" not in mail.text
    assert "you’ll pay $290.00 a year, as planned." in " ".join(mail.text.split())


@pytest.mark.parametrize("state", ["queued", "sent", "skipped"])
def test_a_plan_that_was_just_told_is_not_told_again(state: str) -> None:
    row = planned()
    Message.objects.update(state=state, created_at=NOW() - timedelta(days=3))
    reminders.remind_all()
    assert ("renewal_coming" in told(row.customer.user)) == (state == "skipped")


def test_what_else_is_planned_is_told_before_if_it_costs_more() -> None:
    row = planned(5800, planned_price_id="")
    reminders.remind_all()
    assert told(row.customer.user) == ["renewal_coming"]
    mail = rendering.render_email(Message.objects.get(kind="renewal_coming", channel="email"))
    assert mail.subject.endswith(": $58.00")
    assert "From this payment on, you’ll pay more, as planned." in mail.text


@pytest.mark.parametrize("facts", [{"amount": 29000}, {"planned_at": LATER}])
def test_a_plan_that_costs_no_more_or_is_far_off_is_not_told_again(facts: dict[str, Any]) -> None:
    row = planned(**facts)
    reminders.remind_all()
    assert told(row.customer.user) == ["price_planned"]


def test_a_plan_that_is_dropped_is_not_told_as_coming() -> None:
    row = planned()
    reminders.remind_all()
    now = {"planned_price_id": "", "planned_at": None, "next_charge": 2900}
    Subscription.objects.update(**now)
    run_jobs()
    message = Message.objects.get(kind="renewal_coming", channel="email")
    assert (message.state, message.error) == ("skipped", "Something else is planned now.")
    Message.objects.filter(kind="renewal_coming").delete()
    reminders.remind_all()
    assert told(row.customer.user) == ["price_planned"]


@pytest.mark.parametrize(
    ("days", "left", "is_told"), [(14, 2, True), (14, 5, False), (2, 1, False)]
)
def test_a_payment_request_is_reminded_of_once(days: int, left: int, is_told: bool) -> None:
    user = factories.make_customer().user
    PaymentRequest.objects.create(
        user=user,
        amount=4000,
        currency="usd",
        description="Key deposit",
        sent_at=NOW() - timedelta(days=days - left),
        expires_at=NOW() + timedelta(days=left),
    )
    reminders.remind_all()
    reminders.remind_all()
    assert told(user) == ["payment_expiring"] * is_told
    if is_told:
        PaymentRequest.objects.update(state=RequestState.CANCELED)
        run_jobs()
        assert Message.objects.get().state == "skipped"
