"""What's wrong with what's set up at Stripe, in sentences (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from billing.stripe.snapshots import EndpointSnapshot, PriceSnapshot

PATH = "/billing/webhook/"
EVERYTHING = "*"
NAMED = 5


@dataclass(frozen=True)
class Fault:
    """Something that isn't as it should be, what to do, and whether `setup_stripe` mends it."""

    text: str
    remedy: str
    is_mended: bool = False
    is_harmless: bool = False


def webhook_url(portal_url: str) -> str:
    """Return the address to which Stripe sends events."""
    return f"{portal_url.rstrip('/')}{PATH}"


def is_reachable(portal_url: str) -> bool:
    """Whether Stripe could reach the portal: an address of this machine's own leads nowhere."""
    host = urlsplit(portal_url).hostname or ""
    return host not in {"localhost", "127.0.0.1", "::1", ""}


def ours_among(endpoints: Sequence[EndpointSnapshot], url: str) -> list[EndpointSnapshot]:
    """Return the endpoints with our address, the one that needs no mending first."""
    plain = url.rstrip("/")
    found = [one for one in endpoints if one.url.rstrip("/") == plain]
    return sorted(found, key=lambda one: (one.url != url, not one.enabled))


def endpoint_faults(
    endpoint: EndpointSnapshot, url: str, events: Sequence[str], version: str
) -> list[Fault]:
    """Return what's wrong with our webhook endpoint."""
    remedy = "Run manage.py setup_stripe, or correct it under Webhooks in Stripe’s dashboard."
    faults = []
    if not endpoint.enabled:
        text = "The webhook endpoint is disabled: no event arrives."
        faults.append(Fault(text, remedy, is_mended=True))
    if endpoint.url != url:
        text = f"The webhook endpoint’s address lacks its last slash: it must be {url}"
        faults.append(Fault(text, remedy, is_mended=True))
    wanted, sent = set(events), set(endpoint.events)
    if missing := sorted(wanted - sent if EVERYTHING not in sent else set()):
        text = f"The webhook endpoint doesn’t send {_listed(missing)}."
        faults.append(Fault(text, remedy, is_mended=True))
    if extra := sorted(sent - wanted):
        text = f"The webhook endpoint also sends {_listed(extra)}, which the portal ignores."
        faults.append(Fault(text, remedy, is_mended=True, is_harmless=True))
    if endpoint.api_version != version:
        text = (
            f"The webhook endpoint uses API version {endpoint.api_version or 'of the account'},"
            f" and the portal was written for {version}."
        )
        remedy = (
            "That works: the portal reads every object itself. Stripe can’t change an endpoint’s"
            " version. To have the same one, delete the endpoint, and run manage.py setup_stripe."
        )
        faults.append(Fault(text, remedy, is_harmless=True))
    return faults


def price_faults(price: PriceSnapshot, setting: str, currency: str = "") -> list[Fault]:
    """Return why a price can't be the membership's; `currency` is the one that it should have."""
    faults = []
    if not price.interval:
        text = f"{setting}: {price.id} is a one-time price, so nobody can become a member with it."
        faults.append(Fault(text, f"Set {setting} to a recurring price of the product."))
    if not price.active:
        text = f"{setting}: {price.id} is archived, so nobody new can become a member."
        faults.append(Fault(text, "Unarchive it in Stripe’s dashboard, or choose another price."))
    if currency and price.currency != currency:
        text = f"{setting}: {price.id} is in {price.currency.upper()}, not {currency.upper()}."
        remedy = "All prices, and PAYMENT_CURRENCY, should have one currency."
        faults.append(Fault(text, remedy))
    return faults


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    left = len(names) - NAMED
    return f"{shown}, and {left} more" if left > 0 else shown
