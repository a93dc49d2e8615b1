"""allauth's code pages, which also say when another code can be sent."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth_views
from allauth.account.stages import EmailVerificationStage, LoginByCodeStage, PhoneVerificationStage
from django.forms import BaseForm, Form
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from members.signin import budgets, forms, sms_limits
from members.signin.allauth_internals import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    PasswordResetVerificationProcess,
    get_pending_stage,
    redirect_to_pending_stage,
)
from members.signin.budgets import Budget
from members.signin.waits import SaysWhen


class CodePage(SaysWhen):
    """A page with a code field."""

    code_form: type[Form]

    def too_soon(self, form: BaseForm, words: str) -> HttpResponseBase:
        """Show the page again with this sentence, and the field for the code that was sent."""
        asked_for_code = not form.fields
        return super().too_soon(self.code_form() if asked_for_code else form, words)


class PageOfStage(CodePage):
    """A code page; people whose sign-up waits at another one are sent there.

    allauth would send them to the sign-in page, and opening that drops their sign-up.
    """

    stage_key: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page, or redirect to the one that's waiting."""
        waiting = get_pending_stage(request)
        if waiting and waiting.key != self.stage_key and waiting.is_resumable(request):
            return redirect_to_pending_stage(request, waiting)  # type: ignore[no-any-return]
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]


class EmailCodeView(PageOfStage, allauth_views.ConfirmEmailVerificationCodeView):  # type: ignore[misc]
    """The code that verifies an email address, at sign-up or for a change."""

    stage_key = EmailVerificationStage.key
    code_form = forms.EmailCodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page to people who are signed in or signing up.

        Once a sign-up is over, allauth still shows it to visitors whose address already had an
        account, and to nobody else, which reveals who has one.
        """
        if request.user.is_anonymous and get_pending_stage(request) is None:
            request.session.pop(EMAIL_VERIFICATION_CODE_SESSION_KEY, None)
            return redirect("account_login")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add whether this is a sign-up, whose address may already have an account."""
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
        """Send another code, and count it as a request: allauth doesn't."""
        self._budget().require(self.request)
        return super()._resend_form_valid(form)  # type: ignore[no-any-return]

    def _budget(self) -> Budget:
        return budgets.for_address(self.request, "request_login_code", self._process.state["email"])


class PhoneCode(CodePage):
    """What both phone code pages share."""

    code_form = forms.PhoneCodeForm
    process: Any

    def _resend_form_valid(self, form: BaseForm) -> HttpResponseBase:
        spacing = sms_limits.spacing(self.request, self.process.phone)
        return self.unless_too_soon(spacing, form, self._resend)

    def _resend(self, form: BaseForm) -> HttpResponseBase:
        """Send another code; allauth's own method hides why it's refused."""
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
    """The code that verifies a phone number at sign-up."""

    stage_key = PhoneVerificationStage.key


class ChangePhoneCodeView(
    PhoneCode,
    allauth_views._VerifyPhoneChangeView,  # type: ignore[misc]  # noqa: SLF001
):
    """The code that verifies a phone number on the account page. allauth can't resend it."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the code, or send another one (POST `action`: "resend")."""
        if request.POST.get("action") == "resend":
            return self._resend_form_valid(Form())
        return super().post(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Offer another code; `code_limits` limits how many there are."""
        return {**super().get_context_data(**kwargs), "can_resend": True}

    def _resend(self, form: BaseForm) -> HttpResponseBase:
        self.process.send()
        return redirect("account_verify_phone")


def verify_phone(request: HttpRequest) -> HttpResponseBase:
    """Show the phone code page to people who are signing up or signed in."""
    view = ChangePhoneCodeView if request.user.is_authenticated else SignupPhoneCodeView
    response: HttpResponseBase = view.as_view()(request)
    return response


class PasswordCodeView(CodePage, allauth_views.ConfirmPasswordResetCodeView):  # type: ignore[misc]
    """The code for a new password. allauth can't resend it."""

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
        """Start again with the same address, which counts as another request."""
        email, user = self._process.state["email"], self._process.user
        self._budget().require(self.request)
        PasswordResetVerificationProcess.initiate(request=self.request, user=user, email=email)
        return redirect(self.passthrough_next_url(reverse("account_confirm_password_reset_code")))

    def _budget(self) -> Budget:
        return budgets.for_address(self.request, "reset_password", self._process.state["email"])
