"""Customers in words, for the control panel and the billing portal."""

from dataclasses import dataclass

from sandbox.pages.collecting import paused
from sandbox.rendering import day
from sandbox.stripe import customers, subscriptions
from sandbox.world import Json, World


@dataclass(frozen=True)
class Person:
    """A customer as the control panel lists it."""

    id: str
    name: str
    email: str
    status: str
    next: str
    card: str
    subscription: str
    """The id of the newest one, unless it is over."""
    paused: str


def person(world: World, customer: Json) -> Person:
    owned = world.objects.list("subscription", customer=customer["id"])
    latest = owned[0] if owned else None
    alive = latest if latest and not latest["ended_at"] else None
    return Person(
        id=customer["id"],
        name=customer["name"] or customer["email"] or customer["id"],
        email=(customer["email"] or "") if customer["name"] else "",
        status=latest["status"] if latest else "",
        next=next_step(latest) if latest else "",
        card=card_text(world, customer),
        subscription=alive["id"] if alive else "",
        paused=paused(alive),
    )


def living(world: World, search: str = "") -> list[Json]:
    """Customers that weren't deleted, newest first; `search` looks in name and email."""
    people = [
        customer for customer in world.objects.list("customer") if not customer.get("deleted")
    ]
    wanted = search.lower()
    return [one for one in people if wanted in f"{one['name']} {one['email']}".lower()]


def card_text(world: World, customer: Json) -> str:
    """`visa •••• 4242`, or nothing if no card is saved."""
    owned = world.objects.list("subscription", customer=customer["id"])
    living_one = next((one for one in owned if not one["ended_at"]), None)
    method = customers.default_method(world, customer, living_one)
    if method is None:
        return ""
    card = method.get("card") or {"brand": "bank", **method["us_bank_account"]}
    return f"{card['brand']} •••• {card['last4']}"


def next_step(subscription: Json) -> str:
    """What happens to a subscription next, and when."""
    if subscription["ended_at"]:
        return f"ended on {day(subscription['ended_at'])}"
    if subscription["cancel_at"]:
        return f"ends on {day(subscription['cancel_at'])}"
    period_end = subscriptions.period(subscription)[1]
    if subscription["status"] == "trialing":
        return f"trial until {day(period_end)}"
    if subscription["status"] in ("past_due", "unpaid"):
        return f"not paid until {day(period_end)}"
    return f"renews on {day(period_end)}"
