"""The world's text messages, and the numbers that opted out."""

import secrets
import time
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from sandbox.twilio import numbers, segments
from sandbox.world import World

ACCOUNT_SID = "ACsandbox0000000000000000000000000"
AUTH_TOKEN = "sandbox-twilio-token"

OBJECT = "sandbox_sms"
OPTED_OUT = "sms_opted_out"
FINAL = ("delivered", "undelivered", "failed", "received")
BILLED = ("delivered", "undelivered", "received")
# Dollars a segment; Twilio tells it once a text has gone out.
PRICE = Decimal("0.0083")

Sms = dict[str, Any]


def create(
    world: World,
    *,
    to: str,
    from_: str,
    body: str,
    direction: str,
    status: str,
    callback: str = "",
    service: str = "",
) -> Sms:
    """Store a message. `at` is the world's time, for pages; the API uses the real time."""
    now = int(time.time())
    with world.lock:
        message: Sms = {
            "id": "SM" + secrets.token_hex(16),
            "object": OBJECT,
            "to": to,
            "from": from_,
            "body": body,
            "direction": direction,
            "status": status,
            "at": world.now(),
            "created": now,
            "updated": now,
            "callback": callback,
            "service": service,
            "callbacks": [],
            "reached": None,
            "unreported": [],
            "error_code": None,
            "error_message": None,
        }
        world.common.put(message)
        world.save()
    return message


def change(world: World, sid: str, **changes: Any) -> Sms | None:
    """Set fields of a message; None if the world was reset meanwhile."""
    with world.lock:
        message = find(world, sid)
        if message is None:
            return None
        message.update(changes, updated=int(time.time()))
        world.common.put(message)
        world.save()
        return message


def note_callback(world: World, sid: str, status: str, answer: str) -> None:
    """Remember how the product answered a callback."""
    with world.lock:
        message = find(world, sid)
        if message:
            line = {"status": status, "answer": answer}
            change(world, sid, callbacks=[*message["callbacks"], line])


def drop_report(world: World, sid: str) -> bool:
    """Mark the oldest status as reported; return whether another one waits."""
    with world.lock:
        message = find(world, sid)
        if message is None:
            return False
        change(world, sid, unreported=message["unreported"][1:])
        return bool(message["unreported"])


def find(world: World, sid: str) -> Sms | None:
    with world.lock:
        message = world.common.get(sid)
    return message if message and message["object"] == OBJECT else None


def newest_first(world: World) -> list[Sms]:
    with world.lock:
        return world.common.list(OBJECT)


def opted_out(world: World) -> set[str]:
    """Numbers that texted STOP, and not START since."""
    return set(world.common.meta(OPTED_OUT) or [])


def set_opted_out(world: World, number: str, out: bool) -> None:
    with world.lock:
        others = opted_out(world) - {number}
        world.common.set_meta(OPTED_OUT, sorted(others | {number} if out else others))
        world.save()


def resource(message: Sms) -> dict[str, Any]:
    """The message as Twilio's API shows it."""
    sid = message["id"]
    uri = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}"
    sent = message["status"] in ("sent", *FINAL)
    parts = segments.count(message["body"])
    service = message.get("service", "")
    # Until the service has chosen a number, neither it nor the segments are known.
    is_chosen = sent or not service
    return {
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": message["body"],
        "date_created": _rfc2822(message["created"]),
        "date_sent": _rfc2822(message["created"]) if sent else None,
        "date_updated": _rfc2822(message["updated"]),
        "direction": message["direction"],
        "error_code": message["error_code"],
        "error_message": message["error_message"],
        "from": message["from"] if is_chosen else None,
        "messaging_service_sid": service or None,
        "num_media": "0",
        "num_segments": str(parts if is_chosen else 0),
        "price": f"-{parts * PRICE:.5f}" if message["status"] in BILLED else None,
        "price_unit": "USD",
        "sid": sid,
        "status": message["status"],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message["to"],
        "uri": f"{uri}.json",
    }


def summary(message: Sms) -> dict[str, Any]:
    """The message as the control API shows it."""
    keys = ("to", "from", "body", "status", "direction", "error_code", "service")
    return {"sid": message["id"], **{key: message.get(key) for key in keys}, "at": message["at"]}


def other_party(message: Sms) -> str:
    """The phone's number, whether it sent or received the message."""
    return str(message["from" if message["direction"] == "inbound" else "to"])


def is_ours(number: str) -> bool:
    return number == numbers.FROM_NUMBER


def _rfc2822(timestamp: int) -> str:
    return format_datetime(datetime.fromtimestamp(timestamp, UTC))
