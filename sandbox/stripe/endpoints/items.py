"""Subscription items, and subscription schedules."""

from sandbox.stripe import schedules, subscriptions, switching
from sandbox.stripe.endpoint import DATED, LISTING, Call, Endpoint, entries, equal, listing
from sandbox.stripe.errors import missing
from sandbox.stripe.params import (
    BOOLEAN,
    INTEGER,
    METADATA,
    NOT_NEGATIVE,
    TEXT,
    TEXTS,
    Emptyable,
    Hash,
    ListOf,
    Required,
    Spec,
    merge_metadata,
    one_of,
)
from sandbox.world import Json

_CHANGES = ("price", "quantity", "tax_rates")
_NEW = (*_CHANGES, "metadata")
_PAID: Spec = {
    "payment_behavior": one_of(
        "allow_incomplete",
        "default_incomplete",
        "error_if_incomplete",
        "pending_if_incomplete",
    ),
    "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
    "proration_date": INTEGER,
}


def _find(call: Call) -> tuple[Json, Json]:
    """Return an item's subscription, and the item."""
    for subscription in call.world.objects.list("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == call.id:
                return subscription, item
    raise missing("subscription_item", call.id, param="item")


def _list(call: Call) -> Json:
    subscription = subscriptions.find(call.world, call.params["subscription"], param="subscription")
    return entries(call, subscription["items"]["data"], "/v1/subscription_items")


def _update(call: Call) -> Json:
    """Change an item the way a subscription's `items` are changed."""
    subscription, item = _find(call)
    change = {name: call.params[name] for name in _CHANGES if name in call.params}
    if change:
        switching.switch(
            call.world, subscription, {**_asked(call), "items": [{"id": item["id"], **change}]}
        )
        item = _find(call)[1]
    if "metadata" in call.params:
        item["metadata"] = merge_metadata(item["metadata"], call.params["metadata"])
        call.world.objects.put(subscription)
    return item


def _create(call: Call) -> Json:
    subscription = subscriptions.find(call.world, call.params["subscription"], param="subscription")
    change = {name: call.params[name] for name in _NEW if name in call.params}
    switching.switch(call.world, subscription, {**_asked(call), "items": [change]})
    item: Json = subscription["items"]["data"][-1]
    return item


def _delete(call: Call) -> Json:
    subscription, item = _find(call)
    removal = {"id": item["id"], "deleted": True}
    switching.switch(call.world, subscription, {**_asked(call), "items": [removal]})
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


def _asked(call: Call) -> Json:
    """How the change should be paid."""
    return {name: one for name, one in call.params.items() if name.startswith(("pay", "pro"))}


def _list_schedules(call: Call) -> Json:
    matches = call.world.objects.list("subscription_schedule", **equal(call.params, "customer"))
    return listing(call, matches, "/v1/subscription_schedules")


def _create_schedule(call: Call) -> Json:
    name = call.params["from_subscription"]
    subscription = subscriptions.find(call.world, name, param="from_subscription")
    return schedules.begin(call.world, subscription)


_GRANTED = ListOf(Hash({"coupon": TEXT, "discount": TEXT, "promotion_code": TEXT}))
_PHASE = Hash(
    {
        "automatic_tax": Hash({"enabled": Required(BOOLEAN)}),
        "collection_method": one_of("charge_automatically", "send_invoice"),
        "default_payment_method": TEXT,
        "default_tax_rates": Emptyable(TEXTS),
        "description": TEXT,
        "discounts": Emptyable(_GRANTED),
        "duration": Hash(
            {
                "interval": Required(one_of("day", "week", "month", "year")),
                "interval_count": NOT_NEGATIVE,
            }
        ),
        "end_date": INTEGER,
        "invoice_settings": Hash({"days_until_due": NOT_NEGATIVE}),
        "items": Required(
            ListOf(
                Hash(
                    {
                        "discounts": Emptyable(_GRANTED),
                        "metadata": METADATA,
                        "price": Required(TEXT),
                        "quantity": NOT_NEGATIVE,
                        "tax_rates": Emptyable(TEXTS),
                    }
                )
            )
        ),
        "metadata": METADATA,
        "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
        "start_date": INTEGER,
        "trial_end": INTEGER,
    }
)

ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/subscription_items",
        "subscription_item_list",
        _list,
        {**LISTING, "subscription": Required(TEXT)},
    ),
    Endpoint(
        "GET",
        "/v1/subscription_items/{id}",
        "subscription_item_retrieve",
        lambda call: _find(call)[1],
        {},
    ),
    Endpoint(
        "POST",
        "/v1/subscription_items",
        "subscription_item_create",
        _create,
        {
            **_PAID,
            "metadata": METADATA,
            "price": Required(TEXT),
            "quantity": NOT_NEGATIVE,
            "subscription": Required(TEXT),
            "tax_rates": Emptyable(TEXTS),
        },
    ),
    Endpoint(
        "DELETE",
        "/v1/subscription_items/{id}",
        "subscription_item_delete",
        _delete,
        {"proration_behavior": _PAID["proration_behavior"], "proration_date": INTEGER},
    ),
    Endpoint(
        "POST",
        "/v1/subscription_items/{id}",
        "subscription_item_update",
        _update,
        {
            **_PAID,
            "metadata": METADATA,
            "price": TEXT,
            "quantity": NOT_NEGATIVE,
            "tax_rates": Emptyable(TEXTS),
        },
    ),
    Endpoint(
        "GET",
        "/v1/subscription_schedules",
        "subscription_schedule_list",
        _list_schedules,
        {**DATED, "customer": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/subscription_schedules/{id}",
        "subscription_schedule_retrieve",
        lambda call: schedules.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/subscription_schedules",
        "subscription_schedule_create",
        _create_schedule,
        {"from_subscription": Required(TEXT)},
    ),
    Endpoint(
        "POST",
        "/v1/subscription_schedules/{id}",
        "subscription_schedule_update",
        lambda call: schedules.change(call.world, schedules.find(call.world, call.id), call.params),
        {
            "end_behavior": one_of("cancel", "release"),
            "phases": Required(ListOf(_PHASE)),
            "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
        },
    ),
    Endpoint(
        "POST",
        "/v1/subscription_schedules/{id}/release",
        "subscription_schedule_release",
        lambda call: schedules.release(call.world, schedules.find(call.world, call.id)),
        {},
    ),
]
