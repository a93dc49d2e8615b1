"""Messages to members if Stripe didn't do something, honest about whose fault it is.

Temporary trouble is a warning in the log. Everything else is an error there, with its traceback.
"""

from __future__ import annotations

from logging import Logger

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.stripe import gateway
from common.context import current_brand

# Not about the request itself: another card or choice would fail too.
NOT_THE_REQUEST = (gateway.StripeUnavailable, gateway.StripeLockedOut, gateway.StripeFault)


def sentence(error: gateway.StripeError, *, so_far: str = "") -> str:
    """Say why the member can't do something now, and what to do.

    `so_far` is a sentence about what happened to money or membership.
    """
    if isinstance(error, gateway.StripeUnreachable):
        why, then = _("We can’t reach our payment provider right now."), str(_AGAIN)
    elif isinstance(error, gateway.StripeUnavailable):
        why, then = _("Our payment provider is having trouble right now."), str(_AGAIN)
    else:
        why = _("Something is wrong on our side, so this isn’t possible right now.")
        then = _("Please write to %(support)s.") % {"support": current_brand().support_email}
    return " ".join(part for part in (why, so_far, then) if part)


def note(logger: Logger, error: gateway.StripeError, what: str) -> None:
    """Log it: a warning if it's temporary, or else an error with its traceback."""
    if isinstance(error, gateway.StripeUnavailable):
        logger.warning("%s: %s", what, error)
    else:
        logger.error("%s: %s", what, error, exc_info=error)


_AGAIN = gettext_lazy("Please try again in a moment.")
