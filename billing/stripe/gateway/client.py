"""Stripe's client with our settings, and its errors as ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import stripe
from django.conf import settings

from billing.stripe.gateway import rehearsal
from billing.stripe.gateway.errors import (
    CardRefused,
    StripeBusy,
    StripeError,
    StripeFault,
    StripeLockedOut,
    StripeMissing,
    StripeNotAllowed,
    StripeRefused,
    StripeUnavailable,
    StripeUnreachable,
)
from common.network import is_network_error

logger = logging.getLogger(__name__)

# The version the code was written for: a newer SDK must not silently change answers.
API_VERSION = "2026-10-28.endive"
RETRIES = 2


def is_live_mode() -> bool:
    """Whether our key is one for real money."""
    key: str = settings.STRIPE_SECRET_KEY
    return key.startswith(("sk_live_", "rk_live_"))


def client() -> stripe.StripeClient:
    """Return a client for the current settings.

    Raises:
        StripeLockedOut: there's no key.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise StripeLockedOut("STRIPE_SECRET_KEY is not set.")
    key, base = settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE
    rehearsing = rehearsal.answers()
    if rehearsing is not None:
        return _made(key, base, rehearsal.Client(rehearsing), retries=0)
    return _make_client(key, base, settings.STRIPE_TIMEOUT_SECONDS)


@lru_cache(maxsize=4)
def _make_client(key: str, base: str, timeout: float) -> stripe.StripeClient:
    """Make one client per setting; it keeps connections open, and all threads can use it."""
    return _made(key, base, _http(timeout), retries=RETRIES)


@lru_cache(maxsize=4)
def _http(timeout: float) -> stripe.HTTPClient:
    return stripe.RequestsClient(timeout=timeout)


def _made(key: str, base: str, http: stripe.HTTPClient, *, retries: int) -> stripe.StripeClient:
    # A sandbox takes files, too; Stripe takes them elsewhere.
    is_stripe = not base or base.rstrip("/") == stripe.DEFAULT_API_BASE
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={} if is_stripe else {"api": base, "files": base},
        http_client=http,
        max_network_retries=retries,
    )


def answer(pending: rehearsal.NotReadYet, known: rehearsal.Answers) -> None:
    """Ask Stripe what a rehearsal has to know, outside of its transaction.

    Raises:
        StripeUnavailable: there's no answer now. Any other answer is one, a refusal included.
    """
    http = _http(settings.STRIPE_TIMEOUT_SECONDS)
    request = (pending.method, pending.url, pending.headers, pending.body or None)
    with translated_errors():
        got = http.request_with_retries(*request, max_network_retries=RETRIES)
    if got[1] >= 500 or got[1] in (409, 429):
        raise StripeUnavailable(f"Stripe answered {got[1]} to {pending}.")
    known.known[pending.method, pending.url, pending.body] = got


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn all errors into ours: try later, gone, never, or our own fault."""
    try:
        yield
    except StripeError:
        raise
    except stripe.RateLimitError as error:
        raise StripeBusy(str(error)) from error
    except stripe.APIConnectionError as error:
        # The SDK raises this for anything from its HTTP client, including mistakes.
        if is_network_error(error.__cause__):
            raise StripeUnreachable(str(error)) from error
        raise _fault(error.__cause__ or error) from error
    except stripe.PermissionError as error:
        raise StripeNotAllowed(str(error)) from error
    except stripe.AuthenticationError as error:
        raise StripeLockedOut(str(error)) from error
    except stripe.CardError as error:
        raise CardRefused(str(error), _decline_code(error)) from error
    except stripe.StripeError as error:
        raise _translated(error) from error
    except Exception as error:
        raise _fault(error) from error


def _translated(error: stripe.StripeError) -> StripeError:
    """Return our error for Stripe's answer."""
    status = error.http_status
    # If the status isn't a refusal, the answer wasn't Stripe's: a proxy's page, or truncated.
    if status is None or status < 400 or status >= 500 or status == 409:
        return StripeUnavailable(str(error))
    if error.error is None:
        # A refusal by something in front of the API, which never saw the request.
        return _fault(error)
    if status == 404 or error.code == "resource_missing":
        return StripeMissing(str(error))
    if isinstance(error, stripe.IdempotencyError):
        return _fault(error)
    return StripeRefused(str(error), error.code or "")


def _fault(error: BaseException) -> StripeFault:
    """Log our own fault, wherever it ends up, and return it."""
    logger.error("A request to Stripe failed through a fault of ours.", exc_info=error)
    return StripeFault(f"{type(error).__name__}: {error}")


def _decline_code(error: stripe.CardError) -> str:
    """Return the bank's reason, or else Stripe's."""
    details = error.json_body.get("error", {}) if isinstance(error.json_body, dict) else {}
    return str(details.get("decline_code") or error.code or "")
