"""Whatever a member types into an address of theirs, it has an answer and no error."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse
from django.urls.converters import IntConverter

import billing.urls
import members.urls
from billing.tests import factories

pytestmark = pytest.mark.django_db

# The largest key that PostgreSQL knows, the next number, and one beyond every type.
NUMBERS = [2**63 - 1, 2**63, 10**40]
TEXTS = ["%", "%s", "'", "a" * 2000, "²"]
PARAMETERS = [
    *(
        "before",
        "amount",
        "session_id",
        "seen",
        "next",
        "price",
        "q",
        "year",
        "kind",
        "state",
        "page",
    ),
]
VALUES = [*map(str, NUMBERS), "-1", *TEXTS, "\0", "", "1:2", "i1", f"p{10**40}", "٣٣٣٣"]


def _patterns() -> list[tuple[str, URLPattern]]:
    apps: list[Any] = [billing.urls, members.urls]
    return [(f"{app.app_name}:{one.name}", one) for app in apps for one in app.urlpatterns]


def _ids(value: Any) -> str:
    return value if isinstance(value, str) else ""


@pytest.fixture
def client(user: User) -> Client:
    """A member's browser, which shows an error as a visitor sees it: by a 500."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def user() -> User:
    customer = factories.make_customer(email="alice@example.com")
    factories.make_payment(customer, invoice=factories.make_invoice(customer))
    return customer.user


@pytest.mark.parametrize(("name", "pattern"), _patterns(), ids=_ids)
def test_a_page_answers_whatever_stands_in_its_path(
    client: Client, name: str, pattern: URLPattern
) -> None:
    for argument, converter in pattern.pattern.converters.items():
        for value in NUMBERS if isinstance(converter, IntConverter) else TEXTS:
            address = reverse(name, kwargs={argument: value})
            for answer in (client.get(address), client.post(address)):
                assert answer.status_code < 500, (address, answer.status_code)


@pytest.mark.parametrize("name", ["billing:payments", "billing:membership", "billing:pay-amount"])
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_page_answers_whatever_its_address_asks_for(
    client: Client, name: str, parameter: str
) -> None:
    for value in VALUES:
        answer = client.get(reverse(name), {parameter: value})
        assert answer.status_code < 500, (name, parameter, value)
