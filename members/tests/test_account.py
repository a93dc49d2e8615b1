"""The account page: profile, time zone, phone, text messages."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from members import consent, phones, time_zones
from members.models import ConsentSource, Member
from members.templatetags import account_words
from members.tests.actors import (
    BOB,
    OTHER_PHONE,
    PASSWORD,
    PHONE,
    alice,
    bob,
    browser,
    enter_email_code,
    enter_phone_code,
    fresh,
    last_code,
    log_in,
    member,
    post,
    sign_up,
    texts,
)

pytestmark = pytest.mark.django_db
ACCOUNT = "/account/"
NOTIFICATIONS = "/account/notifications/"
HTMX = {"HX-Request": "true"}


def with_phone() -> tuple[User, Client]:
    """Return Alice with a verified phone, and her browser."""
    user = alice()
    phones.confirm(user, PHONE)
    return user, browser(user)


def answer(client: Client, agree: str, **headers: str) -> str:
    """Say yes or no to text messages; return the page that follows."""
    url = reverse("members:text-messages")
    response = client.post(url, {"agree": agree}, headers=headers, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_the_overview_shows_the_member_and_the_way_to_everything_else() -> None:
    page = browser(alice()).get(ACCOUNT).content.decode()
    for text in ("Alice Archer", "alice@example.com", "America/New_York", "New York (UTC−0"):
        assert text in page
    for name in ("email", "change_password", "change_phone"):
        assert reverse(f"account_{name}") in page
    assert reverse("usersessions_list") in page
    assert User.objects.get().username not in page


def test_the_overview_takes_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = browser(alice())
    with django_assert_max_num_queries(5):
        client.get(ACCOUNT)


def test_saving_name_and_time_zone() -> None:
    client = browser(alice())
    form = {"name": " Ludwig  van Beethoven ", "time_zone": "Europe/Vienna"}
    page = client.post(reverse("members:profile"), form, follow=True).content.decode()
    assert "Your profile is saved" in page
    user = User.objects.get()
    assert (user.first_name, user.last_name) == ("Ludwig", "van Beethoven")
    assert member().time_zone == "Europe/Vienna"
    client.post(reverse("members:profile"), form | {"time_zone": "own"})
    assert member().time_zone == ""


HTMX = {"HX-Request": "true"}


def test_the_profile_is_saved_in_place_and_the_menu_says_the_new_name() -> None:
    client = signed_in_alice()
    form = {"name": "Alicia Archer", "time_zone": "Europe/Vienna"}
    answer = client.post(reverse("members:profile"), form, headers=HTMX)
    part = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in part
    assert 'id="profile"' in part
    assert 'value="Alicia Archer"' in part
    assert "Your profile is saved." in part
    assert "<strong>Alicia Archer</strong>" in part
    assert member("alice@example.com").time_zone == "Europe/Vienna"
    assert "Your profile is saved." not in client.get(ACCOUNT).content.decode(), "said once"


def test_another_language_shows_the_whole_page_anew(settings: Settings) -> None:
    settings.LANGUAGES = [("en-us", "English"), ("es", "español")]
    client = signed_in_alice()
    form = {"name": "Alice Archer", "time_zone": "own", "language": "es"}
    answer = client.post(reverse("members:profile"), form, headers=HTMX)
    assert answer["HX-Redirect"] == ACCOUNT
    assert '<html lang="es"' in client.get(ACCOUNT).content.decode()
    again = client.post(reverse("members:profile"), form, headers=HTMX)
    assert 'id="profile"' in again.content.decode(), "it's the same language"


def test_a_mistake_in_the_profile_is_said_in_place() -> None:
    client = signed_in_alice()
    form = {"name": "www.spam.example", "time_zone": "own"}
    part = client.post(reverse("members:profile"), form, headers=HTMX).content.decode()
    assert "<html" not in part
    assert "Enter your name only" in part
    assert 'value="www.spam.example"' in part
    assert "saved" not in part
    assert member("alice@example.com").user.get_full_name() == "Alice Archer"


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "time_zone": "own"},
        {"name": "Alice", "time_zone": "Mars/Olympus_Mons"},
        {"name": "Alice", "time_zone": "../../etc/passwd"},
        {"name": "http://spam.example", "time_zone": "own"},
        {"name": "Alice", "time_zone": ""},
    ],
)
def test_a_profile_with_a_mistake_is_not_saved(form: dict[str, str]) -> None:
    client = browser(alice())
    response = client.post(reverse("members:profile"), form)
    assert response.status_code == 200
    assert 'class="error"' in response.content.decode()
    assert User.objects.get().get_full_name() == "Alice Archer"
    assert member().time_zone == ""


def test_dates_are_in_the_members_own_time_zone() -> None:
    user, client = with_phone()
    consent.agree(user.member, ConsentSource.ACCOUNT)
    late = datetime(2026, 11, 20, 23, 30, tzinfo=ZoneInfo("UTC"))
    Member.objects.update(sms_consent_at=late, time_zone="Asia/Tokyo")
    assert "Saturday, November 21" in client.get(NOTIFICATIONS).content.decode()
    Member.objects.update(time_zone="")
    assert "Friday, November 20" in client.get(NOTIFICATIONS).content.decode()
    assert timezone.get_current_timezone_name() == "America/New_York"


def test_a_time_zone_that_is_gone_breaks_nothing() -> None:
    client = browser(alice())
    Member.objects.update(time_zone="Europe/Atlantis")
    assert client.get(ACCOUNT).status_code == 200


def test_every_time_zone_offered_can_be_chosen() -> None:
    assert len(time_zones.names()) > 300
    assert all(time_zones.find(name) for name in time_zones.names())
    old = {"US/Eastern", "Asia/Calcutta", "America/Indianapolis", "America/Buenos_Aires"}
    assert old.isdisjoint(time_zones.names())
    assert {"America/New_York", "Asia/Kolkata", "Europe/Vienna"} <= set(time_zones.names())


def test_a_time_zone_of_an_old_name_can_stay() -> None:
    client = browser(alice())
    Member.objects.update(time_zone="Asia/Calcutta")
    assert "Calcutta (UTC+05:30)" in client.get(ACCOUNT).content.decode()
    client.post(reverse("members:profile"), {"name": "Alicia", "time_zone": "Asia/Calcutta"})
    assert (User.objects.get().first_name, member().time_zone) == ("Alicia", "Asia/Calcutta")


def test_adding_a_phone_on_the_account_page() -> None:
    client = fresh(alice())
    client.post(reverse("account_change_phone"), {"phone": "415-555-2671"})
    assert not member().phone, "nothing changes before the code"
    enter_phone_code(client)
    assert member().phone == PHONE
    assert member().phone_is_verified
    assert not member().accepts_sms


def test_changing_the_phone_keeps_the_old_one_until_the_code() -> None:
    user, _ = with_phone()
    client = fresh(user)
    client.post(reverse("account_change_phone"), {"phone": OTHER_PHONE})
    enter_phone_code(client, OTHER_PHONE, code="000000")
    assert member().phone == PHONE
    assert member().phone_is_verified
    enter_phone_code(client, OTHER_PHONE)
    assert member().phone == OTHER_PHONE


def test_verifying_later_what_was_skipped_at_sign_up() -> None:
    user = alice()
    phones.attach(user, PHONE)
    client = fresh(user)
    assert "Not verified" in client.get(NOTIFICATIONS).content.decode()
    client.post(reverse("account_change_phone"), {"action": "verify"})
    enter_phone_code(client)
    assert member().phone_is_verified


def test_a_number_verified_by_somebody_else_in_the_meantime_stays_theirs() -> None:
    client = fresh(alice())
    client.post(reverse("account_change_phone"), {"phone": PHONE})
    phones.confirm(bob(), PHONE)
    response = enter_phone_code(client, code=last_code(PHONE))
    assert "Another account uses this number" in response.content.decode()
    assert not member().phone_is_verified


@pytest.mark.django_db(transaction=True)
def test_of_two_members_who_prove_one_number_at_once_the_first_has_it() -> None:
    client, other = fresh(alice()), bob()
    post(client, "account_change_phone", phone=PHONE)
    code = last_code(PHONE)

    def enter_code() -> Any:
        try:
            return enter_phone_code(client, code=code)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            phones.confirm(other, PHONE)
            answer_to_alice = pool.submit(enter_code)
            wait_until_somebody_waits()
        response = answer_to_alice.result(timeout=10)
    assert response.url == reverse("account_verify_phone")
    assert not member().phone_is_verified
    assert "Another account uses this number" in client.get(response.url).content.decode()


def wait_until_somebody_waits() -> None:
    """Return once another connection waits for a lock of ours."""
    deadline = time.monotonic() + 10
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    waiting += " AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    pytest.fail("nobody waited")


def test_two_members_cannot_own_one_number() -> None:
    phones.confirm(bob(), PHONE)
    with pytest.raises(phones.PhoneTakenError):
        phones.confirm(alice(), PHONE)


def test_removing_the_phone_ends_text_messages() -> None:
    user, _ = with_phone()
    consent.agree(user.member, ConsentSource.ACCOUNT)
    fresh(user).post(reverse("members:phone-remove"))
    assert not member().phone
    assert not member().agreed_to_sms
    assert [record.agreed for record in member().sms_consents.all()] == [False, True]


def test_removing_the_phone_is_asked_before_it_is_done() -> None:
    _, client = with_phone()
    page = client.get(NOTIFICATIONS).content.decode()
    button = re.search(r"<button[^>]*>Remove number</button>", page)
    assert button
    assert 'popovertarget="remove-phone"' in button[0], "the first press opens the question"
    assert "We’ll delete it and stop texting you" in page


def test_a_new_phone_is_shown_with_its_groups() -> None:
    client = fresh(alice())
    post(client, "account_change_phone", phone=PHONE)
    assert "+1 415-555-2671" in client.get(reverse("account_verify_phone")).content.decode()
    page = client.post(
        reverse("account_verify_phone"), {"code": last_code(PHONE)}, follow=True
    ).content.decode()
    assert "+1 415-555-2671 is verified." in page
    assert PHONE not in page


def change_email(client: Client, email: str) -> Any:
    """Ask for a new address, as on the account page of somebody who has just signed in."""
    return post(client, "account_email", action_add="add", email=email)


def signed_in_alice() -> Client:
    """Return the browser of Alice, who has signed in and said that it is still her."""
    alice()
    client = browser()
    log_in(client)
    post(client, "account_reauthenticate", password=PASSWORD)
    return client


@pytest.mark.parametrize("taken", [False, True])
def test_an_address_that_waits_for_its_code_is_shown_and_leads_to_it(taken: bool) -> None:
    if taken:
        bob()
    client = signed_in_alice()
    assert change_email(client, BOB).url == reverse("account_email_verification_sent")
    page = client.get(reverse("account_email")).content.decode()
    assert f"Verify {BOB}" in page
    assert "everything goes to alice@example.com" in page
    assert f'href="{reverse("account_email_verification_sent")}"' in page


def test_a_changed_address_leads_back_to_the_account() -> None:
    client = signed_in_alice()
    change_email(client, BOB)
    assert enter_email_code(client, BOB).url == ACCOUNT
    page = client.get(reverse("account_email")).content.decode()
    assert BOB in page
    assert "We sent a code there" not in page


def test_a_change_of_address_is_dropped() -> None:
    client = signed_in_alice()
    change_email(client, BOB)
    page = client.post(reverse("account_email"), {"action_drop": "drop"}, follow=True)
    assert "Your email address stays the same." in page.content.decode()
    assert "We sent a code there" not in page.content.decode()
    assert enter_email_code(client, BOB).url == reverse("account_email")
    assert member("alice@example.com").user.email == "alice@example.com"


def test_a_change_of_address_asked_for_twice_says_when() -> None:
    client = signed_in_alice()
    change_email(client, BOB)
    answered = change_email(client, BOB)
    assert answered.status_code == 429
    assert "You can request another in a minute." in answered.content.decode()
    assert enter_email_code(client, BOB).url == ACCOUNT, "the code that was sent still works"


def test_a_sign_up_left_in_this_browser_is_no_change_of_address() -> None:
    alice()
    client = browser()
    sign_up(client, BOB)
    post(client, "account_logout")
    log_in(client)
    assert "We sent a code there" not in client.get(reverse("account_email")).content.decode()


def test_the_labels_of_passwords_are_written_as_all_others() -> None:
    page = signed_in_alice().get(reverse("account_change_password")).content.decode()
    for label in ("Current password", "New password", "New password, again"):
        assert f">{label}<" in page
    assert "New Password" not in re.sub(r'placeholder="[^"]*"', "", page)


def test_a_device_signed_in_a_moment_ago_did_so_just_now() -> None:
    page = signed_in_alice().get(reverse("usersessions_list")).content.decode()
    assert re.search(r"<time[^>]*>Signed in just now</time>", page)
    assert "192.0.2.1" in page
    assert account_words.ago(timezone.now() - timedelta(hours=3)).startswith("3\xa0hours")


def test_consent_is_given_and_withdrawn_with_a_record_of_each() -> None:
    _, client = with_phone()
    assert "Text messages are on." in answer(client, "yes")
    assert member().accepts_sms
    answer(client, "yes")
    assert "Text messages are off." in answer(client, "no")
    assert not member().accepts_sms
    records = list(member().sms_consents.order_by("id"))
    assert [(record.agreed, record.source) for record in records] == [
        (True, ConsentSource.ACCOUNT),
        (False, ConsentSource.ACCOUNT),
    ]
    assert all(record.phone == PHONE for record in records)


def test_consent_by_htmx_answers_with_the_part_of_the_page() -> None:
    _, client = with_phone()
    part = answer(client, "yes", **HTMX)
    assert part.strip().startswith('<div class="stack stack-l" id="notifications"')
    assert "Stop all texts" in part
    assert "csrfmiddlewaretoken" in part
    assert "<html" not in part


def test_consent_needs_a_verified_number() -> None:
    user = alice()
    phones.attach(user, PHONE)
    assert "Verify your phone number first" in answer(browser(user), "yes")
    assert not member().agreed_to_sms


def test_the_terms_are_shown_where_one_agrees() -> None:
    _, client = with_phone()
    page = client.get(NOTIFICATIONS).content.decode()
    assert "Reply STOP to cancel anytime" in page
    assert "rates may apply" in page


def test_stop_and_start_by_reply_are_on_record_too() -> None:
    user, _ = with_phone()
    assert consent.stop(user.member, ConsentSource.REPLY), "counts even without a yes before"
    assert not consent.stop(user.member, ConsentSource.REPLY)
    assert consent.agree(user.member, ConsentSource.REPLY)
    assert user.member.accepts_sms
    assert member().sms_consent_source == ConsentSource.REPLY


def test_a_reply_counts_for_the_member_who_has_the_number() -> None:
    user, _ = with_phone()
    stranger = bob()
    phones.attach(stranger, PHONE)
    consent.agree(user.member, ConsentSource.ACCOUNT)
    consent.stop_by_reply(PHONE)
    assert not member().accepts_sms
    consent.start_by_reply(PHONE)
    assert member().accepts_sms
    assert not member(BOB).agreed_to_sms, "an unverified number starts nothing"
    consent.stop_by_reply(OTHER_PHONE)
    assert member().accepts_sms


def test_no_code_is_sent_for_looking_at_a_page() -> None:
    _, client = with_phone()
    client.get(ACCOUNT)
    client.get(reverse("account_change_phone"))
    assert texts() == 0
