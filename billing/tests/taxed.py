"""Members whose invoices have tax, made at the sandbox as in Stripe's dashboard."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User

from billing.membership import checkout
from billing.tests.life import deliver, sign_up
from conftest import Sandbox

MONTHLY = "price_membership_monthly"
Rows = list[tuple[str, int]]


def make_rate(sandbox: Sandbox, percentage: float, **params: Any) -> str:
    """Make a tax rate: German VAT, inside the price, unless something else is said."""
    wanted: Any = {
        "display_name": "VAT",
        "inclusive": True,
        "percentage": percentage,
        "country": "DE",
        "jurisdiction": "DE",
        **params,
    }
    return sandbox.stripe.v1.tax_rates.create(wanted).id


def make_payer(sandbox: Sandbox, user: User, card: str = "pm_card_visa") -> str:
    """Give a user a Stripe customer with a card; return its id."""
    customer = checkout.customer_of(user)
    stripe = sandbox.stripe.v1
    method = stripe.payment_methods.attach(card, {"customer": customer.stripe_id})
    stripe.customers.update(
        customer.stripe_id, {"invoice_settings": {"default_payment_method": method.id}}
    )
    return customer.stripe_id


def subscribe(sandbox: Sandbox, *rates: str, name: str = "Alice Archer", **params: Any) -> User:
    """Return a member whose membership staff made in Stripe's dashboard, with these tax rates."""
    user = sign_up(name)
    wanted: Any = {
        "customer": make_payer(sandbox, user),
        "items": [{"price": MONTHLY}],
        "default_tax_rates": [*rates],
        "metadata": {"portal_user": str(user.pk)},
        **params,
    }
    sandbox.stripe.v1.subscriptions.create(wanted)
    deliver(sandbox.events())
    return user


def bill(sandbox: Sandbox, customer: str, items: list[Any], **params: Any) -> str:
    """Return an invoice made by hand, finalized and not paid yet."""
    stripe = sandbox.stripe.v1
    wanted: Any = {"customer": customer, "currency": "usd", **params}
    draft = stripe.invoices.create(wanted)
    for item in items:
        one: Any = {"customer": customer, "currency": "usd", "invoice": draft.id, **item}
        stripe.invoice_items.create(one)
    return stripe.invoices.finalize_invoice(draft.id).id


def minor(text: str) -> int:
    """Read an amount as a page shows it: "−$1,204.50" is -120450."""
    digits = re.sub(r"[^0-9]", "", text)
    return -int(digits) if text.strip().startswith("−") else int(digits)


def rows_of_page(html: str) -> Rows:
    """Return the lines of an invoice's page: what each is called, and how much."""
    block = html[html.index('id="lines"') :]
    block = block[: block.index("</section>")]
    pairs = re.findall(r"<dt[^>]*>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", block, re.DOTALL)
    return [(_text(name), minor(_text(amount))) for name, amount in pairs]


def rows_of_mail(text: str) -> Rows:
    """Return the lines of a receipt: from the first with an amount to the link."""
    pairs = [line.rsplit(": ", 1) for line in text.splitlines() if _has_amount(line)]
    return [(name, minor(amount)) for name, amount in pairs]


def adds_up(rows: Rows, end: str) -> bool:
    """Whether what stands before a row comes to it; a subtotal and "Includes …" do not count."""
    names = [name for name, _ in rows]
    stop = names.index(end)
    counted = [
        amount
        for name, amount in rows[:stop]
        if name not in ("Subtotal", "Total") and not name.startswith("Includes")
    ]
    return sum(counted) == rows[stop][1]


def _has_amount(line: str) -> bool:
    return bool(re.search(r": −?\$[\d,]+\.\d\d$", line))


def _text(html: str) -> str:
    return re.sub(r"<small.*?</small>|<[^>]+>", "", html, flags=re.DOTALL).strip()
