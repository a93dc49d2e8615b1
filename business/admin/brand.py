"""The brand on the staff site: one page with the form, its preview, and the history."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_POST
from unfold.forms import BaseDialogForm

from business import brand, pictures, uploads, versions
from business.admin import history
from business.admin.form import PICTURES, UPLOADS, BrandForm, moved, typed
from business.admin.preview import Preview, preview_of, remarks
from business.models import BrandVersion
from common.context import Brand, brand_of_environment
from common.htmx import wants_fragment
from common.staff import show
from common.staff.parts import button, column, row_or_404
from common.staff.put_aside import put_aside, take_up
from common.staff.read_only import ReadOnlyAdmin
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there, recently_signed_in

MAY_CHANGE = "business.add_brandversion"
PAGE = "admin:business_brandversion_changelist"
CAME_BACK = lazy("Thank you, it’s you. Nothing has been saved yet: look once more, then save.")
SAVED = lazy("Saved. It’s in force now, and everywhere within ten seconds.")


@admin.register(BrandVersion)
class BrandVersionAdmin(ReadOnlyAdmin):
    """The brand. Its list is its page; a version's page shows what it says, and can restore it."""

    not_exported = "Its list is the brand’s form, and each version has a page."
    change_form_outer_before_template = "admin/business/version.html"
    fieldsets = [(None, {"fields": ["made", "by", "restores_words"]})]
    readonly_fields = ["made", "by", "restores_words"]
    actions_detail = ["restore"]

    def has_restore_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether the user may put a version in force."""
        return bool(request.user.has_perm(MAY_CHANGE))

    def get_urls(self) -> list[Any]:
        """Add the preview's address."""
        view = self.admin_site.admin_view(require_POST(self.preview))
        return [path("preview/", view, name="business_brandversion_preview"), *super().get_urls()]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> BrandVersion | None:
        """Return a version with its pictures."""
        if not (object_id.isascii() and object_id.isdecimal()):
            return None
        rows = BrandVersion.objects.select_related("logo", "cover", "made_by")
        return rows.filter(pk=int(object_id)).first()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form, take it, and answer its buttons."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            if not self.has_restore_permission(request):
                raise PermissionDenied
            return self._answer(request)
        kept = take_up(request)
        if kept is not None:
            messages.info(request, str(CAME_BACK))
        newest = brand.newest()
        form = BrandForm(kept) if kept is not None else BrandForm(initial=typed(newest))
        return self._page(request, form, newest)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        """Save, or only do what a button says and show the form again."""
        step = request.POST.get("step", "")
        data = moved(request.POST, step)
        problems = _take_uploads(request, data)
        form = BrandForm(data)
        is_valid = form.is_valid()
        for name, problem in problems.items():
            form.add_error(name, problem)
        newest = brand.newest()
        if step == "save" and is_valid and not problems:
            # What's put aside has the new pictures, which a browser wouldn't send again.
            request.POST = data  # type: ignore[assignment]
            if answer := self._save(request, form, newest):
                return answer
        if wants_fragment(request):
            answer = TemplateResponse(
                request, "admin/business/form.html", self._context(request, form, newest)
            )
            # The page takes only the part that changed, and then asks for the preview.
            answer["HX-Trigger-After-Swap"] = "brand-changed"
            return answer
        return self._page(request, form, newest)

    def _save(
        self, request: HttpRequest, form: BrandForm, newest: BrandVersion | None
    ) -> HttpResponse | None:
        """Put what was typed in force; None if its author has to look again."""
        address = show.list_of("business.brandversion")
        if asked := ask_who_is_there(request, address):
            put_aside(request)
            return asked
        values = form.values()
        if newest and versions.values_of(newest) == values:
            messages.info(request, _("Nothing has changed, so nothing was saved."))
            return redirect(PAGE)
        try:
            saved = versions.save(
                BrandVersion,
                values,
                current_user(request),
                based_on=form.cleaned_data["based_on"],
            )
        except versions.Overtaken:
            self._say_overtaken(request, form)
            return None
        return self._done(request, saved)

    def _done(self, request: HttpRequest, saved: BrandVersion) -> HttpResponse:
        brand.forget()
        self.log_addition(request, saved, f"Saved {saved}.")
        messages.success(request, str(SAVED))
        return redirect(PAGE)

    @staticmethod
    def _say_overtaken(request: HttpRequest, form: BrandForm) -> None:
        """Show what someone else saved meanwhile; saving once more replaces it."""
        newest = brand.newest()
        if newest is None:
            return
        form.overtaken_by = newest
        form.overtaken = history.between(brand.rows(), form.cleaned_data["based_on"], newest)
        form.data = {**dict(form.data.items()), "based_on": newest.version}

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Show portal, email, and PDF as the form stands."""
        if not self.has_restore_permission(request):
            raise PermissionDenied
        form = BrandForm(request.POST)
        form.is_valid()
        context = {"preview": _preview(form), "wrong": _labels_of_errors(form)}
        return TemplateResponse(request, "admin/business/preview.html", context)

    def _page(
        self, request: HttpRequest, form: BrandForm, newest: BrandVersion | None
    ) -> HttpResponse:
        status = 400 if form.is_bound and form.errors else 200
        older = request.GET.get("older", "")
        entries, more = history.entries(brand.rows(), int(older) if older.isdecimal() else None)
        context = {
            **self._context(request, form, newest),
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Brand"),
            "entries": entries,
            "more": more,
            "preview": _preview(form) if form.is_bound else None,
            "said": brand.of_version(newest),
        }
        return TemplateResponse(request, "admin/business/brand.html", context, status=status)

    def _context(
        self, request: HttpRequest, form: BrandForm, newest: BrandVersion | None
    ) -> dict[str, Any]:
        form.say_what_holds(brand_of_environment())
        return {
            "form": form,
            "shown": _shown_pictures(form, newest),
            "may_change": self.has_restore_permission(request),
            "overtaken": form.overtaken,
            "overtaken_by": form.overtaken_by,
        }

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add what the version says, and what it changed."""
        row = self.get_object(request, object_id or "")
        if row:
            said = brand.of_version(row)
            extra_context = {
                **(extra_context or {}),
                "title": _("Brand, version %(number)s") % {"number": row.version},
                "said": said,
                "changes": history.between(brand.rows(), row.version - 1, row),
                "remarks": remarks(said, row.logo),
            }
        return super().changeform_view(request, object_id, form_url, extra_context)

    @button(
        "Go back to this version",
        icon="history",
        path="restore",
        permission="restore",
        question="Go back to this version?",
        explanation="A new version with these values is put in force. The history keeps them all.",
    )
    @recently_signed_in
    def restore(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Put an earlier version's values in force again."""
        row = row_or_404(BrandVersion, object_id)
        newest = brand.newest()
        values = versions.values_of(row)
        if newest is None or versions.values_of(newest) == values:
            messages.info(request, _("This is what’s in force already."))
            return redirect(PAGE)
        try:
            saved = versions.save(
                BrandVersion,
                values,
                current_user(request),
                based_on=newest.version,
                restores=row.version,
            )
        except versions.Overtaken:
            messages.error(request, _("Someone just saved another version. Look at it first."))
            return redirect(PAGE)
        return self._done(request, saved)

    @column("Saved")
    def made(self, row: BrandVersion) -> str:
        """When it was saved."""
        return show.moment(row.made_at)

    @column("By")
    def by(self, row: BrandVersion) -> str:
        """Who saved it."""
        return show.name_of(row.made_by) if row.made_by else _("The portal")

    @column("Goes back to")
    def restores_words(self, row: BrandVersion) -> str:
        """Which version it repeats."""
        return _("Version %(number)s") % {"number": row.restores} if row.restores else show.NOTHING


def _take_uploads(request: HttpRequest, data: QueryDict) -> dict[str, str]:
    """Keep uploaded pictures and name them in the form; return problems by field."""
    problems = {}
    for field, use in UPLOADS.items():
        file = request.FILES.get(field)
        if file is None:
            continue
        name = field.removesuffix("_upload")
        try:
            if (file.size or 0) > pictures.MOST_BYTES:
                raise pictures.PictureError(pictures.too_large())
            data[name] = str(uploads.add(file.read(), use, current_user(request)).pk)
        except (pictures.PictureError, uploads.StorageFailed) as problem:
            problems[name] = str(problem)
    return problems


def _shown_pictures(form: BrandForm, newest: BrandVersion | None) -> dict[str, Any]:
    """Return the pictures beside the form's upload fields."""
    shown = {}
    for name in PICTURES:
        if form.is_bound:
            picture = form.pictures.get(name)
        else:
            picture = getattr(newest, name) if newest else None
        shown[name] = (
            {"picture": picture, "url": brand.address_of(picture.file)} if picture else None
        )
    return shown


def draft_of(form: BrandForm) -> Brand:
    """Return the brand that a form stands for; wrong fields are as if they were empty."""
    return brand.of_version(BrandVersion(**form.values()))


def _preview(form: BrandForm) -> Preview:
    return preview_of(draft_of(form), form.pictures.get("logo"))


def _labels_of_errors(form: BrandForm) -> list[str]:
    return [str(form[name].label) for name in form.errors if name in form.fields]
