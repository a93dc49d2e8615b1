"""The bank's mailbox: every message that it sent to the business, by UID, with its flags."""

from __future__ import annotations

import base64
import secrets
import time
from email import message_from_bytes, policy
from typing import Any

from sandbox.world import World

OBJECT = "bank_mail"
# Per mailbox: it's another one after a reset.
VALIDITY, LAST_UID, NAME = "bank_uid_validity", "bank_last_uid", "bank_mailbox"
# Tenths of seconds since 2024 fit in the 32 bits of a UIDVALIDITY for years.
_EPOCH = 1_704_067_200

Mail = dict[str, Any]
_newest_validity = 0


def prepare(world: World) -> None:
    """Make the mailbox if there is none. Hold the lock."""
    if world.common.meta(VALIDITY) is None:
        world.common.set_meta(VALIDITY, _new_validity())
        world.common.set_meta(LAST_UID, 0)
        world.common.set_meta(NAME, secrets.token_hex(10))


def _new_validity() -> int:
    """A number above all earlier ones (RFC 3501, 2.3.1.1), even within a tenth of a second."""
    global _newest_validity  # noqa: PLW0603  (a counter)
    _newest_validity = max(_newest_validity + 1, int((time.time() - _EPOCH) * 10))
    return _newest_validity


def receive(world: World, raw: bytes) -> Mail:
    """Put a message into the mailbox, as it is."""
    with world.lock:
        uid = int(world.common.meta(LAST_UID)) + 1
        world.common.set_meta(LAST_UID, uid)
        mail: Mail = {
            "id": f"bankmail_{uid}",
            "object": OBJECT,
            "uid": uid,
            "base64": base64.b64encode(raw).decode(),
            "flags": [],
            "received_at": world.now(),
        }
        world.common.put(mail)
        world.save()
    return mail


def oldest_first(world: World) -> list[Mail]:
    with world.lock:
        return world.common.list(OBJECT)[::-1]


def find(world: World, uid: int) -> Mail | None:
    with world.lock:
        return world.common.get(f"bankmail_{uid}")


def set_flags(world: World, uid: int, flags: list[str]) -> None:
    """Replace a message's flags; a message that's gone has none."""
    with world.lock:
        mail = find(world, uid)
        if mail is not None and mail["flags"] != flags:
            mail["flags"] = flags
            world.common.put(mail)
            world.save()


def remove(world: World, uid: int) -> None:
    with world.lock:
        if find(world, uid) is not None:
            world.common.remove(f"bankmail_{uid}")
            world.save()


def raw(mail: Mail) -> bytes:
    """A message as it was sent, byte by byte."""
    return base64.b64decode(mail["base64"])


def public(mail: Mail) -> dict[str, Any]:
    """The message as the control API shows it."""
    message = message_from_bytes(raw(mail), policy=policy.compat32)
    return {
        "uid": mail["uid"],
        "message_id": str(message.get("Message-ID", "")),
        "flags": mail["flags"],
        "received_at": mail["received_at"],
        "base64": mail["base64"],
    }
