"""allauth's forms with our additions: sign-up, sign-in, codes, passwords, addresses."""

from __future__ import annotations

import secrets
from typing import Any, cast

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.core import context, ratelimit
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from common.fields import MailboxField, WordsField
from members import consent, mailboxes, terms
from members.forms import NAME_LENGTH, clean_name, shown_terms, text_message_terms
from members.models import AgreedWhere
from members.signin import budgets, devices, sign_in_links, sms_limits
from members.signin.allauth_internals import (
    PasswordResetVerificationProcess,
    filter_users_by_email,
    get_pending_stage,
)

# Spelled the same everywhere, as in allauth's forms.
EMAIL = _("Email")
SAFE_CHOICE = _("At least 10 characters. Several words are safe and easy to remember.")


def _take_mailbox(form: forms.Form, name: str) -> None:
    """Let an allauth form accept addresses in any script, in a mailbox's one spelling."""
    form.fields[name] = MailboxField(label=EMAIL, widget=form.fields[name].widget)


def check_codes_left(phone: str, user: User | None) -> None:
    """Raise ValidationError if no code can be sent to this number today."""
    if sentence := sms_limits.refusal(get_adapter().recipient(phone, user)):
        raise ValidationError(sentence)


class SignupForm(allauth_forms.SignupForm):  # type: ignore[misc]  # allauth has no types
    """Name, email, password, and an optional phone number with text messages."""

    name = WordsField(
        label=_("Your name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    text_messages = forms.BooleanField(
        label=_("Text me about my payments"),
        required=False,
    )
    field_order = ["name", "email", "password1", "phone", "text_messages"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _take_mailbox(self, "email")
        self.fields["password1"].help_text = SAFE_CHOICE
        self.fields["phone"].help_text = _("For text messages. We’ll text you a code to verify it.")
        # Lets the stylesheet see that it's empty: then nothing is asked about texts.
        self.fields["phone"].widget.attrs["placeholder"] = " "
        self.fields["text_messages"].help_text = text_message_terms()

    def clean_name(self) -> str:
        """Refuse links, which our emails would carry to strangers."""
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any]:
        """Check that texts have a number, and that a code can be sent to it."""
        cleaned: dict[str, Any] = super().clean()
        phone = cleaned.get("phone")
        if phone:
            self._check_codes_left(phone)
        elif cleaned.get("text_messages") and "phone" not in self.errors:
            self.add_error("phone", _("Enter a number for texts, or uncheck the box below."))
        return cleaned

    def _check_codes_left(self, phone: str) -> None:
        try:
            check_codes_left(phone, None)
        except ValidationError as error:
            self.add_error("phone", error)

    def _clean_phone(self) -> None:
        """Accept another member's number: the code, sent to its owner, decides.

        allauth would email "you have an account" to an address that has none.
        """

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Make the user; raises RateLimited (429) right after another code went to the number.

        For an address with an account, the same is done and undone, or else the response time would
        reveal who has one.
        """
        if self.account_already_exists:
            self._rehearse(request)
        if phone := self.cleaned_data.get("phone"):
            ratelimit.consume(
                request, action="text_code", key=phone, dry_run=True, raise_exception=True
            )
        return cast("tuple[User | None, HttpResponse | None]", super().try_save(request))

    def _rehearse(self, request: HttpRequest) -> None:
        """Do the work for a new address (hash the password, write the rows), and keep nothing."""
        email, self.account_already_exists = self.cleaned_data["email"], False
        # allauth writes no second row for an address that someone has verified.
        self.cleaned_data["email"] = f"{secrets.token_hex(8)}@rehearsal.invalid"
        try:
            with transaction.atomic():
                self.save(request)
                transaction.set_rollback(True)
        finally:
            self.cleaned_data["email"], self.account_already_exists = email, True
            consent.drop_wish(request)

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        """Make the user, profile, and email address together, or none of them."""
        user = cast("User", super().save(request))
        mailboxes.keep(user)
        wanted = bool(self.cleaned_data.get("phone") and self.cleaned_data["text_messages"])
        ip = get_adapter().get_client_ip(request)
        consent.remember_wish(request, user, consent.Basis(shown_terms(), ip), wanted=wanted)
        terms.accept(user, AgreedWhere.SIGNUP, ip)
        return user


class LoginForm(allauth_forms.LoginForm):  # type: ignore[misc]  # untyped
    """Signing in with a password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _take_mailbox(self, "login")

    def _clean_with_password(self, credentials: dict[str, Any]) -> Any:
        """Check the password if the network, or the known device, has tries left."""
        email = credentials.get("email", "")
        if devices.of_address(self.request, email) is None:
            ratelimit.consume(self.request, action="sign_in", raise_exception=True)
        return super()._clean_with_password(credentials)


class RequestLoginCodeForm(allauth_forms.RequestLoginCodeForm):  # type: ignore[misc]  # untyped
    """Asking for a code to sign in with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _take_mailbox(self, "email")

    def clean_email(self) -> str:
        """Count the request as allauth does, but count known devices separately."""
        email: str = self.cleaned_data["email"]
        if not budgets.for_address(context.request, "request_login_code", email).spend(
            context.request
        ):
            raise get_adapter().validation_error("too_many_login_attempts")
        users = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
        self._user = users[0] if users else None
        return email


class ForgottenPasswordForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]  # untyped
    """Asking for a code to set a new password with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _take_mailbox(self, "email")


class AddEmailForm(allauth_forms.AddEmailForm):  # type: ignore[misc]  # untyped
    """A new email address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _take_mailbox(self, "email")


def _whose_code(request: HttpRequest) -> User | None:
    """Return whose code is entered, for signing in or for a new password."""
    if stage := get_pending_stage(request):
        return cast("User | None", stage.login.user)
    if request.user.is_authenticated:
        return request.user
    reset = PasswordResetVerificationProcess.resume(request)
    return cast("User | None", reset.user) if reset else None


class GuessesCounted(forms.Form):
    """A code form that counts every try before checking it.

    allauth counts wrong tries in the session, where simultaneous requests don't see each other.
    This count is kept in the cache, under a lock.
    """

    def clean_code(self) -> str:
        """After too many tries, per code or per network, refuse even the right code."""
        request = context.request
        key = f"{request.session.session_key}:{self.expected_code}"  # type: ignore[attr-defined]
        budget = budgets.for_user(request, "enter_code", key, _whose_code(request))
        if not budget.spend(request):
            raise get_adapter().validation_error("too_many_login_attempts")
        return str(super().clean_code())  # type: ignore[misc]


class EmailCodeForm(GuessesCounted, allauth_forms.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    """The code that verifies an email address."""


class LoginCodeForm(GuessesCounted, allauth_forms.ConfirmLoginCodeForm):  # type: ignore[misc]
    """The code to sign in with, unless the link in its email was used."""

    def clean_code(self) -> str:
        """Refuse the code once its link has signed someone in; a right code ends the link."""
        if sign_in_links.is_used(context.request):
            words = _("You already used the link in this email. Request a new code.")
            raise ValidationError(words)
        code = super().clean_code()
        sign_in_links.drop(context.request)
        return code


class PasswordCodeForm(GuessesCounted, allauth_forms.ConfirmPasswordResetCodeForm):  # type: ignore[misc]
    """The code to set a new password with."""


class PhoneCodeForm(GuessesCounted, allauth_forms.VerifyPhoneForm):  # type: ignore[misc]
    """The code that verifies a phone number."""


class ChangePhoneForm(allauth_forms.ChangePhoneForm):  # type: ignore[misc]  # allauth has no types
    """A new number, if a code can still be sent to it today."""

    # The code always goes to the number's owner, who then reads that it's taken. Someone who
    # doesn't own it learns nothing.
    account_already_exists = False

    def clean_phone(self) -> str:
        """Refuse the current number, and one that can't get more codes today."""
        phone = str(self.cleaned_data["phone"])
        if phone == self.phone:
            raise get_adapter().validation_error("same_as_current")
        check_codes_left(phone, self.user)
        return phone


def _call_passwords(form: forms.Form) -> None:
    """Use sentence case for labels, as everywhere else: allauth capitalizes each word."""
    form.fields["password1"].label = _("New password")
    form.fields["password2"].label = _("New password, again")


class ChangePasswordForm(allauth_forms.ChangePasswordForm):  # type: ignore[misc]  # untyped
    """A new password, explained in a sentence."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Current password")
        _call_passwords(self)
        self.fields["password1"].help_text = SAFE_CHOICE


class SetPasswordForm(allauth_forms.SetPasswordForm):  # type: ignore[misc]  # untyped
    """A first password, for members who have signed in by code so far."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_passwords(self)
        self.fields["password1"].help_text = SAFE_CHOICE


class ResetPasswordForm(allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]  # untyped
    """A new password to replace a forgotten one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_passwords(self)
        self.fields["password1"].help_text = SAFE_CHOICE
