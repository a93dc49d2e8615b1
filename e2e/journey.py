"""Steps shared by the browser tests, in a person's words."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect

from e2e.stack import Stack, eventually

PASSWORD = "a-long-walk-by-the-sea"
GOOD_CARD = "4242 4242 4242 4242"


def code_in(text: str) -> str:
    """Return the one-time code in a message: ABCD-EFGH or 123456."""
    match = re.search(r"\b(?:[A-Z0-9]{3,4}-[A-Z0-9]{3,4}|\d{6})\b", text)
    assert match, f"There is no code in: {text}"
    return match.group()


def newest_mail(stack: Stack, address: str, subject: str = "", than: int = 0) -> dict[str, Any]:
    """Wait for more than `than` mails to an address; return the newest."""

    def look() -> dict[str, Any] | None:
        mails = stack.mail_to(address, subject)
        return mails[0] if len(mails) > than else None

    return eventually(look, f"a mail to {address} about «{subject}»")


def sign_up(page: Page, stack: Stack, name: str, email: str, phone: str = "") -> None:
    """Sign up with a password, and verify the address and, if given, the phone."""
    page.goto(f"{stack.url}/accounts/signup/")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").first.fill(email)
    page.get_by_label("Password").first.fill(PASSWORD)
    if phone:
        page.get_by_label("Phone").fill(phone)
        page.get_by_label("Text me about my payments").check()
    page.get_by_role("button", name="Create account").click()
    enter_code(page, code_in(newest_mail(stack, email)["text"]))
    if phone:
        text = eventually(lambda: stack.texts_to(phone), f"a text to {phone}")[0]
        enter_code(page, code_in(text["body"]))


def enter_code(page: Page, code: str) -> None:
    """Enter a one-time code and continue."""
    page.get_by_label("Code").first.fill(code)
    page.get_by_role("button", name="Continue").click()


def sign_in(page: Page, stack: Stack, email: str, password: str = PASSWORD) -> None:
    """Sign in with a password."""
    page.goto(f"{stack.url}/accounts/login/")
    fill_sign_in(page, email, password)
    expect(page).to_have_url(f"{stack.url}/")


def fill_sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in and send the sign-in form."""
    page.get_by_label("Email").first.fill(email)
    page.get_by_label("Password").first.fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def subscribe(page: Page, stack: Stack, card: str = GOOD_CARD) -> None:
    """Become a member: from the membership page through Checkout and back."""
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("button", name=re.compile("Subscribe|Become a member again")).click()
    pay(page, card)
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()


def pay(page: Page, card: str = GOOD_CARD) -> None:
    """Fill in the hosted Checkout page and pay."""
    page.get_by_label("Card number").fill(card)
    page.get_by_label("Expiration").fill("12 / 34")
    page.get_by_label("CVC").fill("123")
    page.get_by_label("Cardholder name").fill("A Member")
    page.locator("button.primary.big").click()


def become_a_member(page: Page, stack: Stack, name: str, email: str, card: str = GOOD_CARD) -> None:
    """Sign up, subscribe, and see it active."""
    sign_up(page, stack, name, email)
    subscribe(page, stack, card)
    stack.settle()


def customer_of(stack: Stack, email: str) -> str:
    """Return the Stripe ID of someone's newest customer."""
    [(stripe_id,)] = stack.sql(
        "SELECT billing_customer.stripe_id FROM billing_customer"
        " JOIN auth_user ON auth_user.id = user_id WHERE auth_user.email = %s"
        " ORDER BY billing_customer.id DESC LIMIT 1",
        email,
    )
    return str(stripe_id)


def keep_card(stack: Stack, customer: str) -> None:
    """Save a card for a customer, as Stripe's dashboard does."""
    stack.control(f"customers/{customer}/card", card=GOOD_CARD.replace(" ", ""))


def sell_locker(stack: Stack, customer: str) -> str:
    """Rent a locker to a customer in Stripe's dashboard; return the subscription's ID."""
    keep_card(stack, customer)
    price = stack.stripe(
        "POST",
        "prices",
        **{
            "currency": "usd",
            "unit_amount": "900",
            "recurring[interval]": "month",
            "product_data[name]": "Locker rental",
        },
    )
    sold = stack.stripe(
        "POST", "subscriptions", **{"customer": customer, "items[0][price]": price["id"]}
    )
    stack.settle()
    return str(sold["id"])


SAVE_POLICY = """
from django.contrib.auth.models import User
from billing.refunds import terms as refund_terms
from billing.refunds.policy import PaymentKind, Rule, Share
rule = Rule((Share(30, 100),), {more})
author = User.objects.get(email="{author}")
refund_terms.save_policy(dict.fromkeys(PaymentKind, rule), "For a test.", author)
"""


def save_policy(stack: Stack, author: str, **more: int) -> None:
    """Put a 30-day policy in force, with `more` fields of a `Rule`, whatever other tests left."""
    words = ", ".join(f"{name}={value}" for name, value in more.items())
    stack.manage("shell", "-c", SAVE_POLICY.format(more=words, author=author))


def staff_desk(browser: Browser, stack: Stack, name: str, email: str) -> Page:
    """Return an owner's browser, signed in to the staff site."""
    stack.manage(
        "shell",
        "-c",
        "from members.accounts import open_account;"
        f"open_account({email!r}, {name!r}, {PASSWORD!r}, is_staff=True, is_superuser=True)",
    )
    page = browser.new_context().new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{stack.url}/staff/")
    fill_sign_in(page, email)
    expect(page).to_have_url(f"{stack.url}/staff/")
    return page
