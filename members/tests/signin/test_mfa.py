"""The second step of signing in: added, asked for, lost, removed, and never bypassed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from emails import rendering
from emails.models import Message
from members.models import SignIn
from members.signin import mfa_forms
from members.tests.actors import (
    ALICE,
    PASSWORD,
    alice,
    bob,
    browser,
    is_signed_in,
    last_code,
    last_message,
    log_in,
    post,
)
from members.tests.authenticator import code_of
from portal.backoffice.close_account import close_account

pytestmark = pytest.mark.django_db
AUTHENTICATE = "/accounts/2fa/authenticate/"
ACTIVATE = "/accounts/2fa/totp/activate/"
SPARE = "/accounts/2fa/recovery-codes/"


def signed_in(user: User) -> Client:
    """Return a browser in which someone has signed in and confirmed that it's them."""
    client = browser()
    log_in(client, user.email)
    post(client, "account_reauthenticate", password=PASSWORD)
    return client


def add_app(client: Client) -> str:
    """Add an authenticator app; return its secret."""
    secret = secret_of(client)
    assert client.post(ACTIVATE, {"code": code_of(secret)})["Location"] == SPARE
    return secret


def secret_of(client: Client) -> str:
    """Return the secret that the page for a new app shows."""
    page = client.get(ACTIVATE).content.decode()
    match = re.search(r'class="key key-grouped">((?:<span>[A-Z2-7]{4}</span><wbr>){8})<', page)
    assert match is not None, "the key is there, in groups of four"
    return re.sub("<[^>]+>", "", match[1])


def protected(user: User) -> str:
    """Add a second step to someone's account; return the app's secret."""
    return add_app(signed_in(user))


def enter(client: Client, code: str) -> Any:
    return client.post(AUTHENTICATE, {"code": code})


def spare_codes(client: Client) -> list[str]:
    """Return the recovery codes as the page shows them."""
    return re.findall(r'class="key">(\d{8})<', client.get(SPARE).content.decode())


def test_adding_an_app_takes_the_password_and_a_right_code(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = browser(alice())
    assert client.get(ACTIVATE)["Location"].startswith("/accounts/reauthenticate/")
    post(client, "account_reauthenticate", password=PASSWORD)
    page = client.get(ACTIVATE).content.decode()
    assert "data:image/svg+xml" in page
    wrong = client.post(ACTIVATE, {"code": "000000"})
    assert "That code isn’t correct" in wrong.content.decode()
    assert not Authenticator.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        add_app(client)
    index = client.get("/accounts/2fa/").content.decode()
    assert "Remove app" in index
    assert "You have 10 left" in index
    assert last_message(ALICE).context["headline"] == "Two-step sign-in is on"


def test_who_has_just_signed_in_is_not_asked_for_the_password_again() -> None:
    alice()
    client = browser()
    log_in(client)
    add_app(client)
    assert len(spare_codes(client)) == 10
    # To remove it is another matter.
    remove = client.get("/accounts/2fa/totp/deactivate/")
    assert remove["Location"].startswith("/accounts/reauthenticate/")
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 301
    session.save()
    assert client.get(SPARE)["Location"].startswith("/accounts/reauthenticate/")


def test_the_account_page_leads_there() -> None:
    assert 'href="/accounts/2fa/"' in browser(alice()).get("/account/").content.decode()


def test_the_password_alone_signs_nobody_in() -> None:
    secret = protected(alice())
    client = browser()
    assert log_in(client)["Location"] == AUTHENTICATE
    assert not is_signed_in(client)
    assert client.get("/")["Location"].startswith("/accounts/login/")
    assert "One more step" in client.get(AUTHENTICATE).content.decode()
    assert "That code isn’t correct" in enter(client, "000000").content.decode()
    assert not is_signed_in(client)
    assert enter(client, code_of(secret, steps=1))["Location"] == "/"
    assert is_signed_in(client)
    assert SignIn.objects.latest("pk").method == "password, second step"


def test_a_code_by_e_mail_is_a_first_step_only() -> None:
    secret = protected(alice())
    client = browser()
    post(client, "account_request_login_code", email=ALICE)
    answer = post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert answer["Location"] == AUTHENTICATE
    assert not is_signed_in(client)
    enter(client, code_of(secret, steps=1))
    assert is_signed_in(client)


def test_a_new_password_by_e_mail_is_a_first_step_only() -> None:
    protected(alice())
    client = browser()
    post(client, "account_reset_password", email=ALICE)
    client.post(
        reverse("account_confirm_password_reset_code"), {"code": last_code(ALICE)}, follow=True
    )
    new = "another horse battery"
    answer = client.post(
        reverse("account_complete_password_reset"), {"password1": new, "password2": new}
    )
    assert answer["Location"] == AUTHENTICATE
    assert not is_signed_in(client)


def test_nobody_takes_the_second_step_first() -> None:
    secret = protected(alice())
    client = browser()
    assert client.get(AUTHENTICATE)["Location"].startswith("/accounts/login/")
    enter(client, code_of(secret))
    assert not is_signed_in(client)


def test_a_code_works_once_for_as_long_as_it_is_good() -> None:
    code = code_of(protected(alice()), steps=1)
    first, second = browser(), browser(address="192.0.2.9")
    log_in(first)
    enter(first, code)
    assert is_signed_in(first)
    log_in(second)
    # What allauth remembers of it is gone after thirty seconds; ours is not.
    from django.core.cache import cache

    user = User.objects.get(email=ALICE)
    cache.delete(f"allauth.mfa.totp.used?user={user.pk}&code={code}")
    assert "That code isn’t correct" in enter(second, code).content.decode()
    assert not is_signed_in(second)


def test_codes_are_guessed_a_few_times_only(settings: Settings) -> None:
    secret = protected(alice())
    client = browser()
    log_in(client)
    pages = [enter(client, f"{number:06d}").content.decode() for number in range(7)]
    assert "Too many tries" in pages[-1]
    # The right one comes too late.
    assert "Too many tries" in enter(client, code_of(secret)).content.decode()
    assert not is_signed_in(client)


def test_the_days_tries_are_counted_too(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {
        "enter_second_step": "3/d/key",
        "login_failed": "1000/m/ip,1000/m/key",
    }
    secret = protected(alice())
    client = browser()
    log_in(client)
    for _ in range(3):
        assert "isn’t correct" in enter(client, "000000").content.decode()
    assert "Too many tries" in enter(client, code_of(secret)).content.decode()


def test_a_spare_code_replaces_the_phone_once() -> None:
    client = signed_in(alice())
    add_app(client)
    codes = spare_codes(client)
    assert len(codes) == 10
    assert codes[0] in client.get(f"{SPARE}download/").content.decode()
    for expected in (True, False):
        other = browser()
        log_in(other)
        enter(other, codes[0])
        assert is_signed_in(other) is expected
    used = "A recovery code was used"
    told = Message.objects.get(recipient=ALICE, context__headline=used)
    assert "You have 9 left." in rendering.render_email(told).text
    assert "You have 9 left" in client.get("/accounts/2fa/").content.decode()
    client.post(f"{SPARE}generate/")
    assert not set(codes) & set(spare_codes(client))


def test_the_last_spare_code_says_to_make_new_ones() -> None:
    assert mfa_forms.recovery_codes_left(1) == "You have 1 left."
    assert "Get new ones" in mfa_forms.recovery_codes_left(0)


def test_a_code_of_the_app_is_no_news() -> None:
    secret = protected(alice())
    client = browser()
    log_in(client)
    before = Message.objects.count()
    enter(client, code_of(secret, steps=1))
    assert is_signed_in(client)
    assert Message.objects.count() == before


def test_the_other_ways_to_say_that_it_is_you_are_in_our_words() -> None:
    user = alice()
    secret = protected(user)
    client = browser()
    log_in(client)
    enter(client, code_of(secret, steps=1))
    by_password = client.get("/accounts/reauthenticate/").content.decode()
    assert "Use a code from my authenticator app" in by_password
    assert "Use my password" in client.get("/accounts/2fa/reauthenticate/").content.decode()


def test_removing_the_app_asks_who_is_there_and_removes_the_spare_codes() -> None:
    user = alice()
    secret = protected(user)
    client = browser()
    log_in(client)
    enter(client, code_of(secret, steps=1))
    remove = "/accounts/2fa/totp/deactivate/"
    assert client.get(remove)["Location"].startswith("/accounts/reauthenticate/")
    post(client, "account_reauthenticate", password=PASSWORD)
    assert "Your recovery codes are deleted, too" in client.get(remove).content.decode()
    client.post(remove)
    assert not Authenticator.objects.exists()
    assert log_in(browser())["Location"] == "/"


def test_the_password_alone_does_not_remove_it() -> None:
    user = alice()
    stolen = signed_in(user)
    secret = protected(user)
    remove = "/accounts/2fa/totp/deactivate/"
    post(stolen, "account_reauthenticate", password=PASSWORD)
    for answer in (stolen.get(remove), stolen.post(remove)):
        assert answer["Location"].startswith("/accounts/2fa/reauthenticate/")
    assert Authenticator.objects.count() == 2
    form = {"code": code_of(secret, steps=1), "next": remove}
    assert stolen.post("/accounts/2fa/reauthenticate/", form)["Location"] == remove
    stolen.post(remove)
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("between", ["", "-", ".", " "])
def test_no_way_of_writing_makes_a_used_code_new(between: str) -> None:
    user = alice()
    adding = signed_in(user)
    # Computed once: thirty seconds later, the same secret's code would be a new one.
    used = code_of(secret_of(adding))
    assert adding.post(ACTIVATE, {"code": used})["Location"] == SPARE
    written = f"{used[:3]}{between}{used[3:]}"
    client = browser()
    log_in(client)
    from django.core.cache import cache

    cache.delete(f"allauth.mfa.totp.used?user={user.pk}&code={used}")
    assert "That code isn’t correct" in enter(client, written).content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("path", ["/accounts/2fa/totp/activate/", "/accounts/password/set/"])
def test_an_old_session_of_somebody_without_a_password_adds_no_way_in(path: str) -> None:
    user = alice()
    user.set_unusable_password()
    user.save()
    client = browser()
    post(client, "account_request_login_code", email=ALICE)
    post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert client.get(path).status_code == 200
    session = client.session
    session["account_authentication_methods"][-1]["at"] -= 3600
    session.save()
    for answer in (client.get(path), client.post(path, {"code": "000000"})):
        assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert "needs a recent sign-in" in client.get("/account/").content.decode()


def test_secrets_are_encrypted_and_an_old_key_still_opens_them(settings: Settings) -> None:
    secret = protected(alice())
    kept = [str(row.data) for row in Authenticator.objects.all()]
    assert len(kept) == 2
    assert not any(secret in text for text in kept)
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-one" * 8, [before]
    client = browser()
    log_in(client)
    enter(client, code_of(secret, steps=1))
    assert is_signed_in(client)


def test_with_a_lost_key_no_code_fits_and_nothing_breaks(settings: Settings) -> None:
    secret = protected(alice())
    settings.SECRET_KEY = "a-new-one" * 8
    client = browser()
    log_in(client)
    assert "That code isn’t correct" in enter(client, code_of(secret, steps=1)).content.decode()
    assert not is_signed_in(client)


def test_an_account_whose_address_is_not_confirmed_gets_no_second_step() -> None:
    user = alice()
    EmailAddress.objects.filter(user=user).update(verified=False)
    client = browser(user)
    page = client.get(ACTIVATE, follow=True).content.decode()
    assert "Verify your email address first" in page


@pytest.mark.parametrize("path", ["", "totp/activate/", "totp/deactivate/", "recovery-codes/"])
def test_a_visitor_is_asked_to_sign_in(path: str) -> None:
    answer = browser().get(f"/accounts/2fa/{path}")
    assert answer.status_code == 302
    assert answer["Location"].startswith(("/accounts/login/", "/accounts/reauthenticate/"))


def test_a_strangers_spare_codes_are_not_there() -> None:
    protected(alice())
    client = signed_in(bob())
    for path in (SPARE, f"{SPARE}download/"):
        assert client.get(path).status_code == 404
    assert client.post("/accounts/2fa/totp/deactivate/")["Location"] == "/accounts/2fa/"
    assert Authenticator.objects.filter(user__email=ALICE).exists()


def test_who_lost_everything_is_helped_by_a_command() -> None:
    protected(alice())
    call_command("remove_second_step", ALICE)
    assert not Authenticator.objects.exists()
    assert last_message(ALICE).context["headline"] == "Two-step sign-in is off"
    assert log_in(browser())["Location"] == "/"
    sent = Message.objects.count()
    for email in (ALICE, "nobody@example.com"):
        with pytest.raises(CommandError):
            call_command("remove_second_step", email)
    assert Message.objects.count() == sent


def test_a_closed_account_keeps_no_secret() -> None:
    user = alice()
    protected(user)
    from billing.tests.factories import make_customer

    make_customer(user)
    close_account(user)
    assert not Authenticator.objects.exists()
