"""What staff sell and request besides the membership: items and payment requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from billing.admin import labels
from billing.admin.records import RecordAdmin
from billing.core.statuses import RequestState
from billing.models import Item, PaymentRequest
from billing.payments import payment_requests
from billing.payments.payment_requests import RequestRefused
from common.fields import WordsField
from common.money import AmountError, Money, parse_money, typed_amount
from common.one_by_one import OneByOne
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_or_404
from common.staff.read_only import IndexedSearch
from members.access import current_user
from members.search import people

LONGEST_DAYS = 365
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """An amount as people write it, and its currency; `price` is the result, or None."""

    amount_text = WordsField(
        label="Price", max_length=30, widget=UnfoldAdminTextInputWidget, help_text="Like 40.00."
    )
    currency = WordsField(
        max_length=3,
        widget=UnfoldAdminTextInputWidget,
        help_text="Three letters, like USD.",
    )
    price: Money | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        code = row.currency or settings.PAYMENT_CURRENCY
        self.initial["currency"] = code.upper()
        if row.amount:
            self.initial["amount_text"] = typed_amount(row.amount, code)

    def clean_currency(self) -> str:
        """Return the code as Stripe writes it."""
        return str(self.cleaned_data["currency"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        """Parse the amount in its currency."""
        cleaned = super().clean() or self.cleaned_data
        text, currency = cleaned.get("amount_text"), cleaned.get("currency")
        if text and currency:
            try:
                amount = parse_money(text, currency)
            except AmountError as error:
                self.add_error("amount_text", str(error))
            else:
                self._take(amount, currency)
        return cleaned

    def _take(self, amount: int, currency: str) -> None:
        if not amount:
            self.add_error("amount_text", "The price must be more than nothing.")
            return
        self.price = Money(amount, currency)
        self.instance.amount = amount


class ItemForm(PriceForm):
    """An item."""

    class Meta:
        model = Item
        fields = ["name", "currency", "is_active", "for_everybody", "members"]


class RequestForm(PriceForm):
    """A payment request, for an item, or with a price and description."""

    amount_text = WordsField(
        label="Price", max_length=30, widget=UnfoldAdminTextInputWidget, required=False
    )
    description = WordsField(
        label="For",
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        required=False,
        help_text="What the member reads: Workshop fee, 12 May.",
    )
    days = forms.IntegerField(
        label="Works for so many days",
        min_value=1,
        max_value=LONGEST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = PaymentRequest
        fields = ["user", "item", "description", "currency"]
        labels = {"user": "Member"}
        help_texts = {"item": "Its name and price are asked for. Leave it empty to write your own."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["days"] = settings.PAYMENT_REQUEST_DAYS

    def clean(self) -> dict[str, Any]:
        """Require either an item, or a price with a description."""
        cleaned = super().clean()
        own = bool(cleaned.get("amount_text") or cleaned.get("description"))
        if cleaned.get("item") and own:
            raise ValidationError("Choose an item, or write a price and what it is for.")
        if not cleaned.get("item"):
            for name in ("amount_text", "description"):
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, "Fill this in, or choose an item.")
        return cleaned

    def _post_clean(self) -> None:
        """Leave the row's validation to the use case, which makes it."""


def _numbers_only(query: QueryDict, names: Sequence[str]) -> QueryDict:
    """Return a form's or URL's values without those that can't be row numbers."""
    kept = query.copy()
    for name in set(names) & set(query):
        values = [value for value in query.getlist(name) if NUMBER.fullmatch(value)]
        del kept[name]
        if values:
            kept.setlist(name, values)
    return kept


class PayableAdmin(IndexedSearch):
    """What both lists share."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the form; skip values that can't be row numbers (Django would fail)."""
        request.GET = cast("Any", _numbers_only(request.GET, self.autocomplete_fields))
        request.POST = cast("Any", _numbers_only(request.POST, self.autocomplete_fields))
        return super().changeform_view(request, object_id, form_url, extra_context)

    def has_ask_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may send payment requests."""
        return request.user.has_perm("billing.add_paymentrequest")


@admin.register(Item)
class ItemAdmin(PayableAdmin):
    """What's sold besides the membership."""

    form = ItemForm
    autocomplete_fields = ["members"]
    search_fields = ["name__istartswith"]
    list_display = ["name", "cost", "is_active", "for_everybody", "paid"]
    list_filter = [("is_active", BooleanRadioFilter)]
    ordering = ["-id"]
    actions_detail = ["ask_members"]
    fieldsets = [
        (None, {"fields": ["name", "amount_text", "currency", "is_active"]}),
        ("Who may pay it", {"fields": ["for_everybody", "members"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Items with the number of members who paid for them."""
        rows: QuerySet[Any] = super().get_queryset(request)
        is_paid = Q(requests__state=RequestState.PAID)
        counted: QuerySet[Any] = rows.annotate(paid_count=Count("requests", filter=is_paid))
        return counted

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Take it off sale instead: payments refer to it."""
        return False

    @column("Price", ordering="amount")
    def cost(self, row: Item) -> str:
        """The price as text."""
        return str(row.price)

    @column("Paid by")
    def paid(self, row: Any) -> SafeString | str:
        """How many paid for it, with a link to the requests."""
        address = show.list_of("billing.paymentrequest", item__id__exact=row.pk)
        return show.anchor(address, str(row.paid_count))

    @button(
        "Ask its members to pay",
        icon="request_quote",
        path="ask",
        permission="ask",
        question="Send a payment request to every member of this item?",
        explanation=(
            "Each gets an email, and a text message where agreed, with a link of their own."
            " Those who have paid, or were asked and can still pay, get none."
        ),
    )
    def ask_members(self, request: HttpRequest, _form: forms.Form, object_id: str) -> HttpResponse:
        """Send a request to every member of the item."""
        item = row_or_404(Item, object_id)
        asked = 0
        run = OneByOne()
        for user in item.members.filter(is_active=True):
            with run.each(str(user)):
                asked += self._ask(request, item, user)
        for failure in run.failures:
            self.message_user(request, f"Not asked: {failure}", messages.ERROR)
        people = f"{asked} member{'' if asked == 1 else 's'}"
        self.message_user(request, f"{people} asked to pay {item.price}.", messages.SUCCESS)
        return redirect(show.page_of(item))

    def _ask(self, request: HttpRequest, item: Item, user: User) -> bool:
        """Ask one member, unless there's a reason not to."""
        days, actor = settings.PAYMENT_REQUEST_DAYS, current_user(request)
        try:
            sent = payment_requests.send_item(item, user, days, actor)
        except RequestRefused as reason:
            self.message_user(request, str(reason), messages.INFO)
            return False
        self.log_addition(request, sent, "Sent.")
        return True


@admin.register(PaymentRequest)
class PaymentRequestAdmin(RecordAdmin, PayableAdmin):
    """Payment requests. Adding one sends it."""

    form = RequestForm
    autocomplete_fields = ["user", "item"]
    person_field = "user_id"
    search_fields = ["description__istartswith", "description__has_part"]
    amount_field = "amount"
    search_help_text = "Part of a name or email address, phone, amount, or what it’s for"
    list_display = ["who", "cost", "state_badge", "description", "age", "last_day"]
    list_select_related = ["user"]
    list_filter = [("state", ChoicesDropdownFilter), ("sent_at", by_day("day sent"))]
    ordering = ["-id"]
    actions_detail = ["cancel_request"]
    add_fieldsets = [
        (None, {"fields": ["user", "days"]}),
        ("An item", {"fields": ["item"]}),
        ("Or anything else", {"fields": ["description", "amount_text", "currency"]}),
    ]
    fieldsets = [
        (None, {"fields": ["state_badge", "member", "cost", "description"]}),
        ("Dates", {"fields": ["sent", "until", "paid", "canceled"]}),
        ("Belongs together", {"fields": ["item_link", "payment_link", "actor"]}),
    ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let our own links narrow the list to an item or a member."""
        own = {"item__id__exact", "user__id__exact"}
        return lookup in own or bool(super().lookup_allowed(lookup, value, request))

    def find_persons(self, term: str) -> list[int]:
        """Find the users who were asked."""
        return people(term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether this staff member may send payment requests."""
        return self.has_ask_permission(request)

    def has_cancel_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may cancel requests."""
        return request.user.has_perm("billing.change_paymentrequest")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fields of a new one, or the details of an existing one."""
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show why a request couldn't be sent; then nothing is saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except RequestRefused as reason:
            self.message_user(request, str(reason), messages.ERROR)
            return redirect(request.get_full_path())

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> PaymentRequest:
        """Send the request."""
        values, actor = form.cleaned_data, current_user(request)
        form.save_m2m = lambda: None
        if values["item"]:
            item: Item = values["item"]
            return payment_requests.send_item(item, values["user"], values["days"], actor)
        return payment_requests.send(
            values["user"], form.price, values["description"], values["days"], actor
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: sending has already saved it."""

    @column("Member", header=True)
    def who(self, row: PaymentRequest) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def member(self, row: PaymentRequest) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Amount", ordering="amount")
    def cost(self, row: PaymentRequest) -> str:
        """The amount as text."""
        return str(row.price)

    @column("State", ordering="state")
    def state_badge(self, row: PaymentRequest) -> SafeString:
        """What became of it."""
        if row.has_expired:
            return show.badge("Expired", "warning")
        return show.state(row, "state", labels.REQUEST)

    @column("Sent", ordering="sent_at")
    def age(self, row: PaymentRequest) -> SafeString | str:
        """How long ago it was sent."""
        return show.when(row.sent_at) if row.sent_at else show.NOTHING

    @column("Can be paid until", ordering="expires_at")
    def last_day(self, row: PaymentRequest) -> str:
        """The last day its link works."""
        return show.day(row.expires_at)

    @column("Sent")
    def sent(self, row: PaymentRequest) -> str:
        """When it was sent; never if the member took it from the list."""
        return show.moment(row.sent_at)

    @column("Can be paid until")
    def until(self, row: PaymentRequest) -> str:
        """When its link stops working."""
        return show.moment(row.expires_at)

    @column("Paid")
    def paid(self, row: PaymentRequest) -> str:
        """When the money arrived."""
        return show.moment(row.paid_at)

    @column("Canceled")
    def canceled(self, row: PaymentRequest) -> str:
        """When it was canceled."""
        return show.moment(row.canceled_at)

    @column("Item")
    def item_link(self, row: PaymentRequest) -> SafeString | str:
        """Link to the item."""
        return show.link(row.item)

    @column("Payment")
    def payment_link(self, row: PaymentRequest) -> SafeString | str:
        """Link to the payment."""
        checkout = row.checkouts.exclude(payment=None).select_related("payment").first()
        return show.link(checkout.payment if checkout else None)

    @column("Sent by")
    def actor(self, row: PaymentRequest) -> SafeString | str:
        """The staff member who sent it."""
        return show.member(row.created_by)

    @button(
        "Cancel this request",
        icon="cancel",
        path="cancel",
        permission="cancel",
        question="Take this payment request back?",
        explanation="Its link stops working. It can't be canceled while the member is paying.",
    )
    def cancel_request(
        self, request: HttpRequest, _form: forms.Form, object_id: str
    ) -> HttpResponse:
        """Take it back."""
        row = row_or_404(PaymentRequest, object_id)
        try:
            payment_requests.cancel(row, current_user(request))
        except RequestRefused as reason:
            self.message_user(request, str(reason), messages.ERROR)
        else:
            self.log_change(request, row, "Canceled.")
            self.message_user(request, "The request is canceled.", messages.SUCCESS)
        return redirect(show.page_of(row))
