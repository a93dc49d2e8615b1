"""Payment requests: what one member is asked to pay once."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.core.statuses import CheckoutState, RequestState
from billing.models.copy import choices
from billing.models.item import Item
from common.money import Money
from common.reads import Moment, Person


class RequestQuerySet(models.QuerySet["PaymentRequest"]):
    """Payment requests."""

    def for_user(self, user: Person) -> Self:
        """Only this user's requests: the only way to a member's records."""
        return self.filter(user=user)

    def payable(self, now: Moment | None = None) -> Self:
        """Those that can be paid now."""
        in_time = Q(expires_at=None) | Q(expires_at__gt=now or timezone.now())
        return self.filter(in_time, state=RequestState.OPEN)

    def not_being_paid(self) -> Self:
        """Those whose member hasn't returned from Checkout after paying."""
        came_back = Q(checkouts__state=CheckoutState.OPEN, checkouts__returned_at__isnull=False)
        waiting = Q(checkouts__state=CheckoutState.PROCESSING)
        being_paid = self.model._default_manager.filter(came_back | waiting)
        return self.exclude(pk__in=being_paid.values("pk"))

    def asked(self, now: Moment | None = None) -> Self:
        """Those that staff sent and that can still be paid."""
        return self.payable(now).not_being_paid().filter(sent_at__isnull=False)

    def settled(self) -> Self:
        """Those that took an item from the list for good: paid, being paid, or sent by staff."""
        taken = self.exclude(state=RequestState.CANCELED).exclude(item=None)
        not_yet = taken.filter(state=RequestState.OPEN, sent_at=None).not_being_paid()
        return taken.exclude(pk__in=not_yet.values("pk"))


class PaymentRequest(models.Model):
    """One payment that one member owes. Amounts are in minor units; times are UTC.

    Staff send one, or the member takes an item from the list: then nothing was sent, and it doesn't
    expire. A member has at most one request per item that isn't canceled, so it's paid once.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payment_requests"
    )
    item = models.ForeignKey(
        Item, null=True, blank=True, on_delete=models.PROTECT, related_name="requests"
    )
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=200)
    state = models.CharField(
        max_length=10, choices=choices(RequestState), default=RequestState.OPEN
    )
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who of the staff sent it; nobody where the member took it from the list.",
    )

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "user"],
                condition=~Q(state=RequestState.CANCELED),
                name="billing_item_once_a_member",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_request_of_an_amount"),
        ]
        indexes = [models.Index(fields=["user", "state"], name="billing_request_of_user")]

    def __str__(self) -> str:
        return f"{self.description}, {self.price}"

    @property
    def price(self) -> Money:
        """The amount to pay."""
        return Money(self.amount, self.currency)

    @property
    def is_being_paid(self) -> bool:
        """Whether its member has paid, and only the confirmation is pending."""
        rows = PaymentRequest.objects.filter(pk=self.pk, state=RequestState.OPEN)
        return rows.exists() and not rows.not_being_paid().exists()

    @property
    def has_expired(self) -> bool:
        """Whether it expired unpaid."""
        end = self.expires_at
        return self.state == RequestState.OPEN and end is not None and end <= timezone.now()
