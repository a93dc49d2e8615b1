"""Refunds on the staff site: the queue, each refund's page, and its buttons by permission."""

from __future__ import annotations

import uuid
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import DisputeStatus, RefundReason, RefundState
from billing.models import Payment, Refund
from billing.refunds import service as refunds
from billing.refunds.transitions import RefundError
from billing.tests import factories, refund_world, staff_world
from billing.tests.refund_world import policy, refund_request
from billing.tests.staff_world import signed_in_now
from common.staff import show
from emails import resending
from emails.models import Message
from portal.backoffice import navigation

pytestmark = pytest.mark.django_db
LIST = "/staff/billing/refund/"
YES = {"_form_submitted": "on"}


@pytest.fixture
def alice() -> User:
    return factories.make_member()


@pytest.fixture
def payment(alice: User) -> Payment:
    """A payment of $150.00; up to $30.00 goes back at once, two people decide from $100.00."""
    policy()
    customer = factories.make_customer(alice)
    return factories.make_payment(customer, amount=15_000, amount_received=15_000)


@pytest.fixture
def asked(alice: User, payment: Payment) -> Refund:
    """A request of $50.00 that one person decides on."""
    words = "I was <ill> for weeks."
    return refunds.request(
        alice, payment.pk, refund_request(5000, words=words, cancels_membership=True)
    )


@pytest.fixture
def desk() -> Client:
    """The browser of a support person who has just signed in."""
    return signed_in_now(staff_world.support())


def signed_in_long_ago(user: User) -> Client:
    """Return the browser of someone whose sign-in is no longer recent."""
    client = signed_in_now(user)
    session = client.session
    session["account_authentication_methods"][-1]["at"] -= 16 * 60
    session.save()
    return client


def address(row: Model, button: str) -> str:
    return reverse(f"admin:billing_{row._meta.model_name}_{button}", args=[row.pk])


def press(client: Client, row: Model, button: str, **fields: Any) -> str:
    """Press a button, fill in its form, say yes; return the page that follows."""
    answer = client.post(address(row, button), {**YES, **fields}, follow=True)
    return str(answer.content.decode())


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


# The queue


def test_what_waits_comes_first_the_oldest_on_top(desk: Client, asked: Refund) -> None:
    bob = factories.make_customer(factories.make_member("Bob Baker"))
    older = refunds.request(
        bob.user, factories.make_payment(bob, amount=4000).pk, refund_request(4000)
    )
    Refund.objects.filter(pk=older.pk).update(created_at=timezone.now() - timedelta(days=3))
    carla = factories.make_customer(factories.make_member("Carla Cruz"))
    automatic = refunds.request(carla.user, factories.make_payment(carla).pk, refund_request(900))
    answer = desk.get(LIST)
    assert [row.pk for row in answer.context["cl"].result_list] == [
        older.pk,
        asked.pk,
        automatic.pk,
    ]
    page = answer.content.decode()
    assert "waits 3\N{NO-BREAK SPACE}days" in page
    assert "$50.00" in page
    assert "Not used" in page


@pytest.mark.slow
def test_filters_find_what_needs_somebody(
    desk: Client, alice: User, payment: Payment, asked: Refund
) -> None:
    refunds.approve(asked.pk, refund_world.approver("Bob Baker"), 5000)
    other = factories.make_customer(factories.make_member("Dora Diaz"))
    large = refunds.request(
        other.user, factories.make_payment(other, amount=12_000).pk, refund_request(12000)
    )
    refunds.approve(large.pk, refund_world.approver("Carol Chen", large=True))
    Refund.objects.filter(pk=asked.pk).update(decided_at=timezone.now() - timedelta(hours=1))

    def found(query: str) -> list[int]:
        return [row.pk for row in desk.get(f"{LIST}?{query}").context["cl"].result_list]

    assert found("needs=decision") == [large.pk]
    assert found("needs=second") == [large.pk]
    assert found("needs=not_sent") == [asked.pk]
    assert found("needs=failed") == []
    assert found("state__exact=requested") == [large.pk]
    assert found("origin__exact=staff") == []
    assert found("q=dora") == [large.pk]
    assert "1 of 2 approved" in read(desk, LIST)


def test_a_badge_and_a_task_count_what_waits(desk: Client, asked: Refund) -> None:
    request = RequestFactory().get("/staff/")
    request.user = staff_world.auditor()
    items = [item for group in navigation.sidebar(request) for item in group["items"]]
    assert {item["title"]: item.get("badge") for item in items}["Refunds"] == "1"
    page = read(desk, reverse("admin:index"))
    assert "1 refund request waits, since" in page
    assert f"{LIST}?needs=decision" in page


@pytest.mark.slow
def test_what_failed_or_was_not_sent_is_a_task(desk: Client, payment: Payment) -> None:
    carol = refund_world.approver("Carol Chen")
    row = refunds.give(payment.pk, carol, refund_request(1000))
    Refund.objects.filter(pk=row.pk).update(decided_at=timezone.now() - timedelta(hours=1))
    assert "1 approved refund is not sent to Stripe." in read(desk, reverse("admin:index"))
    Refund.objects.filter(pk=row.pk).update(state=RefundState.FAILED, failed_at=timezone.now())
    assert "1 refund failed: the money is back with us." in read(desk, reverse("admin:index"))
    refunds.give(payment.pk, carol, refund_request(400))
    assert "1 refund failed: the money is back with us." in read(desk, reverse("admin:index"))
    refunds.give(payment.pk, carol, refund_request(600))
    assert "refund failed" not in read(desk, reverse("admin:index"))


@pytest.mark.slow
def test_a_failed_refund_is_made_good_by_as_much_as_it_was(desk: Client, payment: Payment) -> None:
    carol = refund_world.approver("Carol Chen")
    row = refunds.give(payment.pk, carol, refund_request(2500))
    Refund.objects.filter(pk=row.pk).update(state=RefundState.FAILED, failed_at=timezone.now())

    def is_held_up() -> bool:
        rows = desk.get(f"{LIST}?needs=failed").context["cl"].result_list
        return row.pk in [one.pk for one in rows]

    refunds.give(payment.pk, carol, refund_request(500))
    assert is_held_up()
    again = refunds.give(payment.pk, carol, refund_request(2000))
    assert not is_held_up()
    Refund.objects.filter(pk=again.pk).update(state=RefundState.FAILED, failed_at=timezone.now())
    assert is_held_up()
    Refund.objects.filter(pk=row.pk).update(failure_reason="charge_for_pending_refund_disputed")
    assert not is_held_up()


def test_a_failed_refund_of_what_the_bank_took_back_needs_nobody(
    desk: Client, payment: Payment
) -> None:
    row = refunds.give(payment.pk, refund_world.approver("Carol Chen"), refund_request(2500))
    Refund.objects.filter(pk=row.pk).update(state=RefundState.FAILED, failed_at=timezone.now())
    factories.make_dispute(payment, status=DisputeStatus.LOST)
    assert not desk.get(f"{LIST}?needs=failed").context["cl"].result_list


# The page of one


def test_what_is_left_counts_a_decided_refund_itself(desk: Client, payment: Payment) -> None:
    row = refunds.give(payment.pk, refund_world.approver("Carol Chen"), refund_request(9000))
    assert "$60.00" in _fact(read(desk, show.page_of(row)), "Left to refund")


def test_what_is_left_for_a_request_is_as_if_it_were_not_there(desk: Client, asked: Refund) -> None:
    assert "$150.00" in _fact(read(desk, show.page_of(asked)), "Left to refund")


@pytest.mark.slow
def test_what_became_credit_at_a_switch_is_no_refund(desk: Client, alice: User) -> None:
    policy(two_people_from=2500)
    payment = _switched(alice)
    dialog = read(desk, address(payment, "give"))
    assert "$23.09 became credit when the member switched." in dialog
    assert "$23.09 so far ($23.09 became credit when the member switched)" in dialog
    page = read(desk, show.page_of(payment))
    assert "$5.91; $23.09 became credit when the member switched" in page
    assert address(payment, "give") in page
    row = refunds.request(alice, payment.pk, refund_request(591))
    page = read(desk, show.page_of(row))
    assert "became credit when the member switched" in _fact(page, "Left to refund")
    assert "–" in _fact(page, "Other refunds of it")


def _switched(user: User) -> Payment:
    """Return a payment of $29.00 whose member has switched since: $23.09 of it is credit."""
    subscription = factories.make_subscription(factories.make_customer(user))
    paid = factories.make_invoice(subscription.customer, subscription=subscription)
    [line] = paid.lines
    unused = {**line, "amount": -2309, "description": "Unused time"}
    factories.make_invoice(
        subscription.customer,
        subscription=subscription,
        billing_reason="subscription_update",
        total=-2309,
        lines=[unused],
    )
    return factories.make_payment(invoice=paid)


def test_questions_name_the_plan_that_a_refund_ends_and_drops(desk: Client) -> None:
    plan = factories.make_plan(stripe_id="price_yearly", amount=29000, interval="year")
    planned: dict[str, Any] = {"planned_price_id": plan.stripe_id, "planned_at": timezone.now()}
    membership = factories.make_subscription(name="Yoga monthly", **planned)
    invoice = factories.make_invoice(membership.customer, subscription=membership)
    paid = factories.make_payment(invoice=invoice)
    policy(automatic_up_to=0)
    wanted = refund_request(900, cancels_membership=True)
    row = refunds.request(membership.customer.user, paid.pk, wanted)
    for at in (show.page_of(row), address(row, "approve"), address(row, "deny")):
        page = unescape(read(desk, at))
        assert "Yes: the membership (Yoga monthly) ends too, with its period." in page
        assert "What’s planned is dropped: $290.00 a year from" in page


@pytest.mark.slow
def test_what_the_bank_asks_about_has_no_button_and_says_why(
    desk: Client, payment: Payment
) -> None:
    assert address(payment, "give") in read(desk, show.page_of(payment))
    dispute = factories.make_dispute(payment)
    page = read(desk, show.page_of(payment))
    assert address(payment, "give") not in page
    assert "Nothing while the member’s bank asks about it" in page
    dispute.status = DisputeStatus.LOST
    dispute.save()
    assert "Nothing: the member’s bank took it back." in read(desk, show.page_of(payment))


@pytest.mark.slow
def test_a_failed_refund_leads_to_another_one(desk: Client, payment: Payment) -> None:
    wanted = refund_request(2500, RefundReason.DUPLICATE)
    row = refunds.give(payment.pk, refund_world.approver("Carol Chen"), wanted)
    assert address(row, "again") not in read(desk, show.page_of(row))
    Refund.objects.filter(pk=row.pk).update(state=RefundState.FAILED, failed_at=timezone.now())
    assert address(row, "again") in read(desk, show.page_of(row))
    answer = desk.get(address(row, "again"), follow=True)
    assert answer.redirect_chain[-1][0] == f"{address(payment, 'give')}?instead_of={row.pk}"
    form = answer.content.decode()
    assert "Refund this payment?" in form
    for kept in ('value="25.00"', 'value="duplicate" selected', row.words):
        assert kept in form, kept
    auditor = signed_in_now(staff_world.auditor())
    assert address(row, "again") not in read(auditor, show.page_of(row))
    factories.make_dispute(payment)
    assert address(row, "again") not in read(desk, show.page_of(row))


def _fact(page: str, label: str) -> str:
    """Return what stands beside a label."""
    _, separator, rest = page.partition(label)
    assert separator
    return rest.partition("</dd>")[0]


def test_the_page_has_all_that_is_needed_to_decide(
    desk: Client, alice: User, payment: Payment, asked: Refund
) -> None:
    refunds.ask_second(asked.pk, refund_world.approver("Bob Baker"), "Look at the dates, please.")
    factories.make_dispute(payment, status=DisputeStatus.WON)
    page = read(desk, show.page_of(asked))
    for text in (
        "$50.00 for Alice Archer",
        "I was &lt;ill&gt; for weeks.",
        "Not used",
        "Yes: the membership ends too",
        "0 of 2 approved",
        "Only up to $30.00 is approved automatically.",
        "Version 2",
        "$150.00",
        "$150.00 on",
        "Visa ending in 4242",
        "Won (decided)",
        "A second person is asked for",
        "Look at the dates, please.",
        "Bob Baker",
        "We got your refund request for $50.00",
        show.page_of(alice),
        show.page_of(payment),
    ):
        assert text in page, text


@pytest.mark.slow
@pytest.mark.parametrize("what", ["approve", "deny", "ask_second"])
def test_buttons_are_shown_to_those_who_may_and_while_it_waits(
    desk: Client, asked: Refund, what: str
) -> None:
    assert address(asked, what) in read(desk, show.page_of(asked))
    auditor = signed_in_now(staff_world.auditor())
    assert address(asked, what) not in read(auditor, show.page_of(asked))
    refunds.deny(asked.pk, refund_world.approver("Bob Baker"), "No.")
    assert address(asked, what) not in read(desk, show.page_of(asked))


# Approving and denying


def test_approve_less_with_words(desk: Client, asked: Refund) -> None:
    form = read(desk, address(asked, "approve"))
    assert 'value="50.00"' in form
    assert "$150.00" in form
    page = press(desk, asked, "approve", amount="20", words="You were here for half of it.")
    assert "$20.00 goes back. The member is told." in page
    asked.refresh_from_db()
    assert (asked.state, asked.amount) == (RefundState.APPROVED, 2000)
    assert asked.answer == "You were here for half of it."
    assert asked.decided_by is not None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("lots", "Enter an amount"), ("60", "Up to $50.00 was asked for."), ("0", "Up to $50.00")],
)
def test_a_wrong_amount_changes_nothing(
    desk: Client, asked: Refund, typed: str, sentence: str
) -> None:
    page = press(desk, asked, "approve", amount=typed, words="We are <sorry>.")
    # The question stays open, with the error in it and what was typed.
    assert 'id="dialog-form"' in page
    assert sentence in page
    assert f'value="{typed}"' in page
    assert "We are &lt;sorry&gt;." in page
    asked.refresh_from_db()
    assert asked.state == RefundState.REQUESTED


def test_deny_needs_words(desk: Client, asked: Refund) -> None:
    assert "This field is required" in press(desk, asked, "deny", words=" ")
    assert "The refund is denied" in press(desk, asked, "deny", words="It took place.")
    asked.refresh_from_db()
    assert (asked.state, asked.answer) == (RefundState.DENIED, "It took place.")


def test_a_double_click_approves_once(desk: Client, asked: Refund) -> None:
    press(desk, asked, "approve", amount="50")
    assert "This was decided already: it is “Approved” now." in press(
        desk, asked, "approve", amount="50"
    )
    assert asked.entries.filter(action="approved").count() == 1


@pytest.mark.slow
def test_two_people(desk: Client, alice: User, payment: Payment) -> None:
    row = refunds.request(alice, payment.pk, refund_request(15_000))
    assert "Somebody else has to agree, too." in press(desk, row, "approve", amount="150")
    page = read(desk, show.page_of(row))
    assert "1 of 2 approved" in page
    assert address(row, "approve") not in page
    assert "You have agreed already" in press(desk, row, "approve", amount="150")
    small = signed_in_now(refund_world.approver("Bob Baker"))
    small_user = User.objects.get(first_name="Bob")
    small_user.groups.add(*User.objects.get(first_name="Sue").groups.all())
    assert "allowed to approve large refunds" in press(small, row, "approve", amount="150")
    manager = signed_in_now(staff_world.manager())
    assert "$150.00 goes back." in press(manager, row, "approve", amount="150")


def test_ask_for_a_second_approval(desk: Client, asked: Refund) -> None:
    assert "Two people must agree" in press(desk, asked, "ask_second", words="Is this so?")
    page = read(desk, show.page_of(asked))
    assert "0 of 2 approved" in page
    assert address(asked, "ask_second") not in page
    assert "takes two people already" in press(desk, asked, "ask_second", words="Again")


@pytest.mark.slow
def test_nobody_decides_on_their_own(payment: Payment) -> None:
    sue = staff_world.support()
    own = factories.make_payment(factories.make_customer(sue), amount=5000)
    row = refunds.request(sue, own.pk, refund_request(5000))
    client = signed_in_now(sue)
    page = read(client, show.page_of(row))
    assert address(row, "approve") not in page
    for button in ("approve", "deny", "ask_second"):
        page = press(client, row, button, amount="50", words="Mine.")
        assert "Nobody decides on their own refund." in page
    row.refresh_from_db()
    assert row.state == RefundState.REQUESTED
    assert address(own, "give") not in read(client, show.page_of(own))
    with pytest.raises(RefundError, match="their own"):
        refunds.give(own.pk, sue, refund_request(100))


@pytest.mark.parametrize("button", ["approve", "deny", "ask_second"])
def test_an_auditor_decides_nothing(asked: Refund, button: str) -> None:
    client = signed_in_now(staff_world.auditor())
    answer = client.post(address(asked, button), {**YES, "amount": "50", "words": "Yes"})
    assert answer.status_code == 403
    asked.refresh_from_db()
    assert asked.entries.count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("button", ["approve", "deny"])
def test_deciding_takes_a_recent_sign_in(asked: Refund, button: str) -> None:
    client = signed_in_long_ago(staff_world.support())
    back = address(asked, button)
    for answer in (
        client.get(back),
        client.post(back, {**YES, "amount": "49.50", "words": "Since you were ill"}),
    ):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
        assert f"next={back.replace('/', '%2F')}" in answer.headers["Location"]
    asked.refresh_from_db()
    assert asked.state == RefundState.REQUESTED
    again = client.post(
        f"{reverse('account_reauthenticate')}?next={back}",
        {"password": staff_world.PASSWORD, "next": back},
    )
    assert again.headers["Location"] == back
    page = read(client, back)
    assert "Nothing has been done yet" in page
    assert "Since you were ill" in page
    assert ("49.50" in page) == (button == "approve")
    assert "Nothing has been done yet" not in read(client, back)
    press(client, asked, button, amount="50", words="Yes")
    asked.refresh_from_db()
    assert asked.state != RefundState.REQUESTED


def test_a_question_opened_by_its_address_is_a_page_of_the_staff_site(
    desk: Client, asked: Refund
) -> None:
    page = read(desk, address(asked, "approve"))
    assert "<html" in page
    assert "Approve this refund?" in page
    assert f'href="{show.page_of(asked)}"' in page
    assert LIST in page
    assert 'value="50.00"' in page
    answer = desk.post(address(asked, "approve"), {**YES, "amount": "51", "words": "All & more"})
    page = answer.content.decode()
    assert "<html" in page
    assert "Up to $50.00 was asked for." in page
    assert "All &amp; more" in page
    fragment = desk.get(address(asked, "approve"), HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in fragment
    assert 'id="dialog"' in fragment
    assert desk.get(f"{LIST}999999/approve/").status_code == 404


def test_without_a_password_one_signs_in_anew(client: Client, asked: Refund) -> None:
    sue = staff_world.support()
    sue.set_unusable_password()
    sue.save()
    client.force_login(sue)
    assert "Sign out, sign back in" in press(client, asked, "approve", amount="50")
    asked.refresh_from_db()
    assert asked.state == RefundState.REQUESTED


@pytest.mark.slow
def test_selected_refunds_are_approved_each_by_itself(
    alice: User, payment: Payment, asked: Refund
) -> None:
    sue = staff_world.support()
    own = factories.make_payment(factories.make_customer(sue), amount=5000)
    mine = refunds.request(sue, own.pk, refund_request(5000))
    other = factories.make_customer(factories.make_member("Dora Diaz"))
    small = refunds.request(
        other.user, factories.make_payment(other, amount=4000).pk, refund_request(4000)
    )
    pks = [asked.pk, mine.pk, small.pk]
    client = signed_in_now(sue)
    page = client.post(LIST, selected(*pks), follow=True).content.decode()
    assert "Approve 2 refunds?" in page
    assert "$90.00 goes back at once, by 2 refunds." in page
    assert "Nobody decides on their own refund." in page
    assert not Refund.objects.filter(state=RefundState.APPROVED).exists()
    page = client.post(confirmation(*pks), follow=True).content.decode()
    assert "2 refunds approved: $90.00 goes back." in page
    assert "$50.00 for Sue Support: Nobody decides on their own refund." in page
    assert Refund.objects.filter(state=RefundState.APPROVED).count() == 2
    auditor = signed_in_now(staff_world.auditor())
    auditor.post(LIST, selected(mine.pk))
    assert auditor.get(confirmation(mine.pk)).status_code == 403
    assert auditor.post(confirmation(mine.pk)).status_code == 403
    mine.refresh_from_db()
    assert mine.state == RefundState.REQUESTED


@pytest.mark.slow
def test_of_selected_refunds_one_may_wait_and_one_be_decided(
    desk: Client, alice: User, payment: Payment, asked: Refund
) -> None:
    others = [factories.make_customer(factories.make_member(name)) for name in ("Dora D", "Eve E")]
    large, decided = [
        refunds.request(
            one.user, factories.make_payment(one, amount=12_000).pk, refund_request(amount)
        )
        for one, amount in zip(others, (12_000, 4000), strict=True)
    ]
    refunds.deny(decided.pk, refund_world.approver("Bob Baker"), "No.")
    pks = [asked.pk, large.pk, decided.pk]
    page = read(desk, confirmation(*pks))
    assert "$50.00 goes back at once, by 1 refund." in page
    assert "1 refund of $120.00 needs a second person after you." in page
    assert "1 of the selection can’t be approved by you now" in page
    page = desk.post(confirmation(*pks), follow=True).content.decode()
    assert "1 refund approved: $50.00 goes back." in page
    assert "1 refund of $120.00 waits for a second person." in page
    assert "1 was decided already" in page
    again = desk.post(confirmation(*pks), follow=True).content.decode()
    assert "refund approved" not in again
    assert "2 were decided already" in again
    assert "You have agreed already" in again


def test_selected_refunds_wait_for_a_recent_sign_in_and_stay_selected(asked: Refund) -> None:
    stale = signed_in_long_ago(staff_world.support())
    back = confirmation(asked.pk)
    for answer in (stale.get(back), stale.post(back)):
        assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
        assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == [back]
    asked.refresh_from_db()
    assert asked.is_undecided
    answer = stale.post(
        f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}",
        {"password": staff_world.PASSWORD, "next": back},
        follow=True,
    )
    assert "Nothing has been approved yet." in answer.content.decode()


@pytest.mark.parametrize("given", ["", "x", "0", "9" * 30, "1," * 500])
def test_a_strange_selection_approves_nothing(desk: Client, asked: Refund, given: str) -> None:
    answer = desk.post(f"{reverse('admin:billing_refund_selected')}?refunds={given}")
    assert answer.status_code == 302
    assert "Nothing to approve" in read(desk, f"{LIST}approve-selected/?refunds={given}")


def selected(*pks: int) -> dict[str, Any]:
    """Return what the list sends for rows that are ticked."""
    return {"action": "approve_selected", "_selected_action": list(pks)}


def confirmation(*pks: int) -> str:
    """Return the address that asks about these."""
    return f"{LIST}approve-selected/?{urlencode({'refunds': ','.join(map(str, pks))})}"


# Giving


@pytest.mark.slow
def test_a_payment_is_refunded_without_a_request(desk: Client, payment: Payment) -> None:
    assert address(payment, "give") in read(desk, show.page_of(payment))
    form = read(desk, address(payment, "give"))
    assert 'value="150.00"' in form
    key = str(uuid.uuid4())
    fields = {"amount": "12.50", "reason": "goodwill", "words": "The room was cold.", "key": key}
    assert "$12.50 goes back." in press(desk, payment, "give", **fields)
    press(desk, payment, "give", **fields)
    row = Refund.objects.get()
    assert (row.amount, row.reason, row.words) == (1250, RefundReason.GOODWILL, fields["words"])
    assert str(row.key) == key
    assert show.page_of(row) in read(desk, show.page_of(payment))


def test_giving_much_takes_two(desk: Client, payment: Payment) -> None:
    fields = {"amount": "150", "reason": "other", "key": str(uuid.uuid4())}
    page = press(desk, payment, "give", **fields)
    assert "$150.00 waits: somebody else has to agree, too." in page
    assert Refund.objects.get().approvals_given == 1


def test_giving_more_than_is_left_is_refused(desk: Client, payment: Payment, asked: Refund) -> None:
    fields = {"amount": "150", "reason": "other", "key": str(uuid.uuid4())}
    assert "decide on that one" in press(desk, payment, "give", **fields)
    refunds.deny(asked.pk, refund_world.approver("Bob Baker"), "No.")
    fields |= {"amount": "151", "words": "Twice as much"}
    page = press(desk, payment, "give", **fields)
    assert "Of this payment $150.00 is left." in page
    assert 'id="dialog-form"' in page
    assert "Twice as much" in page
    fields["amount"] = "0"
    assert "The amount must be more than nothing." in press(desk, payment, "give", **fields)
    assert Refund.objects.count() == 1


def test_a_payment_of_which_nothing_is_left_still_has_its_currency(
    desk: Client, payment: Payment
) -> None:
    factories.make_dispute(payment, status=DisputeStatus.LOST)
    form = read(desk, address(payment, "give"))
    assert "Amount, in USD" in form
    assert "$0.00" in form
    fields = {"amount": "one", "reason": "other", "key": str(uuid.uuid4())}
    assert "Enter an amount, like $40.00." in press(desk, payment, "give", **fields)


@pytest.mark.slow
def test_that_refunds_of_a_payment_count_together_is_said_where_one_decides(
    desk: Client, payment: Payment, asked: Refund
) -> None:
    rule = "At $100.00 or more, all refunds of a payment counted together"
    assert f"{rule}." in read(desk, show.page_of(asked))
    assert f"{rule}." in read(desk, address(asked, "approve"))
    so_far = f"{rule}. $50.00 so far, so now at $50.00 or more."
    assert so_far in read(desk, address(payment, "give"))
    refunds.approve(asked.pk, refund_world.approver("Bob Baker"), 5000)
    assert rule not in read(desk, show.page_of(asked))
    invoice = factories.make_invoice(payment.customer)
    factories.make_payment(invoice=invoice, amount_refunded=900)
    question = read(desk, address(invoice, "give_on_invoice"))
    assert "$9.00 so far, so now at $91.00 or more." in question


@pytest.mark.slow
def test_an_invoice_is_refunded_from_its_payments(desk: Client, alice: User) -> None:
    policy()
    invoice = factories.make_invoice(factories.make_customer(alice))
    earlier = timezone.now() - timedelta(days=2)
    factories.make_payment(invoice=invoice, amount=1000, paid_at=earlier)
    factories.make_payment(invoice=invoice, amount=1900)
    assert address(invoice, "give_on_invoice") in read(desk, show.page_of(invoice))
    assert 'value="29.00"' in read(desk, address(invoice, "give_on_invoice"))
    fields = {"amount": "24", "reason": "goodwill", "key": str(uuid.uuid4())}
    assert "$24.00 goes back." in press(desk, invoice, "give_on_invoice", **fields)
    press(desk, invoice, "give_on_invoice", **fields)
    assert sorted(Refund.objects.values_list("amount", flat=True)) == [500, 1900]


@pytest.mark.parametrize(("model", "button"), [("payment", "give"), ("invoice", "give_on_invoice")])
def test_giving_takes_a_permission_and_a_recent_sign_in(model: str, button: str) -> None:
    payment = factories.make_payment(invoice=factories.make_invoice())
    row = payment if model == "payment" else payment.invoice
    assert row
    auditor = signed_in_now(staff_world.auditor())
    assert auditor.post(address(row, button), YES).status_code == 403
    stale = signed_in_long_ago(staff_world.support())
    fields = {**YES, "amount": "5", "reason": "goodwill", "key": str(uuid.uuid4())}
    answer = stale.post(address(row, button), fields)
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert not Refund.objects.exists()


def test_a_refunds_page_shows_the_messages_about_it_and_no_others(
    desk: Client, alice: User, payment: Payment
) -> None:
    first = refunds.request(alice, payment.pk, refund_request(5000))
    [about_first] = Message.objects.filter(dedupe_key__startswith=f"refund_received:{first.pk}:")
    about_first.state = "sent"
    about_first.save()
    again = resending.resend(about_first, staff_world.support())
    refunds.withdraw(alice, first.pk)
    second = refunds.request(alice, payment.pk, refund_request(6000))
    [about_second] = Message.objects.filter(dedupe_key__startswith=f"refund_received:{second.pk}:")
    first_page, second_page = read(desk, show.page_of(first)), read(desk, show.page_of(second))
    for message in (about_first, again):
        assert show.page_of(message) in first_page
        assert show.page_of(message) not in second_page
    assert show.page_of(about_second) in second_page
    assert show.page_of(about_second) not in first_page
