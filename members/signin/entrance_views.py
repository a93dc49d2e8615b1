"""allauth's entry pages (sign-in, sign-up, reset), which drop what's pending."""

from __future__ import annotations

from functools import partial
from typing import Any

from allauth.account import views as allauth_views
from allauth.account.stages import LoginStage
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from members import consent
from members.signin import budgets, passkeys, waits
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
        """Add `passkeys_offered`: whether the portal's address can have passkeys."""
        offered = passkeys.are_offered()
        return {**super().get_context_data(**kwargs), "passkeys_offered": offered}


class RequestLoginCodeView(OpenedOnPurpose, allauth_views.RequestLoginCodeView):  # type: ignore[misc]
    """Signing in with a code."""


class SignupView(OpenedOnPurpose, allauth_views.SignupView):  # type: ignore[misc]  # untyped
    """Creating an account."""


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
