"""The style guide shows every component, and only to staff outside development."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404
from django.test import RequestFactory
from pytest_django import Settings

from portal.styleguide import styleguide


def test_a_stranger_does_not_find_it(rf: RequestFactory, settings: Settings) -> None:
    settings.DEBUG = False
    request = rf.get("/styleguide/")
    request.user = AnonymousUser()
    with pytest.raises(Http404):
        styleguide(request)


def test_staff_see_every_component(rf: RequestFactory, settings: Settings) -> None:
    settings.DEBUG = False
    request = rf.get("/styleguide/")
    request.user = User(username="maya", email="maya@example.com", is_staff=True)
    page = styleguide(request).content.decode()
    for component in ("button-primary", "field", "choice", "badge", "alert", "toast", "dialog"):
        assert f'class="{component}' in page or f" {component}" in page
    for component in ("spine", "timeline", "empty", "skeleton", "table", "pager", "money-field"):
        assert component in page
