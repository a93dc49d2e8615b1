"""Whatever somebody types into an address of the staff site, it has an answer and no error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from billing.models import Invoice
from billing.tests import factories, staff_world
from billing.tests.staff_world import superuser
from common.staff import show
from common.staff.filters import DayFilter
from emails.models import Message
from testing import thorough

pytestmark = pytest.mark.django_db

HUGE = "9" * 40
YES = {"_form_submitted": "on"}
VALUES = ["abc", "", HUGE, "2026-13-45", "9999-12-31"]
# Of those that Django would let through, each ends in another error for one value or another.
LOOKUPS = ["range", "regex", "year", "contained_by", "unaccent", "no_such"]
ORDERS = ["abc", "999", "1.2.-1", "--1"]
PAGES = ["abc", "0", HUGE]
TERMS = ["abc", "'", '"a', "%", "\\", "²", HUGE, "a" * 5000, "\0"]
OTHERS = [
    ("_to_field", "password"),
    ("_popup", "1"),
    ("_facets", "1"),
    ("_changelist_filters", "o=abc&p=abc"),
    ("all", "abc"),
    ("e", "2"),
    ("", "abc"),
    ("__", "abc"),
    ("pk__regex", "["),
    ("no_such__no_such", "abc"),
]
LISTS = pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda one: one.__name__)


@pytest.fixture
def client() -> Client:
    """A superuser's browser, which shows an error as a visitor sees it: by a 500."""
    client = Client(raise_request_exception=False)
    client.force_login(superuser())
    return client


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def filters_of(model: type[Model]) -> Iterator[str]:
    """The parameters of every filter of a list and of its links, as the page writes them."""
    model_admin: Any = admin.site._registry[model]
    yield from getattr(model_admin, "link_lookups", ())
    for one in model_admin.list_filter:
        column, kind = one if isinstance(one, tuple) else (one, None)
        if kind is DayFilter:
            yield from [f"{column}_from", f"{column}_to"]
        elif isinstance(column, str):
            yield from [f"{column}__exact", f"{column}__in"]
        else:
            yield str(column.parameter_name)


def columns_of(model: type[Model]) -> set[str]:
    model_admin: Any = admin.site._registry[model]
    return {one[0] for one in model_admin.list_filter if isinstance(one, tuple)}


def queries(model: type[Model]) -> Iterator[tuple[str, str]]:
    yield from product(filters_of(model), VALUES)
    yield from [(f"{column}__{lookup}", "[") for column in columns_of(model) for lookup in LOOKUPS]
    yield from [*product("o", ORDERS), *product("p", PAGES), *product("q", TERMS), *OTHERS]


@thorough.MARK
@LISTS
def test_a_list_answers_whatever_its_address_asks_for(model: type[Model], client: Client) -> None:
    staff_world.make_world()
    place = list(admin.site._registry).index(model)
    for name, value in thorough.one_in(6, list(queries(model)), start=place):
        status = client.get(list_of(model), {name: value}).status_code
        assert status in {200, 302, 400}, f"{name}={value[:50]!r} is answered {status}"


@thorough.MARK
def test_a_page_that_is_not_there_leads_home(client: Client) -> None:
    pages = list(product(admin.site._registry, ["abc", HUGE, "1_2F3"]))
    for model, key in thorough.one_in(4, pages):
        answer = client.get(f"{list_of(model)}{key}/change/", follow=True)
        assert answer.status_code == 200, f"{model.__name__} {key}"


@pytest.mark.parametrize("key", ["abc", "\u00b2", "\u0663", HUGE])
def test_a_button_of_a_row_that_is_not_there_is_no_error(key: str) -> None:
    client = staff_world.signed_in_now(superuser())
    client.raise_request_exception = False
    for path in [
        *(f"billing/refund/{key}/{name}/" for name in ("deny", "ask_second")),
        f"billing/subscription/{key}/end-now/",
        f"billing/paymentrequest/{key}/cancel/",
    ]:
        answer = client.post(f"{reverse('admin:index')}{path}", {**YES, "words": "No"})
        assert answer.status_code in {403, 404}, path


@pytest.mark.slow
def test_a_value_that_is_no_choice_shows_the_whole_list(client: Client) -> None:
    staff_world.make_world()
    for model, column in [(Message, "state"), (Invoice, "status")]:
        answer = client.get(list_of(model), {f"{column}__exact": "abc"}, follow=True)
        assert answer.status_code == 200
        assert answer.context["cl"].result_count == 1


@pytest.mark.slow
def test_the_tabs_of_a_member_answer_whatever_the_address_asks_for(client: Client) -> None:
    world = staff_world.make_world()
    for _ in range(12):
        factories.make_invoice(world.customer)
    for name, values in {"invoice-p": PAGES, "invoice-q": TERMS, "o": ORDERS}.items():
        for value in values:
            status = client.get(show.page_of(world.alice), {name: value}).status_code
            assert status in {200, 302, 400}, f"{name}={value[:50]!r} is answered {status}"


def test_the_command_palette_answers_whatever_is_typed(client: Client) -> None:
    staff_world.make_world()
    for term in TERMS:
        assert client.get(reverse("admin:search"), {"s": term}).status_code in {200, 400}


@pytest.mark.parametrize("value", ["abc", "²", HUGE, "-1"])
def test_a_form_is_shown_whatever_row_it_is_asked_for(client: Client, value: str) -> None:
    for path, name in (("paymentrequest", "user"), ("paymentrequest", "item"), ("item", "members")):
        address = f"/staff/billing/{path}/add/"
        assert client.get(address, {name: value}).status_code == 200
        assert client.post(address, {name: value}).status_code == 200


@pytest.mark.parametrize("page", ["x", "-1", "0", "²", HUGE])
def test_the_search_has_pages_that_are_numbers(client: Client, page: str) -> None:
    assert client.get("/staff/search/", {"s": "ab", "page": page}).status_code == 200
