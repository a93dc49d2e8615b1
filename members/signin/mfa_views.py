"""The second step: taking it, and adding and removing apps; allauth's pages, with our checks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import IndexView as AllauthIndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from members import activity
from members.access import current_user
from members.models import ActivityKind
from members.signin import mfa, own_changes, passkeys, social
from members.signin.allauth_internals import post_authentication

THE_APP = "an authenticator app as second step"


class IndexView(AllauthIndexView):  # type: ignore[misc]  # allauth ships no types
    """The page of security: passkeys, app, recovery codes, and connected accounts."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `connections` (social.Connection), and `connectable`: the other providers' names."""
        offered = social.offered()
        rows = social.connections(current_user(self.request)) if offered else []
        connected = {row.provider for row in rows}
        return {
            **super().get_context_data(**kwargs),
            "has_providers": bool(offered),
            "connections": rows,
            "connectable": {key: name for key, name in offered.items() if key not in connected},
            "wanted_by": self.request.session.get(mfa.WANTED_BY, ""),
        }


class SecondStepView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    """Taking the second step. A challenge for passkeys is made when the page's script asks."""

    webauthn_form: Any

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or return a challenge (JSON)."""
        user = self.stage.login.user
        if passkeys.wants_challenge(request) and passkeys.exist_for(user):
            return passkeys.ask_to_confirm(user)
        return super().get(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return `form` (codes), `webauthn_form` (its errors), and which steps there are."""
        user = self.stage.login.user
        asked, self.webauthn_form = self.webauthn_form, None
        return {
            **super().get_context_data(**kwargs),
            "webauthn_form": asked,
            "has_passkeys": passkeys.exist_for(user),
            "has_app": mfa.has_app(user),
        }


class ActivateView(ActivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """Someone who just verified the app with a code isn't asked for another right away."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Add the app, and record that this session has entered one of its codes.

        A form that's sent twice at once adds one app: the second waits and finds the first.
        """
        User.objects.select_for_update().get(pk=self.request.user.pk)
        if mfa.has_app(self.request.user):
            return redirect("mfa_index")
        user = current_user(self.request)
        is_proven = own_changes.is_proven_by_more_than_mail(self.request, user)
        response: HttpResponse = super().form_valid(form)
        activity.record(user, ActivityKind.APP_ADDED, request=self.request)
        own_changes.second_step_added(user, THE_APP, is_proven=is_proven)
        added = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        post_authentication(self.request, added)
        return response


def ask_for_second_step(request: HttpRequest, user: User) -> HttpResponse | None:
    """Return the redirect to the confirmation by second step; None if it's been taken lately."""
    if mfa.is_recent(request, user):
        return None
    back = urlencode({"next": request.get_full_path()})
    return redirect(f"{mfa.confirmation_page(user)}?{back}")


class DeactivateView(DeactivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """The password alone doesn't remove the second step."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for the second step first; another tab may have removed the app."""
        if request.user.is_authenticated:
            user = current_user(request)
            if not mfa.has_app(user):
                return redirect("mfa_index")
            if asked := ask_for_second_step(request, user):
                return asked
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `has_passkeys`: whether a second step stays."""
        has_passkeys = passkeys.exist_for(current_user(self.request))
        return {**super().get_context_data(**kwargs), "has_passkeys": has_passkeys}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it; if it's a staff member's, tell the owners."""
        response: HttpResponse = super().form_valid(form)
        user = current_user(self.request)
        activity.record(user, ActivityKind.APP_REMOVED, request=self.request)
        own_changes.second_step_removed(user, "the authenticator app")
        return response
