"""Adding and removing the second step: allauth's pages, with our extra checks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from members.access import current_user
from members.signin import mfa, own_changes
from members.signin.allauth_internals import post_authentication


class ActivateView(ActivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """Someone who just verified the app with a code isn't asked for another right away."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Add the app, and record that this session has entered one of its codes.

        A form that's sent twice at once adds one app: the second waits and finds the first.
        """
        User.objects.select_for_update().get(pk=self.request.user.pk)
        if mfa.is_set_up(self.request.user):
            return redirect("mfa_index")
        user = current_user(self.request)
        is_proven = own_changes.is_proven_by_more_than_mail(self.request, user)
        response: HttpResponse = super().form_valid(form)
        own_changes.second_step_added(user, is_proven=is_proven)
        added = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        post_authentication(self.request, added)
        return response


class DeactivateView(DeactivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """The password alone doesn't remove the second step."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for an app or recovery code first; another tab may have removed the step."""
        if request.user.is_authenticated:
            user = current_user(request)
            if not mfa.is_set_up(user):
                return redirect("mfa_index")
            if not mfa.is_recent(request, user):
                back = urlencode({"next": request.get_full_path()})
                return redirect(f"{reverse('mfa_reauthenticate')}?{back}")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it; if it's a staff member's, tell the owners."""
        response: HttpResponse = super().form_valid(form)
        own_changes.second_step_removed(current_user(self.request))
        return response
