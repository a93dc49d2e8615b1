"""The life of a subscription: renewals, failures and retries, cancellation, invoices by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import (
    FAILS_LATER,
    MONTHLY,
    SECURE,
    VISA,
    YEARLY,
    Server,
    event_types,
    subscribe,
)

ALWAYS_SECURE = "4000002760003184"


def period(subscription: stripe.Subscription) -> tuple[int, int]:
    item = subscription["items"].data[0]
    return item.current_period_start, item.current_period_end


def test_a_renewal_is_announced_drafted_and_paid(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    first = period(alice.subscription)
    began = api.v1.events.list({"limit": 1}).data[0]
    server.advance("renewal")
    events = api.v1.events.list({"limit": 100, "ending_before": began.id}).data[::-1]
    assert [(event.type, event.created - first[1]) for event in events] == [
        ("invoice.upcoming", -7 * 86400),
        ("invoice.created", 0),
        ("customer.subscription.updated", 0),
        ("payment_intent.created", 3600),
        ("invoice.finalized", 3600),
        ("charge.succeeded", 3600),
        ("payment_intent.succeeded", 3600),
        ("invoice_payment.paid", 3600),
        ("invoice.updated", 3600),
        ("invoice.paid", 3600),
        ("invoice.payment_succeeded", 3600),
    ]
    moved = events[2].data.previous_attributes
    assert moved
    assert set(moved.to_dict()) == {"items", "latest_invoice"}
    assert "id" not in events[0].data.object.to_dict()
    assert period(alice.subscription)[0] == first[1]
    latest = alice.invoices[0]
    assert (latest.billing_reason, latest.amount_paid) == ("subscription_cycle", 2900)
    assert (latest.period_start, latest.period_end) == first
    line = latest.lines.data[0].period
    assert (line.start, line.end) == period(alice.subscription)


def test_the_next_invoice_is_previewed(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    subscription = alice.subscription
    preview = api.v1.invoices.create_preview({"subscription": subscription.id})
    assert (preview.amount_due, preview.status) == (2900, "draft")
    assert preview.next_payment_attempt == period(subscription)[1] + 3600
    api.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.invoices.create_preview({"subscription": subscription.id})
    assert caught.value.code == "invoice_upcoming_none"


def test_invoice_numbers_count_up(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    server.advance("renewal")
    numbers = [str(invoice.number) for invoice in alice.invoices]
    assert [number[-5:] for number in numbers] == ["-0002", "-0001"]
    assert len({number[:-5] for number in numbers}) == 1


def test_the_31st_comes_back_after_a_shorter_month(
    server: Server, api: stripe.StripeClient
) -> None:
    start = int(datetime(2025, 1, 31, 12, tzinfo=UTC).timestamp())
    server.post("clock", set=start)
    alice = subscribe(server, api)
    ends = []
    for _ in range(3):
        ends.append(datetime.fromtimestamp(period(alice.subscription)[1], UTC))
        server.advance("renewal")
    assert [(end.month, end.day) for end in ends] == [(2, 28), (3, 31), (4, 30)]


def test_a_year_is_a_year(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, line_items=[{"price": YEARLY, "quantity": 1}])
    for _ in range(11):
        server.advance("month")
    assert len(alice.invoices) == 1
    server.advance_days(40)
    assert [invoice.amount_paid for invoice in alice.invoices] == [29000, 29000]


def test_a_failed_renewal_is_retried_and_ends_the_subscription(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    invoice = alice.invoices[0]
    assert alice.subscription.status == "past_due"
    assert (invoice.status, invoice.attempt_count, invoice.attempted) == ("open", 1, True)
    assert invoice.next_payment_attempt
    assert api.v1.customers.retrieve(alice.id).delinquent is True
    attempts = [invoice.next_payment_attempt]
    for _ in range(2):
        server.post("clock", set=attempts[-1] + 1)
        following = alice.invoices[0].next_payment_attempt
        assert following
        attempts.append(following)
    assert [(b - a) // 86400 for a, b in pairwise(attempts)] == [5, 7]
    server.post("clock", set=attempts[-1] + 1)
    ended = alice.subscription
    assert (ended.status, alice.invoices[0].attempt_count) == ("canceled", 4)
    assert ended.cancellation_details
    assert ended.cancellation_details.reason == "payment_failed"
    assert alice.invoices[0].status == "open"
    failures = api.v1.events.list({"type": "invoice.payment_failed"}).data
    assert [event.data.object["attempt_count"] for event in failures] == [4, 3, 2, 1]
    assert event_types(api)[-1] == "customer.subscription.deleted"
    server.advance("month")
    assert len(alice.invoices) == 2


def test_the_events_of_a_failed_renewal(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    assert event_types(api)[-7:] == [
        "invoice.finalized",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
        "customer.subscription.updated",
        "customer.updated",
    ]
    assert alice.subscription.status == "past_due"


def test_a_new_card_is_taken_by_the_next_retry(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    alice.new_card("4242424242424242")
    assert alice.subscription.status == "past_due"
    server.advance_days(3.1)
    assert (alice.subscription.status, alice.invoices[0].status) == ("active", "paid")
    assert api.v1.customers.retrieve(alice.id).delinquent is False


def test_a_new_card_and_a_paid_invoice_recover_at_once(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    alice.new_card("4242424242424242")
    paid = api.v1.invoices.pay(alice.invoices[0].id)
    assert (paid.status, alice.subscription.status) == ("paid", "active")
    changes = api.v1.events.list({"type": "customer.subscription.updated"}).data[0]
    assert changes.data.previous_attributes
    assert changes.data.previous_attributes.to_dict() == {"status": "past_due"}


def test_paying_with_a_declined_card_is_a_card_error(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    with pytest.raises(stripe.CardError) as caught:
        api.v1.invoices.pay(alice.invoices[0].id, {"payment_method": "pm_card_chargeDeclined"})
    assert caught.value.http_status == 402
    assert alice.invoices[0].attempt_count == 1


def test_a_card_set_up_with_3d_secure_renews_by_itself(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api, SECURE, authenticate=True)
    server.advance("renewal")
    assert alice.invoices[0].status == "paid"


def test_a_card_that_always_asks_needs_its_owner(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, ALWAYS_SECURE, authenticate=True)
    server.advance("renewal")
    assert alice.subscription.status == "past_due"
    assert "invoice.payment_action_required" in event_types(api)
    with pytest.raises(stripe.CardError) as caught:
        api.v1.invoices.pay(alice.invoices[0].id)
    assert caught.value.code == "invoice_payment_intent_requires_action"


def test_an_end_at_the_end_of_the_period(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    end = period(alice.subscription)[1]
    scheduled = api.v1.subscriptions.update(
        alice.subscription.id,
        {"cancel_at_period_end": True, "cancellation_details": {"feedback": "too_expensive"}},
    )
    assert (scheduled.status, scheduled.cancel_at, scheduled.cancel_at_period_end) == (
        "active",
        end,
        True,
    )
    server.post("clock", set=end + 1)
    ended = alice.subscription
    assert (ended.status, ended.ended_at) == ("canceled", end)
    assert ended.cancellation_details
    assert ended.cancellation_details.reason == "cancellation_requested"
    assert ended.cancellation_details.feedback == "too_expensive"
    last = api.v1.events.list({"limit": 1}).data[0]
    assert (last.type, last.created) == ("customer.subscription.deleted", end)
    assert len(alice.invoices) == 1


def test_a_scheduled_end_is_taken_back(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    subscription_id = alice.subscription.id
    api.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True})
    kept = api.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at, kept.cancel_at_period_end) == (None, None, False)
    server.advance("renewal")
    assert alice.subscription.status == "active"


def test_a_subscription_is_canceled_at_once(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    canceled = api.v1.subscriptions.cancel(alice.subscription.id)
    assert canceled.status == "canceled"
    assert api.v1.subscriptions.list({"customer": alice.id}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.subscriptions.cancel(canceled.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        api.v1.subscriptions.update(canceled.id, {"cancel_at_period_end": True})


def test_a_subscription_made_by_the_api(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create({"payment_method": "pm_card_visa"})
    method = api.v1.payment_methods.list({"customer": alice.id}).data[0]
    made = api.v1.subscriptions.create(
        {
            "customer": alice.id,
            "items": [{"price": MONTHLY, "quantity": 2}],
            "default_payment_method": method.id,
            "metadata": {"made": "by hand"},
            "expand": ["latest_invoice.confirmation_secret"],
        }
    )
    assert made.status == "active"
    assert isinstance(made.latest_invoice, stripe.Invoice)
    assert made.latest_invoice.amount_paid == 5800
    assert made.latest_invoice.confirmation_secret


def test_an_unpaid_first_invoice_expires(server: Server, api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create()
    made = api.v1.subscriptions.create(
        {
            "customer": alice.id,
            "items": [{"price": MONTHLY}],
            "payment_behavior": "default_incomplete",
        }
    )
    assert made.status == "incomplete"
    server.advance("day")
    assert api.v1.subscriptions.retrieve(made.id).status == "incomplete_expired"


def test_invoices_are_voided_and_given_up(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    open_id = alice.invoices[0].id
    given_up = api.v1.invoices.mark_uncollectible(open_id)
    assert given_up.status == "uncollectible"
    assert api.v1.invoices.void_invoice(open_id).status == "void"
    assert "invoice.voided" in event_types(api)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        api.v1.invoices.void_invoice(alice.invoices[1].id)


@pytest.mark.parametrize("wanted", [{"paid_out_of_band": True}, {}])
def test_an_invoice_that_was_given_up_is_paid_late(
    server: Server, api: stripe.StripeClient, wanted: Any
) -> None:
    """Documentation of Stripe, "Status transitions and finalization": uncollectible to paid."""
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    open_id = alice.invoices[0].id
    api.v1.invoices.mark_uncollectible(open_id)
    if not wanted:
        with pytest.raises(stripe.CardError, match="declined"):
            api.v1.invoices.pay(open_id)
        alice.new_card(VISA)
    paid = api.v1.invoices.pay(open_id, wanted)
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        api.v1.invoices.pay(open_id)


@pytest.mark.parametrize("let_go", ["mark_uncollectible", "void_invoice"])
def test_who_owes_nothing_any_more_is_in_good_standing(
    server: Server, api: stripe.StripeClient, let_go: str
) -> None:
    """Documentation of Stripe, "How subscriptions work", statuses: `active`, and void invoices."""
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    assert alice.subscription.status == "past_due"
    getattr(api.v1.invoices, let_go)(alice.invoices[0].id)
    assert alice.subscription.status == "active"


def test_an_invoice_paid_outside_of_stripe(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    wanted: Any = {"paid_out_of_band": True, "expand": ["amount_paid_off_stripe", "payments"]}
    paid = api.v1.invoices.pay(alice.invoices[0].id, wanted)
    assert (paid.status, paid.amount_paid, paid.amount_paid_off_stripe) == ("paid", 2900, 2900)
    assert paid.payments
    statuses = {one.payment.type: one.status for one in paid.payments.data}
    assert statuses == {"payment_intent": "canceled", "payment_record": "paid"}
    assert alice.subscription.status == "active"
    told = api.v1.events.list({"type": "invoice.paid", "limit": 1}).data[0].data.object
    assert "amount_paid_off_stripe" not in told
