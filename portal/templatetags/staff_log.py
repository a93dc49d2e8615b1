"""Staff's actions in templates: when, who, and what, in words."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from common.staff import changes, show

register = template.Library()


@register.filter
def said(entry: LogEntry) -> str:
    """Return what was done, from what to what."""
    return changes.said(entry) or show.NOTHING


@register.filter
def moment(at: datetime) -> str:
    """Return when it was done."""
    return show.moment(at)


@register.filter
def person(user: User) -> str:
    """Return who did it."""
    return show.name_of(user)
