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
# Advanced Opt-Out: the owner's own keywords (here Spanish ones, too) and answers, once a service
# has it on. Webhooks then say which keyword it was.
ADVANCED = {
    "STOP": (*STOP_WORDS, "PARAR", "ALTO"),
    "START": (*START_WORDS, "INICIAR"),
    "HELP": (*HELP_WORDS, "AYUDA"),
}
ADVANCED_ANSWERS = {
    "STOP": "Sandbox: you won't get more texts. Reply START to get them again.",
    "START": "Sandbox: you'll get our texts again. Reply STOP to end them.",
    "HELP": "Sandbox: write to help@example.com. Reply STOP to end our texts.",
}


def receive(world: World, from_: str, body: str, files: int = 0) -> dict[str, Any]:
    """Take a text from a phone, pass it to the product, and show the product's reply.

    `files` pictures come with it. Returns the message with `answer` (the product's HTTP status; 0:
    none; null: no URL is set) and `reply` (the text of the reply, or null).
    """
    text = store.create(
        world,
        to=numbers.FROM_NUMBER,
        from_=from_,
        body=body,
        direction="inbound",
        status="received",
    )
    keyword = _obey_keyword(world, from_, body)
    answer = _tell_product(text, keyword, files)
    if answer is None:
        return {**store.summary(text), "answer": None, "reply": None}
    if not answer.ok:
        store.change(world, text["id"], error_code=11200, error_message=answer.text_line)
    reply = _reply_text(answer)
    if reply:
        _show_reply(world, from_, reply)
    return {**store.summary(text), "answer": answer.status, "reply": reply}


def _obey_keyword(world: World, number: str, body: str) -> str:
    """Obey a keyword; return which, if Advanced Opt-Out names it."""
    word = body.strip().upper()
    if world.switches.twilio_advanced_opt_out:
        named = next((name for name, words in ADVANCED.items() if word in words), "")
        if named == "START":
            store.set_opted_out(world, number, False)
        if named:
            _keyword_reply(world, number, ADVANCED_ANSWERS[named])
        if named == "STOP":
            store.set_opted_out(world, number, True)
        return named
    if word in STOP_WORDS:
        _keyword_reply(world, number, STOPPED)
        store.set_opted_out(world, number, True)
    elif word in START_WORDS and number in store.opted_out(world):
        store.set_opted_out(world, number, False)
        _keyword_reply(world, number, STARTED)
    elif word in HELP_WORDS:
        _keyword_reply(world, number, HELPED)
    return ""


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


def _tell_product(text: Sms, keyword: str, files: int) -> Answer | None:
    url = os.environ.get("SANDBOX_SMS_INBOUND_URL", "")
    if not url:
        return None
    form = {
        "AccountSid": store.ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "Body": str(text["body"]),
        "From": str(text["from"]),
        "MessageSid": str(text["id"]),
        "NumMedia": str(files),
        "NumSegments": "1",
        "SmsMessageSid": str(text["id"]),
        "SmsSid": str(text["id"]),
        "SmsStatus": "received",
        "To": str(text["to"]),
    }
    media = f"https://api.twilio.com/2010-04-01/Accounts/{store.ACCOUNT_SID}/Messages/{text['id']}"
    for number in range(files):
        form[f"MediaContentType{number}"] = "image/jpeg"
        form[f"MediaUrl{number}"] = f"{media}/Media/ME{number:032}"
    if keyword:
        form["OptOutType"] = keyword
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
