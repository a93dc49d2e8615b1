"""The gallery of messages: every kind with every sample, as each reader gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from emails import looks, occasions, rendering
from emails.catalog import CATALOG, Kind, spec_of
from emails.contexts import names_of
from emails.models import Channel, Message
from emails.names import name_of
from emails.occasions import OCCASIONS, Audience
from portal.backoffice import more_samples, sample_texts
from portal.backoffice.sample_texts import Text

# What texts cost is estimated by what Twilio charged for those of the last days.
PRICED_LATELY = timedelta(days=90)


@dataclass(frozen=True)
class Entry:
    """A kind in the list."""

    name: str
    url: str
    when: str
    channels: str
    choice: str
    samples: int


@dataclass(frozen=True)
class Shelf:
    """The kinds for one audience."""

    title: str
    entries: list[Entry]


@dataclass(frozen=True)
class Choice:
    """A link to another sample."""

    title: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Mail:
    """An email: whole documents for frames, and its text part."""

    subject: str
    light: str
    dark: str
    plain: str
    text: str
    kilobytes: int


@dataclass(frozen=True)
class Exhibit:
    """One sample of one kind."""

    kind: Kind
    name: str
    when: str
    audience: str
    channels: str
    choice: str
    names: list[str]
    sample: more_samples.Sample
    number: int
    samples: list[Choice]
    mail: Mail | None
    sms: Text | None
    cost: str
    log_url: str


def shelves() -> list[Shelf]:
    """Return every kind, by audience."""
    return [
        Shelf(
            f"To {str(audience).lower()}{'s' if audience == Audience.MEMBER else ''}",
            [_entry(kind) for kind in Kind if occasions.audience_of(kind) == audience],
        )
        for audience in Audience
    ]


def exhibit(kind: Kind, number: int) -> Exhibit:
    """Return one of a kind's samples as it's read; the usual one if there's none of that number."""
    samples = more_samples.of_kind(kind)
    number = number if 0 < number <= len(samples) else 1
    sample, spec = samples[number - 1], spec_of(kind)
    facts = sample.context.as_json()
    mail = Message(kind=kind, channel=Channel.EMAIL, context=facts)
    sms = sample_texts.of(sample.context) if spec.sms else None
    return Exhibit(
        kind=kind,
        name=name_of(kind),
        when=OCCASIONS[kind].when,
        audience=str(occasions.audience_of(kind)),
        channels=occasions.channels_of(kind),
        choice=occasions.choice_of(kind),
        names=list(names_of(type(sample.context))),
        sample=sample,
        number=number,
        samples=[
            Choice(one.title, address(kind, place), place == number)
            for place, one in enumerate(samples, start=1)
        ],
        mail=_mail(mail) if spec.email else None,
        sms=sms,
        cost=_cost(sms.segments) if sms else "",
        log_url=f"{reverse('admin:emails_message_changelist')}?{urlencode({'kind': kind})}",
    )


def found(kind: str) -> Kind | None:
    """Return the kind of an address; None if there's none."""
    return Kind(kind) if kind in set(CATALOG) else None


def address(kind: Kind, number: int = 1) -> str:
    """Return where a kind's sample is shown."""
    query = {"kind": kind.value} | ({"sample": number} if number > 1 else {})
    return f"{reverse('admin:emails_message_exhibit')}?{urlencode(query)}"


def _entry(kind: Kind) -> Entry:
    return Entry(
        name=name_of(kind),
        url=address(kind),
        when=OCCASIONS[kind].when,
        channels=occasions.channels_of(kind),
        choice=occasions.choice_of(kind),
        samples=len(more_samples.of_kind(kind)),
    )


def _mail(message: Message) -> Mail:
    mail = rendering.render_email(message)
    return Mail(
        subject=mail.subject,
        light=looks.framed(looks.in_scheme(mail.html, "light")),
        dark=looks.framed(looks.in_scheme(mail.html, "dark")),
        plain=looks.framed(looks.without_styles(mail.html)),
        text=mail.text,
        kilobytes=-(-len(mail.html.encode()) // 1024),
    )


def _cost(count: int) -> str:
    """Return what a text of so many segments costs, by what Twilio charged lately."""
    rows = Message.objects.filter(
        channel=Channel.SMS, sent_at__gte=timezone.now() - PRICED_LATELY, price__isnull=False
    )
    newest = rows.order_by("-sent_at").values_list("price_currency", flat=True).first()
    sums = rows.filter(price_currency=newest or "", segments__gt=0).aggregate(
        price=Sum("price"), segments=Sum("segments")
    )
    if not sums["segments"]:
        return "We can estimate the cost once Twilio has told us the price of a text"
    each: Decimal = sums["price"] / sums["segments"]
    cost = (each * count).quantize(Decimal("0.0001")).normalize()
    return f"It costs about {cost:f} {newest}, as texts did lately"
