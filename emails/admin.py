"""The message log: what we sent to whom, what became of it, and resending it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.exceptions import TemplateDoesNotExist
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_or_404
from emails import copies, looks, resending
from emails.catalog import Category, Kind, spec_of
from emails.message_filters import FailedFilter, KindFilter, SamplesFilter, WhyFilter
from emails.models import Channel, Message, MessageState, WaitsFor
from emails.names import name_of
from emails.rendering import render_email, render_sms
from emails.suppression_admin import BounceMailboxAdmin, SuppressionAdmin
from emails.tasks import try_now
from members import search
from members.access import current_user
from members.phone_lists import ByPhone

__all__ = ["BounceMailboxAdmin", "MessageAdmin", "SuppressionAdmin"]

SUMMARY = 90
RESENT_WITHIN = timedelta(days=30)
MOST_REFUSALS = 5
WAITS = {
    WaitsFor.MORNING: "Quiet hours",
    WaitsFor.TURN: "Takes turns",
    WaitsFor.PROVIDER: "On hold",
    WaitsFor.MORE: "May change",
}
LABELS = {
    MessageState.QUEUED: "info",
    MessageState.SENDING: "info",
    MessageState.SENT: "success",
    MessageState.DELIVERED: "success",
    MessageState.FAILED: "danger",
    MessageState.SKIPPED: "",
}
MAY_RESEND = "emails.change_message"
IN_DOUBT = "It may have gone out. Select what to resend."
HIDDEN = "It held a code or a secret, which staff do not see."


class MessageAdmin(ByPhone):
    """The message log."""

    person_field = "user_id"
    search_fields = ["recipient__istartswith", "provider_id__startswith"]
    phone_lookup = "recipient__istartswith"
    search_help_text = "Part of a name or email address, phone number, or Twilio’s ID"
    list_display = ["who", "what", "state_badge", "channel", "age", "attempts", "trouble"]
    list_select_related = ["user"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("channel", ChoicesDropdownFilter),
        KindFilter,
        WhyFilter,
        FailedFilter,
        SamplesFilter,
        ("created_at", by_day("day written")),
    ]
    nothing = "No message has been written yet."
    nothing_left = {
        "state__exact=failed": "Every message could be delivered.",
        "state__in=queued,sending": "No message waits.",
    }
    ordering = ["-id"]
    actions = ["resend_selected", "try_selected"]
    actions_list = ["try_waiting", "resend_failed"]
    actions_row = ["resend"]
    actions_detail = ["resend", "try_one"]
    fieldsets = [
        (None, {"fields": ["what", "state_badge", "member", "recipient", "attempts", "problem"]}),
        ("The message", {"fields": ["preview"]}),
        ("When", {"fields": ["created", "sent", "delivered"]}),
        ("Belongs together", {"fields": ["original", "copies"]}),
        (
            "At the provider",
            {"fields": ["provider_id", "provider_status", "segments", "cost", "dedupe_key"]},
        ),
    ]

    link_lookups = frozenset({"user__id__exact"})

    def find_persons(self, term: str) -> list[int]:
        """Find the users whom messages belong to."""
        return search.people(term)

    def palette_title(self, row: Message) -> str:
        """The kind of message and its recipient."""
        return f"{name_of(row.kind)} to {row.recipient}" if row.recipient else name_of(row.kind)

    def has_resend_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may resend messages."""
        return request.user.has_perm(MAY_RESEND)

    @column("To", header=True)
    def who(self, row: Message) -> list[str]:
        """Name over address or number."""
        if row.user:
            return [show.name_of(row.user), row.recipient]
        is_for_staff = row.kind in set(Kind) and spec_of(row.kind).category == Category.STAFF
        return ["Your team" if is_for_staff else "No account", row.recipient]

    @column("Message", ordering="kind")
    def what(self, row: Message) -> str:
        """The kind in words."""
        return name_of(row.kind)

    @column("State", ordering="state")
    def state_badge(self, row: Message) -> SafeString:
        """What became of it, or until when it waits."""
        if row.is_waiting:
            words = WAITS[WaitsFor(row.waits_for or WaitsFor.MORNING)]
            # A badge doesn't break, and all of it wouldn't fit a phone.
            badge, until = show.badge(words, "info"), show.when(row.waits_until)
            return format_html('{} <div class="staff-quiet">{}</div>', badge, until)
        return show.state(row, "state", LABELS)

    @column("Written", ordering="id")
    def age(self, row: Message) -> SafeString:
        """The time since it was put into the outbox."""
        return show.when(row.created_at)

    @column("Error")
    def trouble(self, row: Message) -> str:
        """The beginning of the error."""
        return row.error[:SUMMARY] or show.NOTHING

    @column("Error")
    def problem(self, row: Message) -> SafeString | str:
        """The whole error."""
        return show.pre(row.error)

    @column("Member")
    def member(self, row: Message) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Written")
    def created(self, row: Message) -> str:
        """When it was put into the outbox."""
        return show.moment(row.created_at)

    @column("Sent")
    def sent(self, row: Message) -> str:
        """When the provider took it."""
        return show.moment(row.sent_at)

    @column("Delivered")
    def delivered(self, row: Message) -> str:
        """When the provider said that it arrived."""
        return show.moment(row.delivered_at)

    @column("Cost")
    def cost(self, row: Message) -> str:
        """What a text cost: fractions of a cent, so not as money is written elsewhere."""
        if row.price is None:
            return show.NOTHING
        return f"{row.price.normalize():f} {row.price_currency}"

    @column("Sent again because of")
    def original(self, row: Message) -> SafeString | str:
        """Link to the message that this one is a copy of."""
        return show.link(row.resend_of)

    @column("Sent again as")
    def copies(self, row: Message) -> SafeString | str:
        """Links to the copies of this one."""
        copies = row.resends.all()
        return show.links([(show.page_of(one), show.moment(one.created_at)) for one in copies])

    @column("As it reads")
    def preview(self, row: Message) -> SafeString | str:
        """The message as it was sent, or would be. A member's code is never shown."""
        if row.emptied_at:
            return f"It was emptied on {show.day(row.emptied_at)}: who it was for is forgotten."
        if _is_secret(row.kind):
            return HIDDEN
        if copy := copies.of(row):
            return _shown(row, copy.subject, copy.html, copy.text, is_copy=True)
        try:
            if row.channel == Channel.SMS:
                return _shown(row, text=render_sms(row))
            mail = render_email(row)
            return _shown(row, mail.subject, mail.html, mail.text)
        except TemplateDoesNotExist:
            return "Its template is gone."

    def has_try_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may retry messages now, and this one is waiting."""
        if not self.has_resend_permission(request):
            return False
        rows = Message.objects.filter(pk=object_id) if str(object_id).isdecimal() else None
        return rows is None or rows.filter(state=MessageState.QUEUED).exists()

    @button(
        "Try now",
        icon="send",
        path="try",
        permission="try",
        question="Try to send this message now?",
        explanation="It’s retried automatically anyway. Do this once the cause is fixed.",
    )
    def try_one(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Try one message now."""
        message = row_or_404(Message, object_id)
        self._try_now(request, [message.pk])
        return redirect(show.page_of(message))

    @button(
        "Try all waiting now",
        icon="send",
        path="try-waiting",
        permission="try",
        question="Try to send every waiting message now?",
        explanation="They’re retried automatically anyway. Do this once the cause is fixed.",
    )
    def try_waiting(self, request: HttpRequest, _form: Form) -> HttpResponse:
        """Try every queued message now."""
        queued = Message.objects.filter(state=MessageState.QUEUED)
        self._try_now(request, list(queued.values_list("pk", flat=True)))
        return redirect(reverse("admin:emails_message_changelist"))

    @admin.action(description="Try to send the selected messages now", permissions=["try"])
    def try_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Try the selected messages now."""
        self._try_now(request, list(queryset.values_list("pk", flat=True)))

    def _try_now(self, request: HttpRequest, message_ids: list[int]) -> None:
        count = try_now(message_ids)
        self.log_done(request, f"Tried to send {_count(count)} now.")
        text = f"Trying {_count(count)} now. Reload in a moment."
        level = messages.SUCCESS if count else messages.INFO
        self.message_user(request, text if count else "No message was waiting.", level)

    @button(
        "Resend all failed",
        icon="forward_to_inbox",
        path="resend-failed",
        permission="resend",
        question="Send every failed message of the last 30 days again?",
        explanation=(
            "Do this once the cause is fixed. Codes, what isn’t true anymore, and what may have"
            " gone out are left out; so is what was sent again already."
        ),
    )
    def resend_failed(self, request: HttpRequest, _form: Form) -> HttpResponse:
        """Resend what was given up recently."""
        since = timezone.now() - RESENT_WITHIN
        failed = Message.objects.filter(state=MessageState.FAILED, created_at__gte=since)
        failed = failed.filter(resends=None, resend_of=None)
        self._resend_all(request, failed.filter(unknown_since=None))
        if in_doubt := failed.exclude(unknown_since=None).count():
            text = f"{_count(in_doubt)} left out: {IN_DOUBT}"
            self.message_user(request, text, messages.WARNING)
        return redirect(reverse("admin:emails_message_changelist"))

    @admin.action(description="Resend the selected messages", permissions=["resend"])
    def resend_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Resend the selected messages that can be resent."""
        self._resend_all(request, queryset)

    def _resend_all(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        """Resend in the order they were written; report how many can't be resent, and why."""
        sent, refusals = 0, Counter[str]()
        for message in rows.order_by("pk").select_related("user__member"):
            try:
                resending.resend(message, current_user(request))
            except resending.ResendRefused as refusal:
                refusals[str(refusal)] += 1
            else:
                self.log_change(request, message, "Sent once more.")
                sent += 1
        text = f"{_count(sent)} on the way again." if sent else "Nothing was sent again."
        self.message_user(request, text, messages.SUCCESS if sent else messages.INFO)
        for why, count in refusals.most_common(MOST_REFUSALS):
            self.message_user(request, f"{_count(count)} left out: {why}", messages.WARNING)

    @button(
        "Resend",
        icon="forward_to_inbox",
        path="resend",
        permission="resend",
        question="Send this message once more?",
        explanation=("The same person gets the same message again, as a new message in this log."),
    )
    def resend(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Resend one message, or say why it can't be resent."""
        message = self.get_object(request, object_id)
        if message is None:
            raise Http404("There is no such message.")
        try:
            copy = resending.resend(message, current_user(request))
        except resending.ResendRefused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(show.page_of(message))
        self.log_change(request, message, "Sent once more.")
        self.message_user(request, f"It is on its way to {copy.recipient}.", messages.SUCCESS)
        return redirect(show.page_of(copy))


def _count(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"


def _is_secret(kind: str) -> bool:
    return kind not in set(Kind) or spec_of(kind).sensitive


def _shown(
    row: Message, subject: str = "", html: str = "", text: str = "", *, is_copy: bool = False
) -> SafeString:
    """Return subject, HTML (in a frame that can't run scripts), and text; or the text of a text."""
    about = "As it was sent." if is_copy else "As it would be sent now: no copy of it was kept."
    quiet = format_html('<p class="staff-quiet mb-2">{}</p>', about)
    if row.channel == Channel.SMS:
        return format_html('{}<p class="staff-sms">{}</p>', quiet, text)
    return format_html(
        '{}<p class="font-semibold mb-2">{}</p>'
        '<iframe class="staff-mail" sandbox="" title="{}" srcdoc="{}"></iframe>'
        '<p class="font-semibold mb-2 mt-4">As plain text</p>{}',
        quiet,
        subject,
        f"The email {subject}",
        looks.framed(html),
        show.pre(text),
    )
