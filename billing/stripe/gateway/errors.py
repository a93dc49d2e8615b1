"""Our errors for what goes wrong at Stripe, and which of them end a long run."""

from __future__ import annotations

from common.queue import Known


class StripeError(Exception):
    """Stripe didn't do what we asked; the text is for staff, and `code` is Stripe's error code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StripeUnavailable(StripeError, Known):
    """Stripe couldn't be reached, was too busy, or failed: try again later."""


class StripeUnreachable(StripeUnavailable):
    """A network failure: no answer came. Only this may be called "can't be reached"."""


class StripeBusy(StripeUnavailable):
    """We're asking more often than Stripe allows (HTTP 429)."""


class StripeMissing(StripeError):
    """The object isn't at Stripe (anymore)."""


class StripeRefused(StripeError):
    """Stripe refused the request: repeating it won't help."""


class CardRefused(StripeRefused):
    """The card was declined, or its bank wants a confirmation; `code` is Stripe's reason.

    Nothing was charged or changed.
    """


class PortalNotSetUp(StripeRefused):
    """Nobody has saved the customer portal's settings in Stripe's dashboard yet."""


class StripeLockedOut(StripeRefused):
    """Stripe doesn't accept our key, or there is none; the request itself isn't the reason."""


class StripeNotAllowed(StripeLockedOut):
    """Our key is good, but may not do this: a restricted one lacks the permission (HTTP 403)."""


class StripeFault(StripeError, Known):
    """Our own fault: the request couldn't be made, or its answer couldn't be read.

    An untrusted certificate, a wrong address, a mistake in our code. It's logged as an error with
    its traceback, and nobody knows whether Stripe did what we asked.
    """


class BadSignature(Exception):
    """The webhook's body wasn't signed with one of our secrets, or too long ago."""


# With these, a long run can't read any other object either.
ENDS_ALL: tuple[type[StripeError], ...] = (StripeUnavailable, StripeLockedOut)
