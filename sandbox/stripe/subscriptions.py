"""Subscriptions: the object and its states. `renewals` makes their invoices."""

from __future__ import annotations

from sandbox.stripe import (
    discounts,
    periods,
    schedules,
    subscription_items,
    subscription_taxes,
)
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.params import merge_metadata, missing_parameter
from sandbox.stripe.periods import DAY
from sandbox.stripe.shown import whole
from sandbox.world import Json, World

MOST_ITEMS = 20
_CANCELLATION_DETAILS = ("comment", "feedback", "feedback_option", "reason")
ENDED = ("canceled", "incomplete_expired")
UPCOMING_BEFORE = 7 * DAY
"""When invoice.upcoming is sent."""
_UPDATED = "customer.subscription.updated"


def create(
    world: World,
    customer: Json,
    lines: list[tuple[Json, int]],
    *,
    metadata: Json,
    trial_end: int | None,
    default_payment_method: str | None,
    description: str | None = None,
    days_until_due: int | None = None,
) -> Json:
    """A new subscription of (price, quantity) lines: trialing, or incomplete until it's paid.

    With `days_until_due`, its invoices are sent, and due within that many days.
    """
    now = world.now()
    anchor = trial_end or now
    subscription_id = world.new_id("sub_1")
    recurring = lines[0][0]["recurring"]
    period = (now, trial_end or periods.end(anchor, now, recurring))
    items = [
        subscription_items.new(world, subscription_id, price, quantity, period)
        for price, quantity in lines
    ]
    subscription = _blank(world, subscription_id, customer, items) | {
        "billing_cycle_anchor": anchor,
        "collection_method": "charge_automatically" if days_until_due is None else "send_invoice",
        "days_until_due": days_until_due,
        "default_payment_method": default_payment_method,
        "description": description,
        "metadata": metadata,
        "status": "trialing" if trial_end else "incomplete",
        "trial_end": trial_end,
        "trial_start": now if trial_end else None,
    }
    return world.objects.put(subscription)


def _blank(world: World, subscription_id: str, customer: Json, items: list[Json]) -> Json:
    now = world.now()
    return whole(
        {
            "id": subscription_id,
            "object": "subscription",
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": now,
            "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
            "billing_schedules": [],
            "cancel_at_period_end": False,
            "cancellation_details": dict.fromkeys(_CANCELLATION_DETAILS),
            "collection_method": "charge_automatically",
            "created": now,
            "currency": items[0]["price"]["currency"],
            "customer": customer["id"],
            "default_tax_rates": [],
            "discounts": [],
            **_settings(),
            "items": {
                "object": "list",
                "data": items,
                "has_more": False,
                "total_count": len(items),
                "url": f"/v1/subscription_items?subscription={subscription_id}",
            },
            "livemode": False,
            "managed_payments": {"enabled": False},
            "metadata": {},
            "start_date": now,
            "status": "incomplete",
        }
    )


def _settings() -> Json:
    """How a new subscription makes invoices, is paid, and ends its trial."""
    return {
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "trial_settings": {
            "end_behavior": {
                "billing_cycle_anchor": None,
                "missing_payment_method": "create_invoice",
            }
        },
    }


def period(subscription: Json) -> tuple[int, int]:
    """Start and end of the items' current period, paid or not."""
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def set_status(world: World, subscription: Json, status: str) -> None:
    if subscription["status"] != status:
        with changing(world, subscription, _UPDATED):
            subscription["status"] = status


def expire(world: World, subscription: Json) -> None:
    """End a subscription whose first invoice was never paid."""
    with changing(world, subscription, _UPDATED):
        subscription |= {"status": "incomplete_expired", "ended_at": world.now()}


def end(world: World, subscription: Json, *, reason: str | None = None) -> Json:
    """Cancel now. `reason` is Stripe's term for why, if the subscription has none yet."""
    now = world.now()
    details = subscription["cancellation_details"]
    details["reason"] = details["reason"] or reason
    subscription |= {
        "status": "canceled",
        "canceled_at": subscription["canceled_at"] or now,
        "ended_at": now,
    }
    world.objects.put(subscription)
    for invoice in _uncollected(world, subscription):
        with changing(world, invoice, "invoice.updated"):
            invoice |= {
                "auto_advance": False,
                "next_payment_attempt": None,
                "automatically_finalizes_at": None,
            }
    emit(world, "customer.subscription.deleted", subscription)
    schedules.end(world, subscription)
    return subscription


def living(world: World, customer_id: str) -> list[Json]:
    """A customer's subscriptions that haven't ended, newest first."""
    owned = world.objects.list("subscription", customer=customer_id)
    return [one for one in owned if one["status"] not in ENDED]


def end_all(world: World, customer: Json) -> None:
    """End everything a customer still has, as when the customer is deleted."""
    for subscription in living(world, customer["id"]):
        end(world, subscription, reason="cancellation_requested")


def _uncollected(world: World, subscription: Json) -> list[Json]:
    invoices = world.objects.list("invoice", customer=subscription["customer"])
    return [
        invoice
        for invoice in invoices
        if invoice["status"] in ("draft", "open") and of_invoice(invoice) == subscription["id"]
    ]


def of_invoice(invoice: Json) -> str | None:
    """The ID of the subscription that an invoice is for."""
    details = (invoice["parent"] or {}).get("subscription_details")
    subscription_id: str | None = details["subscription"] if details else None
    return subscription_id


def cancel_at_period_end(world: World, subscription_id: str, wanted: bool) -> Json:
    """Schedule the end for the end of the period, or undo that."""
    with world.lock:
        subscription = find(world, subscription_id)
        update(world, subscription, {"cancel_at_period_end": wanted})
        world.save()
        return subscription


def update(world: World, subscription: Json, params: Json) -> Json:
    if subscription["status"] in ENDED:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        if set(params) - {"cancellation_details", "metadata"}:
            raise invalid(message)
    schedules.check_end(subscription, params)
    with changing(world, subscription, _UPDATED):
        _apply(world, subscription, params)
    return subscription


def _apply(world: World, subscription: Json, params: Json) -> None:
    for name in ("default_payment_method", "description"):
        if name in params:
            subscription[name] = params[name]
    if params.get("automatic_tax"):
        subscription_taxes.set_automatic(world, subscription, **params["automatic_tax"])
    if "default_tax_rates" in params:
        subscription_taxes.set_default_rates(world, subscription, params["default_tax_rates"])
    if "metadata" in params:
        subscription["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
    subscription["cancellation_details"] |= params.get("cancellation_details") or {}
    if "pause_collection" in params:
        _pause(world, subscription, params["pause_collection"])
    if {"collection_method", "days_until_due"} & set(params):
        _collect_by(subscription, params)
    if "discounts" in params:
        discounts.replace(world, subscription, params["discounts"])
    if "trial_end" in params:
        _move_trial_end(world, subscription, params["trial_end"])
    _move_end(world, subscription, params)


def _move_end(world: World, subscription: Json, params: Json) -> None:
    if "cancel_at_period_end" in params:
        at = period(subscription)[1] if params["cancel_at_period_end"] else None
        _schedule_end(world, subscription, at)
        subscription["cancel_at_period_end"] = params["cancel_at_period_end"]
    elif "cancel_at" in params:
        _schedule_end(world, subscription, params["cancel_at"])
        subscription["cancel_at_period_end"] = False


def _pause(world: World, subscription: Json, wanted: Json | None) -> None:
    """Pause the collection of new invoices, or resume it."""
    resumes_at = (wanted or {}).get("resumes_at")
    if resumes_at is not None and resumes_at <= world.now():
        message = "`pause_collection[resumes_at]` must be in the future."
        raise invalid(message, param="pause_collection[resumes_at]")
    if subscription["pause_collection"] and not wanted:
        end = period(subscription)[1]
        if world.now() > end - UPCOMING_BEFORE:
            # The time for invoice.upcoming was during the pause, when it isn't sent.
            private(subscription)["announced"] = end
    subscription["pause_collection"] = wanted and {"resumes_at": None, **wanted}


def _collect_by(subscription: Json, params: Json) -> None:
    """Charge a card, or send invoices that are due after a number of days."""
    method = params.get("collection_method") or subscription["collection_method"]
    days = params.get("days_until_due", subscription["days_until_due"])
    if method == "send_invoice" and days is None:
        raise missing_parameter("days_until_due")
    if method == "charge_automatically" and params.get("days_until_due") is not None:
        raise invalid(
            "`days_until_due` is only possible if collection_method is `send_invoice`.",
            param="days_until_due",
        )
    is_sent = method == "send_invoice"
    subscription |= {"collection_method": method, "days_until_due": days if is_sent else None}


def _move_trial_end(world: World, subscription: Json, trial_end: int | str) -> None:
    now = world.now()
    at = now if trial_end == "now" else int(trial_end)
    subscription |= {"trial_end": at, "billing_cycle_anchor": at}
    begins = at > now and subscription["status"] == "active"
    if begins:
        # Free time within a running subscription is a trial, too.
        subscription |= {"status": "trialing", "trial_start": now}
    for item in subscription["items"]["data"]:
        item["current_period_end"] = at
        if begins:
            item["current_period_start"] = now


def _schedule_end(world: World, subscription: Json, at: int | None) -> None:
    subscription["cancel_at"] = at
    subscription["canceled_at"] = world.now() if at else None
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if at else None


def find(world: World, subscription_id: str, *, param: str | None = None) -> Json:
    subscription = world.objects.get(subscription_id)
    if subscription is None or subscription["object"] != "subscription":
        raise missing(
            "subscription", subscription_id, param=param or "id", status=400 if param else 404
        )
    return subscription
