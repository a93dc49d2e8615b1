"""Another language needs only a file: each sentence of a mail or text is translated.

Every kind is checked twice: its templates with all their branches,
and each sample as it's sent, with Greek facts, so that what a template makes of them is seen, too.
What a message keeps of its cause, such as a price in words, is checked as it's written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import trans_real
from pytest_django import Settings

from billing.core.statuses import DisputeStatus, IgnoredBecause, RefundAction, RefundState
from billing.facts.measures import MEASURES
from billing.models import (
    BalanceReading,
    BookCheck,
    CreditNote,
    Customer,
    Dispute,
    FailureMail,
    Invoice,
    LedgerCheck,
    MissingSetup,
    Payment,
    PaymentRequest,
    Refund,
    Subscription,
    TaxRate,
)
from billing.notices import announcing
from billing.notices import transitions as t
from billing.notices.transitions import Transition
from billing.refunds import notices, staff_notices
from billing.refunds.moves import RefundMoved
from billing.tests import factories
from billing.tests.pages.test_page_reads import troubled
from billing.tests.refund_world import policy
from billing.tests.staff_world import billing, support
from common import translations
from emails import compiling, rendering, translating
from emails.catalog import CATALOG, Kind
from emails.models import Channel, Message
from members import corrections
from members.models import Member
from portal.backoffice import more_samples, problems
from portal.backoffice.home import facts as home_facts
from portal.backoffice.home.facts import home
from portal.backoffice.home.tasks import tasks
from portal.backoffice.problem_facts import ProblemFacts
from portal.backoffice.waiting import Bank, Disputes, Help, Queue, Refunds, Waiting
from portal.tests.test_marked_for_translation import Marking, Unmarked, in_greek
from testing import other_words

KINDS = list(CATALOG)
# Facts that name a file, or the language.
FILES = {"method_picture", "language"}
GREEK = "Μάθημα 29"
# What's left of a template are facts: no addresses, dates, or codes for programs.
FACT = re.compile(r"https?://|T\d\d:\d\d|@|\A[^A-Za-z]*\Z")
TAGS = re.compile(
    r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}|{%\s*comment.*?endcomment\s*%}"
    r"|{%.*?%}|{{.*?}}|<script.*?</script>",
    re.DOTALL,
)


@pytest.fixture
def brand(settings: Settings) -> None:
    """A business whose name isn't a word of ours."""
    settings.BRAND_NAME = "Ωμέγα"
    settings.PORTAL_URL = "https://portal.example.com"


@pytest.fixture
def marking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is translated carries the marks."""
    monkeypatch.setattr(trans_real, "_translations", dict.fromkeys(("en", "en-us"), Marking()))
    with other_words.forgotten_afterward(), translation.override("en-us"):
        yield


def greek(fact: Any) -> Any:
    """Return a fact in Greek letters, unless it's an address, a moment, or a number."""
    if isinstance(fact, str):
        return fact if FACT.search(fact) else GREEK
    if isinstance(fact, dict):
        return {name: greek(one) for name, one in fact.items()}
    return [greek(one) for one in fact] if isinstance(fact, list) else fact


def words_of(kind: Kind, facts: dict[str, Any]) -> Iterator[str]:
    """Yield each part of a message as its reader gets it, as HTML."""
    spec = CATALOG[kind]
    if spec.email:
        email = rendering.render_email(Message(kind=kind, channel=Channel.EMAIL, context=facts))
        yield from (html.escape(email.subject), email.html, html.escape(email.text))
    if spec.sms:
        text = rendering.render_sms(Message(kind=kind, channel=Channel.SMS, context=facts))
        # The last line is for the browser.
        yield html.escape(re.sub(r"\n@\S+ #.*", "", text))


def branches_of(kind: Kind) -> Iterator[str]:
    """Yield each template of a kind with the words of all its branches."""
    spec = CATALOG[kind]
    if spec.email:
        yield compiling.subject(f"emails/{kind}.txt")
        yield compiling.flattened(f"emails/{kind}.txt")
        yield compiling.flattened(f"emails/{kind}.mjml")
    if spec.sms:
        yield compiling.flattened(f"sms/{kind}.txt")


@pytest.mark.usefixtures("brand", "marking")
def test_each_sample_is_all_marked() -> None:
    found, samples = {}, 0
    for kind in KINDS:
        for sample in more_samples.of_kind(kind):
            facts = {name: greek(fact) for name, fact in sample.context.as_json().items()}
            parts = list(words_of(kind, facts))
            assert any("⟦" in part for part in parts)
            if left := [words for part in parts for words in Unmarked(part).found]:
                found[f"{kind}: {sample.title}"] = left
            samples += 1
    assert found == {}
    assert samples > len(KINDS)


@pytest.mark.usefixtures("marking")
def test_each_branch_of_a_template_is_marked() -> None:
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        for source in branches_of(kind):
            words = re.sub(r"<mj-(head|style).*?</mj-\1>", "", source, flags=re.DOTALL)
            if left := Unmarked(TAGS.sub(" ", translating.translated(words))).found:
                found.setdefault(str(kind), []).extend(left)
    assert found == {}


def transitions_of(user: User) -> Iterator[Transition]:
    """Yield what may happen to each row of a member."""
    now = timezone.now()
    for row in Subscription.objects.for_user(user):
        yield t.SubscriptionStarted(row)
        yield t.EndScheduled(row, now)
        yield t.EndTakenBack(row, row, now)
        yield t.PriceSwitched(row, now)
        row.planned_at = now + timedelta(days=9)
        yield t.PricePlanned(row, now)
        yield t.PlanDropped(row, row, now)
        yield t.CardChanged(row, row, now)
        yield t.CollectionPaused(row, now)
        yield t.CollectionResumed(row, now)
        yield t.FreeTimeGiven(row, now + timedelta(days=9), now)
        yield t.TrialEnding(row, now + timedelta(days=3), now)
        yield t.RenewalComing(row, now)
        yield t.CardExpiring(row, now)
        yield t.SubscriptionEnded(row, now)
    for invoice in Invoice.objects.for_user(user):
        payment = Payment.objects.filter(invoice=invoice).first()
        yield t.InvoicePaid(invoice, [payment] if payment else [], recovered=True)
        yield t.InvoicePaymentFailed(invoice, payment, now)
        yield t.ConfirmationNeeded(invoice, payment, now)
        yield t.InvoiceSent(invoice, now)
        yield t.InvoiceDueSoon(invoice, now)
        yield t.InvoiceOverdue(invoice, now)
    for payment in Payment.objects.for_user(user):
        yield t.DebitComing(payment, now)
        yield t.SinglePaymentReceived(payment)
        yield t.SinglePaymentFailed(payment, now)
        dispute = Dispute.objects.filter(payment=payment).first() or factories.make_dispute(payment)
        for status in DisputeStatus:
            dispute.status = status
            yield t.DisputeUpdated(dispute, "", now)
    for note in CreditNote.objects.all():
        yield t.CreditNoteIssued(note)
    for request in PaymentRequest.objects.all():
        yield t.RequestExpiring(request, now + timedelta(days=2), now)


def phrases(fact: Any) -> Iterator[str]:
    """Yield the texts in a fact that people read."""
    if isinstance(fact, str) and not FACT.search(fact):
        yield fact
    for one in fact.values() if isinstance(fact, dict) else fact if isinstance(fact, list) else ():
        yield from phrases(one)


def unmarked() -> dict[str, set[str]]:
    """Return what messages keep outside of the marks, by kind and name of the fact."""
    found: dict[str, set[str]] = {}
    for message in Message.objects.all():
        for name in message.context.keys() - FILES:
            for words in phrases(message.context[name]):
                if Unmarked(html.escape(words)).found:
                    found.setdefault(f"{message.kind}: {name}", set()).add(words)
    return found


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("brand", "marking")
def test_what_messages_keep_is_translated(settings: Settings) -> None:
    settings.MESSAGE_MAX_AGE_HOURS = 24 * 365
    policy()
    factories.make_plan(name="Μέλος")
    TaxRate.objects.create(stripe_id="txr_vat", name="ΦΠΑ", percentage="19", read_at=timezone.now())
    user = troubled(1)
    factories.make_subscription(
        Customer.objects.get(user=user), interval="year", amount=29000,
        collection_method="send_invoice", days_until_due=14,
    )  # fmt: skip
    in_greek(user)
    settings.STAFF_EMAIL = ["owner@example.com"]
    FailureMail.objects.create(user=billing())
    Message.objects.all().delete()
    user = User.objects.get(pk=user.pk)
    for transition in transitions_of(user):
        announcing.announce(transition)
    for refund in Refund.objects.all():
        for action in RefundAction:
            notices.announce(RefundMoved(refund, action, None))
        for state in RefundState:
            refund.state = state
            notices.announce(RefundMoved(refund, RefundAction.FOUND, None))
            staff_notices.announce(RefundMoved(refund, RefundAction.STRIPE, None))
        for action in RefundAction:
            staff_notices.announce(RefundMoved(refund, action, None))
        refund.state = RefundState.PENDING
        refund.sent_at = timezone.now() - timedelta(days=30)
        refund.save()
    staff_notices.remind()
    kinds = set(Message.objects.values_list("kind", flat=True))
    assert kinds >= {"refund_to_decide", "refund_in_trouble", "dispute_opened", "dispute_closed"}
    assert len(set(Message.objects.values_list("kind", flat=True))) > 20
    assert unmarked() == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("brand", "marking")
def test_what_mails_take_from_the_staff_site_is_translated() -> None:
    now = timezone.now()
    old = now - timedelta(days=30)
    found = ProblemFacts(
        now=now,
        missing_setup=[MissingSetup(pk=1, name="customer_portal")],
        ignored=dict.fromkeys(IgnoredBecause, 2),
        checked_first_at=old,
        failed_jobs=[(1, "Μ.ν")],
        ledger_check=LedgerCheck(pk=1, started_at=old, problems=["Μάθημα"]),
        refused=[Message(pk=1, channel=channel, error="Μάθημα") for channel in Channel],
        untaxed=2,
        unfinalized=1,
        paid_twice=[1],
        second_trials=[1],
        balance=BalanceReading(differences={"usd": 100, "eur": 200}),
        closings=BookCheck(pk=1, checked_at=old, problems=["Μάθημα"]),
        over_caps={"person": 1, "country": 2, "total": 3},
    )
    problems_found = problems.described(found)
    assert len(problems_found) >= 16
    waits = Waiting(
        refunds=Refunds(waiting=2, oldest=old, failed=1, not_sent=2, held=1, by_zelle=2),
        disputes=Disputes(to_answer=2, due_at=now),
        bank=Bank(2, old, 1, 2, 1, 2, 1),
        help=Help(2, old),
        suppressed=1,
        events=Queue(1, 1, old),
        messages=Queue(1, 1, old),
        unassigned=2,
    )
    tasks_found = tasks(home(home_facts.PERMISSIONS, waits))
    assert len(tasks_found) >= 16
    said = [words for one in problems_found for words in (one.text, one.action)]
    said += [words for task in tasks_found for words in (task.text, task.action)]
    for measure in MEASURES.values():
        said += map(str, (measure.label, measure.definition, measure.none_because))
    # Parts in Greek stand for errors and names.
    left = {words: Unmarked(html.escape(words)).found for words in said}
    assert {words for words, outside in left.items() if outside} == set()


SENTENCES: dict[str | tuple[str, str], str | tuple[str, str]] = {
    "Your account is closed": "Ihr Konto ist geschlossen",
    "Your account was closed on %(time)s.": "Ihr Konto wurde am %(time)s geschlossen (zu 100 %%).",
    "%(name)s, your account was closed on %(time)s.": "%(name)s, {{ brand }} {% now %}",
    'You didn’t ask for this? Write to us right away: <a href="mailto:%(email)s">%(email)s</a>.': (
        'Nicht von Ihnen? Schreiben Sie uns: <a href="mailto:%(email)s">%(email)s</a>.'
    ),
    "You can’t sign in anymore.": "%(secret)s",
    ("It works for %(minutes)s minute.", "It works for %(minutes)s minutes."): (
        "Gilt %(minutes)s Minute.",
        "Gilt %(minutes)s Minuten.",
    ),
    "No account with this address": "Kein Konto mit dieser Adresse",
    "Your phone number was changed": "Ihre Telefonnummer wurde geändert",
    "A payment of %(amount)s is disputed": "Eine Zahlung von %(amount)s wird bestritten",
    "See the dispute": "Zum Streitfall",
    "A renewal of %(amount)s failed": "Eine Verlängerung über %(amount)s schlug fehl",
    "%(code)s is your code": "%(code)s ist Ihr Code",
    "%(code)s is your code. Never share it.": "%(code)s ist Ihr Code. Geben Sie ihn nie weiter.",
}


@pytest.fixture
def german(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A catalog of some sentences in German, the business's language."""
    catalog = Catalog(locale="de", charset="utf-8", fuzzy=False)
    for source, words in SENTENCES.items():
        catalog.add(source, words)
    file = translations.file_of(tmp_path, "de", translations.MO)
    file.parent.mkdir(parents=True)
    with file.open("wb") as writer:
        write_mo(writer, catalog)
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en-us", "English"), ("de", "Deutsch")]
    settings.LANGUAGE_CODE = "de"
    with other_words.forgotten_afterward():
        yield


def email_of(kind: Kind, **facts: Any) -> rendering.RenderedEmail:
    """Render a kind's usual sample with some other facts."""
    usual = more_samples.of_kind(kind)[0].context.as_json()
    return rendering.render_email(
        Message(kind=kind, channel=Channel.EMAIL, context=usual | facts),
    )


@pytest.mark.usefixtures("brand", "german")
def test_words_facts_and_links_of_another_language_come_together() -> None:
    email = email_of(Kind.ACCOUNT_CLOSED, name="")
    assert email.subject == "Ihr Konto ist geschlossen"
    assert "geschlossen (zu 100 %)." in email.text
    # A link in a translation is styled as one in the original.
    link = r'Schreiben Sie uns: <a href="mailto:help@example.com" style="[^"]*underline'
    assert re.search(link, email.html)
    email = email_of(Kind.ADDRESS_CODE, code="K7F3", minutes=1)
    assert email.subject == "K7F3 ist Ihr Code"
    assert "Gilt 1 Minute." in email.text
    assert "Gilt 15 Minuten." in email_of(Kind.ADDRESS_CODE, minutes=15).html
    code = more_samples.of_kind(Kind.PHONE_CODE)[0].context.as_json()
    sms = rendering.render_sms(Message(kind=Kind.PHONE_CODE, channel=Channel.SMS, context=code))
    assert "Geben Sie ihn nie weiter." in sms


@pytest.mark.usefixtures("brand", "german")
def test_a_translation_brings_no_tags_and_no_other_facts() -> None:
    email = email_of(Kind.ACCOUNT_CLOSED, name="Nina")
    for part in (email.html, email.text):
        assert "Nina, your account was closed on" in part
        assert "You can’t sign in anymore." in part


@pytest.mark.django_db
@pytest.mark.usefixtures("brand", "german")
@pytest.mark.parametrize(
    ("accepted", "subject"),
    [
        ("de-AT,de;q=0.9", "Kein Konto mit dieser Adresse"),
        ("fr", "No account with this address"),
    ],
)
def test_visitors_get_their_mail_in_the_language_of_the_page(
    client: Client, settings: Settings, accepted: str, subject: str
) -> None:
    settings.LANGUAGE_CODE = "en-us"
    asks = {"email": "nobody@example.com"}
    client.post(reverse("account_request_login_code"), asks, headers={"Accept-Language": accepted})
    # It's sent later, by a job.
    translation.activate("en-us")
    message = Message.objects.get(kind=Kind.UNKNOWN_ACCOUNT)
    assert rendering.render_email(message).subject == subject


@pytest.mark.django_db
@pytest.mark.usefixtures("brand", "german")
def test_what_staff_do_is_told_in_the_members_language(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en-us"
    user = factories.make_member()
    Member.objects.filter(user=user).update(language="de")
    with translation.override("en-us"):
        corrections.correct_phone(User.objects.get(pk=user.pk), "+12025550143")
    told = Message.objects.get(kind=Kind.ACCOUNT_CHANGED)
    assert told.context["headline"] == "Ihre Telefonnummer wurde geändert"


@pytest.mark.django_db
@pytest.mark.usefixtures("brand", "german")
def test_each_colleague_reads_their_own_language(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en-us"
    settings.STAFF_EMAIL = ["Greta@example.com", "office@example.com"]
    greta = support()
    User.objects.filter(pk=greta.pk).update(email="greta@example.com")
    Member.objects.filter(user=greta).update(language="de")
    with transaction.atomic():
        announcing.announce(t.DisputeOpened(factories.make_dispute(), timezone.now()))
    hers, office = (
        rendering.render_email(Message.objects.get(kind=Kind.DISPUTE_OPENED, recipient=address))
        for address in settings.STAFF_EMAIL
    )
    assert "wird bestritten" in hers.text
    assert "Zum Streitfall" in hers.html
    assert "is disputed" in office.text
    assert "See the dispute" in office.html


@pytest.mark.django_db
@pytest.mark.usefixtures("brand", "german")
def test_a_failed_renewal_is_told_in_the_colleagues_language(settings: Settings) -> None:
    """The member's own mail is written in the same job."""
    settings.LANGUAGE_CODE = "en-us"
    FailureMail.objects.create(user=billing())
    invoice = factories.make_invoice(
        subscription=factories.make_subscription(), status="open", attempt_count=1
    )
    Member.objects.filter(user=invoice.customer.user).update(language="de")
    announcing.announce(t.InvoicePaymentFailed(invoice, None, timezone.now()))
    mail = rendering.render_email(Message.objects.get(kind=Kind.RENEWAL_FAILED))
    assert "A renewal of" in mail.text
