"""When another code can be requested, said in a sentence on the same page."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from math import ceil
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse, RateLimited
from django.core.cache import cache
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.signin.allauth_internals import ratelimit
from members.signin.budgets import Budget

MINUTE, HOUR = 60, 60 * 60
ACCOUNT = "allauth.account"


def seconds_left(request: HttpRequest, action: str, key: str) -> float:
    """Return how many seconds ACCOUNT_RATE_LIMITS still refuse an action with this key."""
    rates = ratelimit.get_rates(app=ACCOUNT, action=action)
    return max((_seconds_left(request, action, key, rate) for rate in rates), default=0.0)


def sentence(seconds: float) -> str:
    """Say when another code can be requested."""
    if seconds <= MINUTE:
        return _("We just sent one. You can request another in a minute.")
    if seconds <= HOUR:
        minutes = ceil(seconds / MINUTE)
        return ngettext(
            "We’ve sent several codes already. You can request another in {minutes} minute.",
            "We’ve sent several codes already. You can request another in {minutes} minutes.",
            minutes,
        ).format(minutes=minutes)
    hours = ceil(seconds / HOUR)
    return ngettext(
        "We’ve sent several codes already. You can request another in {hours} hour.",
        "We’ve sent several codes already. You can request another in {hours} hours.",
        hours,
    ).format(hours=hours)


def refusal(request: HttpRequest, action: str, key: str) -> str:
    """Say why no code is sent for this key now, or "" if one can be."""
    seconds = seconds_left(request, action, key)
    return sentence(seconds) if seconds > 0 else ""


class SaysWhen:
    """A page that sends codes. If it's too soon, it shows itself again with 429 and a sentence.

    allauth answers some of these with its own 429 page, which drops the code that was sent.
    """

    request: HttpRequest

    def unless_too_soon(
        self,
        budget: Budget,
        form: BaseForm,
        send: Callable[[Any], HttpResponseBase],
    ) -> HttpResponseBase:
        """Send, or show the page with the sentence; `budget` names the limit that applies.

        A simultaneous request elsewhere passes this check but is refused by allauth.
        """
        if words := refusal(self.request, budget.action, budget.key):
            return self.too_soon(form, words)
        try:
            return send(form)
        except RateLimited as error:
            return self.too_soon(form, str(error) or sentence(0))
        except ImmediateHttpResponse as error:
            if error.response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            return self.too_soon(form, sentence(0))

    def too_soon(self, form: BaseForm, words: str) -> HttpResponseBase:
        """Show the page again with this sentence."""
        context = self.get_context_data(form=form, too_soon=words)  # type: ignore[attr-defined]
        response: HttpResponseBase = self.render_to_response(  # type: ignore[attr-defined]
            context, status=HTTPStatus.TOO_MANY_REQUESTS
        )
        return response


def _seconds_left(request: HttpRequest, action: str, key: str, rate: ratelimit.Rate) -> float:
    if rate.per != "key":
        return 0.0
    name = ratelimit.get_cache_key(request, app=ACCOUNT, action=action, rate=rate, key=key)
    now = time.time()
    recent = [at for at in cache.get(name, []) if at > now - rate.duration]
    # Newest first: there's room once the last of `amount` is old enough.
    return recent[rate.amount - 1] + rate.duration - now if len(recent) >= rate.amount else 0.0
