"""Subscriptions, invoices, and invoice payments."""

from sandbox.stripe import (
    customers,
    discounts,
    due_dates,
    invoices,
    manual_invoices,
    payment_intents,
    payment_methods,
    prices,
    renewals,
    schedules,
    subscription_rules,
    subscription_taxes,
    subscriptions,
    switching,
)
from sandbox.stripe.endpoint import (
    DATED,
    LISTING,
    Call,
    Endpoint,
    entries,
    equal,
    is_within,
    listing,
)
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.params import (
    BOOLEAN,
    CREATED,
    INTEGER,
    METADATA,
    NOT_NEGATIVE,
    TEXT,
    TEXTS,
    Emptyable,
    Hash,
    Leaf,
    ListOf,
    Required,
    Spec,
    integer,
    missing_parameter,
    new_metadata,
    one_of,
    text,
)
from sandbox.stripe.periods import DAY
from sandbox.world import Json

_CANCELLATION = Hash(
    {
        "comment": TEXT,
        "feedback": Emptyable(
            one_of(
                "customer_service",
                "low_quality",
                "missing_features",
                "other",
                "switched_service",
                "too_complex",
                "too_expensive",
                "unused",
            )
        ),
    }
)
_TRIAL_END = Leaf(lambda given: given if given == "now" else INTEGER.parse(given), "timestamp")
DISCOUNTS = ListOf(Hash({"coupon": TEXT, "discount": TEXT, "promotion_code": TEXT}))
LONGEST_TRIAL = 730
"""Days."""
_PRORATION = one_of("always_invoice", "create_prorations", "none")
_COLLECTION = one_of("charge_automatically", "send_invoice")
_CHANGED_ITEMS = ListOf(
    Hash(
        {
            "deleted": BOOLEAN,
            "discounts": Emptyable(DISCOUNTS),
            "id": TEXT,
            "metadata": METADATA,
            "price": TEXT,
            "quantity": NOT_NEGATIVE,
            "tax_rates": Emptyable(TEXTS),
        }
    ),
    most=subscriptions.MOST_ITEMS,
)
PREVIEWED: Spec = {
    "items": _CHANGED_ITEMS,
    "proration_behavior": _PRORATION,
    "proration_date": INTEGER,
}
_AUTOMATIC_TAX = Hash({"enabled": Required(BOOLEAN)})
_SUBSCRIPTION: Spec = {
    "automatic_tax": _AUTOMATIC_TAX,
    "cancel_at": Emptyable(INTEGER),
    "cancel_at_period_end": BOOLEAN,
    "collection_method": _COLLECTION,
    "days_until_due": NOT_NEGATIVE,
    "default_payment_method": TEXT,
    "default_tax_rates": Emptyable(TEXTS),
    "description": text(500),
    "discounts": Emptyable(DISCOUNTS),
    "metadata": METADATA,
    "off_session": BOOLEAN,
    "proration_behavior": _PRORATION,
    "trial_end": _TRIAL_END,
}


def _create_subscription(call: Call) -> Json:
    world, params = call.world, call.params
    customer = customers.find(world, params["customer"], param="customer")
    lines = _lines(call)
    chosen = params.get("default_payment_method")
    days = params.get("trial_period_days")
    trial_end = params.get("trial_end") or (world.now() + days * DAY if days else None)
    _check_new(call, customer, lines, is_free=trial_end not in (None, "now"))
    subscription = subscriptions.create(
        world,
        customer,
        lines,
        metadata=new_metadata(params),
        trial_end=None if trial_end == "now" else trial_end,
        default_payment_method=chosen,
        description=params.get("description"),
        days_until_due=params.get("days_until_due"),
    )
    _set_taxes(call, subscription)
    if params.get("discounts"):
        discounts.replace(world, subscription, params["discounts"])
    collect = params.get("payment_behavior") != "default_incomplete"
    renewals.start(world, subscription, customer, collect=collect)
    wanted = equal(params, "cancel_at", "cancel_at_period_end")
    return subscriptions.update(world, subscription, wanted) if wanted else subscription


def _check_new(call: Call, customer: Json, lines: list[tuple[Json, int]], *, is_free: bool) -> None:
    """Refuse a subscription that can't begin, before anything is made."""
    world, params = call.world, call.params
    subscription_rules.check_lines([price for price, _quantity in lines])
    subscription_rules.check_times(world, params)
    currency = lines[0][0]["currency"]
    customers.check_currency(world, customer, currency)
    if params.get("default_payment_method"):
        customers.owned_method(world, customer, params["default_payment_method"])
    due_dates.check(params.get("collection_method") or "charge_automatically", params)
    amount = sum(price["unit_amount"] * quantity for price, quantity in lines)
    discounts.choices(
        world,
        params.get("discounts") or [],
        customer=customer["id"],
        amount=amount,
        currency=currency,
    )
    if amount and not is_free:
        subscription_rules.check_payable(world, customer, params)


def _set_taxes(call: Call, subscription: Json) -> None:
    subscription_taxes.set_default_rates(
        call.world, subscription, call.params.get("default_tax_rates")
    )
    for index, wanted in enumerate(call.params["items"]):
        item = subscription["items"]["data"][index]
        param = f"items[{index}][tax_rates]"
        subscription_taxes.set_item_rates(call.world, item, wanted.get("tax_rates"), param=param)
    if call.params.get("automatic_tax"):
        subscription_taxes.set_automatic(call.world, subscription, **call.params["automatic_tax"])


def _lines(call: Call) -> list[tuple[Json, int]]:
    lines = []
    for index, item in enumerate(call.params["items"]):
        price = prices.find(call.world, item["price"], param=f"items[{index}][price]")
        quantity = item.get("quantity")
        lines.append((price, 1 if quantity is None else quantity))
    return lines


def _update_subscription(call: Call) -> Json:
    subscription = subscriptions.find(call.world, call.id)
    chosen = call.params.get("default_payment_method")
    if chosen:
        customer = customers.find(call.world, subscription["customer"])
        customers.owned_method(call.world, customer, chosen)
    subscription_rules.check_times(call.world, call.params)
    was_active = subscription["status"] == "active"
    subscriptions.update(call.world, subscription, call.params)
    if was_active and subscription["status"] == "trialing":
        renewals.bill_free_time(call.world, subscription)
    changes = call.params.get("items") or []
    for change in changes:
        if "discounts" in change:
            discounts.replace_in_item(call.world, subscription, change["id"], change["discounts"])
    others = [one for one in changes if set(one) - {"id", "discounts"}]
    if others:
        switching.switch(call.world, subscription, {**call.params, "items": others})
    return subscription


def _cancel_subscription(call: Call) -> Json:
    subscription = subscriptions.find(call.world, call.id)
    if subscription["status"] in subscriptions.ENDED:
        raise missing("subscription", call.id)
    subscription["cancellation_details"] |= call.params.get("cancellation_details") or {}
    return subscriptions.end(call.world, subscription, reason="cancellation_requested")


def _list_subscriptions(call: Call) -> Json:
    matches = call.world.objects.list("subscription", **equal(call.params, "customer"))
    status = call.params.get("status")
    matches = [entry for entry in matches if _has_status(entry, status)]
    price = call.params.get("price")
    if price:
        matches = [entry for entry in matches if price in _prices(entry)]
    return listing(call, matches, "/v1/subscriptions")


def _has_status(subscription: Json, wanted: str | None) -> bool:
    status: str = subscription["status"]
    if wanted is None:
        return status != "canceled"
    if wanted == "ended":
        return status in subscriptions.ENDED
    return wanted in ("all", status)


def _prices(subscription: Json) -> list[str]:
    return [item["price"]["id"] for item in subscription["items"]["data"]]


def _list_invoices(call: Call) -> Json:
    params = call.params
    filters = equal(params, "collection_method", "customer", "status")
    matches = call.world.objects.list("invoice", **filters)
    wanted = params.get("subscription")
    matches = [
        entry for entry in matches if not wanted or subscriptions.of_invoice(entry) == wanted
    ]
    due = params.get("due_date")
    matches = [entry for entry in matches if due is None or is_within(entry["due_date"] or 0, due)]
    return listing(call, matches, "/v1/invoices")


def _pay_invoice(call: Call) -> Json:
    world = call.world
    invoice = invoices.find(world, call.id)
    if invoice["status"] == "draft":
        manual_invoices.finalize(world, invoice)
        if invoice["status"] == "paid":
            return invoice
    invoices.check_payable(invoice)
    if call.params.get("paid_out_of_band"):
        invoices.pay_out_of_band(world, invoice)
        return invoice
    chosen = call.params.get("payment_method")
    method = (
        payment_methods.find(world, chosen, param="payment_method")
        if chosen
        else invoices.saved_method(world, invoice)
    )
    if method is None:
        raise invoices.without_method()
    # Stripe documentation, "Pay an invoice": off-session unless the request says otherwise.
    absent = call.params.get("off_session", True)
    outcome = invoices.attempt(world, invoice, method, automatic=False, off_session=absent)
    if outcome.status not in ("complete", "processing"):
        raise _refusal(call, invoice)
    return invoice


def _finalize(call: Call) -> Json:
    invoice = invoices.find(call.world, call.id)
    wanted = call.params.get("auto_advance")
    return manual_invoices.finalize(call.world, invoice, auto_advance=wanted)


def _refusal(call: Call, invoice: Json) -> Exception:
    intent = invoices.intent_of(call.world, invoice)
    if intent["status"] == "requires_action":
        return payment_intents.authentication_required(intent)
    return payment_intents.refusal(intent)


def preview(call: Call) -> Json:
    subscription = _previewed(call)
    if subscription["status"] in subscriptions.ENDED or subscription["cancel_at_period_end"]:
        raise invalid("No upcoming invoices for customer.", code="invoice_upcoming_none")
    wanted = call.params.get("subscription_details") or {}
    invoice = (
        switching.preview(call.world, subscription, wanted)
        if wanted.get("items")
        else renewals.preview(call.world, subscription)
    )
    shown = {"id": call.world.new_id("upcoming_in_1"), **invoice}
    call.world.previews[shown["id"]] = shown
    return shown


def _previewed(call: Call) -> Json:
    """The subscription whose invoice is asked for: as it is, or as its schedule makes it."""
    if "schedule" in call.params:
        schedule = schedules.find(call.world, call.params["schedule"])
        found = schedules.coming(call.world, schedule)
        if found is None:
            raise invalid("No upcoming invoices for customer.", code="invoice_upcoming_none")
        return found
    if "subscription" not in call.params:
        raise missing_parameter("subscription")
    return subscriptions.find(call.world, call.params["subscription"], param="subscription")


def _invoice_lines(call: Call) -> Json:
    preview = call.world.previews.get(call.id)
    lines: Json = (preview or invoices.find(call.world, call.id))["lines"]
    return entries(call, lines["data"], f"/v1/invoices/{call.id}/lines")


def _update_invoice(call: Call) -> Json:
    return invoices.update(call.world, invoices.find(call.world, call.id), call.params)


def _list_payments(call: Call) -> Json:
    matches = call.world.objects.list("invoice_payment", **equal(call.params, "invoice", "status"))
    wanted = call.params.get("payment") or {}
    kind = wanted.get("type")
    if kind:
        matches = [entry for entry in matches if entry["payment"].get(kind) == wanted.get(kind)]
    return listing(call, matches, "/v1/invoice_payments")


def _find_payment(call: Call) -> Json:
    payment = call.world.objects.get(call.id)
    if payment is None or payment["object"] != "invoice_payment":
        raise missing("invoice_payment", call.id)
    return payment


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/subscriptions",
        "subscription_create",
        _create_subscription,
        {
            **_SUBSCRIPTION,
            "cancel_at": INTEGER,
            "customer": Required(TEXT),
            "items": Required(
                ListOf(
                    Hash(
                        {
                            "price": Required(TEXT),
                            "quantity": NOT_NEGATIVE,
                            "tax_rates": Emptyable(TEXTS),
                        }
                    ),
                    most=subscriptions.MOST_ITEMS,
                )
            ),
            "payment_behavior": one_of(
                "allow_incomplete", "default_incomplete", "error_if_incomplete"
            ),
            "trial_period_days": integer(0, LONGEST_TRIAL),
        },
    ),
    Endpoint(
        "GET",
        "/v1/subscriptions",
        "subscription_list",
        _list_subscriptions,
        {
            **DATED,
            "customer": TEXT,
            "price": TEXT,
            "status": one_of(
                "active",
                "all",
                "canceled",
                "ended",
                "incomplete",
                "incomplete_expired",
                "past_due",
                "paused",
                "trialing",
                "unpaid",
            ),
        },
    ),
    Endpoint(
        "GET",
        "/v1/subscriptions/{id}",
        "subscription_retrieve",
        lambda call: subscriptions.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/subscriptions/{id}",
        "subscription_update",
        _update_subscription,
        {
            **_SUBSCRIPTION,
            "cancellation_details": _CANCELLATION,
            "items": _CHANGED_ITEMS,
            "pause_collection": Emptyable(
                Hash(
                    {
                        "behavior": Required(one_of("keep_as_draft", "mark_uncollectible", "void")),
                        "resumes_at": INTEGER,
                    }
                )
            ),
            "payment_behavior": one_of("allow_incomplete", "error_if_incomplete"),
            "proration_date": INTEGER,
        },
    ),
    Endpoint(
        "DELETE",
        "/v1/subscriptions/{id}",
        "subscription_cancel",
        _cancel_subscription,
        {"cancellation_details": _CANCELLATION, "invoice_now": BOOLEAN, "prorate": BOOLEAN},
    ),
    Endpoint(
        "GET",
        "/v1/invoices",
        "invoice_list",
        _list_invoices,
        {
            **DATED,
            "collection_method": _COLLECTION,
            "customer": TEXT,
            "due_date": CREATED,
            "status": one_of("draft", "open", "paid", "uncollectible", "void"),
            "subscription": TEXT,
        },
    ),
    Endpoint(
        "GET",
        "/v1/invoices/{id}",
        "invoice_retrieve",
        lambda call: invoices.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/invoices/create_preview",
        "invoice_create_preview",
        preview,
        {
            "customer": TEXT,
            "schedule": TEXT,
            "subscription": TEXT,
            "subscription_details": Hash(PREVIEWED),
        },
    ),
    Endpoint(
        "POST",
        "/v1/invoices/{id}",
        "invoice_update",
        _update_invoice,
        {
            "auto_advance": BOOLEAN,
            "automatic_tax": _AUTOMATIC_TAX,
            "collection_method": _COLLECTION,
            "days_until_due": NOT_NEGATIVE,
            "default_payment_method": TEXT,
            "default_tax_rates": Emptyable(TEXTS),
            "description": text(1500),
            "due_date": INTEGER,
            "footer": TEXT,
            "metadata": METADATA,
        },
    ),
    Endpoint("GET", "/v1/invoices/{id}/lines", "invoice_line_item_list", _invoice_lines, LISTING),
    Endpoint(
        "POST",
        "/v1/invoices/{id}/finalize",
        "invoice_finalize_invoice",
        _finalize,
        {"auto_advance": BOOLEAN},
    ),
    Endpoint(
        "POST",
        "/v1/invoices/{id}/pay",
        "invoice_pay",
        _pay_invoice,
        {"off_session": BOOLEAN, "paid_out_of_band": BOOLEAN, "payment_method": TEXT},
    ),
    Endpoint(
        "POST",
        "/v1/invoices/{id}/void",
        "invoice_void_invoice",
        lambda call: invoices.void(call.world, invoices.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/invoices/{id}/mark_uncollectible",
        "invoice_mark_uncollectible",
        lambda call: invoices.mark_uncollectible(call.world, invoices.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "GET",
        "/v1/invoice_payments",
        "invoice_payment_list",
        _list_payments,
        {
            **DATED,
            "invoice": TEXT,
            "payment": Hash(
                {
                    "payment_intent": TEXT,
                    "payment_record": TEXT,
                    "type": Required(one_of("payment_intent", "payment_record")),
                }
            ),
            "status": one_of("canceled", "open", "paid"),
        },
    ),
    Endpoint("GET", "/v1/invoice_payments/{id}", "invoice_payment_retrieve", _find_payment, {}),
]
