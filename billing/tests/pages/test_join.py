"""The offer: what anyone sees of it, and how a choice survives signing up."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import Plan, RefundPolicy
from billing.pages.join import refund_answer
from billing.refunds.policy import PaymentKind, Policy, Rule, Share
from billing.tests import factories
from billing.tests.life import know_the_plan, sign_up, subscribe
from conftest import Sandbox

pytestmark = pytest.mark.django_db
MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"
MOST_QUERIES = 7


@pytest.fixture(autouse=True)
def both_prices(sandbox: Sandbox, settings: Settings) -> None:
    """Sell the membership by the month and by the year."""
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    know_the_plan(sandbox)


def words(client: Client, address: str = "/join/") -> str:
    """Return a page's text."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.headers
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def chosen(client: Client, address: str) -> str:
    """Return the price that a page has preselected."""
    page = client.get(address).content.decode()
    found = re.findall(r'name="price" value="([^"]+)" checked', page)
    assert len(found) == 1
    return str(found[0])


def test_a_visitor_sees_the_price_without_signing_in(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(MOST_QUERIES):
        page = words(client)
    for said in ("Join", "$29.00 a month", "$290.00 a year", "That’s $24.17 a month", "Join now"):
        assert said in page
    assert "Already a member?" in page


def test_the_choice_goes_along_through_signing_up(client: Client) -> None:
    answer = client.get("/join/choose/", {"price": YEARLY})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/signup/?")
    form = client.get(answer["Location"]).content.decode()
    assert f'name="next" value="/join/?price={YEARLY}"' in form
    client.force_login(sign_up())
    page = words(client, f"/join/?price={YEARLY}")
    for said in ("One step left", "$290.00", "Continue to payment", "Choose another price"):
        assert said in page
    assert "$29.00" not in page
    answer = client.post("/membership/subscribe/", {"price": YEARLY})
    assert "/checkout/cs_test_" in answer["Location"]


def test_whoever_comes_by_another_way_sees_the_whole_offer(client: Client) -> None:
    client.force_login(sign_up())
    page = words(client)
    assert "What happens next" in page
    assert "One step left" not in page


def test_the_only_price_needs_no_choice(client: Client, settings: Settings) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = ""
    Plan.objects.filter(stripe_id=MONTHLY).update(trial_days=14)
    answer = client.get("/join/choose/")
    assert answer["Location"].endswith("/?next=%2Fjoin%2F%3Fprice%3D")
    client.force_login(sign_up())
    page = words(client, "/join/?price=")
    assert "Start your 14 free days" in page
    assert "One step left" in page
    assert "Choose another price" not in page


def test_a_price_taken_off_sale_meanwhile_is_not_what_they_chose(client: Client) -> None:
    Plan.objects.filter(stripe_id=YEARLY).update(active=False)
    client.force_login(sign_up())
    page = words(client, f"/join/?price={YEARLY}")
    assert "One step left" not in page
    assert "What happens next" in page


def test_somebody_signed_in_does_not_sign_up_again(client: Client) -> None:
    client.force_login(sign_up())
    answer = client.get("/join/choose/", {"price": YEARLY})
    assert answer["Location"] == f"/join/?price={YEARLY}"


@pytest.mark.parametrize("odd", ["", "price_of_another", "<script>", "x" * 3000])
def test_a_price_that_is_not_on_sale_chooses_the_first(client: Client, odd: str) -> None:
    assert chosen(client, f"/join/?{'price=' + odd if odd else ''}") == MONTHLY
    answer = client.get("/join/choose/", {"price": odd})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/signup/?")


def test_a_member_is_sent_to_their_membership(sandbox: Sandbox, client: Client) -> None:
    user = sign_up()
    subscribe(sandbox, user)
    factories.make_subscription(factories.make_customer(user))
    client.force_login(user)
    assert client.get("/join/")["Location"] == "/membership/"
    assert client.get("/join/", {"price": YEARLY})["Location"] == "/membership/"


def test_somebody_who_left_is_welcome_back(client: Client) -> None:
    customer = factories.make_customer()
    factories.make_subscription(customer, status="canceled")
    client.force_login(customer.user)
    assert "$290.00 a year" in words(client)


def test_a_trial_is_offered_and_explained(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = ""
    Plan.objects.filter(stripe_id=MONTHLY).update(trial_days=14)
    page = words(client)
    assert "Start your 14 free days" in page
    assert "After your free trial of 14 days" in page
    assert "Nothing is charged during your trial" in page


def test_nothing_on_sale_is_said(client: Client, settings: Settings) -> None:
    settings.STRIPE_PRICE_ID = settings.STRIPE_YEARLY_PRICE_ID = ""
    page = words(client)
    assert "Memberships aren’t on sale right now" in page
    assert settings.SUPPORT_EMAIL in page
    assert "Join now" not in page


@pytest.mark.parametrize(
    ("shares", "answer"),
    [
        ([], "Membership payments aren’t refundable. You can cancel before the next one."),
        (
            [(14, 100)],
            (
                "Yes. You can get a full refund for 14 days after a payment. "
                "Request it on your payments page."
            ),
        ),
        (
            [(1, 100), (30, 50)],
            (
                "Yes. You can get a full refund for 1 day after a payment. After that, you can get "
                "50% back within 30 days of the payment. Request it on your payments page."
            ),
        ),
        (
            [(7, 50)],
            (
                "Yes. You can get 50% back for 7 days after a payment. "
                "Request it on your payments page."
            ),
        ),
    ],
)
def test_the_answer_about_refunds_is_the_policys(
    shares: list[tuple[int, int]], answer: str
) -> None:
    assert refund_answer(Rule(tuple(Share(*one) for one in shares))) == answer


def test_a_new_policy_changes_the_answer(client: Client) -> None:
    made = Policy(1, "usd", {PaymentKind.MEMBERSHIP: Rule((Share(3, 100),))})
    RefundPolicy.objects.create(version=1, currency="usd", rules=made.as_json())
    assert "You can get a full refund for 3 days after a payment." in words(client)
