"""Staff see what a bank reports as fraud, what to do about it, and can leave it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import RefundReason
from billing.models import FraudWarning
from billing.tests import factories
from billing.tests.staff_world import auditor, finance, signed_in_now, superuser, support
from common.staff import show

pytestmark = pytest.mark.django_db


@pytest.fixture
def warning() -> FraudWarning:
    customer = factories.make_customer(factories.make_member("Nina Novak"))
    return factories.make_fraud_warning(factories.make_payment(customer))


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return unescape(answer.content.decode())


def chosen(page: str) -> str:
    """Return the reason that a refund's form has chosen."""
    [reason] = re.findall(r'<option value="(\w+)" selected', page)
    return str(reason)


def press(client: Client, row: FraudWarning, button: str, **typed: str) -> str:
    url = reverse(f"admin:billing_fraudwarning_{button}", args=[row.pk])
    answer = client.post(url, {"_form_submitted": "on", **typed}, follow=True)
    return unescape(answer.content.decode())


def test_home_leads_to_what_waits_and_forgets_what_is_settled(warning: FraudWarning) -> None:
    boss = signed_in_now(superuser())
    task = "A bank reports 1 payment as fraud"
    assert task in read(boss, reverse("admin:index"))
    to_look_at = show.list_of("billing.fraudwarning", needs="look")
    assert "Nina Novak" in read(boss, to_look_at)
    payment = warning.payment
    payment.amount_refunded = payment.amount_received
    payment.save()
    assert task not in read(boss, reverse("admin:index"))
    assert "No warning waits for you." in read(boss, to_look_at)
    assert "Nina Novak" in read(boss, show.list_of("billing.fraudwarning", needs="over"))


def test_its_page_says_what_the_bank_reports_and_what_to_do(warning: FraudWarning) -> None:
    page = read(signed_in_now(support()), show.page_of(warning))
    for said in (
        "It was paid with a stolen card.",
        "A full refund now normally avoids the dispute and its fee.",
        "We don’t tell the member about the warning.",
        "Visa ending in 4242",
        "Leave it",
    ):
        assert said in page, said
    assert reverse("admin:billing_fraudwarning_refund_it", args=[warning.pk]) in page


def test_the_button_leads_to_the_payments_page_with_its_refund(warning: FraudWarning) -> None:
    sam = signed_in_now(support())
    answer = sam.get(reverse("admin:billing_fraudwarning_refund_it", args=[warning.pk]))
    assert answer["Location"] == reverse("admin:billing_payment_give", args=[warning.payment.pk])
    form = read(sam, answer["Location"])
    assert "Refund this payment?" in form
    assert "It was paid with a stolen card. Refund all of it to settle the warning." in form
    assert "blocks nobody" in form
    assert chosen(form) == RefundReason.REPORTED_AS_FRAUD
    FraudWarning.objects.update(left_at=timezone.now())
    form = read(sam, answer["Location"])
    assert "stolen" not in form
    assert chosen(form) == RefundReason.GOODWILL


def test_an_invoices_refund_names_the_warning_too(warning: FraudWarning) -> None:
    payment = warning.payment
    payment.invoice = factories.make_invoice(payment.customer)
    payment.save()
    give = reverse("admin:billing_invoice_give_on_invoice", args=[payment.invoice.pk])
    form = read(signed_in_now(support()), give)
    assert show.page_of(warning) in form
    assert chosen(form) == RefundReason.REPORTED_AS_FRAUD


@pytest.mark.parametrize("settled", ["refunded", "disputed", "left", "unactionable", "other_try"])
def test_one_that_is_settled_asks_for_nothing(warning: FraudWarning, settled: str) -> None:
    payment, sam = warning.payment, support()
    match settled:
        case "refunded":
            payment.amount_refunded = payment.amount_received
            payment.save()
        case "disputed":
            factories.make_dispute(payment)
        case "left":
            press(signed_in_now(sam), warning, "leave_it", because="We know her.")
        case "unactionable":
            FraudWarning.objects.update(is_actionable=False)
        case _:
            FraudWarning.objects.update(charge_id="ch_of_the_first_try")
    page = read(signed_in_now(sam), show.page_of(warning))
    assert "normally avoids" not in page
    for button in ("refund_it", "leave_it"):
        assert reverse(f"admin:billing_fraudwarning_{button}", args=[warning.pk]) not in page


def test_staff_leave_it_with_a_note_that_the_page_and_the_log_keep(warning: FraudWarning) -> None:
    sam = signed_in_now(support())
    assert "Left as it is: She called us." in press(
        sam, warning, "leave_it", because="She called us."
    )
    page = read(sam, show.page_of(warning))
    assert "She called us." in page
    assert LogEntry.objects.get().get_change_message() == "Left as it is: She called us."
    assert "Nina Novak" in read(sam, show.list_of("billing.fraudwarning", needs="left"))
    assert "It waits for somebody again." in press(sam, warning, "take_it_up")
    assert FraudWarning.objects.to_settle().exists()


def test_who_may_not_refund_or_leave_it_has_no_button(warning: FraudWarning) -> None:
    for reader in (auditor(), finance()):
        client = signed_in_now(reader)
        page = read(client, show.page_of(warning))
        assert "A full refund now" in page
        for button in ("refund_it", "leave_it"):
            url = reverse(f"admin:billing_fraudwarning_{button}", args=[warning.pk])
            assert url not in page
            assert client.post(url, {"_form_submitted": "on", "because": "No."}).status_code == 403
    assert FraudWarning.objects.to_settle().exists()


def test_the_payment_the_member_and_the_timeline_say_it_too(warning: FraudWarning) -> None:
    sam = signed_in_now(support())
    assert show.page_of(warning) in read(sam, show.page_of(warning.payment))
    page = read(sam, show.page_of(warning.customer.user))
    assert "The bank reports $29.00 of" in page
    assert "The bank reports $29.00 as fraud" in page
    assert "It was paid with a stolen card." in page


def test_the_member_reads_nothing_of_it(client: Client, warning: FraudWarning) -> None:
    client.force_login(warning.customer.user)
    pages = [reverse("home"), reverse("billing:payments")]
    pages.append(reverse("billing:payment", args=[warning.payment.pk]))
    for url in pages:
        assert "fraud" not in read(client, url).lower()
