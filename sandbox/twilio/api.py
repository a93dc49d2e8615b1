"""Twilio's Messages API, as far as the `twilio` client needs it (api.twilio.com/2010-04-01)."""

import base64
import binascii
import os
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import faults
from sandbox.twilio import compliance, dispatch, errors, numbers, store
from sandbox.twilio.errors import TwilioError
from sandbox.twilio.store import Sms
from sandbox.world import World

DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE_SIZE = 1000
PREFIX = "/twilio"
ACCOUNTS = PREFIX + "/2010-04-01/Accounts/{account}"
MESSAGES = ACCOUNTS + "/Messages"
_BORN = "Wed, 01 Jan 2020 00:00:00 +0000"

Form = Mapping[str, str]
Answer = tuple[int, dict[str, Any]]
Operation = Callable[[World, Request, Form], Answer]


async def collection(request: Request) -> Response:
    return await _serve(request, send if request.method == "POST" else page)


async def single(request: Request) -> Response:
    return await _serve(request, fetch)


async def account(request: Request) -> Response:
    return await _serve(request, _account)


def _reading(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def read(request: Request) -> Response:
        return await _serve(request, operation)

    return read


async def own_numbers(request: Request) -> Response:
    return await _serve(request, _own_numbers)


def send(world: World, request: Request, form: Form) -> Answer:
    """Accept a message, or refuse it as Twilio would."""
    numbers.check_request(form)
    if form["To"] in store.opted_out(world):
        raise errors.opted_out()
    message = store.create(
        world,
        to=form["To"],
        from_=numbers.sender(form),
        body=form["Body"],
        direction="outbound-api",
        status="accepted" if form.get("MessagingServiceSid") else "queued",
        callback=form.get("StatusCallback", ""),
        service=form.get("MessagingServiceSid", ""),
    )
    dispatch.send(world, message)
    return 201, store.resource(message)


def fetch(world: World, request: Request, form: Form) -> Answer:
    message = store.find(world, request.path_params["sid"])
    if message is None:
        raise errors.not_found(_path(request))
    return 200, store.resource(message)


def page(world: World, request: Request, form: Form) -> Answer:
    """One page of messages, newest first."""
    query = request.query_params
    size = min(int(query.get("PageSize", DEFAULT_PAGE_SIZE)), LARGEST_PAGE_SIZE)
    number = int(query.get("Page", 0))
    matches = [message for message in store.newest_first(world) if _matches(message, query)]
    start = number * size
    shown = matches[start : start + size]
    link = _PageLinks(request, size)
    return 200, {
        "messages": [store.resource(message) for message in shown],
        "start": start,
        "end": start + max(len(shown) - 1, 0),
        "page": number,
        "page_size": size,
        "uri": link.to(number),
        "first_page_uri": link.to(0),
        "previous_page_uri": link.to(number - 1) if number else None,
        "next_page_uri": link.to(number + 1) if start + size < len(matches) else None,
    }


def _account(world: World, request: Request, form: Form) -> Answer:
    """The account, which is never suspended."""
    sid = store.ACCOUNT_SID
    return 200, {
        "sid": sid,
        "owner_account_sid": sid,
        "friendly_name": "Sandbox",
        "status": "active",
        "type": "Full",
        "auth_token": "",
        "date_created": _BORN,
        "date_updated": _BORN,
        "uri": f"/2010-04-01/Accounts/{sid}.json",
        "subresource_uris": {},
    }


def _own_numbers(world: World, request: Request, form: Form) -> Answer:
    """One of the account's two numbers; what comes in goes to SANDBOX_SMS_INBOUND_URL."""
    wanted = request.query_params.get("PhoneNumber", numbers.FROM_NUMBER)
    number_sid = compliance.NUMBERS.get(wanted, "")
    sid = store.ACCOUNT_SID
    only = {
        "sid": number_sid,
        "account_sid": sid,
        "phone_number": wanted,
        "friendly_name": wanted,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "sms_url": os.environ.get("SANDBOX_SMS_INBOUND_URL", ""),
        "sms_method": "POST",
        "status": "in-use",
        "date_created": _BORN,
        "date_updated": _BORN,
        "uri": f"/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers/{number_sid}.json",
    }
    path = _path(request)
    return 200, {
        "incoming_phone_numbers": [only] if number_sid else [],
        "start": 0,
        "end": 0,
        "page": 0,
        "page_size": DEFAULT_PAGE_SIZE,
        "uri": path,
        "first_page_uri": path,
        "previous_page_uri": None,
        "next_page_uri": None,
    }


async def _serve(request: Request, operation: Operation) -> Response:
    form = {key: str(value) for key, value in (await request.form()).items()}
    world: World = request.app.state.world
    try:
        _check_account(request)
        _check_faults(world)
        status, body = await run_in_threadpool(operation, world, request, form)
    except TwilioError as error:
        return error.response()
    if faults.strikes(world.switches.twilio_answer_lost):
        await faults.hang_up(request)
    return JSONResponse(body, status_code=status)


def _check_account(request: Request) -> None:
    expected = f"{store.ACCOUNT_SID}:{store.AUTH_TOKEN}"
    if not secrets.compare_digest(_credentials(request).encode(), expected.encode()):
        raise errors.unauthenticated()
    if request.path_params.get("account", store.ACCOUNT_SID) != store.ACCOUNT_SID:
        raise errors.not_found(_path(request))


def _credentials(request: Request) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _check_faults(world: World) -> None:
    """Fail the share of requests set by the switch, half with 500 and half with 503."""
    if faults.strikes(world.switches.twilio_fail):
        raise random.choice(
            (
                TwilioError(500, 20500, "Internal Server Error"),
                TwilioError(503, 20503, "Service Unavailable"),
            )
        )


def _matches(message: Sms, query: Form) -> bool:
    if query.get("To") not in (None, message["to"]):
        return False
    if query.get("From") not in (None, message["from"]):
        return False
    created = int(message["created"])
    earliest, latest = query.get("DateSent>"), query.get("DateSent<")
    if earliest and created < _instant(earliest):
        return False
    if latest and created > _instant(latest):
        return False
    return "DateSent" not in query or _day(created) == query["DateSent"][:10]


def _instant(text: str) -> float:
    """Unix time of an ISO date or date-time, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TwilioError(400, 20001, f"Invalid date: {text}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _day(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).date().isoformat()


def _path(request: Request) -> str:
    return request.url.path.removeprefix(PREFIX)


class _PageLinks:
    """Links to other pages of the same query, relative to the API's root as Twilio's are."""

    def __init__(self, request: Request, size: int) -> None:
        self._request = request
        self._size = size

    def to(self, number: int) -> str:
        url = self._request.url.include_query_params(Page=number, PageSize=self._size)
        return f"{_path(self._request)}?{url.query}"


routes = [
    Route(MESSAGES + ".json", collection, methods=["GET", "POST"]),
    Route(MESSAGES + "/{sid}.json", single, methods=["GET"]),
    Route(ACCOUNTS + ".json", account, methods=["GET"]),
    Route(ACCOUNTS + "/IncomingPhoneNumbers.json", own_numbers, methods=["GET"]),
    *(
        Route(PREFIX + path, _reading(operation), methods=["GET"])
        for path, operation in compliance.READS.items()
    ),
]
