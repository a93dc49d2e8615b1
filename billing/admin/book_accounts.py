"""The accounts that a month's journal is posted to, as the bookkeeping program calls them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.core import book_journal
from business import versions
from business.models import BookAccountsVersion
from common.staff import show
from common.staff.parts import column
from common.staff.read_only import ReadOnlyAdmin
from members.access import current_user

MAY_CHANGE = "business.add_bookaccountsversion"
LONGEST_NAME, LONGEST_CODE = 100, 20
PARTS = {"name": ("name", LONGEST_NAME), "code": ("code in Xero", LONGEST_CODE)}
OVERTAKEN = "Someone saved a newer version meanwhile. Open the form again to see it."


class AccountsBase(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The form's parts that aren't an account's."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = BookAccountsVersion
        fields = ("tax_rate",)
        widgets = {"tax_rate": UnfoldAdminTextInputWidget}  # as Django has it

    def clean_based_on(self) -> int:
        """Refuse to undo what somebody else has just saved."""
        based_on: int = self.cleaned_data["based_on"]
        if based_on != versions.newest_number(BookAccountsVersion):
            raise forms.ValidationError(OVERTAKEN)
        return based_on

    def accounts(self) -> dict[str, dict[str, str]]:
        """Return what was typed, by account."""
        return {
            key: {part: self.cleaned_data[f"{key}_{part}"] for part in PARTS}
            for key in book_journal.ACCOUNTS
        }


def _field(key: str, part: str) -> forms.CharField:
    account, (words, longest) = book_journal.ACCOUNTS[key], PARTS[part]
    return forms.CharField(
        label=f"{account.meaning}: {words}",
        max_length=longest,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": getattr(account, part, "")}),
    )


FIELDS = [(f"{key}_name", f"{key}_code") for key in book_journal.ACCOUNTS]
AccountsForm: type[AccountsBase] = type(
    "AccountsForm",
    (AccountsBase,),
    {f"{key}_{part}": _field(key, part) for key in book_journal.ACCOUNTS for part in PARTS},
)


def in_force() -> BookAccountsVersion:
    """Return the version in force; an empty one if nothing was saved: one query."""
    return BookAccountsVersion.objects.first() or BookAccountsVersion()


@admin.register(BookAccountsVersion)
class BookAccountsVersionAdmin(ReadOnlyAdmin):
    """The versions of the accounts: read-only; a newer one replaces them."""

    form = AccountsForm
    nothing = "The journal uses the portal’s own names of accounts. Add yours."
    list_display = ["name", "made", "by"]
    list_select_related = ["made_by"]
    readonly_fields = ["made", "by", "names_shown"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user may name accounts."""
        return bool(request.user.has_perm(MAY_CHANGE))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form, or what a version says."""
        if obj:
            return [(None, {"fields": ["names_shown", "tax_rate", "made", "by"]})]
        described = (
            "QuickBooks Online finds accounts by their name, and Xero by their code. Journals in"
            " Xero can’t have its system accounts, such as Accounts Receivable: give Stripe’s"
            " balance and payouts accounts of their own."
        )
        return [
            ("Accounts", {"fields": [*FIELDS], "description": described}),
            (
                "Xero",
                {
                    "fields": ["tax_rate", "based_on"],
                    "description": "The full name of the rate for no tax, as in Xero’s tax"
                    " settings: the journal’s tax is a line of its own.",
                },
            ),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with what's in force."""
        newest = in_force()
        names = book_journal.names(newest.accounts)
        filled = {
            f"{key}_{part}": value
            for key, values in names.items()
            for part, value in zip(PARTS, values, strict=True)
        }
        return {**filled, "tax_rate": newest.tax_rate, "based_on": newest.version or 0}

    def save_model(
        self, request: HttpRequest, obj: BookAccountsVersion, form: Any, change: bool
    ) -> None:
        """Put it in force as the next version."""
        values = {"accounts": form.accounts(), "tax_rate": form.cleaned_data["tax_rate"]}
        saved = versions.save(
            BookAccountsVersion,
            values,
            current_user(request),
            based_on=form.cleaned_data["based_on"],
        )
        obj.pk, obj.version = saved.pk, saved.version

    @column("Version", ordering="version")
    def name(self, row: BookAccountsVersion) -> str:
        """ "Version 3"."""
        return str(row)

    @column("Saved", ordering="version")
    def made(self, row: BookAccountsVersion) -> str:
        """When it was saved."""
        return show.moment(row.made_at)

    @column("By")
    def by(self, row: BookAccountsVersion) -> str:
        """Who saved it."""
        return show.name_of(row.made_by) if row.made_by else "The portal"

    @column("Accounts")
    def names_shown(self, row: BookAccountsVersion) -> SafeString:
        """Each account's name and code."""
        rows = [
            (book_journal.ACCOUNTS[key].meaning, name, f" ({code})" if code else "")
            for key, (name, code) in book_journal.names(row.accounts).items()
        ]
        return format_html_join("", "<div>{}: {}{}</div>", rows)
