"""The reconcile pages: progress while it runs, each difference read again, and the trend."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.models import Invoice, Payment, Reconciliation
from billing.reconcile import comparison, missed_events
from billing.reconcile.comparison import Progress
from billing.tests.life import paid_member
from billing.tests.staff_world import auditor, support
from common.staff import show
from conftest import Sandbox

pytestmark = pytest.mark.django_db
LIST = "admin:billing_reconciliation_changelist"


@pytest.fixture
def staff(client: Client) -> Client:
    """Return a browser of somebody who may run comparisons."""
    client.force_login(support())
    return client


def page(client: Client, address: str) -> str:
    """Return a page's HTML."""
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def read_url(run: Reconciliation, kind: str, stripe_id: str) -> str:
    """Return where an object of a report is read again."""
    return reverse("admin:billing_reconciliation_read", args=[run.pk, kind, stripe_id])


def a_run(**fields: Any) -> Reconciliation:
    """Record a comparison."""
    now = timezone.now()
    values = {"started_at": now, "finished_at": now, "compared_at": now}
    return Reconciliation.objects.create(**values | fields)


def test_a_comparison_tells_how_far_it_has_come(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    told: list[Progress] = []
    comparison.compare(told.append)
    assert told[0].kind == "customer"
    assert {one.number for one in told} == set(range(1, told[0].of + 1))
    assert told[0].seen == 0
    assert [one.seen for one in told] == sorted(one.seen for one in told)
    assert told[-1].seen >= 3


def test_progress_is_kept_while_it_runs_and_gone_afterward(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid_member(sandbox)
    monkeypatch.setattr(missed_events, "TOLD_EVERY", 0.0)
    with CaptureQueriesContext(connection) as queries:
        run = missed_events.reconcile(repair=False)
    kept = [one["sql"] for one in queries if '"progress" = ' in one["sql"]]
    assert any('"kind": "invoice", "number": 4, "of": 11' in one for one in kept)
    assert run.progress == {}
    assert Reconciliation.objects.get().progress == {}


def test_a_run_under_way_is_followed(staff: Client) -> None:
    told = {"kind": "invoice", "number": 4, "of": 10, "seen": 1200}
    run = a_run(compared_at=None, progress=told)
    for address in (reverse(LIST), show.page_of(run)):
        answer = staff.get(address)
        assert "Comparing invoices, 4 of 10: 1,200 seen" in answer.content.decode()
        assert answer["Refresh"] == "3"
    # A worker that died comes to no end.
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(hours=7))
    answer = staff.get(show.page_of(run))
    assert "Cut short" in answer.content.decode()
    assert "Refresh" not in answer


def test_one_difference_is_read_again(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    Invoice.objects.update(total=1)
    Payment.objects.update(amount=2)
    run = missed_events.reconcile(repair=False)
    invoice, payment = Invoice.objects.get(), Payment.objects.get()
    address = read_url(run, "invoice", invoice.stripe_id)
    assert f'href="{address}"' in page(staff, show.page_of(run))
    question = page(staff, address)
    assert "$0.01" in question
    assert "$29.00" in question
    assert Invoice.objects.get().total == 1
    answer = staff.post(address, follow=True).content.decode()
    assert "agrees with Stripe now." in answer
    assert Invoice.objects.get().total == 2900
    # An invoice is read with its payments.
    assert not comparison.compare_one("payment", payment.stripe_id)


def test_a_row_that_is_missing_is_brought_back(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    payment = Payment.objects.get().stripe_id
    Payment.objects.all().delete()
    run = missed_events.reconcile(repair=False)
    assert [one["object"] for one in run.differences] == ["payment"]
    staff.post(read_url(run, "payment", payment))
    assert Payment.objects.get().stripe_id == payment


def test_what_is_not_at_stripe_still_differs(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    Invoice.objects.update(stripe_id="in_of_another_account")
    Payment.objects.update(invoice=None)
    run = missed_events.reconcile(repair=False)
    answer = staff.post(read_url(run, "invoice", "in_of_another_account"), follow=True)
    text = answer.content.decode()
    assert "still differs." in text
    assert "no longer at Stripe." in text
    assert Invoice.objects.filter(stripe_id="in_of_another_account").exists()


def test_stripe_away_is_said_and_nothing_changes(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    Invoice.objects.update(total=1)
    run = missed_events.reconcile(repair=False)
    sandbox.control("switches", api_fail=1)
    address = read_url(run, "invoice", Invoice.objects.get().stripe_id)
    answer = staff.post(address, follow=True).content.decode()
    assert "Stripe didn’t let us read it" in answer
    assert Invoice.objects.get().total == 1


def test_only_what_a_report_names_is_read_and_only_by_those_who_may(
    sandbox: Sandbox, staff: Client, client: Client
) -> None:
    paid_member(sandbox)
    Invoice.objects.update(total=1)
    run = missed_events.reconcile(repair=False)
    invoice = Invoice.objects.get().stripe_id
    assert staff.get(read_url(run, "invoice", "in_other")).status_code == 404
    assert staff.post(read_url(run, "payment", invoice)).status_code == 404
    client.force_login(auditor())
    assert read_url(run, "invoice", invoice) not in page(client, show.page_of(run))
    assert client.get(read_url(run, "invoice", invoice)).status_code == 403
    assert client.post(read_url(run, "invoice", invoice)).status_code == 403
    assert Invoice.objects.get().total == 1


def test_the_trend_has_a_bar_for_each_comparison(staff: Client) -> None:
    assert "staff-drift" not in page(staff, reverse(LIST))
    a_run()
    assert "The only comparison so far found no difference." in page(staff, reverse(LIST))
    a_run()
    text = page(staff, reverse(LIST))
    assert "None of the last 2 comparisons found a difference." in text
    assert ": no difference" not in text
    a_run(differences_found=3)
    a_run(compared_at=None)
    text = page(staff, reverse(LIST))
    assert "1 of the last 3 comparisons found a difference." in text
    assert ": 3 differences" in text
    assert ": no difference" in text
