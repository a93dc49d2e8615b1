"""Forms of the second step: tries are counted by the day, and no code is taken twice."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from django import forms
from django.core.cache import cache

from members.signin import budgets

LABEL = "Code"
FROM_APP = "The six digits that your authenticator app shows now."
FROM_APP_OR_LIST = f"{FROM_APP} Without your phone: one of your spare codes."


class Once:
    """A code's form that counts each try of a user, and takes a code once for all of its time.

    allauth counts tries by the minute, and forgets a code that was used before its time is over.
    """

    def clean_code(self) -> str:
        """Refuse too many tries, and a code that was used already."""
        user = self.user  # type: ignore[attr-defined]
        budget = budgets.for_user(context.request, "enter_second_step", str(user.pk), user)
        usage = budget.spend(context.request)
        if not usage:
            raise get_account_adapter().validation_error("too_many_login_attempts")
        code = str(super().clean_code())  # type: ignore[misc]
        steps = 2 * app_settings.TOTP_TOLERANCE + 1
        # As allauth compares it: without blanks, dashes and the like.
        used = f"members.signin.mfa.used:{user.pk}:{normalize_user_code(code)}"
        if not cache.add(used, True, timeout=app_settings.TOTP_PERIOD * steps):
            raise get_adapter().validation_error("incorrect_code")
        usage.rollback()
        return code


class OfUser(forms.Form):
    """Looks for the app, or the spare code, that a code fits.

    allauth does it behind a limit of all devices together, by which somebody who has only the
    password could keep the owner out.
    """

    def clean_code(self) -> str:
        """Return the code; the form keeps what it fits as `authenticator`."""
        code: str = self.cleaned_data["code"]
        found = Authenticator.objects.filter(user=self.user)  # type: ignore[attr-defined]
        for one in found.exclude(type=Authenticator.Type.WEBAUTHN):
            if one.wrap().validate_code(code):
                self.authenticator = one
                return code
        raise get_adapter().validation_error("incorrect_code")


class SpareCodesTold(Once):
    """A code's form that tells the member by e-mail when it took a spare code.

    Not one transaction: the tries are counted in the database's cache, and a refused code must not
    take its count back.
    """

    def clean_code(self) -> str:
        """Take the code, and tell of a spare one."""
        code = super().clean_code()
        used: Authenticator = self.authenticator  # type: ignore[attr-defined]
        if used.type == Authenticator.Type.RECOVERY_CODES:
            used.refresh_from_db()
            left = {"left": spare_codes_left(len(used.wrap().get_unused_codes()))}
            get_account_adapter().send_notification_mail(
                "mfa/email/recovery_code_used", used.user, left
            )
        return code


def spare_codes_left(number: int) -> str:
    """Say how many spare codes are left, and what to do where there are none."""
    if not number:
        return "It was the last one: make new ones under Account, Two-step sign-in."
    return f"{number} {'is' if number == 1 else 'are'} left."


class AuthenticateForm(SpareCodesTold, OfUser, base_forms.AuthenticateForm):  # type: ignore[misc]  # untyped
    """The code of a sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label, self.fields["code"].help_text = LABEL, FROM_APP_OR_LIST


class ReauthenticateForm(SpareCodesTold, OfUser, base_forms.ReauthenticateForm):  # type: ignore[misc]  # untyped
    """The code of somebody who is signed in, and asked again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label, self.fields["code"].help_text = LABEL, FROM_APP_OR_LIST


class ActivateForm(Once, totp_forms.ActivateTOTPForm):  # type: ignore[misc]  # untyped
    """The first code of a new app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label, self.fields["code"].help_text = LABEL, FROM_APP
