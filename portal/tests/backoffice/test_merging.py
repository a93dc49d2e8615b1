"""Staff merge a member's second account, or move one customer, with all that belongs to it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import tasks
from billing.core.statuses import (
    CheckoutState,
    Purpose,
    RefundAction,
    RefundOrigin,
    RequestState,
)
from billing.facts import daily, memberships
from billing.models import (
    Checkout,
    Customer,
    Invoice,
    Item,
    KnownPayer,
    LedgerCheck,
    MemberSpan,
    Payment,
    PaymentRequest,
    Refund,
    RefundEntry,
    Subscription,
)
from billing.moving import Move
from billing.reconcile import push
from billing.refunds import service as refunds
from billing.stripe import gateway
from billing.sync import refresh
from billing.tests import factories, staff_world
from billing.tests.life import deliver, know_the_plan, subscribe
from billing.tests.refund_world import policy, refund_request
from conftest import Sandbox, run_jobs
from emails.models import Channel, Message, NotificationChoice
from members.models import SignIn, SmsConsentRecord
from members.tests.actors import ALICE, alice, bob, browser, is_signed_in, log_in
from portal.backoffice import merging
from portal.backoffice.close_account import close_account
from portal.models import MemberTag, PlannedClosing, StaffNote, SupportMessage
from portal.tests.backoffice.test_close_account import found

pytestmark = pytest.mark.django_db

BOB = "bob@example.com"
# Rows about a user that no merge touches, and why.
STAYS = {
    # Who of the staff did something; staff accounts never merge.
    **dict.fromkeys(
        """
        admin.LogEntry.user auth.User_groups.user auth.User_user_permissions.user
        portal.Download.by portal.SavedView.owner portal.StaffInvitation.invited_by
        portal.DataExport.asked_by portal.SupportMessage.answered_by
        portal.PlannedClosing.planned_by portal.PlannedClosing.ended_by portal.StaffNote.author
        portal.StaffNote.removed_by portal.MemberTag.added_by portal.MemberTag.removed_by
        portal.MemberViewing.viewer business.Picture.made_by business.BrandVersion.made_by
        emails.EditedText.made_by emails.Suppression.released_by
        business.BookAccountsVersion.made_by business.SuggestionsVersion.made_by
        business.LocaleVersion.made_by
        business.QuietHoursVersion.made_by business.RetentionVersion.made_by
        business.AttachmentsVersion.made_by
        members.AccessChange.actor billing.RefundPolicy.created_by billing.Refund.first_approved_by
        billing.Refund.decided_by billing.BankFile.imported_by billing.BankTransfer.set_aside_by
        billing.FraudWarning.left_by
        billing.BankUpload.created_by billing.PaymentRequest.created_by
        billing.BookClosing.closed_by billing.DisputeAnswer.edited_by
        billing.DisputeAnswer.asked_by billing.NumbersMail.user billing.DayMail.user
        billing.FailureMail.user
        billing.Replay.started_by billing.Replay.stopped_by billing.ZelleTerms.changed_by
        billing.Allocation.first_confirmed_by billing.Allocation.confirmed_by
        billing.Allocation.undone_by emails.Message.resent_by portal.StaffInvitation.user
        """.split(),
        "staff",
    ),
    "billing.RefundEntry.actor": "hashed: who acted, under which account",
    "billing.MemberSpan.user": "counted again by triggers",
    "billing.TrialSpan.user": "counted again by triggers",
    "members.Member.user": "each account has its own; the number goes along",
    # Deleted with the way in.
    **dict.fromkeys(
        """
        account.EmailAddress.user mfa.Authenticator.user socialaccount.SocialAccount.user
        usersessions.UserSession.user portal.DataExport.user members.Device.user
        """.split(),
        "deleted",
    ),
}
# Tables that aren't in every version.
GOES = set(
    """
    billing.Customer.user billing.Checkout.user billing.PaymentRequest.user
    billing.ExpectedTransfer.user billing.KnownPayer.user billing.Item_members.user
    billing.MembershipDecision.actor billing.Refund.requested_by emails.Message.user
    emails.NotificationChoice.user emails.Suppression.user portal.SupportMessage.user
    portal.StaffNote.user portal.MemberTag.user portal.MemberViewing.user
    portal.PlannedClosing.user members.SignIn.user members.AccountActivity.user
    members.TermsAcceptance.user members.PhoneCode.user members.AccessChange.user
    """.split()
)


@pytest.fixture
def desk() -> Client:
    return signed_in()


def signed_in() -> Client:
    return staff_world.signed_in_now(staff_world.billing())


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(answer.content.decode())).split())


def look(to: User, origin: User) -> str:
    return reverse("admin:auth_user_merge_look", args=[to.pk, origin.pk])


def press(desk: Client, to: User, origin: User, what: str = "all") -> str:
    """Look at the preview, and press its button."""
    url = f"{look(to, origin)}?what={what}"
    seen = re.search(r'name="seen" value="([^"]+)"', desk.get(url).content.decode())
    assert seen
    return text(desk.post(url, {"seen": seen[1]}, follow=True))


def merge(to: User, origin: User, customer: Customer | None = None) -> None:
    move = Move(origin, to, customer)
    merging.merge(move, staff_world.billing(), merging.mark(move))


def test_of_every_table_that_names_a_user_it_is_said_whether_it_goes_along() -> None:
    named = set()
    relations: list[Any] = list(User._meta.get_fields(include_hidden=True))
    for relation in relations:
        if relation.auto_created and not relation.concrete:
            named.add(f"{relation.related_model._meta.label}.{relation.field.name}")
    assert named - {"billing.Item.members"} == GOES | set(STAYS)


def _lives(sandbox: Sandbox) -> tuple[User, User]:
    """Two paying accounts of one person, the second with all that can hang on one."""
    policy(automatic_up_to=0)
    know_the_plan(sandbox)
    first, second = alice(), bob()
    for user in (first, second):
        subscribe(sandbox, user)
        deliver(sandbox.events())
    payment = Payment.objects.get(customer__user=second)
    refunds.request(second, payment.pk, refund_request(900, words="Twice, it seems."))
    StaffNote.objects.create(user=second, words="Came by.")
    MemberTag.objects.create(user=first, name="VIP")
    for name in ("vip", "Teacher"):
        MemberTag.objects.create(user=second, name=name)
    SupportMessage.objects.create(user=second, words="Hello?")
    KnownPayer.objects.create(user=second, key="BOB BAKER", name="Bob Baker")
    NotificationChoice.objects.create(user=second, topic="receipts", channel="email", is_on=False)
    mat = Item.objects.create(name="Mat", amount=3000, currency="usd")
    mat.members.add(second)
    return first, second


@pytest.mark.slow
def test_a_second_account_goes_into_the_first_with_all_it_has(
    sandbox: Sandbox, desk: Client
) -> None:
    first, second = _lives(sandbox)
    phone = browser()
    log_in(phone, BOB)
    assert is_signed_in(phone)
    customer = second.customers.get()
    found_page = text(desk.get(reverse("admin:auth_user_merge_find", args=[first.pk]), {"q": BOB}))
    assert "1 customer at Stripe" in found_page
    shown = text(desk.get(look(first, second)))
    assert "Both have a membership" in shown
    assert "Invoice 1" in shown
    assert "Notes" not in shown
    assert "Tags 2" in shown
    assert "The phone number +1 415" not in shown

    said = press(desk, first, second)
    assert "There are two memberships now. End one of them below." in said

    assert first.customers.count() == 2
    assert not second.customers.exists()
    for model in (Subscription, Invoice, Payment):
        assert model.objects.filter(customer__user=first).count() == 2
    refund = Refund.objects.get()
    assert (refund.customer.user, refund.requested_by) == (first, first)
    assert set(Checkout.objects.values_list("user", flat=True)) == {first.pk}
    assert len(memberships.live(first)) == 2
    assert StaffNote.objects.get().user == first
    assert set(MemberTag.objects.now().values_list("user", "name")) == {
        (first.pk, "VIP"),
        (first.pk, "Teacher"),
    }
    assert SupportMessage.objects.get().user == first
    assert KnownPayer.objects.get().user == first
    assert Item.objects.get().members.get() == first
    assert NotificationChoice.objects.get().user == first
    assert not Message.objects.filter(user=second).exists()
    assert SignIn.objects.filter(user=first).exists()
    # The hashed entries say who asked, and the whole ledger still holds.
    assert RefundEntry.objects.filter(actor=second, action=RefundAction.REQUESTED).exists()
    tasks.verify_ledger()
    assert LedgerCheck.objects.latest("pk").problems == []
    # The business's numbers are counted again for both.
    daily.refresh_all()
    counted = set(MemberSpan.objects.values_list("user", "day", "mrr"))
    daily.rebuild()
    assert set(MemberSpan.objects.values_list("user", "day", "mrr")) == counted
    assert {user for user, _day, _mrr in counted} == {first.pk}

    # Nobody gets in with it anymore; its address is free; both addresses were told.
    assert not is_signed_in(phone)
    log_in(other := browser(), BOB)
    assert not is_signed_in(other)
    assert not EmailAddress.objects.filter(email=BOB).exists()
    told = Message.objects.filter(context__headline="Your accounts are one now")
    assert set(told.values_list("recipient", flat=True)) == {ALICE, BOB}
    # Both histories say it.
    log = LogEntry.objects.filter(change_message__startswith="Merged")
    assert {one.object_id for one in log} == {str(first.pk), str(second.pk)}
    page = text(desk.get(reverse("admin:auth_user_change", args=[first.pk])))
    assert f"Merged the account of {BOB}" in page

    _stripe_is_told_whatever_comes_between(sandbox, customer, first)
    assert "has nothing left to move" in text(desk.get(look(first, second)))


def _stripe_is_told_whatever_comes_between(
    sandbox: Sandbox, customer: Customer, owner: User
) -> None:
    """Its metadata names the other account until Stripe answers; events don't move it back."""
    sandbox.control("switches", api_fail=1)
    tasks.tell_stripe_of_changes(0)
    with pytest.raises(gateway.StripeUnavailable):
        run_jobs()
    sandbox.control("switches", api_fail=0)
    sandbox.stripe.v1.customers.update(customer.stripe_id, {"description": "Changed there"})
    deliver(sandbox.events())
    refresh.sync_customer(customer.stripe_id)
    assert Customer.objects.get(pk=customer.pk).user == owner
    assert push.behind().filter(pk=customer.pk).exists()
    push.tell(customer.pk)
    at_stripe = sandbox.stripe.v1.customers.retrieve(customer.stripe_id)
    assert at_stripe.metadata
    assert at_stripe.metadata["portal_user"] == str(owner.pk)
    assert at_stripe.email == owner.email
    assert not push.behind().filter(pk=customer.pk).exists()
    deliver(sandbox.events())
    assert Customer.objects.get(pk=customer.pk).user == owner


def test_one_customer_goes_with_what_was_paid_through_it(desk: Client) -> None:
    first, second = alice(), bob()
    mine, wrong = factories.make_customer(second), factories.make_customer(second)
    invoice = factories.make_invoice(wrong)
    kept = factories.make_payment(mine)
    paid = factories.make_payment(wrong)
    terms: dict[str, Any] = {"amount": 900, "currency": "usd", "description": "Mat"}
    is_paid = {"state": RequestState.PAID}
    requests = [PaymentRequest.objects.create(user=second, **terms, **is_paid) for _ in range(2)]
    for request, payment in zip(requests, (kept, paid), strict=True):
        Checkout.objects.create(
            customer=payment.customer,
            user=second,
            purpose=Purpose.REQUEST,
            request=request,
            payment=payment,
            state=CheckoutState.COMPLETE,
            **terms,
        )
    Refund.objects.create(
        customer=wrong,
        payment=paid,
        amount=100,
        amount_asked=100,
        created_at=timezone.now(),
        currency="usd",
        origin=RefundOrigin.MEMBER,
        requested_by=second,
    )
    StaffNote.objects.create(user=second, words="Stays.")
    # Nobody has begun to pay it, so it isn't any customer's.
    owed = PaymentRequest.objects.create(user=second, **terms)

    shown = text(desk.get(f"{look(first, second)}?what={wrong.pk}"))
    assert "Payments 1" not in shown
    assert "Payment 1" in shown
    assert "keeps the account, sign-in, and notes" in shown
    assert "1 unpaid payment request: " in shown
    assert "message that" not in shown
    said = press(desk, first, second, str(wrong.pk))
    assert f"{wrong.stripe_id} belongs to" in said

    assert set(first.customers.all()) == {wrong}
    assert set(second.customers.all()) == {mine}
    invoice.refresh_from_db()
    assert invoice.customer.user == first
    asked = PaymentRequest.objects.exclude(pk=owed.pk).order_by("pk")
    assert [one.user for one in asked] == [second, first]
    owed.refresh_from_db()
    assert owed.user == second
    visits = Checkout.objects.order_by("pk")
    assert [(one.customer, one.user) for one in visits] == [(mine, second), (wrong, first)]
    assert Refund.objects.get().requested_by == first
    assert StaffNote.objects.get().user == second
    second.refresh_from_db()
    assert second.is_active
    assert second.email == BOB
    # Back again, before Stripe heard of it: its mark there still has to be checked.
    merge(second, first, wrong)
    assert push.behind().filter(pk=wrong.pk).exists() is (
        Customer.objects.get(pk=wrong.pk).told_email != second.email
    )


def test_a_verified_number_goes_along_with_its_answer_and_a_stop_always_holds() -> None:
    first, second = alice(), bob()
    factories.set_member(first, phone="", phone_verified_at=None)
    now = timezone.now()
    factories.set_member(
        second,
        phone="+14155550123",
        phone_verified_at=now,
        sms_consent_at=now,
        sms_consent_source="account",
    )
    SmsConsentRecord.objects.create(
        member=second.member, agreed=True, source="account", phone="+14155550123"
    )
    merge(first, second)
    mine = User.objects.get(pk=first.pk).member
    assert mine.accepts_sms
    assert str(mine.phone) == "+14155550123"
    assert SmsConsentRecord.objects.get().member == mine
    assert not User.objects.get(pk=second.pk).member.phone


def test_a_stop_to_the_same_number_holds() -> None:
    first, second = alice(), bob()
    now = timezone.now()
    agreed = {"phone": "+14155550123", "sms_consent_at": now, "sms_consent_source": "account"}
    factories.set_member(first, phone_verified_at=now, **agreed)
    factories.set_member(second, sms_stopped_at=now, **agreed)
    assert User.objects.get(pk=first.pk).member.accepts_sms
    merge(first, second)
    assert not User.objects.get(pk=first.pk).member.accepts_sms


def test_what_both_bought_stays_bought_and_what_is_open_has_to_be_settled() -> None:
    first, second = alice(), bob()
    mat = Item.objects.create(name="Mat", amount=3000, currency="usd", for_everybody=True)
    terms: dict[str, Any] = {"item": mat, "amount": 3000, "currency": "usd", "description": "Mat"}
    PaymentRequest.objects.create(user=first, state="paid", **terms)
    theirs = PaymentRequest.objects.create(user=second, state="open", **terms)
    with pytest.raises(merging.MergeRefused, match="Both are asked to pay for “Mat”"):
        merge(first, second)
    PaymentRequest.objects.filter(pk=theirs.pk).update(state="paid")
    merge(first, second)
    rows = PaymentRequest.objects.filter(user=first, state="paid").order_by("pk")
    assert [one.item for one in rows] == [mat, None]


def test_two_unfinished_checkouts_for_the_membership_have_to_end_first() -> None:
    first, second = alice(), bob()
    for user in (first, second):
        row = factories.make_customer(user)
        Checkout.objects.create(customer=row, user=user, state=CheckoutState.OPEN)
    with pytest.raises(merging.MergeRefused, match="have expired"):
        merge(first, second)


def test_what_is_not_merged(desk: Client) -> None:
    first, second = alice(), bob()
    boss = staff_world.owner()
    for to, origin in ((first, boss), (boss, first)):
        assert "Staff accounts are never merged" in text(desk.get(look(to, origin)))
        with pytest.raises(merging.MergeRefused, match="never merged"):
            merge(to, origin)
    assert "That’s the same account" in text(desk.get(look(first, first)))
    plan = PlannedClosing.objects.create(user=second, closes_at=timezone.now())
    with pytest.raises(merging.MergeRefused, match="about to be closed"):
        merge(first, second)
    plan.delete()
    # Something came in since they looked.
    move = Move(second, first)
    seen = merging.mark(move)
    StaffNote.objects.create(user=second, words="New.")
    with pytest.raises(merging.MergeRefused, match="has changed since you looked"):
        merging.merge(move, staff_world.billing(), seen)
    with pytest.raises(PermissionDenied):
        merging.merge(move, staff_world.support(), merging.mark(move))
    support = staff_world.signed_in_now(staff_world.support())
    assert support.get(look(first, second)).status_code == 403
    assert "Merge a second account" not in text(
        support.get(reverse("admin:auth_user_change", args=[first.pk]))
    )
    assert "Merge a second account" in text(
        desk.get(reverse("admin:auth_user_change", args=[first.pk]))
    )
    assert second.is_active


def test_it_takes_a_recent_sign_in() -> None:
    first, second = alice(), bob()
    client = Client()
    client.force_login(staff_world.billing())
    answer = client.post(look(first, second), {"seen": merging.mark(Move(second, first))})
    assert answer.status_code == 302
    assert User.objects.get(pk=second.pk).is_active


def test_who_leaves_is_forgotten_with_the_account_that_was_merged() -> None:
    first = factories.make_member("Alice Archer")
    second = factories.make_member("Zephyrine Quillfeather")
    address = second.email
    factories.make_payment(factories.make_customer(first))
    StaffNote.objects.create(user=second, words="Zephyrine called.")
    Message.objects.create(
        user=second, channel=Channel.EMAIL, kind="welcome", recipient=address, dedupe_key="w"
    )
    press(signed_in(), first, second)
    assert found([address.partition("@")[0]])
    close_account(User.objects.get(pk=first.pk))
    run_jobs()
    assert found(["zephyrine", "quillfeather", "archer"]) == []
