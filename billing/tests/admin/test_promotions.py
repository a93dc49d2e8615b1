"""Staff make coupons and promo codes: they see what it gives first, and it's made once."""

from __future__ import annotations

import html
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.tests import staff_world
from billing.tests.admin.test_books_pages import words
from billing.tests.admin.test_refunds import signed_in_long_ago
from conftest import Sandbox

pytestmark = pytest.mark.django_db
CODES = "admin:billing_retentionoffer_codes"
MAKE = "admin:billing_retentionoffer_make_code"


@pytest.fixture
def desk() -> Client:
    return staff_world.signed_in_now(staff_world.support())


def typed(**changed: Any) -> dict[str, Any]:
    """Return a form as somebody fills it in."""
    return {
        "name": "Autumn",
        "percent": "20",
        "amount": "",
        "duration": "repeating",
        "months": "3",
        "code": "autumn-20",
        "most": "",
        "until": "",
        "key": str(uuid.uuid4()),
        **changed,
    }


def look(client: Client, data: dict[str, Any]) -> Any:
    return client.post(reverse(MAKE), {**data, "step": "look"})


def make(client: Client, data: dict[str, Any]) -> str:
    """See it first, then make it; return what the next page says."""
    shown = look(client, data)
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', shown.content.decode())
    assert seen, words(shown)
    again = {**data, "seen": seen[1], "step": "make"}
    return words(client.post(reverse(MAKE), again, follow=True))


def codes(sandbox: Sandbox) -> list[Any]:
    return [one.to_dict() for one in sandbox.stripe.v1.promotion_codes.list().data]


def coupons(sandbox: Sandbox) -> list[Any]:
    return [one.to_dict() for one in sandbox.stripe.v1.coupons.list().data]


def test_staff_see_what_a_code_gives_before_it_is_made_and_then_it_is_there_once(
    sandbox: Sandbox, desk: Client
) -> None:
    assert "There are no promo codes yet." in words(desk.get(reverse(CODES)))
    last = timezone.localdate() + timedelta(days=30)
    data = typed(most="100", until=str(last), first_only="on")
    shown = words(look(desk, data))
    assert "It takes 20% off for 3 months, and is called “Autumn” on invoices." in shown
    assert "People type AUTUMN-20 at checkout." in shown
    assert "It works only for people who haven’t paid before." in shown
    assert "It can be used at most 100 times, until the end of" in shown
    assert (codes(sandbox), coupons(sandbox)) == ([], [])
    said = make(desk, data)
    assert "Made the promo code AUTUMN-20. It takes 20% off for 3 months." in said
    [code], [coupon] = codes(sandbox), coupons(sandbox)
    assert (code["code"], code["max_redemptions"]) == ("AUTUMN-20", 100)
    assert code["restrictions"]["first_time_transaction"] is True
    ends = timezone.make_aware(timezone.datetime(last.year, last.month, last.day))  # type: ignore[attr-defined]
    assert code["expires_at"] == int(ends.timestamp()) + 24 * 3600
    assert (coupon["name"], coupon["percent_off"], coupon["duration_in_months"]) == (
        "Autumn", 20.0, 3,
    )  # fmt: skip
    listed = words(desk.get(reverse(CODES)))
    assert "AUTUMN-20 Autumn 20% off for 3 months First payment 0 of 100" in listed
    assert f"{coupon['id']} Autumn 20% off for 3 months AUTUMN-20 Can be given" in listed
    [entry] = LogEntry.objects.all()
    assert entry.change_message.startswith("Made the promo code AUTUMN-20. It takes 20% off")
    assert coupon["id"] in entry.change_message


def test_the_same_form_sent_twice_makes_one(sandbox: Sandbox, desk: Client) -> None:
    data = typed(percent="", amount="5", duration="once", months="")
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', look(desk, data).content.decode())
    assert seen
    assert "It takes $5.00 off one payment" in words(look(desk, data))
    for _ in range(2):
        answer = desk.post(reverse(MAKE), {**data, "seen": seen[1], "step": "make"})
        assert answer.status_code == 302
    [_], [coupon] = codes(sandbox), coupons(sandbox)
    assert (coupon["amount_off"], coupon["currency"], coupon["duration"]) == (500, "usd", "once")
    assert LogEntry.objects.count() == 1


def test_what_was_changed_after_the_look_is_shown_again(sandbox: Sandbox, desk: Client) -> None:
    data = typed()
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', look(desk, data).content.decode())
    assert seen
    changed = {**data, "percent": "90", "seen": seen[1], "step": "make"}
    assert "It takes 90% off for 3 months" in words(desk.post(reverse(MAKE), changed))
    assert codes(sandbox) == coupons(sandbox) == []


def test_a_coupon_without_a_code_can_be_offered_to_who_is_leaving(
    sandbox: Sandbox, desk: Client
) -> None:
    said = make(desk, typed(code="", duration="forever", months="", most="5"))
    [coupon] = coupons(sandbox)
    assert f"Made the coupon {coupon['id']}. It takes 20% off every payment." in said
    assert (codes(sandbox), coupon["max_redemptions"]) == ([], 5)
    offer = {"headline": "Stay?", "text": "", "every_months": 12, "coupon_id": coupon["id"]}
    saved = desk.post(reverse("admin:billing_retentionoffer_add"), offer, follow=True)
    assert "20% off every payment" in words(saved)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"percent": "", "amount": ""}, "Enter a percentage, or an amount."),
        ({"amount": "5"}, "Enter a percentage, or an amount."),
        ({"percent": "0"}, "The discount must be more than nothing."),
        ({"percent": "101"}, "less than or equal to 100"),
        ({"percent": "", "amount": "4,5"}, "4,5"),
        ({"months": ""}, "Enter the months if it’s for some months"),
        ({"duration": "once"}, "Enter the months if it’s for some months"),
        ({"code": "ten off"}, "A code has only letters, digits, and dashes."),
        ({"code": "ÄPFEL"}, "A code has only letters, digits, and dashes."),
        ({"code": "", "first_only": "on"}, "Only a promo code can be for a first payment."),
        ({"until": "2020-01-01"}, "Choose today or a later day."),
        ({"name": "x" * 41}, "at most 40 characters"),
    ],
)
def test_what_stripe_would_refuse_is_said_in_the_form(
    sandbox: Sandbox, desk: Client, changed: dict[str, str], said: str
) -> None:
    shown = look(desk, typed(**changed))
    assert said in html.unescape(shown.content.decode())
    assert "Make it" not in words(shown)


def test_a_code_in_use_is_refused_until_it_is_stopped(sandbox: Sandbox, desk: Client) -> None:
    make(desk, typed())
    shown = look(desk, typed(code="Autumn-20"))
    assert "This code is in use." in words(shown)
    [code] = codes(sandbox)
    stop = reverse("admin:billing_retentionoffer_change_code", args=[code["id"], "stop"])
    assert stop in desk.get(reverse(CODES)).content.decode()
    assert "Nobody can use the code anymore." in words(desk.get(stop))
    assert codes(sandbox)[0]["active"]
    assert "Stopped the promo code AUTUMN-20." in words(desk.post(stop, follow=True))
    assert not codes(sandbox)[0]["active"]
    assert "Start again" in words(desk.get(reverse(CODES)))
    assert LogEntry.objects.filter(change_message="Stopped the promo code AUTUMN-20.").exists()
    make(desk, typed(percent="10"))
    assert [one["active"] for one in codes(sandbox)].count(True) == 1


def test_a_code_that_somebody_made_since_the_look_is_said_to_be_in_use(
    sandbox: Sandbox, desk: Client
) -> None:
    looked = []
    for data in (typed(), typed(name="Winter")):
        seen = re.search(r'name="seen" value="([0-9a-f]{64})"', look(desk, data).content.decode())
        assert seen
        looked.append({**data, "seen": seen[1], "step": "make"})
    first, second = (desk.post(reverse(MAKE), data) for data in looked)
    assert first.status_code == 302
    assert "This code is in use. Stop it first, or choose another." in words(second)
    assert "Stripe refused it" not in words(second)
    assert len(codes(sandbox)) == 1


def test_a_stripe_that_does_not_answer_is_said(sandbox: Sandbox, desk: Client) -> None:
    sandbox.control("switches", api_fail=1)
    assert "Stripe didn’t answer." in words(desk.get(reverse(CODES)))
    assert "Stripe didn’t answer." in words(look(desk, typed()))
    stop = reverse("admin:billing_retentionoffer_change_code", args=["promo_none", "stop"])
    assert "Stripe didn’t answer." in words(desk.get(stop, follow=True))
    sandbox.control("switches", api_fail=0)
    assert desk.get(stop).status_code == 404
    wrong = reverse("admin:billing_retentionoffer_change_code", args=["promo_none", "sell"])
    assert desk.get(wrong).status_code == 404


def test_who_may_not_make_codes_sees_them(sandbox: Sandbox, desk: Client) -> None:
    make(desk, typed())
    [code] = codes(sandbox)
    client = staff_world.signed_in_now(staff_world.auditor())
    listed = client.get(reverse(CODES))
    assert "AUTUMN-20" in words(listed)
    assert "Make a coupon" not in words(listed)
    stop = reverse("admin:billing_retentionoffer_change_code", args=[code["id"], "stop"])
    assert stop not in listed.content.decode()
    assert client.get(reverse(MAKE)).status_code == client.post(stop).status_code == 403
    client.force_login(staff_world.no_role())
    assert client.get(reverse(CODES)).status_code == 403
    stale = signed_in_long_ago(staff_world.support())
    for url in (reverse(MAKE), stop):
        answer = stale.post(url, typed())
        assert (answer.status_code, "/reauthenticate/" in answer.headers["Location"]) == (302, True)
    assert codes(sandbox)[0]["active"]
