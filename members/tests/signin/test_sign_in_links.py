"""The link beside the emailed code: one use, after a click, in any browser, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from emails import rendering
from members.models import SignIn
from members.tests.actors import (
    ALICE,
    BOB,
    alice,
    bob,
    browser,
    is_signed_in,
    last_code,
    last_message,
    post,
)
from members.tests.authenticator import code_of
from members.tests.signin.test_mfa import AUTHENTICATE, enter, protected

pytestmark = pytest.mark.django_db
ELSEWHERE = "198.51.100.7"
GONE = "expired or was already used"


def ask(client: Client, **fields: str) -> str:
    """Request a code for Alice; return the path of the link in its email."""
    answer = post(client, "account_request_login_code", email=ALICE, **fields)
    assert answer.status_code == 302
    url: str = last_message(ALICE).context["url"]
    assert url.startswith("http://localhost:8000/accounts/login/link/")
    return url.removeprefix("http://localhost:8000")


def says(answer: Any, words: str) -> bool:
    return words in answer.content.decode()


def test_one_click_on_its_page_signs_in() -> None:
    alice()
    client = browser()
    path = ask(client)
    page = client.get(path)
    assert says(page, f"signed in as <strong>{ALICE}</strong>")
    # It's the browser that asked.
    assert not says(page, "This was requested")
    assert client.post(path)["Location"] == "/"
    assert is_signed_in(client)
    assert SignIn.objects.latest("pk").method == "code by email"


def test_mail_programs_that_open_it_use_nothing_up() -> None:
    alice()
    path = ask(browser())
    scanner = browser(address="203.0.113.200")
    for _ in range(5):
        assert scanner.get(path).status_code == 200
        assert scanner.head(path).status_code == 200
    assert not is_signed_in(scanner)
    client = browser()
    client.post(path)
    assert is_signed_in(client)


def test_another_browser_reads_who_asked_and_where() -> None:
    alice()
    chrome = "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0"
    client = browser(address="192.0.2.5")
    client.defaults["HTTP_USER_AGENT"] = chrome
    path = ask(client)
    other = browser(address=ELSEWHERE)
    page = other.get(path)
    assert says(page, "This was requested just now with Chrome on Windows (192.0.2.5)")
    other.post(path)
    assert is_signed_in(other)
    assert not is_signed_in(client)


def test_it_works_once() -> None:
    alice()
    path = ask(browser())
    browser().post(path)
    for answer in (browser().get(path), browser().post(path)):
        assert answer.status_code == 400
        assert says(answer, GONE)


def test_it_expires_with_the_code() -> None:
    alice()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        path = ask(browser())
        assert last_message(ALICE).context["minutes"] == 10
        clock.shift(10 * 60 + 1)
        client = browser()
        assert says(client.post(path), GONE)
        assert not is_signed_in(client)


def test_used_link_ends_the_code_and_a_used_code_the_link() -> None:
    alice()
    client = browser()
    path = ask(client)
    browser(address=ELSEWHERE).post(path)
    answer = post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert says(answer, "already used the link")
    assert not is_signed_in(client)

    client = browser()
    path = ask(client)
    post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert is_signed_in(client)
    assert says(browser().post(path), GONE)


def test_the_second_step_is_asked_and_the_way_kept() -> None:
    secret = protected(alice())
    path = ask(browser(), next="/payments/?before=1")
    client = browser(address=ELSEWHERE)
    assert client.post(path)["Location"] == AUTHENTICATE
    assert not is_signed_in(client)
    assert enter(client, code_of(secret, steps=1))["Location"] == "/payments/?before=1"
    assert is_signed_in(client)


def test_it_leads_to_no_other_site() -> None:
    alice()
    path = ask(browser(), next="https://evil.example/")
    assert browser().post(path)["Location"] == "/"


def test_a_deactivated_account_stays_closed() -> None:
    user = alice()
    path = ask(browser())
    User.objects.filter(pk=user.pk).update(is_active=False)
    client = browser()
    assert says(client.post(path), GONE)
    assert not is_signed_in(client)


def test_an_address_that_belongs_to_somebody_else_by_now_opens_nothing() -> None:
    user = alice()
    path = ask(browser())
    other = bob()
    EmailAddress.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(email="alice@new.example.com")
    EmailAddress.objects.filter(user=other).update(email=ALICE)
    client = browser()
    assert says(client.post(path), GONE)
    assert not is_signed_in(client)


def test_who_is_signed_in_as_somebody_else_stays_who_they_are() -> None:
    alice()
    path = ask(browser())
    client = browser(bob())
    for answer in (client.get(path), client.post(path)):
        assert says(answer, "signed in with another account")
    assert client.session["_auth_user_id"] == str(User.objects.get(email=BOB).pk)
    # Nothing was used up.
    assert browser().get(path).status_code == 200


def test_who_is_in_already_goes_on_to_where_they_wanted() -> None:
    user = alice()
    path = ask(browser(), next="/payments/")
    assert browser(user).get(path)["Location"] == "/payments/"


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "..", "é", "x" * 3000])
def test_a_made_up_link_says_so(token: str) -> None:
    answer = browser().post(f"/accounts/login/link/{token}/")
    assert answer.status_code in (400, 404)


def test_an_address_without_an_account_gets_no_link() -> None:
    post(browser(), "account_request_login_code", email="nobody@example.com")
    message = last_message("nobody@example.com")
    assert "login/link" not in str(message.context)


def test_a_network_has_so_many_tries(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"sign_in_link": "1/m/ip"}
    alice()
    paths = [ask(browser()) for _ in range(2)]
    browser().post(paths[0])
    assert browser().post(paths[1]).status_code == 429
    # It wasn't used up.
    assert browser(address=ELSEWHERE).post(paths[1])["Location"] == "/"


def test_the_mail_has_both_and_nothing_of_it_stays_in_the_session_or_the_cache() -> None:
    alice()
    client = browser()
    path = ask(client)
    mail = rendering.render_email(last_message(ALICE))
    assert path in mail.text
    assert path in mail.html
    token = path.split("/")[-2]
    assert token not in str(dict(client.session))


def test_an_old_page_of_it_leads_back_to_it() -> None:
    alice()
    path = ask(browser())
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "t" * 32
    answer = client.post(path, {"csrfmiddlewaretoken": "x" * 32})
    assert answer["Location"] == path
    assert reverse("account_login_link", args=[path.split("/")[-2]]) == path
