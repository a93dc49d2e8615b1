"""Saved views on the staff site: saving and opening them, and the list that renames and deletes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from common.staff import show
from common.staff.parts import column
from common.staff.read_only import IndexedSearch
from members.access import current_user
from portal.backoffice import saved_views
from portal.backoffice.saved_views import MAY_SAVE, MAY_SEE, MAY_SHARE, SaveForm, ViewRefused
from portal.models import SavedView

GONE = "“{}” can’t be opened. {} This is the whole list: save the view anew, or delete it."


class RenameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A view's name, and for whom it is."""

    class Meta:
        model = SavedView
        fields = ("name", "is_default", "is_shared")

    def clean_name(self) -> str:
        """Refuse another of their own views' name."""
        name: str = self.cleaned_data["name"]
        rows = SavedView.objects.filter(owner=self.instance.owner, model=self.instance.model)
        if rows.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("You have a view of this list with this name.")
        return name

    def validate_constraints(self) -> None:
        """The name is checked above, and another default gives way to this one."""


@admin.register(SavedView)
class SavedViewAdmin(IndexedSearch):
    """One's own views and the team's. They're made over the lists that they show."""

    form = RenameForm
    not_exported = "Views are addresses of lists, which are exported themselves."
    nothing = "Nobody has saved a view yet. Filter a list, then save it there."
    list_display = ["name", "of_list", "whose", "is_shared"]
    list_select_related = ["owner"]
    ordering = ["model", "name"]
    fields = ["name", "is_default", "is_shared", "of_list", "filters_shown", "whose"]

    def get_urls(self) -> list[Any]:
        """Add the addresses that save and open one."""
        save = self.admin_site.admin_view(self.save)
        opened = self.admin_site.admin_view(self.open)
        return [
            path("save/", save, name="portal_savedview_save"),
            path("<int:pk>/open/", opened, name="portal_savedview_open"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedView]:
        """Return what this person may see."""
        return saved_views.visible_to(current_user(request)).select_related("owner")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What isn't theirs to change: the team's views open nobody else's lists."""
        fixed = ["of_list", "filters_shown", "whose"]
        if not request.user.has_perm(MAY_SHARE):
            fixed.append("is_shared")
        if obj and obj.owner_id != request.user.pk:
            fixed.append("is_default")
        return fixed

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Views are saved over their lists."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Everyone may change their own; who may share also changes the team's."""
        return super().has_change_permission(request, obj) and _is_theirs(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As for changing."""
        return super().has_delete_permission(request, obj) and _is_theirs(request, obj)

    def save_model(self, request: HttpRequest, obj: SavedView, form: Any, change: bool) -> None:
        """A list opens with one view at most."""
        if obj.is_default:
            others = SavedView.objects.filter(owner=obj.owner, model=obj.model)
            others.exclude(pk=obj.pk).update(is_default=False)
        super().save_model(request, obj, form, change)

    def save(self, request: HttpRequest) -> HttpResponse:
        """Save a list as its address says, and go back to it.

        Who comes here by the way back of an expired page or session finds the views.
        """
        if request.method != "POST":
            if not request.user.has_perm(MAY_SEE):
                raise PermissionDenied
            return redirect(show.list_of("portal.savedview"))
        if not request.user.has_perm(MAY_SAVE):
            raise PermissionDenied
        label = request.POST.get("model", "")
        listing = saved_views.admin_of(label)
        if listing is None:
            raise Http404("There is no such list.")
        if not listing.has_view_permission(request):
            raise PermissionDenied
        can_share = request.user.has_perm(MAY_SHARE)
        filters = saved_views.filters_of(QueryDict(request.POST.get("query", "")))
        form = SaveForm(request.POST, can_share=can_share)
        if form.is_valid():
            said = form.cleaned_data
            try:
                row = saved_views.save(
                    request,
                    label,
                    filters,
                    name=said["name"],
                    default=said["is_default"],
                    shared=can_share and said["is_shared"],
                )
            except ViewRefused as refusal:
                messages.error(request, str(refusal))
                return redirect(show.all_of(label))
            self.log_addition(request, row, f"Saved the view “{row.name}”.")
            messages.success(request, f"Saved as “{row.name}”.")
        else:
            for sentences in form.errors.values():
                messages.error(request, " ".join(map(str, sentences)))
        return redirect(f"{show.list_of(label)}?{saved_views.as_query(filters)}")

    def open(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the list as it was saved, or say why it can't be."""
        if not request.user.has_perm(MAY_SEE):
            raise PermissionDenied
        row = get_object_or_404(saved_views.visible_to(current_user(request)), pk=pk)
        listing = saved_views.admin_of(row.model)
        if listing is None:
            messages.warning(request, GONE.format(row.name, "Its list no longer exists."))
            return redirect(show.list_of("portal.savedview"))
        if not listing.has_view_permission(request):
            raise PermissionDenied
        try:
            saved_views.check(request, row.model, row.filters)
        except ViewRefused as refusal:
            messages.warning(request, GONE.format(row.name, refusal))
            return redirect(show.all_of(row.model))
        return redirect(f"{show.list_of(row.model)}?{saved_views.as_query(row.filters)}")

    @column("List", ordering="model")
    def of_list(self, row: SavedView) -> str:
        """What the list is called."""
        listing = saved_views.admin_of(row.model)
        return capfirst(str(listing.opts.verbose_name_plural)) if listing else row.model

    @column("Whose")
    def whose(self, row: SavedView) -> str:
        """Who saved it."""
        return show.name_of(row.owner)

    @column("Address")
    def filters_shown(self, row: SavedView) -> SafeString:
        """What the list's address says."""
        return format_html_join("", "<div>{}: {}</div>", row.filters)


def _is_theirs(request: HttpRequest, obj: Any) -> bool:
    if obj is None or obj.owner_id == request.user.pk:
        return True
    return bool(obj.is_shared and request.user.has_perm(MAY_SHARE))
