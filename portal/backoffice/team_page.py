"""The page of who's on the team: roles, second steps, and where they're signed in."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from common.staff import show
from members import access_changes
from members.access import current_user
from members.signin import mfa
from portal.backoffice import team_facts
from portal.backoffice.team_facts import Colleague, Team
from portal.models import StaffInvitation

STEPS = {mfa.PASSKEY: "Passkey", mfa.APP: "Authenticator app"}


@dataclass(frozen=True)
class Person:
    """Somebody on the team, in words."""

    name: str
    email: str
    url: str
    roles: str
    hold: str
    second_step: SafeString | str
    signed_in: SafeString | str
    sessions: str
    sessions_url: str
    since: str
    role_url: str
    end_url: str


@dataclass(frozen=True)
class Invited:
    """Somebody who's invited, in words."""

    email: str
    url: str
    role: str
    by: str
    until: SafeString | str


def team(request: HttpRequest) -> HttpResponse:
    """Answer with the page. Template: `admin/team.html`, with `people` and `invited`."""
    viewer = current_user(request)
    if not access_changes.is_owner(viewer):
        raise PermissionDenied
    read = team_facts.read()
    context = {
        **admin.site.each_context(request),
        "model_admin": admin.site.get_model_admin(StaffInvitation),
        "title": "Team",
        "content_title": "Team",
        "people": people(read, is_superuser=viewer.is_superuser),
        "invited": invited(read),
        "invite_url": reverse("admin:portal_staffinvitation_invite"),
    }
    return TemplateResponse(request, "admin/team.html", context)


def people(read: Team, *, is_superuser: bool) -> list[Person]:
    """Return everyone on the team in words. Only superusers change superusers."""
    return [_person(one, may_change=is_superuser or not one.is_superuser) for one in read.people]


def invited(read: Team) -> list[Invited]:
    """Return the invitations that wait, in words."""
    now = timezone.now()
    return [
        Invited(
            email=row.email,
            url=show.page_of(row),
            role=row.role.group.name,
            by=show.name_of(row.invited_by),
            until=show.badge("Expired", "warning")
            if row.expires_at <= now
            else show.moment(row.expires_at),
        )
        for row in read.invited
    ]


def _person(one: Colleague, *, may_change: bool) -> Person:
    names = [*(["Superuser"] if one.is_superuser else []), *one.roles]
    steps = [words for kind, words in STEPS.items() if kind in one.steps]
    page = [one.user.pk]
    return Person(
        name=show.name_of(one.user),
        email=one.user.email,
        url=show.page_of(one.user),
        roles=", ".join(names) or "No role",
        hold=f"No decisions on money until {show.moment(one.held_until)}" if one.held_until else "",
        second_step=", ".join(steps) if steps else show.badge("None", "danger"),
        signed_in=show.when(one.signed_in_at) if one.signed_in_at else "Never",
        sessions=f"{show.count(one.sessions, 'session')}, {show.count(one.devices, 'device')}",
        sessions_url=show.list_of("usersessions.usersession", q=one.user.email),
        since=show.day(one.since),
        role_url=reverse("admin:auth_user_change_role", args=page) if may_change else "",
        end_url=reverse("admin:auth_user_end_access", args=page) if may_change else "",
    )
