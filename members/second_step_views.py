"""Adding the second step: allauth's page, after which this session has taken it."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from django.http import HttpResponse


class ActivateView(ActivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """Who has just proved the app by its code is not asked for another one right away."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Add the app, and note that this session has given a code of it."""
        response: HttpResponse = super().form_valid(form)
        added = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        post_authentication(self.request, added)
        return response
