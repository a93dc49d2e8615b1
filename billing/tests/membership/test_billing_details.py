"""Billing details: changed here, kept at Stripe, and on what's written from then on."""

from __future__ import annotations

import re
from typing import Any, get_args, get_type_hints

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from stripe.params import CustomerTaxIdCreateParams

from billing.facts import statements, tax_id_types
from billing.models import Customer, Invoice
from billing.reconcile import comparison, push
from billing.tests.life import deliver, paid_member, sign_up
from common import countries
from conftest import Sandbox

pytestmark = pytest.mark.django_db
SWEDEN = {
    "individual_name": "Alice Archer",
    "business_name": "Åkessons Blåbär & Co. AB",
    "country": "SE",
    "line1": "Västerlånggatan 1",
    "line2": "",
    "city": "Stockholm",
    "state": "",
    "postal_code": "111 29",
}
VAT = {"kind": "eu_vat", "value": "se 123456789 001"}


@pytest.fixture
def alice(sandbox: Sandbox, client: Client) -> User:
    """A member who's signed in."""
    user = paid_member(sandbox)
    client.force_login(user)
    return user


def at_stripe(sandbox: Sandbox) -> Any:
    customer = Customer.objects.latest("pk").stripe_id
    return sandbox.stripe.v1.customers.retrieve(customer, {"expand": ["tax_ids"]}).to_dict()


def page(client: Client) -> str:
    return client.get(reverse("billing:details")).content.decode()


def save(client: Client, **changes: str) -> tuple[int, str]:
    """Send the form, and return the last answer."""
    answer = client.post(reverse("billing:details"), SWEDEN | changes, follow=True)
    return answer.status_code, answer.content.decode()


def add_tax_id(client: Client, **changes: str) -> tuple[int, str]:
    """Add a tax ID with the page's own form."""
    found = re.search(r'name="key" value="([^"]+)"', page(client))
    assert found
    form = VAT | {"key": found[1]} | changes
    answer = client.post(reverse("billing:add-tax-id"), form, follow=True)
    return answer.status_code, answer.content.decode()


@pytest.mark.parametrize(
    ("kind", "value", "label", "note"),
    [
        ("eu_vat", "DE000000000", "Verified", ""),
        ("eu_vat", "DE123456789", "Being verified", "which can take a few days"),
        ("eu_vat", "DE111111111", "Couldn’t be verified", "remove it and add the right one"),
        # Nobody looks this kind up.
        ("us_ein", "12-3456789", "", ""),
    ],
)
def test_what_the_registry_says_about_a_tax_id_is_shown(
    client: Client, alice: User, kind: str, value: str, label: str, note: str
) -> None:
    add_tax_id(client, kind=kind, value=value)
    row = page(client).split("ledger-row")[1].split("</li>")[0]
    assert value in row
    assert f"{label}</span>" in row or not label
    assert note in row
    assert ("verified" in row.lower()) == bool(label)


def test_what_the_registry_says_later_is_shown(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    add_tax_id(client, value="DE123456789")
    customer = Customer.objects.get()
    customer.tax_ids = [{"type": "eu_vat", "value": "DE123456789"}]
    customer.save()
    # A row from before this was read says nothing, and the comparison reads it.
    assert "verified" not in page(client).lower()
    assert [one.field for one in comparison.compare().differences] == ["tax_ids"]
    deliver(sandbox.events())
    assert "Being verified" in page(client)


@pytest.mark.slow
def test_details_are_on_the_next_invoice_and_on_statements_from_then_on(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    status, text = save(client)
    assert status == 200
    assert "They’re on your next invoice" in text
    assert "tax ID is saved" in add_tax_id(client)[1]
    customer = at_stripe(sandbox)
    assert (customer["name"], customer["individual_name"]) == (
        SWEDEN["business_name"],
        "Alice Archer",
    )
    assert customer["address"]["postal_code"] == "111 29"
    first = Invoice.objects.get()
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    second = Invoice.objects.latest("created_at")
    invoice = sandbox.stripe.v1.invoices.retrieve(second.stripe_id).to_dict()
    assert invoice["customer_name"] == SWEDEN["business_name"]
    assert invoice["customer_address"]["city"] == "Stockholm"
    assert (first.customer_name, second.customer_name) == ("", SWEDEN["business_name"])
    yearly = statements.statement_of(alice, timezone.now().year)
    assert yearly
    assert yearly.billed_to == [
        ("Business", SWEDEN["business_name"]),
        ("EU VAT", "SE123456789001"),
        ("Address", "Västerlånggatan 1, 111 29 Stockholm, Sweden"),
    ]
    pdf = client.get(reverse("billing:statement-pdf", args=[timezone.now().year]))
    assert pdf["Content-Type"] == "application/pdf"
    assert not comparison.compare().differences


def test_what_is_made_in_the_dashboard_shows_here(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    customer = Customer.objects.get().stripe_id
    sandbox.stripe.v1.customers.tax_ids.create(
        customer, {"type": "ch_vat", "value": "CHE-123.456.789 MWST"}
    )
    changes: Any = {"name": "Nina North", "address": {"country": "MC", "line1": "1 Quai"}}
    sandbox.stripe.v1.customers.update(customer, changes)
    deliver(sandbox.events())
    text = page(client)
    assert "CHE-123.456.789 MWST" in text
    assert "Switzerland: VAT number" in text
    assert 'value="1 Quai"' in text
    assert '<option value="MC" selected>' in text


def test_a_number_that_stripe_refuses_is_said_at_its_field(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    status, text = add_tax_id(client, value="DE12")
    assert status == 400
    field = text.split('id="id_value_error"')[1].split("</div>")[0]
    assert "That isn’t a valid number of this kind." in field
    assert 'value="DE12"' in text
    assert at_stripe(sandbox)["tax_ids"]["data"] == []
    assert add_tax_id(client, value="")[0] == 400
    assert add_tax_id(client, kind="xx_vat")[0] == 400


def test_the_same_form_sent_twice_adds_one_and_removing_it_is_done_once(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    add_tax_id(client)
    add_tax_id(client)
    add_tax_id(client, kind="us_ein", value="12-3456789")
    assert [one["value"] for one in at_stripe(sandbox)["tax_ids"]["data"]] == [
        "12-3456789",
        "SE123456789001",
    ]
    form = {"kind": "eu_vat", "value": "SE123456789001"}
    for _ in range(2):
        answer = client.post(reverse("billing:remove-tax-id"), form, follow=True)
        assert "The tax ID is removed." in answer.content.decode()
    assert [one["value"] for one in at_stripe(sandbox)["tax_ids"]["data"]] == ["12-3456789"]
    assert Customer.objects.get().tax_ids == [{"type": "us_ein", "value": "12-3456789"}]
    # Added again after it was removed, it's there again.
    assert "tax ID is saved" in add_tax_id(client)[1]
    assert len(at_stripe(sandbox)["tax_ids"]["data"]) == 2


def test_five_tax_ids_are_enough(sandbox: Sandbox, client: Client, alice: User) -> None:
    for number in range(5):
        assert add_tax_id(client, kind="us_ein", value=f"12-345678{number}")[0] == 200
    assert "Remove one to add another." in page(client)
    answer = client.post(
        reverse("billing:add-tax-id"),
        VAT | {"key": "1f0d7c9e-0000-4000-8000-000000000000"},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"individual_name": ""}, "Enter the name for your invoices."),
        ({"country": ""}, "Choose a country, or clear the address."),
        ({"line1": ""}, "Enter the street and number, or a PO box."),
        ({"country": "US", "postal_code": "1000"}, "Enter a ZIP code, for example 10004."),
        ({"country": "XX"}, "Select a valid choice"),
        ({"line1": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_can_not_be_is_said_at_its_field(
    client: Client, alice: User, changes: dict[str, str], words: str
) -> None:
    status, text = save(client, **changes)
    assert status == 400
    assert words in text


@pytest.mark.parametrize(
    "changes",
    [
        {"country": "HK", "postal_code": "", "city": "", "line1": "九龍彌敦道1號"},
        {"country": "SG", "city": "", "state": ""},
        {"individual_name": "Олена Шевченко", "business_name": ""},
        {"business_name": "Ü" * 150, "line1": "x" * 200, "line2": "y" * 200},
        {"country": "", "line1": "", "city": "", "postal_code": "", "business_name": ""},
    ],
)
def test_names_and_addresses_of_the_world_come_back_as_they_were_typed(
    sandbox: Sandbox, client: Client, alice: User, changes: dict[str, str]
) -> None:
    status, text = save(client, **changes)
    assert status == 200, text
    sent = SWEDEN | changes
    row = Customer.objects.get()
    assert row.name == sent["business_name"] or sent["individual_name"]
    parts = {name: sent[name] for name in countries.PARTS if sent[name]}
    assert row.address == parts
    for value in filter(None, sent.values()):
        assert value.replace("&", "&amp;") in page(client)
    deliver(sandbox.events())
    assert Customer.objects.get().address == parts
    assert not comparison.compare().differences


def test_a_member_without_a_customer_gets_one(sandbox: Sandbox, client: Client) -> None:
    client.force_login(sign_up("Bob Baker"))
    assert 'value="Bob Baker"' in page(client)
    assert save(client, business_name="", individual_name="Robert Baker")[0] == 200
    assert at_stripe(sandbox)["name"] == "Robert Baker"
    User.objects.update(last_name="Brewer")
    push.tell(Customer.objects.get().pk)
    # A new name of the account isn't the one on invoices, which was given by itself.
    assert at_stripe(sandbox)["name"] == "Robert Baker"


def test_all_customers_of_a_member_have_the_same_details(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    made = sandbox.stripe.v1.customers.create({"metadata": {"user_id": str(alice.pk)}})
    deliver(sandbox.events())
    Customer.objects.get_or_create(
        stripe_id=made.id,
        defaults={"user": alice, "created_at": timezone.now(), "read_at": timezone.now()},
    )
    save(client)
    add_tax_id(client)
    for customer in Customer.objects.all():
        assert customer.business_name == SWEDEN["business_name"]
        [tax_id] = customer.tax_ids
        assert (tax_id["type"], tax_id["value"]) == ("eu_vat", "SE123456789001")


def test_a_customer_deleted_in_the_dashboard_is_replaced(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.stripe.v1.customers.delete(Customer.objects.get().stripe_id)
    assert save(client)[0] == 200
    assert at_stripe(sandbox)["name"] == SWEDEN["business_name"]


def test_an_address_that_stripe_tax_can_not_find_is_said_at_the_postal_code(
    sandbox: Sandbox, client: Client, alice: User, settings: Settings
) -> None:
    settings.STRIPE_TAX = True
    customer = Customer.objects.get().stripe_id
    place: Any = {"address": {"country": "US", "postal_code": "10001", "line1": "1 Main St"}}
    sandbox.stripe.v1.customers.update(customer, place)
    sandbox.stripe.v1.tax.settings.update({"defaults": {"tax_behavior": "inclusive"}})
    [subscription] = sandbox.stripe.v1.subscriptions.list({"customer": customer}).data
    sandbox.stripe.v1.subscriptions.update(subscription.id, {"automatic_tax": {"enabled": True}})
    status, text = save(client, country="US", postal_code="00000", state="NY")
    assert status == 400
    field = text.split('id="id_postal_code_error"')[1].split("</div>")[0]
    assert "We can’t find this address" in field
    assert at_stripe(sandbox)["address"]["postal_code"] == "10001"


def test_stripe_away_changes_nothing_and_keeps_what_was_typed(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.control("switches", api_fail=1)
    status, text = save(client)
    assert status == 400
    assert "Nothing changed." in text
    assert "Please try again in a moment." in text
    assert 'value="Västerlånggatan 1"' in text


def test_htmx_gets_the_part_that_changed(client: Client, alice: User) -> None:
    htmx = {"HX-Request": "true"}
    url = reverse("billing:details")
    text = client.post(url, SWEDEN | {"line1": ""}, headers=htmx).content.decode()
    assert "Enter the street and number, or a PO box." in text
    assert "<html" not in text
    assert "Kind of tax ID" not in text
    text = client.post(url, SWEDEN, headers=htmx).content.decode()
    assert "Your billing details are saved." in text
    form = VAT | {"key": "1f0d7c9e-0000-4000-8000-000000000000"}
    text = client.post(reverse("billing:add-tax-id"), form, headers=htmx).content.decode()
    assert "Your tax ID is saved." in text
    assert "SE123456789001" in text
    assert "<html" not in text


def test_strangers_see_and_change_their_own(sandbox: Sandbox, client: Client, alice: User) -> None:
    save(client)
    add_tax_id(client)
    mallory = Client()
    mallory.force_login(sign_up("Mallory Moss"))
    assert "Västerlånggatan" not in page(mallory)
    form = {"kind": "eu_vat", "value": "SE123456789001"}
    mallory.post(reverse("billing:remove-tax-id"), form)
    assert len(at_stripe(sandbox)["tax_ids"]["data"]) == 1


def test_the_page_takes_few_statements(
    client: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(7):
        page(client)


def test_every_kind_that_stripe_takes_has_a_name() -> None:
    literal, _text = get_args(get_type_hints(CustomerTaxIdCreateParams)["type"])
    assert set(get_args(literal)) == set(tax_id_types.TYPES)
    names = dict(tax_id_types.choices())
    assert names["eu_vat"] == "European Union: VAT number"
    assert names["us_ein"] == "United States: employer ID (EIN)"
    assert next(iter(names)) == "us_ein"
    assert all(name and not name.startswith(":") for name in names.values())
    assert len(set(names.values())) == len(names)


def test_the_business_s_own_country_comes_first(settings: Settings) -> None:
    assert countries.choices()[0][0] == "US"
    settings.PHONE_DEFAULT_REGION = "DE"
    assert countries.choices()[0] == ("DE", "Germany")
    codes = [code for code, _name in countries.choices()]
    assert len(codes) == len(set(codes)) > 240
