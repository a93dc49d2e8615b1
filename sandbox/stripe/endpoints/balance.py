"""The account, its balance, the transactions that add up to it, and payouts of it."""

from sandbox.stripe import account, balance, payouts
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, is_within, listing
from sandbox.stripe.errors import missing
from sandbox.stripe.params import (
    COUNT,
    CREATED,
    CURRENCY,
    METADATA,
    TEXT,
    Required,
    merge_metadata,
    one_of,
    text,
)
from sandbox.world import Json


def _list(call: Call) -> Json:
    kept = [payouts.shown(call.world, one) for one in call.world.objects.list("payout")]
    arrival = call.params.get("arrival_date")
    wanted = equal(call.params, "status")
    matches = [
        one
        for one in kept
        if is_within(one["arrival_date"], arrival)
        and all(one[name] == value for name, value in wanted.items())
    ]
    return listing(call, matches, "/v1/payouts")


def _update(call: Call) -> Json:
    payout = payouts.find(call.world, call.id)
    if "metadata" in call.params:
        payout["metadata"] = merge_metadata(payout["metadata"], call.params["metadata"])
    return call.world.objects.put(payout)


def _find_entry(call: Call) -> Json:
    entry = call.world.objects.get(call.id)
    if entry is None or entry["object"] != "balance_transaction":
        raise missing("balance transaction", call.id)
    return balance.shown(call.world, entry)


def _list_entries(call: Call) -> Json:
    world, payout = call.world, call.params.get("payout")
    entries = (
        payouts.entries_of(world, payouts.find(world, payout))
        if payout
        else world.objects.list("balance_transaction")
    )
    wanted = equal(call.params, "currency", "source", "type")
    matches = [
        balance.shown(world, one)
        for one in entries
        if all(one[name] == value for name, value in wanted.items())
    ]
    return listing(call, matches, "/v1/balance_transactions")


ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/account",
        "account_retrieve_current",
        lambda call: account.current(call.world),
        {},
    ),
    Endpoint("GET", "/v1/balance", "balance_retrieve", lambda call: balance.read(call.world), {}),
    Endpoint(
        "POST",
        "/v1/payouts",
        "payout_create",
        lambda call: payouts.create(call.world, call.params),
        {
            "amount": Required(COUNT),
            "currency": Required(CURRENCY),
            "description": text(1000),
            "metadata": METADATA,
            "method": one_of("instant", "standard"),
            "source_type": one_of("bank_account", "card", "fpx"),
            "statement_descriptor": text(22),
        },
    ),
    Endpoint(
        "GET",
        "/v1/payouts",
        "payout_list",
        _list,
        {
            **DATED,
            "arrival_date": CREATED,
            "status": one_of("canceled", "failed", "in_transit", "paid", "pending"),
        },
    ),
    Endpoint(
        "GET",
        "/v1/payouts/{id}",
        "payout_retrieve",
        lambda call: payouts.find(call.world, call.id),
        {},
    ),
    Endpoint("POST", "/v1/payouts/{id}", "payout_update", _update, {"metadata": METADATA}),
    Endpoint(
        "POST",
        "/v1/payouts/{id}/cancel",
        "payout_cancel",
        lambda call: payouts.cancel(call.world, payouts.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "GET",
        "/v1/balance_transactions",
        "balance_transaction_list",
        _list_entries,
        {**DATED, "currency": CURRENCY, "payout": TEXT, "source": TEXT, "type": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/balance_transactions/{id}",
        "balance_transaction_retrieve",
        _find_entry,
        {},
    ),
]
