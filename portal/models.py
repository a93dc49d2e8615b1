"""Problems of the portal itself, for as long as they last, and which group is which staff role."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models


class Problem(models.Model):
    """One problem, from first seen until gone. Staff get one email about it.

    `key` names the problem (`drift`, `job:billing.tasks.sweep_inbox`); at most one row per key is
    open. `portal.backoffice.problems` lists the possible problems.
    """

    key = models.CharField(max_length=200)
    text = models.TextField(help_text="As staff were told.")
    seen_at = models.DateTimeField("first seen", auto_now_add=True)
    solved_at = models.DateTimeField("solved", null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(solved_at=None),
                name="portal_problem_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class StaffRole(models.Model):
    """Which group is one of the standard ones; its name is for people, and theirs to change."""

    key = models.CharField(max_length=20, primary_key=True)
    group = models.OneToOneField(Group, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return self.key
