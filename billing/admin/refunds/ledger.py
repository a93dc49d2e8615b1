"""The refund ledger for auditors: every entry and verification, nothing to edit."""

from __future__ import annotations

import time
from datetime import UTC

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from billing import tasks
from billing.admin import labels
from billing.admin.records import RecordAdmin
from billing.admin.refunds.case import said
from billing.models import LedgerCheck, RefundEntry
from billing.refunds import ledger, ledger_texts
from common import spreadsheets
from common.money import plain_amount
from common.queue import enqueue_once
from common.staff import show
from common.staff.exporting import FETCHED, send
from common.staff.filters import by_day, titled
from common.staff.parts import button, column, page_button

MAY_AUDIT = "billing.audit_refund"
# The last three prove the chain: SHA-256 of "Hashed" is "Hash", and the next "Previous hash".
COLUMNS = [
    "Entry",
    "When (UTC)",
    "By",
    "What",
    "State before",
    "State after",
    "Amount",
    "Currency",
    "Member",
    "Email",
    "Refund",
    "Refund at Stripe",
    "Words",
    "Policy version",
    "Previous hash",
    "Hash",
    "Hashed",
]


class AuditAdmin(RecordAdmin):
    """Lists for people who may audit refunds."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the user may audit."""
        return bool(request.user.has_perm(MAY_AUDIT))

    def has_audit_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """The same, for buttons."""
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The same, for the site's list of lists."""
        return self.has_view_permission(request)

    @button(
        "Verify now",
        icon="verified",
        path="verify",
        permission="audit",
        question="Verify the ledger now?",
        explanation=(
            "Every entry is proved from the first on, and compared with the refunds, with the heads"
            " that were exported and with Stripe. It also happens automatically every night."
        ),
    )
    def verify_now(self, request: HttpRequest, _form: Form) -> HttpResponse:
        """Have the worker verify it."""
        is_new = enqueue_once(tasks.verify_ledger, "verify_ledger", timestamp=int(time.time()))
        self.log_done(request, "Asked for a check of the ledger.")
        text = "The ledger is being verified. Reload in a moment." if is_new else "It is under way."
        self.message_user(request, text, messages.SUCCESS if is_new else messages.INFO)
        return redirect(show.list_of("billing.ledgercheck"))


@admin.register(RefundEntry)
class RefundEntryAdmin(AuditAdmin):
    """The ledger: every step of every refund, numbered without gaps."""

    search_fields = ["stripe_id__startswith", "hash__startswith"]
    search_help_text = "How re_… or a hash begins"
    list_display = [
        "number", "when", "what", "money", "state_badge", "who", "refund_link",
    ]  # fmt: skip
    list_filter = [
        ("action", ChoicesDropdownFilter),
        ("to_state", titled(ChoicesDropdownFilter, "state")),
        ("at", by_day("day")),
    ]
    list_select_related = ["refund__payment", "actor"]
    ordering = ["-number"]
    actions_list = ["verify_now", "export"]
    fieldsets = [
        (None, {"fields": ["number", "what", "money", "moved", "words"]}),
        ("Who and when", {"fields": ["who", "exactly"]}),
        ("Belongs together", {"fields": ["refund_link", "stripe_id", "policy_version"]}),
        ("Proof", {"fields": ["previous_hash", "hash"]}),
    ]

    @column("When", ordering="number")
    def when(self, row: RefundEntry) -> SafeString:
        """How long ago."""
        return show.when(row.at)

    @column("When")
    def exactly(self, row: RefundEntry) -> str:
        """The time, and how long ago."""
        return show.moment(row.at)

    @column("What", ordering="action")
    def what(self, row: RefundEntry) -> str:
        """The step in words."""
        return labels.REFUND_STEPS.get(row.action, row.get_action_display())

    @column("Amount", ordering="amount")
    def money(self, row: RefundEntry) -> str:
        """The amount as text."""
        return str(row.money)

    @column("State", ordering="to_state")
    def state_badge(self, row: RefundEntry) -> SafeString:
        """The state that it led to."""
        return show.state(row, "to_state", labels.REFUND)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefundEntry]:
        """Load names and words, which are stored beside the entries."""
        entries: QuerySet[RefundEntry] = super().get_queryset(request).prefetch_related("texts")
        return entries

    @column("By", ordering="actor")
    def who(self, row: RefundEntry) -> str:
        """Who did it, by their name at the time."""
        return ledger_texts.actor_name(row)

    @column("Words")
    def words(self, row: RefundEntry) -> str:
        """The words said with it, until the person leaves."""
        return ledger_texts.words(row) or show.NOTHING

    @column("From and to")
    def moved(self, row: RefundEntry) -> str:
        """ "Requested → Approved"."""
        before = row.get_from_state_display() if row.from_state else "Nothing"
        return f"{before} → {row.get_to_state_display()}"

    @column("Refund")
    def refund_link(self, row: RefundEntry) -> SafeString | str:
        """Link to the refund."""
        return show.link(row.refund, f"Refund {row.refund_id}")

    @page_button("Export as CSV", icon="download", path="export", permission="audit")
    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """Send the whole ledger in order, with its proof; record who exported it."""
        rows = (
            RefundEntry.objects.order_by("number")
            .select_related("refund__customer__user", "actor")
            .prefetch_related("texts")
        )
        name = f"refund-ledger-{timezone.localdate().isoformat()}"
        entries = (_row(one) for one in rows.iterator(chunk_size=FETCHED))
        what = "the whole refund ledger, with its proof"
        return send(request, RefundEntry, what, COLUMNS, entries, name, spreadsheets.CSV)


@admin.register(LedgerCheck)
class LedgerCheckAdmin(AuditAdmin):
    """The results of verifications."""

    list_display = ["age", "result", "entries", "refunds_compared", "with_stripe", "took"]
    list_filter = [("started_at", by_day("day started"))]
    ordering = ["-id"]
    actions_list = ["verify_now"]
    fieldsets = [
        (None, {"fields": ["result", "details"]}),
        ("What was looked at", {"fields": ["entries", "refunds_compared", "with_stripe"]}),
        ("When", {"fields": ["started", "took"]}),
        ("The chain's end", {"fields": ["head_hash", "exported"]}),
    ]

    @column("Age", ordering="id")
    def age(self, row: LedgerCheck) -> SafeString:
        """How long ago it began."""
        return show.when(row.started_at)

    @column("Started")
    def started(self, row: LedgerCheck) -> str:
        """When it began."""
        return show.moment(row.started_at)

    @column("Result")
    def result(self, row: LedgerCheck) -> SafeString:
        """ "All is proved: 1,204 entries", or how many problems there are."""
        if not row.finished_at:
            return show.badge("Did not finish", "warning")
        if row.problems:
            count = len(row.problems)
            return show.badge(f"{count} problem{'' if count == 1 else 's'}", "danger")
        if not row.compared_with_stripe:
            return show.badge("Not compared with Stripe", "warning")
        entries = "1 entry" if row.entries == 1 else f"{row.entries:,} entries"
        return show.badge(f"All is proved: {entries}", "success")

    @column("Problems")
    def details(self, row: LedgerCheck) -> SafeString | str:
        """One line each."""
        return show.pre("\n".join(row.problems))

    @column("Compared with Stripe", boolean=True)
    def with_stripe(self, row: LedgerCheck) -> bool:
        """Whether Stripe's side was checked too."""
        return row.compared_with_stripe

    @column("Written to the file of heads", boolean=True)
    def exported(self, row: LedgerCheck) -> bool:
        """Whether it's also stored outside of the database."""
        return row.head_exported

    @column("Took")
    def took(self, row: LedgerCheck) -> str:
        """How long it took."""
        if not row.finished_at:
            return show.NOTHING
        return f"{(row.finished_at - row.started_at).total_seconds():.1f} s"


def _row(one: RefundEntry) -> list[str]:
    user = one.refund.customer.user
    return [
        str(one.number),
        f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        ledger_texts.actor_name(one),
        labels.REFUND_STEPS.get(one.action, one.get_action_display()),
        one.get_from_state_display() if one.from_state else "",
        one.get_to_state_display(),
        plain_amount(one.amount, one.currency),
        one.currency.upper(),
        show.name_of(user),
        user.email,
        str(one.refund_id),
        one.stripe_id,
        said(one),
        str(one.policy_version or ""),
        one.previous_hash,
        one.hash,
        ledger.hashed_text(one),
    ]
