"""Readable values on account pages: keys in groups, times in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def in_fours(key: str) -> list[str]:
    """Return a key in groups of four, so it's easy to type."""
    return [key[start : start + 4] for start in range(0, len(key), 4)]


@register.filter
def ago(moment: datetime) -> str:
    """Return how long ago a time was; the last minute is "just now"."""
    is_now = timezone.now() - moment < timedelta(minutes=1)
    return _("just now") if is_now else str(naturaltime(moment))
