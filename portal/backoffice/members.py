"""Members on the staff site, with their money and messages."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.dataclasses import UnfoldAction

from common.staff import show
from common.staff.filters import by_day
from members import access_changes, search
from members.access import current_user
from members.accounts import open_account
from portal.backoffice.care_buttons import CareButtons
from portal.backoffice.member_buttons import MemberButtons
from portal.backoffice.member_columns import MemberColumns, MembershipFilter
from portal.backoffice.member_forms import MemberInline, OpenAccountForm
from portal.backoffice.member_lists import (
    ActivityTab,
    HelpTab,
    InvoicesTab,
    MessagesTab,
    MethodsTab,
    PaymentsTab,
    SignInsTab,
    SubscriptionsTab,
    ZelleTab,
)
from portal.backoffice.member_page import page as member_page
from portal.backoffice.merge_pages import MergePages
from portal.backoffice.note_buttons import NoteButtons
from portal.backoffice.note_list import TagFilter
from portal.backoffice.viewing_buttons import ViewingButtons
from portal.models import PlannedClosing

admin.site.unregister(User)

# A person's name in titles, messages, and the log, since the login is random. All these places use
# `str(user)`, and Django has no hook for it. A proxy of User would have its own URLs, permissions,
# and history, and foreign keys would still lead to User.
User.add_to_class("__str__", show.name_of)

EDIT = "auth_user_edit"
# What an account may do, in our words; only a button changes the columns behind it.
PERMISSIONS = ["signs_in", "opens_staff_site", "is_owner", "group_names"]


@admin.register(User)
class UserAdmin(  # type: ignore[misc]  # Unfold ships no types
    MemberColumns,
    MemberButtons,
    CareButtons,
    NoteButtons,
    ViewingButtons,
    MergePages,
    DjangoUserAdmin,  # type: ignore[type-arg]  # not generic at run time
):
    """Members and staff. Accounts are deactivated, never deleted: money and consents need them."""

    add_form = OpenAccountForm
    form = forms.ModelForm
    person_field = "pk"
    search_fields = ["email__istartswith"]
    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["who", "membership", "phone", "joined", "seen", "role"]
    list_filter = [
        MembershipFilter,
        TagFilter,
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
        MethodsTab,
        ZelleTab,
        HelpTab,
        MessagesTab,
        SignInsTab,
        ActivityTab,
    ]
    # Side by side they'd be wider than the page.
    actions_detail: ClassVar[list[Any]] = [
        *("ask_for_payment", "add_note", "add_tag", "remove_tag", "view_as"),
        {
            "title": "Account",
            "icon": "manage_accounts",
            "items": [
                *("correct_email", "correct_phone", "prepare_data"),
                *("email_sign_in_link", "sign_out_everywhere", "merge_second"),
                *("close_account", "stop_closing"),
                *("send_password_link", "change_role", "change_access", "end_access"),
            ],
        },
    ]
    readonly_fields = [
        *("email", "joined", "seen", "membership", "credit", "trial", "customer_link", "events"),
        *("terms", "closing"),
    ]
    add_fieldsets = [(None, {"fields": ["email", "first_name", "last_name"]})]
    fieldsets = [
        (None, {"fields": ["first_name", "last_name", "email"]}),
        ("Membership", {"fields": ["membership", "credit", "trial", "customer_link", "events"]}),
        ("Account", {"fields": ["joined", "seen", "terms", "closing", *PERMISSIONS]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Users with customers, subscriptions, and roles: three more queries for the whole page."""
        rows: QuerySet[Any] = super().get_queryset(request)
        match = request.resolver_match
        on_page: list[Any] = []
        if match and "object_id" in match.kwargs:
            plans = PlannedClosing.objects.select_related("ended_by", "planned_by")
            on_page = ["terms_accepted", Prefetch("planned_closings", plans)]
        return rows.prefetch_related("customers__subscriptions", "groups", *on_page)

    def find_persons(self, term: str) -> list[int]:
        """Find the users themselves."""
        return search.people(term)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Access is changed by a button, which requires a recent sign-in."""
        return [*self.readonly_fields, *PERMISSIONS] if obj else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out group permissions for non-staff, where they have no effect."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or obj.is_staff:
            return fieldsets
        hidden = {"is_owner", "group_names"}
        return [
            (title, {**one, "fields": [name for name in one["fields"] if name not in hidden]})
            for title, one in fieldsets
        ]

    def get_urls(self) -> list[Any]:
        """Put the member's page where links to a user lead, and the form at an address of its own.

        Django's page for setting someone's password is left out.
        """
        guarded = self.admin_site.admin_view
        replaced = {"auth_user_password_change", "auth_user_change"}
        return [
            path("<path:object_id>/change/", guarded(self.show_member), name="auth_user_change"),
            path("<path:object_id>/edit/", guarded(self.change_view), name=EDIT),
            *(one for one in super().get_urls() if one.name not in replaced),
        ]

    def show_member(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show a member's page; it takes no form."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        user = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, user):
            raise PermissionDenied
        if user is None:
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, object_id
            )
            return missing
        return member_page.answer(request, user, self)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Leave the buttons to the member's page: the form has none."""
        match = request.resolver_match
        if match and match.url_name == EDIT:
            return []
        buttons: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        return buttons

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """Go back to the member's page."""
        return HttpResponseRedirect(show.page_of(obj))

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
