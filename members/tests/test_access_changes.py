"""Nobody is both of two people: changes of staff access are announced, and count a day later."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import RefundReason, RefundState
from billing.models import Refund
from billing.refunds import service as refunds
from billing.refunds.service import RefundRequest
from billing.refunds.transitions import RefundError
from billing.tests import factories, refund_world, staff_world
from emails.models import Message
from members import access_changes
from members.access_changes import Access
from members.accounts import open_account
from members.models import AccessChange, Device
from members.tests.actors import PASSWORD, browser, fresh
from portal.backoffice.roles import NAMES, Role, make_groups

pytestmark = pytest.mark.django_db
NEW = "another fine password"


@pytest.fixture
def alex() -> User:
    return open_account(
        "alex@example.com", "Alex Owner", PASSWORD, is_staff=True, is_superuser=True
    )


@pytest.fixture
def sam() -> User:
    return open_account("sam@example.com", "Sam Second", PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def large(alex: User) -> Refund:
    """150.00 that Alex gives, for which a second person is needed."""
    refund_world.policy(two_people_from=10_000)
    payment = factories.make_payment(amount=15_000)
    wish = RefundRequest(
        amount=15_000, reason=RefundReason.GOODWILL, words="Sorry", key=uuid.uuid4()
    )
    given = refunds.give(payment.pk, alex, wish)
    assert given.state == RefundState.REQUESTED
    return given


def press(user: User, who: User, button: str, **fields: object) -> str:
    """Press a button on an account's page of the staff site; return the page that follows."""
    path = reverse(f"admin:auth_user_{button}", args=[who.pk])
    form = {"_form_submitted": "on", **fields}
    return str(fresh(user).post(path, form, follow=True).content.decode())


def told(user: User) -> list[str]:
    rows = Message.objects.filter(recipient=user.email, kind="account_changed").order_by("pk")
    return [row.context["sentence"] for row in rows]


def test_nobody_sets_another_persons_password(alex: User, sam: User) -> None:
    client = fresh(alex)
    page = client.get(reverse("admin:auth_user_change", args=[sam.pk])).content.decode()
    assert f"{sam.pk}/password/" not in page
    assert sam.password not in page
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    client.post(f"/staff/auth/user/{sam.pk}/password/", form)
    sam.refresh_from_db()
    assert sam.check_password(PASSWORD)


def test_a_password_by_a_mailed_link_is_told_and_decides_on_nothing_for_a_day(
    alex: User, sam: User, large: Refund
) -> None:
    assert "We emailed a link to sam@example.com." in press(alex, sam, "send_password_link")
    link = Message.objects.get(kind="password_link", recipient=sam.email).context["url"]
    stranger = browser()
    page = stranger.get("/" + link.split("/", 3)[3], follow=True)
    form = {"password1": NEW, "password2": NEW}
    answer = stranger.post(page.redirect_chain[-1][0], form)
    assert answer.status_code == 302
    sam.refresh_from_db()
    assert sam.check_password(NEW)
    with pytest.raises(RefundError, match="less than 24 hours ago"):
        refunds.approve(large.pk, sam)
    with pytest.raises(RefundError, match="less than 24 hours ago"):
        refunds.deny(large.pk, sam, "No")
    assert Refund.objects.get(pk=large.pk).state == RefundState.REQUESTED
    AccessChange.objects.update(happened_at=timezone.now() - timedelta(hours=25))
    assert refunds.approve(large.pk, sam).state == RefundState.APPROVED


@pytest.mark.parametrize("how", ["changepassword", "remove_second_step"])
def test_what_is_done_at_the_command_line_holds_and_is_told(
    how: str, alex: User, sam: User, large: Refund, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "changepassword":
        monkeypatch.setattr("getpass.getpass", lambda *_args, **_named: NEW)
        call_command("changepassword", sam.username, stdout=io.StringIO())
    else:
        from allauth.mfa.models import Authenticator

        Authenticator.objects.create(user=sam, type=Authenticator.Type.TOTP, data={"secret": ""})
        call_command("remove_second_step", sam.email)
    with pytest.raises(RefundError, match="Somebody else changed your account"):
        refunds.approve(large.pk, sam)
    assert "command line" in told(alex)[-1]
    assert Message.objects.filter(recipient=sam.email).exists()


def test_access_is_changed_with_a_fresh_sign_in_and_told(alex: User, sam: User) -> None:
    make_groups()
    clerk = open_account("cleo@example.com", "Cleo Clerk", PASSWORD, is_staff=True)
    clerk.groups.add(Group.objects.get(staffrole__key=Role.SUPPORT))
    path = reverse("admin:auth_user_change_access", args=[clerk.pk])
    billing = Group.objects.get(staffrole__key=Role.BILLING)
    form = {"_form_submitted": "on", "is_active": "on", "is_staff": "on", "groups": billing.pk}
    old = browser(alex)
    assert old.post(path, form)["Location"].startswith("/accounts/reauthenticate/")
    assert [one.name for one in clerk.groups.all()] == [NAMES[Role.SUPPORT]]

    said = press(alex, clerk, "change_access", is_active="on", is_staff="on", groups=billing.pk)
    words = "Granted: the group Billing (groups from Support to Billing)."
    assert words in said
    assert [one.name for one in clerk.groups.all()] == [NAMES[Role.BILLING]]
    note = LogEntry.objects.latest("pk").get_change_message()
    assert note == f"{words} Revoked: the group Support (groups from Support to Billing)."
    assert words in told(clerk)[-1]
    assert "By Alex Owner" in told(sam)[-1]
    assert words in told(sam)[-1]
    assert access_changes.why_not_yet(clerk)


def test_only_owners_change_access_and_one_stays(alex: User) -> None:
    clerk = open_account("cleo@example.com", "Cleo Clerk", PASSWORD, is_staff=True)
    path = reverse("admin:auth_user_change_access", args=[clerk.pk])
    fresh(clerk).post(path, {"_form_submitted": "on", "is_superuser": "on", "is_active": "on"})
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert "Somebody has to stay an owner" in press(alex, alex, "change_access", is_active="on")
    alex.refresh_from_db()
    assert alex.is_superuser


def test_an_account_that_was_switched_on_again_or_promoted_waits_a_day(
    alex: User, large: Refund
) -> None:
    second = open_account("al@example.com", "Al Two", PASSWORD, is_active=False)
    everything = Access(True, True, True, frozenset())
    access_changes.change(second.pk, alex, everything)
    second = User.objects.get(pk=second.pk)
    with pytest.raises(RefundError, match="can’t decide on money until"):
        refunds.approve(large.pk, second)
    payment = factories.make_payment(amount=1000)
    wish = RefundRequest(amount=1000, reason=RefundReason.GOODWILL, words="", key=uuid.uuid4())
    with pytest.raises(RefundError, match="can’t decide on money until"):
        refunds.give(payment.pk, second, wish)


@pytest.mark.parametrize("how", ["mailbox", "name", "browser"])
def test_one_person_with_two_accounts_is_one(how: str, alex: User, large: Refund) -> None:
    email = "alex+two@example.com" if how == "mailbox" else "al@example.com"
    name = "Alex Owner" if how == "name" else "Al Two"
    second = open_account(email, name, PASSWORD, is_staff=True, is_superuser=True)
    if how == "browser":
        AccessChange.objects.create(user=second, actor=alex, what="Opened the account.")
        AccessChange.objects.update(happened_at=timezone.now() - timedelta(days=9))
        number = uuid.uuid4()
        for user in (alex, second):
            Device.objects.create(user=user, browser=number, seen_at=timezone.now())
    with pytest.raises(RefundError, match="counts as the same person"):
        refunds.approve(large.pk, second)


def test_what_a_group_may_do_is_changed_openly(alex: User, sam: User) -> None:
    clerk = staff_world.support()
    group = Group.objects.get(staffrole__key=Role.SUPPORT)
    path = reverse("admin:auth_group_change", args=[group.pk])
    form = {"name": group.name, "permissions": []}
    assert browser(alex).post(path, form)["Location"].startswith("/accounts/reauthenticate/")
    assert group.permissions.exists()
    fresh(alex).post(path, form)
    assert not group.permissions.exists()
    assert "Revoked from the group Support: approve_refund." in told(sam)[-1]
    assert access_changes.why_not_yet(clerk)


def test_what_an_account_may_do_is_said_in_our_words(alex: User) -> None:
    clerk = staff_world.support()
    page = fresh(alex).get(reverse("admin:auth_user_edit", args=[clerk.pk])).content.decode()
    for words in ("Can sign in", "Can open the staff site", "Owner", "Groups", NAMES[Role.SUPPORT]):
        assert words in page
    assert "Designates" not in page


def test_the_list_of_changes_says_who_is_on_hold(alex: User, sam: User) -> None:
    access_changes.record(sam, alex, "Granted: the group Manager.")
    access_changes.record(alex, alex, "Set a new password.")
    path = reverse("admin:members_accesschange_changelist")
    page = fresh(alex).get(path).content.decode()
    assert page.count("On hold") == 1
    AccessChange.objects.update(happened_at=timezone.now() - timedelta(hours=25))
    assert "On hold" not in fresh(alex).get(path).content.decode()
