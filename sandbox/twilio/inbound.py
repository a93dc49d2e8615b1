"""Texts from a phone to the product: opt-out keywords, the signed request, the TwiML reply."""

import os
from typing import Any
from xml.etree import ElementTree

from sandbox.twilio import numbers, signed_post, store
from sandbox.twilio.signed_post import Answer
from sandbox.twilio.store import Sms
from sandbox.world import World

# Default keywords and answers: "Twilio support for opt-out keywords (SMS STOP filtering)".
STOP_WORDS = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")
START_WORDS = ("START", "YES", "UNSTOP")
HELP_WORDS = ("HELP", "INFO")
STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages"
    " from this number. Reply START to resubscribe."
)
STARTED = "You have successfully been re-subscribed to messages from this number."
HELPED = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


def receive(world: World, from_: str, body: str) -> dict[str, Any]:
    """Take a text from a phone, pass it to the product, and show the product's reply.

    Returns the message with `answer` (the product's HTTP status; 0: none; null: no URL is set) and
    `reply` (the text of the reply, or null).
    """
    text = store.create(
        world,
        to=numbers.FROM_NUMBER,
        from_=from_,
        body=body,
        direction="inbound",
        status="received",
    )
    _obey_keyword(world, from_, body)
    answer = _tell_product(text)
    if answer is None:
        return {**store.summary(text), "answer": None, "reply": None}
    if not answer.ok:
        store.change(world, text["id"], error_code=11200, error_message=answer.text_line)
    reply = _reply_text(answer)
    if reply:
        _show_reply(world, from_, reply)
    return {**store.summary(text), "answer": answer.status, "reply": reply}


def _obey_keyword(world: World, number: str, body: str) -> None:
    word = body.strip().upper()
    if word in STOP_WORDS:
        _keyword_reply(world, number, STOPPED)
        store.set_opted_out(world, number, True)
    elif word in START_WORDS and number in store.opted_out(world):
        store.set_opted_out(world, number, False)
        _keyword_reply(world, number, STARTED)
    elif word in HELP_WORDS:
        _keyword_reply(world, number, HELPED)


def _keyword_reply(world: World, number: str, body: str) -> Sms:
    return store.create(
        world,
        to=number,
        from_=numbers.FROM_NUMBER,
        body=body,
        direction="outbound-reply",
        status="delivered",
    )


def _show_reply(world: World, number: str, body: str) -> None:
    reply = _keyword_reply(world, number, body)
    if number in store.opted_out(world):
        blocked = "Attempt to send to unsubscribed recipient"
        store.change(world, reply["id"], status="failed", error_code=21610, error_message=blocked)


def _tell_product(text: Sms) -> Answer | None:
    url = os.environ.get("SANDBOX_SMS_INBOUND_URL", "")
    if not url:
        return None
    form = {
        "AccountSid": store.ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "Body": str(text["body"]),
        "From": str(text["from"]),
        "MessageSid": str(text["id"]),
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": str(text["id"]),
        "SmsSid": str(text["id"]),
        "SmsStatus": "received",
        "To": str(text["to"]),
    }
    return signed_post.post(url, form)


def _reply_text(answer: Answer) -> str | None:
    """The text of `<Response><Message>`; None if there's none or the answer isn't TwiML."""
    if not answer.ok or not answer.text.strip():
        return None
    try:
        message = ElementTree.fromstring(answer.text).find("Message")  # noqa: S314 (the product's own)
    except ElementTree.ParseError:
        return None
    if message is None:
        return None
    return "".join(message.itertext()).strip() or None
