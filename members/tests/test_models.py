"""Every user has a member, however the user was made; and how people are named."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from members import names
from members.accounts import open_account
from members.display import user_display
from members.models import Member
from members.tests.actors import PHONE, alice, bob


@pytest.mark.django_db
def test_bulk_create_makes_members() -> None:
    User.objects.bulk_create(User(username=f"user-{n}") for n in range(50))
    assert Member.objects.count() == 50
    assert User.objects.filter(member__isnull=True).count() == 0


@pytest.mark.django_db
def test_raw_sql_makes_a_member() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_user (username, password, first_name, last_name, email,"
            " is_superuser, is_staff, is_active, date_joined)"
            " VALUES ('raw', '', '', '', 'raw@example.com', false, false, true, now())"
        )
    member = User.objects.get(username="raw").member
    assert (str(member.phone), member.time_zone, member.language) == ("", "", "en")
    assert not member.accepts_sms


@pytest.mark.django_db
def test_a_rolled_back_user_leaves_no_member() -> None:
    with transaction.atomic():
        User.objects.create_user("gone")
        transaction.set_rollback(True)
    assert not Member.objects.exists()


@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_owner_of_a_number() -> None:
    for user in (alice(), bob()):
        Member.objects.filter(user=user).update(phone=PHONE)
    Member.objects.filter(user__email="bob@example.com").update(
        phone_verified_at="2026-01-01T00:00Z"
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.update(phone_verified_at="2026-01-01T00:00Z")


@pytest.mark.django_db
def test_an_opened_account_signs_in_by_code_where_it_has_no_password() -> None:
    user = open_account("Carol@Example.com", "Carol")
    assert not user.has_usable_password()
    assert EmailAddress.objects.get(email="carol@example.com").verified


def test_people_are_called_by_name_else_by_address_never_by_username() -> None:
    assert (
        user_display(User(username="m-1", first_name="Ada", last_name="Lovelace")) == "Ada Lovelace"
    )
    assert user_display(User(username="m-1", email="ada@example.com")) == "ada@example.com"
    assert user_display(User(username="m-1")) == "Member"


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=1, max_size=5))
def test_a_split_name_reads_as_it_was_given(words: list[str]) -> None:
    first, last = names.split("  ".join(words))
    assert User(first_name=first, last_name=last).get_full_name() == " ".join(words)


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "Ludwig van Beethoven",
        "O’Neill-Smith, Jr.",
        "李小龍",
        "X Æ A-12",
        "Zoë 👩‍🚀",
        "علی‌رضا",
    ],
)
def test_names_of_all_kinds_are_taken(name: str) -> None:
    assert names.is_plausible(name)


@pytest.mark.parametrize(
    "name", ["", "123", "http://x.example", "www.x.example", "a@b.example", "<b>"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    assert not names.is_plausible(name)
