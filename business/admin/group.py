"""The base of pages of settings: what's in force and why, the form, and the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from business import versions
from business.admin import history
from business.admin.group_form import GroupForm
from business.groups import Group
from business.models import Version
from common.staff import show
from common.staff.parts import column, page_button, row_or_404
from common.staff.put_aside import put_aside, take_up
from common.staff.read_only import ReadOnlyAdmin
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

CAME_BACK = "Thank you, it’s you. Nothing has been saved yet: look once more, then save."
SAVED = "Saved. It’s in force now, and everywhere within ten seconds."
GOES_BACK = "These are the values of version {}. Look through them, then save."
OF_ENVIRONMENT = "the environment’s"
RESTORED = "version"
LONGEST_NUMBER = 9


@dataclass(frozen=True)
class Setting:
    """A field of the group, and the variable of the environment that holds if it's empty, if any.

    `words` says a value. `saved` reads it from a version: None is the environment's.
    """

    field: str
    label: str
    variable: str
    environment: Callable[[], Any]
    words: Callable[[Any], str]
    saved: Callable[[Any], Any] | None = None

    @property
    def source(self) -> str:
        """Where the value is from that holds if it's empty."""
        return f"Environment ({self.variable})" if self.variable else "The portal"

    def of(self, row: Any) -> Any:
        """Return what a version says; None if the environment's value holds."""
        if row is None:
            return None
        return self.saved(row) if self.saved else getattr(row, self.field)


@dataclass(frozen=True)
class InForce:
    """A setting as it counts now, and where that's from."""

    label: str
    value: str
    source: str


def overridden() -> list[str]:
    """Return the environment's variables that don't count, since something else was saved."""
    pages = [one for one in admin.site._registry.values() if isinstance(one, GroupAdmin)]  # noqa: SLF001
    return sorted(
        setting.variable
        for page in pages
        for row in [page.group.newest()]
        for setting in page.settings
        if setting.variable and setting.of(row) is not None
    )


class GroupAdmin(ReadOnlyAdmin):
    """A group of settings: its list is its page, and each version has one, which can restore it."""

    group: ClassVar[Group[Any]]
    group_form: ClassVar[type[GroupForm]]
    settings: ClassVar[tuple[Setting, ...]]
    # What the group does, in a sentence or two; and what the button says that saves it.
    about: ClassVar[str]
    save_label: ClassVar[str] = "Save"

    not_exported = "Its list is the group’s form, and each version has a page."
    change_form_outer_before_template = "admin/business/group_version.html"
    fieldsets = [(None, {"fields": ["made", "by", "restores_words"]})]
    readonly_fields = ["made", "by", "restores_words"]
    actions_detail = ["open_again"]

    @property
    def title(self) -> str:
        """What the group is called."""
        return capfirst(str(self.opts.verbose_name_plural))

    @property
    def address(self) -> str:
        """Where its page is."""
        return show.list_of(self.opts.label_lower)

    def has_change_group_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether the user may put a version in force."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.add_{self.opts.model_name}"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form, and take it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        newest = self.group.newest()
        if request.method == "POST":
            if not self.has_change_group_permission(request):
                raise PermissionDenied
            form = self.group_form(request.POST)
            saved = self._save(request, form, newest) if form.is_valid() else None
            return saved or self._page(request, form, newest)
        kept = take_up(request)
        if kept is not None:
            messages.info(request, CAME_BACK)
        form = self.group_form(kept) if kept is not None else self._filled(request, newest)
        return self._page(request, form, newest)

    def _filled(self, request: HttpRequest, newest: Version | None) -> GroupForm:
        """Return the form with what's in force, or with a version that's to come back."""
        earlier = self._version(request.GET.get(RESTORED, ""))
        if earlier:
            messages.info(request, GOES_BACK.format(earlier.version))
        initial = {
            **self.group_form.typed(earlier or newest),
            "based_on": newest.version if newest else 0,
            "restores": earlier.version if earlier else None,
        }
        return self.group_form(initial=initial)

    def _version(self, number: Any) -> Version | None:
        """Return the version with a number; None if there's none."""
        text = str(number or "")
        if not (text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER):
            return None
        found: Version | None = self.model._default_manager.filter(version=text).first()
        return found

    def _save(
        self, request: HttpRequest, form: GroupForm, newest: Version | None
    ) -> HttpResponse | None:
        """Put what was typed in force; None if its author has to look again."""
        values = form.values()
        if newest and versions.values_of(newest) == values:
            messages.info(request, "Nothing has changed, so nothing was saved.")
            return redirect(self.address)
        if not form.is_agreed():
            form.data = {**dict(form.data.items()), "agreed": form.fingerprint}
            return None
        if asked := ask_who_is_there(request, self.address):
            put_aside(request)
            return asked
        earlier = self._version(form.cleaned_data["restores"])
        is_same = earlier is not None and versions.values_of(earlier) == values
        try:
            saved = self.group.save(
                values,
                current_user(request),
                based_on=form.cleaned_data["based_on"],
                restores=earlier.version if earlier and is_same else None,
            )
        except versions.Overtaken:
            self._say_overtaken(form)
            return None
        return self._done(request, saved)

    def _say_overtaken(self, form: GroupForm) -> None:
        """Show what someone else saved meanwhile; saving once more replaces it."""
        newest = self.group.newest()
        if newest is None:
            return
        form.overtaken_by = newest
        form.overtaken = self._between(form.cleaned_data["based_on"], newest)  # type: ignore[misc]
        form.data = {**dict(form.data.items()), "based_on": newest.version}

    def _done(self, request: HttpRequest, saved: Version) -> HttpResponse:
        self.log_addition(request, saved, f"Saved {saved}.")
        messages.success(request, SAVED)
        return redirect(self.address)

    def _page(self, request: HttpRequest, form: GroupForm, newest: Version | None) -> HttpResponse:
        older = request.GET.get("older", "")
        page = self._version(older)
        rows = self.model._default_manager.all()
        entries, more = history.entries(rows, page.version if page else None, self.words)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.title,
            "about": self.about,
            "form": form,
            "in_force": self.in_force(newest),
            "may_change": self.has_change_group_permission(request),
            "save_label": self.save_label,
            "entries": entries,
            "more": more,
        }
        status = 400 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/business/group.html", context, status=status)

    def in_force(self, row: Version | None) -> list[InForce]:
        """Return what counts with a version in force."""
        shown = []
        for one in self.settings:
            value = one.of(row)
            source = str(row) if value is not None else one.source
            value = one.environment() if value is None else value
            shown.append(InForce(one.label, one.words(value), source))
        return shown

    def words(self, name: str, value: Any) -> str:
        """Return a version's value in words."""
        if value is None:
            return OF_ENVIRONMENT
        said = {one.field: one.words for one in self.settings}
        return said[name](value) if name in said else history.words(value)

    def _between(self, old: int, new: Version) -> list[history.Changed]:
        return history.between(self.model._default_manager.all(), old, new, self.words)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add what the version says, and what it changed."""
        row = self.get_object(request, object_id) if str(object_id).isdecimal() else None
        if row:
            extra_context = {
                **(extra_context or {}),
                "title": f"{self.title}, version {row.version}",
                "said": self.in_force(row),
                "changes": self._between(row.version - 1, row),
            }
        return super().changeform_view(request, object_id, form_url, extra_context)

    @page_button("Go back to this version", icon="history", path="open", permission="change_group")
    def open_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the form with an earlier version's values, to look at and save."""
        row = row_or_404(self.model, object_id)
        return redirect(f"{self.address}?{urlencode({RESTORED: row.version})}")

    @column("Saved")
    def made(self, row: Version) -> str:
        """When it was saved."""
        return show.moment(row.made_at)

    @column("By")
    def by(self, row: Version) -> str:
        """Who saved it."""
        return show.name_of(row.made_by) if row.made_by else "The portal"

    @column("Goes back to")
    def restores_words(self, row: Version) -> str:
        """Which version it repeats."""
        return f"Version {row.restores}" if row.restores else show.NOTHING
