"""The refund policy on the staff site: versions, a new one, its back-test; and the ledger."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from billing.models import LedgerCheck, RefundEntry, RefundPolicy
from billing.refunds import ledger
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.policy import PaymentKind, Rule, Share
from billing.tests import factories, staff_world
from billing.tests.refund_world import policy, refund_request
from billing.tests.staff_world import PASSWORD, signed_in_now
from common.staff import show
from portal.models import Download

pytestmark = pytest.mark.django_db
ADD = "/staff/billing/refundpolicy/add/"
ENTRIES, CHECKS = "/staff/billing/refundentry/", "/staff/billing/ledgercheck/"
KINDS = ("membership", "single", "offline")


@pytest.fixture
def manager() -> Client:
    """The browser of a manager who has just signed in."""
    return signed_in_now(staff_world.manager())


@pytest.fixture
def alice() -> User:
    return factories.make_member()


def form(**changes: Any) -> dict[str, Any]:
    """Return the form: 14 days all, 30 days half; $60.00 at once, twice; two from $120.00."""
    each = {
        "days_1": 14,
        "percent_1": 100,
        "days_2": 30,
        "percent_2": 50,
        "automatic_up_to": "60",
        "automatic_per_year": 2,
        "two_people_from": "$120.00",
    }
    fields = {f"{kind}-{name}": value for kind in KINDS for name, value in each.items()}
    based_on = refund_terms.current_policy().version
    return fields | {"version-note": "More at once.", "version-based_on": based_on} | changes


def post(client: Client, button: str, **changes: Any) -> str:
    answer = client.post(ADD, form(**changes) | {button: "1"}, follow=True)
    return str(answer.content.decode())


def test_the_form_begins_with_the_policy_in_force(manager: Client) -> None:
    policy()
    page = manager.get(ADD).content.decode()
    assert page.count('value="30.00"') == 3
    assert page.count('value="100.00"') == 3


def test_a_new_version_is_put_in_force(manager: Client) -> None:
    page = post(manager, "save")
    assert "Version 2 is in force." in page
    made = RefundPolicy.objects.get(version=2)
    assert made.note == "More at once."
    assert made.created_by == User.objects.get(first_name="Mona")
    rule = Rule((Share(14, 100), Share(30, 50)), 6000, 2, 12_000)
    assert refund_terms.rules_of(made).rules == dict.fromkeys(PaymentKind, rule)
    for sentence in (
        "Up to 14 days after the payment: all of it.",
        "Up to 30 days after the payment: 50% of it.",
        "Up to $60.00 of a payment is approved automatically, twice a year for a member.",
        "At $120.00 or more, two people must agree.",
    ):
        assert page.count(sentence) == 3, sentence
    first = manager.get(show.page_of(RefundPolicy.objects.get(version=1))).content.decode()
    assert "No longer" in first
    assert "someone decides on every request" in first
    judged = f"/staff/billing/refund/?policy__id__exact={made.pk}"
    assert judged in page
    assert manager.get(judged).status_code == 200


def test_amounts_are_of_the_main_currency(manager: Client, settings: Settings) -> None:
    settings.PAYMENT_CURRENCY = "jpy"
    changes = {f"{kind}-{name}": value for kind in KINDS for name, value in (
        ("automatic_up_to", "6000"), ("two_people_from", ""),
    )}  # fmt: skip
    post(manager, "save", **changes)
    made = refund_terms.current_policy()
    assert (made.version, made.currency) == (2, "jpy")
    assert refund_terms.rules_of(made).rule(PaymentKind.SINGLE).automatic_up_to == 6000
    assert "Amounts in JPY have no decimals." in post(manager, "save", **{
        "single-automatic_up_to": "60.50",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"single-percent_2": 100}, "Each later step has more days and a smaller percentage."),
        ({"single-days_2": 14}, "Each later step has more days and a smaller percentage."),
        ({"single-percent_2": ""}, "A step has days and a percentage, or neither."),
        ({"single-percent_1": 0}, "Percentages are between 1 and 100."),
        ({"single-days_1": 0}, "Days are between 1 and 3650."),
        ({"single-percent_1": 101}, "Enter a whole number from 0 to 100."),
        ({"single-automatic_up_to": "lots"}, "Enter an amount"),
        ({"single-two_people_from": "0"}, "two people start above nothing"),
        ({"single-automatic_per_year": ""}, "say how often a year, or leave the amount empty"),
        ({"version-note": " "}, "This field is required"),
        ({"version-based_on": "x"}, "What changes, and why"),
    ],
)
def test_what_contradicts_itself_is_said_in_place(
    manager: Client, changes: dict[str, Any], sentence: str
) -> None:
    before = refund_terms.current_policy().version
    assert sentence in post(manager, "save", **changes)
    assert refund_terms.current_policy().version == before


def test_an_empty_amount_alone_means_that_nothing_is_approved_at_once(manager: Client) -> None:
    assert "Version 2 is in force." in post(manager, "save", **{"single-automatic_up_to": ""})
    rule = refund_terms.rules_of(refund_terms.current_policy()).rule(PaymentKind.SINGLE)
    assert (rule.automatic_up_to, rule.automatic_per_year) == (0, 0)


def test_a_wrong_number_of_a_step_has_a_red_border(manager: Client) -> None:
    page = post(manager, "save", **{"single-percent_1": 130, "membership-days_2": -1})
    cells = re.findall(r'<td class="group errors">\s*<input[^>]*name="([\w-]+)"', page)
    assert cells == ["membership-days_2", "single-percent_1"]


def test_the_form_sent_twice_makes_one_version(manager: Client) -> None:
    sent = form() | {"save": "1"}
    manager.post(ADD, sent)
    page = manager.post(ADD, sent, follow=True).content.decode()
    assert "Version 2 is in force meanwhile: look at it first." in page
    assert refund_terms.current_policy().version == 2


def test_saving_takes_a_recent_sign_in_and_goes_on_after_it() -> None:
    mona = staff_world.manager()
    mona.set_password(PASSWORD)
    mona.save()
    client = Client()
    client.force_login(mona)
    answer = client.post(ADD, form() | {"save": "1"})
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert refund_terms.current_policy().version == 1
    confirm = {"password": PASSWORD, "next": ADD}
    answer = client.post(answer.headers["Location"], confirm, follow=True)
    assert "Version 2 is in force." in answer.content.decode()


def test_without_a_password_nothing_is_saved_and_nothing_is_lost() -> None:
    mona = staff_world.manager()
    client = Client()
    client.force_login(mona)
    page = post(client, "save")
    assert "Sign out, sign back in" in page
    assert 'value="More at once."' in page
    assert refund_terms.current_policy().version == 1


@pytest.mark.parametrize("who", [staff_world.support, staff_world.auditor])
def test_others_read_it_and_change_nothing(who: Any) -> None:
    client = signed_in_now(who())
    current = refund_terms.current_policy()
    assert client.get(show.page_of(current)).status_code == 200
    for button in ("save", "test"):
        assert client.post(ADD, form() | {button: "1"}).status_code == 403
    assert refund_terms.current_policy() == current


@pytest.mark.slow
def test_the_back_test_shows_what_would_change_and_saves_nothing(
    manager: Client, alice: User
) -> None:
    policy()
    customer = factories.make_customer(alice)
    row = refunds.request(
        alice, factories.make_payment(customer, amount=5000).pk, refund_request(5000)
    )
    page = post(manager, "test")
    for text in (
        "$50.00 more would go back at once.",
        "$50.00 less would wait for one person.",
        "Of 1 request",
        "$50.00 for Alice Archer",
        "One person decides",
        "Up to $60.00 of a payment is approved automatically.",
        show.page_of(row),
    ):
        assert text in page, text
    assert 'value="60"' in page, "What was typed stays in the form."
    assert 'value="More at once."' in page
    assert "This field is required" not in post(manager, "test", **{"version-note": ""})
    assert refund_terms.current_policy().version == 2
    assert "as by the policy in force" in post(manager, "test", **{
        f"{kind}-automatic_up_to": "30" for kind in KINDS
    })  # fmt: skip


def test_a_back_test_without_requests_says_so(manager: Client) -> None:
    assert "Nobody asked for a refund in the past year" in post(manager, "test")
    page = post(manager, "test", **{"single-percent_2": 100})
    assert "smaller percentage" in page
    assert "Nobody asked" not in page


# The ledger


@pytest.fixture
def auditor() -> Client:
    client = Client()
    client.force_login(staff_world.auditor())
    return client


def test_the_ledger_is_read_and_exported_by_who_audits(auditor: Client, alice: User) -> None:
    policy()
    payment = factories.make_payment(factories.make_customer(alice))
    refunds.request(
        alice, payment.pk, refund_request(900, words='=HYPERLINK("x"), "quoted"\nover lines')
    )
    page = auditor.get(ENTRIES).content.decode()
    assert "Approved by the policy" in page
    assert "$9.00" in page
    answer = auditor.get(reverse("admin:billing_refundentry_export"))
    text = b"".join(answer).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Entry"] for row in rows] == ["1", "2"]
    assert [row["Hash"] for row in rows] == list(
        RefundEntry.objects.order_by("number").values_list("hash", flat=True)
    )
    assert rows[0]["Words"] == '\'=HYPERLINK("x"), "quoted"\nover lines'
    assert [row["What"] for row in rows] == ["Asked for", "Approved by the policy"]
    assert {(row["Amount"], row["Currency"]) for row in rows} == {("9.00", "USD")}
    assert {row["Member"] for row in rows} == {"Alice Archer"}
    assert rows[1]["By"] == "The portal"
    assert (rows[1]["State before"], rows[1]["State after"]) == ("Requested", "Approved")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    taken = Download.objects.get()
    assert (str(taken), taken.rows) == ("The whole refund ledger, with its proof as CSV", 2)


def test_the_exported_ledger_can_be_proved_without_us(auditor: Client, alice: User) -> None:
    policy(automatic_up_to=0)
    payment = factories.make_payment(factories.make_customer(alice))
    row = refunds.request(
        alice, payment.pk, refund_request(900, words="=1+1, “ça va”\r\nand 'more'")
    )
    refunds.deny(row.pk, staff_world.support(), "'=Not this one")
    text = b"".join(auditor.get(reverse("admin:billing_refundentry_export"))).decode("utf-8-sig")
    before = "0" * 64
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    for one in rows:
        assert one["Previous hash"] == before
        assert hashlib.sha256(one["Hashed"].encode()).hexdigest() == one["Hash"]
        hashed = json.loads(one["Hashed"])
        assert (hashed["previous_hash"], hashed["amount"]) == (before, 900)
        before = one["Hash"]


def test_a_cell_is_no_formula(auditor: Client, alice: User) -> None:
    policy(automatic_up_to=0)
    payment = factories.make_payment(factories.make_customer(alice))
    row = refunds.request(alice, payment.pk, refund_request(900))
    sue = staff_world.support()
    refunds.deny(row.pk, sue, '=HYPERLINK("http://example.com")')
    text = b"".join(auditor.get(reverse("admin:billing_refundentry_export"))).decode("utf-8-sig")
    cell = list(csv.DictReader(io.StringIO(text)))[1]["Words"]
    assert cell == '\'=HYPERLINK("http://example.com")'


def test_support_sees_no_ledger(alice: User) -> None:
    client = Client()
    client.force_login(staff_world.support())
    for url in (ENTRIES, CHECKS, reverse("admin:billing_refundentry_export")):
        assert client.get(url).status_code == 403
    for name in ("refundentry", "ledgercheck"):
        url = reverse(f"admin:billing_{name}_verify_now")
        assert client.post(url, {"_form_submitted": "on"}).status_code == 403
    assert ENTRIES not in client.get(reverse("admin:index")).content.decode()


def test_verify_now_has_the_worker_prove_it(auditor: Client) -> None:
    url = reverse("admin:billing_ledgercheck_verify_now")
    for expected in ("is being verified", "under way"):
        page = auditor.post(url, {"_form_submitted": "on"}, follow=True).content.decode()
        assert expected in page
    task = "billing.tasks.verify_ledger"
    assert ProcrastinateJob.objects.filter(task_name=task, status="todo").count() == 1


@pytest.mark.slow
def test_a_check_says_what_it_found(auditor: Client, alice: User) -> None:
    policy()
    payment = factories.make_payment(factories.make_customer(alice))
    row = refunds.request(alice, payment.pk, refund_request(900))
    assert ledger.verify().problems == []
    assert "Not compared with Stripe" in auditor.get(CHECKS).content.decode()
    LedgerCheck.objects.update(compared_with_stripe=True)
    assert "All is proved: 2 entries" in auditor.get(CHECKS).content.decode()
    assert "ledger" not in home_tasks(auditor)
    type(row).objects.filter(pk=row.pk).update(amount=800)
    check = ledger.verify()
    page = auditor.get(show.page_of(check)).content.decode()
    assert "1 problem" in page
    assert f"Refund {row.pk} is approved 800" in page
    assert "The refund ledger has 1 problem." in home_tasks(auditor)


@pytest.mark.slow
def test_the_home_page_asks_for_a_verification_that_is_overdue(
    auditor: Client, alice: User
) -> None:
    assert "ledger" not in home_tasks(auditor)
    policy()
    payment = factories.make_payment(factories.make_customer(alice))
    refunds.request(alice, payment.pk, refund_request(900))
    assert "The refund ledger has never been verified." in home_tasks(auditor)
    old = timezone.now() - timedelta(days=3)
    LedgerCheck.objects.create(started_at=old, finished_at=old, entries=2)
    assert "The refund ledger hasn’t been verified for" in home_tasks(auditor)
    LedgerCheck.objects.create(started_at=timezone.now())
    assert "hasn’t been verified for" in home_tasks(auditor), "It did not come to its end."


def home_tasks(client: Client) -> str:
    """Return the texts of the tasks on the staff's home page."""
    tasks = client.get(reverse("admin:index")).context["home"].tasks
    return "\n".join(task.text for task in tasks)
