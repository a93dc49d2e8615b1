"""allauth's entry pages (sign-in, sign-up, reset), which drop what's pending."""

from __future__ import annotations

from functools import partial
from typing import Any

from allauth.account import views as allauth_views
from allauth.account.stages import LoginStage
from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from members import consent
from members.signin import budgets, passkeys, sign_in_links, social, waits
from members.signin.allauth_internals import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    clear_login,
)


def drop_pending(request: HttpRequest) -> None:
    """Drop the sign-up or sign-in that's waiting for a code in this browser."""
    request.session.pop(EMAIL_VERIFICATION_CODE_SESSION_KEY, None)
    consent.drop_wish(request)
    clear_login(request)


class OpenedOnPurpose:
    """An entry page that drops a pending sign-up if the visitor opened it on purpose.

    allauth redirects from every entry page to the one that waits for a code. Someone who signed up
    with an address that has an account would be stuck there, since their email has no code. This
    happens for every address, so it reveals nothing. A redirect on the way to another page (with
    `next`) drops nothing, and neither does a form that was sent twice.
    """

    def _redirect_to_pending_stage(
        self, request: HttpRequest, stage: LoginStage
    ) -> HttpResponseBase | None:
        if request.method == "GET" and REDIRECT_FIELD_NAME not in request.GET:
            drop_pending(request)
            return None
        return super()._redirect_to_pending_stage(request, stage)  # type: ignore[misc,no-any-return]


class LoginView(OpenedOnPurpose, allauth_views.LoginView):  # type: ignore[misc]  # untyped
    """Signing in with a password, and the door to the other ways."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `passkeys_offered`: whether the portal's address can have them; and `providers`."""
        more = {"passkeys_offered": passkeys.are_offered(), "providers": social.offered()}
        return {**super().get_context_data(**kwargs), **more}


class RequestLoginCodeView(OpenedOnPurpose, allauth_views.RequestLoginCodeView):  # type: ignore[misc]
    """Signing in with a code."""


class SignupView(OpenedOnPurpose, allauth_views.SignupView):  # type: ignore[misc]  # untyped
    """Creating an account."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `providers`: the names of those that can make one, too, by allauth's keys."""
        return {**super().get_context_data(**kwargs), "providers": social.offered()}


class PasswordResetView(waits.SaysWhen, allauth_views.PasswordResetView):  # type: ignore[misc]
    """Requesting a code for a new password."""

    def form_valid(self, form: Any) -> HttpResponseBase:
        """Send the code, or say when one can be sent."""
        email = form.cleaned_data["email"]
        budget = budgets.for_address(self.request, "reset_password", email)
        return self.unless_too_soon(budget, form, partial(self._send, budget))

    def _send(self, budget: budgets.Budget, form: Any) -> HttpResponseBase:
        """Send the code. allauth itself would count the requests of all devices together."""
        budget.require(self.request)
        form.save(self.request)
        return redirect(self.get_success_url())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show whom a link signs in. The button (POST) does it, as mail programs follow links.

    Template: `account/login_link.html`, with `link` (sign_in_links.Link), or `problem`.
    """
    try:
        link = sign_in_links.find(request, token)
        if request.user.is_authenticated:
            return _already_in(request, link)
        if request.method == "POST":
            ratelimit.consume(request, action="sign_in_link", raise_exception=True)
            return sign_in_links.sign_in(request, token)
    except sign_in_links.LinkRefused as refusal:
        context = {"problem": str(refusal)}
        return render(request, "account/login_link.html", context, status=400)
    return render(request, "account/login_link.html", {"link": link})


def _already_in(request: HttpRequest, link: sign_in_links.Link) -> HttpResponse:
    """Lead who is signed in already to where they wanted to go, and use nothing up."""
    if request.user != link.user:
        words = _("You’re signed in with another account. Sign out, then open the link again.")
        raise sign_in_links.LinkRefused(words)
    return redirect(link.target or resolve_url(settings.LOGIN_REDIRECT_URL))
