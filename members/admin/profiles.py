"""Phones and consents on the staff site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter

from common.spreadsheets import Cell
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column
from members import search
from members.models import Member, PhoneCode, SmsConsentRecord
from members.phone_lists import ByPhone


def sms_badge(row: Member) -> SafeString:
    """Return whether we may text someone, as a badge."""
    if row.accepts_sms:
        return show.badge("Yes", "success")
    if row.sms_stopped_at:
        return show.badge("Stopped", "warning")
    return show.badge("No")


@admin.register(Member)
class MemberAdmin(ByPhone):
    """Phones and consents, by member."""

    person_field = "user_id"
    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["who", "phone", "sms", "agreed", "time_zone"]
    list_select_related = ["user"]
    list_filter = [
        ("phone_verified_at", by_day("day phone verified")),
        ("sms_consent_at", by_day("day agreed to texts")),
    ]
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["owner", "phone", "verified", "sms"]}),
        ("Consent", {"fields": ["agreed_on", "sms_consent_source", "stopped"]}),
        ("Preferences", {"fields": ["language", "time_zone"]}),
    ]

    def find_persons(self, term: str) -> list[int]:
        """Find the users whom profiles belong to."""
        return search.people(term)

    @column("Member", header=True)
    def who(self, row: Member) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def owner(self, row: Member) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Phone verified")
    def verified(self, row: Member) -> str:
        """When they proved that the number is theirs."""
        return show.moment(row.phone_verified_at)

    @column("Agreed to text messages")
    def agreed_on(self, row: Member) -> str:
        """When they agreed."""
        return show.moment(row.sms_consent_at)

    @column("Stopped text messages")
    def stopped(self, row: Member) -> str:
        """When they stopped them."""
        return show.moment(row.sms_stopped_at)

    @column("Gets text messages")
    def sms(self, row: Member) -> SafeString:
        """Whether we may text them."""
        return sms_badge(row)

    @column("Agreed", ordering="sms_consent_at")
    def agreed(self, row: Member) -> str:
        """The day."""
        return show.day(row.sms_consent_at)


@admin.register(SmsConsentRecord)
class SmsConsentRecordAdmin(ByPhone):
    """Every yes and no to text messages, as it was given."""

    person_field = "member__user_id"
    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["who", "answer", "source", "phone", "happened"]
    list_select_related = ["member__user"]
    list_filter = [("agreed", BooleanRadioFilter), ("happened_at", by_day("day"))]
    ordering = ["-id"]
    fieldsets = [
        (None, {"fields": ["owner", "answer", "source", "phone", "ip", "said", "happened"]}),
    ]
    export_columns: ClassVar[Sequence[str]] = (
        *("Member", "Email", "Answer", "Source", "Phone number", "IP address"),
        *("Words", "When", "Revoked"),
    )

    def export_rows(self, rows: QuerySet[SmsConsentRecord]) -> Iterator[list[Cell]]:
        """Yield who agreed to which words, when and where, and when they took it back."""
        later = SmsConsentRecord.objects.filter(
            member=OuterRef("member"), pk__gt=OuterRef("pk"), agreed=False
        )
        revoked = Subquery(later.order_by("pk").values("happened_at")[:1])
        for row in rows.annotate(revoked_at=revoked).iterator(chunk_size=1000):
            user = row.member.user
            yield [
                show.name_of(user),
                user.email,
                "Agreed" if row.agreed else "Stopped",
                row.get_source_display(),
                str(row.phone),
                row.ip or "",
                row.words,
                row.happened_at,
                row.revoked_at if row.agreed else None,
            ]

    def find_persons(self, term: str) -> list[int]:
        """Find the users whose profiles these belong to."""
        return search.people(term)

    @column("Member", header=True)
    def who(self, row: SmsConsentRecord) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.member.user), row.member.user.email]

    @column("Member")
    def owner(self, row: SmsConsentRecord) -> SafeString | str:
        """Link to the member."""
        return show.member(row.member.user)

    @column("Answer", ordering="agreed")
    def answer(self, row: SmsConsentRecord) -> SafeString:
        """Yes or no."""
        return show.badge("Agreed", "success") if row.agreed else show.badge("Stopped", "warning")

    @column("Words")
    def said(self, row: SmsConsentRecord) -> SafeString | str:
        """What they were shown, or what their text said."""
        return show.pre(row.words) if row.words else show.NOTHING

    @column("When", ordering="id")
    def happened(self, row: SmsConsentRecord) -> str:
        """When it was given."""
        return show.moment(row.happened_at)


@admin.register(PhoneCode)
class PhoneCodeAdmin(ByPhone):
    """Numbers that we texted codes to, as counted by the caps. The codes aren't kept."""

    person_field = "user_id"
    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["phone", "who", "country", "client", "sent"]
    list_select_related = ["user"]
    list_filter = [("sent_at", by_day("day sent"))]
    ordering = ["-id"]
    fieldsets = [(None, {"fields": ["phone", "owner", "country", "client", "sent"]})]

    def find_persons(self, term: str) -> list[int]:
        """Find the users whom the codes were for."""
        return search.people(term)

    @column("Member")
    def who(self, row: PhoneCode) -> str:
        """The name."""
        return show.name_of(row.user)

    @column("Member")
    def owner(self, row: PhoneCode) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Sent", ordering="id")
    def sent(self, row: PhoneCode) -> str:
        """When, and how long ago."""
        return show.moment(row.sent_at)
