"""Search by the beginning of an address, an ID, or any word of a name.

An index answers every query here (see `portal.migrations`): people are looked up first, then rows
by their IDs, so no search reads a whole table. Searching inside words would need trigram indexes,
and PostgreSQL's extension for them on every host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

import phonenumbers
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import BooleanField, Model, Q
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

from billing.models import Customer
from common import addresses
from members import numbers

MOST_PEOPLE = 200
DIGITS = "0123456789"
# A number as people write it, with spaces, brackets, and so on.
PHONE = re.compile(r"[+(]?[0-9][0-9 ()./+-]*", re.ASCII)
PAGE = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
# Its left side matches the index. A word with a hyphen counts as several words.
NAME_HAS = """
array_to_tsvector(staff_name_words(auth_user.first_name || ' ' || auth_user.last_name))
@@ (SELECT string_agg(quote_literal(part) || ':*', ' & ')
    FROM unnest(staff_name_words(%s)) AS part)::tsquery
"""
# Hits per kind in the palette: a name finds its person, an ID its row.
MOST_PEOPLE_SHOWN, MOST_OTHERS_SHOWN = 8, 3
PALETTE = {
    "user": ("Member", "person"),
    "customer": ("Customer", "badge"),
    "subscription": ("Subscription", "card_membership"),
    "invoice": ("Invoice", "receipt_long"),
    "payment": ("Payment", "payments"),
    "refund": ("Refund", "undo"),
    "dispute": ("Dispute", "gavel"),
    "message": ("Message", "mail"),
    "stripeevent": ("Webhook event", "webhook"),
}


def people(term: str) -> list[int]:
    """Return the IDs of users whose name, email address, or phone number begins like this.

    Each of several words must match: "alice ar" finds Alice Archer, and "oneil" Mary Ann O’Neil.
    """
    if PHONE.fullmatch(term.strip()) and (called := _by_phone(term)):
        return called
    found = Q()
    for word in term.split():
        fits = Q(email__istartswith=word) | Q(_name_has(word))
        if "@" in word:
            fits |= Q(email__istartswith=addresses.canonical(word))
        if PHONE.fullmatch(word):
            fits |= Q(pk__in=_by_phone(word))
        found &= fits
    if not found:
        return []
    return list(
        User.objects.filter(found).order_by("pk").values_list("pk", flat=True)[:MOST_PEOPLE]
    )


def _name_has(word: str) -> RawSQL:
    """Return whether a word of the name begins like this, ignoring accents and apostrophes."""
    return RawSQL(NAME_HAS, [word], output_field=BooleanField())  # noqa: S611  (no outside words)


def customers(term: str) -> list[int]:
    """Return the IDs of those users' customers."""
    found = Customer.objects.filter(user__in=people(term)).order_by()
    return list(found.values_list("pk", flat=True))


def customers_at_stripe(term: str) -> list[str]:
    """Return the Stripe IDs of those users' customers."""
    found = Customer.objects.filter(user__in=people(term)).order_by()
    return list(found.values_list("stripe_id", flat=True))


def everything(request: HttpRequest, _lowered: str) -> list[SearchResult]:
    """Answer the command palette: the first hits from each list that this user may see."""
    # Unfold lower-cases the term, but Stripe's IDs have capitals.
    term = request.GET.get("s", "").strip()
    if len(term) < 2:
        return []
    return [
        _result(row, model_admin.palette_title(row))
        for model_admin in _searched(request)
        for row in _hits(model_admin, request, term)
    ]


def _by_phone(word: str) -> list[int]:
    """Return the users whose phone numbers begin like this, however it's written.

    "+1 202", "1202", "001 202", and "(202)" without the code of PHONENUMBER_DEFAULT_REGION. Leading
    zeros don't count toward the required three digits: "0002" isn't a number.
    """
    digits = "".join(character for character in word if character in DIGITS)
    if len(digits.lstrip("0")) < 3:
        return []
    code = phonenumbers.country_code_for_region(settings.PHONENUMBER_DEFAULT_REGION)
    beginnings = [f"+{digits}"]
    if "+" not in word:
        beginnings += [f"+{code}{digits.lstrip('0')}", f"+{digits.removeprefix('00')}"]
    # A whole number in a form other than the one that's kept.
    beginnings += [numbers.kept(beginning) for beginning in beginnings]
    begins = Q()
    for beginning in beginnings:
        begins |= Q(member__phone__startswith=beginning)
    found = User.objects.filter(begins).order_by()
    return list(found.values_list("pk", flat=True)[:MOST_PEOPLE])


def _searched(request: HttpRequest) -> Iterable[Any]:
    """Return the searchable lists, people first."""
    registry = admin.site._registry.values()  # noqa: SLF001  (there is no public list of them)
    found = {one.model._meta.model_name: one for one in registry}
    listed = [found[name] for name in PALETTE if name in found]
    return [one for one in listed if one.has_view_permission(request)]


def _hits(model_admin: Any, request: HttpRequest, term: str) -> Iterable[Model]:
    rows = model_admin.get_queryset(request)
    if related := model_admin.list_select_related:
        rows = rows.select_related(*related)
    hits, _may_repeat = model_admin.get_search_results(request, rows, term)
    most = MOST_PEOPLE_SHOWN if model_admin.model is User else MOST_OTHERS_SHOWN
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
