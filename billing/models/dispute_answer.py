"""Our answers to disputes, from the draft to what the bank has, with their files."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models

from billing.core import limits
from billing.core.statuses import AnswerState, DisputeStage
from billing.models.copy import choices
from billing.models.dispute import Dispute

# The longest name of a file that we keep.
FILE_NAME = 200
UNDER_WAY = frozenset({AnswerState.SENDING, AnswerState.ACCEPTING})


class AnswerQuerySet(models.QuerySet["DisputeAnswer"]):
    """Answers, by what's still to be done."""

    def under_way(self) -> Self:
        """Those that staff have sent, and Stripe hasn't confirmed."""
        return self.filter(state__in=UNDER_WAY)


class DisputeAnswer(models.Model):
    """What we say to the bank about one stage of a dispute; it's sent once.

    `texts` are the evidence's texts under Stripe's names; empty ones aren't in it. Each change
    counts `version` up: a form that was opened before it doesn't overwrite it. `key` is in the
    dispute's metadata at Stripe once it has our answer.
    """

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="answers")
    stage = models.CharField(max_length=10, choices=choices(DisputeStage))
    state = models.CharField(max_length=10, choices=choices(AnswerState), default=AnswerState.DRAFT)
    texts = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    tries = models.PositiveIntegerField(
        default=0, help_text="How often Stripe failed: each begins a new request."
    )
    problem = models.TextField(blank=True, help_text="Why it isn't confirmed, for staff.")
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField()
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody pressed the button."
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    done_at = models.DateTimeField(null=True, blank=True, help_text="When Stripe had it.")

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        # Whether a draft may be seen goes with its dispute.
        default_permissions = ("change",)
        permissions = [("send_disputeanswer", "Can send an answer to the bank, or accept")]
        constraints = [
            models.UniqueConstraint(fields=["dispute", "stage"], name="billing_one_answer_a_stage"),
        ]
        indexes = [
            models.Index(
                fields=["asked_at"],
                condition=models.Q(state__in=sorted(UNDER_WAY)),
                name="billing_answer_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"Answer to {self.dispute}"

    @property
    def is_draft(self) -> bool:
        """Whether it can still be changed."""
        return self.state == AnswerState.DRAFT

    @property
    def is_under_way(self) -> bool:
        """Whether it was sent, and Stripe hasn't confirmed it."""
        return self.state in UNDER_WAY

    @property
    def accepts(self) -> bool:
        """Whether it gives in."""
        return self.state in (AnswerState.ACCEPTING, AnswerState.ACCEPTED)


class EvidenceFileQuerySet(models.QuerySet["EvidenceFile"]):
    """Files, which are read only when they're needed."""

    def named(self) -> Self:
        """Without their contents."""
        return self.defer("content")


class EvidenceFile(models.Model):
    """A file of an answer. Stripe gets it together with the answer, and not before."""

    answer = models.ForeignKey(DisputeAnswer, on_delete=models.CASCADE, related_name="files")
    field = models.CharField(max_length=limits.WORD, help_text="Stripe's name of the evidence.")
    name = models.CharField(max_length=FILE_NAME)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    pages = models.PositiveIntegerField()
    is_ours = models.BooleanField(default=False, help_text="Made from our records.")
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    stripe_id = models.CharField("Stripe id", max_length=255, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)

    objects = EvidenceFileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["answer", "field"], name="billing_one_file_a_field"),
        ]

    def __str__(self) -> str:
        return self.name
