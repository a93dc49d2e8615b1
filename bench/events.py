"""Signed webhook requests, as Stripe would send them."""

from __future__ import annotations

import json
import time

import stripe

SECRET = "whsec_bench"
PATH = "/billing/webhook/"
CUSTOMERS = 500
NO_OTHER_END = {"marked_uncollectible_at": None, "voided_at": None}


def signed_request(number: int, run: str, path: str = PATH) -> bytes:
    """Return the bytes of a whole HTTP request that carries the event with this number."""
    body = json.dumps(event(number, run), indent=2)
    signature = stripe.WebhookSignature.generate_signature_header(
        body, SECRET, timestamp=int(time.time())
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n"
        f"Content-Type: application/json; charset=utf-8\r\nStripe-Signature: {signature}\r\n"
        f"Content-Length: {len(body.encode())}\r\n\r\n"
    )
    return (head + body).encode()


def event(number: int, run: str) -> dict[str, object]:
    """Return the event itself."""
    now = int(time.time())
    return {
        "id": f"evt_{run}_{number:08d}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": now,
        "data": {"object": _invoice(number, run, now)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "invoice.paid",
    }


def _invoice(number: int, run: str, now: int) -> dict[str, object]:
    """Return an invoice about as large as Stripe's."""
    customer = f"cus_bench{number % CUSTOMERS:06d}"
    subscription = f"sub_bench{number % CUSTOMERS:06d}"
    return {
        "id": f"in_{run}_{number:08d}",
        "object": "invoice",
        "account_country": "US",
        "account_name": "Harbor Yoga",
        **dict.fromkeys(("amount_due", "amount_paid", "subtotal", "total"), 2900),
        "amount_remaining": 0,
        "attempt_count": 1,
        "attempted": True,
        "auto_advance": False,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "created": now,
        "currency": "usd",
        "customer": customer,
        "customer_email": f"member{number % CUSTOMERS}@example.com",
        "customer_name": "Anna Keller",
        "default_payment_method": None,
        "discounts": [],
        "effective_at": now,
        "hosted_invoice_url": f"https://invoice.stripe.com/i/acct_bench/test_{number:040d}",
        "invoice_pdf": f"https://pay.stripe.com/invoice/acct_bench/test_{number:040d}/pdf",
        "lines": _lines(number, run, subscription, now),
        "livemode": False,
        "metadata": {},
        "number": f"HY-{number:08d}",
        "parent": _parent(subscription),
        "payment_settings": {"default_mandate": None, "payment_method_types": None},
        "period_end": now,
        "period_start": now - 2_592_000,
        "status": "paid",
        "status_transitions": NO_OTHER_END | {"finalized_at": now, "paid_at": now},
        "total_taxes": [],
    }


def _lines(number: int, run: str, subscription: str, now: int) -> dict[str, object]:
    return {
        "object": "list",
        "data": [_line(number, run, subscription, now)],
        "has_more": False,
        "total_count": 1,
        "url": f"/v1/invoices/in_{run}_{number:08d}/lines",
    }


def _parent(subscription: str) -> dict[str, object]:
    return {
        "quote_details": None,
        "subscription_details": {"metadata": {}, "subscription": subscription},
        "type": "subscription_details",
    }


def _line(number: int, run: str, subscription: str, now: int) -> dict[str, object]:
    return {
        "id": f"il_{run}_{number:08d}",
        "object": "line_item",
        "amount": 2900,
        "currency": "usd",
        "description": "1 × Membership (at $29.00 / month)",
        "discount_amounts": [],
        "invoice": f"in_{run}_{number:08d}",
        "livemode": False,
        "metadata": {},
        "parent": {
            "subscription_item_details": {
                "proration": False,
                "subscription": subscription,
                "subscription_item": f"si_bench{number % CUSTOMERS:06d}",
            },
            "type": "subscription_item_details",
        },
        "period": {"end": now + 2_592_000, "start": now},
        "pricing": {
            "price_details": {"price": "price_membership", "product": "prod_membership"},
            "type": "price_details",
            "unit_amount_decimal": "2900",
        },
        "quantity": 1,
        "taxes": [],
    }
