"""What we override in allauth's sign-in with Google or Apple."""

from __future__ import annotations

from typing import Any, NoReturn, cast
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from common import addresses
from members import accounts, mailboxes, names, terms
from members.forms import NAME_LENGTH
from members.models import AgreedWhere
from members.signin import social


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's adapter with our settings, our rule of whose account it is, and our sentences."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return what's in the settings; allauth would ask a table, too."""
        return [
            app
            for app in social.apps()
            if provider in (None, app.provider) and client_id in (None, app.client_id)
        ]

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """Return whose account an unknown answer joins by itself."""
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            return None
        user = social.owner_of(sociallogin)
        return (user, user.email) if user else None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Stop an answer that neither signs in nor up; say why."""
        is_connecting = sociallogin.state.get("process") == AuthProcess.CONNECT
        if sociallogin.is_existing or is_connecting:
            return
        provider = social.NAMES[sociallogin.account.provider]
        email = self._checked_address(request, sociallogin, provider)
        if not accounts.is_taken(email):
            sociallogin.user.email = email
            return
        social.connect_later(request, sociallogin)
        words = _(
            "You already have an account with {email}. Sign in to it once, and we’ll connect "
            "{provider}."
        )
        words = words.format(email=addresses.readable(email), provider=provider)
        self._back_to_sign_in(request, sociallogin.state, words)

    def _checked_address(
        self, request: HttpRequest, sociallogin: SocialLogin, provider: str
    ) -> str:
        """Return the address of a new account, if the provider has checked it and we can write."""
        if not sociallogin.account.extra_data.get("is_checked") or not sociallogin.email_addresses:
            words = _("{provider} didn’t give us a verified email address. Use yours instead.")
            words = words.format(provider=provider)
            self._back_to_sign_in(request, sociallogin.state, words)
        email = sociallogin.email_addresses[0].email
        try:
            addresses.check(email)
            mailboxes.check_reachable(email)
        except ValidationError as error:
            self._back_to_sign_in(request, sociallogin.state, " ".join(error.messages))
        return str(email)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str = AuthError.UNKNOWN,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> NoReturn:
        """Go back to where it began, and say what happened."""
        state = (extra_context or {}).get("state") or {}
        name = social.NAMES[provider.id]
        if error == AuthError.CANCELLED:
            words = _("You canceled signing in with {provider}. Try again, or use another way.")
        else:
            words = _("We couldn’t sign you in with {provider}. Try again, or use another way.")
        self._back_to_sign_in(request, state, words.format(provider=name))

    def _back_to_sign_in(self, request: HttpRequest, state: dict[str, Any], words: str) -> NoReturn:
        """Go to the sign-in page, or back to the page of connections, with a sentence."""
        messages.warning(request, words)
        if request.user.is_authenticated:
            raise ImmediateHttpResponse(redirect("mfa_index"))
        target = state.get("next")
        query = f"?{urlencode({REDIRECT_FIELD_NAME: target})}" if target else ""
        raise ImmediateHttpResponse(redirect(f"{reverse('account_login')}{query}"))

    def populate_user(
        self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]
    ) -> User:
        """Fill in the name, unless it can't be one: anyone can call themselves a link."""
        user = cast("User", super().populate_user(request, sociallogin, data))
        name = " ".join(f"{user.first_name} {user.last_name}".split())
        is_good = names.is_plausible(name) and len(name) <= NAME_LENGTH
        user.first_name, user.last_name = names.split(name if is_good else "")
        return user

    @transaction.atomic
    def save_user(
        self, request: HttpRequest, sociallogin: SocialLogin, form: BaseForm | None = None
    ) -> User:
        """Make the user, with what comes with every sign-up, or nothing."""
        user = cast("User", super().save_user(request, sociallogin, form))
        mailboxes.keep(user)
        accounts.keep_language(user)
        terms.accept(user, AgreedWhere.SIGNUP, get_account_adapter().get_client_ip(request))
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        """Return the page that lists what's connected."""
        return reverse("mfa_index")
