"""Stripe customers that belong to nobody here: staff assign them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminEmailInputWidget

from billing.admin.records import RecordAdmin
from billing.models import Customer, StripeEvent, UnassignedCustomer
from billing.sync import assignment
from common.fields import MailboxField
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_or_404
from members import mailboxes


class MemberForm(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """Asks for the member, by sign-in address."""

    email = MailboxField(label="The member's email address", widget=UnfoldAdminEmailInputWidget)

    def clean_email(self) -> User:
        """Return the user with this address."""
        users = mailboxes.users_of(self.cleaned_data["email"])
        if len(users) != 1:
            raise forms.ValidationError("No member signs in with this address.")
        return users[0]


@admin.register(UnassignedCustomer)
class UnassignedCustomerAdmin(RecordAdmin):
    """Customers who pay at Stripe but aren't members here."""

    stripe_path = "customers"
    search_fields = [
        *("stripe_id__startswith", "email__istartswith", "name__istartswith"),
        *("email__has_part", "name__has_part"),
    ]
    search_help_text = "Part of a name or email address, or cus_…"
    list_display = ["who", "created", "invited", "waiting", "stripe_id"]
    list_filter = [("created_at", by_day("day made at Stripe"))]
    actions_row = ["assign", "open_in_stripe"]
    actions_detail = ["assign", "open_in_stripe"]
    fieldsets = [
        (None, {"fields": ["name", "email", "stripe_id", "created", "invited", "waiting"]}),
    ]

    def has_assign_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may assign customers."""
        return request.user.has_perm("billing.change_unassignedcustomer")

    @column("Customer", ordering="name", header=True)
    def who(self, row: UnassignedCustomer) -> list[str]:
        """Name over email address."""
        return [row.name or show.NOTHING, row.email]

    @column("Made at Stripe", ordering="created_at")
    def created(self, row: UnassignedCustomer) -> str:
        """When it was made."""
        return show.moment(row.created_at)

    @column("Invited", ordering="invited_at")
    def invited(self, row: UnassignedCustomer) -> str:
        """When we asked them to sign up."""
        return show.moment(row.invited_at)

    @column("Events")
    def waiting(self, row: UnassignedCustomer) -> SafeString | str:
        """Link to the events that will be processed once the customer is assigned."""
        return show.anchor(show.list_of(_EVENTS, customer_id=row.stripe_id), "Show")

    @button(
        "Assign to a member",
        icon="person_add",
        path="assign",
        permission="assign",
        question="Whose customer is this?",
        explanation=(
            "The member will see this customer's subscriptions, invoices and payments as their own,"
            " beside what they have already. Make sure they're the same person: you can't undo this"
            " here."
        ),
        form=MemberForm,
    )
    def assign(self, request: HttpRequest, form: MemberForm, object_id: str) -> HttpResponse:
        """Give the customer to the member."""
        row = row_or_404(UnassignedCustomer, object_id)
        user: Any = form.cleaned_data["email"]
        try:
            customer = assignment.assign(row, user)
        except assignment.AssignmentRefused as reason:
            self.message_user(request, str(reason), messages.ERROR)
            return redirect(show.list_of("billing.unassignedcustomer"))
        self.log_change(request, customer, f"Assigned {customer.stripe_id} to {user.email}.")
        others = Customer.objects.filter(user=user).exclude(pk=customer.pk).count()
        text = f"{customer} belongs to {show.name_of(user)} now. Their payments are being read."
        if others:
            text += f" {show.name_of(user)} now has {others + 1} customers at Stripe."
        self.message_user(request, text, messages.SUCCESS)
        return redirect(show.page_of(customer))


_EVENTS = StripeEvent._meta.label_lower
