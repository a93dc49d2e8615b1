"""The standard groups stay what they are, whatever staff call them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.urls import reverse

from billing.tests import factories
from billing.tests.staff_world import auditor, finance, owner, signed_in_now, superuser, support
from emails.models import Message
from members import access_changes
from members.access_changes import Access, AccessRefused
from members.models import AccessChange
from portal.backoffice import roles
from portal.backoffice.roles import Role, make_groups
from portal.models import StaffRole

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    superuser()  # hears of what changes
    return support()


def role_of(role: Role) -> Group:
    return Group.objects.get(staffrole__key=role)


def test_a_renamed_group_gets_what_a_new_version_adds(clerk: User) -> None:
    group = role_of(Role.SUPPORT)
    group.permissions.remove(group.permissions.get(codename="view_message"))
    Group.objects.filter(pk=group.pk).update(name="Front desk")
    said = io.StringIO()
    call_command("staff_groups", stdout=said)
    assert "The groups Auditor, Front desk, Billing, Finance, Owner are ready." in said.getvalue()
    assert Group.objects.count() == len(Role)
    assert User.objects.get(pk=clerk.pk).has_perm("emails.view_message")


def test_other_names_in_the_code_make_no_other_groups(
    clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(roles.NAMES, Role.SUPPORT, "Helpers")
    assert make_groups() == {}
    assert [one.name for one in clerk.groups.all()] == ["Support"]
    assert not Group.objects.filter(name="Helpers").exists()


def test_a_group_from_before_becomes_its_role_with_everyone_in_it(clerk: User) -> None:
    group = role_of(Role.SUPPORT)
    StaffRole.objects.all().delete()
    call_command("staff_groups", stdout=io.StringIO())
    assert role_of(Role.SUPPORT) == group
    assert User.objects.get(pk=clerk.pk).has_perm("billing.approve_refund")


def test_a_role_whose_name_another_one_took_gets_a_group_of_its_own(clerk: User) -> None:
    role_of(Role.BILLING).delete()
    support_group = role_of(Role.SUPPORT)
    Group.objects.filter(pk=support_group.pk).update(name="Billing")
    call_command("staff_groups", stdout=io.StringIO())
    assert role_of(Role.SUPPORT) == support_group
    assert role_of(Role.BILLING).name == "Billing (standard)"
    assert not User.objects.get(pk=clerk.pk).has_perm("billing.approve_large_refund")


BANK = ["banktransfer", "bankmail", "bankfile", "bankline", "expectedtransfer", "zelleterms"]
ON_BANK_MONEY = [
    *("import_bank_file", "match_bank_transfer"),
    *("change_zelleterms", "add_bankaccount", "change_bankaccount"),
]


@pytest.mark.parametrize(("who", "may_act"), [(auditor, False), (support, False), (finance, True)])
def test_all_see_the_banks_money_and_finance_imports_and_matches_it(
    who: Callable[[], User], may_act: bool
) -> None:
    user = who()
    assert user.has_perms([f"billing.view_{one}" for one in BANK])
    assert user.has_perm("billing.view_bank_money")
    for name in ON_BANK_MONEY:
        assert user.has_perm(f"billing.{name}") is may_act, name
        assert f"billing.{name}" in roles.ON_MONEY, name


# Managers of earlier versions


def permission(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def former_managers() -> tuple[Group, User]:
    """Make the group Manager as an earlier version had it, and somebody in it."""
    make_groups()
    group = Group.objects.create(name="Manager")
    for role in (Role.BILLING, Role.FINANCE):
        group.permissions.add(*role_of(role).permissions.all())
    group.permissions.add(permission("business.add_brandversion"))
    StaffRole.objects.create(key="manager", group=group)
    mona = factories.make_member("Mona Manager", is_staff=True)
    mona.groups.add(group)
    return group, mona


def test_managers_move_to_what_fits_and_lose_and_gain_nothing() -> None:
    boss = superuser()
    _group, mona = former_managers()
    mona.user_permissions.add(permission("auth.add_user"))
    before = User.objects.get(pk=mona.pk).get_all_permissions()
    call_command("migrate", verbosity=0)
    mona = User.objects.get(pk=mona.pk)
    assert mona.get_all_permissions() == before
    assert {one.name for one in mona.groups.all()} == {"Billing", "Finance"}
    own = {one.codename for one in mona.user_permissions.all()}
    assert own == {"add_brandversion", "add_user"}
    assert not Group.objects.filter(name="Manager").exists()
    assert access_changes.why_not_yet(mona) == ""
    said = AccessChange.objects.get(user=mona).what
    assert said.startswith("Moved from the group Manager to Billing and Finance")
    assert Message.objects.filter(recipient=boss.email, kind="account_changed").exists()


def test_managers_from_whom_something_was_taken_do_not_get_it_back() -> None:
    group, mona = former_managers()
    group.permissions.remove(permission("billing.approve_large_refund"))
    call_command("migrate", verbosity=0)
    assert not User.objects.get(pk=mona.pk).has_perm("billing.approve_large_refund")
    assert [one.name for one in mona.groups.all()] == ["Manager"]
    assert not StaffRole.objects.filter(key="manager").exists()


def test_a_group_that_somebody_called_owner_does_not_become_owners() -> None:
    StaffRole.objects.all().delete()
    Group.objects.all().delete()
    theirs = Group.objects.create(name="Owner")
    call_command("migrate", verbosity=0)
    assert not theirs.permissions.exists()
    assert role_of(Role.OWNER).name == "Owner (standard)"


# Owners who aren't superusers


def access(*roles: Role, is_superuser: bool = False, is_active: bool = True) -> Access:
    names = frozenset(role_of(role).name for role in roles)
    return Access(is_active, True, is_superuser, names)


def test_an_owner_gives_roles_and_hears_of_changes() -> None:
    olga, sue, other = owner(), support(), owner()
    said = access_changes.change(sue.pk, olga, access(Role.FINANCE))
    assert "Granted: the group Finance" in said
    assert access_changes.why_not_yet(sue)
    assert Message.objects.filter(recipient=other.email, kind="account_changed").exists()


def test_an_owner_neither_makes_nor_touches_superusers() -> None:
    olga, boss, sue = owner(), superuser(), support()
    with pytest.raises(PermissionDenied):
        access_changes.change(sue.pk, olga, access(Role.SUPPORT, is_superuser=True))
    with pytest.raises(PermissionDenied):
        access_changes.change(boss.pk, olga, access(is_superuser=True, is_active=False))
    for button in ("change_access", "send_password_link"):
        path = reverse(f"admin:auth_user_{button}", args=[boss.pk])
        assert signed_in_now(olga).post(path, {"_form_submitted": "on"}).status_code == 403
        path = reverse(f"admin:auth_user_{button}", args=[sue.pk])
        assert signed_in_now(olga).get(path).status_code == 200
    assert (
        "Superuser"
        not in signed_in_now(olga)
        .get(reverse("admin:auth_user_change_access", args=[sue.pk]))
        .content.decode()
    )
    boss.refresh_from_db()
    assert boss.is_active
    assert boss.is_superuser


def test_nobody_grants_what_they_cannot_do_themselves() -> None:
    olga, sue = owner(), support()
    special = Group.objects.create(name="Auditors of logs")
    special.permissions.add(permission("auth.delete_user"))
    with pytest.raises(AccessRefused, match="delete_user"):
        access_changes.change(sue.pk, olga, Access(True, True, False, frozenset([special.name])))
    assert [one.name for one in User.objects.get(pk=sue.pk).groups.all()] == ["Support"]
    # An account that holds more and was switched off.
    off = factories.make_member("Otto Off", is_staff=True, is_active=False)
    off.groups.add(special)
    with pytest.raises(AccessRefused, match="delete_user"):
        access_changes.change(off.pk, olga, Access(True, True, False, frozenset([special.name])))
    # With a group's page: neither their own role nor another.
    group = role_of(Role.SUPPORT)
    wanted = [*group.permissions.values_list("pk", flat=True), permission("auth.delete_user").pk]
    path = reverse("admin:auth_group_change", args=[group.pk])
    answer = signed_in_now(olga).post(path, {"name": "Support", "permissions": wanted}, follow=True)
    assert (
        "You can’t grant what you can’t do yourself: auth.delete_user." in answer.content.decode()
    )
    assert not group.permissions.filter(codename="delete_user").exists()


def test_an_owner_stays_whatever_is_changed() -> None:
    olga = owner()
    with pytest.raises(AccessRefused, match="Somebody has to stay an owner"):
        access_changes.change(olga.pk, olga, access(Role.BILLING))
    group = role_of(Role.OWNER)
    path = reverse("admin:auth_group_change", args=[group.pk])
    answer = signed_in_now(olga).post(path, {"name": "Owner", "permissions": []}, follow=True)
    assert "Somebody has to stay an owner" in answer.content.decode()
    assert access_changes.is_owner(User.objects.get(pk=olga.pk))


def test_a_permission_to_change_groups_alone_changes_none() -> None:
    sue, group = support(), role_of(Role.AUDITOR)
    sue.user_permissions.add(permission("auth.change_group"), permission("auth.view_group"))
    path = reverse("admin:auth_group_change", args=[group.pk])
    assert signed_in_now(sue).post(path, {"name": "Mine", "permissions": []}).status_code == 403
    assert group.permissions.exists()
