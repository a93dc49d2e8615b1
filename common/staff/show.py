"""How values look on staff pages: money, links, times, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common import days
from common.money import Money
from common.staff import ages

NOTHING = "–"
# An address that shows all rows, though somebody's own view is what the list opens with.
ALL_ROWS = "?q="

Labels = Mapping[Any, str]


class Dated(str):
    """Text about a day or a moment, which a file has as such."""

    __slots__ = ("at",)
    at: date | datetime

    @classmethod
    def of(cls, text: str, at: date | datetime) -> Self:
        """Return the text with what it's about."""
        made = cls(text)
        made.at = at
        return made


class DatedMarkup(Dated, SafeString):
    """The same as markup."""

    __slots__ = ()


def one_line(text: str) -> SafeString:
    """Return text that a narrow column doesn't break."""
    return format_html('<span class="staff-nowrap">{}</span>', text)


def money(amount: int | None, currency: str) -> str:
    """Return an amount in minor units as text, or a dash if there is none."""
    return NOTHING if amount is None else str(Money(amount, currency))


def money_or_dash(amount: int, currency: str) -> str:
    """Return an amount as text, or zero as a dash: most invoices have no tax or discount."""
    return money(amount or None, currency)


def badge(text: str, variant: str = "") -> SafeString:
    """Return Unfold's label; variants are info, success, warning, danger, or none for gray."""
    return SafeString(
        render_to_string("unfold/helpers/label.html", {"text": text, "type": variant})
    )


def state(row: Model, field: str, labels: Labels) -> SafeString:
    """Return a row's state as a badge in the color from `labels`."""
    value = str(getattr(row, field))
    return badge(str(getattr(row, f"get_{field}_display")()), labels.get(value, ""))


def link(row: Model | None, text: str = "") -> SafeString | str:
    """Return a link to a row's page."""
    if row is None:
        return NOTHING
    return anchor(page_of(row), text or str(row))


def anchor(url: str, text: str) -> SafeString:
    """Return a link in Unfold's color."""
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def page_of(row: Model) -> str:
    """Return the address of a row's page."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def list_of(model: str, **filters: Any) -> str:
    """Return the address of a model's list (`billing.invoice`), filtered."""
    address = reverse(f"admin:{model.replace('.', '_')}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def all_of(model: str) -> str:
    """Return the address of all rows of a list, also for somebody whose own view it opens with."""
    return f"{list_of(model)}{ALL_ROWS}"


def links(pairs: list[tuple[str, str]]) -> SafeString | str:
    """Return links side by side; pairs are address and text."""
    if not pairs:
        return NOTHING
    return format_html_join(" · ", '<a href="{}" class="text-link">{}</a>', pairs)


def name_of(user: User | None) -> str:
    """Return a user's name, or else their email address, or else their login."""
    if user is None:
        return "Nobody we know"
    return user.get_full_name() or user.email or user.get_username()


def member(user: User | None) -> SafeString | str:
    """Return a link to a member's page."""
    return link(user, name_of(user)) if user else NOTHING


def moment(at: datetime | None) -> str:
    """Return a date and time with its distance: "Nov 4, 2026, 10:15 (3 weeks ago)"."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    return Dated.of(f"{days.short_with_year(local)}, {local:%H:%M} ({age(at)})", at)


def when(at: datetime | None) -> SafeString:
    """Return how long ago a time was; hovering shows the date and time."""
    shown = format_html('<span title="{}">{}</span>', moment(at), age(at))
    return DatedMarkup.of(shown, at) if at else shown


def how_long(since: datetime | None, now: datetime | None = None) -> str:
    """Return the time since then in its largest unit: "3 minutes"."""
    return ages.how_long(since, now or timezone.now()) if since else NOTHING


def day(at: datetime | None) -> str:
    """Return a date: "Nov 4, 2026"."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    return Dated.of(days.short_with_year(local), local.date())


def number(value: int) -> str:
    """Return a whole number as people write it: "1,200"."""
    return f"{value:,}"


def count(value: int, what: str) -> str:
    """Return how many there are of something whose plural takes an s: "1 member", "2 members"."""
    return f"1 {what}" if value == 1 else f"{number(value)} {what}s"


def age(at: datetime | None, now: datetime | None = None) -> str:
    """Return a time relative to now in its largest unit: "3 minutes ago"."""
    return ages.age(at, now or timezone.now()) if at else NOTHING


def time_left(until: datetime) -> str:
    """Return the time left in days, or in hours on the last day: "9 days", "5 hours"."""
    seconds = max(0, int((until - timezone.now()).total_seconds()))
    for name, size in (("day", 86_400), ("hour", 3600)):
        if seconds >= size:
            count = seconds // size
            return f"1 {name}" if count == 1 else f"{count} {name}s"
    return "less than an hour"


def pretty_json(value: Any) -> SafeString:
    """Return JSON, indented and escaped, in a box that scrolls."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False)
    return format_html('<pre class="staff-code" tabindex="0">{}</pre>', text)


def pre(text: str) -> SafeString | str:
    """Return multi-line text as it is."""
    if not text:
        return NOTHING
    return format_html('<pre class="staff-text">{}</pre>', text)
