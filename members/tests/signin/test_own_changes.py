"""Staff's changes to their own sign-in, and changes at the command line, are announced."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from billing.core.statuses import RefundReason, RefundState
from billing.models import Refund
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.policy import PaymentKind, Rule
from billing.refunds.service import RefundRequest
from billing.refunds.transitions import RefundError
from billing.tests import factories, refund_world
from emails.models import Message
from members import access_changes
from members.accounts import open_account
from members.models import AccessChange
from members.tests.actors import PASSWORD, browser, last_code, log_in, post
from members.tests.authenticator import code_of
from members.tests.signin.test_mfa import add_app, enter
from members.tests.test_access_changes import told
from portal.backoffice.roles import Role, make_groups

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


def reset_by_code(user: User) -> Any:
    """Set a new password as someone who reads a user's mail; return their browser."""
    client = browser()
    post(client, "account_reset_password", email=user.email)
    confirm = reverse("account_confirm_password_reset_code")
    client.post(confirm, {"code": last_code(user.email)}, follow=True)
    form = {"password1": NEW, "password2": NEW}
    client.post(reverse("account_complete_password_reset"), form)
    user.refresh_from_db()
    assert user.check_password(NEW)
    return client


def sign_in_by_code(user: User) -> Any:
    client = browser()
    post(client, "account_request_login_code", email=user.email)
    post(client, "account_confirm_login_code", code=last_code(user.email))
    return client


def test_a_new_password_of_ones_own_is_told_to_owners_and_holds_nothing_up(
    alex: User, sam: User
) -> None:
    client = browser()
    log_in(client, sam.email)
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    client.post(reverse("account_change_password"), form)
    sam.refresh_from_db()
    assert sam.check_password(NEW)
    assert told(alex) == ["Set a new password. By Sam Second. Account: sam@example.com."]
    headlines = Message.objects.filter(recipient=sam.email).values_list("context__headline")
    assert ("Your password was changed",) in headlines
    assert access_changes.why_not_yet(sam) == ""
    assert AccessChange.objects.get().get_origin_display() == "By themselves"


def test_a_members_own_password_is_nobodys_business(alex: User) -> None:
    member = open_account("mia@example.com", "Mia Member", PASSWORD)
    reset_by_code(member)
    assert told(alex) == []
    assert not AccessChange.objects.exists()


def test_who_only_reads_the_mail_decides_on_nothing_for_a_day(alex: User, sam: User) -> None:
    reset_by_code(sam)
    assert "code from your email alone" in access_changes.why_not_yet(sam)
    (said,) = told(alex)
    assert said.startswith("Set a new password. By whoever reads the account’s email.")
    assert access_changes.HELD in said


def test_a_reset_does_not_open_an_account_that_has_a_second_step(
    alex: User, sam: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client = browser()
    log_in(client, sam.email)
    add_app(client)
    assert told(alex)[-1].startswith("Added an authenticator app as second step. By Sam Second.")
    reset_by_code(sam)
    assert len(told(alex)) == 2
    assert access_changes.why_not_yet(sam) == ""


def test_an_app_added_by_who_only_reads_the_mail_holds_the_account_up(
    alex: User, sam: User
) -> None:
    add_app(sign_in_by_code(sam))
    assert "code from your email alone" in access_changes.why_not_yet(sam)
    assert "whoever reads the account’s email" in told(alex)[-1]


@pytest.mark.slow
def test_a_removed_second_step_and_new_recovery_codes_are_told(
    alex: User, sam: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client = browser()
    log_in(client, sam.email)
    secret = add_app(client)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_generate_recovery_codes"))
    assert told(alex)[-1].startswith("Made new recovery codes. By Sam Second.")
    again = browser()
    log_in(again, sam.email)
    assert enter(again, code_of(secret, steps=1)).status_code == 302
    post(again, "account_reauthenticate", password=PASSWORD)
    again.post(reverse("mfa_deactivate_totp"))
    assert told(alex)[-1].startswith(
        "Removed the authenticator app. It was the last second step. By Sam Second."
    )
    assert access_changes.why_not_yet(sam) == ""


def test_a_new_address_of_ones_own_is_told(alex: User, sam: User) -> None:
    client = browser()
    log_in(client, sam.email)
    post(client, "account_reauthenticate", password=PASSWORD)
    post(client, "account_email", action_add="add", email="sam.new@example.com")
    code = last_code("sam.new@example.com")
    client.post(reverse("account_email_verification_sent"), {"code": code})
    sam.refresh_from_db()
    assert sam.email == "sam.new@example.com"
    said = "Changed the email address. By Sam Second. Account: sam.new@example.com."
    assert told(alex)[-1] == said


def superuser_by_command(monkeypatch: pytest.MonkeyPatch, name: str) -> User:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    options = {"username": name, "email": f"{name.title()}@Example.com", "interactive": False}
    call_command("createsuperuser", **options, stdout=io.StringIO())
    return User.objects.get(username=name)


def test_the_first_owner_is_made_and_decides_right_away(monkeypatch: pytest.MonkeyPatch) -> None:
    olga = superuser_by_command(monkeypatch, "olga")
    assert AccessChange.objects.get(user=olga).what == "An owner’s account was opened."
    assert access_changes.why_not_yet(olga) == ""
    assert olga.email == "olga@example.com"


def test_a_further_owner_made_at_the_command_line_is_told_and_waits_a_day(
    alex: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = superuser_by_command(monkeypatch, "second")
    assert "Somebody else changed your account" in access_changes.why_not_yet(second)
    assert "at the server’s command line" in told(alex)[-1]
    assert "second@example.com" in told(alex)[-1]
    assert told(second)


def test_what_staff_groups_adds_to_a_group_is_told_and_counts_a_day_later(alex: User) -> None:
    make_groups()
    group = Group.objects.get(staffrole__key=Role.SUPPORT)
    clerk = open_account("cleo@example.com", "Cleo Clerk", PASSWORD, is_staff=True)
    clerk.groups.add(group)
    call_command("staff_groups", stdout=io.StringIO())
    assert told(alex) == []
    group.permissions.remove(group.permissions.get(codename="view_message"))
    call_command("staff_groups", stdout=io.StringIO())
    assert told(alex)[-1].startswith("Granted to the group Support: emails.view_message.")
    assert access_changes.why_not_yet(clerk) == ""
    group.permissions.remove(group.permissions.get(codename="approve_refund"))
    call_command("staff_groups", stdout=io.StringIO())
    assert told(alex)[-1].startswith("Granted to the group Support: billing.approve_refund.")
    assert access_changes.why_not_yet(clerk)


def test_a_closed_staff_account_is_told_and_the_last_owner_stays(alex: User, sam: User) -> None:
    call_command("close_account", sam.email, yes=True, stdout=io.StringIO())
    assert told(alex) == ["The account of an owner was closed, and opens nothing anymore."]
    with pytest.raises(CommandError, match="Somebody has to stay an owner"):
        call_command("close_account", alex.email, yes=True, stdout=io.StringIO())


@pytest.mark.parametrize("who", ["one mailbox", "one name"])
def test_nobody_decides_on_a_refund_of_their_other_account(who: str, sam: User) -> None:
    refund_world.policy(two_people_from=10_000)
    email = "sam+gym@example.com" if who == "one mailbox" else "other@example.com"
    name = "S. S." if who == "one mailbox" else "Sam Second"
    other = open_account(email, name, PASSWORD)
    payment = factories.make_payment(amount=15_000, customer=factories.make_customer(user=other))
    wish = RefundRequest(amount=9000, reason=RefundReason.GOODWILL, words="Sorry", key=uuid.uuid4())
    with pytest.raises(RefundError, match="counts as yours"):
        refunds.give(payment.pk, sam, wish)
    asked = refunds.request(other, payment.pk, wish)
    assert asked.state == RefundState.REQUESTED
    with pytest.raises(RefundError, match="counts as yours"):
        refunds.approve(asked.pk, sam)
    assert Refund.objects.get().state == RefundState.REQUESTED


def test_nobody_loosens_the_rule_of_two_by_their_other_account(alex: User) -> None:
    refund_world.policy(two_people_from=10_000)
    second = open_account("alex+2@example.com", "A. O.", PASSWORD, is_superuser=True, is_staff=True)
    rule = Rule(**refund_world.USUAL | {"two_people_from": None})
    loose = dict.fromkeys(PaymentKind, rule)
    refund_terms.save_policy(loose, "Looser", second)
    payment = factories.make_payment(amount=15_000)
    wish = RefundRequest(
        amount=15_000, reason=RefundReason.GOODWILL, words="Sorry", key=uuid.uuid4()
    )
    given = refunds.give(payment.pk, alex, wish)
    assert given.approvals_needed == refunds.TWO
