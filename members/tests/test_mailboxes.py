"""One mailbox is one account, however its address is spelled, everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

from billing.tests.staff_world import support
from conftest import Sandbox, run_jobs
from emails.models import Message
from members.accounts import open_account
from members.tests.actors import (
    ALICE,
    PASSWORD,
    browser,
    enter_email_code,
    is_signed_in,
    last_code,
    log_in,
    post,
    sign_up,
)

pytestmark = pytest.mark.django_db
WRITTEN = "Jan@ŻÓŁW.example"
READABLE = "jan@żółw.example"
KEPT = "jan@xn--w-uga1v8h.example"
SPELLINGS = [WRITTEN, READABLE, KEPT, KEPT.upper(), f"\u202a{READABLE}\u202c "]
BEYOND = "jürgen@example.com"


def jan(**fields: Any) -> User:
    """Return Jan, whose address has a non-ASCII domain."""
    return open_account(READABLE, "Jan Nowak", PASSWORD, **fields)


def change_email(client: Any, email: str) -> Any:
    """Ask for a new address as Alice, who has just given her password; return what follows."""
    log_in(client)
    post(client, "account_reauthenticate", password=PASSWORD)
    form = {"email": email, "action_add": "add"}
    return client.post(reverse("account_email"), form, follow=True)


@pytest.mark.parametrize("email", SPELLINGS)
def test_an_address_is_kept_in_one_spelling(email: str) -> None:
    client = browser()
    sign_up(client, email)
    enter_email_code(client, KEPT)
    assert is_signed_in(client)
    [user] = User.objects.all()
    assert user.email == KEPT
    assert EmailAddress.objects.get(user=user, verified=True).email == KEPT


@pytest.mark.parametrize("email", SPELLINGS)
def test_who_signs_up_again_has_an_account_already(email: str) -> None:
    jan()
    sign_up(browser(), email)
    assert Message.objects.get().kind == "account_exists"
    assert User.objects.count() == 1


@pytest.mark.parametrize("email", SPELLINGS)
def test_one_signs_in_by_any_spelling(email: str) -> None:
    user = jan()
    client = browser()
    log_in(client, email)
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize("email", SPELLINGS)
def test_codes_are_asked_for_by_any_spelling(email: str) -> None:
    jan()
    client = browser()
    post(client, "account_request_login_code", email=email)
    post(client, "account_confirm_login_code", code=last_code(KEPT))
    assert is_signed_in(client)
    post(browser(address="192.0.2.2"), "account_reset_password", email=email)
    assert Message.objects.filter(recipient=KEPT).latest("pk").kind == "password_code"


def test_an_address_is_changed_to_its_one_spelling_and_shown_as_people_write_it() -> None:
    user = open_account(ALICE, "Alice Archer", PASSWORD)
    client = browser()
    page = change_email(client, WRITTEN)
    assert READABLE in page.content.decode()
    enter_email_code(client, KEPT)
    user.refresh_from_db()
    assert user.email == KEPT
    assert READABLE in client.get(reverse("members:account")).content.decode()
    told = Message.objects.get(recipient=ALICE, kind="account_changed")
    assert READABLE in told.context["sentence"]


def test_nobody_changes_to_a_mailbox_of_somebody_else() -> None:
    jan()
    open_account(ALICE, "Alice Archer", PASSWORD)
    client = browser()
    change_email(client, WRITTEN)
    enter_email_code(client, KEPT)
    assert User.objects.get(first_name="Alice").email == ALICE
    assert EmailAddress.objects.get(email=KEPT, verified=True).user.first_name == "Jan"


def test_staff_open_no_second_account_for_a_mailbox(client: Any) -> None:
    jan()
    client.force_login(User.objects.create_superuser("root", "root@example.com"))
    form = {"email": WRITTEN, "first_name": "Jan", "last_name": ""}
    page = client.post("/staff/auth/user/add/", form).content.decode()
    assert "Someone already has an account with this address." in page
    client.post("/staff/auth/user/add/", form | {"email": "Ewa@ŻÓŁW.example"})
    assert User.objects.filter(email="ewa@xn--w-uga1v8h.example").exists()


@pytest.mark.parametrize("term", [WRITTEN, KEPT, "jan@żółw.example", "jan@"])
def test_staff_find_a_member_by_any_spelling(client: Any, term: str) -> None:
    jan()
    client.force_login(support())
    page = client.get("/staff/auth/user/", {"q": term}).content.decode()
    assert "Jan Nowak" in page


def test_commands_find_a_member_by_any_spelling() -> None:
    jan()
    call_command("close_account", WRITTEN, "--yes")
    assert not User.objects.filter(email=KEPT).exists()


def test_letters_beyond_ascii_before_the_at_sign_up_and_in(sandbox: Sandbox) -> None:
    client = browser()
    sign_up(client, "JÜRGEN@example.com")
    run_jobs()
    [mail] = sandbox.look("mailbox")
    assert mail["to"] == BEYOND
    [code] = [word for word in mail["text"].split() if word.isdecimal() and len(word) == 6]
    enter_email_code(client, BEYOND, code)
    assert is_signed_in(client)
    user = User.objects.get(email=BEYOND)
    address = EmailAddress.objects.get(user=user)
    assert (address.email, address.verified, address.primary) == (BEYOND, True, True)
    again = browser()
    log_in(again, BEYOND)
    assert is_signed_in(again)


def test_who_could_get_no_code_is_told_so_at_once(sandbox: Sandbox) -> None:
    sandbox.control("switches", mail_ascii_only=True)
    page = sign_up(browser(), "jürgen@example.org").content.decode()
    assert "like “ü” before the @" in page
    assert not User.objects.exists()
    open_account(ALICE, "Alice Archer", PASSWORD)
    page = change_email(browser(), "jürgen@example.org")
    assert "like “ü”" in page.content.decode()


def test_the_field_for_an_address_takes_what_browsers_own_would_refuse() -> None:
    page = browser().get(reverse("account_signup")).content.decode()
    assert 'type="email"' not in page
    assert 'inputmode="email"' in page
