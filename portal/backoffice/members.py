"""Members on the staff site, with their money and messages."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import StackedInline
from unfold.contrib.filters.admin import BooleanRadioFilter, RadioFilter
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from billing.admin import labels, trials
from billing.admin.subscriptions import balance
from billing.facts import memberships
from billing.models import Customer, Subscription
from common.fields import MailboxField, WordsField, WordsOfStaff
from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.filters import by_day
from common.staff.parts import button, column, page_button, row_or_404
from common.staff.read_only import IndexedSearch
from members import access_changes, corrections, search
from members.access import current_user
from members.access_dialogs import ChangeAccess
from members.accounts import is_taken, open_account
from members.admin.profiles import sms_badge
from members.contact_dialogs import CorrectEmail, CorrectPhone, may_correct
from members.models import Member
from members.signin import password_links
from members.signin.staff_recent import recently_signed_in
from portal.backoffice.member_lists import (
    InvoicesTab,
    MessagesTab,
    PaymentsTab,
    SignInsTab,
    SubscriptionsTab,
)

admin.site.unregister(User)

# A person's name in titles, messages, and the log, since the login is random. All these places use
# `str(user)`, and Django has no hook for it. A proxy of User would have its own URLs, permissions,
# and history, and foreign keys would still lead to User.
User.add_to_class("__str__", show.name_of)

# What an account may do, in our words; only a button changes the columns behind it.
PERMISSIONS = ["signs_in", "opens_staff_site", "is_owner", "group_names"]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The profile's form. Django also asks for one for a new row, whose phone is required."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["instance"] = kwargs.get("instance") or Member(phone="")
        super().__init__(*args, **kwargs)


class MemberInline(WordsOfStaff, StackedInline):  # type: ignore[misc]
    """The profile. Phone and consent are the member's own, so they're read-only for staff."""

    model = Member
    form = ProfileForm
    can_delete = False
    tab = True
    verbose_name = verbose_name_plural = "Phone and preferences"
    fields = ["phone", "verified", "sms", "agreed", "stopped", "language", "time_zone"]
    readonly_fields = ["phone", "verified", "sms", "agreed", "stopped"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The database makes every user's row."""
        return False

    @column("Phone verified")
    def verified(self, row: Member) -> str:
        """When a code sent to it was entered."""
        return show.moment(row.phone_verified_at)

    @column("Gets text messages")
    def sms(self, row: Member) -> SafeString:
        """Whether we may text them."""
        return sms_badge(row)

    @column("Agreed to text messages")
    def agreed(self, row: Member) -> str:
        """When and where."""
        where = row.get_sms_consent_source_display()
        return f"{show.moment(row.sms_consent_at)}{f', {where}' if where else ''}"

    @column("Stopped text messages")
    def stopped(self, row: Member) -> str:
        """When."""
        return show.moment(row.sms_stopped_at)


class OpenAccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Open an account for someone: they sign in by code and can set a password later."""

    email = MailboxField(
        label="Email address",
        widget=UnfoldAdminEmailInputWidget,
        help_text="It counts as verified: make sure that it is theirs.",
    )
    first_name = WordsField(widget=UnfoldAdminTextInputWidget, max_length=150)
    last_name = WordsField(widget=UnfoldAdminTextInputWidget, max_length=150, required=False)

    class Meta:
        model = User
        fields = ["email", "first_name", "last_name"]

    def clean_email(self) -> str:
        """Refuse an address that someone signs in with."""
        email: str = self.cleaned_data["email"]
        if is_taken(email):
            raise forms.ValidationError("Somebody has an account with this address already.")
        return email


class MembershipFilter(RadioFilter):  # type: ignore[misc]
    """Users who are members now, and those who aren't."""

    title = "membership"
    parameter_name = "membership"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Member now"), ("no", "Not a member")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those with a live membership, or without."""
        live = Subscription.objects.memberships().live()
        members = live.order_by().values("customer__user")
        if self.value() == "yes":
            return queryset.filter(pk__in=members)
        return queryset.exclude(pk__in=members) if self.value() == "no" else queryset


@admin.register(User)
class UserAdmin(IndexedSearch, DjangoUserAdmin):  # type: ignore[misc,type-arg]
    """Members and staff. Accounts are deactivated, never deleted: money and consents need them."""

    add_form = OpenAccountForm
    form = forms.ModelForm
    person_field = "pk"
    search_fields = ["email__istartswith"]
    search_help_text = "Any part of a name, email address or phone number"
    list_display = ["who", "membership", "phone", "joined", "seen", "role"]
    list_filter = [
        MembershipFilter,
        ("is_staff", BooleanRadioFilter),
        ("is_active", BooleanRadioFilter),
        ("date_joined", by_day("day joined")),
    ]
    list_select_related = ["member"]
    ordering = ["-pk"]
    inlines = [MemberInline]
    change_form_datasets: ClassVar[list[Any]] = [
        SubscriptionsTab,
        InvoicesTab,
        PaymentsTab,
        MessagesTab,
        SignInsTab,
    ]
    # Side by side they'd be wider than the page.
    actions_detail: ClassVar[list[Any]] = [
        "ask_for_payment",
        {
            "title": "Account",
            "icon": "manage_accounts",
            "items": ["correct_email", "correct_phone", "send_password_link", "change_access"],
        },
    ]
    readonly_fields = [
        *("email", "joined", "seen", "membership", "credit", "trial", "customer_link", "events"),
        "terms",
    ]
    add_fieldsets = [(None, {"fields": ["email", "first_name", "last_name"]})]
    fieldsets = [
        (None, {"fields": ["first_name", "last_name", "email"]}),
        ("Membership", {"fields": ["membership", "credit", "trial", "customer_link", "events"]}),
        ("Account", {"fields": ["joined", "seen", "terms", *PERMISSIONS]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Users with customers and subscriptions: two more queries for the whole page."""
        rows: QuerySet[Any] = super().get_queryset(request)
        match = request.resolver_match
        on_page = ["terms_accepted"] if match and "object_id" in match.kwargs else []
        return rows.prefetch_related("customers__subscriptions", *on_page)

    def find_persons(self, term: str) -> list[int]:
        """Find the users themselves."""
        return search.people(term)

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

    def has_access_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Only owners decide who is staff, or else groups would limit nobody."""
        return bool(request.user.is_superuser)

    @recently_signed_in
    @button(
        "Change access",
        icon="admin_panel_settings",
        path="access",
        permission="access",
        question="Change what this account may do?",
        explanation=(
            "We email the person and all owners. An account that somebody else has changed decides"
            " on no money for 24 hours."
        ),
        form=ChangeAccess,
        is_primary=False,
    )
    def change_access(
        self, request: HttpRequest, form: ChangeAccess, object_id: str
    ) -> HttpResponse:
        """Grant and revoke access, and say what changed."""
        user = row_or_404(User, object_id)
        try:
            said = access_changes.change(user.pk, current_user(request), form.wanted())
        except access_changes.AccessRefused as refusal:
            form.add_error(None, str(refusal))
            return ask_again(request, self.change_access, form)
        if said:
            self.log_change(request, user, said)
        messages.success(request, said or "Nothing was changed.")
        return redirect(show.page_of(user))

    @recently_signed_in
    @button(
        "Email a password link",
        icon="lock_reset",
        path="password-link",
        permission="access",
        question="Email a link to choose a new password?",
        explanation=(
            "It goes to the address that they sign in with, and works once, for 24 hours. Nobody"
            " sets another person's password."
        ),
        is_primary=False,
    )
    def send_password_link(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Send the link."""
        user = row_or_404(User, object_id)
        try:
            password_links.send(user, current_user(request))
        except access_changes.AccessRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, user, "Sent a link to a new password.")
            messages.success(request, f"We emailed a link to {user.email}.")
        return redirect(show.page_of(user))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Access is changed by a button, which requires a recent sign-in."""
        return [*self.readonly_fields, *PERMISSIONS] if obj else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out group permissions for non-staff, where they have no effect."""
        found = super().get_fieldsets(request, obj)
        if obj is None or obj.is_staff:
            return found
        hidden = {"is_owner", "group_names"}
        return [
            (title, {**one, "fields": [name for name in one["fields"] if name not in hidden]})
            for title, one in found
        ]

    def get_urls(self) -> list[Any]:
        """Leave out Django's page for setting someone's password."""
        return [one for one in super().get_urls() if one.name != "auth_user_password_change"]

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Nobody sets another person's password."""
        raise PermissionDenied

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deactivate the account instead: invoices and consents must keep their person."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        """A new account gets its profile once it exists."""
        return self.inlines if obj else []

    def get_changeform_datasets(self, request: HttpRequest) -> list[Any]:
        """The tabs that this staff member may see; a new account has none."""
        match = request.resolver_match
        if match is None or "object_id" not in match.kwargs:
            return []
        return [
            tab
            for tab in self.change_form_datasets
            if tab.model_admin(tab.model, self.admin_site).has_view_permission(request)
        ]

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Open a new account the way every account is opened."""
        if change:
            return super().save_form(request, form, change)
        values = form.cleaned_data
        form.save_m2m = lambda: None
        user = open_account(values["email"], f"{values['first_name']} {values['last_name']}")
        access_changes.created(user, current_user(request))
        return user

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save changes; a new account has already been saved."""
        if change:
            super().save_model(request, obj, form, change)

    @column("Member", header=True, ordering="first_name")
    def who(self, row: User) -> list[str]:
        """Name over email address."""
        return [show.name_of(row), row.email]

    @column("State")
    def membership(self, row: User) -> SafeString | str:
        """The state of the relevant membership: a live one, or else the newest."""
        current = _current(row)
        return show.badge(*labels.subscription(current)) if current else show.NOTHING

    @column("Credit")
    def credit(self, row: User) -> str:
        """Their balance at Stripe."""
        current = _current(row)
        return balance(current) if current else show.NOTHING

    @column("Free trial")
    def trial(self, row: User) -> str:
        """When the trial was used, or why none is offered."""
        return trials.of_member(row)

    @column("Phone")
    def phone(self, row: User) -> str:
        """The number."""
        return str(row.member.phone) or show.NOTHING

    @column("Joined", ordering="date_joined")
    def joined(self, row: User) -> str:
        """The day they signed up."""
        return show.day(row.date_joined)

    @column("Last signed in", ordering="last_login")
    def seen(self, row: User) -> str:
        """How long ago."""
        return show.age(row.last_login)

    @column("Agreed to terms")
    def terms(self, row: User) -> SafeString | str:
        """Each version with date and place, linked to its record."""
        return show.links(
            [
                (
                    show.page_of(one),
                    f"{one.version} on {show.day(one.happened_at)}, {one.get_where_display()}",
                )
                for one in row.terms_accepted.all()
            ]
        )

    @column("Role", ordering="is_staff")
    def role(self, row: User) -> SafeString | str:
        """Staff or superuser; nothing for everyone else."""
        if not row.is_active:
            return show.badge("Switched off", "danger")
        if row.is_superuser:
            return show.badge("Superuser", "warning")
        return show.badge("Staff", "info") if row.is_staff else show.NOTHING

    @column("Can sign in", boolean=True)
    def signs_in(self, row: User) -> bool:
        """Whether the account is active."""
        return row.is_active

    @column("Can open the staff site", boolean=True)
    def opens_staff_site(self, row: User) -> bool:
        """Whether it's a staff account."""
        return row.is_staff

    @column("Owner", boolean=True)
    def is_owner(self, row: User) -> bool:
        """Whether it may do everything."""
        return row.is_superuser

    @column("Groups")
    def group_names(self, row: User) -> str:
        """The names of its groups."""
        return ", ".join(row.groups.values_list("name", flat=True)) or show.NOTHING

    @column("Customer at Stripe")
    def customer_link(self, row: User) -> SafeString | str:
        """Links to the customers, newest first."""
        return show.links(
            [
                (
                    show.page_of(one),
                    f"{one.stripe_id}{_deleted(one)}, since {show.day(one.created_at)}",
                )
                for one in row.customers.all()
            ]
        )

    @column("Webhook events")
    def events(self, row: User) -> SafeString | str:
        """Links to all events about them, for each of their customers."""
        found = list(row.customers.all())
        return show.links(
            [
                (
                    show.list_of("billing.stripeevent", customer_id=one.stripe_id),
                    f"All events{f' of {one.stripe_id}' if len(found) > 1 else ''}",
                )
                for one in found
            ]
        )


def _current(row: User) -> Subscription | None:
    """Return the relevant membership: a live one, or else the newest."""
    held = [one for customer in row.customers.all() for one in customer.subscriptions.all()]
    return memberships.that_counts(held)


def _deleted(customer: Customer) -> str:
    return " (deleted at Stripe)" if customer.deleted_at_stripe else ""
