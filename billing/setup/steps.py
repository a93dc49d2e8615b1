"""Makes what's missing at Stripe, one thing after another; what's there already is found again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from django.conf import settings

from billing.inbound.events import TARGETS
from billing.setup import judging
from billing.stripe import gateway
from billing.stripe.snapshots import PortalSnapshot, PriceSnapshot
from common.money import Money

# By these, prices are found again.
KEYS = {"month": "portal_monthly", "year": "portal_yearly"}
SETTINGS = {"month": "STRIPE_PRICE_ID", "year": "STRIPE_YEARLY_PRICE_ID"}
OPTIONS = {"month": "--monthly", "year": "--yearly"}
ADJECTIVES = {"month": "monthly", "year": "yearly"}


class State(Enum):
    """What became of one thing."""

    THERE = "There already"
    MADE = "Made"
    WOULD_MAKE = "Would make"
    MENDED = "Mended"
    WOULD_MEND = "Would mend"
    LEFT = "Left to you"
    SKIPPED = "Skipped"
    FAILED = "Failed"


@dataclass(frozen=True)
class Wanted:
    """What the owner asked for. Amounts are in minor units; None: not asked for."""

    name: str
    currency: str
    amounts: dict[str, int | None]
    code: str = ""
    percent_off: int = 10
    is_rehearsal: bool = False


@dataclass(frozen=True)
class Step:
    """What was done, or would be, or is left to do."""

    state: State
    text: str
    remedy: str = ""


@dataclass
class Setup:
    """The run: what was found or made, as far as the next steps need it."""

    wanted: Wanted
    product_id: str = ""
    lines: dict[str, str] = field(default_factory=dict)
    secret: str = ""

    def run(self) -> Iterator[Step]:
        """Yield each step; one that Stripe refuses doesn't stop the others.

        Raises:
            gateway.StripeUnavailable: Stripe can't be asked at all now.
        """
        steps: tuple[tuple[str, Callable[[], Iterator[Step]]], ...] = (
            ("Account", self._account),
            ("Product", self._product),
            ("Monthly price", lambda: self._price("month")),
            ("Yearly price", lambda: self._price("year")),
            ("Webhook endpoint", self._endpoint),
            ("Customer portal", self._portal),
            ("Promo code", self._code),
        )
        for name, step in steps:
            try:
                yield from step()
            except gateway.StripeUnavailable:
                raise
            except gateway.StripeError as error:
                yield Step(State.FAILED, f"{name}: Stripe refused. {error}", _refused(error))

    def _account(self) -> Iterator[Step]:
        account = gateway.read_account()
        mode = "live mode" if gateway.is_live_mode() else "test mode"
        yield Step(State.THERE, f"Account: {account.name or account.id}, in {mode}.")

    def _product(self) -> Iterator[Step]:
        """Find the product of the price that's set, or ours, or make one."""
        if price := self._price_that_is_set("month"):
            found = gateway.read_sold(price.product_id)
        else:
            marked = gateway.marked_product()
            if marked is None:
                yield self._make_product()
                return
            found = marked
        self.product_id = found.id
        if found.active:
            yield Step(State.THERE, f"Product: {found.name} ({found.id}).")
        else:
            text = f"Product: {found.name} ({found.id}) is archived, so it can’t be sold."
            yield Step(State.LEFT, text, "Unarchive it in Stripe’s dashboard.")

    def _make_product(self) -> Step:
        if self.wanted.is_rehearsal:
            return Step(State.WOULD_MAKE, f"Product: {self.wanted.name}.")
        made = gateway.create_product(self.wanted.name)
        self.product_id = made.id
        return Step(State.MADE, f"Product: {made.name} ({made.id}).")

    def _price_that_is_set(self, interval: str) -> PriceSnapshot | None:
        """Return the price that the settings name, if it's at Stripe."""
        named: str = getattr(settings, SETTINGS[interval])
        try:
            return gateway.read_price(named) if named else None
        except gateway.StripeMissing:
            return None

    def _price(self, interval: str) -> Iterator[Step]:
        """Find the price that's set, or the one with our key, or make one."""
        named: str = getattr(settings, SETTINGS[interval])
        found = self._price_that_is_set(interval)
        if named and found is None:
            text = f"{SETTINGS[interval]} is {named}, which isn’t in this account and mode."
            yield Step(State.LEFT, text, "Replace it by the line below.")
        if found is None:
            found = gateway.price_by_key(KEYS[interval])
        if found is None:
            yield self._make_price(interval)
            return
        self.lines[SETTINGS[interval]] = found.id
        yield from self._compared(found, interval)

    def _compared(self, found: PriceSnapshot, interval: str) -> Iterator[Step]:
        name = f"{ADJECTIVES[interval].capitalize()} price"
        money = Money(found.amount, found.currency)
        left = judging.price_faults(found, SETTINGS[interval], self.wanted.currency)
        yield from (Step(State.LEFT, one.text, one.remedy) for one in left)
        if found.interval and (found.interval, found.interval_count) != (interval, 1):
            text = f"{name}: {found.id} is charged every {found.interval_count} {found.interval}."
            yield Step(State.LEFT, text, f"Set {SETTINGS[interval]} to another price.")
        asked = self.wanted.amounts[interval]
        if asked is not None and (asked, self.wanted.currency) != (found.amount, found.currency):
            text = (
                f"{name}: {found.id} costs {money}, not {Money(asked, self.wanted.currency)}."
                " Stripe can’t change a price’s amount."
            )
            remedy = (
                "Add a price to the product in Stripe’s dashboard, and set"
                f" {SETTINGS[interval]} to it. Members keep the price they have."
            )
            yield Step(State.LEFT, text, remedy)
        if self.product_id and found.product_id != self.product_id:
            text = f"{name}: {found.id} belongs to another product, so members can’t switch to it."
            yield Step(
                State.LEFT, text, f"Set {SETTINGS[interval]} to a price of the same product."
            )
        elif not left:
            yield Step(State.THERE, f"{name}: {money} ({found.id}).")

    def _make_price(self, interval: str) -> Step:
        name, amount = f"{ADJECTIVES[interval].capitalize()} price", self.wanted.amounts[interval]
        if amount is None:
            remedy = f"Give its amount to make one: {OPTIONS[interval]} 29.00"
            state = State.LEFT if interval == "month" else State.SKIPPED
            return Step(state, f"{name}: there’s none.", remedy)
        money = Money(amount, self.wanted.currency)
        if self.wanted.is_rehearsal:
            return Step(State.WOULD_MAKE, f"{name}: {money}.")
        if not self.product_id:
            return Step(State.FAILED, f"{name}: there’s no product to make it for.")
        key, currency = KEYS[interval], self.wanted.currency
        made = gateway.create_price(
            gateway.NewPrice(self.product_id, key, amount, currency, interval)
        )
        self.lines[SETTINGS[interval]] = made.id
        return Step(State.MADE, f"{name}: {money} ({made.id}).")

    def _endpoint(self) -> Iterator[Step]:
        """Find the endpoint with our address and mend it, or make it."""
        url = judging.webhook_url(settings.PORTAL_URL)
        if not judging.is_reachable(settings.PORTAL_URL):
            text = f"Webhook endpoint: Stripe can’t reach {url}"
            remedy = f"Forward events with Stripe’s CLI: stripe listen --forward-to {url}"
            yield Step(State.SKIPPED, text, remedy)
            return
        events = sorted(TARGETS)
        ours = judging.ours_among(gateway.list_endpoints(), url)
        if not ours:
            yield self._make_endpoint(url, events)
            return
        first, *others = ours
        faults = judging.endpoint_faults(first, url, events, gateway.API_VERSION)
        mended = [one for one in faults if one.is_mended]
        if mended and not self.wanted.is_rehearsal:
            gateway.mend_endpoint(first.id, url, events)
        state = State.WOULD_MEND if self.wanted.is_rehearsal else State.MENDED
        yield from (Step(state, one.text) for one in mended)
        yield from (Step(State.LEFT, one.text, one.remedy) for one in faults if not one.is_mended)
        if not faults:
            yield Step(State.THERE, f"Webhook endpoint: {url} ({first.id}).")
        for other in others:
            text = f"Webhook endpoint: {other.id} has the same address, so events come twice."
            yield Step(State.LEFT, text, "Delete the one that isn’t needed in Stripe’s dashboard.")

    def _make_endpoint(self, url: str, events: list[str]) -> Step:
        about = f"Webhook endpoint: {url} with {len(events)} events"
        if self.wanted.is_rehearsal:
            return Step(State.WOULD_MAKE, f"{about}.")
        made = gateway.create_endpoint(url, events)
        self.secret = made.secret
        return Step(State.MADE, f"{about} ({made.id}).")

    def _portal(self) -> Iterator[Step]:
        """Find the configuration that members are led to and mend it, or make one of our own."""
        listed = gateway.list_portals()
        named: str = settings.STRIPE_PORTAL_CONFIGURATION
        found = next((one for one in listed if one.id == named), None)
        if named and found is None:
            text = f"STRIPE_PORTAL_CONFIGURATION is {named}, which isn’t in this account and mode."
            yield Step(State.LEFT, text, "Replace it by the line below, or remove it.")
        found = found or next((one for one in listed if one.is_default), None) or _ours(listed)
        if found is None:
            yield self._make_portal()
            return
        if not found.is_default:
            self.lines["STRIPE_PORTAL_CONFIGURATION"] = found.id
        if found.changes_cards:
            yield Step(State.THERE, f"Customer portal: members can change their card ({found.id}).")
            return
        if not self.wanted.is_rehearsal:
            gateway.mend_portal(found.id)
        state = State.WOULD_MEND if self.wanted.is_rehearsal else State.MENDED
        yield Step(state, f"Customer portal: members couldn’t change their card ({found.id}).")

    def _make_portal(self) -> Step:
        if self.wanted.is_rehearsal:
            return Step(State.WOULD_MAKE, "Customer portal: a configuration for changing cards.")
        made = gateway.create_portal()
        self.lines["STRIPE_PORTAL_CONFIGURATION"] = made.id
        return Step(State.MADE, f"Customer portal: a configuration for changing cards ({made.id}).")

    def _code(self) -> Iterator[Step]:
        """Make a sample of a promo code, if the owner asked for one."""
        code = self.wanted.code
        if not code:
            text = "Promo code: none was asked for."
            yield Step(State.SKIPPED, text, "To make a sample: --promo-code WELCOME10")
            return
        found = gateway.code_by_name(code)
        if found and found.active:
            yield Step(State.THERE, f"Promo code: {found.code} ({found.id}).")
        elif found:
            text = f"Promo code: {found.code} ({found.id}) can’t be used anymore."
            yield Step(State.LEFT, text, "Choose another code.")
        elif self.wanted.is_rehearsal:
            yield Step(State.WOULD_MAKE, f"Promo code: {code}, {self.wanted.percent_off}% off.")
        else:
            made = gateway.create_code(code, self.wanted.percent_off)
            text = f"Promo code: {made.code}, {self.wanted.percent_off}% off ({made.id})."
            yield Step(State.MADE, text)


def _ours(listed: list[PortalSnapshot]) -> PortalSnapshot | None:
    return next((one for one in listed if one.mark == gateway.CARD_PAGE and one.active), None)


def _refused(error: gateway.StripeError) -> str:
    if isinstance(error, gateway.StripeLockedOut):
        return "Use a secret key, or give the restricted key permission for this."
    return ""
