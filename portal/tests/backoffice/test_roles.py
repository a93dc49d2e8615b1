"""The standard groups stay what they are, whatever staff call them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from billing.tests.staff_world import auditor, manager, superuser, support
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
    assert "The groups Auditor, Front desk, Manager are ready." in said.getvalue()
    assert Group.objects.count() == 3
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
    role_of(Role.MANAGER).delete()
    support_group = role_of(Role.SUPPORT)
    Group.objects.filter(pk=support_group.pk).update(name="Manager")
    call_command("staff_groups", stdout=io.StringIO())
    assert role_of(Role.SUPPORT) == support_group
    assert role_of(Role.MANAGER).name == "Manager (standard)"
    assert not User.objects.get(pk=clerk.pk).has_perm("billing.approve_large_refund")


BANK = ["banktransfer", "bankmail", "bankfile", "bankline", "expectedtransfer", "zelleterms"]
ON_BANK_MONEY = [
    *("import_bank_file", "match_bank_transfer"),
    *("change_zelleterms", "add_bankaccount", "change_bankaccount"),
]


@pytest.mark.parametrize(("who", "may_act"), [(auditor, False), (support, False), (manager, True)])
def test_all_see_the_banks_money_and_managers_import_and_match_it(
    who: Callable[[], User], may_act: bool
) -> None:
    user = who()
    assert user.has_perms([f"billing.view_{one}" for one in BANK])
    assert user.has_perm("billing.view_bank_money")
    for name in ON_BANK_MONEY:
        assert user.has_perm(f"billing.{name}") is may_act, name
        assert f"billing.{name}" in roles.ON_MONEY, name
