"""Ways out of a sign-up that's waiting for a code, and asking for codes too soon."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from emails.models import Message
from members.signin import waits
from members.signin.allauth_internals import ratelimit
from members.tests.actors import (
    ALICE,
    BOB,
    PHONE,
    alice,
    browser,
    enter_email_code,
    enter_phone_code,
    fresh,
    is_signed_in,
    last_code,
    last_message,
    log_in,
    post,
    sign_up,
    texts,
)

pytestmark = pytest.mark.django_db
CODE_PAGE = "account_email_verification_sent"
DOORS = ["account_login", "account_signup", "account_request_login_code"]
IN_A_MINUTE = "You can request another in a minute."


def resend(client: Client, page: str) -> Any:
    """Press "Send another code"."""
    return post(client, page, action="resend")


def waits_for_code(client: Client) -> bool:
    """Whether the browser still waits for the code of a sign-up."""
    return bool(client.get(reverse(CODE_PAGE)).status_code == 200)


@pytest.mark.parametrize("door", DOORS)
def test_who_signed_up_with_a_known_address_opens_any_door_and_signs_in(door: str) -> None:
    alice()
    client = browser()
    assert sign_up(client).url == reverse(CODE_PAGE)
    assert client.get(reverse(door)).status_code == 200, "not the page for a code that never comes"
    assert not waits_for_code(client)
    assert log_in(client).url == reverse("home")
    assert is_signed_in(client)


def test_the_link_in_the_mail_leads_to_a_sign_in_that_works() -> None:
    alice()
    client = browser()
    sign_up(client)
    link = last_message(ALICE).context["url"]
    assert 'name="password"' in client.get(link).content.decode()
    assert log_in(client).url == reverse("home")


def test_a_known_and_a_new_address_see_the_same_at_every_step() -> None:
    alice()
    known, new = browser(), browser(address="192.0.2.2")
    sign_up(known)
    sign_up(new, BOB)
    for step in (CODE_PAGE, *DOORS, CODE_PAGE):
        pages = [client.get(reverse(step)) for client in (known, new)]
        assert pages[0].status_code == pages[1].status_code, step
        assert pages[0].get("Location") == pages[1].get("Location"), step


def test_starting_over_leaves_no_page_that_only_known_addresses_see() -> None:
    alice()
    known, new = browser(), browser(address="192.0.2.2")
    sign_up(known)
    sign_up(new, BOB)
    for client in (known, new):
        post(client, "account_logout", next=reverse("account_login"))
        assert client.get(reverse(CODE_PAGE)).status_code == 302


def test_the_code_page_offers_to_sign_in_instead_to_everybody() -> None:
    alice()
    for client, email in ((browser(), ALICE), (browser(), BOB)):
        sign_up(client, email)
        page = client.get(reverse(CODE_PAGE)).content.decode()
        assert "Sign in instead" in page
        assert "You may already have an account" in page


def test_reloading_and_being_led_here_keep_the_sign_up() -> None:
    client = browser()
    sign_up(client)
    assert waits_for_code(client)
    client.get(reverse("home"), follow=True)
    client.get(reverse("account_reset_password"))
    client.get(reverse("account_confirm_login_code"), follow=True)
    assert waits_for_code(client)
    assert enter_email_code(client).url == reverse("home")


def test_going_back_to_the_page_before_keeps_the_sign_up() -> None:
    client = browser()
    sign_up(client, phone=PHONE)
    enter_email_code(client)
    before = client.get(reverse(CODE_PAGE))
    assert before["Location"] == reverse("account_verify_phone")
    assert enter_phone_code(client).url == reverse("home")


def test_a_sign_up_sent_twice_waits_for_its_code() -> None:
    client = browser()
    sign_up(client)
    assert sign_up(client).url == reverse(CODE_PAGE)
    assert enter_email_code(client).url == reverse("home")


def test_another_code_right_after_the_first_says_when_on_the_page_itself() -> None:
    client = browser()
    sign_up(client)
    answer = resend(client, CODE_PAGE)
    page = answer.content.decode()
    assert answer.status_code == 429
    assert "We just sent one" in page
    assert IN_A_MINUTE in page
    assert 'name="code"' in page
    assert enter_email_code(client).url == reverse("home"), "the code that was sent still works"


def test_another_code_right_after_the_first_says_the_same_of_a_known_address() -> None:
    alice()
    client = browser()
    sign_up(client)
    answer = resend(client, CODE_PAGE)
    assert answer.status_code == 429
    assert IN_A_MINUTE in answer.content.decode()


def test_another_code_for_the_phone_says_when() -> None:
    client = browser()
    sign_up(client, phone=PHONE)
    enter_email_code(client)
    answer = resend(client, "account_verify_phone")
    assert answer.status_code == 429
    assert IN_A_MINUTE in answer.content.decode()
    assert texts() == 1
    assert enter_phone_code(client).url == reverse("home")


def test_another_code_for_a_new_phone_says_when_on_the_account_page() -> None:
    client = fresh(alice())
    post(client, "account_change_phone", phone=PHONE)
    answer = resend(client, "account_verify_phone")
    assert answer.status_code == 429
    assert IN_A_MINUTE in answer.content.decode()
    cache.clear()
    assert resend(client, "account_verify_phone").status_code == 302
    assert texts() == 2
    assert enter_phone_code(client).url == reverse("account_change_phone")


def test_sign_in_codes_are_counted_however_they_are_asked_for() -> None:
    alice()
    client = browser()
    post(client, "account_request_login_code", email=ALICE)
    for _ in range(2):
        assert resend(client, "account_confirm_login_code").status_code == 302
    code = last_code(ALICE)
    assert Message.objects.filter(recipient=ALICE).count() == 3
    again = browser()
    post(again, "account_request_login_code", email=ALICE)
    assert Message.objects.filter(recipient=ALICE).count() == 3
    entered = post(client, "account_confirm_login_code", code=code)
    assert entered.url == reverse("home")


def test_a_sign_in_code_asked_for_too_often_says_when() -> None:
    alice()
    client = browser()
    for _ in range(3):
        client = browser()
        post(client, "account_request_login_code", email=ALICE)
    answer = resend(client, "account_confirm_login_code")
    assert answer.status_code == 429
    assert IN_A_MINUTE in answer.content.decode()
    entered = post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert entered.url == reverse("home")


def test_another_reset_code_is_sent_and_takes_the_first_ones_place() -> None:
    alice()
    client = browser()
    post(client, "account_reset_password", email=ALICE)
    page = client.get(reverse("account_confirm_password_reset_code")).content.decode()
    assert "Send another code" in page
    resend(client, "account_confirm_password_reset_code")
    assert Message.objects.filter(recipient=ALICE).count() == 2
    entered = post(client, "account_confirm_password_reset_code", code=last_code(ALICE))
    assert entered.url == reverse("account_complete_password_reset")


@pytest.mark.parametrize("email", [ALICE, BOB])
def test_reset_codes_asked_for_too_often_say_when(email: str) -> None:
    alice()
    client = browser()
    post(client, "account_reset_password", email=email)
    for _ in range(2):
        assert resend(client, "account_confirm_password_reset_code").status_code == 302
    for answer in (
        resend(client, "account_confirm_password_reset_code"),
        post(client, "account_reset_password", email=email),
    ):
        assert answer.status_code == 429
        assert IN_A_MINUTE in answer.content.decode()
    assert Message.objects.filter(recipient=email).count() == 3


def test_the_days_codes_used_up_say_in_how_many_hours(rf: Any) -> None:
    request = rf.post("/")
    now = time.time()
    for rate in ratelimit.get_rates(app=waits.ACCOUNT, action="confirm_email"):
        name = ratelimit.get_cache_key(
            request, app=waits.ACCOUNT, action="confirm_email", rate=rate, key=ALICE
        )
        cache.set(name, [now - 20 * 3600 - step for step in range(30)], rate.duration)
    words = waits.refusal(request, "confirm_email", ALICE)
    assert words == "We’ve sent several codes already. You can request another in 4 hours."


def test_waits_are_said_in_round_words() -> None:
    assert waits.sentence(9).endswith("in a minute.")
    assert waits.sentence(61).endswith("in 2 minutes.")
    assert waits.sentence(3600).endswith("in 60 minutes.")


def test_the_429_page_leads_a_visitor_to_the_sign_in_page() -> None:
    first = browser()
    sign_up(first, phone=PHONE)
    enter_email_code(first)
    page = sign_up(browser(address="192.0.2.2"), BOB, phone=PHONE)
    assert page.status_code == 429
    assert "Go to sign-in" in page.content.decode()
    assert "Go to my home page" not in page.content.decode()
