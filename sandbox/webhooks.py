"""Event delivery: signed, by background threads, retried until a 2xx answer."""

from __future__ import annotations

import heapq
import hmac
import json
import logging
import random
import threading
import time
from hashlib import sha256
from typing import Any

import httpx

from sandbox.stripe.events import endpoint_version, endpoints_for, private, rendered
from sandbox.stripe.shown import public
from sandbox.world import Json, World

log = logging.getLogger("sandbox.webhooks")

_KIND = "sandbox_delivery"
_THREADS = 6
_LONGEST_WAIT = 30
_TIMEOUT = 20.0
_SHUFFLED_OVER = 2.0
_PAUSE_CHECK = 0.25
_PATIENCE = 2.0
"""Seconds that a delivery under way may still take when the process stops."""
_USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """The Stripe-Signature header."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


def _client() -> httpx.Client:
    """Keeps connections open, and ignores proxies in the environment for local traffic."""
    return httpx.Client(timeout=_TIMEOUT, headers={"User-Agent": _USER_AGENT}, trust_env=False)


class Deliverer:
    """Sends one world's events. Deliveries are objects of the account whose event it is, so a
    restart goes on with them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._due: list[tuple[float, int, str, str]] = []
        self._order = 0
        self._in_flight = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._by_event: dict[str, list[str]] = {}
        self._threads = [
            threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True)
            for number in range(_THREADS)
        ]

    def start(self) -> None:
        with self._world.lock:
            for account in self._world.accounts():
                with self._world.at(account):
                    self._go_on()
            self._world.listeners.append(self.add)
        for thread in self._threads:
            thread.start()

    def _go_on(self) -> None:
        for delivery in reversed(self._world.objects.list(_KIND)):
            self._by_event.setdefault(delivery["event"], []).append(delivery["id"])
            if delivery["state"] == "pending":
                self._queue(delivery["id"], time.time())

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def forget(self) -> None:
        """The world was reset."""
        with self._changed:
            self._due.clear()
            self._by_event.clear()
            self._changed.notify_all()

    def add(self, event: Json) -> None:
        """Queue a new event for each endpoint that wants it, as the switches say."""
        switches = self._world.switches
        for endpoint in endpoints_for(self._world, event["type"]):
            for _copy in range(2 if switches.duplicate else 1):
                self._create(event, endpoint, lost=switches.lose)

    def resend(self, event_id: str) -> list[Json]:
        """Resend an event to every endpoint now. Raises LookupError if there's no such event."""
        with self._world.lock:
            event = self._world.objects.get(event_id)
            if event is None or event["object"] != "event":
                raise LookupError(f"There is no event {event_id}.")
            created = [
                self._create(event, endpoint, lost=False)
                for endpoint in endpoints_for(self._world, event["type"])
            ]
            self._world.save()
        return created

    def deliveries(self, event_id: str | None) -> list[Json]:
        """The log of one event, or of all, newest first."""
        with self._world.lock:
            if event_id is None:
                return [public(entry) for entry in self._world.objects.list(_KIND)]
            entries = [self._world.objects.get(entry) for entry in self._by_event.get(event_id, [])]
            return [public(entry) for entry in reversed(entries) if entry]

    def deliver_now(self) -> int:
        """Skip all back-offs. Return how many deliveries were waiting."""
        with self._changed:
            self._due = [(0.0, order, home, one) for _at, order, home, one in self._due]
            heapq.heapify(self._due)
            self._changed.notify_all()
            return len(self._due)

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing is left; while paused, only what's in flight counts."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._is_busy():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.5))
        return True

    def wake(self) -> None:
        """The switches changed."""
        with self._changed:
            self._changed.notify_all()

    def _is_busy(self) -> bool:
        waiting = bool(self._due) and not self._world.switches.webhooks_paused
        return waiting or self._in_flight > 0

    def _create(self, event: Json, endpoint: Json, *, lost: bool) -> Json:
        switches = self._world.switches
        shuffled = random.uniform(0, _SHUFFLED_OVER) if switches.reorder else 0.0
        delivery = self._world.objects.put(
            {
                "id": self._world.new_id("dlv"),
                "object": _KIND,
                "attempts": [],
                "created": self._world.now(),
                "endpoint": endpoint["id"],
                "event": event["id"],
                "state": "lost" if lost else "pending",
                "type": event["type"],
                "url": endpoint["url"],
            }
        )
        version = endpoint_version(self._world, endpoint)
        if version != event["api_version"]:
            private(delivery)["event"] = rendered(self._world, event, version)
        self._by_event.setdefault(event["id"], []).append(delivery["id"])
        if not lost:
            self._queue(delivery["id"], time.time() + switches.webhook_delay + shuffled)
        return delivery

    def _queue(self, delivery_id: str, at: float) -> None:
        with self._changed:
            self._order += 1
            heapq.heappush(self._due, (at, self._order, self._world.account, delivery_id))
            self._changed.notify()

    def _work(self) -> None:
        with _client() as client:
            while True:
                taken = self._take()
                if taken is None:
                    return
                account, delivery_id = taken
                try:
                    with self._world.at(account):
                        self._attempt(client, delivery_id)
                finally:
                    with self._changed:
                        self._in_flight -= 1
                        self._changed.notify_all()

    def _take(self) -> tuple[str, str] | None:
        """Wait for the next due delivery; return its account and it, or None when stopping."""
        with self._changed:
            while not self._stopping:
                wait = self._seconds_until_due()
                if wait == 0:
                    self._in_flight += 1
                    _at, _order, account, delivery_id = heapq.heappop(self._due)
                    return account, delivery_id
                self._changed.wait(wait)
        return None

    def _seconds_until_due(self) -> float | None:
        if self._world.switches.webhooks_paused:
            return _PAUSE_CHECK
        if not self._due:
            return None
        return max(0.0, self._due[0][0] - time.time())

    def _attempt(self, client: httpx.Client, delivery_id: str) -> None:
        prepared = self._prepare(delivery_id)
        if prepared is None:
            return
        url, payload, signature, started = prepared
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        began = time.monotonic()
        status, error = None, None
        try:
            status = client.post(url, content=payload, headers=headers).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            error = f"{type(failure).__name__}: {failure}"
            log.info("%s could not be delivered to %s: %s", delivery_id, url, error)
        attempt = {
            "at": started,
            "status": status,
            "error": error,
            "milliseconds": round((time.monotonic() - began) * 1000),
        }
        self._record(delivery_id, attempt)

    def _prepare(self, delivery_id: str) -> tuple[str, bytes, str, int] | None:
        """What to send where, signed with the real time; None if the world was reset meanwhile."""
        with self._world.lock:
            delivery = self._world.objects.get(delivery_id)
            event = self._world.objects.get(delivery["event"]) if delivery else None
            endpoint = self._world.objects.get(delivery["endpoint"]) if delivery else None
            if delivery is None or event is None or endpoint is None:
                return None
            payload = json.dumps(private(delivery).get("event") or public(event)).encode()
            now = int(time.time())
            return endpoint["url"], payload, sign(payload, endpoint["secret"], now), now

    def _record(self, delivery_id: str, attempt: dict[str, Any]) -> None:
        with self._world.lock:
            delivery = self._world.objects.get(delivery_id)
            if delivery is None:
                return
            delivery["attempts"].append(attempt)
            if attempt["status"] is not None and 200 <= attempt["status"] < 300:
                delivery["state"] = "delivered"
                self._count_down(delivery["event"])
            else:
                wait = min(_LONGEST_WAIT, 2 ** min(len(delivery["attempts"]) - 1, 5))
                self._queue(delivery_id, time.time() + wait)
            self._world.objects.put(delivery)

    def _count_down(self, event_id: str) -> None:
        event = self._world.objects.get(event_id)
        if event and event["pending_webhooks"]:
            event["pending_webhooks"] -= 1
            self._world.objects.put(event)


_running: list[Deliverer] = []


def start(world: World) -> Deliverer:
    """Start delivering for this world; `resend` and `deliveries` use it from then on."""
    deliverer = Deliverer(world)
    deliverer.start()
    _running[:] = [deliverer]
    return deliverer


def stop() -> None:
    for deliverer in _running:
        deliverer.stop()
    _running.clear()


def resend(event_id: str) -> list[Json]:
    return _running[0].resend(event_id)


def deliveries(event_id: str | None = None) -> list[Json]:
    return _running[0].deliveries(event_id)
