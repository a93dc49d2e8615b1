"""The staff's home page reads first, in few statements at any size; its words run no query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.core.statuses import ZELLE, EventState, RefundState, SubscriptionStatus
from billing.facts import windows
from billing.facts.measures import MEASURES
from billing.facts.numbers import UNKNOWN, Numbers
from billing.models import Customer, Dispute, Refund, StripeEvent, Subscription, UnassignedCustomer
from billing.tests import factories, staff_world
from billing.tests.staff_world import auditor, make_failed_event, make_message, superuser
from emails.models import Message
from portal.backoffice.home import facts as home_facts
from portal.backoffice.home.business import Business
from portal.backoffice.home.facts import Failures, HomeFacts, Integration, Jobs, MoneyFacts
from portal.backoffice.home.page import home
from portal.backoffice.problem_facts import ProblemFacts
from portal.backoffice.waiting import Disputes, Help, Queue, Refunds, Waiting, waiting
from portal.models import SupportMessage

# Session, user and profile; what waits; problems, money, and the integration; four of numbers,
# and who gets them by email. A group's permissions take two more, and each kind of failure one.
MOST_QUERIES = 17
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def newcomer() -> User:
    """Return somebody of the staff who may see nothing yet."""
    return factories.make_member("New Comer", is_staff=True)


def refund(state: RefundState, **fields: Any) -> Refund:
    """Return a refund of a payment of its own."""
    payment = factories.make_payment(amount=2900)
    values = {"amount": 500, "amount_asked": 500, "currency": "usd", "origin": "member"}
    whose = {"payment": payment, "customer": payment.customer, "created_at": timezone.now()}
    return Refund.objects.create(**values, **whose | fields, state=state)


def trouble(number: int) -> None:
    """Make one of everything that home can show."""
    now = timezone.now()
    make_failed_event()
    make_message(None, state="failed", dedupe_key=f"failed {number}")
    make_message(None, state="queued", is_our_fault=True, dedupe_key=f"queued {number}")
    factories.make_event(state=EventState.PENDING, received_at=now - DAY)
    factories.make_subscription(status=SubscriptionStatus.PAST_DUE, tax_problem="no place")
    factories.make_subscription(status=SubscriptionStatus.TRIALING, is_second_trial=True)
    twice = factories.make_customer()
    factories.make_subscription(twice)
    factories.make_subscription(twice)
    factories.make_dispute(evidence_due_at=now + DAY)
    refund(RefundState.REQUESTED)
    refund(RefundState.APPROVED, decided_at=now - DAY)
    refund(RefundState.PENDING, stripe_id=f"re_held{number}", sent_at=now - 11 * DAY)
    refund(RefundState.FAILED, stripe_id=f"re_failed{number}", failed_at=now - DAY)
    factories.make_invoice(status="draft", finalization_error="No address")


@pytest.mark.django_db
@pytest.mark.parametrize("who", [superuser, auditor, newcomer])
@pytest.mark.django_db
def test_home_takes_few_statements_however_much_is_wrong(
    client: Client, who: Callable[[], User], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    staff_world.make_world()
    client.force_login(who())
    for count in (0, 1, 12):
        for number in range(count):
            trouble(100 * count + number)
        with django_assert_max_num_queries(MOST_QUERIES):
            assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.django_db
def test_what_waits_is_one_statement_and_finds_what_the_lists_find(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        assert waiting() == Waiting()
    staff_world.make_world()
    for number in range(3):
        trouble(number)
    refund(RefundState.APPROVED, decided_at=timezone.now())
    by_hand = factories.make_payment(amount=2900, card_brand=ZELLE)
    refund(RefundState.APPROVED, decided_at=timezone.now() - DAY, payment=by_hand)
    refund(RefundState.FAILED, stripe_id="re_long_ago", failed_at=timezone.now() - 31 * DAY)
    refund(RefundState.PENDING, stripe_id="re_normal", sent_at=timezone.now() - 9 * DAY)
    with django_assert_num_queries(1):
        counts = waiting()
    asked = Refund.objects.undecided()
    assert counts == Waiting(
        events=Queue(
            StripeEvent.objects.filter(state="pending").count(),
            3,
            StripeEvent.objects.filter(state="pending").order_by("received_at")[0].received_at,
        ),
        messages=Queue(3, 3, Message.objects.filter(state="queued").order_by("pk")[0].created_at),
        disputes=Disputes(4, Dispute.objects.to_answer()[0].evidence_due_at),
        refunds=Refunds(
            waiting=4,
            oldest=asked.order_by("created_at")[0].created_at,
            failed=Refund.objects.failed_lately().count(),
            not_sent=Refund.objects.not_sent().count(),
            held=Refund.objects.held().count(),
            by_zelle=1,
        ),
        unassigned=UnassignedCustomer.objects.count(),
        help=Help(1, SupportMessage.objects.get().created_at),
    )
    assert (counts.refunds.failed, counts.refunds.not_sent, counts.refunds.held) == (3, 3, 3)
    assert counts.unassigned == 1


@pytest.mark.django_db
def test_only_what_somebody_may_see_is_read(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    trouble(0)
    now_waiting = waiting()
    with django_assert_num_queries(0):
        nothing = home_facts.home(frozenset(), now_waiting)
    assert (nothing.problems, nothing.money, nothing.integration) == (None, None, None)
    assert not [*nothing.failures.events, *nothing.failures.messages]
    money = home_facts.home(frozenset({home_facts.MONEY}), now_waiting)
    assert money.failures.subscriptions
    assert not [*money.failures.events, *money.failures.messages]
    integration = home_facts.home(frozenset({home_facts.INTEGRATION}), now_waiting)
    assert not integration.failures.subscriptions
    assert integration.failures.events
    assert integration.failures.messages


@pytest.mark.django_db
def test_words_of_everything_run_no_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    staff_world.make_world()
    for number in range(2):
        trouble(number)
    facts = home_facts.home(home_facts.PERMISSIONS, waiting())
    with django_assert_num_queries(0):
        said = home(facts)
    assert said.tasks
    assert len(said.troubles) == 3


# From here on there's no database: facts are written by hand.


QUIET = HomeFacts(now=NOW, permissions=home_facts.PERMISSIONS, waiting=Waiting())
NOTHING = (UNKNOWN, UNKNOWN, UNKNOWN)
NO_NUMBERS = Numbers(
    currency="",
    currencies=(),
    today=NOW.date(),
    windows=windows.of_month(NOW.date().replace(day=1), NOW.date()),
    values=dict.fromkeys(MEASURES, NOTHING),
    months=(),
    cohorts=(),
    first_month=None,
    current_at=None,
)
RUNS = Integration(
    takes_webhooks=True,
    last_event=None,
    last_good_check=None,
    last_comparison=None,
    jobs=Jobs(0, 0, 0, 0),
    worker_seen_at=NOW,
    worker_is_alive=True,
)


def made(**fields: Any) -> HomeFacts:
    """Return the facts of a quiet business, seen by somebody who may see everything."""
    return replace(QUIET, **fields)


def said_first(facts: HomeFacts) -> list[str]:
    """Return the tasks' texts, as one reads them."""
    return [task.text.replace("\xa0", " ") for task in home(facts).tasks]


@pytest.mark.parametrize(
    ("waits", "said"),
    [
        (
            Waiting(disputes=Disputes(1, NOW + DAY)),
            "1 dispute to answer: answer by Apr 1, 2026.",
        ),
        (
            Waiting(disputes=Disputes(2, NOW + DAY)),
            "2 disputes to answer, the first: answer by Apr 1, 2026.",
        ),
        (Waiting(disputes=Disputes(2)), "2 disputes to answer."),
        (
            Waiting(refunds=Refunds(waiting=1, oldest=NOW - 3 * DAY)),
            "1 refund request waits, since Mar 28, 2026 (3 days ago).",
        ),
        (
            Waiting(refunds=Refunds(waiting=1200, oldest=NOW - 9 * DAY)),
            "1,200 refund requests wait, the oldest since Mar 22, 2026 (1 week ago).",
        ),
        (Waiting(refunds=Refunds(not_sent=1)), "1 approved refund is not sent to Stripe."),
        (Waiting(refunds=Refunds(not_sent=2)), "2 approved refunds are not sent to Stripe."),
        (
            Waiting(refunds=Refunds(held=2)),
            "2 refunds are held back by Stripe: its balance is too low, or it takes too long.",
        ),
        (
            Waiting(refunds=Refunds(by_zelle=1)),
            "1 approved refund has to be sent by Zelle, from your bank’s app.",
        ),
        (
            Waiting(refunds=Refunds(by_zelle=3)),
            "3 approved refunds have to be sent by Zelle, from your bank’s app.",
        ),
    ],
)
def test_what_waits_is_said_as_of_the_facts_own_time(waits: Waiting, said: str) -> None:
    assert said_first(made(waiting=waits)) == [said]
    assert said_first(made(waiting=waits, permissions=frozenset())) == []


def test_each_part_takes_its_permission_and_says_nothing_without() -> None:
    newcomer = home(made(permissions=frozenset()))
    assert not newcomer.sees_everything
    assert not [*newcomer.tasks, *newcomer.business, *newcomer.integration, *newcomer.troubles]
    members = Business(active=1, trials=0, ending=0, payment_failed=2, overdue=1, paused=0)
    money = MoneyFacts(members, NO_NUMBERS, NOW)
    said = home(made(money=money, integration=RUNS))
    assert said.sees_everything
    assert [task.action for task in said.tasks] == ["See whose", "See whose", "Look now"]
    assert said.figures is not None
    assert said.figures.is_empty
    assert said.clock_note == ""


def test_a_problem_is_for_those_who_hold_its_permission() -> None:
    problems = ProblemFacts(now=NOW, has_ledger=True, untaxed=2)
    everybody = made(problems=problems)
    assert len(said_first(everybody)) == 2
    only_ledger = made(problems=problems, permissions=frozenset({"billing.audit_refund"}))
    assert said_first(only_ledger) == ["The refund ledger has never been verified."]


def test_silence_is_told_as_of_the_facts_own_time() -> None:
    seen_at = NOW - timedelta(hours=3)
    silent = replace(RUNS, takes_webhooks=False, worker_is_alive=False, worker_seen_at=seen_at)
    waits = Waiting(events=Queue(1, 0, NOW - timedelta(minutes=6)))
    assert said_first(made(integration=silent, waiting=waits)) == [
        "Webhooks are refused: STRIPE_WEBHOOK_SECRETS is not set.",
        "No worker has been heard of for 3 hours: start one.",
        "A webhook event has been waiting for 6 minutes.",
        "Missed events have not been looked for yet.",
    ]


def test_a_failure_is_a_line_with_its_row() -> None:
    user = User(pk=1, first_name="Penny", last_name="Due")
    row = Subscription(pk=7, amount=2900, currency="usd", current_period_start=NOW - DAY)
    row.customer = Customer(pk=1, user=user)
    event = StripeEvent(pk=8, type="invoice.paid", error="x" * 500, received_at=NOW - 2 * DAY)
    said = home(made(failures=Failures([row], [event]))).troubles
    assert [one.title for one in said] == [
        "Members whose payment failed",
        "Webhook events that failed",
    ]
    assert said[0].lines[0].title == "Penny Due"
    assert said[0].lines[0].detail == "$29.00"
    assert said[1].lines[0].age.replace("\xa0", " ") == "2 days ago"
    assert len(said[1].lines[0].detail) == 120
