"""The command palette and the search page of the staff site."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

PAGE = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
# Hits per kind in the palette: a name finds its person, an ID its row.
MOST_PEOPLE_SHOWN, MOST_OTHERS_SHOWN = 8, 3
PALETTE = {
    "user": ("Member", "person"),
    "customer": ("Customer", "badge"),
    "subscription": ("Subscription", "card_membership"),
    "invoice": ("Invoice", "receipt_long"),
    "payment": ("Payment", "payments"),
    "paymentmethod": ("Payment method", "credit_card"),
    "refund": ("Refund", "undo"),
    "banktransfer": ("Zelle transfer", "swap_horiz"),
    "expectedtransfer": ("Expected by Zelle", "pending"),
    "dispute": ("Dispute", "gavel"),
    "fraudwarning": ("Fraud warning", "gpp_maybe"),
    "message": ("Message", "mail"),
    "stripeevent": ("Webhook event", "webhook"),
}


def everything(request: HttpRequest, _lowered: str) -> list[SearchResult]:
    """Answer the command palette: the first hits from each list that this user may see."""
    # Unfold lower-cases the term, but Stripe's IDs have capitals.
    term = request.GET.get("s", "").strip()
    if len(term) < 2:
        return []
    return [one for found in _searched(request) for one in _results(found, request, term)]


def _results(model_admin: Any, request: HttpRequest, term: str) -> list[SearchResult]:
    """Return a list's first hits, and the way to all of them if there are more."""
    most = MOST_PEOPLE_SHOWN if model_admin.model is User else MOST_OTHERS_SHOWN
    hits = list(_hits(model_admin, request, term, most + 1))
    shown = [_result(row, model_admin.palette_title(row)) for row in hits[:most]]
    return [*shown, _all(model_admin.opts, term)] if len(hits) > most else shown


def _all(opts: Any, term: str) -> SearchResult:
    plural = str(opts.verbose_name_plural)
    _name, icon = PALETTE[str(opts.model_name)]
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return SearchResult(
        title=f"All {plural[0].lower()}{plural[1:]} that match",
        description=f"“{term}”",
        link=f"{address}?{urlencode({'q': term})}",
        icon=icon,
    )


def _searched(request: HttpRequest) -> Iterable[Any]:
    """Return the searchable lists, people first."""
    registry = admin.site._registry.values()  # noqa: SLF001  (there is no public list of them)
    searchable = {one.model._meta.model_name: one for one in registry}
    listed = [searchable[name] for name in PALETTE if name in searchable]
    return [one for one in listed if one.has_view_permission(request)]


def _hits(model_admin: Any, request: HttpRequest, term: str, most: int) -> Iterable[Model]:
    rows = model_admin.get_queryset(request)
    if related := model_admin.list_select_related:
        rows = rows.select_related(*related)
    if model_admin.model is User:
        best = model_admin.find_persons(term)[:most]
        persons = rows.in_bulk(best)
        return [persons[key] for key in best if key in persons]
    hits, _may_repeat = model_admin.get_search_results(request, rows, term)
    shown: Iterable[Model] = hits[:most]
    return shown


def _result(row: Model, title: str) -> SearchResult:
    meta = row._meta
    name, icon = PALETTE[str(meta.model_name)]
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return SearchResult(title=title, description=name, link=address, icon=icon)


def search_page(request: HttpRequest) -> HttpResponse:
    """Answer Unfold's search; a page that isn't a number means the first one."""
    if not PAGE.fullmatch(request.GET.get("page", "1")):
        first = request.GET.copy()
        first["page"] = "1"
        request.GET = cast("Any", first)
    site = cast("UnfoldAdminSite", admin.site)
    answer: HttpResponse = site.admin_view(site.search)(request)
    return answer
