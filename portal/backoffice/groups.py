"""The page where owners change a staff group; `roles` has the standard groups' permissions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse

from common.staff.read_only import IndexedSearch
from members import access_changes
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(IndexedSearch, DjangoGroupAdmin):  # type: ignore[misc]
    """What a staff group may do; `manage.py staff_groups` makes the standard ones."""

    search_fields = ["name__istartswith"]
    search_help_text = "How the group's name begins"

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
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer none: groups are deleted one at a time, on their page."""
        return {}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Groups can't be deleted; empty one instead, which asks first and notifies people."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the permissions; tell the group's staff and all owners what changed."""
        group: Group = form.instance
        before = set(group.permissions.values_list("codename", flat=True))
        super().save_related(request, form, formsets, change)
        after = set(group.permissions.values_list("codename", flat=True))
        said = [f"Granted to the group {group}: {name}." for name in sorted(after - before)]
        said += [f"Revoked from the group {group}: {name}." for name in sorted(before - after)]
        if not said:
            return
        self.log_change(request, group, " ".join(said))
        for user in group.user_set.filter(is_staff=True):
            access_changes.record(user, current_user(request), " ".join(said))
