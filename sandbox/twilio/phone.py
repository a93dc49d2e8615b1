"""The phone page: each number's messages as a thread, with a box to reply."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from sandbox.rendering import Visit, endpoint, missing, page, see_other
from sandbox.twilio import numbers, store
from sandbox.twilio.inbound import receive
from sandbox.twilio.store import Sms

LONGEST_THREAD = 100


@dataclass(frozen=True)
class Thread:
    number: str
    last: Sms


def phone(visit: Visit) -> Response:
    """The threads, and the messages of one number (`?number=`, or the latest thread)."""
    newest = store.newest_first(visit.world)
    threads = _threads(newest)
    number = visit.query.get("number") or (threads[0].number if threads else "")
    messages = [message for message in newest if store.other_party(message) == number]
    return page(
        visit,
        "phone.html",
        threads=threads,
        number=number,
        messages=messages[LONGEST_THREAD - 1 :: -1],
        stopped=number in store.opted_out(visit.world),
        ours=numbers.FROM_NUMBER,
    )


def reply(visit: Visit) -> Response:
    """Send what was typed on the phone to the product."""
    number, body = visit.form.get("from", ""), visit.form.get("body", "").strip()
    if not number or not body:
        return missing(visit, "A reply needs a number and a text.")
    receive(visit.world, number, body)
    return see_other(f"/phone/?number={quote(number)}")


def _threads(newest_first: list[Sms]) -> list[Thread]:
    """One thread per number, latest message first."""
    threads: dict[str, Thread] = {}
    for message in newest_first:
        number = store.other_party(message)
        threads.setdefault(number, Thread(number, message))
    return [*threads.values()]


routes = [
    Route("/phone/", endpoint(phone)),
    Route("/phone/reply", endpoint(reply, locked=False), methods=["POST"]),
]
