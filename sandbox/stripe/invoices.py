"""Paying, failing, voiding, or giving up invoices, and what that does to the subscription."""

from __future__ import annotations

from sandbox.stripe import (
    customers,
    due_dates,
    invoice_taxes,
    payment_intents,
    payment_methods,
    subscriptions,
    tax_rates,
)
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.cards import TypedCard
from sandbox.stripe.errors import ApiError, invalid, missing
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.payment_intents import Outcome
from sandbox.stripe.periods import DAY
from sandbox.world import PRIVATE, Json, World

RETRY_AFTER_DAYS = (3, 5, 7)
"""Days from each failed automatic attempt to the next one, as in Stripe's smart retries."""
_OF_DRAFTS = frozenset({"collection_method", "automatic_tax", "default_tax_rates", "due_date"})
RETRY_SET_AFTER = 60
"""Seconds until that is known, while the switch says that it takes a while."""


def pay(
    world: World, invoice_id: str, card: TypedCard | str | None, authenticate: bool | None
) -> Outcome:
    """Pay an open invoice as on its hosted page, with a new card or the saved one."""
    with world.lock:
        invoice = find(world, invoice_id)
        customer = customers.find(world, invoice["customer"])
        method = (
            payment_methods.create(world, card, customer["email"])
            if card
            else saved_method(world, invoice)
        )
        if method is None:
            raise without_method()
        outcome = attempt(world, invoice, method, automatic=False, authenticate=authenticate)
        if card and outcome.status in ("complete", "processing"):
            payment_methods.attach(world, method, customer["id"])
        world.save()
        return outcome


def saved_method(world: World, invoice: Json) -> Json | None:
    """The method that an automatic attempt uses."""
    chosen = invoice["default_payment_method"]
    if chosen:
        return world.objects.get(chosen)
    subscription_id = subscriptions.of_invoice(invoice)
    subscription = world.objects.get(subscription_id) if subscription_id else None
    return customers.default_method(world, customers.find(world, invoice["customer"]), subscription)


def attempt(
    world: World,
    invoice: Json,
    method: Json,
    *,
    automatic: bool,
    off_session: bool | None = None,
    authenticate: bool | None = None,
) -> Outcome:
    """Try to pay what's due. As at Stripe, only the first and the automatic attempts count.

    Nobody is there for automatic attempts, unless `off_session` says otherwise.
    """
    absent = automatic if off_session is None else off_session
    check_payable(invoice)
    payment = documents.default_payment(world, invoice)
    if payment is None:
        raise invalid("This invoice has nothing to pay.")
    intent = intent_of(world, invoice)
    outcome = payment_intents.confirm(
        world, intent, method, off_session=absent, authenticate=authenticate
    )
    if automatic or invoice["attempt_count"] == 0:
        invoice["attempt_count"] += 1
    if outcome.status == "complete":
        _settle_payment(world, payment)
        mark_paid(world, invoice)
    elif outcome.status == "processing":
        _wait_for_bank(world, invoice)
    else:
        _refused(world, invoice, outcome, automatic=automatic)
    return outcome


def _wait_for_bank(world: World, invoice: Json) -> None:
    """Leave the invoice open; its subscription doesn't have to wait."""
    with changing(world, invoice, "invoice.updated"):
        invoice |= {"attempted": True, "next_payment_attempt": None}
    subscription_id = subscriptions.of_invoice(invoice)
    subscription = world.objects.get(subscription_id) if subscription_id else None
    if subscription and subscription["status"] == "incomplete":
        subscriptions.set_status(world, subscription, "active")


def hear_from_bank(world: World, invoice: Json, payment: Json, outcome: Outcome) -> None:
    """Settle an invoice whose delayed payment has arrived or failed."""
    if outcome.status == "complete":
        _settle_payment(world, payment)
        mark_paid(world, invoice)
    else:
        _refused(world, invoice, outcome, automatic=True)


def collect(world: World, invoice: Json) -> Outcome:
    """Collect an open invoice automatically, from the saved card."""
    if not invoice["amount_due"]:
        mark_paid(world, invoice)
        return Outcome("complete")
    method = saved_method(world, invoice)
    if method is None:
        outcome = Outcome("declined", "There is no card to charge.")
        invoice["attempt_count"] += 1
        _refused(world, invoice, outcome, automatic=True)
        return outcome
    return attempt(world, invoice, method, automatic=True)


def _settle_payment(world: World, payment: Json) -> None:
    payment |= {"status": "paid", "amount_paid": payment["amount_requested"]}
    payment["status_transitions"]["paid_at"] = world.now()
    world.objects.put(payment)
    emit(world, "invoice_payment.paid", payment)


def pay_out_of_band(world: World, invoice: Json) -> None:
    """Mark it as paid another way: nothing is charged, and a payment record says so."""
    check_payable(invoice)
    _cancel_payments(world, invoice)
    private(invoice)["off_stripe"] = invoice["amount_due"]
    _settle_payment(world, documents.add_record(world, invoice))
    mark_paid(world, invoice)


def mark_paid(world: World, invoice: Json) -> None:
    with changing(world, invoice, "invoice.updated"):
        invoice |= {
            "amount_paid": invoice["amount_due"],
            "amount_remaining": 0,
            "attempted": True,
            "auto_advance": False,
            "next_payment_attempt": None,
            "status": "paid",
        }
        invoice["status_transitions"]["paid_at"] = world.now()
    emit(world, "invoice.paid", invoice)
    emit(world, "invoice.payment_succeeded", invoice)
    _set_delinquent(world, invoice["customer"], delinquent=False)
    _recover(world, invoice)


def _recover(world: World, invoice: Json) -> None:
    subscription_id = subscriptions.of_invoice(invoice)
    subscription = world.objects.get(subscription_id) if subscription_id else None
    if not subscription or subscription["status"] not in ("incomplete", "past_due", "unpaid"):
        return
    # A late payment of an older invoice doesn't help a subscription whose latest one is open.
    if subscription["latest_invoice"] == invoice["id"]:
        subscriptions.set_status(world, subscription, "active")


def _reassess(world: World, invoice: Json) -> None:
    """Let a past-due subscription's status follow its latest invoice that isn't void."""
    subscription_id = subscriptions.of_invoice(invoice)
    subscription = world.objects.get(subscription_id) if subscription_id else None
    if not subscription or subscription["status"] != "past_due":
        return
    owned = world.objects.list("invoice", customer=subscription["customer"])
    mine = [one for one in owned if subscriptions.of_invoice(one) == subscription_id]
    counted = [one for one in mine if one["status"] != "void"]
    latest = max(counted, key=lambda one: int(one["created"]), default=None)
    if latest and latest["status"] in ("paid", "uncollectible"):
        subscriptions.set_status(world, subscription, "active")


def _refused(world: World, invoice: Json, outcome: Outcome, *, automatic: bool) -> None:
    with changing(world, invoice, "invoice.updated"):
        invoice["attempted"] = True
        if automatic:
            _plan_retry(world, invoice)
    emit(world, "invoice.payment_failed", invoice)
    if outcome.status == "requires_action":
        emit(world, "invoice.payment_action_required", invoice)
    subscription_id = subscriptions.of_invoice(invoice)
    subscription = world.objects.get(subscription_id) if subscription_id else None
    if subscription and automatic:
        _dun(world, subscription, invoice)


def _plan_retry(world: World, invoice: Json) -> None:
    """Set the next attempt, or stop after the last; a switch can delay this."""
    retried = invoice["attempt_count"] - 1
    is_last = retried >= len(RETRY_AFTER_DAYS)
    at = None if is_last else world.now() + RETRY_AFTER_DAYS[retried] * DAY
    if is_last:
        invoice["auto_advance"] = False
    elif world.switches.retry_set_later:
        private(invoice)["retry"] = {"told_at": world.now() + RETRY_SET_AFTER, "at": at}
        at = None
    invoice["next_payment_attempt"] = at


def tell_retry(world: World, invoice: Json) -> None:
    """Set the next attempt, if it wasn't known when the last one failed."""
    planned = private(invoice).pop("retry")
    with changing(world, invoice, "invoice.updated"):
        invoice["next_payment_attempt"] = planned["at"]


def retry_told_at(invoice: Json) -> int | None:
    """When the next attempt will be set, if that's delayed."""
    planned = invoice.get(PRIVATE, {}).get("retry")
    at: int | None = planned["told_at"] if planned else None
    return at


def advance_by_itself(world: World, invoice: Json, *, wanted: bool) -> None:
    """Turn automatic collection on or off."""
    with changing(world, invoice, "invoice.updated"):
        invoice["auto_advance"] = wanted
        charged = wanted and invoice["collection_method"] == "charge_automatically"
        if invoice["status"] == "open" and charged:
            invoice["next_payment_attempt"] = world.now() + documents.HOUR


def _dun(world: World, subscription: Json, invoice: Json) -> None:
    """A renewal failed: past due, and canceled after the last retry (or `after_last_retry`)."""
    if subscription["status"] in ("active", "trialing"):
        subscriptions.set_status(world, subscription, "past_due")
    _set_delinquent(world, invoice["customer"], delinquent=True)
    if not invoice["auto_advance"] and subscription["status"] == "past_due":
        final = world.objects.meta("after_last_retry") or "cancel"
        if final == "cancel":
            subscriptions.end(world, subscription, reason="payment_failed")
        else:
            subscriptions.set_status(world, subscription, final)


def _set_delinquent(world: World, customer_id: str, *, delinquent: bool) -> None:
    customer = customers.find(world, customer_id)
    if customer["delinquent"] != delinquent:
        with changing(world, customer, "customer.updated"):
            customer["delinquent"] = delinquent


def void(world: World, invoice: Json) -> Json:
    check_open(invoice, also="uncollectible")
    documents.void(world, invoice)
    _cancel_payments(world, invoice)
    _reassess(world, invoice)
    return invoice


def mark_uncollectible(world: World, invoice: Json, reason: str = "user_forgiven") -> Json:
    check_open(invoice)
    with changing(world, invoice, "invoice.updated"):
        invoice |= {
            "status": "uncollectible",
            "status_details": {"uncollectible": {"reason": reason}},
            "auto_advance": False,
            "next_payment_attempt": None,
        }
        invoice["status_transitions"]["marked_uncollectible_at"] = world.now()
    emit(world, "invoice.marked_uncollectible", invoice)
    _reassess(world, invoice)
    return invoice


def _cancel_payments(world: World, invoice: Json) -> None:
    for payment in documents.payments(world, invoice):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = world.now()
        world.objects.put(payment)
        intent = payment_intents.find(world, payment["payment"]["payment_intent"])
        payment_intents.cancel(world, intent, "void_invoice")


def update(world: World, invoice: Json, params: Json) -> Json:
    """Change a draft, or the few fields that may change later."""
    if invoice["status"] != "draft" and set(params) & {*_OF_DRAFTS, "days_until_due"}:
        raise invalid(
            "Finalized invoices can't be updated in this way", code="invoice_not_editable"
        )
    with changing(world, invoice, "invoice.updated"):
        _set_due(world, invoice, params)
        for name in ("auto_advance", "default_payment_method", "description", "footer"):
            if name in params:
                invoice[name] = params[name]
        if "metadata" in params:
            invoice["metadata"] = merge_metadata(invoice["metadata"], params["metadata"])
        if params.get("automatic_tax"):
            invoice["automatic_tax"] = documents.automatic(**params["automatic_tax"])
            invoice_taxes.assess(world, invoice)
            documents.add_up(invoice)
        if "default_tax_rates" in params:
            invoice["default_tax_rates"] = tax_rates.chosen(
                world, params["default_tax_rates"], param="default_tax_rates"
            )
            invoice_taxes.assess(world, invoice)
            documents.add_up(invoice)
    return invoice


def _set_due(world: World, invoice: Json, params: Json) -> None:
    """Send a draft instead of charging it, or the reverse, and set when it's due."""
    if not set(params) & {*_OF_DRAFTS, "days_until_due"}:
        return
    method = params.get("collection_method") or invoice["collection_method"]
    due = due_dates.of(world, params)
    is_sent = method == "send_invoice"
    due_dates.check(method, params if due or not is_sent else {"due_date": invoice["due_date"]})
    invoice |= {"collection_method": method, "due_date": due or invoice["due_date"]}
    if not is_sent:
        invoice["due_date"] = None


def intent_of(world: World, invoice: Json) -> Json:
    """The payment intent used to pay an invoice."""
    payment = documents.default_payment(world, invoice)
    if payment is None:
        raise invalid("This invoice has nothing to pay.")
    return payment_intents.find(world, payment["payment"]["payment_intent"])


def check_open(invoice: Json, *, also: str = "open") -> None:
    """Refuse, in Stripe's words, what only an open invoice allows."""
    status = invoice["status"]
    if status == "paid":
        raise invalid("Invoice is already paid")
    if status not in ("open", also):
        raise invalid(
            f"This invoice is {status}, so it can no longer be changed.",
            code="invoice_not_editable",
        )


def check_payable(invoice: Json) -> None:
    """Refuse to pay unless it's open or uncollectible (Stripe accepts late money for those)."""
    check_open(invoice, also="uncollectible")


def without_method() -> ApiError:
    return invalid(
        "There is no default_payment_method set on this Customer or Invoice. "
        "Please set a default_payment_method.",
        code="resource_missing",
    )


def find(world: World, invoice_id: str, *, param: str | None = None) -> Json:
    invoice = world.objects.get(invoice_id)
    if invoice is None or invoice["object"] != "invoice":
        raise missing("invoice", invoice_id, param=param or "invoice", status=400 if param else 404)
    return invoice
