"""Help: answers from the policy in force, and messages that reach staff."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from billing.refunds.policy import Share
from billing.tests import factories
from billing.tests.refund_world import policy
from billing.tests.staff_world import auditor, signed_in_now, superuser, support
from conftest import Sandbox, run_jobs
from emails.models import Message
from members.tests.actors import ALICE, PASSWORD, alice, browser
from portal.backoffice.close_account import close_account
from portal.models import SupportMessage
from portal.selfservice.contact import own_page
from portal.tasks import forget_old_records

pytestmark = pytest.mark.django_db
PAGE = "/help/"
WORDS = "Can I bring a friend on Friday?"


@pytest.fixture(autouse=True)
def _staff_address(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["office@harbor.example"]


def text(answer: Any) -> str:
    """Return a page's text, with single spaces."""
    words = re.sub(r"<[^>]+>", " ", unescape(answer.content.decode()))
    return " ".join(words.split())


def send(client: Client, **fields: str) -> Any:
    form = {"words": WORDS, "key": str(uuid.uuid4()), "page": "", **fields}
    return client.post(PAGE, form, follow=True)


def as_visitor(client: Client, **fields: str) -> Any:
    return send(client, **{"name": "Vera Visitor", "email": "vera@example.net", **fields})


def member() -> User:
    """Return a member who paid $29.00 three days ago."""
    user = alice()
    customer = factories.make_customer(user)
    factories.make_plan()
    subscription = factories.make_subscription(
        customer, current_period_end=timezone.now() + timedelta(days=27)
    )
    at = timezone.now() - timedelta(days=3)
    invoice = factories.make_invoice(
        customer, subscription=subscription, created_at=at, finalized_at=at, paid_at=at
    )
    factories.make_payment(customer, invoice=invoice, created_at=at, paid_at=at)
    return user


# Answers


def test_a_refund_is_offered_with_this_members_amount_and_date() -> None:
    user = member()
    policy(shares=(Share(14, 100),), automatic_up_to=5000)
    answer = browser(user).get(PAGE)
    assert "Instant refund of up to $29.00 until" in text(answer)
    form = reverse("billing:request-refund", args=[user.customers.get().payments.get().pk])
    assert f'href="{form}"' in answer.content.decode()


def test_the_policy_in_force_says_what_is_refundable_at_all() -> None:
    policy(shares=(Share(7, 100), Share(21, 40)))
    said = text(browser(alice()).get(PAGE))
    assert "You can get 100% of a membership payment back within 7 days." in said
    assert "After that, it’s 40% within 21 days." in said
    assert "You can get 100% of any other payment back within 7 days." in said
    policy(shares=())
    said = text(browser(User.objects.get(email=ALICE)).get(PAGE))
    assert "Other payments aren’t refundable." in said


def test_what_is_too_old_says_why() -> None:
    user = member()
    policy(shares=(Share(1, 100),))
    said = text(browser(user).get(PAGE))
    assert "None of your payments is refundable now." in said
    assert "Payments of this kind are refundable for a day." in said


def test_canceling_and_the_next_charge_have_their_dates() -> None:
    user = member()
    said = text(browser(user).get(PAGE))
    assert "If you cancel today, you stay a member until" in said
    assert "Your next charge" in said
    row = user.customers.get().subscriptions.get()
    row.cancel_at_period_end = True
    row.save()
    said = text(browser(user).get(PAGE))
    assert "You’ve already canceled. Your membership ends on" in said
    assert "You won’t be charged again for it." in said


def test_who_is_no_member_reads_so() -> None:
    said = text(browser(alice()).get(PAGE))
    assert "You’re not a member, so there’s nothing to cancel." in said
    assert "You’re not a member, so nothing will be charged." in said


def test_a_failed_payment_is_said_first() -> None:
    user = member()
    user.customers.get().subscriptions.update(status="past_due")
    said = text(browser(user).get(PAGE))
    assert "Your last payment didn’t go through." in said
    assert "None of your payments has failed." not in said


def test_an_invoice_names_the_business() -> None:
    user = member()
    user.customers.update(business_name="Archer & Sons", tax_ids=[{"type": "us_ein", "value": "1"}])
    assert "Your invoices are made out to Archer & Sons." in text(browser(user).get(PAGE))


def test_it_takes_seven_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = browser(member())
    client.get(PAGE)
    with django_assert_max_num_queries(7):
        client.get(PAGE)


# Messages


def test_a_members_message_reaches_staff_and_is_answered_to_them(sandbox: Sandbox) -> None:
    user = member()
    client = browser(user)
    page = send(client, page="/payments/")
    assert "We’ll reply by email to alice@example.com." in text(page)
    assert WORDS in text(page)
    row = SupportMessage.objects.get()
    assert (row.user, row.words, row.page) == (user, WORDS, "/payments/")
    message = Message.objects.get(kind="help_asked")
    assert message.recipient == "office@harbor.example"
    run_jobs()
    [sent] = sandbox.look("mailbox")
    assert dict(sent["headers"])["Reply-To"] == ALICE
    assert WORDS in sent["subject"]


def test_without_staffs_address_it_goes_to_the_one_on_the_page(settings: Settings) -> None:
    settings.STAFF_EMAIL, settings.SUPPORT_EMAIL = [], "help@harbor.example"
    send(browser(alice()))
    assert Message.objects.get(kind="help_asked").recipient == "help@harbor.example"


def test_a_form_sent_twice_makes_one_message() -> None:
    client, key = browser(alice()), str(uuid.uuid4())
    send(client, key=key)
    send(client, key=key)
    assert SupportMessage.objects.count() == Message.objects.filter(kind="help_asked").count() == 1


def test_members_and_visitors_can_send_a_few_in_a_row() -> None:
    client = browser(alice())
    assert [send(client).status_code for _ in range(4)] == [200, 200, 200, 429]
    visitor = browser(address="198.51.100.7")
    assert [as_visitor(visitor).status_code for _ in range(4)] == [200, 200, 200, 429]
    # The same address from elsewhere.
    assert as_visitor(browser(address="198.51.100.8")).status_code == 429
    refused = as_visitor(browser(address="198.51.100.9"), words="Still there?")
    assert "Please wait a while" in text(refused)
    assert "Still there?" in refused.content.decode(), "what was typed stays"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"words": ""}, "required"),
        ({"words": "x" * 4001}, "at most 4000"),
        ({"key": "nonsense"}, ""),
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.com\nBcc: b@example.com"}, "email"),
        ({"name": "Buy at https://evil.example"}, "name only"),
        ({"website": "https://evil.example"}, ""),
    ],
)
def test_what_cannot_be_sent_says_why(fields: dict[str, str], says: str) -> None:
    answer = as_visitor(browser(), **fields)
    assert answer.status_code == 400
    assert says in text(answer)
    assert not SupportMessage.objects.exists()


def test_a_subject_cannot_be_more_than_a_line(sandbox: Sandbox) -> None:
    as_visitor(browser(), name="Eve  \r\n X-Evil", words="Hello\r\nBcc: all@example.com\nyes")
    run_jobs()
    [sent] = sandbox.look("mailbox")
    assert "\n" not in sent["subject"]
    assert "all@example.com" not in str(sent["to"])


def test_a_visitor_learns_nothing_about_accounts() -> None:
    alice()
    known = as_visitor(browser(), email=ALICE)
    unknown = as_visitor(browser(address="198.51.100.7"), email="nobody@example.net")
    assert text(known).replace(ALICE, "") == text(unknown).replace("nobody@example.net", "")
    assert SupportMessage.objects.filter(user=None).count() == 2
    assert not Message.objects.exclude(kind="help_asked").exists()


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/payments/?q=secret#x", "/payments/"),
        ("/pay/abc:def:ghi/", "/pay/…/"),
        ("/accounts/password/reset/key/16/cfx3a9-2b7d/", "/accounts/password/reset/key/…/…/"),
        ("https://evil.example/payments/", ""),
        ("//evil.example/payments/", ""),
        ("/nowhere/", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_only_our_own_pages_are_kept_without_secrets(address: str, kept: str) -> None:
    assert own_page(address) == kept


def test_the_page_that_one_came_from_is_in_the_form() -> None:
    page = browser(alice()).get(f"{PAGE}?from=/payments/").content.decode()
    assert 'name="page" value="/payments/"' in page
    assert (
        f'href="{PAGE}?from=/account/"' in browser(alice_again()).get("/account/").content.decode()
    )


def alice_again() -> User:
    return User.objects.get(email=ALICE)


# Staff


def test_staff_see_what_is_open_and_say_that_it_is_answered() -> None:
    user = member()
    send(browser(user), page="/payments/")
    row = SupportMessage.objects.get()
    desk = signed_in_now(support())
    assert "1 message from the help page waits for an answer" in text(desk.get("/staff/"))
    assert WORDS in text(desk.get(reverse("admin:auth_user_change", args=[user.pk])))
    address = reverse("admin:portal_supportmessage_change", args=[row.pk])
    page = text(desk.get(address))
    assert WORDS in page
    assert "/payments/" in page
    press = reverse("admin:portal_supportmessage_mark_answered", args=[row.pk])
    assert "is marked as answered" in text(desk.post(press, {"_form_submitted": "on"}, follow=True))
    assert "waits for an answer" not in text(desk.get("/staff/"))
    assert "Answered" in text(browser(user).get(PAGE))
    again = reverse("admin:portal_supportmessage_open_again", args=[row.pk])
    desk.post(again, {"_form_submitted": "on"})
    assert SupportMessage.objects.unanswered().exists()


def test_an_auditor_reads_and_marks_nothing() -> None:
    send(browser(alice()))
    row = SupportMessage.objects.get()
    desk = signed_in_now(auditor())
    page = reverse("admin:portal_supportmessage_change", args=[row.pk])
    assert desk.get(page).status_code == 200
    press = reverse("admin:portal_supportmessage_mark_answered", args=[row.pk])
    assert desk.post(press, {"_form_submitted": "on"}).status_code == 403


def test_a_visitors_name_is_found_on_the_list() -> None:
    as_visitor(browser())
    desk = signed_in_now(superuser())
    page = text(desk.get(reverse("admin:portal_supportmessage_changelist") + "?q=vera@"))
    assert "Vera Visitor" in page


# How long


def test_answered_messages_are_deleted_in_time_and_all_with_the_account(
    settings: Settings,
) -> None:
    user = alice()
    send(browser(user))
    as_visitor(browser(address="198.51.100.7"), email=ALICE)
    old = timezone.now() - timedelta(days=settings.MESSAGES_KEPT_DAYS + 1)
    SupportMessage.objects.update(created_at=old)
    forget_old_records(0)
    assert SupportMessage.objects.count() == 2
    SupportMessage.objects.filter(user=None).update(answered_at=timezone.now())
    forget_old_records(0)
    assert SupportMessage.objects.get().user == user
    as_visitor(browser(address="198.51.100.9"), email=ALICE)
    close_account(user)
    assert not SupportMessage.objects.exists()


def test_who_was_signed_out_while_writing_keeps_their_words() -> None:
    alice()
    answer = browser().post(PAGE, {"words": WORDS, "key": str(uuid.uuid4()), "page": ""})
    assert answer.status_code == 400
    assert WORDS in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
