"""The JSON control API: clock, switches, automated hosted pages, deliveries, mail, phone, bank."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import fixtures, mail, twilio, webhooks
from sandbox.bank import entries, keys, transfers
from sandbox.bank import store as bank_mails
from sandbox.stripe import balance as stripe_balance
from sandbox.stripe import (
    charges,
    checkout,
    checkout_completion,
    checkout_taxes,
    clock,
    customers,
    disputes,
    fraud_warnings,
    payouts,
    refunds,
    schedules,
    subscriptions,
)
from sandbox.stripe.errors import ApiError
from sandbox.stripe.shown import public
from sandbox.webhooks import Deliverer
from sandbox.world import DEFAULT_ACCOUNT, Json, World


class Command:
    """One request to the control API."""

    def __init__(self, request: Request, body: Json) -> None:
        self.world: World = request.app.state.world
        self.deliverer: Deliverer = request.app.state.deliverer
        self.query = request.query_params
        self.path: dict[str, str] = request.path_params
        self.body = body

    @property
    def account(self) -> str:
        """The account of the object in the path, or the one in the query, or the default."""
        homes = (self.world.home_of(part) for part in self.path.values())
        return next(filter(None, homes), None) or self.query.get("account", DEFAULT_ACCOUNT)


Handler = Callable[[Command], Any]


def _route(path: str, handler: Handler, *methods: str) -> Route:
    def run(command: Command) -> Any:
        with command.world.at(command.account):
            return handler(command)

    async def serve(request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"{}")
            if not isinstance(body, dict):
                raise ValueError("The body is a JSON object.")
            return JSONResponse(await run_in_threadpool(run, Command(request, body)))
        except ApiError as error:
            return JSONResponse(error.body("req_control"), error.status)
        except LookupError as error:
            return JSONResponse({"error": str(error)}, 404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return Route(f"/_sandbox/{path}", serve, methods=[*methods])


def _health(_command: Command) -> Json:
    return {"ok": True}


def _reset(command: Command) -> Json:
    with command.world.lock:
        command.world.reset()
        command.deliverer.forget()
        fixtures.prepare(command.world)
        command.world.mark_when_empty = command.world.mark()
    return {"ok": True}


def _mark(command: Command) -> Json:
    """What differs as soon as anything is made, changed, or removed, or a switch is turned."""
    with command.world.lock:
        mark = command.world.mark()
        return {"mark": mark, "is_empty": mark == command.world.mark_when_empty}


def _bookmark(command: Command) -> Json:
    """Remember the current state under a name, until the process ends."""
    with command.world.lock:
        command.world.bookmark(command.path["name"])
    return {"ok": True}


def _go_back(command: Command) -> Json:
    """Return to a bookmark's state, clock included."""
    with command.world.lock:
        command.world.go_back(command.path["name"])
        command.deliverer.forget()
    return {"ok": True}


def _clock(command: Command) -> Json:
    world = command.world
    return {"now": world.now(), "offset": round(world.offset)}


def _set_clock(command: Command) -> Json:
    body = command.body
    if "set" in body:
        clock.set_to(command.world, _whole(body["set"]))
    elif "advance" in body:
        clock.advance(command.world, str(body["advance"]))
    elif "advance_seconds" in body:
        clock.advance_seconds(command.world, _whole(body["advance_seconds"]))
    else:
        raise ValueError("Say set, advance or advance_seconds.")
    return _clock(command)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("A time is a whole number of seconds.")
    return value


def _complete_checkout(command: Command) -> Json:
    body, session_id = command.body, command.path["id"]
    with command.world.lock:
        if body.get("promotion_code"):
            session = checkout.find(command.world, session_id)
            checkout.apply_code(command.world, session, str(body["promotion_code"]))
        outcome = checkout_completion.complete(
            command.world,
            session_id,
            str(body.get("card", "4242424242424242")),
            body.get("authenticate"),
            body.get("email"),
            typed=_typed(body),
        )
        session = public(checkout.find(command.world, session_id))
    return {**session, "outcome": {"status": outcome.status, "message": outcome.message}}


def _typed(body: Json) -> checkout_taxes.Typed:
    """The address, the business's name, and its tax ID, as a visitor enters them on the page."""
    return checkout_taxes.Typed(
        body.get("address"), str(body.get("business_name") or ""), body.get("tax_id")
    )


def _cancel_checkout(command: Command) -> Json:
    with command.world.lock:
        return public(checkout.cancel(command.world, command.path["id"]))


def _set_card(command: Command) -> Json:
    with command.world.lock:
        method = customers.set_card(command.world, command.path["id"], str(command.body["card"]))
        return public(method)


def _schedule(command: Command) -> Json:
    """Change the price from the next period on, as a schedule in the dashboard does."""
    world = command.world
    with world.lock, world.undoing():
        subscription = subscriptions.find(world, command.path["id"])
        made = schedules.create(world, subscription, str(command.body.get("price")))
        world.save()
        return public(made)


def _set_balance(command: Command) -> Json:
    """Set the account's balance (minor units): refunds beyond it stay pending."""
    currency = str(command.body.get("currency", "usd"))
    with command.world.lock:
        stripe_balance.set_total(command.world, currency, _whole(command.body["available"]))
        command.world.save()
    return {"available": stripe_balance.total(command.world, currency)}


def _book(command: Command) -> Json:
    """Book what Stripe itself takes or gives: an adjustment, a reserve, a fee with tax on it."""
    body, world = command.body, command.world
    currency = str(body.get("currency", "usd"))
    words = {"currency": currency, "description": body.get("description")}
    fees = [
        stripe_balance.fee(_whole(amount), currency, kind=kind, words=kind.replace("_", " "))
        for kind, amount in body.get("fees", {}).items()
    ]
    with world.lock:
        entry = stripe_balance.book(
            world, words, _whole(body["amount"]), str(body["type"]), fees=fees
        )
        world.save()
        return public(entry)


def _follow_payout(command: Command) -> Json:
    """Take a payout's next step, as on the panel: arrive, fail, or cancel."""
    with command.world.lock:
        payout = payouts.find(command.world, command.path["id"])
        payouts.go_on(command.world, payout, str(command.body.get("step")))
        command.world.save()
        return public(payout)


def _follow_refund(command: Command) -> Json:
    """Take a refund's next step, as on the panel: answer, cancel, succeed, or fail."""
    with command.world.lock:
        refund = refunds.find(command.world, command.path["id"])
        refunds.go_on(command.world, refund, str(command.body.get("step")))
        command.world.save()
        return public(refund)


def _dispute(command: Command) -> Json:
    """The cardholder takes a payment back; with `inquiry`, their bank asks first."""
    world, body = command.world, command.body
    with world.lock:
        charge = charges.find(world, command.path["id"])
        if charge not in disputes.disputable(world):
            raise ValueError("This payment can't be disputed (any more).")
        made = disputes.open_for(
            world,
            charge,
            str(body.get("reason", "fraudulent")),
            inquiry=bool(body.get("inquiry")),
        )
        world.save()
        return public(made)


def _warn(command: Command) -> Json:
    """The card's bank reports a payment as fraud; no money moves."""
    world = command.world
    with world.lock:
        charge = charges.find(world, command.path["id"])
        kind = str(command.body.get("fraud_type", fraud_warnings.USUAL))
        made = fraud_warnings.warn(world, charge, kind)
        world.save()
        return public(made)


def _switches(command: Command) -> Json:
    return command.world.switches.as_dict()


def _set_switches(command: Command) -> Json:
    with command.world.lock:
        command.world.switches.change(command.body)
        command.world.save()
    command.deliverer.wake()
    return _switches(command)


def _deliveries(command: Command) -> list[Json]:
    return command.deliverer.deliveries(command.query.get("event"))


def _resend(command: Command) -> Json:
    return {"deliveries": webhooks.resend(command.path["id"])}


def _deliver(command: Command) -> Json:
    return {"due": command.deliverer.deliver_now()}


def _idle(command: Command) -> Json:
    """Wait until webhooks and text message statuses have reached the product."""
    deadline = time.monotonic() + float(command.body.get("timeout", 30))
    while command.deliverer.wait_until_idle(max(0.0, deadline - time.monotonic())):
        if twilio.idle():
            return {"idle": True}
        if time.monotonic() >= deadline:
            break
        time.sleep(0.05)
    return {"idle": False}


def _mailbox(command: Command) -> list[Json]:
    return mail.messages(command.world, command.query.get("to"))


def _clear_mailbox(command: Command) -> Json:
    mail.clear(command.world)
    return {"ok": True}


def _phone(command: Command) -> list[Json]:
    return twilio.messages(command.world, command.query.get("to"))


def _text_back(command: Command) -> Any:
    body, files = str(command.body["body"]), int(command.body.get("files", 0))
    return twilio.inbound(command.world, str(command.body["from"]), body, files)


def _make_transfer(command: Command) -> Json:
    """Move money by Zelle, or add another line to the account: see `bank.transfers`."""
    with command.world.lock, command.world.undoing():
        made = transfers.make(command.world, command.body)
        command.world.save()
        return transfers.public(made)


def _transfers(command: Command) -> list[Json]:
    with command.world.lock:
        return [transfers.public(entry) for entry in transfers.newest_first(command.world)]


def _post_transfer(command: Command) -> Json:
    """Let a transfer that's held onto the account."""
    with command.world.lock:
        entry = transfers.find(command.world, command.path["id"])
        entries.release(command.world, entry)
        command.world.save()
        return transfers.public(entry)


def _mail_transfer(command: Command) -> Json:
    """Mail about a transfer again."""
    with command.world.lock:
        entry = transfers.find(command.world, command.path["id"])
        transfers.tell(command.world, entry)
        command.world.save()
        return transfers.public(entry)


def _bank_mails(command: Command) -> list[Json]:
    return [bank_mails.public(one) for one in bank_mails.oldest_first(command.world)]


def _put_bank_mail(command: Command) -> Json:
    """Put any message into the mailbox: text or base64, signed with the bank's key on request."""
    raw = _message(command.body)
    if command.body.get("sign"):
        raw = keys.sign(raw, keys.own(command.world.directory))
    return bank_mails.public(bank_mails.receive(command.world, raw))


def _message(body: Json) -> bytes:
    try:
        if "base64" in body:
            return base64.b64decode(str(body["base64"]), validate=True)
        return str(body["raw"]).encode()
    except (KeyError, binascii.Error):
        raise ValueError("A message is in base64, or as it is in raw.") from None


routes = [
    _route("health", _health, "GET"),
    _route("reset", _reset, "POST"),
    _route("mark", _mark, "GET"),
    _route("bookmarks/{name}", _bookmark, "POST"),
    _route("bookmarks/{name}/restore", _go_back, "POST"),
    _route("clock", _clock, "GET"),
    _route("clock", _set_clock, "POST"),
    _route("checkout/{id}/complete", _complete_checkout, "POST"),
    _route("checkout/{id}/cancel", _cancel_checkout, "POST"),
    _route("customers/{id}/card", _set_card, "POST"),
    _route("subscriptions/{id}/schedule", _schedule, "POST"),
    _route("balance", _set_balance, "POST"),
    _route("balance/entries", _book, "POST"),
    _route("payouts/{id}", _follow_payout, "POST"),
    _route("refunds/{id}", _follow_refund, "POST"),
    _route("charges/{id}/dispute", _dispute, "POST"),
    _route("charges/{id}/warning", _warn, "POST"),
    _route("switches", _switches, "GET"),
    _route("switches", _set_switches, "POST"),
    _route("deliveries", _deliveries, "GET"),
    _route("events/{id}/resend", _resend, "POST"),
    _route("deliver", _deliver, "POST"),
    _route("idle", _idle, "POST"),
    _route("mailbox", _mailbox, "GET"),
    _route("mailbox", _clear_mailbox, "DELETE"),
    _route("phone", _phone, "GET"),
    _route("phone/inbound", _text_back, "POST"),
    _route("bank/transfers", _transfers, "GET"),
    _route("bank/transfers", _make_transfer, "POST"),
    _route("bank/transfers/{id}/post", _post_transfer, "POST"),
    _route("bank/transfers/{id}/mail", _mail_transfer, "POST"),
    _route("bank/mails", _bank_mails, "GET"),
    _route("bank/mails", _put_bank_mail, "POST"),
]
