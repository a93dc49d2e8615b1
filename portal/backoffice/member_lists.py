"""The lists on a member's page: their money, messages, sign-ins, and activity."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.paginator import InvalidPage
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.datasets import BaseDataset

from billing.admin.bank.expected import ExpectedTransferAdmin
from billing.admin.invoices import InvoiceAdmin
from billing.admin.methods import PaymentMethodAdmin
from billing.admin.payments import PaymentAdmin
from billing.admin.subscriptions import SubscriptionAdmin
from billing.models import ExpectedTransfer, Invoice, Payment, PaymentMethod, Subscription
from common.staff.read_only import EstimatedPaginator, ReadOnlyAdmin
from emails.admin import MessageAdmin
from emails.models import Message
from members.admin.records import AccountActivityAdmin, SignInAdmin
from members.models import AccountActivity, SignIn
from portal.backoffice.support import SupportMessageAdmin
from portal.models import SupportMessage


class NearestPage(EstimatedPaginator):
    """Shows the first page if the address asks for one that doesn't exist.

    A standalone list redirects there; a list inside a page can't.
    """

    def validate_number(self, number: int | float | str) -> int:
        """Return the number of an existing page."""
        try:
            return super().validate_number(number)
        except InvalidPage:
            return 1


class OfOneMember(ReadOnlyAdmin):
    """A list on a member's page, with only that member's rows."""

    paginator = NearestPage
    member_lookup = "customer__user"
    extra_context: dict[str, Any]
    list_per_page = 10
    # Totals belong to the full list.
    list_before_template: str | None = None
    search_fields: ClassVar[list[str]] = []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Keep the rows of this page's member."""
        rows: QuerySet[Any] = super().get_queryset(request)
        owner = self.extra_context.get("object")
        if not str(owner).isdecimal():
            return rows.none()
        return rows.filter(**{self.member_lookup: owner})

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer none: each row's own page has them."""
        return {}


class SubscriptionsOfMember(OfOneMember, SubscriptionAdmin):
    """A member's subscriptions."""

    list_display = ["what", "price", "state", "next_step", "card_short", "since"]


class InvoicesOfMember(OfOneMember, InvoiceAdmin):
    """A member's invoices."""

    list_display = ["amount", "state", "issued", "outlook", "number"]


class PaymentsOfMember(OfOneMember, PaymentAdmin):
    """A member's payments."""

    list_display = [
        "asked", "came", "went_back", "state", "day_paid", "card_short", "problem",
    ]  # fmt: skip


class MethodsOfMember(OfOneMember, PaymentMethodAdmin):
    """What a member has saved to pay with."""

    list_display = ["card", "wallet_name", "expires", "is_charged", "saved"]


class ZelleOfMember(OfOneMember, ExpectedTransferAdmin):
    """A member's payments by Zelle."""

    member_lookup = "user"
    list_display = ["cost", "state_badge", "what", "reference_shown", "chosen", "until"]


class MessagesOfMember(OfOneMember, MessageAdmin):
    """What we wrote to a member."""

    member_lookup = "user"
    list_display = ["what", "state_badge", "channel", "recipient", "age", "trouble"]


class HelpOfMember(OfOneMember, SupportMessageAdmin):
    """What a member wrote to us."""

    member_lookup = "user"
    list_display = ["said", "state", "when", "page"]


class SignInsOfMember(OfOneMember, SignInAdmin):
    """A member's sign-ins."""

    member_lookup = "user"
    list_display = ["when", "ip", "device", "method"]


class ActivityOfMember(OfOneMember, AccountActivityAdmin):
    """What changed about a member's account."""

    member_lookup = "user"
    list_display = ["what", "detail", "by_whom", "when", "device", "ip"]


class SubscriptionsTab(BaseDataset):  # type: ignore[misc]  # Unfold ships no types
    """The tab of a member's subscriptions."""

    model, model_admin, tab = Subscription, SubscriptionsOfMember, True


class InvoicesTab(BaseDataset):  # type: ignore[misc]
    """The tab of a member's invoices."""

    model, model_admin, tab = Invoice, InvoicesOfMember, True


class PaymentsTab(BaseDataset):  # type: ignore[misc]
    """The tab of a member's payments."""

    model, model_admin, tab = Payment, PaymentsOfMember, True


class MethodsTab(BaseDataset):  # type: ignore[misc]
    """The tab of what a member has saved to pay with."""

    model, model_admin, tab = PaymentMethod, MethodsOfMember, True


class ZelleTab(BaseDataset):  # type: ignore[misc]
    """The tab of a member's payments by Zelle."""

    model, model_admin, tab = ExpectedTransfer, ZelleOfMember, True


class MessagesTab(BaseDataset):  # type: ignore[misc]
    """The tab of what we wrote to a member."""

    model, model_admin, tab = Message, MessagesOfMember, True


class HelpTab(BaseDataset):  # type: ignore[misc]
    """The tab of what a member wrote to us."""

    model, model_admin, tab = SupportMessage, HelpOfMember, True


class SignInsTab(BaseDataset):  # type: ignore[misc]
    """The tab of a member's sign-ins."""

    model, model_admin, tab = SignIn, SignInsOfMember, True


class ActivityTab(BaseDataset):  # type: ignore[misc]
    """The tab of what changed about a member's account."""

    model, model_admin, tab = AccountActivity, ActivityOfMember, True
