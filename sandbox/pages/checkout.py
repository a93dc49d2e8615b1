"""The hosted Checkout page."""

from starlette.responses import Response
from starlette.routing import Route

from sandbox.pages import payers, paying
from sandbox.pages.orders import order_of
from sandbox.rendering import Visit, endpoint, missing, money, page, see_other
from sandbox.stripe import checkout, checkout_completion
from sandbox.stripe.errors import ApiError
from sandbox.stripe.events import private
from sandbox.world import Json

ABSENT = "There is no such Checkout session."
PLACEHOLDER = "{CHECKOUT_SESSION_ID}"
MOST_CODES = 5
DEBIT = "us_bank_account"


def show(visit: Visit) -> Response:
    session = _session(visit)
    if session is None:
        return missing(visit, ABSENT)
    return _page(visit, session)


def pay(visit: Visit) -> Response:
    """Try to pay. On success the visitor continues to the product."""
    session = _session(visit)
    if session is None:
        return missing(visit, ABSENT)
    if session["status"] != "open":
        return _closed(visit, session)
    return _enter(visit, session) or _pay(visit, session)


def _pay(visit: Visit, session: Json) -> Response:
    """Pay with the card or the chosen bank account."""
    order = order_of(visit.world, session)
    email = order.email or visit.form.get("email", "").strip()
    account = visit.form.get("account", "")
    if account and _takes_debit(visit, session):
        return _debit(visit, session, account, email)
    complete = checkout_completion.complete
    outcome = paying.try_card(
        visit, lambda card, yes: complete(visit.world, order.id, card.typed, yes, email)
    )
    if outcome.status in ("complete", "processing"):
        return see_other(success_url(session))
    if outcome.status == "requires_action":
        amount = money(order.total, order.currency) if order.total else ""
        return paying.ask_bank(visit, amount)
    return _page(visit, session, message=outcome.message, status=402)


def _enter(visit: Visit, session: Json) -> Response | None:
    """Take the address and tax ID if they're asked for; return a page if more is needed.

    Nobody pays a total they haven't seen: tax that's only known now is shown first.
    """
    payer = payers.of(visit.world, session, visit.form)
    if not payer.is_asked or "country" not in visit.form:
        return None
    fault = payers.problem(payer)
    if fault:
        return _page(visit, session, message=fault, status=400)
    try:
        checkout.enter(visit.world, session, payer.typed)
    except ApiError as error:
        return _page(visit, session, message=str(error), status=400)
    total = str(session["amount_total"])
    if "reckon" in visit.form:
        return see_other(f"/checkout/{session['id']}")
    if visit.form.get("total", total) != total:
        sum_ = money(session["amount_total"], session["currency"])
        message = f"With tax at your address the total is {sum_}. Pay again to confirm."
        return _page(visit, session, message=message)
    return None


def _debit(visit: Visit, session: Json, account: str, email: str) -> Response:
    """Pay from a bank account."""
    try:
        checkout_completion.complete(visit.world, session["id"], account, None, email)
    except ApiError as error:
        return _page(visit, session, message=str(error), status=400)
    return see_other(success_url(session))


def redeem(visit: Visit) -> Response:
    """Apply a promo code, or remove it."""
    session = _session(visit)
    if session is None:
        return missing(visit, ABSENT)
    try:
        if "remove" in visit.form:
            checkout.remove_code(visit.world, session)
        else:
            checkout.apply_code(visit.world, session, visit.form.get("promotion_code", ""))
    except ApiError as error:
        return _page(visit, session, code_problem=str(error), status=400)
    return see_other(f"/checkout/{session['id']}")


def success_url(session: Json) -> str:
    url: str = session["success_url"].replace(PLACEHOLDER, session["id"])
    return url


def _session(visit: Visit) -> Json | None:
    session = visit.world.objects.get(visit.named("session"))
    return session if session and session["object"] == "checkout.session" else None


def _page(
    visit: Visit, session: Json, *, message: str = "", code_problem: str = "", status: int = 200
) -> Response:
    if session["status"] != "open":
        return _closed(visit, session)
    order = order_of(visit.world, session)
    return page(
        visit,
        "checkout.html",
        status,
        order=order,
        email=order.email or visit.form.get("email", ""),
        message=message,
        bank_debit=_takes_debit(visit, session),
        takes_card="card" in session["payment_method_types"],
        code_problem=code_problem,
        code=_code(visit, session),
        payer=payers.of(visit.world, session, visit.form),
        countries=payers.COUNTRIES,
        tax_kinds=payers.TAX_IDS,
        codes=_codes(visit),
        **paying.card_context(visit, f"/checkout/{order.id}"),
    )


def _takes_debit(visit: Visit, session: Json) -> bool:
    """Whether the session names bank accounts, or names nothing and the switch is on."""
    named = private(session)["named_methods"]
    return DEBIT in named or (visit.world.switches.bank_debit and not named)


def _code(visit: Visit, session: Json) -> str:
    """The promo code that's applied."""
    ids = [entry["promotion_code"] for entry in session["discounts"] or []]
    promotion = visit.world.objects.get(ids[0]) if ids and ids[0] else None
    return str(promotion["code"]) if promotion else ""


def _codes(visit: Visit) -> list[str]:
    """The codes that exist, so nobody has to guess."""
    active = visit.world.objects.list("promotion_code", active=True)
    return [str(one["code"]) for one in active if one["customer"] is None][:MOST_CODES]


def _closed(visit: Visit, session: Json) -> Response:
    """What a session shows if it can no longer be paid."""
    if session["status"] == "complete":
        return page(
            visit,
            "closed.html",
            title="You have already paid",
            explanation="This checkout is complete. Nothing was charged again.",
            link=success_url(session),
            link_text="Continue",
        )
    return page(
        visit,
        "closed.html",
        410,
        title="This checkout has expired",
        explanation="It was open for a day. Start again from where you came.",
        link=session["cancel_url"] or "",
        link_text="Go back",
    )


routes = [
    Route("/checkout/{session}", endpoint(show), methods=["GET"]),
    Route("/checkout/{session}", endpoint(pay), methods=["POST"]),
    Route("/checkout/{session}/code", endpoint(redeem), methods=["POST"]),
]
