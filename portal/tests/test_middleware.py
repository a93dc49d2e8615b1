"""Middleware, between a request and its view."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "url", ["/accounts/login/?next=%00", "/%00", "/accounts/signup/?%00=1", "/payments/?before=%00"]
)
def test_nul_character_in_an_address_is_refused(client: Client, url: str) -> None:
    assert client.get(url).status_code == 400


def test_nul_character_in_a_form_is_refused(client: Client) -> None:
    assert client.post("/accounts/login/", {"login": "a\x00b", "password": "x"}).status_code == 400
    for path in ("/", "/staff/"):
        # Written as an escape in the header: Python's cookies read those.
        assert client.get(path, headers={"Cookie": r'sessionid="abc\000"'}).status_code == 400


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/"])
def test_half_a_character_in_a_form_is_refused(client: Client, path: str) -> None:
    parts = ["login", "email", "name", "password"]
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n+2AA-\r\n' for name in parts
    )
    kind = "multipart/form-data; boundary=b; charset=utf-7"
    answer = client.generic("POST", path, f"{body}--b--\r\n", kind)
    assert answer.status_code == 400


def test_private_pages_are_kept_out_of_caches(client: Client) -> None:
    client.force_login(User.objects.create_user("alice", "alice@example.com"))
    for url in ("/", "/membership/", "/payments/", "/account/"):
        answer = client.get(url)
        assert "no-store" in answer["Cache-Control"], url
        assert "HX-Request" in answer["Vary"], url


def test_public_brand_may_be_cached(client: Client) -> None:
    assert "max-age" in client.get("/brand.css")["Cache-Control"]


def test_staff_change_their_password_where_members_do(client: Client) -> None:
    answer = client.get("/staff/password_change/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
