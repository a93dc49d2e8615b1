"""Forms of the second step: tries are counted per day, and no code works twice."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from members import activity
from members.models import ActivityKind
from members.signin import budgets
from members.signin.allauth_internals import normalize_user_code

LABEL = _("Code")
FROM_APP = _("The six digits in your authenticator app.")
FROM_APP_OR_LIST = _(
    "The six digits in your authenticator app. No phone? Use one of your recovery codes."
)
FROM_LIST = _("One of your recovery codes.")


class Once:
    """A code form that counts each of a user's tries, and accepts a code only once.

    allauth counts tries per minute, and forgets a used code before it expires.
    """

    def clean_code(self) -> str:
        """Refuse too many tries, and a used code."""
        user = self.user  # type: ignore[attr-defined]
        budget = budgets.for_user(context.request, "enter_second_step", str(user.pk), user)
        usage = budget.spend(context.request)
        if not usage:
            raise get_account_adapter().validation_error("too_many_login_attempts")
        code = str(super().clean_code())  # type: ignore[misc]
        steps = 2 * app_settings.TOTP_TOLERANCE + 1
        # As allauth compares it: without blanks, dashes, and the like.
        used = f"members.signin.mfa.used:{user.pk}:{normalize_user_code(code)}"
        if not cache.add(used, True, timeout=app_settings.TOTP_PERIOD * steps):
            raise get_adapter().validation_error("incorrect_code")
        usage.rollback()
        return code


class OfUser(forms.Form):
    """Finds the app or the recovery code that a code fits.

    allauth does this under one limit for all devices, with which someone who has only the password
    could lock the owner out.
    """

    def clean_code(self) -> str:
        """Return the code; the form stores its match as `authenticator`."""
        code: str = self.cleaned_data["code"]
        authenticators = Authenticator.objects.filter(user=self.user)  # type: ignore[attr-defined]
        for one in authenticators.exclude(type=Authenticator.Type.WEBAUTHN):
            if one.wrap().validate_code(code):
                self.authenticator = one
                return code
        raise get_adapter().validation_error("incorrect_code")


class RecoveryCodesTold(Once):
    """A code form that emails the member when a recovery code was used.

    It's not one transaction: tries are counted in the database cache, and a refused code must not
    roll back its count.
    """

    def clean_code(self) -> str:
        """Accept the code, and announce a used recovery code."""
        code = super().clean_code()
        used: Authenticator = self.authenticator  # type: ignore[attr-defined]
        if used.type == Authenticator.Type.RECOVERY_CODES:
            used.refresh_from_db()
            left = {"left": recovery_codes_left(len(used.wrap().get_unused_codes()))}
            activity.record(used.user, ActivityKind.CODE_USED, request=context.request)
            get_account_adapter().send_notification_mail(
                "mfa/email/recovery_code_used", used.user, left
            )
        return code


def recovery_codes_left(number: int) -> str:
    """Say how many recovery codes are left, and what to do if there are none."""
    if not number:
        return gettext("It was your last one. Get new ones under Account, Security.")
    words = ngettext("You have {number} left.", "You have {number} left.", number)
    return words.format(number=number)


def _call_code(form: Any) -> None:
    """Say which codes fit: people with passkeys only have no app."""
    has_app = Authenticator.objects.filter(user=form.user, type=Authenticator.Type.TOTP).exists()
    form.fields["code"].label = LABEL
    form.fields["code"].help_text = FROM_APP_OR_LIST if has_app else FROM_LIST


class AuthenticateForm(RecoveryCodesTold, OfUser, base_forms.AuthenticateForm):  # type: ignore[misc]  # untyped
    """The code at sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_code(self)


class ReauthenticateForm(RecoveryCodesTold, OfUser, base_forms.ReauthenticateForm):  # type: ignore[misc]  # untyped
    """The code for a signed-in user who is asked again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_code(self)


class ActivateForm(Once, totp_forms.ActivateTOTPForm):  # type: ignore[misc]  # untyped
    """The first code of a new app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label, self.fields["code"].help_text = LABEL, FROM_APP
