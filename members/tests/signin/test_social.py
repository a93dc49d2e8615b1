"""Signing in with Google and Apple, through both as they answer over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from emails.models import Message
from members.models import (
    AccessChange,
    AccountActivity,
    ActivityKind,
    SignIn,
    TermsAcceptance,
)
from members.signin.adapter import AccountAdapter
from members.tests.actors import (
    ALICE,
    BOB,
    PASSWORD,
    alice,
    bob,
    browser,
    enter_email_code,
    is_signed_in,
    last_code,
    log_in,
    post,
)
from members.tests.signin.test_mfa import add_app, enter, signed_in, spare_codes
from testing import identity as identities
from testing.identity import Identity

pytestmark = pytest.mark.django_db
GMAIL = "alice.archer@gmail.com"
HIDDEN = "x7d8s@privaterelay.appleid.com"
SECURITY = "/accounts/2fa/"
LOGIN = "/accounts/login/"


@pytest.fixture(scope="module")
def providers() -> Iterator[Identity]:
    with identities.running() as running:
        yield running


@pytest.fixture
def at(providers: Identity, settings: Settings) -> Identity:
    """Google and Apple, with Alice's Google account at the browser."""
    settings.SIGN_IN_WITH = providers.settings()
    providers.claims = claims()
    providers.user, providers.cancels, providers.breaks, providers.forges = "", False, None, False
    providers.asked.clear()
    providers.tokens.clear()
    return providers


def claims(email: str | None = GMAIL, sub: str = "g-1", **more: Any) -> dict[str, Any]:
    """Return what a provider says of an account."""
    known = {"sub": sub, "given_name": "Alice", "family_name": "Archer", "email_verified": True}
    return {**known, **({"email": email} if email else {}), **more}


def go(client: Client, provider: str = "google", **fields: str) -> Any:
    """Press the button, and come back with the provider's answer."""
    return come_back(client, post(client, f"{provider}_login", **fields))


def come_back(client: Client, sent: Any) -> Any:
    """Follow a redirect to a provider, as a browser does, until the portal answers."""
    assert sent.status_code == 302, sent.content.decode()
    shown = httpx.get(sent["Location"], trust_env=False)
    if shown.status_code == 302:
        return client.get(path_of(shown.headers["Location"]))
    fields, target = form_of(shown.text)
    # A form of another site brings no cookies of ours, as their SameSite says.
    outside = Client(enforce_csrf_checks=True, REMOTE_ADDR="192.0.2.1")
    answer = outside.post(path_of(target), fields)
    assert answer.status_code == 302, "no token of ours is asked for"
    client.cookies.update(outside.cookies)
    return client.get(path_of(answer["Location"]))


def form_of(page: str) -> tuple[dict[str, str], str]:
    parts = page.split("'")
    target = parts[1]
    return dict(zip(parts[3::4], parts[5::4], strict=False)), target


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def page(client: Client, path: str) -> str:
    return unescape(client.get(path, follow=True).content.decode())


def connect(user: User, sub: str = "g-1", provider: str = "google", email: str = GMAIL) -> None:
    SocialAccount.objects.create(
        user=user, provider=provider, uid=sub, extra_data={"email": email, "is_checked": True}
    )


# What's offered


def test_nothing_is_offered_that_is_not_set_up() -> None:
    for path in (LOGIN, "/accounts/signup/"):
        assert "Continue with" not in page(browser(), path)
    assert "Connected accounts" not in page(browser(alice()), SECURITY)
    for name in ("google_login", "apple_login", "apple_callback"):
        assert post(browser(), name).status_code == 404
    for name in ("google_callback", "apple_finish_callback"):
        assert browser().get(reverse(name)).status_code == 404


@pytest.mark.parametrize("path", [LOGIN, "/accounts/signup/"])
def test_buttons_keep_where_one_wants_to_go(at: Identity, path: str) -> None:
    shown = page(browser(), f"{path}?next=/membership/%3Fplan%3D2")
    assert "Continue with Google" in shown
    assert "Continue with Apple" in shown
    assert shown.count('name="next" value="/membership/?plan=2"') >= 3


def test_only_one_is_offered_if_only_one_is_set_up(at: Identity, settings: Settings) -> None:
    settings.SIGN_IN_WITH = {"google": settings.SIGN_IN_WITH["google"]}
    shown = page(browser(), LOGIN)
    assert "Continue with Google" in shown
    assert "Continue with Apple" not in shown
    assert post(browser(), "apple_login").status_code == 404


def test_google_is_asked_for_no_more_than_needed_and_with_proof(at: Identity) -> None:
    go(browser())
    [asked] = at.asked
    assert set(asked["scope"].split()) == {"openid", "email", "profile"}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://testserver/accounts/google/login/callback/"
    assert at.tokens[0]["code_verifier"]


def test_a_link_alone_starts_nothing(at: Identity) -> None:
    answer = browser().get(reverse("google_login"))
    assert answer["Location"] == LOGIN
    assert not at.asked
    without_token = Client(enforce_csrf_checks=True)
    without_token.post(reverse("google_login"))
    assert not at.asked


# A new account


def test_a_gmail_address_makes_an_account_at_once(at: Identity, settings: Settings) -> None:
    settings.TERMS_URL, settings.TERMS_VERSION = "https://harbor.example/terms", "3"
    client = browser()
    assert go(client, next="/membership/")["Location"] == "/membership/"
    user = User.objects.get(email=GMAIL)
    assert user.get_full_name() == "Alice Archer"
    assert not user.has_usable_password()
    assert EmailAddress.objects.get(user=user).verified
    assert TermsAcceptance.objects.get(user=user).version == "3"
    assert SignIn.objects.get(user=user).method == "sign-up"
    kept = SocialAccount.objects.get(user=user)
    assert kept.extra_data == {"email": GMAIL, "is_checked": True}, "nothing else is kept"
    assert not SocialToken.objects.exists()
    # The second time it signs in.
    again = browser()
    assert go(again)["Location"] == "/"
    assert is_signed_in(again)
    assert User.objects.count() == 1
    assert SignIn.objects.filter(user=user).latest("pk").method == "Google"
    assert "Signed in with Google" in page(again, "/account/activity/")


def test_a_new_account_keeps_the_language_of_the_page(at: Identity, settings: Settings) -> None:
    settings.LANGUAGES = [("en-us", "English"), ("es", "español")]
    client = browser()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "es"
    go(client)
    assert User.objects.get().member.language == "es"


def test_another_hosts_address_takes_our_code(at: Identity) -> None:
    at.claims = claims(ALICE)
    client = browser()
    assert go(client, next="/membership/")["Location"] == reverse("account_email_verification_sent")
    assert not is_signed_in(client)
    assert not EmailAddress.objects.get(email=ALICE).verified
    assert enter_email_code(client)["Location"] == "/membership/"
    assert is_signed_in(client)


def test_a_workspaces_own_address_takes_none(at: Identity) -> None:
    at.claims = claims(ALICE, hd="example.com")
    client = browser()
    go(client)
    assert is_signed_in(client)


@pytest.mark.parametrize("changed", [{"email": None}, {"email_verified": False}])
def test_without_a_checked_address_there_is_no_account(
    at: Identity, changed: dict[str, Any]
) -> None:
    at.claims = claims(**({"email": changed["email"]} if "email" in changed else changed))
    client = browser()
    answer = go(client, next="/membership/")
    assert answer["Location"] == f"{LOGIN}?next=%2Fmembership%2F"
    assert "Google didn’t give us a verified email address." in page(client, answer["Location"])
    assert not User.objects.exists()


def test_a_link_for_a_name_is_left_out(at: Identity) -> None:
    at.claims = claims(given_name="www.spam.example", family_name="")
    go(browser())
    assert User.objects.get().get_full_name() == ""


class Closed(AccountAdapter):
    """Takes no new accounts, as an owner may decide."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def test_a_closed_sign_up_is_closed_here_too(at: Identity, settings: Settings) -> None:
    settings.ACCOUNT_ADAPTER = f"{__name__}.Closed"
    answer = go(browser())
    assert "Sign-up is closed" in answer.content.decode()
    assert not User.objects.exists()


# An account that's there already


def test_an_account_is_joined_if_both_know_whose_the_address_is(at: Identity) -> None:
    user = alice()
    move(user, GMAIL)
    client = browser()
    go(client)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert User.objects.count() == 1
    user.refresh_from_db()
    assert user.check_password(PASSWORD), "the password still works"
    connected = "A sign-in account was connected"
    told = Message.objects.get(recipient=GMAIL, context__headline=connected)
    assert "Google" in told.context["sentence"]
    row = AccountActivity.objects.get(user=user, kind=ActivityKind.CONNECTED)
    assert row.detail == "Google"


def move(user: User, email: str, *, verified: bool = True) -> None:
    User.objects.filter(pk=user.pk).update(email=email)
    EmailAddress.objects.filter(user=user).update(email=email, verified=verified)


@pytest.mark.parametrize("case", ["another host", "not verified here", "staff", "not checked"])
def test_otherwise_its_owner_signs_in_first(at: Identity, case: str) -> None:
    user = alice()
    email = ALICE if case == "another host" else GMAIL
    move(user, email, verified=case != "not verified here")
    User.objects.filter(pk=user.pk).update(is_staff=case == "staff")
    at.claims = claims(email, email_verified=case != "not checked")
    client = browser()
    answer = go(client, next="/payments/")
    assert answer["Location"] == f"{LOGIN}?next=%2Fpayments%2F"
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    said = page(client, answer["Location"])
    if case == "not checked":
        assert "didn’t give us a verified email address" in said
        return
    assert f"You already have an account with {email}. Sign in to it once" in said
    # With a code, which proves whose the mailbox is.
    post(client, "account_request_login_code", email=email)
    code = {"code": last_code(email)}
    landed = client.post(reverse("account_confirm_login_code"), code, follow=True)
    assert "Google is connected." in unescape(landed.content.decode())
    assert SocialAccount.objects.get().user == user
    again = browser()
    go(again)
    assert again.session["_auth_user_id"] == str(user.pk)


def test_who_signs_in_to_another_account_gets_nothing_connected(at: Identity) -> None:
    alice()
    bob()
    at.claims = claims(ALICE)
    client = browser()
    go(client)
    log_in(client, BOB)
    assert is_signed_in(client)
    assert not SocialAccount.objects.exists()


def test_what_waited_too_long_is_not_connected(at: Identity) -> None:
    alice()
    at.claims = claims(ALICE)
    client = browser()
    go(client)
    session = client.session
    session["sign_in_with"] |= {"at": timezone.now().timestamp() - 3600}
    session.save()
    log_in(client)
    assert not SocialAccount.objects.exists()


def test_the_second_step_is_still_asked(at: Identity) -> None:
    user = alice()
    [code, *_rest] = codes_of(user)
    connect(user)
    client = browser()
    assert go(client)["Location"].startswith(reverse("mfa_authenticate"))
    assert not is_signed_in(client)
    enter(client, code)
    assert is_signed_in(client)


def codes_of(user: User) -> list[str]:
    """Add a second step to someone's account; return the recovery codes."""
    client = signed_in(user)
    add_app(client)
    return spare_codes(client)


def test_a_closed_account_stays_closed(at: Identity) -> None:
    user = alice(is_active=False)
    connect(user)
    client = browser()
    assert go(client)["Location"] == reverse("account_inactive")
    assert not is_signed_in(client)


def test_staff_still_need_their_second_step(at: Identity, settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = True
    connect(alice(is_staff=True, is_superuser=True))
    client = browser()
    go(client)
    assert is_signed_in(client)
    assert client.get(reverse("admin:index"))["Location"] == reverse("mfa_activate_totp")


def test_what_staff_connect_and_disconnect_is_on_record(at: Identity) -> None:
    user = alice(is_staff=True)
    client = browser()
    log_in(client)
    come_back(client, post(client, "connect_google"))
    page_after(client, SocialAccount.objects.get().pk)
    assert [row.what for row in AccessChange.objects.filter(user=user).order_by("pk")] == [
        "Added Google as a way to sign in.",
        "Removed Google as a way to sign in.",
    ]


# Apple


def test_apples_form_from_its_own_site_signs_up_with_a_hidden_address(at: Identity) -> None:
    at.claims = {"sub": "a-1", "email": HIDDEN, "email_verified": "true"}
    at.user = json.dumps({"name": {"firstName": "Alice", "lastName": "Archer"}, "email": HIDDEN})
    client = browser()
    assert go(client, "apple", next="/membership/")["Location"] == "/membership/"
    user = User.objects.get(email=HIDDEN)
    assert user.get_full_name() == "Alice Archer"
    assert is_signed_in(client)
    assert set(at.asked[0]["scope"].split()) == {"name", "email"}
    assert at.asked[0]["response_mode"] == "form_post"


def test_an_address_that_apple_did_not_sign_is_none(at: Identity) -> None:
    """Anyone can change what their own browser posts."""
    user = alice()
    move(user, "alice@icloud.com")
    at.claims = {"sub": "evil"}
    at.user = json.dumps(
        {"email": "alice@icloud.com", "email_verified": True, "sub": "x", "name": {"firstName": 1}}
    )
    client = browser()
    answer = go(client, "apple")
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    assert "Apple didn’t give us a verified email address." in page(client, answer["Location"])


@pytest.mark.parametrize("user", ["[1]", "{", '"x"', '{"name": "Alice"}'])
def test_a_strange_name_is_no_fault(at: Identity, user: str) -> None:
    at.claims = {"sub": "a-2", "email": HIDDEN, "email_verified": True}
    at.user = user
    client = browser()
    go(client, "apple")
    assert is_signed_in(client)
    assert User.objects.get().get_full_name() == ""


def test_what_apple_did_not_sign_signs_nobody_in(at: Identity) -> None:
    user = alice()
    connect(user, "a-1", "apple")
    at.claims = {"sub": "a-1", "email": HIDDEN, "email_verified": True}
    at.forges = True
    client = browser()
    answer = go(client, "apple")
    assert not is_signed_in(client)
    assert "We couldn’t sign you in with Apple." in page(client, answer["Location"])


# What goes wrong


@pytest.mark.parametrize("provider", ["google", "apple"])
def test_who_cancels_reads_so_and_keeps_the_way(at: Identity, provider: str) -> None:
    at.cancels = True
    client = browser()
    answer = go(client, provider, next="/membership/")
    assert answer["Location"] == f"{LOGIN}?next=%2Fmembership%2F"
    shown = page(client, answer["Location"])
    assert f"You canceled signing in with {provider.title()}." in shown


@pytest.mark.parametrize("provider", ["google", "apple"])
@pytest.mark.parametrize("status", [0, 400, 500, 503])
def test_a_providers_failure_is_said_on_the_sign_in_page(
    at: Identity, provider: str, status: int
) -> None:
    at.breaks = status
    client = browser()
    answer = go(client, provider)
    assert f"We couldn’t sign you in with {provider.title()}." in page(client, answer["Location"])
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another.example"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": ""},
        {"sub": "x" * 300},
        {"email": "not an address"},
        {"email": ["list"]},
    ],
)
@pytest.mark.parametrize("provider", ["google", "apple"])
def test_strange_claims_sign_nobody_in(
    at: Identity, provider: str, changed: dict[str, Any]
) -> None:
    at.claims = {**claims(), **changed}
    client = browser()
    answer = go(client, provider)
    assert answer.status_code == 302
    assert not is_signed_in(client)
    assert not User.objects.exists()


def test_an_unreachable_provider_is_said(at: Identity, settings: Settings) -> None:
    client = browser()
    sent = post(client, "google_login")
    with identities.running() as gone:
        dead = gone.settings()["google"]["token_url"]
    settings.SIGN_IN_WITH["google"]["token_url"] = dead
    answer = come_back(client, sent)
    assert "We couldn’t sign you in with Google." in page(client, answer["Location"])


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x&code=y", "?error=x", "?state=%F0"])
@pytest.mark.parametrize("name", ["google_callback", "apple_finish_callback"])
def test_an_answer_that_nobody_asked_for_signs_nobody_in(
    at: Identity, name: str, query: str
) -> None:
    client = browser()
    answer = client.get(reverse(name) + query, follow=True)
    assert answer.status_code == 200
    assert "We couldn’t sign you in with" in unescape(answer.content.decode())


def test_an_answer_belongs_to_the_browser_that_asked(at: Identity) -> None:
    mine, theirs = browser(), browser()
    sent = post(mine, "google_login")
    shown = httpx.get(sent["Location"], trust_env=False)
    theirs.get(path_of(shown.headers["Location"]))
    assert not is_signed_in(theirs)
    assert not User.objects.exists()


def test_an_answer_counts_once(at: Identity) -> None:
    client = browser()
    sent = post(client, "google_login")
    shown = httpx.get(sent["Location"], trust_env=False)
    for _again in range(2):
        client.get(path_of(shown.headers["Location"]))
    assert User.objects.count() == SocialAccount.objects.count() == 1


def test_too_many_tries_wait(at: Identity) -> None:
    client = browser()
    codes = {post(client, "google_login").status_code for _ in range(61)}
    assert codes == {302, 429}
    refused = post(client, "google_login")
    assert "Too many attempts" in refused.content.decode()


def test_where_it_leads_is_never_another_site(at: Identity) -> None:
    client = browser()
    assert go(client, next="https://evil.example/")["Location"] == "/"


# What's connected


def test_a_member_connects_and_disconnects_on_the_security_page(at: Identity) -> None:
    alice()
    client = browser()
    log_in(client)
    assert "Connect Google" in page(client, SECURITY)
    at.claims = claims("someone.else@gmail.com", "g-9")
    assert come_back(client, post(client, "connect_google"))["Location"] == SECURITY
    shown = page(client, SECURITY)
    assert "Google is connected." in shown
    assert "someone.else@gmail.com" in shown
    assert "Connect Google" not in shown
    row = SocialAccount.objects.get()
    assert "Google is disconnected." in page_after(client, row.pk)
    assert "already disconnected" in page_after(client, row.pk)
    kinds = AccountActivity.objects.values_list("kind", flat=True)
    assert set(kinds) == {ActivityKind.CONNECTED, ActivityKind.DISCONNECTED}
    headlines = Message.objects.filter(recipient=ALICE).values_list("context__headline", flat=True)
    assert "A sign-in account was connected" in headlines
    assert "A sign-in account was removed" in headlines


def page_after(client: Client, pk: int) -> str:
    answer = client.post(reverse("social_disconnect", args=[pk]), follow=True)
    return unescape(answer.content.decode())


def test_an_account_of_someone_elses_is_not_taken_over(at: Identity) -> None:
    connect(bob())
    user = alice()
    client = browser()
    log_in(client)
    come_back(client, post(client, "connect_google"))
    assert "already connected to another account here" in page(client, SECURITY)
    assert not SocialAccount.objects.filter(user=user).exists()


def test_an_old_session_confirms_who_is_there_first(at: Identity) -> None:
    user = alice()
    connect(user)
    client = browser(user)
    answer = post(client, "connect_google")
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    client.post(reverse("social_disconnect", args=[SocialAccount.objects.get().pk]))
    assert SocialAccount.objects.exists()
    assert not at.asked


def test_strangers_disconnect_nothing(at: Identity) -> None:
    connect(alice())
    bob()
    client = browser()
    log_in(client, BOB)
    page_after(client, SocialAccount.objects.get().pk)
    assert SocialAccount.objects.exists()


@pytest.mark.parametrize("has_password", [True, False])
def test_the_last_way_in_stays(at: Identity, *, has_password: bool) -> None:
    """Apple stops forwarding to a hidden address once its owner leaves."""
    at.claims = {"sub": "a-1", "email": HIDDEN, "email_verified": True}
    client = browser()
    go(client, "apple")
    user = User.objects.get()
    row = SocialAccount.objects.get()
    if has_password:
        new = {"password1": PASSWORD, "password2": PASSWORD}
        client.post(reverse("account_set_password"), new)
    shown = page_after(client, row.pk)
    assert SocialAccount.objects.filter(user=user).exists() is not has_password
    assert ("Apple is your only way to sign in." in shown) is not has_password


def test_who_came_with_google_can_sign_in_by_code_without_it(at: Identity) -> None:
    client = browser()
    go(client)
    assert "Google is disconnected." in page_after(client, SocialAccount.objects.get().pk)
    post(client, "account_logout")
    post(client, "account_request_login_code", email=GMAIL)
    client.post(reverse("account_confirm_login_code"), {"code": last_code(GMAIL)})
    assert is_signed_in(client)


def test_the_policy_lets_the_buttons_lead_there(at: Identity) -> None:
    sent = urlsplit(post(browser(), "google_login")["Location"])
    assert dict(parse_qsl(sent.query))["response_type"] == "code"
    assert urlencode({"client_id": identities.CLIENT}) in sent.query
