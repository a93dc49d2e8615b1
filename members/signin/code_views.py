"""The pages that wait for a code: allauth's, which say when another one can be sent."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth_views
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
)
from allauth.account.internal.flows.password_reset_by_code import PasswordResetVerificationProcess
from allauth.account.internal.stagekit import get_pending_stage, redirect_to_pending_stage
from allauth.account.stages import EmailVerificationStage, LoginByCodeStage, PhoneVerificationStage
from django.forms import BaseForm, Form
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from members import forms
from members.signin import budgets, sms_limits
from members.signin.budgets import Budget
from members.signin.waits import SaysWhen


class CodePage(SaysWhen):
    """A page with the field for a code."""

    code_form: type[Form]

    def too_soon(self, form: BaseForm, words: str) -> HttpResponseBase:
        """Show the page again with this sentence, and with the field for the code that was sent."""
        asked_for_code = not form.fields
        return super().too_soon(self.code_form() if asked_for_code else form, words)


class PageOfStage(CodePage):
    """A code's page; somebody whose sign-up waits at another one is led there.

    allauth sends them to the sign-in page, which drops the sign-up of whoever opens it.
    """

    stage_key: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page, or lead to the one that waits."""
        waiting = get_pending_stage(request)
        if waiting and waiting.key != self.stage_key and waiting.is_resumable(request):
            return redirect_to_pending_stage(request, waiting)  # type: ignore[no-any-return]
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]


class EmailCodeView(PageOfStage, allauth_views.ConfirmEmailVerificationCodeView):  # type: ignore[misc]
    """The code that proves an e-mail address, at sign-up or for a change."""

    stage_key = EmailVerificationStage.key
    code_form = forms.EmailCodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page to who is signed in or signing up.

        allauth shows it to a visitor whose sign-up is over too if their address had an account
        before, and to nobody else, which tells who has one.
        """
        if request.user.is_anonymous and get_pending_stage(request) is None:
            request.session.pop(EMAIL_VERIFICATION_CODE_SESSION_KEY, None)
            return redirect("account_login")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add whether this is a sign-up, which may have an account already."""
        is_sign_up = bool(self.stage and self.stage.login.signup)
        return {**super().get_context_data(**kwargs), "is_sign_up": is_sign_up}

    def _resend_form_valid(self, form: BaseForm) -> HttpResponseBase:
        email = self._process.email.lower()
        return self.unless_too_soon(
            Budget("confirm_email", email), form, super()._resend_form_valid
        )


class LoginCodeView(PageOfStage, allauth_views.ConfirmLoginCodeView):  # type: ignore[misc]
    """The code to sign in with."""

    stage_key = LoginByCodeStage.key
    code_form = forms.LoginCodeForm

    def _resend_form_valid(self, form: BaseForm) -> HttpResponseBase:
        return self.unless_too_soon(self._budget(), form, self._resend)

    def _resend(self, form: BaseForm) -> HttpResponseBase:
        """Send another code, which counts as one more asked for: allauth lets this one through."""
        self._budget().require(self.request)
        return super()._resend_form_valid(form)  # type: ignore[no-any-return]

    def _budget(self) -> Budget:
        return budgets.for_address(self.request, "request_login_code", self._process.state["email"])


class PhoneCode(CodePage):
    """What both pages of a phone's code have in common."""

    code_form = forms.PhoneCodeForm
    process: Any

    def _resend_form_valid(self, form: BaseForm) -> HttpResponseBase:
        spacing = sms_limits.spacing(self.request, self.process.phone)
        return self.unless_too_soon(spacing, form, self._resend)

    def _resend(self, form: BaseForm) -> HttpResponseBase:
        """Send another code; allauth's own catches the refusal, and says less."""
        self.process.resend()
        return redirect("account_verify_phone")

    def _change_form_valid(self, form: Any) -> HttpResponseBase:
        spacing = sms_limits.spacing(self.request, form.cleaned_data["phone"])
        return self.unless_too_soon(spacing, form, super()._change_form_valid)  # type: ignore[misc]


class SignupPhoneCodeView(
    PhoneCode,
    PageOfStage,
    allauth_views._VerifyPhoneSignupView,  # type: ignore[misc]  # noqa: SLF001
):
    """The code that proves a phone number, at sign-up."""

    stage_key = PhoneVerificationStage.key


class ChangePhoneCodeView(
    PhoneCode,
    allauth_views._VerifyPhoneChangeView,  # type: ignore[misc]  # noqa: SLF001
):
    """The code that proves a phone number, on the account page. allauth sends no other one here."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the code, or send another one (POST `action`: "resend")."""
        if request.POST.get("action") == "resend":
            return self._resend_form_valid(Form())
        return super().post(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Offer another code: `code_limits` bounds how many there are."""
        return {**super().get_context_data(**kwargs), "can_resend": True}

    def _resend(self, form: BaseForm) -> HttpResponseBase:
        self.process.send()
        return redirect("account_verify_phone")


def verify_phone(request: HttpRequest) -> HttpResponseBase:
    """Show the phone's code page to who signs up or is signed in."""
    view = ChangePhoneCodeView if request.user.is_authenticated else SignupPhoneCodeView
    response: HttpResponseBase = view.as_view()(request)
    return response


class PasswordCodeView(CodePage, allauth_views.ConfirmPasswordResetCodeView):  # type: ignore[misc]
    """The code to set a new password with. allauth has no way to send another one."""

    code_form = forms.PasswordCodeForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the code, or send another one (POST `action`: "resend")."""
        if request.POST.get("action") != "resend":
            return super().post(request, *args, **kwargs)  # type: ignore[no-any-return]
        return self.unless_too_soon(self._budget(), Form(), self._resend)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Offer another code."""
        return {**super().get_context_data(**kwargs), "can_resend": True}

    def _resend(self, form: BaseForm) -> HttpResponseBase:
        """Begin again with the same address: counted as one more asked for."""
        email, user = self._process.state["email"], self._process.user
        self._budget().require(self.request)
        PasswordResetVerificationProcess.initiate(request=self.request, user=user, email=email)
        return redirect(self.passthrough_next_url(reverse("account_confirm_password_reset_code")))

    def _budget(self) -> Budget:
        return budgets.for_address(self.request, "reset_password", self._process.state["email"])
