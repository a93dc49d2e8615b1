"""allauth's pages for a new email address or phone number, with pending changes."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth_views
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from members.signin import sms_limits
from members.signin.allauth_internals import EmailVerificationProcess
from members.signin.budgets import Budget
from members.signin.waits import SaysWhen


class EmailView(SaysWhen, allauth_views.EmailView):  # type: ignore[misc]  # allauth has no types
    """The email address. A new one is saved only once its code has been entered."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Change the address, or drop the pending change (POST `action_drop`)."""
        if "action_drop" not in request.POST:
            return super().post(request, *args, **kwargs)  # type: ignore[no-any-return]
        if pending := EmailVerificationProcess.resume(request):
            pending.abort()
            messages.success(request, _("Your email address stays the same."))
        return redirect("account_email")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `pending_email`: the new address that's waiting for its code, or ""."""
        pending = EmailVerificationProcess.resume(self.request)
        email = pending.email if pending else ""
        return {**super().get_context_data(**kwargs), "pending_email": email}

    def form_valid(self, form: Any) -> HttpResponseBase:
        """Send the code, or say when one can be sent."""
        email = form.cleaned_data["email"].lower()
        return self.unless_too_soon(Budget("confirm_email", email), form, super().form_valid)


class ChangePhoneView(SaysWhen, allauth_views.ChangePhoneView):  # type: ignore[misc]
    """The phone number."""

    def form_valid(self, form: Any) -> HttpResponseBase:
        """Send the code, or say when one can be sent."""
        phone = form.cleaned_data["phone"]
        return self.unless_too_soon(
            sms_limits.spacing(self.request, phone), form, super().form_valid
        )
