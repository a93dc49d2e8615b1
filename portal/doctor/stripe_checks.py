"""Checks of Stripe: key, account, endpoint, prices, card page, tax."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.conf import settings
from django.utils import timezone

from billing.inbound.events import TARGETS
from billing.models import StripeEvent
from billing.setup import judging
from billing.setup.judging import Fault
from billing.stripe import gateway
from common.staff import show
from portal.doctor.results import Check, Result, fail, ok, unknown, warn

LATELY = timedelta(days=7)
SETUP = "Run manage.py setup_stripe, which makes it."
# Signatures older than this many seconds are refused, so a clock may not be further off.
TOLERANCE = 300
NAMED = 5


def _asking(check: Callable[[], Result]) -> Callable[[], Result]:
    """Let a check that asks Stripe say so if Stripe doesn't answer, or refuses."""

    @wraps(check)
    def asked() -> Result:
        if not settings.STRIPE_SECRET_KEY:
            return unknown("Stripe isn’t set up.", "Set STRIPE_SECRET_KEY.")
        try:
            return check()
        except gateway.StripeUnavailable as error:
            return unknown(f"Stripe didn’t answer. {error}", "Try again later.")
        except gateway.StripeLockedOut as error:
            remedy = "Use a secret key, or give the restricted key permission to read this."
            return unknown(f"Stripe didn’t let us look. {error}", remedy)
        except gateway.StripeError as error:
            return unknown(f"Stripe’s answer is of no use. {error}", "The log may say more.")

    return asked


def key() -> Result:
    """Whether the key works, and is one for this portal's mode."""
    if not settings.STRIPE_SECRET_KEY:
        return fail("There’s no key for Stripe: nothing is on sale.", "Set STRIPE_SECRET_KEY.")
    try:
        account = gateway.read_account()
    except gateway.StripeLockedOut as error:
        remedy = "Copy the key again from Developers, API keys, in Stripe’s dashboard."
        return fail(f"Stripe doesn’t accept the key. {error}", remedy)
    except gateway.StripeError as error:
        return unknown(f"Stripe didn’t answer. {error}", "Try again later.")
    name = account.name or account.id
    if gateway.is_live_mode():
        return ok(f"The key opens the account “{name}”, in live mode.")
    text = f"The key opens the account “{name}”, in test mode: no payment is real."
    if settings.DEVELOPMENT:
        return ok(text)
    return warn(text, "Before you open, set STRIPE_SECRET_KEY to the live key.")


@_asking
def account() -> Result:
    """Whether the account may take payments and pay out, and what Stripe wants to know."""
    found = gateway.read_account()
    remedy = "Open Stripe’s dashboard, which asks for what’s missing."
    off = [
        what
        for what, is_on in (
            ("take payments", found.charges_enabled),
            ("pay out", found.payouts_enabled),
        )
        if not is_on
    ]
    if off:
        why = f" Stripe’s reason: {found.disabled}." if found.disabled else ""
        return fail(f"The account can’t {' or '.join(off)}.{why}", remedy)
    if found.due:
        listed = ", ".join(found.due[:NAMED])
        return warn(f"Stripe wants to know more about the business: {listed}.", remedy)
    return ok("The account can take payments and pay out, and Stripe asks for nothing.")


@_asking
def permissions() -> Result:
    """Whether a restricted key may read all that we copy."""
    if not settings.STRIPE_SECRET_KEY.startswith("rk_"):
        return ok("The key is a secret key, which may do everything.")
    lacking = gateway.unreadable()
    if not lacking:
        return ok("The restricted key may read everything that we copy.")
    remedy = "In Stripe’s dashboard, under Developers, API keys, let it read them."
    return fail(f"The restricted key may not read everything: {', '.join(lacking)}.", remedy)


@_asking
def webhook() -> Result:
    """Whether Stripe sends our events to our address."""
    url = judging.webhook_url(settings.PORTAL_URL)
    if not judging.is_reachable(settings.PORTAL_URL):
        text = f"Stripe can’t reach {url}, which is this machine’s own address."
        return unknown(text, f"Forward events: stripe listen --forward-to {url}")
    ours = judging.ours_among(gateway.list_endpoints(), url)
    if not ours:
        return fail(f"No webhook endpoint has the address {url}", SETUP)
    if len(ours) > 1:
        remedy = "Delete one of them in Stripe’s dashboard."
        return warn(f"{len(ours)} webhook endpoints have our address: events come twice.", remedy)
    faults = judging.endpoint_faults(ours[0], url, sorted(TARGETS), gateway.API_VERSION)
    return _judged(faults, f"Stripe sends {len(TARGETS)} kinds of events to {url}")


def secret() -> Result:
    """Whether the signing secret is right: only events with a good signature are stored."""
    if not settings.STRIPE_WEBHOOK_SECRETS:
        remedy = "Reveal it at the webhook endpoint, and set STRIPE_WEBHOOK_SECRETS."
        return fail("There’s no signing secret: Stripe’s events are refused.", remedy)
    last = StripeEvent.objects.order_by("-id").values_list("received_at", flat=True).first()
    if last and timezone.now() - last < LATELY:
        since = show.how_long(last, timezone.now())
        return ok(f"An event with a good signature came {since} ago.")
    remedy = "Change something at Stripe, such as a product’s description, and look again."
    return unknown("No event with a good signature has come lately, which would prove it.", remedy)


@_asking
def prices() -> Result:
    """Whether what's on sale exists, is active, recurs, and has one currency."""
    names = [name for name in ("STRIPE_PRICE_ID", "STRIPE_YEARLY_PRICE_ID")
             if getattr(settings, name)]  # fmt: skip
    if "STRIPE_PRICE_ID" not in names:
        return fail("There’s no price: nobody can become a member.", SETUP)
    faults: list[Fault] = []
    products = set()
    for name in names:
        price_id = getattr(settings, name)
        try:
            price = gateway.read_price(price_id)
        except gateway.StripeMissing:
            text = f"{name}: {price_id} isn’t in this account and mode."
            faults.append(Fault(text, SETUP))
            continue
        faults += judging.price_faults(price, name, settings.PAYMENT_CURRENCY)
        products.add(price.product_id)
    if len(products) > 1:
        text = "The monthly and the yearly price belong to different products."
        faults.append(Fault(text, "Members can only switch between prices of one product."))
    return _judged(faults, f"{' and '.join(names)} can be sold, and recur.")


@_asking
def card_page() -> Result:
    """Whether members can change their card at Stripe."""
    named: str = settings.STRIPE_PORTAL_CONFIGURATION
    found = [
        one for one in gateway.list_portals() if (one.id == named if named else one.is_default)
    ]
    if not found:
        return fail("The customer portal isn’t set up: nobody can change a card there.", SETUP)
    if not (found[0].changes_cards and found[0].active):
        text = "The customer portal is set up so that nobody can change a card."
        return fail(text, "Run manage.py setup_stripe, which corrects it.")
    return ok("Members can change their card in Stripe’s customer portal.")


@_asking
def branding() -> Result:
    """Whether Stripe's own pages look like the business's: Checkout, and the card page."""
    found = gateway.read_account()
    remedy = "In Stripe’s dashboard, open Settings, Business, Branding."
    if found.has_picture is None:
        return unknown("Stripe doesn’t tell how its pages look.", remedy)
    parts = (("logo or icon", found.has_picture), ("brand color", found.has_color))
    lacking = [what for what, is_there in parts if not is_there]
    if lacking:
        text = f"Checkout and the card page at Stripe have no {' and no '.join(lacking)} of yours."
        return warn(text, remedy)
    return ok("Checkout and the card page at Stripe have your picture and color.")


def own_emails() -> Result:
    """Say what Stripe doesn't tell: whether it emails members, too."""
    remedy = (
        "In Stripe’s dashboard, turn off “Successful payments” under Settings, Business, Customer"
        " emails, and failed payments under Settings, Billing, Subscriptions and emails."
    )
    return unknown("Stripe doesn’t tell whether it emails members, too. Check by hand.", remedy)


@_asking
def tax() -> Result:
    """Whether Stripe Tax is set up, if it's on."""
    if not settings.STRIPE_TAX:
        return ok("Stripe Tax is off (STRIPE_TAX).")
    if gateway.read_tax_account().status == "active":
        return ok("Stripe Tax is set up.")
    remedy = "Activate it in Stripe’s dashboard under Tax, or set STRIPE_TAX=false."
    return fail("STRIPE_TAX is on, but Stripe Tax isn’t set up: nobody can pay.", remedy)


@_asking
def clock() -> Result:
    """Whether our clock agrees with Stripe's: signatures, codes, and deadlines depend on it."""
    off = abs((timezone.now() - gateway.stripe_time()).total_seconds())
    if off < TOLERANCE / 10:
        return ok("This machine’s clock agrees with Stripe’s.")
    text = f"This machine’s clock is off by {off:.0f} seconds, compared with Stripe’s."
    remedy = "Switch on time synchronization: timedatectl set-ntp true"
    return fail(text, remedy) if off >= TOLERANCE else warn(text, remedy)


def _judged(faults: list[Fault], good: str) -> Result:
    """Return one result about all faults; the remedies are those of the serious ones, if any."""
    if not faults:
        return ok(good)
    serious = [one for one in faults if not one.is_harmless]
    shown = serious or faults
    remedies = " ".join(dict.fromkeys(one.remedy for one in shown))
    text = " ".join(one.text for one in [*serious, *(one for one in faults if one.is_harmless)])
    return fail(text, remedies) if serious else warn(text, remedies)


CHECKS = (
    Check("stripe.key", key),
    Check("stripe.account", account),
    Check("stripe.permissions", permissions),
    Check("stripe.webhook", webhook),
    Check("stripe.secret", secret),
    Check("stripe.prices", prices),
    Check("stripe.card_page", card_page),
    Check("stripe.branding", branding),
    Check("stripe.emails", own_emails),
    Check("stripe.tax", tax),
    Check("host.clock", clock),
)
