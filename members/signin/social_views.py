"""The way to Google or Apple and back, and the member's connections.

allauth's own addresses for this aren't in `portal.urls`: what stands here is all there is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.apple.views import apple_post_callback
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from members.access import current_user
from members.signin import social
from members.signin.recent_login import confirmed_lately
from members.signin.social_providers import AppleAdapter, GoogleAdapter

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
BACK: dict[str, View] = {
    "google": OAuth2CallbackView.adapter_view(GoogleAdapter),
    "apple": OAuth2CallbackView.adapter_view(AppleAdapter),
}


@login_not_required
@never_cache
@require_POST
def start(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Send the visitor to a provider to sign in or up (POST `next`: where they want to go)."""
    _count(request, provider)
    target = get_next_redirect_url(request)
    return _redirect(request, provider, AuthProcess.LOGIN, target)


@login_required
@require_POST
@confirmed_lately
def connect(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Send a member to a provider, to connect an account there with theirs."""
    _count(request, provider)
    return _redirect(request, provider, AuthProcess.CONNECT, reverse("mfa_index"))


@login_not_required
@never_cache
@require_GET
def back(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Take a provider's answer, which the browser brings."""
    _count(request, provider)
    try:
        return BACK[provider](request)
    except (AttributeError, IntegrityError, KeyError, TypeError, ValueError) as error:
        # An answer that isn't as documented, or the same one twice at the same moment.
        logger.exception("The answer of %s can't be taken.", provider)
        chosen = get_adapter().get_provider(request, provider)
        refusal: HttpResponseBase = render_authentication_error(request, chosen, exception=error)
        return refusal


@csrf_exempt  # Apple's page posts it; the state in the session decides, at the next address.
@login_not_required
@never_cache
@require_POST
def apple_posts(request: HttpRequest) -> HttpResponseBase:
    """Take Apple's answer, a form from another site, which comes without our session's cookie."""
    _count(request, "apple")
    response: HttpResponseBase = apple_post_callback(request)
    return response


@login_required
@require_POST
@confirmed_lately
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one of the member's connections."""
    try:
        name = social.disconnect(request, current_user(request), pk)
    except social.LastWayInError as error:
        messages.error(request, str(error))
        return redirect("mfa_index")
    if name:
        messages.success(request, _("{provider} is disconnected.").format(provider=name))
    else:
        messages.info(request, _("That account was already disconnected."))
    return redirect("mfa_index")


@login_not_required
@require_GET
def taken(request: HttpRequest) -> HttpResponse:
    """Where allauth leads if the address was taken at this very moment: start again."""
    messages.warning(request, _("That took too long, so we stopped. Please start again."))
    return redirect("account_login")


def _count(request: HttpRequest, provider: str) -> None:
    """Raises Http404 for what isn't offered, and RateLimited after too many tries."""
    if provider not in social.offered():
        raise Http404
    ratelimit.consume(request, action="sign_in_with", raise_exception=True)


def _redirect(
    request: HttpRequest, provider: str, process: str, target: str | None
) -> HttpResponseBase:
    chosen: Any = get_adapter().get_provider(request, provider)
    response: HttpResponseBase = chosen.redirect(request, process=process, next_url=target)
    return response
