"""Invitations to the team: who may send and accept them, and what a stranger gets out of a link."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.tests import factories, staff_world
from billing.tests.staff_world import owner, signed_in_now, superuser, support
from emails.models import Message
from members import access_changes
from members.accounts import open_account
from members.models import AccessChange
from members.signin.mfa import MFAAdapter
from members.tests.actors import PASSWORD, browser, enter_email_code, is_signed_in, log_in
from members.tests.authenticator import code_of
from portal.backoffice import close_account, invitations
from portal.backoffice.invitations import InvitationBroken, InvitationRefused
from portal.backoffice.roles import Role
from portal.models import InvitationState, StaffInvitation, StaffRole

pytestmark = pytest.mark.django_db
NEW = "nina@example.com"
INVITE = "/staff/portal/staffinvitation/invite/"
TEAM = "/staff/portal/staffinvitation/team/"


@pytest.fixture
def olga() -> User:
    return owner()


def role(key: Role = Role.SUPPORT) -> StaffRole:
    return StaffRole.objects.get(key=key)


def link_to(email: str = NEW) -> str:
    """Return the path of the link in the newest invitation to an address."""
    rows = Message.objects.filter(recipient=email, kind="staff_invited").order_by("-pk")
    return "/" + str(rows[0].context["url"]).split("/", 3)[3]


def token_to(email: str = NEW) -> str:
    return link_to(email).strip("/").split("/")[-1]


def text_of(answer: Any) -> str:
    return html.unescape(str(answer.content.decode()))


def add_app(client: Client) -> None:
    """Add an authenticator app on its page, as a browser does."""
    page = client.get(reverse("mfa_activate_totp"))
    if page.status_code == 302:
        client.post(page["Location"], {"password": PASSWORD})
        page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})


def nina(**fields: Any) -> User:
    return open_account(NEW, "Nina New", PASSWORD, **fields)


def with_second_step(user: User) -> User:
    """Give an account an app; nobody is signed in with it."""
    data = {"secret": MFAAdapter().encrypt("JBSWY3DPEHPK3PXP")}
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data)
    return user


# From sending to joining


def test_an_invited_person_creates_an_account_adds_a_second_step_and_joins(olga: User) -> None:
    desk = signed_in_now(olga)
    said = text_of(
        desk.post(INVITE, {"_form_submitted": "on", "email": NEW, "role": "support"}, follow=True)
    )
    assert f"We emailed an invitation to {NEW}." in said
    mail = Message.objects.get(recipient=NEW, kind="staff_invited")
    assert mail.context["actor"] == "Olga Owner"
    assert mail.context["role"] == "Support"
    link = link_to()

    client = browser()
    page = text_of(client.get(link))
    assert "Olga Owner invites you as" in page
    assert NEW not in page
    assert f"{reverse('account_signup')}?next={link.replace('/', '%2F')}" in page
    form = {"name": "Nina New", "email": NEW, "password1": PASSWORD, "next": link}
    client.post(reverse("account_signup"), form)
    assert enter_email_code(client, NEW)["Location"] == link

    page = text_of(client.get(link))
    assert "add a second step" in page
    assert "Join the team</" not in page
    client.post(link)
    assert not User.objects.get(email=NEW).is_staff
    add_app(client)
    index = text_of(client.get(reverse("mfa_index")))
    assert "You were about to join the team." in index
    assert f'href="{link}"' in index
    assert "Join the team</" in text_of(client.get(link))
    answer = client.post(link, follow=True)
    assert answer.redirect_chain[-1][0] == "/staff/"
    assert answer.status_code == 200
    assert "Welcome to the team." in text_of(answer)

    user = User.objects.get(email=NEW)
    assert [one.name for one in user.groups.all()] == ["Support"]
    assert user.check_password(PASSWORD)
    assert user.has_perm("billing.approve_refund")
    change = AccessChange.objects.get(user=user, actor=olga)
    assert "Accepted an invitation." in change.what
    assert "Granted: the group Support" in change.what
    assert access_changes.why_not_yet(user)
    row = StaffInvitation.objects.get()
    assert (row.state, row.user) == (InvitationState.ACCEPTED, user)
    assert "You were about to join" not in text_of(client.get(reverse("mfa_index")))


def test_a_member_joins_with_their_own_account_and_takes_their_second_step(olga: User) -> None:
    user = with_second_step(nina())
    invitations.invite(olga, NEW, role(Role.FINANCE))
    client = browser()
    client.force_login(user)
    # Signed in without the second step, which this session has to take first.
    answer = client.get(link_to())
    assert answer["Location"].startswith(reverse("mfa_reauthenticate"))
    assert client.post(link_to()).status_code == 302
    assert not User.objects.get(pk=user.pk).is_staff
    client.post(answer["Location"], {"code": code_of("JBSWY3DPEHPK3PXP")})
    client.post(link_to())
    user = User.objects.get(pk=user.pk)
    assert user.is_staff
    assert user.has_perm("billing.close_books")


def test_a_passkey_is_a_second_step(olga: User) -> None:
    user = nina()
    invitations.invite(olga, NEW, role())
    with pytest.raises(InvitationBroken, match="Add a second step first"):
        invitations.accept(token_to(), user)
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={})
    assert invitations.accept(token_to(), user).state == InvitationState.ACCEPTED


# What an attacker tries


def test_a_forwarded_link_opens_nothing_for_another_account(olga: User) -> None:
    invitations.invite(olga, NEW, role())
    mallory = with_second_step(open_account("mallory@example.com", "Mallory", PASSWORD))
    client = browser()
    client.force_login(mallory)
    page = text_of(client.get(link_to()))
    assert "another address" in page
    assert NEW not in page
    client.post(link_to())
    with pytest.raises(InvitationBroken, match="sent to another address"):
        invitations.accept(token_to(), mallory)
    assert not User.objects.get(pk=mallory.pk).is_staff


def test_an_address_that_nobody_verified_is_nobodys(olga: User) -> None:
    invitations.invite(olga, NEW, role())
    mallory = with_second_step(open_account("mallory@example.com", "Mallory", PASSWORD))
    EmailAddress.objects.create(user=mallory, email=NEW, verified=False)
    with pytest.raises(InvitationBroken, match="sent to another address"):
        invitations.accept(token_to(), mallory)


def test_nobody_but_owners_invites_and_nobody_beyond_what_they_hold(olga: User) -> None:
    for who in (support(), staff_world.finance(), factories.make_member("Mel Member")):
        with pytest.raises(PermissionDenied):
            invitations.invite(who, NEW, role())
    limited = factories.make_member("Lim Limited", is_staff=True)
    limited.user_permissions.add(Permission.objects.get(codename="manage_staff"))
    limited = User.objects.get(pk=limited.pk)
    with pytest.raises(InvitationRefused, match="can’t grant what you can’t do"):
        invitations.invite(limited, NEW, role(Role.OWNER))
    assert not StaffInvitation.objects.exists()
    assert invitations.invite(superuser(), NEW, role(Role.OWNER)).pk


@pytest.mark.parametrize("how", ["gone", "demoted", "off", "closed"])
def test_an_invitation_of_someone_who_was_let_go_gives_nothing(olga: User, how: str) -> None:
    owner()
    user = with_second_step(nina())
    invitations.invite(olga, NEW, role())
    if how == "gone":
        User.objects.filter(pk=olga.pk).update(is_staff=False)
    elif how == "demoted":
        olga.groups.set(Group.objects.filter(staffrole__key=Role.BILLING))
    elif how == "off":
        User.objects.filter(pk=olga.pk).update(is_active=False)
    else:
        close_account.close_account(olga)
    with pytest.raises(InvitationBroken, match="isn’t valid anymore"):
        invitations.accept(token_to(), user)
    assert "isn’t valid anymore" in text_of(browser().get(link_to()))
    assert not User.objects.get(pk=user.pk).is_staff


def test_an_inviter_who_lost_what_the_role_may_do_gives_it_no_longer(olga: User) -> None:
    user = with_second_step(nina())
    invitations.invite(olga, NEW, role(Role.FINANCE))
    group = Group.objects.get(staffrole__key=Role.OWNER)
    group.permissions.remove(group.permissions.get(codename="close_books"))
    with pytest.raises(InvitationBroken, match="isn’t valid anymore"):
        invitations.accept(token_to(), user)


def test_joining_does_not_wake_up_what_an_account_held_beyond_the_inviter(olga: User) -> None:
    user = with_second_step(nina())
    user.user_permissions.add(Permission.objects.get(codename="delete_user"))
    invitations.invite(olga, NEW, role())
    with pytest.raises(InvitationBroken):
        invitations.accept(token_to(), user)
    user = User.objects.get(pk=user.pk)
    assert not user.is_staff
    assert not user.groups.exists()


def test_a_link_works_once(olga: User) -> None:
    user = with_second_step(nina())
    invitations.invite(olga, NEW, role())
    invitations.accept(token_to(), user)
    with pytest.raises(InvitationBroken, match="accepted already"):
        invitations.accept(token_to(), user)
    # Once they're let go, their old link brings nothing back.
    access_changes.change(user.pk, olga, access_changes.Access(True, False, False, frozenset()))
    with pytest.raises(InvitationBroken, match="accepted already"):
        invitations.accept(token_to(), user)


def test_a_link_that_expired_or_was_withdrawn_or_replaced_opens_nothing(olga: User) -> None:
    row = invitations.invite(olga, NEW, role())
    first = link_to()
    invitations.send_again(row.pk, olga)
    assert link_to() != first
    assert "isn’t valid" in text_of(browser().get(first))
    assert browser().get(first).status_code == 400
    assert "Join the team" in text_of(browser().get(link_to()))
    StaffInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "has expired" in text_of(browser().get(link_to()))
    invitations.send_again(row.pk, olga)
    invitations.withdraw(row.pk, olga)
    assert "isn’t valid" in text_of(browser().get(link_to()))
    with pytest.raises(InvitationRefused):
        invitations.send_again(row.pk, olga)
    assert "isn’t valid" in text_of(browser().get(reverse("staff-invitation", args=["x" * 43])))


def test_an_address_is_invited_once_at_a_time_and_colleagues_never(olga: User) -> None:
    invitations.invite(olga, NEW, role())
    with pytest.raises(InvitationRefused, match="invited already"):
        invitations.invite(olga, NEW.upper(), role(Role.BILLING))
    with pytest.raises(InvitationRefused, match="on the team already"):
        invitations.invite(olga, support().email, role())
    row = StaffInvitation(
        email=NEW.title(), role=role(), digest="1" * 64, expires_at=timezone.now()
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_sending_takes_a_recent_sign_in(olga: User) -> None:
    old = Client()
    olga.set_password(PASSWORD)
    olga.save()
    old.force_login(olga)
    form = {"_form_submitted": "on", "email": NEW, "role": "support"}
    assert "reauthenticate" in old.post(INVITE, form)["Location"]
    assert not StaffInvitation.objects.exists()


def test_the_mail_keeps_no_link_once_it_was_sent(olga: User) -> None:
    from emails.catalog import Kind, spec_of

    assert spec_of(Kind.STAFF_INVITED).sensitive
    invitations.invite(olga, NEW, role())
    assert token_to() not in StaffInvitation.objects.get().digest


# Who's on the team


def test_the_team_page_says_who_is_on_it_and_how_safe_they_are(olga: User) -> None:
    sue = with_second_step(support())
    invitations.invite(olga, NEW, role())
    page = text_of(signed_in_now(olga).get(TEAM))
    for words in ("Sue Support", "Authenticator app", "Olga Owner", NEW, "Owner", "None", "Never"):
        assert words in page
    for button in ("change_role", "end_access"):
        assert reverse(f"admin:auth_user_{button}", args=[sue.pk]) in page


def test_the_team_page_takes_as_many_statements_for_many_people(
    olga: User, django_assert_max_num_queries: Any
) -> None:
    client = signed_in_now(olga)
    for _one in range(5):
        with_second_step(support())
    client.get(TEAM)
    with django_assert_max_num_queries(26):
        client.get(TEAM)


def test_a_role_is_changed_and_ending_access_signs_out_at_once(olga: User) -> None:
    staff_world.support()
    sue = open_account("sue@example.com", "Sue Support", PASSWORD, is_staff=True)
    sue.groups.add(role().group)
    own = Group.objects.create(name="Keys of the shop")
    sue.groups.add(own)
    theirs = browser()
    log_in(theirs, sue.email)
    assert theirs.get("/staff/").status_code == 200
    desk = signed_in_now(olga)
    billing = Group.objects.get(staffrole__key=Role.BILLING)
    path = reverse("admin:auth_user_change_role", args=[sue.pk])
    desk.post(path, {"_form_submitted": "on", "roles": [billing.pk]})
    assert {one.name for one in sue.groups.all()} == {"Billing", own.name}
    assert access_changes.why_not_yet(sue)
    path = reverse("admin:auth_user_end_access", args=[sue.pk])
    assert "right away" in text_of(desk.get(path))
    desk.post(path, {"_form_submitted": "on"})
    sue = User.objects.get(pk=sue.pk)
    assert (sue.is_staff, sue.is_active, list(sue.groups.all())) == (False, True, [])
    theirs.get("/")
    assert not is_signed_in(theirs)
    # They sign in as a member again, and the staff site stays closed.
    log_in(theirs, sue.email)
    assert theirs.get("/staff/", follow=True).status_code == 403


# What remains


def test_a_closed_account_leaves_no_invitation_to_it(olga: User) -> None:
    user = with_second_step(nina())
    invitations.invite(olga, NEW, role())
    invitations.accept(token_to(), user)
    close_account.close_account(user)
    assert not StaffInvitation.objects.exists()


def test_old_invitations_that_nobody_accepted_are_deleted(olga: User) -> None:
    invitations.invite(olga, NEW, role())
    assert invitations.forget_old() == 0
    StaffInvitation.objects.update(expires_at=timezone.now() - timedelta(days=91))
    assert invitations.forget_old() == 1
