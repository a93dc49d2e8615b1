"""Use cases: staff sign a member out everywhere, or email them a link that signs them in."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from emails import outbox
from members import activity, contact_notices, languages
from members.contexts import SignInLink
from members.models import ActivityBy, ActivityKind
from members.signin import sessions, sign_in_links

logger = logging.getLogger(__name__)

MAY_HELP = "members.help_sign_in"
LINK_WORKS_FOR = timedelta(hours=1)


class HelpRefused(Exception):
    """It can't be done for this account; the text is for staff."""


@transaction.atomic
def sign_out(user: User, actor: User) -> int:
    """End all sessions of a member, forget their browsers, and tell them; return how many ended.

    Without a session, nothing is said, so a second click tells nobody a second time.

    Raises:
        PermissionDenied: the actor may not.
        HelpRefused: the account is on the team.
    """
    _require(user, actor)
    # Two clicks wait for each other here.
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    ended = sessions.count(locked)
    sessions.end_all(locked)
    if not ended:
        return 0
    logger.info("User %s signs user %s out everywhere.", actor.pk, user.pk)
    activity.record(locked, ActivityKind.SIGNED_OUT, by=ActivityBy.STAFF)
    with languages.of(locked):
        contact_notices.tell(
            locked,
            _("You were signed out everywhere"),
            _("Our team signed you out on all your devices. Sign in again whenever you like."),
        )
    return ended


def send_link(user: User, key: uuid.UUID, actor: User) -> None:
    """Email a member a link that signs them in, once per `key`.

    It goes to the address that they sign in with, and a second step is still asked for.

    Raises:
        PermissionDenied: the actor may not.
        HelpRefused: the account is on the team, switched off, or has no address.
    """
    _require(user, actor)
    if not (user.is_active and user.email):
        raise HelpRefused("This account is switched off, or has no email address.")
    now = timezone.now()
    link = sign_in_links.make_for(user, LINK_WORKS_FOR)
    words = SignInLink(url=link.url, minutes=int(LINK_WORKS_FOR.total_seconds() / 60))
    until = now + LINK_WORKS_FOR
    with transaction.atomic():
        cause = f"sign_in_link:{user.pk}:{key}"
        sent = outbox.put(user, words, cause=cause, happened_at=now, good_until=until)
    if not sent:
        sign_in_links.end(link)
        return
    logger.info("User %s sends user %s a sign-in link.", actor.pk, user.pk)


def _require(user: User, actor: User) -> None:
    if not actor.has_perm(MAY_HELP):
        raise PermissionDenied("Helping members sign in takes a permission.")
    if user.is_staff or user.is_superuser:
        raise HelpRefused("This account is on the team. Owners decide about it.")
