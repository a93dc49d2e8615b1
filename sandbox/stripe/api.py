"""The HTTP side of the API: authentication, routing, idempotency, errors, rendering."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import faults
from sandbox import world as worlds
from sandbox.stripe import expandable, keys, older, older_params, versions
from sandbox.stripe import params as parameters
from sandbox.stripe.endpoint import Call, Endpoint
from sandbox.stripe.endpoints import ENDPOINTS
from sandbox.stripe.errors import ApiError, missing
from sandbox.stripe.events import account_version
from sandbox.stripe.expand import expand
from sandbox.stripe.idempotency import Answer, Keys, description
from sandbox.stripe.shown import public
from sandbox.world import Json, World

_BAD_REQUEST = (
    "<html><head><title>400 Bad Request</title></head><body><center><h1>400 Bad Request</h1>"
    "</center><hr><center>nginx</center></body></html>"
)
"""What the server before the API says to a request that is no HTTP."""
_LARGEST_PART = 32 * 1024 * 1024


@dataclass(frozen=True)
class Asked:
    """A request with an accepted key, read as far as possible without the world."""

    account: str
    version: str
    endpoint: Endpoint
    ids: tuple[str, ...]
    raw: Json
    identity: str
    key: str | None
    request_id: str


class Api:
    """Answers requests to /v1 for one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = Keys(world)

    async def serve(self, request: Request) -> Response:
        if not all(_is_plain(value) for _name, value in request.headers.raw):
            return Response(_BAD_REQUEST, 400, media_type="text/html")
        request_id = self._world.new_id("req", 14)
        version = account_version(self._world)
        switches = self._world.switches
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if faults.strikes(switches.api_fail):
            return _respond(_error(_down(), request_id), request_id)
        if faults.strikes(switches.api_rate_limited):
            return _respond(_error(_limited(), request_id), request_id)
        if faults.strikes(switches.api_lock_timeout):
            return _respond(_error(_locked(), request_id), request_id, should_retry=True)
        try:
            asked = _asked(self._world, request, await _pairs(request), key, request_id)
            version = asked.version
            answer = await self._once(asked)
        except ApiError as error:
            answer = _error(error, request_id)
        if faults.strikes(switches.api_answer_lost):
            await faults.hang_up(request)
        return _respond(answer, request_id, key, version=version)

    async def _once(self, asked: Asked) -> Answer:
        """Answer, at most once per idempotency key."""
        if asked.key is None:
            return await self._work(asked)
        with self._world.lock, self._world.at(asked.account):
            before = self._keys.begin(asked.key, asked.identity)
        if before:
            return before
        try:
            return await self._work(asked)
        finally:
            with self._world.lock, self._world.at(asked.account):
                self._keys.release(asked.key)

    async def _work(self, asked: Asked) -> Answer:
        await asyncio.sleep(self._world.switches.api_latency)
        return await run_in_threadpool(self._run, asked)

    def _run(self, asked: Asked) -> Answer:
        # A refused parameter isn't stored under the key: the endpoint never started.
        accepted = older_params.accepted(asked.endpoint, asked.version)
        params = parameters.check(asked.raw, accepted)
        params = older_params.translated(asked.endpoint, params, asked.version)
        if asked.endpoint.is_list:
            _check_filter(self._world, asked.account, params)
        expandable.check(
            params.get("expand") or [],
            expandable.kind_of(asked.endpoint.path),
            is_list=asked.endpoint.is_list,
            version=asked.version,
        )
        with self._world.lock, self._world.at(asked.account):
            self._world.request = worlds.Request(asked.request_id, asked.key)
            try:
                answer = self._answer(asked, params)
            finally:
                self._world.request = None
            if asked.key:
                self._keys.keep(asked.key, asked.identity, answer)
            self._world.save()
        return answer

    def _answer(self, asked: Asked, params: Json) -> Answer:
        try:
            result = self._found(asked.endpoint, Call(self._world, params, asked.ids))
            shown = older.shape(self._world, _render(result), asked.version)
            body = expand(self._world, shown, params.get("expand") or [], asked.version)
        except ApiError as error:
            return _error(error, asked.request_id)
        return Answer(200, _encode(body), asked.request_id)

    def _found(self, endpoint: Endpoint, call: Call) -> Json:
        """A handler's answer. If it raises an error, it has changed nothing."""
        if endpoint.method == "GET":
            return endpoint.handler(call)
        with self._world.undoing():
            return endpoint.handler(call)


def _check_filter(world: World, account: str, params: Json) -> None:
    """Refuse to list by a customer that never existed; a deleted one is known."""
    customer = params.get("customer")
    with world.lock, world.at(account):
        if customer and (world.objects.get(customer) or {}).get("object") != "customer":
            raise missing("customer", customer, param="customer", status=400)


async def _pairs(request: Request) -> list[tuple[str, str]]:
    """The request's names and values. A file is sent as a part of a form; it has a name, too."""
    if request.method != "POST":
        return parse_qsl(request.url.query, keep_blank_values=True)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        body = (await request.body()).decode(errors="replace")
        return parse_qsl(body, keep_blank_values=True)
    pairs: list[tuple[str, str]] = []
    async with request.form(max_part_size=_LARGEST_PART) as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                pairs.append((name, value))
            else:
                content = base64.b64encode(await value.read()).decode()
                pairs += [
                    (f"{name}[filename]", value.filename or ""),
                    (f"{name}[content]", content),
                ]
    return pairs


def _asked(
    world: World,
    request: Request,
    pairs: list[tuple[str, str]],
    key: str | None,
    request_id: str,
) -> Asked:
    account = keys.account_of(request.headers.get("authorization"))
    keys.check_permission(request.headers.get("authorization"), request.url.path)
    keys.check_platform(request.headers.get("stripe-account"))
    named = request.headers.get("stripe-version")
    version = versions.check(named) if named else account_version(world)
    endpoint, ids = _match(request.method, request.url.path, version)
    raw = parameters.decode(pairs)
    identity = description(request.method, request.url.path, raw)
    return Asked(account, version, endpoint, ids, raw, identity, key, request_id)


def _is_plain(header: bytes) -> bool:
    """Whether it's a valid header value: visible ASCII, blanks, and tabs."""
    return all(byte == 9 or 32 <= byte < 127 for byte in header)


def _render(result: Json) -> Json:
    """An object, or a page of objects, without the sandbox's private fields."""
    if result["object"] == "list":
        return {**result, "data": [public(obj) for obj in result["data"]]}
    return public(result)


def _match(method: str, path: str, version: str) -> tuple[Endpoint, tuple[str, ...]]:
    parts = path.rstrip("/").split("/")
    for endpoint, pattern in _BY_SHAPE.get((method, len(parts)), []):
        if endpoint.before and not versions.is_before(version, endpoint.before):
            continue
        if all(wanted in ("{id}", part) for wanted, part in zip(pattern, parts, strict=True)):
            ids = [part for wanted, part in zip(pattern, parts, strict=True) if wanted == "{id}"]
            return endpoint, tuple(ids)
    message = (
        f"Unrecognized request URL ({method}: {path}). "
        "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
    )
    raise ApiError(404, "invalid_request_error", message)


def _shapes() -> dict[tuple[str, int], list[tuple[Endpoint, list[str]]]]:
    shapes: dict[tuple[str, int], list[tuple[Endpoint, list[str]]]] = {}
    for endpoint in ENDPOINTS:
        pattern = endpoint.path.split("/")
        shapes.setdefault((endpoint.method, len(pattern)), []).append((endpoint, pattern))
    return shapes


_BY_SHAPE = _shapes()


def _down() -> ApiError:
    return ApiError(500, "api_error", "An unknown error occurred")


def _limited() -> ApiError:
    message = (
        "Request rate limit exceeded. Learn more about rate limits here "
        "https://stripe.com/docs/rate-limits."
    )
    return ApiError(429, "invalid_request_error", message, code="rate_limit")


def _locked() -> ApiError:
    message = (
        "This object cannot be accessed right now because another API request or Stripe process is "
        "currently accessing it. If you see this error intermittently, retry the request. If you "
        "see this error frequently and are making multiple concurrent requests to a single object, "
        "make your requests serially or at a lower rate. For more details, see "
        "https://stripe.com/docs/rate-limits#object-lock-timeouts."
    )
    return ApiError(429, "invalid_request_error", message, code="lock_timeout")


def _error(error: ApiError, request_id: str) -> Answer:
    return Answer(error.status, _encode(error.body(request_id)), request_id)


def _encode(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":"), default=str).encode()


def _respond(
    answer: Answer,
    request_id: str,
    key: str | None = None,
    *,
    should_retry: bool = False,
    version: str = versions.CURRENT,
) -> Response:
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": version,
        "Cache-Control": "no-cache, no-store",
    }
    if key:
        headers["Idempotency-Key"] = key[:255]
        headers["Original-Request"] = answer.request_id
    if answer.request_id != request_id:
        headers["Idempotent-Replayed"] = "true"
    if should_retry:
        headers["Stripe-Should-Retry"] = "true"
    if answer.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
    return Response(answer.body, answer.status, headers, "application/json")


async def _serve(request: Request) -> Response:
    api: Api = request.app.state.stripe
    return await api.serve(request)


async def broken(_request: Request, _error: Exception) -> Response:
    """The answer if the sandbox itself fails; the error is in its log."""
    return _respond(Answer(500, _encode(_down().body("req_broken")), "req_broken"), "req_broken")


routes = [Route("/v1/{path:path}", _serve, methods=["GET", "POST", "DELETE", "PUT", "PATCH"])]
