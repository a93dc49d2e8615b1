"""Saved views: a list as it's filtered, searched, and sorted, under a name, for one or for all.

Only what's in the list's address is kept, and it's checked when a view is opened: filters change.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from common.fields import WordsField
from common.staff import show
from common.traces import Traces
from members.access import current_user
from portal.models import SavedView

MAY_SEE, MAY_SAVE, MAY_SHARE = (
    "portal.view_savedview",
    "portal.add_savedview",
    "portal.share_savedview",
)
MOST = 20
LONGEST = 2000
# Parameters that say which page of the rows is shown, or how; and Django's mark of a wrong filter.
LEFT_OUT = frozenset({"p", "e", "all", "_popup", "_to_field", "_changelist_filters"})
KEY = "_saved_views"

Filters = list[list[str]]


class ViewRefused(Exception):
    """The view can't be saved or opened; the text is for staff."""


class SaveForm(forms.Form):
    """A name for the list as it is now."""

    name = WordsField(
        label="Name",
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        error_messages={
            "required": "Enter a name for the view.",
            "max_length": "Enter at most 40 characters as the view’s name.",
        },
    )
    is_default = forms.BooleanField(
        label="Open this list with it", required=False, widget=UnfoldBooleanWidget
    )
    is_shared = forms.BooleanField(
        label="Share it with the team", required=False, widget=UnfoldBooleanWidget
    )

    def __init__(self, data: QueryDict | None = None, *, can_share: bool) -> None:
        super().__init__(data, prefix="view")
        if not can_share:
            del self.fields["is_shared"]


@dataclass(frozen=True)
class Shown:
    """A view over its list."""

    name: str
    url: str
    is_active: bool
    is_shared: bool


@dataclass(frozen=True)
class Offer:
    """What a list offers: its views, and a form that saves it as it is; None if there's none."""

    views: list[Shown]
    is_all: bool
    form: SaveForm | None
    model: str
    query: str
    save_url: str
    manage_url: str


def offer(request: HttpRequest, model: type[Model]) -> Offer | None:
    """Return what to show over a list; None if there's nothing."""
    if not request.user.has_perm(MAY_SEE):
        return None
    now = filters_of(request.GET)
    user, label = current_user(request), model._meta.label_lower
    views = [
        Shown(
            row.name,
            reverse("admin:portal_savedview_open", args=[row.pk]),
            row.filters == now,
            row.is_shared and row.owner_id != user.pk,
        )
        for row in _of_list(request, label)
    ]
    can_save = bool(now) and request.user.has_perm(MAY_SAVE)
    if not views and not can_save:
        return None
    return Offer(
        views=views,
        is_all=not now,
        form=SaveForm(can_share=request.user.has_perm(MAY_SHARE)) if can_save else None,
        model=label,
        query=as_query(now),
        save_url=reverse("admin:portal_savedview_save"),
        manage_url=show.list_of("portal.savedview"),
    )


def opening(request: HttpRequest, model: type[Model]) -> str:
    """Return where a list leads that's opened without filters; "" if to all of its rows."""
    if request.method != "GET" or request.GET or not request.user.has_perm(MAY_SEE):
        return ""
    own = current_user(request).pk
    rows = _of_list(request, model._meta.label_lower)
    default = next((one for one in rows if one.is_default and one.owner_id == own), None)
    return reverse("admin:portal_savedview_open", args=[default.pk]) if default else ""


def visible_to(user: User) -> QuerySet[SavedView]:
    """Return somebody's own views and those of the team."""
    return SavedView.objects.visible_to(user)


def _of_list(request: HttpRequest, label: str) -> list[SavedView]:
    """Return a list's views, read once a request: first one's own, then the team's."""
    known: dict[str, list[SavedView]] = getattr(request, KEY, {})
    if label not in known:
        user = current_user(request)
        rows = visible_to(user).filter(model=label).order_by("name", "pk")
        known[label] = sorted(rows, key=lambda one: one.owner_id != user.pk)
        setattr(request, KEY, known)
    return known[label]


def filters_of(query: QueryDict) -> Filters:
    """Return what an address filters, searches, and sorts by, in one order."""
    pairs = [
        [name, value]
        for name, values in query.lists()
        for value in cast("Iterable[str]", values)
        if value and name not in LEFT_OUT
    ]
    return sorted(pairs)


def as_query(filters: Filters) -> str:
    """Return filters as the end of an address."""
    query = QueryDict(mutable=True)
    for name, value in filters:
        query.appendlist(name, value)
    return query.urlencode()


def admin_of(label: str) -> Any:
    """Return the page of the list with a model's label; None if there's none."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return None
    return admin.site._registry.get(model)  # noqa: SLF001


def check(request: HttpRequest, label: str, filters: Filters) -> None:
    """Raise ViewRefused if the list doesn't take these filters."""
    asked = copy(request)
    asked.GET = QueryDict(as_query(filters))
    try:
        admin_of(label).get_changelist_instance(asked)
    except (IncorrectLookupParameters, SuspiciousOperation) as error:
        raise ViewRefused(
            "The list no longer has one of its filters, or takes its value."
        ) from error


def save(
    request: HttpRequest, label: str, filters: Filters, *, name: str, default: bool, shared: bool
) -> SavedView:
    """Save a list under a name; one's own view of that name then shows this.

    Raises:
        ViewRefused: it's too long, there are too many, or the list doesn't take the filters.
    """
    if not filters:
        raise ViewRefused("Search, filter, or sort the list first, then save it.")
    if len(as_query(filters)) > LONGEST:
        raise ViewRefused("This search is too long to be saved.")
    check(request, label, filters)
    user = current_user(request)
    own = SavedView.objects.filter(owner=user, model=label)
    if own.exclude(name=name).count() >= MOST:
        raise ViewRefused(f"You have {MOST} views of this list. Delete one first.")
    if default:
        own.update(is_default=False)
    row, _is_new = SavedView.objects.update_or_create(
        owner=user,
        model=label,
        name=name,
        defaults={"filters": filters, "is_shared": shared, "is_default": default},
    )
    return row


def forget(users: QuerySet[User]) -> None:
    """Delete the views of people who left."""
    SavedView.objects.filter(owner__in=users).delete()


def forget_traces(traces: Traces) -> None:
    """Delete views that search for somebody who left, or are named after them."""
    traces.rows(SavedView.objects.all(), "name", "filters").delete()
