"""The sandbox's time, and what happens automatically as it passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.stripe import (
    balance,
    charges,
    checkout,
    delayed,
    disputes,
    due_dates,
    fraud_warnings,
    invoices,
    payouts,
    refunds,
    renewals,
    subscriptions,
)
from sandbox.stripe.periods import DAY, after
from sandbox.world import PRIVATE, Json, World

_JUST_AFTER_RENEWAL = 2 * 3600
"""Seconds after a period's end by which its invoice is opened and collected."""

DATED_BACK = (
    *("product", "price", "webhook_endpoint", "billing_portal.configuration", "event"),
    "balance_transaction",
)
"""What there is before anybody has done business."""

_advancing = threading.Lock()


@dataclass(frozen=True)
class Happening:
    """Something due at a certain time. If two are due at once, the lower rank goes first."""

    at: int
    rank: int
    run: Callable[[World, Json], object]
    obj: Json


def advance(world: World, step: str) -> int:
    """Advance by a `day` or a `month`, or until the next `renewal` is paid. Return the new time."""
    if step == "day":
        return go_to(world, world.now() + DAY)
    if step == "month":
        # Someone who joined just now renews in a month, and is charged an hour after that.
        return go_to(world, after(world.now(), "month", 1) + _JUST_AFTER_RENEWAL)
    if step == "renewal":
        return go_to(world, _next_renewal(world))
    raise ValueError("The clock goes on by a day, a month or to the next renewal.")


def advance_seconds(world: World, seconds: int) -> int:
    if seconds < 0:
        raise ValueError("The clock only goes on.")
    return go_to(world, world.now() + seconds)


def set_to(world: World, moment: int) -> int:
    """Go to a time. Going back is possible only while nobody has done business."""
    with world.lock:
        if moment < world.now():
            if any(_has_done_business(world, account) for account in world.accounts()):
                raise ValueError("The clock goes back only in an empty sandbox.")
            _begin_at(world, moment)
            return world.now()
    return go_to(world, moment)


def _has_done_business(world: World, account: str) -> bool:
    with world.at(account):
        return bool(world.objects.list("customer") or world.objects.list("checkout.session"))


def _begin_at(world: World, moment: int) -> None:
    world.unfreeze(moment)
    for account in world.accounts():
        with world.at(account):
            _date_back(world, moment)
    world.save()


def _date_back(world: World, moment: int) -> None:
    for kind in DATED_BACK:
        for obj in world.objects.list(kind):
            for name in {"created", "available_on"} & {*obj}:
                obj[name] = min(obj[name], moment)
            world.objects.put(obj)


def go_to(world: World, moment: int) -> int:
    """Let everything that's due until a time happen, each at its own time, and stop there."""
    with _advancing:
        while _step(world, moment):
            # Others get the lock in between: workers read what they were told about.
            time.sleep(0)
        with world.lock:
            world.unfreeze(max(moment, world.now()))
            world.save()
            return world.now()


def catch_up(world: World) -> None:
    """Do what became due as real time passed. Return immediately if the clock is being advanced."""
    if _advancing.locked():
        return
    with world.lock:
        if _earliest(world, world.now()) is None:
            return
    with _advancing:
        while _step(world, int(time.time() + world.offset)):
            time.sleep(0)
        with world.lock:
            world.unfreeze(int(time.time() + world.offset))
            world.save()


def _step(world: World, until: int) -> bool:
    """Let the next due thing happen; return False if nothing is due."""
    with world.lock:
        earliest = _earliest(world, until)
        if earliest is None:
            return False
        account, happening = earliest
        world.freeze(max(happening.at, world.now()))
        with world.at(account):
            happening.run(world, happening.obj)
        world.save()
        return True


def _earliest(world: World, until: int) -> tuple[str, Happening] | None:
    """Return what's due first, and in which account."""
    due = []
    for account in world.accounts():
        with world.at(account):
            due += [(account, one) for one in happenings(world) if one.at <= until]
    return min(due, key=lambda entry: (entry[1].at, entry[1].rank), default=None)


def happenings(world: World) -> Iterator[Happening]:
    """Return everything that lies ahead in an account.

    It's derived from the objects, so it can't get out of step with them.
    """
    for subscription in world.objects.list("subscription"):
        if subscription["status"] not in subscriptions.ENDED:
            yield from _of_subscription(subscription)
    for invoice in world.objects.list("invoice"):
        if invoice["status"] == "draft" and invoice["automatically_finalizes_at"]:
            yield Happening(
                invoice["automatically_finalizes_at"], 4, renewals.advance_invoice, invoice
            )
        elif invoice["status"] == "open":
            yield from _of_open_invoice(world, invoice)
    for session in world.objects.list("checkout.session", status="open"):
        yield Happening(session["expires_at"], 6, checkout.expire, session)
    for intent in world.objects.list("payment_intent", status="processing"):
        yield Happening(intent[PRIVATE]["settles_at"], 7, delayed.settle, intent)
    yield from _of_refunds(world)
    yield from _of_charges(world)
    yield from _of_payouts(world)


def _of_open_invoice(world: World, invoice: Json) -> Iterator[Happening]:
    if invoice["next_payment_attempt"]:
        yield Happening(invoice["next_payment_attempt"], 5, renewals.retry, invoice)
    told_at = invoices.retry_told_at(invoice)
    if told_at and invoice["auto_advance"]:
        yield Happening(told_at, 5, invoices.tell_retry, invoice)
    for at, step in due_dates.ahead(world, invoice):
        yield Happening(at, 5, step, invoice)


def _of_subscription(subscription: Json) -> Iterator[Happening]:
    start, end = subscriptions.period(subscription)
    remembered = subscription.get(PRIVATE, {})
    if subscription["status"] == "incomplete":
        at = subscription["created"] + renewals.INCOMPLETE_FOR
        yield Happening(at, 3, subscriptions.expire, subscription)
        return
    if subscription["cancel_at"]:
        yield Happening(subscription["cancel_at"], 2, _end, subscription)
        if subscription["cancel_at"] <= end:
            return
    resumes_at = (subscription["pause_collection"] or {}).get("resumes_at")
    if resumes_at:
        yield Happening(resumes_at, 0, renewals.resume_collection, subscription)
    if subscription["status"] == "trialing" and remembered.get("warned") != end:
        at = max(start, end - renewals.TRIAL_WARNING_BEFORE)
        yield Happening(at, 0, renewals.warn_of_trial_end, subscription)
    if remembered.get("announced") != end and not subscription["pause_collection"]:
        at = max(start, end - subscriptions.UPCOMING_BEFORE)
        yield Happening(at, 1, renewals.announce, subscription)
    yield Happening(end, 3, renewals.turn, subscription)


def _of_refunds(world: World) -> Iterator[Happening]:
    for refund in world.objects.list("refund"):
        planned = refund.get(PRIVATE, {})
        if "fails_at" in planned:
            yield Happening(planned["fails_at"], 7, refunds.fail, refund)
        elif "succeeds_at" in planned:
            yield Happening(planned["succeeds_at"], 7, refunds.succeed, refund)
        elif "expires_at" in planned:
            yield Happening(planned["expires_at"], 7, refunds.cancel, refund)


def _of_charges(world: World) -> Iterator[Happening]:
    for charge in world.objects.list("charge"):
        remembered = charge.get(PRIVATE, {})
        if "booked_at" in remembered:
            yield Happening(remembered["booked_at"], 7, charges.book_late, charge)
        planned = remembered.get("disputed")
        if planned:
            yield Happening(planned["at"], 8, disputes.open_planned, charge)
        if "warned" in remembered:
            yield Happening(remembered["warned"]["at"], 8, fraud_warnings.warn_planned, charge)
    for dispute in world.objects.list("dispute"):
        if dispute["status"] in disputes.ANSWERABLE:
            at = dispute["evidence_details"]["due_by"]
            yield Happening(at, 9, disputes.miss_deadline, dispute)
        elif dispute["status"] in disputes.UNDER_REVIEW:
            yield Happening(dispute[PRIVATE]["decided_at"], 9, disputes.decide, dispute)


def _of_payouts(world: World) -> Iterator[Happening]:
    for payout in world.objects.list("payout"):
        if payout["status"] in payouts.ON_THE_WAY:
            yield Happening(payout["arrival_date"], 10, payouts.arrive, payout)
    if world.switches.automatic_payouts:
        for currency in balance.used(world):
            due = payouts.next_automatic(world, currency)
            if due is not None:
                yield Happening(due, 11, _pay_out, {"currency": currency})


def _pay_out(world: World, of: Json) -> None:
    payouts.pay_out(world, of["currency"])


def _end(world: World, subscription: Json) -> None:
    subscriptions.end(world, subscription)


def _next_renewal(world: World) -> int:
    with world.lock:
        ends = [end for account in world.accounts() for end in _period_ends(world, account)]
    if not ends:
        raise ValueError("There is no subscription that could renew.")
    return min(ends) + _JUST_AFTER_RENEWAL


def _period_ends(world: World, account: str) -> list[int]:
    with world.at(account):
        return [
            subscriptions.period(subscription)[1]
            for subscription in world.objects.list("subscription")
            if subscription["status"] not in (*subscriptions.ENDED, "incomplete")
        ]


class Ticker(threading.Thread):
    """Lets the world catch up with real time and saves it, once per second."""

    def __init__(self, world: World) -> None:
        super().__init__(name="clock", daemon=True)
        self._world = world
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(1):
            catch_up(self._world)
            with self._world.lock:
                # What the delivery threads recorded meanwhile.
                self._world.save()

    def stop(self) -> None:
        self._stopped.set()
        self.join()
