"""What is wrong with the portal is on the staff's home for as long as it lasts, and mailed once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing import tasks
from billing.models import Invoice, LedgerCheck, Payout, Reconciliation
from billing.tests import factories
from billing.tests.life import paid_member
from billing.tests.staff_world import auditor, owner, signed_in_now, support
from common.staff import show
from conftest import Sandbox, run_jobs
from emails import text_caps
from emails.models import Message
from portal.backoffice import current_problems, problems
from portal.models import Problem
from portal.tasks import watch_for_problems

pytestmark = pytest.mark.django_db
HOME = reverse("admin:index")


@pytest.fixture(autouse=True)
def _staff_address(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@example.com"]


def home(client: Client) -> str:
    return client.get(HOME).content.decode()


def told() -> list[str]:
    rows = Message.objects.filter(kind="problem_found", recipient="owner@example.com")
    return [row.subject for row in rows.order_by("pk")]


def keys() -> list[str]:
    return [one.key for one in problems.current()]


def compared(**fields: Any) -> Reconciliation:
    now = timezone.now()
    values = {"started_at": now, "finished_at": now, "compared_at": now}
    return Reconciliation.objects.create(**values | fields)


def schedule(task_name: str, status: str, *, run: int) -> int:
    """Write a scheduled job's run the way the queue does; return the job's number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT procrastinate_defer_periodic_job_v2("
            "'default', NULL, NULL, %s, 0, '', %s, '{}')",
            [task_name, run],
        )
        pk: int = cursor.fetchone()[0]
        if status == "succeeded":
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [pk])
        else:
            cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, pk])
    return pk


def payout(days: int, status: str, **fields: Any) -> Payout:
    """Make a payout of so many days ago."""
    at = timezone.now() - timedelta(days=days)
    values = {"amount": 9000, "currency": "usd", "automatic": True, "read_at": at}
    values |= {"created_at": at, "arrives_at": at, "stripe_id": f"po_{days}", "status": status}
    return Payout.objects.create(**values | fields)


def test_a_payout_that_came_back_is_a_problem_until_one_reaches_the_bank() -> None:
    payout(5, "paid")
    failed = payout(3, "failed", failure_message="The bank account has been closed.")
    payout(1, "in_transit")
    payout(2, "paid", currency="eur", stripe_id="po_eur")
    watch_for_problems(0)
    watch_for_problems(0)
    assert keys() == [f"payout:{failed.pk}"]
    [subject] = told()
    assert "Stripe’s payout of $90.00 didn’t reach the bank." in subject
    page = home(signed_in_now(owner()))
    assert show.page_of(failed) in page
    assert "The bank account has been closed. Check the bank account in Stripe’s" in page
    payout(0, "paid")
    assert keys() == []


def test_a_payout_that_came_back_long_ago_is_no_problem() -> None:
    payout(61, "failed")
    assert keys() == []


@pytest.mark.slow
def test_a_damaged_row_is_a_red_task_and_one_mail_until_it_is_repaired(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    Invoice.objects.update(total=1)
    tasks.compare_with_stripe(0)
    client = signed_in_now(support())
    report = Reconciliation.objects.latest("pk")
    sentence = (
        f"Our records differ from Stripe: 1 difference found on {show.day(report.compared_at)}."
    )
    page = home(client)
    assert sentence in page
    assert show.page_of(report) in page
    [tile] = [
        one
        for one in client.get(HOME).context["home"].integration
        if one.label == "Records compared with Stripe"
    ]
    assert (tile.value, tile.tone) == ("1 difference", "danger")
    for _ in range(3):
        watch_for_problems(0)
    assert told() == [f"Needs attention: {sentence}"]

    tasks.repair_from_stripe()
    assert "differ from Stripe" not in home(client)
    watch_for_problems(0)
    assert Problem.objects.get().solved_at
    Invoice.objects.update(total=1)
    tasks.compare_with_stripe(0)
    watch_for_problems(0)
    assert len(told()) == 2


def test_what_the_portal_made_at_stripe_and_lost_is_a_task_of_its_own() -> None:
    orphan = {"customer": "cus_1", "object": "customer", "id": "cus_1", "field": ""}
    run = compared(
        differences=[orphan | {"ours": "orphan", "stripe": "there"}],
        differences_found=1,
        differences_left=1,
    )
    [one] = problems.current()
    assert one.text.startswith("The portal made 1 object at Stripe that no record here knows")
    assert one.url == show.page_of(run)


@pytest.mark.slow
def test_an_orphan_is_a_red_task_until_it_is_gone_at_stripe(sandbox: Sandbox) -> None:
    made = sandbox.stripe.v1.customers.create(
        {"email": "lost@example.com", "metadata": {"portal_user": "987654"}}
    )
    tasks.compare_with_stripe(0)
    client = signed_in_now(support())
    assert "The portal made 1 object at Stripe that no record here knows" in home(client)
    watch_for_problems(0)
    assert len(told()) == 1
    report = Reconciliation.objects.latest("pk")
    assert made.id in client.get(show.page_of(report)).content.decode()
    sandbox.stripe.v1.customers.delete(made.id)
    tasks.compare_with_stripe(0)
    assert "no record here knows" not in home(client)
    watch_for_problems(0)
    assert Problem.objects.get().solved_at
    assert len(told()) == 1


@pytest.mark.slow
def test_every_task_leads_to_a_page_that_its_reader_may_open() -> None:
    """A red task whose link is refused, or is gone, can't be solved by whoever reads it."""
    hours_ago = timezone.now() - timedelta(hours=2)
    difference = {"customer": "cus_1", "object": "customer", "id": "cus_1", "field": ""}
    compared(
        differences=[
            difference | {"ours": "orphan", "stripe": "there"},
            difference | {"ours": "there", "stripe": "missing"},
        ],
        differences_found=2,
        differences_left=2,
    )
    schedule("billing.tasks.verify_ledger", "failed", run=1)
    LedgerCheck.objects.create(
        started_at=hours_ago, finished_at=hours_ago, problems=["Entry 3 was changed."]
    )
    shown = {one.key: one for one in problems.current()}
    wanted = {"orphans", "drift", "job:billing.tasks.verify_ledger", "ledger", "ledger comparison"}
    assert set(shown) == wanted
    assert {one.tone for one in shown.values()} == {current_problems.DANGER}
    for user in (support(), auditor()):
        client = signed_in_now(user)
        page = home(client)
        for one in shown.values():
            assert (one.text in page) == user.has_perm(one.permission), one.key
            if user.has_perm(one.permission):
                assert client.get(one.url).status_code == 200, one.key


def test_an_open_problems_page_leads_to_what_can_be_done() -> None:
    run = compared(
        started_at=timezone.now(),
        differences=[
            {
                "customer": "cus_1",
                "object": "customer",
                "id": "cus_1",
                "field": "",
                "ours": "there",
                "stripe": "missing",
            }
        ],
        differences_found=1,
        differences_left=1,
    )
    watch_for_problems(0)
    client, page = signed_in_now(support()), show.page_of(Problem.objects.get())
    link = f'href="{show.page_of(run)}"'
    assert link in client.get(page).content.decode()
    # A report is called by the time that its page shows.
    started = timezone.localtime(run.started_at)
    assert f"Check of {started:%b %-d, %Y, %H:%M}" in client.get(show.page_of(run)).content.decode()
    run.delete()
    watch_for_problems(0)
    assert link not in client.get(page).content.decode()


def test_a_comparison_that_does_not_happen_is_told() -> None:
    assert keys() == []
    long_ago = timezone.now() - timedelta(days=3)
    compared(started_at=long_ago, finished_at=long_ago, compared_at=None)
    assert keys() == ["comparison"]
    compared(started_at=long_ago, finished_at=long_ago, compared_at=long_ago)
    sentence = f"haven’t been compared with Stripe for {show.how_long(long_ago)}."
    assert sentence in home(signed_in_now(support()))
    compared()
    assert keys() == []


def test_a_scheduled_job_that_failed_is_told_until_a_later_run_succeeds() -> None:
    name = "billing.tasks.compare_with_stripe"
    schedule("billing.tasks.sweep_inbox", "succeeded", run=1)
    schedule(name, "succeeded", run=1)
    assert keys() == []
    failed = schedule(name, "failed", run=2)
    [one] = problems.current()
    assert one.key == f"job:{name}"
    assert one.text == "The scheduled job “compare with stripe” failed, and no later run succeeded."
    page = signed_in_now(auditor()).get(one.url)
    assert page.status_code == 200
    assert str(failed) in one.url
    watch_for_problems(0)
    assert len(told()) == 1
    schedule(name, "succeeded", run=3)
    assert keys() == []


def test_a_ledger_check_with_problems_or_without_stripe_is_told(client: Client) -> None:
    hours_ago = timezone.now() - timedelta(hours=2)
    check = LedgerCheck.objects.create(
        started_at=hours_ago, finished_at=hours_ago, compared_with_stripe=False
    )
    assert keys() == ["ledger comparison"]
    LedgerCheck.objects.filter(pk=check.pk).update(
        compared_with_stripe=True, problems=["Entry 3 was changed after it was written."]
    )
    assert keys() == ["ledger"]
    assert "The refund ledger has 1 problem." in home(signed_in_now(auditor()))
    # Who may not read the ledger is not told of it.
    assert "refund ledger" not in home(signed_in_now(support()))
    LedgerCheck.objects.filter(pk=check.pk).update(
        problems=[], started_at=timezone.now() - timedelta(days=3)
    )
    assert keys() == ["ledger checks"]


def test_the_mail_of_a_problem_reaches_staff(sandbox: Sandbox) -> None:
    customer = factories.make_customer()
    compared(
        differences=[
            {
                "customer": customer.stripe_id,
                "object": "customer",
                "id": customer.stripe_id,
                "field": "",
                "ours": "there",
                "stripe": "missing",
            }
        ],
        differences_found=1,
        differences_left=1,
    )
    watch_for_problems(0)
    run_jobs()
    [mail] = Message.objects.all()
    assert mail.state == "sent"
    page = signed_in_now(support()).get(reverse("admin:portal_problem_changelist"))
    assert "Our records differ from Stripe" in page.content.decode()


@pytest.mark.parametrize(
    ("cap", "said"),
    [
        ("person", "a number reached its limit"),
        ("country", "a country reached its limit"),
        ("total", "the portal reached its limit"),
    ],
)
def test_a_reached_limit_of_texts_is_a_task_for_a_day(cap: str, said: str) -> None:
    text = Message.objects.create(
        kind="welcome",
        channel="sms",
        state="skipped",
        error=f"{text_caps.REASONS[cap].format(cap=10)} {text_caps.BY_EMAIL}",
        sending_at=timezone.now(),
        dedupe_key="welcome:sub_1:sms",
    )
    [task] = [one for one in problems.current() if one.key.startswith("text cap:")]
    assert task.key == f"text cap:{cap}"
    assert said in task.text
    listed = signed_in_now(auditor()).get(task.url)
    assert listed.context["cl"].result_count == 1
    Message.objects.filter(pk=text.pk).update(sending_at=timezone.now() - text_caps.WINDOW)
    assert f"text cap:{cap}" not in keys()
