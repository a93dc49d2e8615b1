"""Events and how their deliveries went, for the control panel."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from sandbox import webhooks
from sandbox.rendering import Visit, clock, endpoint, missing, page, see_other
from sandbox.stripe.shown import public
from sandbox.world import Json, World

ABSENT = "There is no such event."
TONES = {"delivered": "good", "pending": "wait", "lost": "bad"}


@dataclass(frozen=True)
class Listed:
    """An event in a list: its progress in words, and as the badge's tone."""

    id: str
    type: str
    about: str
    created: int
    deliveries: str
    tone: str


@dataclass(frozen=True)
class Attempt:
    """One attempt of one delivery."""

    when: str
    url: str
    answer: str
    tone: str


def listed(world: World, event: Json) -> Listed:
    words, tone = _summary(webhooks.deliveries(event["id"]))
    about = _customer_name(world, event["data"]["object"])
    return Listed(event["id"], event["type"], about, event["created"], words, tone)


def _customer_name(world: World, obj: Json) -> str:
    """The customer that an event is about, if any."""
    customer_id = obj["id"] if obj["object"] == "customer" else obj.get("customer")
    customer = world.objects.get(customer_id) if customer_id else None
    return (customer or {}).get("name") or (customer or {}).get("email") or ""


def types(world: World) -> list[str]:
    """The types of all events so far, for the filter."""
    return sorted({event["type"] for event in world.objects.list("event")})


def show(visit: Visit) -> Response:
    """One event: its deliveries, attempt by attempt, and its content."""
    event = _event(visit)
    if event is None:
        return missing(visit, ABSENT)
    sent = webhooks.deliveries(event["id"])
    words, tone = _summary(sent)
    return page(
        visit,
        "event.html",
        event=event,
        state=words,
        tone=tone,
        attempts=[*_attempts(sent)],
        content=json.dumps(public(event), indent=2, ensure_ascii=False),
        resent="resent" in visit.query,
    )


def resend(visit: Visit) -> Response:
    """Send an event again to every endpoint, now."""
    event = _event(visit)
    if event is None:
        return missing(visit, ABSENT)
    webhooks.resend(event["id"])
    return see_other(f"/events/{event['id']}?resent=1")


def _event(visit: Visit) -> Json | None:
    event = visit.world.objects.get(visit.named("event"))
    return event if event and event["object"] == "event" else None


def _summary(deliveries: Sequence[Json]) -> tuple[str, str]:
    """Such as `delivered`, `pending after 3 tries`, `delivered, 2 times`; and the badge's tone."""
    if not deliveries:
        return "no endpoint", ""
    latest = deliveries[0]
    state, tries = str(latest["state"]), len(latest["attempts"])
    words = f"{state} after {tries} tries" if tries > 1 else state
    if state == "pending" and tries == 1:
        words = "failed once, waits"
    if len(deliveries) > 1:
        words = f"{words}, sent {len(deliveries)} times"
    return words, TONES.get(state, "")


def _attempts(deliveries: Sequence[Json]) -> Iterator[Attempt]:
    """Every try, the newest delivery's first."""
    for delivery in deliveries:
        for attempt in reversed(delivery["attempts"]):
            status = attempt["status"]
            answer = f"{status or attempt['error']} in {attempt['milliseconds']} ms"
            good = status is not None and 200 <= status < 300
            yield Attempt(
                clock(attempt["at"]),
                delivery["url"],
                answer,
                TONES["delivered" if good else "lost"],
            )


routes = [
    Route("/events/{event}", endpoint(show)),
    Route("/events/{event}/resend", endpoint(resend), methods=["POST"]),
]
