"""What we override in allauth: names, phones, and how mails and texts are sent."""

from __future__ import annotations

import secrets
from typing import Any, NoReturn, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.forms import BaseForm, Field
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members import (
    accounts,
    address_changes,
    consent,
    contact_notices,
    mailboxes,
    names,
    phones,
    sign_ins,
)
from members.signin import (
    budgets,
    devices,
    mfa,
    own_changes,
    passkeys,
    sign_in_links,
    sms_limits,
    social,
    way_back,
)
from members.signin.allauth_internals import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    record_authentication,
)
from members.signin.mails import send_account_mail, send_phone_code
from members.signin.recent_login import is_recent
from members.signin.sms_limits import Recipient

PHONE_STAGE = "members.signin.stages.PhoneVerificationStage"
LOGIN_CODE = "account/email/login_code"  # the mails' names
UNKNOWN_ACCOUNT = "account/email/unknown_account"
LOGIN_FAILED = "login_failed"  # allauth's name for the limit
REAUTHENTICATION = {
    "reauthenticate": _("Use my password"),
    "mfa_reauthenticate": _("Use a code from my authenticator app"),
    "mfa_reauthenticate:webauthn": _("Use my passkey"),
}
# Removing a second step always takes a confirmation.
REMOVAL = {"mfa_deactivate_totp", "mfa_remove_webauthn"}
# What allauth sends about an app, and what's said to people who have passkeys.
BESIDE_PASSKEYS = {
    "mfa/email/totp_activated": "mfa/email/app_added",
    "mfa/email/totp_deactivated": "mfa/email/app_removed",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's account adapter on top of `Member`, the outbox, and our caps on texts."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "phone_taken": _(
            "Another account uses this number. Enter a different one, skip this step, or sign in "
            "to that account."
        ),
        "too_many_login_attempts": _("Too many tries. Wait a few minutes, then start over."),
        "incorrect_code": _("That code isn’t correct. Check it or request a new one."),
        "email_password_mismatch": _("Incorrect email or password."),
        "rate_limited": _("Please wait a moment before requesting another code."),
    }

    # Who someone is

    def populate_username(self, request: HttpRequest, user: User) -> None:
        """Give the user a random username: nobody types or sees it, and it reveals nothing."""
        user.username = user.username or f"m-{secrets.token_hex(12)}"

    def save_user(
        self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True
    ) -> User:
        """Save a new user with the form's single name field, and the language they read."""
        user.first_name, user.last_name = names.split(form.cleaned_data.get("name", ""))
        saved = cast("User", super().save_user(request, user, form, commit))
        if commit:
            accounts.keep_language(saved)
        return saved

    def clean_email(self, email: str) -> str:
        """Refuse an address that our mail server can't deliver to: the code would never come."""
        mailboxes.check_reachable(email)
        return cast("str", super().clean_email(email))

    @transaction.atomic
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Make a verified address the user's own. It gives nobody a second free trial."""
        user: User = email_address.user
        with address_changes.followed(user):
            return bool(super().confirm_email(request, email_address))

    # The way in

    def get_login_stages(self) -> list[str]:
        """Email before phone: nobody without a mailbox can make us send texts."""
        ours = {"allauth.account.stages.PhoneVerificationStage": PHONE_STAGE}
        email = "allauth.account.stages.EmailVerificationStage"
        stages = [ours.get(stage, stage) for stage in super().get_login_stages()]
        phone = stages.index(PHONE_STAGE)
        stages.remove(email)
        stages.insert(phone, email)
        return stages

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Record the sign-in, and end a sign-up abandoned in this browser."""
        request.session.pop(EMAIL_VERIFICATION_CODE_SESSION_KEY, None)
        if kwargs["signup"]:
            # Someone who just chose a password and entered a code needn't confirm who they are.
            record_authentication(request, user, method="sign_up")
        social.connect_now(request, user)
        sign_in = sign_ins.record(request, user, is_sign_up=kwargs["signup"])
        contact_notices.signed_in(sign_in, request)
        kwargs["redirect_url"] = way_back.after_sign_in(request, kwargs["redirect_url"])
        response = cast("HttpResponse", super().post_login(request, user, **kwargs))
        devices.remember(request, response, user)
        return response

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a password try, separately for signed-in users and known browsers."""
        email = credentials.get("email", "")
        user = request.user
        if isinstance(user, User) and email.lower() == user.email.lower():
            budget = budgets.in_session(request, LOGIN_FAILED, user)
        else:
            budget = budgets.for_address(request, LOGIN_FAILED, email)
        if budget.action == LOGIN_FAILED:
            super().pre_authenticate(request, **credentials)
            return
        # allauth undoes this count if the password is right.
        self._login_failed_rl_usage = budget.spend(request)
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def set_password(self, user: User, password: str) -> None:
        """Set a user's new password; the browser they do it in stays known."""
        with transaction.atomic():
            super().set_password(user, password)
            own_changes.password_set(self.request, user)
        if self.request.user == user:
            devices.renew(self.request, user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask for the password again before changes of sign-in or contact data.

        After a recent sign-in, people can change their number or add a second step right away;
        removing it always asks.
        """
        match = self.request.resolver_match
        view = match.view_name if match else ""
        adds_step = app in ("allauth.mfa", "allauth.socialaccount") and view not in REMOVAL
        if adds_step or view == "account_change_phone":
            return not is_recent(self.request)
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to confirm that it's you, in our words."""
        words = dict(REAUTHENTICATION)
        if isinstance(user, User) and not mfa.has_app(user):
            words["mfa_reauthenticate"] = _("Use a recovery code")
        return [
            method | {"description": words.get(method["id"], method["description"])}
            for method in super().get_reauthentication_methods(user)
            if method["id"] != "mfa_reauthenticate:webauthn" or passkeys.are_offered()
        ]

    # Messages: rows in the outbox

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put an account email into the outbox."""
        if template_prefix in (LOGIN_CODE, UNKNOWN_ACCOUNT):
            context = {**context, "url": sign_in_links.make(self.request, email)}
        user = self.request.user if template_prefix in BESIDE_PASSKEYS else None
        if isinstance(user, User) and passkeys.of_user(user):
            template_prefix = BESIDE_PASSKEYS[template_prefix]
        send_account_mail(template_prefix, email, context)

    def send_verification_code_sms(self, user: User, phone: str, code: str) -> None:
        """Put a code into the outbox. Raises RateLimited or TooManyCodesError (429)."""
        sms_limits.spacing(self.request, phone).require(self.request)
        with transaction.atomic():
            sms_limits.spend(self.recipient(phone, user))
            send_phone_code(user, phone, code)

    def recipient(self, phone: str, user: User | None = None) -> Recipient:
        """Return whom the caps count for a code requested here."""
        return Recipient(
            phone=phone,
            client=self.get_client_ip(self.request),
            user=user,
            is_member=user is not None and self.request.user == user,
        )

    # Phone numbers

    def phone_form_field(self, **kwargs: Any) -> Field:
        """Return a field that accepts a number as people write it."""
        return phones.PhoneField(**kwargs)

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        """Return the user's number in E.164, and whether it's verified."""
        member = user.member
        return (str(member.phone), member.phone_is_verified) if member.phone else None

    def set_phone(self, user: User, phone: str, verified: bool) -> None:
        """Save the user's number."""
        if verified:
            self.set_phone_verified(user, phone)
        else:
            phones.attach(user, phone)

    def set_phone_verified(self, user: User, phone: str) -> None:
        """Make a verified number the user's own, and apply their choice from sign-up."""
        before = str(user.member.phone) if user.member.phone_is_verified else ""
        try:
            phones.confirm(user, phone)
        except phones.PhoneTakenError:
            self._refuse_taken_phone()
        contact_notices.number_verified(user, phone, before, self.request)
        if consent.fulfil_wish(self.request, user):
            contact_notices.texts_switched(user.member, self.request)

    def get_user_by_phone(self, phone: str) -> User | None:
        """Return the user who has verified this number."""
        return phones.owner(phone)

    def _refuse_taken_phone(self) -> NoReturn:
        """Send the later one back if two members verify one number at the same moment."""
        messages.error(self.request, self.error_messages["phone_taken"])
        raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_verify_phone")))
