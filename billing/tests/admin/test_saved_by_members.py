"""What members saved and changed, on the staff site: payment methods, and account activity."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import PaymentMethod
from billing.tests import factories
from billing.tests.staff_world import auditor
from common.staff import show
from members.models import AccountActivity

pytestmark = pytest.mark.django_db
METHODS = "/staff/billing/paymentmethod/"
ACTIVITY = "/staff/members/accountactivity/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(auditor())
    return client


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def listed(client: Client, address: str) -> list[object]:
    return list(client.get(address).context["cl"].result_list)


def test_staff_see_what_a_member_has_saved_and_which_one_is_charged(staff: Client) -> None:
    customer = factories.make_customer(factories.make_member("Ada Lovelace"))
    visa = factories.make_payment_method(customer, card_brand="visa", card_last4="1881")
    old = factories.make_payment_method(
        customer, card_brand="mastercard", card_last4="4444", card_expires="2021-03"
    )
    wallet = factories.make_payment_method(
        customer, kind="link", card_brand="link", card_last4="", card_expires="", wallet="link"
    )
    type(customer).objects.filter(pk=customer.pk).update(default_method_id=visa.stripe_id)
    page = read(staff, METHODS)
    for words in ("Ada Lovelace", "Visa ending in 1881", "Default", "03/2021", "Link"):
        assert words in page
    assert listed(staff, f"{METHODS}?expired=yes") == [old]
    assert listed(staff, f"{METHODS}?expired=no") == [wallet, visa]
    assert show.page_of(customer) in read(staff, show.page_of(visa))
    assert show.page_of(visa) in read(staff, show.page_of(customer))


def test_what_pays_a_membership_is_marked_even_if_it_is_no_default(staff: Client) -> None:
    customer = factories.make_customer(factories.make_member("Ada Lovelace"))
    factories.make_subscription(
        customer, method_id=factories.make_payment_method(customer).stripe_id
    )
    page = read(staff, METHODS)
    assert "Subscription</" in "".join(page.split())


def test_payment_methods_are_found_by_person_and_by_stripes_id(staff: Client) -> None:
    hers = factories.make_payment_method(factories.make_customer(factories.make_member("Ada Low")))
    factories.make_payment_method(factories.make_customer(factories.make_member("Bob Baker")))
    assert listed(staff, f"{METHODS}?q=ada") == [hers]
    assert listed(staff, f"{METHODS}?q={hers.stripe_id}") == [hers]


def test_staff_see_who_changed_what_about_an_account(staff: Client) -> None:
    ada, bob = factories.make_member("Ada Lovelace"), factories.make_member("Bob Baker")
    hers = AccountActivity.objects.create(
        user=ada, kind="passkey_added", by="member", detail="Ada’s phone", ip="192.0.2.7"
    )
    his = AccountActivity.objects.create(user=bob, kind="ending", by="staff")
    page = read(staff, ACTIVITY)
    for words in ("Passkey added", "Ada’s phone", "The member", "Membership set to end", "Staff"):
        assert words in page
    assert listed(staff, f"{ACTIVITY}?q=lovelace") == [hers]
    assert listed(staff, f"{ACTIVITY}?q=192.0.2.7") == [hers]
    assert listed(staff, f"{ACTIVITY}?by__exact=staff") == [his]
    assert show.page_of(ada) in read(staff, show.page_of(hers))


def test_a_members_form_has_their_cards_and_their_activity_and_nobody_elses(
    staff: Client,
) -> None:
    ada, bob = factories.make_member("Ada Lovelace"), factories.make_member("Bob Baker")
    hers = [
        factories.make_payment_method(factories.make_customer(ada)),
        AccountActivity.objects.create(user=ada, kind="password"),
    ]
    his = [
        factories.make_payment_method(factories.make_customer(bob)),
        AccountActivity.objects.create(user=bob, kind="password"),
    ]
    page = read(staff, reverse("admin:auth_user_edit", args=[ada.pk]))
    assert all(show.page_of(row) in page for row in hers)
    assert not any(show.page_of(row) in page for row in his)


@pytest.mark.parametrize("model", [PaymentMethod, AccountActivity])
def test_nobody_edits_them_and_only_those_who_may_see_them_do(
    client: Client, model: type[PaymentMethod | AccountActivity]
) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert client.get(reverse(f"{name}_changelist")).status_code == 403
    client.force_login(factories.make_member("Sam Super", is_staff=True, is_superuser=True))
    assert client.get(reverse(f"{name}_changelist")).status_code == 200
    assert client.get(reverse(f"{name}_add")).status_code == 403
