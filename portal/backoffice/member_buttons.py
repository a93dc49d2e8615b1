"""The buttons on a member's page: timeline, payments, contact data; `access_buttons` has access."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.forms import BaseDialogForm

from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.parts import button, page_button, row_or_404
from members import corrections
from members.access import current_user
from members.contact_dialogs import CorrectEmail, CorrectPhone, may_correct
from members.signin.staff_recent import recently_signed_in
from portal.backoffice.access_buttons import AccessButtons
from portal.models import PlannedClosing
from portal.selfservice import closing, data_exports


class MemberButtons(AccessButtons):
    """What staff can do for a member. Each button asks first, and most for a recent sign-in."""

    def has_ask_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may send payment requests."""
        return request.user.has_perm("billing.add_paymentrequest")

    @page_button("Ask for a payment", icon="request_quote", path="ask", permission="ask")
    def ask_for_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to a new payment request for this member."""
        query = urlencode({"user": object_id})
        return redirect(f"{reverse('admin:billing_paymentrequest_add')}?{query}")

    def has_correct_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may correct this member's contact data."""
        return may_correct(request, object_id)

    @recently_signed_in
    @button(
        "Correct email address",
        icon="alternate_email",
        path="correct-email",
        permission="correct",
        question="Correct this member's email address?",
        explanation=(
            "We email a link to the new address. Once the member confirms it there, they sign in"
            " with it. We tell their current address right away."
        ),
        form=CorrectEmail,
        is_primary=False,
    )
    def correct_email(
        self, request: HttpRequest, form: CorrectEmail, object_id: str
    ) -> HttpResponse:
        """Send the link to the new address."""
        user, email = row_or_404(User, object_id), form.cleaned_data["email"]
        try:
            corrections.propose_email(user, email)
        except corrections.CorrectionRefused as refusal:
            form.add_error("email", str(refusal))
            return ask_again(request, self.correct_email, form)
        self.log_change(request, user, f"Asked {email} to confirm as the new email address.")
        messages.success(
            request, f"We emailed a link to {email}. The address changes once it’s used."
        )
        return redirect(show.page_of(user))

    @recently_signed_in
    @button(
        "Correct phone",
        icon="call",
        path="correct-phone",
        permission="correct",
        question="Correct this member's phone number?",
        explanation=(
            "The member verifies it with a code on their account page; until then nothing is"
            " texted to it. We tell them by email."
        ),
        form=CorrectPhone,
        is_primary=False,
    )
    def correct_phone(
        self, request: HttpRequest, form: CorrectPhone, object_id: str
    ) -> HttpResponse:
        """Save the new number, unverified."""
        user, phone = row_or_404(User, object_id), form.cleaned_data["phone"]
        before = str(user.member.phone) or "none"
        try:
            corrections.correct_phone(user, phone)
        except corrections.CorrectionRefused as refusal:
            form.add_error("phone", str(refusal))
            return ask_again(request, self.correct_phone, form)
        self.log_change(request, user, f"Changed the phone number from {before} to {phone}.")
        messages.success(request, "The number is saved. The member has to verify it.")
        return redirect(show.page_of(user))

    @recently_signed_in
    @button(
        "Prepare their data",
        icon="folder_zip",
        path="data",
        permission="correct",
        question="Prepare a copy of all data about this member?",
        explanation=(
            "We email the member when it’s ready. Only they can download it, once they have signed"
            " in, for seven days."
        ),
        is_primary=False,
    )
    def prepare_data(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Have the copy made, and log it."""
        user = row_or_404(User, object_id)
        try:
            data_exports.ask(user, current_user(request))
        except data_exports.ExportRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, user, "Had a copy of their data made.")
            messages.success(request, f"We’ll email {user.email} when it’s ready.")
        return redirect(show.page_of(user))

    def has_stop_closing_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may stop the closing of this account, if it's planned."""
        if not request.user.has_perm("portal.change_plannedclosing"):
            return False
        plans = PlannedClosing.objects.planned()
        return object_id.isdecimal() and plans.filter(user=int(object_id[:18])).exists()

    @recently_signed_in
    @button(
        "Stop closing",
        icon="person_check",
        path="stop-closing",
        permission="stop_closing",
        question="Keep this account open?",
        explanation=(
            "It’s set to close. We email the member that it stays open, and what stopped renewing"
            " renews again. If the member asked to close it, only do this if they want it, or if"
            " something has to be settled first."
        ),
        is_primary=False,
    )
    def stop_closing(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Stop it, and log it."""
        user = row_or_404(User, object_id)
        try:
            kept = closing.keep(user, current_user(request))
        except closing.ClosingRefused as refusal:
            messages.error(request, str(refusal))
            return redirect(show.page_of(user))
        self.log_change(request, user, "Stopped the closing of the account.")
        messages.success(request, "The account stays open. We emailed the member.")
        if kept.problem:
            messages.warning(request, f"Their membership doesn’t renew yet: {kept.problem}")
        return redirect(show.page_of(user))
