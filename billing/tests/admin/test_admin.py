"""The staff site: every page opens, nothing of Stripe's can be edited, actions work for those who
may, and lists stay quick.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import DateTimeField, Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from billing.core.statuses import EventState
from billing.inbound import replays
from billing.models import (
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    Payment,
    Plan,
    Reconciliation,
    Replay,
    StripeEvent,
    Subscription,
)
from billing.tests import factories, staff_world
from billing.tests.staff_world import World, auditor, make_failed_event, superuser, support
from common.staff import show
from emails.models import Message
from members.models import Member
from testing import thorough
from testing.thorough import one_in

pytestmark = pytest.mark.django_db

EDITABLE = {
    *("auth.User", "auth.Group", "billing.Item", "billing.RetentionOffer"),
    *("billing.BankAccount", "billing.ZelleTerms", "portal.SavedView"),
}
# Adding one of these does something: it is sent, or in force.
ADDED = {
    *("billing.PaymentRequest", "billing.RefundPolicy", "business.BookAccountsVersion"),
}
# Session, user, their permissions and the sidebar's two, beside the page's own.
MOST_QUERIES_OF_A_LIST = 15
STAFF: list[Callable[[], User]] = [superuser, support, auditor]


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def list_of(model: type[Model]) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return str(answer.content.decode())


def press(client: Client, row: Model | type[Model], button: str) -> Any:
    """Press a button and say yes."""
    meta = row._meta
    arguments = [row.pk] if isinstance(row, Model) else []
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_{button}", args=arguments)
    return client.post(url, {"_form_submitted": "on"}, follow=True)


def jobs(task: str) -> int:
    return ProcrastinateJob.objects.filter(task_name=task, status="todo").count()


# Pages


@thorough.MARK
@pytest.mark.parametrize("who", STAFF)
def test_every_list_and_page_opens_for_those_who_may_see_it(
    world: World, who: Callable[[], User]
) -> None:
    user = who()
    client = signed_in(user)
    for row in one_in(3, world.rows, start=STAFF.index(who)):
        meta = row._meta
        expected = 200 if user.has_perm(f"{meta.app_label}.view_{meta.model_name}") else 403
        assert client.get(list_of(type(row))).status_code == expected, meta.label
        assert client.get(show.page_of(row)).status_code == expected, meta.label


def test_the_world_of_these_tests_has_a_row_of_every_model_that_staff_see(world: World) -> None:
    seen = {type(row) for row in world.rows}
    assert {model for model in admin.site._registry if model not in seen} == set()


def test_every_model_of_ours_is_on_the_site() -> None:
    ours = {
        model
        for model in apps.get_models()
        if model._meta.app_label in {"billing", "business", "emails", "members"}
    }
    # Read with what they belong to: rates with invoices, accounts with members, words with entries,
    # trials with members (a digest alone says nothing); uploads are seen where they're imported,
    # mails that wait to be read again with their mailbox, what members turned off with them, copies
    # with their message, words of messages in the gallery, what an event changed with the event,
    # answers with their dispute, and the facts behind home's numbers as those numbers.
    parts = {
        *("billing.TaxRate", "billing.TaxAccount", "billing.LedgerText", "billing.TrialRecord"),
        *("billing.BankUpload", "billing.BankMailRetry", "business.Picture"),
        *("billing.BalanceReading", "billing.BookClosing", "billing.BookCheck"),
        *("emails.NotificationChoice", "emails.SentCopy", "emails.EditedText"),
        "emails.Pace",
        *("billing.EventAttempt", "billing.RowChange"),
        *("billing.DisputeAnswer", "billing.EvidenceFile"),
        *("billing.DayFact", "billing.CohortFact", "billing.FactState", "billing.FactDue"),
        *("billing.MemberSpan", "billing.TrialSpan", "billing.NumbersMail", "billing.DayMail"),
        "billing.FailureMail",
    }
    missing = {model._meta.label for model in ours - set(admin.site._registry)}
    assert missing <= parts


@pytest.mark.slow
def test_nothing_is_edited_added_or_deleted_but_accounts_and_groups(world: World) -> None:
    client = signed_in(superuser())
    for row in world.rows:
        if row._meta.label in EDITABLE:
            continue
        page = show.page_of(row)
        assert 'name="_save"' not in read(client, page), row._meta.label
        assert client.post(page, {"status": "x"}).status_code == 403, row._meta.label
        assert client.post(page.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
        adding = 200 if row._meta.label in ADDED else 403
        assert client.get(f"{list_of(type(row))}add/").status_code == adding, row._meta.label


def test_accounts_cannot_be_deleted(world: World) -> None:
    client = signed_in(superuser())
    url = reverse("admin:auth_user_delete", args=[world.alice.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=world.alice.pk).exists()


@pytest.mark.slow
def test_nobody_sees_how_a_password_is_kept_or_sets_one(world: World) -> None:
    page, setting = show.page_of(world.alice), f"/staff/auth/user/{world.alice.pk}/password/"
    world.alice.set_password("correct horse battery")
    world.alice.save()
    for user in (superuser(), support(), auditor()):
        shown = read(signed_in(user), page)
        assert "algorithm" not in shown
        assert world.alice.password not in shown
        new = {"password1": "another fine password", "password2": "another fine password"}
        signed_in(user).post(setting, new)
    world.alice.refresh_from_db()
    assert world.alice.check_password("correct horse battery")


def test_lists_show_names_money_and_state(world: World) -> None:
    page = read(signed_in(auditor()), list_of(Subscription))
    assert "Alice Archer" in page
    assert "$29.00 a month" in page
    assert "Active" in page


def test_pages_link_member_and_money_to_each_other(world: World) -> None:
    client = signed_in(auditor())
    page = read(client, show.page_of(world.invoice))
    linked = [world.alice, world.customer, world.subscription, world.payment, world.event]
    assert all(f'href="{show.page_of(row)}"' in page for row in linked)
    member = read(client, show.page_of(world.alice))
    assert "$29.00" in member
    assert show.page_of(world.subscription) in member
    assert show.page_of(world.message) in member


def test_a_members_tabs_hold_nobody_elses_rows(world: World) -> None:
    other = factories.make_invoice(total=123_400)
    page = read(signed_in(auditor()), show.page_of(world.alice))
    assert show.page_of(world.invoice) in page
    assert show.page_of(other) not in page


def test_payloads_are_escaped(world: World) -> None:
    event = factories.make_event(payload={"name": "<script>alert(1)</script>"})
    page = read(signed_in(auditor()), show.page_of(event))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_a_members_code_is_never_shown(world: World) -> None:
    message = staff_world.make_message(
        world.alice,
        kind="login_code",
        context={"code": "K7QX2P"},
        subject="K7QX2P is your sign-in code",
        state="queued",
        dedupe_key="login_code:1:email",
    )
    client = signed_in(superuser())
    assert "K7QX2P" not in read(client, show.page_of(message))
    assert "K7QX2P" not in read(client, list_of(Message))


def test_a_session_key_is_never_shown(world: World) -> None:
    session = next(row for row in world.rows if row._meta.model_name == "usersession")
    assert "secret-session-key" not in read(signed_in(superuser()), show.page_of(session))


def test_a_message_reads_as_it_was_sent(world: World) -> None:
    page = read(signed_in(auditor()), show.page_of(world.message))
    assert "Receipt: $29.00 for Membership" in page
    assert 'sandbox=""' in page


# The money's own pages at Stripe


@pytest.mark.parametrize(("key", "mode"), [("sk_test_1", "/test"), ("sk_live_1", "")])
def test_open_in_stripe_leads_to_the_right_mode(
    world: World, settings: Settings, key: str, mode: str
) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = key, ""
    client = signed_in(auditor())
    url = reverse("admin:billing_invoice_open_in_stripe", args=[world.invoice.pk])
    assert url in read(client, show.page_of(world.invoice))
    answer = client.get(url)
    expected = f"https://dashboard.stripe.com{mode}/invoices/{world.invoice.stripe_id}"
    assert answer["Location"] == expected


def test_there_is_no_way_to_stripe_where_another_server_stands_in(
    world: World, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_1", "http://127.0.0.1:8010"
    assert "Open in Stripe" not in read(signed_in(auditor()), show.page_of(world.invoice))


# Actions


def test_support_replays_an_event(world: World) -> None:
    event = make_failed_event()
    user = support()
    answer = press(signed_in(user), event, "replay")
    assert "is being processed again" in answer.content.decode()
    event.refresh_from_db()
    assert (event.state, event.error) == (EventState.PENDING, "")
    assert jobs("billing.tasks.process_event") == 2  # the world has one
    assert user.logentry_set.get().get_change_message() == "Replayed."


def test_opening_the_question_replays_nothing(world: World) -> None:
    event = make_failed_event()
    url = reverse("admin:billing_stripeevent_replay", args=[event.pk])
    assert "Process this event again?" in read(signed_in(support()), url)
    event.refresh_from_db()
    assert event.state == EventState.FAILED


def test_support_replays_the_selected_events(world: World) -> None:
    chosen, other = make_failed_event(), make_failed_event()
    form = {"action": "replay_selected", "_selected_action": [chosen.pk]}
    answer = signed_in(support()).post(list_of(StripeEvent), form, follow=True)
    assert "1 event is being processed again." in answer.content.decode()
    chosen.refresh_from_db()
    other.refresh_from_db()
    assert (chosen.state, other.state) == (EventState.PENDING, EventState.FAILED)


def test_support_replays_all_that_failed(world: World) -> None:
    failed = [make_failed_event(), make_failed_event()]
    client = signed_in(support())
    answer = client.get(reverse("admin:billing_stripeevent_replay_failed"))
    page = client.get(answer.headers["Location"])
    assert "Replay 2 events?" in page.content.decode()
    client.post(answer.headers["Location"], {"key": page.context["key"]})
    replays.hand_over(Replay.objects.get(chosen="state: failed").pk)
    assert not StripeEvent.objects.filter(state=EventState.FAILED).exists()
    world.event.refresh_from_db()
    assert world.event.state == EventState.PROCESSED
    assert jobs("billing.tasks.process_event") == 1 + len(failed)


def test_support_looks_for_missed_events(world: World) -> None:
    client = signed_in(support())
    assert "We are asking Stripe." in press(client, Reconciliation, "look_now").content.decode()
    assert "waits already" in press(client, Reconciliation, "look_now").content.decode()
    assert jobs("billing.tasks.find_missed_events") == 1


def test_support_sends_a_message_once_more(world: World) -> None:
    answer = press(signed_in(support()), world.message, "resend")
    copy = world.message.resends.get()
    assert f"It is on its way to {copy.recipient}." in answer.content.decode()


def test_a_refusal_to_send_again_is_shown_in_its_own_words(world: World) -> None:
    message = staff_world.make_message(world.alice, kind="login_code", dedupe_key="login_code:2")
    answer = press(signed_in(support()), message, "resend")
    assert "This message held a code" in answer.content.decode()
    assert not message.resends.exists()


def test_an_auditor_does_nothing(world: World) -> None:
    event = make_failed_event()
    client = signed_in(auditor())
    assert press(client, event, "replay").status_code == 403
    assert press(client, StripeEvent, "replay_failed").status_code == 403
    assert press(client, Reconciliation, "look_now").status_code == 403
    assert press(client, world.message, "resend").status_code == 403
    client.post(list_of(StripeEvent), {"action": "replay_selected", "_selected_action": [event.pk]})
    event.refresh_from_db()
    assert event.state == EventState.FAILED
    assert not world.message.resends.exists()
    page = read(client, show.page_of(event))
    assert reverse("admin:billing_stripeevent_replay", args=[event.pk]) not in page


# Who comes in


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))
    assert answer.status_code == 200


def test_a_member_is_turned_away(client: Client) -> None:
    client.force_login(factories.make_member())
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.status_code == 403
    assert "You don’t have access to this page" in answer.content.decode()


def test_staff_read_why_something_may_be_impossible_now() -> None:
    client = signed_in(support())
    answer = client.get(reverse("admin:billing_refundpolicy_add"))
    page = answer.content.decode()
    assert answer.status_code == 403
    assert page.count("You can’t do this, at least not now") == 2, "in the title, too"
    assert f'href="{reverse("admin:index")}"' in page
    assert "belongs to someone else" not in page


def test_support_and_auditor_change_no_accounts(world: World) -> None:
    for who in (support(), auditor()):
        client = signed_in(who)
        url = reverse("admin:auth_user_edit", args=[who.pk])
        assert client.post(url, {"is_superuser": "on"}).status_code == 403
        assert client.post(show.page_of(who), {"is_superuser": "on"}).status_code == 405
        who.refresh_from_db()
        assert not who.is_superuser


def test_nobody_but_a_superuser_decides_who_is_staff(world: World) -> None:
    clerk = support()
    clerk.user_permissions.add(Permission.objects.get(codename="change_user"))
    client = signed_in(clerk)
    form = {"first_name": "Alice", "last_name": "Adams", "is_superuser": "on", "is_staff": "on"}
    form |= {"member-TOTAL_FORMS": "0", "member-INITIAL_FORMS": "0"}
    answer = client.post(reverse("admin:auth_user_edit", args=[world.alice.pk]), form)
    assert answer.status_code == 302
    world.alice.refresh_from_db()
    assert world.alice.last_name == "Adams"
    assert not world.alice.is_staff
    assert not world.alice.is_superuser


def test_a_superuser_opens_an_account(world: World) -> None:
    form = {"email": "New@Example.com", "first_name": "Nora", "last_name": "New"}
    answer = signed_in(superuser()).post(reverse("admin:auth_user_add"), form)
    assert answer.status_code == 302
    user = User.objects.get(email="new@example.com")
    assert EmailAddress.objects.get(user=user).verified
    assert Member.objects.filter(user=user).exists()
    again = signed_in(superuser()).post(reverse("admin:auth_user_add"), form)
    assert "already has an account with this address" in again.content.decode()


def test_a_superuser_changes_an_account(world: World) -> None:
    member = world.alice.member
    form = {
        "first_name": "Alicia",
        "last_name": "Archer",
        "is_active": "on",
        "member-TOTAL_FORMS": "1",
        "member-INITIAL_FORMS": "1",
        "member-0-id": member.pk,
        "member-0-user": world.alice.pk,
        "member-0-language": "en",
        "member-0-time_zone": "Europe/Paris",
    }
    edit = reverse("admin:auth_user_edit", args=[world.alice.pk])
    answer = signed_in(superuser()).post(edit, form)
    assert answer.status_code == 302
    member.refresh_from_db()
    world.alice.refresh_from_db()
    assert (world.alice.first_name, member.time_zone) == ("Alicia", "Europe/Paris")
    assert str(member.phone) == staff_world.PHONE


# Finding


TERMS = ["alice", "Archer", "Alice Archer", "alice ar", "+1415555", "1415"]
SEARCHED = [User, Customer, Subscription, Invoice, Payment, StripeEvent, Message]


@thorough.MARK
@pytest.mark.parametrize(("model", "term"), one_in(5, list(itertools.product(SEARCHED, TERMS))))
def test_search_finds_a_members_rows_by_who_they_are(
    world: World, model: type[Model], term: str
) -> None:
    factories.make_payment(factories.make_customer(factories.make_member("Bob Baker")))
    client = signed_in(auditor())
    mine = next(row for row in world.rows if type(row) is model)
    answer = client.get(list_of(model), {"q": term})
    assert [row.pk for row in answer.context["cl"].result_list] == [mine.pk]


@pytest.mark.slow
def test_search_finds_rows_by_their_ids(world: World) -> None:
    client = signed_in(auditor())
    searches: list[tuple[type[Model], str]] = [
        (Invoice, world.invoice.number[:8].lower()),
        (Invoice, world.invoice.stripe_id),
        (Payment, world.payment.stripe_id),
        (Customer, world.customer.stripe_id),
        (StripeEvent, world.invoice.stripe_id),
        (StripeEvent, "invoice.paid"),
        (Plan, "price_"),
    ]
    for model, term in searches:
        answer = client.get(list_of(model), {"q": term})
        assert answer.context["cl"].result_count == 1, (model, term)
        nothing = client.get(list_of(model), {"q": "zzz"})
        assert nothing.context["cl"].result_count == 0, model


@pytest.mark.slow
def test_an_invoice_number_is_not_read_as_a_phone_number(world: World) -> None:
    number = world.invoice.number
    for digit in range(3):
        other = factories.make_member("Bob Baker")
        # "0002" without its zeros, behind the country's code, is how this number begins.
        factories.set_member(other, phone=f"+1202555010{digit}")
        factories.make_invoice(factories.make_customer(other), number=f"UZAPGIQX-000{digit + 1}")
    client = signed_in(auditor())

    def found(term: str) -> list[str]:
        answer = client.get(list_of(Invoice), {"q": term})
        return [row.number for row in answer.context["cl"].result_list]

    assert found("UZAPGIQX-0002") == ["UZAPGIQX-0002"]
    # The number that was counted up for the world's invoice may have these digits, too.
    assert [one for one in found("0002") if one != number] == ["UZAPGIQX-0002"]
    assert found("Bob Baker-0002") == []
    assert found(number) == [number]
    assert len(found("(202)")) == len(found("+1 202 555")) == 3


@pytest.mark.slow
def test_a_past_due_subscription_says_when_its_payment_is_retried(world: World) -> None:
    again = timezone.now() + timedelta(days=3)
    row = world.subscription
    Subscription.objects.filter(pk=row.pk).update(status="past_due")
    invoice = factories.make_invoice(
        world.customer,
        subscription=row,
        status="open",
        attempt_count=2,
        amount_remaining=2900,
        next_payment_attempt_at=again,
    )
    client = signed_in(auditor())
    for page in (read(client, list_of(Subscription)), read(client, show.page_of(row))):
        assert f"Payment retry {show.day(again)}" in page
        assert "Next charge" not in page
    Invoice.objects.filter(pk=invoice.pk).update(next_payment_attempt_at=None)
    assert "No retry scheduled" in read(client, show.page_of(row))
    Subscription.objects.filter(pk=row.pk).update(cancel_at_period_end=True)
    ends = f"No retry scheduled, ends {show.day(row.current_period_end)}"
    assert ends in read(client, list_of(Subscription))


def test_the_palette_finds_people_and_ids(world: World) -> None:
    client = signed_in(auditor())
    page = read(client, f"{reverse('admin:search')}?s=alice&extended=1")
    assert show.page_of(world.alice) in page
    assert show.page_of(world.subscription) in page
    page = read(client, f"{reverse('admin:search')}?s={world.payment.stripe_id}&extended=1")
    assert show.page_of(world.payment) in page


def test_every_time_is_shown_as_staff_read_it(world: World) -> None:
    """A time that Django shows by itself has no distance, and a form that no other page has."""
    request = RequestFactory().get("/")
    request.user = superuser()
    plain = []
    for row in world.rows:
        page = admin.site._registry[type(row)]
        fields = {one.name for one in row._meta.get_fields() if isinstance(one, DateTimeField)}
        shown = {*flatten_fieldsets(page.get_fieldsets(request, row)), *page.list_display}
        if page.has_change_permission(request, row):
            # A form has a widget for it.
            shown &= {*page.get_readonly_fields(request, row), *page.list_display}
        plain += [f"{row._meta.label}.{name}" for name in sorted(fields & shown)]
    assert plain == []


@pytest.mark.slow
def test_every_filter_works(world: World) -> None:
    client = signed_in(superuser())
    queries = {
        StripeEvent: [
            "state__exact=failed",
            "type=invoice.paid",
            "received_at_from=2026-01-01",
            "created_at_from_0=2026-01-01",
        ],
        Subscription: ["ending=yes", "ending=no", "status__in=past_due,unpaid"],
        Payment: ["status__exact=succeeded", "paid_at_from=2026-01-01"],
        Message: ["state__in=queued,sending", "kind=welcome", "channel__exact=sms"],
        User: ["membership=yes", "membership=no", "is_staff__exact=1"],
    }
    for model, filters in queries.items():
        for query in filters:
            answer = client.get(f"{list_of(model)}?{query}")
            assert answer.status_code == 200, query
            assert "e=1" not in answer.headers.get("Location", "")


def test_ending_members_are_those_who_will_not_renew(world: World) -> None:
    ending = factories.make_subscription(cancel_at_period_end=True)
    client = signed_in(auditor())
    listed = client.get(f"{list_of(Subscription)}?ending=yes").context["cl"].result_list
    assert [row.pk for row in listed] == [ending.pk]
    listed = client.get(f"{list_of(Subscription)}?ending=no").context["cl"].result_list
    assert [row.pk for row in listed] == [world.subscription.pk]


# Cost


@thorough.MARK
def test_lists_cost_the_same_for_one_row_and_for_many(world: World) -> None:
    client = signed_in(superuser())
    models = [type(row) for row in one_in(3, world.rows)]
    before = {model: _queries(client, list_of(model)) for model in models}
    for _ in range(5):
        _one_more_of_everything()
    for model, count in before.items():
        assert _queries(client, list_of(model)) == count, model
        assert count <= MOST_QUERIES_OF_A_LIST, model


@pytest.mark.slow
def test_a_members_page_costs_the_same_for_one_invoice_and_for_many(world: World) -> None:
    client = signed_in(superuser())
    pages = [show.page_of(world.alice), reverse("admin:auth_user_edit", args=[world.alice.pk])]

    def one_more() -> None:
        invoice = factories.make_invoice(world.customer, subscription=world.subscription)
        factories.make_payment(invoice=invoice)

    # From the first one on, there's something to refund.
    one_more()
    before = [_queries(client, page) for page in pages]
    for _ in range(5):
        one_more()
    assert [_queries(client, page) for page in pages] == before
    assert before[0] <= 70
    assert before[1] <= 46


def _queries(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def _one_more_of_everything() -> None:
    user = factories.make_member("Bob Baker")
    customer = factories.make_customer(user)
    subscription = factories.make_subscription(customer)
    invoice = factories.make_invoice(customer, subscription=subscription)
    factories.make_payment(invoice=invoice)
    factories.make_event(customer)
    staff_world.make_message(user)
    staff_world.make_job()


@pytest.mark.parametrize(
    "address",
    [
        "/staff/emails/message/?context__code__startswith=3",
        "/staff/emails/message/?dedupe_key__startswith=login",
        "/staff/usersessions/usersession/?session_key__startswith=a",
        "/staff/auth/user/?password__startswith=pbkdf2",
        "/staff/billing/stripeevent/?payload__id=evt_1",
    ],
)
@pytest.mark.django_db
def test_what_a_list_does_not_show_can_not_be_guessed_by_filtering(
    client: Client, address: str
) -> None:
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    assert client.get(address).status_code == 400


@thorough.MARK
def test_words_of_stripe_that_are_new_to_us_break_no_page(world: World) -> None:
    """Stripe may add a status, an interval, or a way to pause to those that we know."""
    desk = signed_in(superuser())
    for model in (Subscription, Invoice, Payment, CreditNote, Dispute):
        model._default_manager.update(status="brand_new")
    paths = [reverse("admin:index")]
    for row in world.rows:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        paths += [reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])]
    for path in one_in(3, paths):
        assert desk.get(path).status_code == 200, path
    strange = {"interval": "fortnight", "pause_behavior": "brand_new"}
    Subscription.objects.update(status="active", **strange)
    for path in one_in(3, paths, start=1):
        assert desk.get(path).status_code == 200, path
