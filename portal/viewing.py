"""Staff look at the portal as a member sees it, and can't do anything there.

Nobody is signed in as the member: the session stays the staff member's, and only what a page reads
is the member's. So there's no sign-in to record, no device, no second step to pass, and signing
out ends it. What's enforced, for every address outside the staff site:

- Anything but looking is refused, whatever a page's buttons offer.
- Only `PAGES` and `FILES` open: no codes, passwords, sessions, or passkeys, and nothing that leads
  to Stripe's payment pages. A new address is closed until it's named here.
- A page is read in a transaction that PostgreSQL keeps from writing, so nothing can be recorded as
  if the member had been there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import InternalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from psycopg.errors import ReadOnlySqlTransaction

from common.htmx import wants_fragment
from members.access import current_user
from portal.models import MemberViewing

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]
View = Callable[..., HttpResponseBase]
MAY_VIEW = "portal.view_as_member"
SESSION_KEY = "viewing_as"
# Nobody forgets for longer that they aren't looking at their own account.
LASTS = timedelta(minutes=30)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PAGES = frozenset(
    """
    home billing:membership billing:payments billing:invoice billing:payment billing:refund
    billing:statement billing:statement-pdf billing:statement-zip billing:payments-csv
    billing:receipt billing:cards billing:details billing:zelle billing:zelle-receipt
    members:account members:activity members:notifications selfservice:help brand-css
    """.split()
)
# They're read again from Stripe, which writes our copy, and lead to a file there.
FILES = frozenset({"billing:invoice-pdf", "billing:credit-note-pdf"})
# These are about the staff member's own session.
OWN = frozenset({"account_logout"})


class ViewingRefused(Exception):
    """Nobody can be viewed this way; the text is for staff."""


def begin(request: HttpRequest, user: User) -> MemberViewing:
    """Let a staff member see the portal as a member; what they viewed before ends.

    Raises:
        PermissionDenied: they may not.
        ViewingRefused: nobody looks as a member at this account.
    """
    viewer = current_user(request)
    if not may_view(viewer):
        raise PermissionDenied("Viewing as a member needs a permission.")
    if not can_be_viewed(user):
        raise ViewingRefused("Only a member’s active account can be viewed, not one of staff.")
    end(request)
    now = timezone.now()
    row = MemberViewing.objects.create(
        viewer=viewer, user=user, started_at=now, ends_at=now + LASTS
    )
    request.session[SESSION_KEY] = row.pk
    logger.info("User %s views as member %s.", viewer.pk, user.pk)
    return row


def end(request: HttpRequest) -> MemberViewing | None:
    """End what this session views, and return it; None if it views nothing."""
    pk = request.session.pop(SESSION_KEY, None)
    row = MemberViewing.objects.filter(pk=pk).select_related("user").first() if pk else None
    if row is not None:
        row.end(timezone.now())
    return row


def may_view(viewer: User) -> bool:
    """Whether somebody may view as members."""
    return viewer.is_active and viewer.is_staff and viewer.has_perm(MAY_VIEW)


def can_be_viewed(user: User) -> bool:
    """Whether an account is a member's who can sign in: never one of staff."""
    return user.is_active and not user.is_staff and not user.is_superuser


def is_allowed(name: str, method: str) -> bool:
    """Whether an address opens while somebody views as a member."""
    return method in SAFE and name in PAGES | FILES


class ViewingMiddleware:
    """Shows the member's pages to who views them, and refuses everything else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if SESSION_KEY not in request.session or _is_staff_site(request):
            return self.get_response(request)
        row = _running(request)
        if row is None:
            return self.get_response(request)
        viewer = request.user
        request.viewing = row  # type: ignore[attr-defined]
        request.user = row.user
        try:
            response = self.get_response(request)
        finally:
            # The outer middleware's work is about who is signed in.
            request.user = viewer
        patch_cache_control(response, private=True, no_store=True)
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Refuse what isn't for looking; read the rest in a transaction that can't write."""
        row: MemberViewing | None = getattr(request, "viewing", None)
        match = request.resolver_match
        if row is None or match is None:
            return None
        if match.view_name in OWN:
            del request.viewing  # type: ignore[attr-defined]
            request.user = row.viewer or AnonymousUser()
            if request.method == "POST":
                row.end(timezone.now())
            return None
        if not is_allowed(match.view_name, request.method or ""):
            return _refused(request, row)
        if match.view_name in FILES:
            return None
        try:
            return _read_only(request, view, args, kwargs)
        except InternalError as error:
            if not isinstance(error.__cause__, ReadOnlySqlTransaction):
                raise
            logger.warning("%s writes when it's looked at.", match.view_name)
            return _refused(request, row)


def _is_staff_site(request: HttpRequest) -> bool:
    return request.path_info.startswith(reverse("admin:index"))


def _running(request: HttpRequest) -> MemberViewing | None:
    """Return what this session views if that still holds; end it otherwise, and say so."""
    rows = MemberViewing.objects.select_related("user__member", "viewer")
    row = rows.filter(pk=request.session[SESSION_KEY]).first()
    viewer = request.user
    if (
        row is not None
        and isinstance(viewer, User)
        and row.viewer == viewer
        and row.ended_at is None
        and timezone.now() < row.ends_at
        and may_view(viewer)
        and can_be_viewed(row.user)
    ):
        return row
    end(request)
    messages.info(request, _("You’re no longer viewing as a member. This is your own account."))
    return None


def _read_only(
    request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> HttpResponseBase:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        response = view(request, *args, **kwargs)
        if callable(getattr(response, "render", None)):
            response = response.render()  # type: ignore[attr-defined]
        # There's nothing to keep; in a test, this also takes the mode back.
        transaction.set_rollback(True)
    return response


def _refused(request: HttpRequest, row: MemberViewing) -> HttpResponse:
    """Say that nothing was done; HTMX loads the page again, which says it."""
    if wants_fragment(request):
        name = row.user.get_full_name() or row.user.email
        told = _("You’re viewing as %(name)s, so nothing was done.") % {"name": name}
        messages.error(request, told)
        return HttpResponse(status=403, headers={"HX-Refresh": "true"})
    return render(request, "viewing/refused.html", status=403)
