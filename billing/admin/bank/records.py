"""Lists of what banks said besides transfers: lines of accounts, mailboxes, and known payers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from billing.admin.bank.base import BankAdmin
from billing.models import BankLine, BankMailbox, BankMailRetry, KnownPayer
from common.staff import show
from common.staff.filters import by_date, by_day, titled
from common.staff.parts import button, column, row_or_404

MOST_WAITING = 20


@admin.register(BankLine)
class BankLineAdmin(BankAdmin):
    """Every line of every account, as the files have it."""

    search_fields = ["name__icontains", "description__icontains", "transaction__icontains"]
    search_help_text = "Any part of a name, description or number"
    list_display = ["day", "cost", "kind", "name", "words", "balance_then", "file_link"]
    list_select_related = ["account", "file"]
    list_filter = [
        ("account", RelatedDropdownFilter),
        ("kind", titled(ChoicesDropdownFilter, "what it is")),
        ("posted_on", by_date("day")),
    ]
    nothing = "No file has been imported yet."
    link_lookups = frozenset({"file__id__exact", "account__id__exact"})
    fieldsets = [
        (None, {"fields": ["day", "cost", "kind", "name", "transaction", "memo", "description"]}),
        ("Where it is", {"fields": ["account_link", "file_link", "number", "balance_then"]}),
        ("Related", {"fields": ["transfer_link"]}),
    ]

    @column("Day", ordering="posted_on")
    def day(self, row: BankLine) -> SafeString:
        """The day on the account."""
        return show.one_line(f"{row.posted_on:%b} {row.posted_on.day}, {row.posted_on.year}")

    @column("Amount", ordering="amount")
    def cost(self, row: BankLine) -> SafeString:
        """What moved; below zero it went out."""
        return show.one_line(str(row.money))

    @column("Description")
    def words(self, row: BankLine) -> str:
        """What the bank writes."""
        return row.description or show.NOTHING

    @column("Balance after it")
    def balance_then(self, row: BankLine) -> str:
        """As the file has it."""
        return show.money(row.balance, row.account.currency)

    @column("File")
    def file_link(self, row: BankLine) -> SafeString | str:
        """Link to the file that had it first."""
        return show.link(row.file)

    @column("Account")
    def account_link(self, row: BankLine) -> SafeString | str:
        """Link to the account."""
        return show.link(row.account)

    @column("Transfer")
    def transfer_link(self, row: BankLine) -> SafeString | str:
        """Link to the transfer by Zelle that it proves."""
        return show.link(getattr(row, "transfer", None))


@admin.register(BankMailbox)
class BankMailboxAdmin(BankAdmin):
    """The mailboxes that the bank's emails are read from."""

    list_display = ["mailbox", "works", "last_read"]
    nothing = "No mailbox has been read yet. Set BANK_MAIL_URL to have one read."
    fieldsets = [
        (None, {"fields": ["mailbox", "works", "problem", "last_read", "last_email", "waiting"]})
    ]

    @column("Works")
    def works(self, row: BankMailbox) -> SafeString:
        """Whether the last try could read it."""
        if row.failing_since:
            return show.badge(f"Failing for {show.how_long(row.failing_since)}", "danger")
        return show.badge("Yes", "success")

    @column("Last read", ordering="read_at")
    def last_read(self, row: BankMailbox) -> SafeString | str:
        """How long ago."""
        return show.when(row.read_at) if row.read_at else show.NOTHING

    @column("Last email’s number (UID)")
    def last_email(self, row: BankMailbox) -> str:
        """How far it has been read."""
        return show.number(row.last_uid) if row.last_uid else show.NOTHING

    @column("Emails to try again")
    def waiting(self, row: BankMailbox) -> SafeString | str:
        """What couldn't be taken in, with its reason: the first of them."""
        retries = row.retries.order_by("failed_at")[:MOST_WAITING]
        return show.pre("\n".join(_waiting(retry) for retry in retries))


def _waiting(retry: BankMailRetry) -> str:
    why = "DNS doesn’t give us the bank’s key" if retry.waits_for_keys else f"failed: {retry.error}"
    tried = show.count(retry.tries, "attempt")
    return f"No. {retry.uid}, {why}; first {show.moment(retry.failed_at)}, {tried}."


@admin.register(KnownPayer)
class KnownPayerAdmin(BankAdmin):
    """Whose name has paid for whom, as a reference or staff confirmed it."""

    person_field = "user_id"
    search_fields = ["name__icontains"]
    search_help_text = "Any part of the payer's name, or of the member's name or address"
    list_display = ["who", "name", "since"]
    list_select_related = ["user"]
    list_filter = [("created_at", by_day("day first confirmed"))]
    nothing = "No payer's name has been confirmed yet."
    link_lookups = frozenset({"user__id__exact"})
    actions_detail = ["forget"]
    fieldsets = [(None, {"fields": ["member", "name", "since"]})]

    @column("Member", header=True)
    def who(self, row: KnownPayer) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def member(self, row: KnownPayer) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("First confirmed", ordering="created_at")
    def since(self, row: KnownPayer) -> str:
        """When."""
        return show.moment(row.created_at)

    @button(
        "Forget this payer",
        icon="person_remove",
        path="forget",
        permission="match",
        question="Forget that this name pays for this member?",
        explanation=(
            "Money from this name is then no longer taken for theirs. What was matched stays."
        ),
        is_primary=False,
    )
    def forget(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Delete the row, and record it."""
        row = row_or_404(KnownPayer, object_id)
        about: Any = row.user
        self.log_change(request, about, f"No longer known as a payer: {row.name}.")
        row.delete()
        messages.success(request, f"{row.name} is no longer known as {show.name_of(about)}.")
        return redirect("admin:billing_knownpayer_changelist")
