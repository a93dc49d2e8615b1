"""Readings find what querysets find, in one statement that differs only in its values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models import Count, F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.reads import AnyOf, Param, Part, Reading, ReadingError, attach
from members.models import Device, Member

ME = Param("user", "bigint")
NAMED = Part(lambda: User.objects.filter(first_name=Param("name", "text")).order_by("-pk"))
MEMBERS = Part(
    lambda: Member.objects.filter(user=ME).select_related("user").annotate(called=F("user__email"))
)
DEVICES = Part(
    lambda: Device.objects.filter(user=ME, seen_at__gt=Param("since", "timestamptz")).order_by("pk")
)
BOTH = Reading(MEMBERS, DEVICES)
pytestmark = pytest.mark.django_db
SEEN = datetime(2026, 3, 8, 7, 30, 0, 123456, tzinfo=UTC)


def make_user(name: str) -> User:
    """Return a user; the database makes their profile."""
    number = User.objects.count()
    return User.objects.create_user(f"{name}{number}", f"{number}@example.com", first_name=name)


def make_device(user: User, number: int) -> Device:
    """Return a browser of a user's."""
    at = SEEN + timedelta(days=number)
    return Device.objects.create(user=user, browser=f"{number:032x}", password="x", seen_at=at)


def columns(row: models.Model) -> dict[str, Any]:
    """Return all that a row has in the database."""
    return {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}


@pytest.mark.parametrize("key", [2**63 - 1, 2**63, 10**40, -(10**40)])
def test_a_key_beyond_all_keys_finds_nothing(key: int) -> None:
    make_user("Alice")
    rows = BOTH(user=key, since=SEEN)
    assert not rows[MEMBERS]
    assert not rows[DEVICES]


def test_rows_are_those_of_the_queryset() -> None:
    alice, bob = make_user("Alice"), make_user("Bob")
    Member.objects.filter(user=alice).update(phone="+14155552671", phone_verified_at=SEEN)
    made = [make_device(alice, number) for number in range(3)]
    make_device(bob, 9)
    with CaptureQueriesContext(connection) as statements:
        rows = BOTH(user=alice.pk, since=SEEN)
        (member,), devices = rows[MEMBERS], rows[DEVICES]
        assert member.user == alice
    assert len(statements) == 1
    assert columns(member) == columns(Member.objects.get(user=alice))
    assert columns(member.user) == columns(User.objects.get(pk=alice.pk))
    assert member.called == alice.email
    assert [columns(row) for row in devices] == [
        columns(Device.objects.get(pk=one.pk)) for one in made[1:]
    ]


def test_each_reading_brings_its_own_values() -> None:
    for name in ("Zoë 100%", "O'Hara", "%s", "Zoë 100%"):
        user = make_user(name)
        assert Reading(NAMED)(name=name).first(NAMED) == user
    assert Reading(NAMED)(name="Nobody")[NAMED] == []


def test_values_and_sums_are_plain_values() -> None:
    alice = make_user("Alice")
    for number in range(2):
        make_device(alice, number)
    counts = Part(
        lambda: (
            Device.objects.filter(user=AnyOf("users", "bigint"))
            .order_by()
            .values_list("user")
            .annotate(Count("pk"))
        )
    )
    names = Part(lambda: User.objects.filter(pk=ME).values_list("first_name", flat=True))
    rows = Reading(counts, names)(users=[alice.pk, -1], user=alice.pk)
    assert rows[counts] == [(alice.pk, 2)]
    assert rows[names] == ["Alice"]


def test_constants_may_have_percent_signs_and_quotes() -> None:
    name = "100% O'Hara %s %(user)s $1"
    user = make_user(name)
    part = Part(lambda: User.objects.filter(first_name=name, pk=ME))
    reading = Reading(part)
    assert reading(user=user.pk)[part] == [user]
    with CaptureQueriesContext(connection) as statements:
        assert reading(user=user.pk)[part] == [user]
    assert "100% O''Hara %s %(user)s $1" in statements[0]["sql"]


def test_children_are_there_as_if_they_were_prefetched() -> None:
    alice, bob = make_user("Alice"), make_user("Bob")
    made = [make_device(alice, number) for number in range(2)]
    attach([alice, bob], "devices", made, "user_id")
    with CaptureQueriesContext(connection) as statements:
        assert list(alice.devices.all()) == made
        assert list(bob.devices.all()) == []
    assert len(statements) == 0


def test_the_time_of_the_first_reading_is_not_that_of_all() -> None:
    frozen = Part(lambda: Device.objects.filter(seen_at__gt=timezone.now()))
    with pytest.raises(ReadingError, match="make it a Param"):
        Reading(frozen)()


def test_what_json_would_change_is_not_read() -> None:
    part = Part(
        lambda: User.objects.annotate(
            price=models.Value(1, output_field=models.DecimalField(max_digits=9, decimal_places=4))
        )
    )
    with pytest.raises(ReadingError, match="DecimalField"):
        Reading(part)()[part]
