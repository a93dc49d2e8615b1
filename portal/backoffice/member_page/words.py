"""What a member's page says about who they are, what they have, and what they're worth. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from billing.admin import labels
from billing.admin.subscriptions import balance
from billing.core import texts
from billing.core.statuses import UNPAID_SUBSCRIPTION
from billing.facts import also_billed, discounts
from billing.models import PaymentMethod, Subscription
from common import region
from common.money import Money as Amount
from common.staff import show
from emails.models import Channel
from emails.topics import TOPICS, Topic
from members.admin.profiles import sms_badge
from members.languages import offered
from members.signin.social import NAMES
from portal.backoffice.home.task import Task
from portal.backoffice.member_page import needs
from portal.backoffice.member_page.facts import SHOWN, MemberFacts, SignIns, Worth
from portal.models import StaffNote

# Characters of a note; its own page has all.
LONGEST_NOTE = 500


@dataclass(frozen=True)
class Fact:
    """A label with its value."""

    label: str
    value: SafeString | str


@dataclass(frozen=True)
class Card:
    """A titled group of facts."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Sums:
    """A row of what they're worth, as text, in one currency."""

    currency: str
    paid: str
    refunded: str
    returned: str
    held: str
    net: str
    payments: str


@dataclass(frozen=True)
class Note:
    """What staff wrote down; its own page has all of it."""

    words: str
    by: str
    url: str


@dataclass(frozen=True)
class MemberPage:
    """The page, without its timeline and actions."""

    name: str
    email: str
    badges: tuple[SafeString, ...]
    # Name and address of the list of those who have it, too.
    tags: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    has_more_notes: bool
    needs: tuple[Task, ...]
    cards: tuple[Card, ...]
    sums: tuple[Sums, ...]
    sums_note: str
    sees_payments: bool


def page(facts: MemberFacts, edit_url: str) -> MemberPage:
    """Return what the page says. `edit_url` leads to the form with the account's details."""
    cards = [Card("Membership", tuple(_membership(facts)))] if _sees_membership(facts) else []
    return MemberPage(
        name=show.name_of(facts.user),
        email=facts.user.email if facts.user.get_full_name() else "",
        badges=tuple(_badges(facts)),
        tags=tuple((one.name, show.list_of("auth.user", tag=one.name)) for one in facts.tags),
        notes=tuple(_note_of(one) for one in facts.notes[:SHOWN]),
        has_more_notes=len(facts.notes) > SHOWN,
        needs=needs.of(facts, edit_url),
        cards=(
            *cards,
            Card("Contact", tuple(_contact(facts))),
            Card("Account", tuple(_account(facts))),
        ),
        sums=tuple(_sums(one) for one in facts.money.worth),
        sums_note=_note(facts.money.worth),
        sees_payments="billing.view_payment" in facts.sees,
    )


def _note_of(row: StaffNote) -> Note:
    by = f"{show.name_of(row.author)}, " if row.author else ""
    words = Truncator(row.words).chars(LONGEST_NOTE)
    return Note(words, f"{by}{show.moment(row.created_at)}", show.page_of(row))


def _sees_membership(facts: MemberFacts) -> bool:
    return "billing.view_subscription" in facts.sees


def _badges(facts: MemberFacts) -> Iterator[SafeString]:
    user, row = facts.user, facts.money.membership
    if not user.is_active:
        yield show.badge("Switched off", "danger")
    if row:
        yield show.badge(*labels.subscription(row))
    elif _sees_membership(facts):
        yield show.badge("Never a member")
    if user.is_superuser:
        yield show.badge("Owner", "warning")
    elif user.is_staff:
        yield show.badge(", ".join(facts.groups) or "Staff, no role", "info")


def _membership(facts: MemberFacts) -> Iterator[Fact]:
    money, row = facts.money, facts.money.membership
    if row:
        yield Fact("Plan", show.anchor(show.page_of(row), f"{row.name or 'Membership'}"))
        yield Fact("Price", also_billed.price_of(row))
        yield Fact("Member since", f"{show.day(row.started_at)} ({show.age(row.started_at)})")
        yield Fact("Next", _next(facts, row))
        if row.is_live and money.paid_for:
            start, end = show.day(money.paid_for.start), show.day(money.paid_for.end)
            yield Fact("Paid for", f"{start} to {end}")
        if row.is_live and row.is_in_free_time:
            yield Fact("Free until", f"{show.day(row.current_period_end)}, given by staff")
        yield from _besides_the_price(row)
        yield Fact("Pays with", _pays_with(row))
    else:
        yield Fact("Plan", "Not a member, and never was")
    if money.trial:
        yield Fact("Free trial", money.trial)
    for other in money.others:
        title = other.name or "Another subscription"
        yield Fact("Also billed", show.anchor(show.page_of(other),
                   f"{title}, {also_billed.price_of(other)}"))  # fmt: skip
    if money.methods:
        saved = [_method(one) for one in money.methods[:SHOWN]]
        more = ["…"] if len(money.methods) > SHOWN else []
        yield Fact("Saved", ", ".join([*saved, *more]))
    if last := money.last_payment:
        text = f"{last.money} on {show.day(last.created_at)}: {labels.payment(last)[0].lower()}"
        yield Fact("Last payment", show.anchor(show.page_of(last), text))
        if last.failure_code:
            yield Fact("Why it failed", texts.failure(last.failure_code, last.card_brand))


def _besides_the_price(row: Subscription) -> Iterator[Fact]:
    """Yield what changes what's charged."""
    if said := labels.planned(row):
        yield Fact("Planned", said)
    if said := "; ".join(map(str, discounts.in_words(row))):
        yield Fact("Discount", said)
    if row.balance:
        yield Fact("Credit", balance(row))


def _next(facts: MemberFacts, row: Subscription) -> str:
    """Say when it's charged, ends, or ended; if unpaid, when Stripe tries again."""
    if not row.is_live:
        return f"Ended {show.day(row.ended_at)}" if row.ended_at else show.NOTHING
    if row.ends_with_period:
        return labels.next_step(row)
    if row.status in UNPAID_SUBSCRIPTION:
        retries = [one.next_payment_attempt_at for one in facts.money.unpaid]
        again = next(iter(filter(None, retries)), None)
        return f"Payment retry {show.day(again)}" if again else "No retry scheduled"
    return labels.next_step(row) or show.NOTHING


def _pays_with(row: Subscription) -> str:
    if row.is_by_zelle:
        return "Zelle"
    if row.is_sent:
        return f"Invoice, due after {row.days_until_due or 0} days"
    card = texts.card(row.card_brand, row.card_last4)
    expires = f", expires {texts.card_expiry(row.card_expires)}" if row.card_expires else ""
    return f"{card}{expires}" if card else "No card"


def _method(row: PaymentMethod) -> str:
    expires = f" ({texts.card_expiry(row.card_expires)})" if row.card_expires else ""
    return f"{texts.card_short(row.card_brand, row.card_last4) or row.kind}{expires}"


def _contact(facts: MemberFacts) -> Iterator[Fact]:
    member = facts.user.member
    verified = "" if facts.sign_ins.is_email_verified else " (not verified)"
    yield Fact("Email", f"{facts.user.email}{verified}" if facts.user.email else show.NOTHING)
    if member.phone:
        number = member.phone.as_international
        yield Fact("Phone", f"{number}{'' if member.phone_is_verified else ' (not verified)'}")
    else:
        yield Fact("Phone", show.NOTHING)
    yield Fact("Gets texts", sms_badge(member))
    if member.sms_stopped_at:
        yield Fact("Stopped texts", show.day(member.sms_stopped_at))
    if facts.turned_off:
        yield Fact("Turned off", ", ".join(_turned_off(facts.turned_off)))
    languages = {code: str(name) for code, name in settings.LANGUAGES}
    code = offered(member.language)
    yield Fact("Language", languages.get(code, member.language))
    zone = member.time_zone.replace("_", " ") or f"Ours ({region.zone().key.replace('_', ' ')})"
    yield Fact("Time zone", zone)
    for customer in facts.money.customers[:1]:
        if address := _address(customer.address):
            yield Fact("Address", address)
        if customer.business_name:
            yield Fact("Business", customer.business_name)


def _turned_off(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for topic, channel in rows:
        words = _("%(topic)s by email") if channel == Channel.EMAIL else _("%(topic)s by text")
        yield words % {"topic": TOPICS[Topic(topic)].title}


def _address(parts: dict[str, str]) -> str:
    names = ("line1", "line2", "city", "state", "postal_code", "country")
    return ", ".join(str(parts[one]) for one in names if parts.get(one))


def _account(facts: MemberFacts) -> Iterator[Fact]:
    user = facts.user
    yield Fact("Joined", f"{show.day(user.date_joined)} ({show.age(user.date_joined)})")
    yield Fact("Last signed in", show.moment(user.last_login) if user.last_login else "Never")
    yield Fact(
        "Signs in with", _ways(facts.sign_ins) if user.is_active else "Nothing: switched off"
    )
    if facts.terms:
        on = show.day(facts.terms.happened_at)
        yield Fact("Terms", show.anchor(show.page_of(facts.terms), f"{facts.terms.version}, {on}"))
    if user.is_staff:
        yield Fact("Groups", ", ".join(facts.groups) or show.NOTHING)
    closing = facts.closing
    if closing and closing.ended_at:
        yield Fact("Closing", f"{closing.get_state_display()}, {show.day(closing.ended_at)}")
    links = [(show.page_of(one), _customer(one.stripe_id, one.deleted_at_stripe))
             for one in facts.money.customers[:SHOWN]]  # fmt: skip
    if links:
        yield Fact("At Stripe", show.links(links))


def _customer(stripe_id: str, is_deleted: bool) -> str:
    return f"{stripe_id} (deleted)" if is_deleted else stripe_id


def _ways(ways: SignIns) -> str:
    """Return "Code by email, password, 2 passkeys; authenticator app"."""
    passkeys = [show.count(ways.passkeys, "passkey")] if ways.passkeys else []
    password = ["password"] if ways.has_password else []
    connected = [NAMES.get(one, one) for one in ways.connected]
    first = ", ".join(["Code by email", *password, *passkeys, *connected])
    return f"{first}; plus authenticator app" if ways.second_step else first


def _sums(one: Worth) -> Sums:
    def text(amount: int) -> str:
        return str(Amount(amount, one.currency))

    return Sums(
        currency=one.currency.upper(),
        paid=text(one.paid),
        refunded=text(-one.refunded) if one.refunded else show.NOTHING,
        returned=text(-one.returned) if one.returned else show.NOTHING,
        held=text(-one.held) if one.held else "",
        net=text(one.net),
        payments=show.number(one.payments),
    )


def _note(worth: tuple[Worth, ...]) -> str:
    """Return "First payment Nov 4, 2025, last Nov 4, 2026."."""
    first = min(filter(None, (one.first_at for one in worth)), default=None)
    last = max(filter(None, (one.last_at for one in worth)), default=None)
    return f"First payment {show.day(first)}, last {show.day(last)}." if first and last else ""
