"""The page where owners change a staff group; `roles` has what the roles' groups may do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from common.staff.read_only import IndexedSearch
from members import access_changes
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(IndexedSearch, DjangoGroupAdmin):  # type: ignore[misc]
    """What a staff group may do; `migrate` makes those of the standard roles."""

    search_fields = ["name__istartswith"]
    search_help_text = "How the group's name begins"
    # Django's box of two lists doesn't fit the page. In one list, a click without Ctrl would drop
    # the rest, so each permission has a box of its own.
    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Show permissions as boxes to tick."""
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Require a recent sign-in: a group's permissions apply to all of its members."""
        if request.method == "POST" and self.has_change_permission(request):
            asked = ask_who_is_there(request, request.path, otherwise=reverse("admin:index"))
            if asked:
                return asked
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except access_changes.AccessRefused as refusal:
            messages.error(request, str(refusal))
            return redirect(request.path)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only owners make groups, whatever a group may do by its permissions."""
        return super().has_add_permission(request) and _decides(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only owners change groups."""
        return super().has_change_permission(request, obj) and _decides(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer none: groups are deleted one at a time, on their page."""
        return {}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Groups can't be deleted; empty one instead, which asks first and notifies people."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the permissions; tell the group's staff and all owners what changed.

        Raises:
            AccessRefused: the group would get what the owner can't do, or no owner would be left.
        """
        group: Group = form.instance
        before = _held(group)
        super().save_related(request, form, formsets, change)
        after = _held(group)
        access_changes.require_holds(current_user(request), after - before)
        if not access_changes.owners():
            raise access_changes.AccessRefused(access_changes.LAST_OWNER)
        granted, revoked = (
            sorted(_codename(one) for one in some) for some in (after - before, before - after)
        )
        said = [f"Granted to the group {group}: {name}." for name in granted]
        said += [f"Revoked from the group {group}: {name}." for name in revoked]
        if not said:
            return
        self.log_change(request, group, " ".join(said))
        for user in group.user_set.filter(is_staff=True):
            access_changes.record(user, current_user(request), " ".join(said))


def _decides(request: HttpRequest) -> bool:
    return access_changes.is_owner(current_user(request))


def _held(group: Group) -> set[str]:
    rows = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def _codename(permission: str) -> str:
    return permission.partition(".")[2]
