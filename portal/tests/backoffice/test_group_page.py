"""The page of a staff group: a box to tick for each permission."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from billing.tests.staff_world import owner, signed_in_now

pytestmark = pytest.mark.django_db


def test_an_owner_makes_a_group_by_ticking_permissions() -> None:
    desk = signed_in_now(owner())
    address = reverse("admin:auth_group_add")
    page = desk.get(address).content.decode()
    boxes = re.findall(r'<input type="checkbox" name="permissions"', page)
    assert len(boxes) == Permission.objects.count()
    assert "SelectFilter2" not in page
    assert "Hold down" not in page
    chosen = Permission.objects.get(codename="view_refund", content_type__app_label="billing")
    desk.post(address, {"name": "Front desk", "permissions": [chosen.pk]})
    assert [*Group.objects.get(name="Front desk").permissions.all()] == [chosen]
