"""Passkeys: added, signed in with, asked for as second step, renamed, removed, and never fooled."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from members.models import AccessChange, SignIn
from members.signin import passkeys
from members.tests import passkey as device
from members.tests.actors import (
    ALICE,
    alice,
    bob,
    browser,
    fresh,
    is_signed_in,
    last_message,
    log_in,
    post,
)
from members.tests.authenticator import code_of
from members.tests.passkey import Passkey, challenge, send
from members.tests.signin.test_mfa import (
    ACTIVATE,
    AUTHENTICATE,
    SPARE,
    add_app,
    secret_of,
    spare_codes,
)

pytestmark = pytest.mark.django_db
INDEX = "/accounts/2fa/"
ADD = "/accounts/2fa/webauthn/add/"
SIGN_IN = "/accounts/2fa/webauthn/login/"
CONFIRM = "/accounts/2fa/webauthn/reauthenticate/"
REFUSED = "couldn’t accept this passkey"


def add(client: Client, made: Passkey | None = None, name: str = "My phone") -> Passkey:
    """Add a passkey in a browser that has just signed in."""
    made = made or Passkey()
    answer = send(client, ADD, made.create(challenge(client, ADD)), name=name)
    assert answer.status_code == 302, answer.content.decode()
    return made


def with_passkey(user: User, **fields: Any) -> Passkey:
    """Return a new passkey of somebody's."""
    return add(fresh(user), Passkey(**fields))


def row(client: Client | None = None) -> Authenticator:
    return Authenticator.objects.get(type="webauthn")


def keys(pk: int, what: str) -> str:
    return f"/accounts/2fa/webauthn/keys/{pk}/{what}/"


def sign_in(client: Client, made: Passkey, **fields: str) -> Any:
    return send(client, SIGN_IN, made.get(challenge(client, SIGN_IN)), **fields)


def confirm(client: Client, made: Passkey, back: str) -> Any:
    path = f"{CONFIRM}?next={back}"
    return send(client, CONFIRM, made.get(challenge(client, path)), next=back)


# Adding


def test_one_is_added_with_its_name_announced_and_spare_codes_come_with_it() -> None:
    client = fresh(alice())
    made = Passkey()
    answer = send(client, ADD, made.create(challenge(client, ADD)), name="My phone")
    assert answer["Location"] == SPARE
    assert len(spare_codes(client)) == 10
    page = client.get(INDEX).content.decode()
    assert "My phone" in page
    assert "Not used yet" in page
    told = last_message(ALICE).context
    assert told["headline"] == "A passkey was added"
    assert "“My phone” was added" in told["sentence"]


def test_a_device_is_asked_to_know_its_owner_and_to_keep_the_passkey() -> None:
    asked = challenge(fresh(alice()), ADD)["publicKey"]
    assert asked["rp"] == {"id": "localhost", "name": project.BRAND_NAME}
    choice = asked["authenticatorSelection"]
    assert (choice["userVerification"], choice["residentKey"]) == ("required", "required")
    assert asked["user"]["name"] == ALICE


def test_without_a_name_it_is_called_after_the_browser() -> None:
    client = fresh(alice())
    chrome = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0", "Accept": "text/html"}
    page = client.get(ADD, headers=chrome).content.decode()
    assert 'value="Chrome on Windows"' in page


@pytest.mark.parametrize("name", ["https://evil.example", "<b>x</b>", "x" * 61])
def test_a_name_holds_no_link(name: str) -> None:
    client = fresh(alice())
    answer = send(client, ADD, Passkey().create(challenge(client, ADD)), name=name)
    assert answer.status_code == 200
    assert not Authenticator.objects.exists()


def test_an_old_session_adds_none() -> None:
    client = browser(alice())
    assert client.get(ADD)["Location"].startswith("/accounts/reauthenticate/")
    answer = client.get(ADD, headers={"Accept": "application/json"})
    assert answer.status_code == 302
    assert send(client, ADD, {"id": "x"}).status_code == 302
    assert not Authenticator.objects.exists()


def test_an_account_whose_address_is_not_confirmed_gets_none() -> None:
    user = alice()
    client = fresh(user)
    EmailAddress.objects.filter(user=user).update(verified=False)
    page = client.get(ADD, follow=True).content.decode()
    assert "Verify your email address first" in page


def test_one_passkey_belongs_to_one_account() -> None:
    made = with_passkey(alice())
    client = fresh(bob())
    answer = send(client, ADD, made.create(challenge(client, ADD)))
    assert "already added" in answer.content.decode()
    assert Authenticator.objects.filter(type="webauthn").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:9000"},
        {"origin": "http://sub.localhost:8000"},
        {"domain": "evil.example"},
        {"flags": device.PRESENT},
        {"flags": device.VERIFIED},
        {"algorithm": -65535},
        {"algorithm": -999},
    ],
    ids=str,
)
def test_what_no_page_of_ours_would_make_is_not_added(wrong: dict[str, Any]) -> None:
    client = fresh(alice())
    answer = send(client, ADD, Passkey(**wrong).create(challenge(client, ADD)))
    assert "couldn’t add this passkey" in answer.content.decode()
    assert not Authenticator.objects.exists()


# Signing in


def test_a_passkey_alone_signs_in_and_is_on_record() -> None:
    user = alice()
    made = with_passkey(user)
    client = browser()
    assert sign_in(client, made)["Location"] == "/"
    assert is_signed_in(client)
    assert SignIn.objects.latest("pk").method == "passkey"
    assert row().last_used_at is not None
    assert "Last used just now" in client.get(INDEX).content.decode()


def test_the_sign_in_page_has_its_button_and_the_script_comes_from_us() -> None:
    answer = browser().get("/accounts/login/?next=/payments/")
    page = answer.content.decode()
    assert f'action="{SIGN_IN}" data-passkey="get" hidden' in page
    assert 'name="next" value="/payments/"' in page
    assert "/static/passkeys.js" in page
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_where_somebody_wants_to_go_is_kept_but_not_to_another_site() -> None:
    made = with_passkey(alice())
    assert sign_in(browser(), made, next="/payments/?before=1")["Location"] == "/payments/?before=1"
    assert sign_in(browser(), made, next="https://evil.example/")["Location"] == "/"
    wrong = send(browser(), SIGN_IN, {"id": "x"}, next="/payments/")
    assert wrong["Location"] == "/accounts/login/?next=%2Fpayments%2F"
    assert send(browser(), SIGN_IN, {"id": "x"}, next="//evil.example")["Location"] == (
        "/accounts/login/"
    )


def refused(client: Client, answer: Any) -> bool:
    """Whether nobody was signed in, and the page says why."""
    said = client.get(answer["Location"]).content.decode()
    return not is_signed_in(client) and (REFUSED in said or "took too long" in said)


def test_an_answer_works_once() -> None:
    made = with_passkey(alice())
    first = browser()
    answer = made.get(challenge(first, SIGN_IN))
    send(first, SIGN_IN, answer)
    assert is_signed_in(first)
    post(first, "account_logout")
    assert refused(first, send(first, SIGN_IN, answer))
    # In another browser, with a challenge of its own.
    other = browser()
    challenge(other, SIGN_IN)
    assert refused(other, send(other, SIGN_IN, answer))


def test_two_requests_at_once_get_one_try() -> None:
    made = with_passkey(alice())
    client = browser()
    answer = made.get(challenge(client, SIGN_IN))
    session = client.session
    state = session["mfa.webauthn.state"]
    assert send(client, SIGN_IN, {"id": "x"}).status_code == 302
    session = client.session
    session["mfa.webauthn.state"] = state
    session.save()
    assert refused(client, send(client, SIGN_IN, answer))


def test_a_challenge_expires() -> None:
    made = with_passkey(alice())
    client = browser()
    answer = made.get(challenge(client, SIGN_IN))
    session = client.session
    session["mfa.webauthn.state"]["at"] -= passkeys.GOOD_FOR + 1
    session.save()
    assert refused(client, send(client, SIGN_IN, answer))


def test_a_challenge_for_one_thing_answers_no_other() -> None:
    user = alice()
    made = with_passkey(user)
    client = browser()
    log_in(client)
    answer = made.get(challenge(client, AUTHENTICATE))
    send(client, SIGN_IN, answer)
    assert not is_signed_in(client)


def test_a_counter_that_goes_back_is_a_copy() -> None:
    made = with_passkey(alice(), count=5)
    assert sign_in(browser(), made)["Location"] == "/"
    made.count = 3
    copied = browser()
    assert refused(copied, sign_in(copied, made))
    made.count = 9
    assert sign_in(browser(), made)["Location"] == "/"


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:9000"},
        {"domain": "evil.example"},
        {"flags": device.PRESENT},
    ],
    ids=str,
)
def test_an_answer_from_elsewhere_or_from_an_unknown_person_signs_nobody_in(
    wrong: dict[str, Any],
) -> None:
    made = with_passkey(alice())
    for name, value in wrong.items():
        setattr(made, name, value)
    client = browser()
    assert refused(client, sign_in(client, made))


def test_a_strangers_passkey_does_not_sign_in_as_somebody_else() -> None:
    of_alice, of_bob = with_passkey(alice()), with_passkey(bob())
    client = browser()
    of_bob.user = of_alice.user
    assert refused(client, sign_in(client, of_bob))
    # Nor with the other's number written on it.
    of_bob.id = of_alice.id
    assert refused(client, sign_in(client, of_bob))


def test_a_deactivated_account_stays_closed() -> None:
    user = alice()
    made = with_passkey(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    client = browser()
    assert sign_in(client, made)["Location"] == "/accounts/inactive/"
    assert not is_signed_in(client)


def test_an_address_that_is_no_longer_confirmed_is_confirmed_first() -> None:
    user = alice()
    made = with_passkey(user)
    EmailAddress.objects.filter(user=user).update(verified=False)
    client = browser()
    assert sign_in(client, made)["Location"] == "/accounts/confirm-email/"
    assert not is_signed_in(client)


def broken(good: dict[str, Any]) -> list[Any]:
    """Return answers that no browser makes."""
    deep = "[" * 5000 + "]" * 5000
    answers: list[Any] = ["", "x", "[]", "null", "7", deep, '{"id": ' + deep + "}", "{}"]
    for path in [("id",), ("rawId",), ("type",), *(("response", one) for one in good["response"])]:
        values: list[Any] = [None, 7, "", "%%%", "AAAA", [], {}, {"a": [1]}, "A" * 9000]
        for value in values:
            bad = {**good, "response": {**good["response"]}}
            (bad if len(path) == 1 else bad["response"])[path[-1]] = value
            answers.append(bad)
    handles = [device.base64url(b"z" * 40), device.base64url(b"\xff\xfe"), device.base64url(b"-1")]
    answers += [{**good, "response": {**good["response"], "userHandle": one}} for one in handles]
    return [*answers, {**good, "response": None}, {**good, "response": []}]


@pytest.mark.slow
def test_no_answer_breaks_a_page(settings: Settings) -> None:
    limits = {"passkey": None, "passkey_challenge": None}
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | limits
    made = with_passkey(alice())
    client = browser()
    for answer in broken(made.get(challenge(client, SIGN_IN))):
        challenge(client, SIGN_IN)
        assert send(client, SIGN_IN, answer).status_code == 302
        cache.clear()
    assert not is_signed_in(client)
    added_by = fresh_by_passkey(made)
    for answer in broken(Passkey().create(challenge(added_by, ADD))):
        challenge(added_by, ADD)
        assert send(added_by, ADD, answer).status_code in (200, 302)
        cache.clear()
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def fresh_by_passkey(made: Passkey) -> Client:
    client = browser()
    sign_in(client, made)
    assert is_signed_in(client)
    return client


def test_a_network_has_so_many_tries() -> None:
    made = with_passkey(alice())
    client = browser()
    for _ in range(30):
        send(client, SIGN_IN, {"id": "x"})
    said = client.get(sign_in(client, made)["Location"]).content.decode()
    assert "Too many tries" in said
    assert not is_signed_in(client)
    # The owner elsewhere isn't kept out.
    assert sign_in(browser(address="192.0.2.77"), made)["Location"] == "/"
    asked = [client.get(SIGN_IN, headers={"Accept": "application/json"}) for _ in range(60)]
    assert asked[-1].status_code == 429


def test_who_is_signed_in_already_stays_who_they_are() -> None:
    made = with_passkey(alice())
    client = browser(bob())
    assert send(client, SIGN_IN, made.get({"publicKey": {"challenge": "x"}})).status_code == 302
    assert int(client.session["_auth_user_id"]) == User.objects.get(email="bob@example.com").pk


# The second step


def test_a_password_then_asks_for_the_passkey() -> None:
    made = with_passkey(alice())
    client = browser()
    assert log_in(client)["Location"] == AUTHENTICATE
    page = client.get(AUTHENTICATE).content.decode()
    assert "Use a passkey, or enter a recovery code." in page
    answer = send(client, AUTHENTICATE, made.get(challenge(client, AUTHENTICATE)))
    assert answer["Location"] == "/"
    assert is_signed_in(client)
    assert SignIn.objects.latest("pk").method == "password, passkey"


def test_a_spare_code_stands_in_for_the_passkey() -> None:
    client = fresh(alice())
    add(client)
    [code, *_rest] = spare_codes(client)
    other = browser()
    log_in(other)
    other.post(AUTHENTICATE, {"code": code})
    assert is_signed_in(other)


def test_somebody_elses_passkey_is_no_second_step() -> None:
    with_passkey(alice())
    of_bob = with_passkey(bob())
    client = browser()
    log_in(client)
    answer = send(client, AUTHENTICATE, of_bob.get(challenge(client, AUTHENTICATE)))
    assert REFUSED in answer.content.decode()
    assert not is_signed_in(client)


def test_without_a_first_step_there_is_no_challenge() -> None:
    with_passkey(alice())
    answer = browser().get(AUTHENTICATE, headers={"Accept": "application/json"})
    assert answer.status_code == 302


def test_staff_take_their_second_step_with_it(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = True
    olga = alice(is_staff=True, is_superuser=True)
    before = fresh(olga)
    client = fresh(olga)
    made = add(client)
    staff = "/staff/billing/invoice/"
    assert client.get(staff).status_code == 200
    answer = before.get(staff)
    assert answer["Location"].startswith(f"{CONFIRM}?next=")
    assert confirm(before, made, staff)["Location"] == staff
    assert before.get(staff).status_code == 200
    assert fresh_by_passkey(made).get(staff).status_code == 200
    assert AccessChange.objects.filter(what="Added a passkey.", holds=False).exists()


# Renaming and removing


def test_it_is_renamed() -> None:
    client = fresh(alice())
    add(client)
    path = keys(row().pk, "edit")
    assert 'value="My phone"' in client.get(path).content.decode()
    client.post(path, {"name": "Work laptop"})
    assert "Work laptop" in client.get(INDEX).content.decode()


def test_removing_it_takes_it_or_a_spare_code_and_mails_the_owner() -> None:
    client = fresh(alice())
    made = add(client)
    client = browser()
    log_in(client)
    send(client, AUTHENTICATE, made.get(challenge(client, AUTHENTICATE)))
    path = keys(row().pk, "remove")
    asked = client.get(path)["Location"]
    assert asked.startswith("/accounts/reauthenticate/")
    ways = client.get(asked).content.decode()
    assert "Use my passkey" in ways
    assert "Use a recovery code" in ways
    assert confirm(client, made, path)["Location"] == path
    page = client.get(path).content.decode()
    assert "Remove “My phone”?" in page
    assert "your recovery codes are deleted" in page
    client.post(path)
    assert not Authenticator.objects.exists()
    told = last_message(ALICE).context
    assert told["headline"] == "A passkey was removed"
    assert "Two-step sign-in is off" in told["sentence"]
    assert log_in(browser())["Location"] == "/"


def test_the_password_alone_does_not_remove_it() -> None:
    user = alice()
    stolen = fresh(user)
    with_passkey(user)
    post(stolen, "account_reauthenticate", password="correct horse battery")
    path = keys(row().pk, "remove")
    for answer in (stolen.get(path), stolen.post(path)):
        assert answer["Location"].startswith(CONFIRM)
    assert Authenticator.objects.filter(type="webauthn").exists()


def test_one_of_two_goes_and_the_second_step_stays() -> None:
    client = fresh(alice())
    secret = add_app(client)
    made = add(client)
    assert last_message(ALICE).context["headline"] == "A passkey was added"
    path = keys(row().pk, "remove")
    confirm(client, made, path)
    client.post(path)
    assert "can’t sign in anymore" in last_message(ALICE).context["sentence"]
    other = browser()
    assert log_in(other)["Location"] == AUTHENTICATE
    other.post(AUTHENTICATE, {"code": code_of(secret, steps=1)})
    assert is_signed_in(other)


def test_an_app_goes_and_the_passkey_stays() -> None:
    client = fresh(alice())
    made = add(client)
    secret = secret_of(client)
    client.post(ACTIVATE, {"code": code_of(secret)})
    remove = "/accounts/2fa/totp/deactivate/"
    confirm(client, made, remove)
    assert "ask for a passkey or a recovery code" in client.get(remove).content.decode()
    client.post(remove)
    assert last_message(ALICE).context["headline"] == "The authenticator app was removed"
    assert log_in(browser())["Location"] == AUTHENTICATE


@pytest.mark.parametrize("what", ["edit", "remove"])
def test_a_strangers_passkey_is_not_there(what: str) -> None:
    with_passkey(alice())
    client = fresh(bob())
    add(client)
    theirs = Authenticator.objects.get(type="webauthn", user__email=ALICE)
    path = keys(theirs.pk, what)
    assert client.get(path).status_code == 404
    assert client.post(path, {"name": "Mine"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.wrap().name == "My phone"


def test_so_many_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MOST", 1)
    client = fresh(alice())
    add(client)
    answer = send(client, ADD, Passkey().create(challenge(client, ADD)))
    assert "too many passkeys" in answer.content.decode()


# Where there are none


def test_an_address_that_can_have_none_offers_none(settings: Settings) -> None:
    user = alice()
    with_passkey(user)
    settings.MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
    assert "passkey" not in browser().get("/accounts/login/").content.decode()
    client = browser()
    log_in(client)
    assert "asskey" not in client.get(AUTHENTICATE).content.decode()
    for path in (ADD, SIGN_IN, CONFIRM, keys(row().pk, "remove")):
        assert browser(user).get(path).status_code == 404
    assert browser(user).get(INDEX).status_code == 200
    assert ACTIVATE in browser(user).get(INDEX).content.decode()
