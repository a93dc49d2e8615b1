"""Passkeys: signing in, confirming, adding, renaming, and removing.

The pages are allauth's, with our checks. A page's script asks for a challenge at the address that
its form is sent to, right before the browser shows its dialog, so tabs don't take each other's.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import BaseReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.webauthn import views as allauth_views
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic.edit import FormView

from members import activity, contact_notices
from members.access import current_user
from members.models import ActivityKind
from members.signin import mfa, own_changes, passkeys
from members.signin.allauth_internals import (
    auto_generate_recovery_codes,
    delete_and_cleanup,
    ratelimit,
    record_authentication,
)
from members.signin.budgets import APP
from members.signin.mfa_views import ask_for_second_step


class Offered:
    """A page that's there only if the portal's address can have passkeys."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer 404 without passkeys."""
        if not passkeys.are_offered():
            raise Http404
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]


class SignInView(Offered, allauth_views.LoginWebAuthnView):  # type: ignore[misc]  # untyped
    """Signing in with a passkey alone, from the sign-in page."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return a challenge (JSON), or redirect to the sign-in page."""
        if not passkeys.wants_challenge(request):
            return self._page()
        # It's kept in a session: a visitor may not fill the table.
        ratelimit.consume(
            request, app=APP, action="passkey_challenge", limit_get=True, raise_exception=True
        )
        return passkeys.ask_to_sign_in()

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say why on the sign-in page, which keeps where the visitor wants to go."""
        for error in form.errors.get("credential", []):
            messages.error(self.request, error)
        return self._page()

    def _page(self) -> HttpResponse:
        target = get_next_redirect_url(self.request)
        query = f"?{urlencode({REDIRECT_FIELD_NAME: target})}" if target else ""
        return redirect(f"{reverse('account_login')}{query}")


class ConfirmView(Offered, allauth_views.ReauthenticateWebAuthnView):  # type: ignore[misc]  # untyped
    """Confirming with a passkey that it's you."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or return a challenge (JSON)."""
        if passkeys.wants_challenge(request):
            return passkeys.ask_to_confirm(current_user(request))
        return super().get(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the page's context without a challenge."""
        return BaseReauthenticateView.get_context_data(self, **kwargs)  # type: ignore[no-any-return]

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the page again, with the reason."""
        return self.render_to_response(self.get_context_data(form=form))  # type: ignore[no-any-return]


class AddView(Offered, allauth_views.AddWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Adding a passkey."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or return a challenge (JSON)."""
        if passkeys.wants_challenge(request):
            return passkeys.ask_to_add(current_user(request))
        return super().get(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the page's context without a challenge."""
        return FormView.get_context_data(self, **kwargs)

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it, make recovery codes if there are none, and tell the member."""
        user = User.objects.select_for_update(no_key=True).get(pk=self.request.user.pk)
        is_proven = own_changes.is_proven_by_more_than_mail(self.request, user)
        name = form.cleaned_data["name"]
        added = passkeys.add(user, name, form.cleaned_data["credential"])
        self._announce(added, name)
        activity.record(user, ActivityKind.PASSKEY_ADDED, request=self.request, detail=name)
        own_changes.second_step_added(user, "a passkey", is_proven=is_proven)
        # Whoever just used it isn't asked for it again right away.
        record_authentication(
            self.request, user, mfa.METHOD, id=added.pk, type=Authenticator.Type.WEBAUTHN.value
        )
        made_codes = auto_generate_recovery_codes(self.request)
        messages.success(self.request, _("“{name}” can now sign you in.").format(name=name))
        return redirect("mfa_view_recovery_codes" if made_codes else "mfa_index")

    def _announce(self, added: Authenticator, name: str) -> None:
        user = added.user
        authenticator_added.send(
            Authenticator, request=self.request, user=user, authenticator=added
        )
        headline = _("A passkey was added")
        sentence = _(
            "“{name}” was added to your account and can sign in to it. If you use your password "
            "or an emailed code, we’ll ask for a passkey, too."
        ).format(name=name)
        contact_notices.tell(user, headline, sentence, request=self.request)


class RenameView(Offered, allauth_views.EditWebAuthnView):  # type: ignore[misc]  # untyped
    """Renaming a passkey."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Save the name."""
        form.save()
        messages.success(self.request, _("The new name is saved."))
        return redirect("mfa_index")


class RemoveView(Offered, allauth_views.RemoveWebAuthnView):  # type: ignore[misc]  # untyped
    """Removing a passkey. The password alone doesn't."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for the second step first. Another account's passkey isn't found."""
        if request.user.is_authenticated and passkeys.are_offered():
            self.get_object()
            if asked := ask_for_second_step(request, current_user(request)):
                return asked
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `is_last`: whether no second step stays."""
        context = super().get_context_data(**kwargs)
        others = Authenticator.objects.filter(user=self.request.user, type__in=mfa.STEPS)
        return {**context, "is_last": not others.exclude(pk=self.object.pk).exists()}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it, with the recovery codes if it was the last step, and tell the member."""
        user = current_user(self.request)
        name = self.object.wrap().name
        delete_and_cleanup(self.request, self.object)
        stays = mfa.is_set_up(user)
        if stays:
            sentence = _("“{name}” was removed from your account. It can’t sign in anymore.")
        else:
            sentence = _(
                "“{name}” was removed from your account, and your recovery codes were deleted. "
                "Two-step sign-in is off."
            )
        contact_notices.tell(
            user, _("A passkey was removed"), sentence.format(name=name), request=self.request
        )
        activity.record(user, ActivityKind.PASSKEY_REMOVED, request=self.request, detail=name)
        own_changes.second_step_removed(user, "a passkey")
        messages.success(self.request, _("“{name}” is removed.").format(name=name))
        return redirect("mfa_index")
