"""Forms that a passkey fills in: to add one, to sign in, and to confirm who's there."""

from __future__ import annotations

import json
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context, ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauth_forms
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common.fields import WordsField
from members import names
from members.signin import passkeys

# As a browser writes it; with the largest keys and attestations it's a few thousand characters.
LONGEST_ANSWER = 20_000
LONGEST_NAME = 60


class CredentialField(forms.CharField):
    """What a passkey answered, as JSON; cleans to a dictionary."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        missing = _("Use the button above with JavaScript on, or choose another way.")
        super().__init__(max_length=LONGEST_ANSWER, error_messages={"required": missing})

    def clean(self, value: Any) -> dict[str, Any]:
        """Parse it. Raises ValidationError."""
        text = super().clean(value)
        try:
            credential = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("We couldn’t read this passkey. Please try again.")) from error
        if not isinstance(credential, dict) or not isinstance(credential.get("id"), str):
            raise ValidationError(_("We couldn’t read this passkey. Please try again."))
        return credential


class NameField(WordsField):
    """What someone calls their passkey; it's quoted in emails, so it may hold no links."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = _("For example “My phone” or “Work laptop”.")
        super().__init__(label=_("Name"), max_length=LONGEST_NAME, help_text=help_text, **kwargs)

    def clean(self, value: Any) -> str:
        """Refuse what no name has."""
        name = str(super().clean(value))
        if name and not names.is_plausible(name):
            raise ValidationError(_("Use letters and numbers only, no links or addresses."))
        return name


class AddForm(allauth_forms.AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A new passkey and its name."""

    passwordless = None
    name = NameField(required=False)
    credential = CredentialField()

    def clean(self) -> dict[str, Any]:
        """Check the answer once everything else is right."""
        cleaned: dict[str, Any] = self.cleaned_data
        if credential := cleaned.get("credential"):
            _count_try()
            passkeys.check_new(self.user, credential)
        return cleaned


class RenameForm(allauth_forms.EditWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """Another name for a passkey."""

    name = NameField()


class Answer(forms.Form):
    """A passkey's answer, counted by network: nobody can guess one.

    allauth counts by account, so someone who has only the password could lock the owner out.
    """

    user: Any

    def clean_credential(self) -> Authenticator:
        """Return the passkey that answered."""
        _count_try()
        return passkeys.check(self.cleaned_data["credential"], self.user)


class SignInForm(Answer, allauth_forms.LoginWebAuthnForm):  # type: ignore[misc]  # untyped
    """Signing in with a passkey alone."""

    credential = CredentialField()


class SecondStepForm(Answer, allauth_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]  # untyped
    """A passkey as the second step."""

    credential = CredentialField()


class ConfirmForm(Answer, allauth_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # untyped
    """A passkey that confirms who's there."""

    credential = CredentialField()


def _count_try() -> None:
    if not ratelimit.consume(context.request, action="passkey"):
        raise get_adapter().validation_error("too_many_login_attempts")
