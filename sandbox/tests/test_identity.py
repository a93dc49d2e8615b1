"""Google and Apple: choosing an account, the way back, tokens, and what isn't proven."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from conftest import HTTP, Sandbox
from sandbox.identity.keys import challenge, client_key

BACK = "http://portal.example/back/"
VERIFIER = "a-long-verifier"
AUTHORIZE = {"google": "/google/auth", "apple": "/apple/auth/authorize"}
TOKEN = {"google": "/google/token", "apple": "/apple/auth/token"}
KEYS = {"google": "/google/keys", "apple": "/apple/auth/keys"}
ISSUER = {"google": "https://accounts.google.com", "apple": "https://appleid.apple.com"}
CANCELED = {"google": "access_denied", "apple": "user_cancelled_authorize"}
BOTH = pytest.mark.parametrize("provider", ["google", "apple"])


def asked(provider: str, **changed: str) -> dict[str, str]:
    query = {
        "client_id": "portal.example",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid email",
        "state": "s1",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    if provider == "apple":
        query["response_mode"] = "form_post"
    return query | changed


def secret(provider: str, **changed: str) -> str:
    if provider == "google":
        return "shh"
    claims = {"iss": "TEAM", "sub": "portal.example", "aud": ISSUER["apple"], **changed}
    return jwt.encode(claims, client_key(), algorithm="ES256")


def choose(sandbox: Sandbox, provider: str, **form: str) -> dict[str, str]:
    """Press something on the page; return what the browser brings back."""
    address = f"{sandbox.url}{AUTHORIZE[provider]}"
    query = asked(provider)
    page = HTTP.get(address, params=query)
    assert page.status_code == 200
    answer = HTTP.post(address, data={"asked": urlencode(query), **form})
    if provider == "google":
        assert answer.status_code == 303, answer.text
        place = urlsplit(answer.headers["Location"])
        assert answer.headers["Location"].startswith(BACK)
        return {name: values[0] for name, values in parse_qs(place.query).items()}
    assert f'action="{BACK}"' in answer.text
    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text)
    return {name: value.replace("&#34;", '"') for name, value in fields}


def exchange(sandbox: Sandbox, provider: str, code: str, **changed: str) -> Any:
    form = {
        "code": code,
        "client_id": "portal.example",
        "client_secret": secret(provider),
        "redirect_uri": BACK,
        "grant_type": "authorization_code",
        "code_verifier": VERIFIER,
    }
    return HTTP.post(f"{sandbox.url}{TOKEN[provider]}", data=form | changed)


def claims_of(sandbox: Sandbox, provider: str, token: str) -> dict[str, Any]:
    """Return what the provider signed, checked with the key that it publishes."""
    published = HTTP.get(f"{sandbox.url}{KEYS[provider]}").json()
    key = jwt.PyJWKSet.from_dict(published).keys[0]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience="portal.example", issuer=ISSUER[provider]
    )
    return claims


@BOTH
def test_somebody_typed_is_signed_for(sandbox: Sandbox, provider: str) -> None:
    brought = choose(sandbox, provider, name="Nora New", email="nora@new.example")
    assert brought["state"] == "s1"
    answer = exchange(sandbox, provider, brought["code"]).json()
    claims = claims_of(sandbox, provider, answer["id_token"])
    assert (claims["email"], claims["email_verified"]) == ("nora@new.example", True)
    # The same account has the same number, and another one has another.
    again = choose(sandbox, provider, name="Nora New", email="nora@new.example")
    token = exchange(sandbox, provider, again["code"]).json()["id_token"]
    assert claims_of(sandbox, provider, token)["sub"] == claims["sub"]
    other = choose(sandbox, provider, name="Otto Other", email="otto@new.example")
    token = exchange(sandbox, provider, other["code"]).json()["id_token"]
    assert claims_of(sandbox, provider, token)["sub"] != claims["sub"]


def test_google_says_whose_mail_it_runs(sandbox: Sandbox) -> None:
    for email, domain in (
        ("walter@works.example", "works.example"),
        ("gina.guest@gmail.com", None),
    ):
        code = choose(sandbox, "google", account=email)["code"]
        claims = claims_of(sandbox, "google", exchange(sandbox, "google", code).json()["id_token"])
        assert claims.get("hd") == domain
        assert claims["given_name"]


def test_apple_tells_the_name_once_and_hides_addresses(sandbox: Sandbox) -> None:
    email = "q1w2e3@privaterelay.appleid.com"
    brought = choose(sandbox, "apple", account=email)
    assert json.loads(brought["user"])["name"] == {"firstName": "Henry", "lastName": "Hidden"}
    token = exchange(sandbox, "apple", brought["code"]).json()["id_token"]
    claims = claims_of(sandbox, "apple", token)
    assert (claims["email"], claims["is_private_email"]) == (email, True)
    assert "name" not in claims
    assert "user" not in choose(sandbox, "apple", account=email)


@BOTH
def test_who_cancels_brings_no_code(sandbox: Sandbox, provider: str) -> None:
    assert choose(sandbox, provider, cancel="yes") == {"state": "s1", "error": CANCELED[provider]}


@BOTH
@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "another"},
        {"redirect_uri": "http://evil.example/"},
        {"client_id": "evil.example"},
        {"client_secret": ""},
        {"grant_type": "password"},
    ],
)
def test_a_code_is_for_who_asked_and_for_once(
    sandbox: Sandbox, provider: str, changed: dict[str, str]
) -> None:
    code = choose(sandbox, provider, name="Nora New", email="nora@new.example")["code"]
    assert exchange(sandbox, provider, code, **changed).status_code == 400
    # A code that was tried is spent.
    assert exchange(sandbox, provider, code).json() == {"error": "invalid_grant"}


def test_apples_secret_is_signed_for_apple(sandbox: Sandbox) -> None:
    code = choose(sandbox, "apple", name="Nora New", email="nora@new.example")["code"]
    wrong = secret("apple", aud="https://evil.example")
    assert exchange(sandbox, "apple", code, client_secret=wrong).status_code == 400


@BOTH
def test_a_code_of_one_is_nothing_to_the_other(sandbox: Sandbox, provider: str) -> None:
    other = "apple" if provider == "google" else "google"
    code = choose(sandbox, provider, name="Nora New", email="nora@new.example")["code"]
    assert exchange(sandbox, other, code).json() == {"error": "invalid_grant"}


@BOTH
def test_a_page_that_nobody_asked_for_says_so(sandbox: Sandbox, provider: str) -> None:
    address = f"{sandbox.url}{AUTHORIZE[provider]}"
    assert HTTP.get(address).status_code == 404
    query = asked(provider, redirect_uri="javascript:alert(1)")
    assert HTTP.get(address, params=query).status_code == 404
    wrong = HTTP.post(address, data={"asked": urlencode(asked(provider)), "name": "", "email": "x"})
    assert wrong.status_code == 400
    assert "Enter a name and an email address." in wrong.text
