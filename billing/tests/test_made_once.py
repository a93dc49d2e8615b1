"""What tests start from is put back as it was made, and made again where it might differ."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from pytest_django import Settings

from billing.models import Subscription
from billing.tests.life import paid_member
from conftest import Sandbox
from emails.models import Message
from members.models import Member
from testing import rows
from testing.made_once import made_once

calls: list[str] = []


@made_once
def _somebody(name: str) -> User:
    calls.append(name)
    return User.objects.create_user(name, f"{name}@example.com")


class Undone(Exception):
    """Ends a transaction as the end of a test does."""


def in_a_test_of_its_own(*steps: Any) -> list[Any]:
    """Run steps in one transaction that is rolled back; return what came of each."""
    outcomes: list[Any] = []
    try:
        with transaction.atomic():
            outcomes += [step() for step in steps]
            raise Undone
    except Undone:
        return outcomes


def all_rows() -> dict[str, list[str]]:
    tables = connection.connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    ).fetchall()
    return {name: sorted(rows.rows_of(connection.connection, name)) for (name,) in tables}


@pytest.mark.slow
def test_a_paid_member_is_put_back_with_every_row_and_stripes_state(
    sandbox: Sandbox, own_database: None
) -> None:
    def paid() -> str:
        return paid_member(sandbox, "Made Once").email

    walked = in_a_test_of_its_own(paid, all_rows, sandbox.events)
    sandbox.control("reset")
    again = in_a_test_of_its_own(paid, all_rows, sandbox.events)

    assert again == walked
    assert len(walked[2]) > 10


def test_it_is_made_again_where_anything_was_written_or_set(
    own_database: None, settings: Settings
) -> None:
    def other_settings() -> None:
        settings.BRAND_NAME = "Harbor"

    def written() -> None:
        Group.objects.create(name="Gardeners")

    def nina() -> int:
        return _somebody("nina").pk

    calls.clear()
    [first] = in_a_test_of_its_own(nina)
    [again] = in_a_test_of_its_own(nina)
    assert (again, calls) == (first, ["nina"])
    in_a_test_of_its_own(written, nina)
    assert calls == ["nina"] * 2
    in_a_test_of_its_own(other_settings, nina)
    assert calls == ["nina"] * 3


def test_what_migrations_put_in_is_put_back(own_database: None) -> None:
    connection.ensure_connection()
    with psycopg.connect(**connection.get_connection_params()) as other:
        before, refill = all_rows(), rows.refilling(other)
        Group.objects.create(name="Gardeners")
        other.rollback()
        other.execute(refill.encode())

    assert all_rows() == before
    assert any(before.values())


@pytest.mark.django_db
def test_a_restored_member_is_one_like_any_other(sandbox: Sandbox) -> None:
    user = paid_member(sandbox)

    assert Subscription.objects.for_user(user).get().status == "active"
    assert Member.objects.filter(user=user).exists()
    assert set(Message.objects.values_list("kind", flat=True)) >= {"joined"}
