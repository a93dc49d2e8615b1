"""Answers with a member's page: who they are, what needs somebody, and all that happened."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from members.access import current_user
from portal.backoffice.member_page import actions, facts, words
from portal.backoffice.timeline.page import timeline


def answer(request: HttpRequest, user: User, members: Any) -> HttpResponse:
    """Show one member's page; `members` is the list of members, which has the buttons."""
    viewer = current_user(request)
    read = facts.read(user, viewer)
    edit_url = edit_page_of(user)
    shown = words.page(read, edit_url)
    context = {
        **admin.site.each_context(request),
        "opts": User._meta,
        "original": user,
        "title": shown.name,
        "member": shown,
        "groups": actions.groups(request, read, members),
        "edit_url": edit_url,
        "timeline": timeline(user, viewer, request.GET),
    }
    return TemplateResponse(request, "admin/member/page.html", context)


def edit_page_of(user: User) -> str:
    """Return the address of the form that changes a member's details."""
    return reverse("admin:auth_user_edit", args=[user.pk])
