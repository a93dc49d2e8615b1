"""The hosted Checkout page."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.pages import paying
from sandbox.pages.orders import order_of
from sandbox.pages.render import Form, endpoint, missing, money, page, see_other
from sandbox.stripe import checkout
from sandbox.world import Json, World

ABSENT = "There is no such Checkout session."
PLACEHOLDER = "{CHECKOUT_SESSION_ID}"


def show(world: World, request: Request, form: Form) -> Response:
    session = _session(world, request)
    if session is None:
        return missing(request, ABSENT)
    return _page(world, request, session, {})


def pay(world: World, request: Request, form: Form) -> Response:
    """Try the card. On success the visitor goes on to the product."""
    session = _session(world, request)
    if session is None:
        return missing(request, ABSENT)
    if session["status"] != "open":
        return _closed(request, session)
    order = order_of(world, session)
    email = order.email or form.get("email", "").strip()
    outcome = paying.try_card(
        world, form, lambda card, yes: checkout.complete(world, order.id, card.digits, yes, email)
    )
    if outcome.status == "complete":
        return see_other(success_url(session))
    if outcome.status == "requires_action":
        amount = money(order.total, order.currency) if order.total else ""
        return paying.ask_bank(request, form, request.url.path, amount)
    return _page(world, request, session, form, message=outcome.message, status=402)


def success_url(session: Json) -> str:
    url: str = session["success_url"].replace(PLACEHOLDER, session["id"])
    return url


def _session(world: World, request: Request) -> Json | None:
    session = world.objects.get(request.path_params["session"])
    return session if session and session["object"] == "checkout.session" else None


def _page(
    world: World, request: Request, session: Json, form: Form, *, message: str = "", status: int = 200
) -> Response:
    if session["status"] != "open":
        return _closed(request, session)
    order = order_of(world, session)
    return page(
        request,
        "checkout.html",
        status,
        order=order,
        email=order.email or form.get("email", ""),
        message=message,
        **paying.card_context(request, form),
    )


def _closed(request: Request, session: Json) -> Response:
    """What a session shows that can't be paid any more."""
    if session["status"] == "complete":
        return page(
            request,
            "closed.html",
            title="You have already paid",
            explanation="This checkout is complete. Nothing was charged again.",
            link=success_url(session),
            link_text="Continue",
        )
    return page(
        request,
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
]
