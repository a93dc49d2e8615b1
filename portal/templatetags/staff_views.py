"""`{% saved_views cl as offer %}`: the saved views of a list, and the form that saves it."""

from __future__ import annotations

from typing import Any

from django import template

from portal.backoffice.saved_views import Offer, offer

register = template.Library()


@register.simple_tag(takes_context=True)
def saved_views(context: template.Context, listing: Any) -> Offer | None:
    """Return what's shown over a list; None if there's nothing."""
    return offer(context["request"], listing.model)
