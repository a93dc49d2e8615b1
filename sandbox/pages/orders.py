"""A Checkout session in words: what's sold, what's due today, what comes later."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.rendering import day, interval, money
from sandbox.stripe import checkout
from sandbox.stripe.events import private
from sandbox.world import Json, World

DAY = 86_400


@dataclass(frozen=True)
class Line:
    """One thing that's bought. The amount is what it costs today, in minor units."""

    name: str
    note: str
    quantity: int
    amount: int


@dataclass(frozen=True)
class Order:
    """Everything the page says about a session. Amounts are in minor units."""

    id: str
    heading: str
    headline: str
    headline_note: str
    explanation: str
    currency: str
    lines: Sequence[Line]
    discount: int
    tax: int  # on top of the amounts
    tax_included: int  # what the amounts contain of it
    is_taxed: bool  # by the address
    needs_address: bool  # before the tax is known
    balance: int  # what the customer's balance changes: less than nothing is credit used
    total: int
    session_total: int  # the same without the balance
    email: str
    cancel_url: str
    takes_codes: bool
    button: str
    mandate: str

    @property
    def email_fixed(self) -> bool:
        """Whether the product said who pays; if so, it can't be changed here."""
        return bool(self.email)


def order_of(world: World, session: Json) -> Order:
    if session["mode"] == "setup":
        return _setup_order(session)
    trial = _trial_days(world, session)
    lines = [_line(line, trial) for line in checkout.line_items(session)]
    details = session["total_details"]
    balance = _balance(world, session)
    included = _included(session)
    return Order(
        id=session["id"],
        heading=_heading(session, lines),
        headline=f"{trial} days free" if trial else money(_price(session), session["currency"]),
        headline_note="" if trial else _per(session),
        explanation=_explanation(world, session, trial),
        currency=session["currency"],
        lines=lines,
        discount=details["amount_discount"],
        tax=details["amount_tax"] - included,
        tax_included=included,
        is_taxed=session["automatic_tax"]["enabled"],
        needs_address=session["automatic_tax"]["status"] == "requires_location_inputs",
        balance=balance,
        total=session["amount_total"] + balance,
        session_total=session["amount_total"],
        email=(session["customer_details"] or {}).get("email") or "",
        cancel_url=session["cancel_url"] or "",
        takes_codes=bool(session["allow_promotion_codes"]),
        button=_button(session, trial),
        mandate=_mandate(session),
    )


def _setup_order(session: Json) -> Order:
    """A session that saves a payment method: nothing is sold."""
    return Order(
        id=session["id"],
        heading="Save a payment method",
        headline="Save a payment method",
        headline_note="",
        explanation="Nothing is charged now.",
        currency=session["currency"] or "usd",
        lines=[],
        discount=0,
        tax=0,
        tax_included=0,
        is_taxed=False,
        needs_address=False,
        balance=0,
        total=0,
        session_total=0,
        email=(session["customer_details"] or {}).get("email") or "",
        cancel_url=session["cancel_url"] or "",
        takes_codes=False,
        button="Save card",
        mandate="The card can be charged later, as agreed with the business.",
    )


def _balance(world: World, session: Json) -> int:
    """What the first invoice takes from the customer's balance, or adds to it, in minor units.

    Stripe documentation, "Customer credit balance": it applies to invoices, and so to
    subscriptions. A single payment makes no invoice.
    """
    customer = world.objects.get(session["customer"]) if session["customer"] else None
    if customer is None or session["mode"] != "subscription" or not session["amount_total"]:
        return 0
    if customer["currency"] not in (None, session["currency"]):
        return 0
    return max(int(customer["balance"]), -int(session["amount_total"]))


def _included(session: Json) -> int:
    """The tax included in the prices; during a trial nothing is due yet."""
    if not session["total_details"]["amount_tax"]:
        return 0
    taxes = [tax for line in checkout.line_items(session) for tax in line["taxes"]]
    return sum(int(tax["amount"]) for tax in taxes if tax["rate"]["inclusive"])


def _heading(session: Json, lines: Sequence[Line]) -> str:
    names = ", ".join(line.name for line in lines)
    return f"Subscribe to {names}" if session["mode"] == "subscription" else names


def _recurring(session: Json) -> Json | None:
    """How often a subscription's first recurring price is charged; None for a single payment."""
    prices = (line["price"]["recurring"] for line in checkout.line_items(session))
    return next((recurring for recurring in prices if recurring), None)


def _price(session: Json) -> int:
    """What's charged each time, not counting a trial."""
    lines = sum(int(line["amount_subtotal"]) for line in checkout.line_items(session))
    return lines - int(session["total_details"]["amount_discount"])


def _per(session: Json) -> str:
    recurring = _recurring(session)
    return f"per {interval(recurring)}" if recurring else ""


def _trial_days(world: World, session: Json) -> int:
    if session["mode"] != "subscription":
        return 0
    wanted = private(session)["subscription_data"]
    if wanted.get("trial_end"):
        return max(0, -(-(int(wanted["trial_end"]) - world.now()) // DAY))
    return int(wanted.get("trial_period_days") or 0)


def _explanation(world: World, session: Json, trial: int) -> str:
    if not trial:
        return _about(world, session)
    price = money(_price(session), session["currency"])
    return f"Then {price} {_per(session)} from {day(world.now() + trial * DAY)}"


def _about(world: World, session: Json) -> str:
    """The description of what's sold, if there is one."""
    product = world.objects.get(checkout.line_items(session)[0]["price"]["product"])
    description = product["description"] if product else ""
    return str(description or private(session)["payment_intent_data"].get("description") or "")


def _line(line: Json, trial: int) -> Line:
    recurring = line["price"]["recurring"]
    unit = money(line["price"]["unit_amount"], line["currency"])
    note = f"{unit} per {interval(recurring)}" if recurring else ""
    if recurring and trial:
        note = f"{trial} days free, then {note}"
    free = bool(recurring and trial)
    amount = 0 if free else line["amount_subtotal"]
    return Line(line["description"], note, line["quantity"], amount)


def _button(session: Json, trial: int) -> str:
    if session["mode"] == "payment":
        return f"Pay {money(session['amount_total'], session['currency'])}"
    return "Start trial" if trial else "Subscribe"


def _mandate(session: Json) -> str:
    if session["mode"] != "subscription":
        return ""
    return "The card is charged again each period until the subscription is canceled."
