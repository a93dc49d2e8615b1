"""The terms on which payments by Zelle are taken: one row, read by all staff, changed by few."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.bank.terms_form import TermsForm
from billing.facts import zelle
from billing.models import ZelleTerms
from common.money import Money
from common.staff import show
from common.staff.parts import column
from common.staff.put_aside import put_aside, take_up
from common.staff.read_only import IndexedSearch
from members import access_changes
from members.access import current_user
from members.access_changes import OnHold
from members.signin.staff_recent import ask_who_is_there

ONLY = "1"
WHAT, HOW, WHEN = "What members may pay", "How it's shown to them", "When money counts"
CAME_BACK = "Thank you, it's you. Nothing has been saved yet: look once more, then save."
CHOOSE_AGAIN = "Choose the QR code again: it had to be left out meanwhile."


@admin.register(ZelleTerms)
class ZelleTermsAdmin(IndexedSearch):
    """The terms. Their list is their page, since there's one row."""

    not_exported = "There’s one row, and it has a page."
    form = TermsForm
    readonly_fields = ["preview", "least", "most", "each", "a_day", "changed"]
    fieldsets = [
        (WHAT, {"fields": [
            "takes_amounts", "takes_requests", "takes_memberships", ("minimum", "maximum"),
            ("days_to_pay", "days_of_grace"),
        ]}),
        (HOW, {"fields": ["name", "address", "prefix", "preview", "code_file", "code_removed"]}),
        (WHEN, {"fields": [
            "confirms_by_itself", ("trusted_amount", "trusted_a_day"), "days_to_prove", "changed",
        ]}),
    ]  # fmt: skip
    viewer_fieldsets = [
        (WHAT, {"fields": [
            "takes_amounts", "takes_requests", "takes_memberships", "least", "most",
            "days_to_pay", "days_of_grace",
        ]}),
        (HOW, {"fields": ["name", "address", "prefix", "preview"]}),
        (WHEN, {"fields": ["confirms_by_itself", "each", "a_day", "days_to_prove", "changed"]}),
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There's one row, whether or not it was saved yet."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Switch everything off instead."""
        return False

    def get_urls(self) -> list[Any]:
        """Add the QR code's address."""
        view = self.admin_site.admin_view(self.picture)
        return [path("code/", view, name="billing_zelleterms_code"), *super().get_urls()]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ZelleTerms | None:
        """Return the row; before it was first saved, what counts then."""
        return zelle.terms() if object_id == ONLY else None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form's fields, or what they hold for those who may only read."""
        return self.fieldsets if self.has_change_permission(request) else self.viewer_fieldsets

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form, with what was typed before its author confirmed who they are."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if request.method == "GET" and (kept := take_up(request)) is not None:
            form.kept = kept
            messages.info(request, CAME_BACK)
        return form

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the only row's page."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        answer: HttpResponse = self.changeform_view(request, ONLY, "", extra_context)
        return answer

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the terms; changing them takes a recent sign-in and an account that's not on hold.

        Nobody else can save in between: the account is locked until it's done.
        """
        title = {"title": str(ZelleTerms()), "show_save_and_continue": False}
        title |= extra_context or {}
        may = self.has_change_permission(request) if object_id else self.has_add_permission(request)
        if request.method != "POST" or not may:
            return super().changeform_view(request, object_id, form_url, title)
        page = reverse("admin:billing_zelleterms_changelist")
        if asked := ask_who_is_there(request, request.path, otherwise=page):
            put_aside(request)
            if request.FILES:
                messages.warning(request, CHOOSE_AGAIN)
            return asked
        try:
            with transaction.atomic():
                access_changes.require_not_on_hold(current_user(request))
                return super().changeform_view(request, object_id, form_url, title)
        except OnHold as hold:
            messages.error(request, str(hold))
            return redirect(page)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Keep who changed it last."""
        obj.changed_by = current_user(request)
        super().save_model(request, obj, form, change)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the page, and say what counts now."""
        messages.success(request, "Saved. It counts from now on.")
        return redirect("admin:billing_zelleterms_changelist")

    def picture(self, request: HttpRequest) -> HttpResponse:
        """Return the QR code."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        row = zelle.terms()
        if not row.code:
            raise Http404("There's no QR code.")
        return HttpResponse(bytes(row.code), content_type=row.code_type)

    @column("QR code now")
    def preview(self, row: ZelleTerms) -> SafeString | str:
        """The picture as members see it."""
        if not row.code:
            return "None. Members see only the name and the address."
        stamp = int(row.changed_at.timestamp())
        return format_html(
            '<img class="staff-code-picture" src="{}?{}" alt="QR code of {}">',
            reverse("admin:billing_zelleterms_code"),
            stamp,
            row.name or "your business",
        )

    @column("Smallest amount")
    def least(self, row: ZelleTerms) -> str:
        """In dollars."""
        return str(Money(row.minimum, "usd"))

    @column("Largest amount")
    def most(self, row: ZelleTerms) -> str:
        """In dollars."""
        return str(Money(row.maximum, "usd"))

    @column("Each payment up to")
    def each(self, row: ZelleTerms) -> str:
        """In dollars."""
        return str(Money(row.trusted_amount, "usd"))

    @column("All payments in 24 hours up to")
    def a_day(self, row: ZelleTerms) -> str:
        """In dollars."""
        return str(Money(row.trusted_a_day, "usd"))

    @column("Changed")
    def changed(self, row: ZelleTerms) -> str:
        """When, and by whom."""
        if not row.changed_by:
            return "Never: these are the portal's own."
        return f"{show.moment(row.changed_at)} by {show.name_of(row.changed_by)}"
