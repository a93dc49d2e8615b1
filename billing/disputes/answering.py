"""Use cases: staff draft the answer to a dispute, send it to the bank once, or give in.

A draft is with us alone. Sending is decided under the member's lock: the row says *sending* before
Stripe is asked, outside of the transaction, and the dispute at Stripe carries the row's key. So
whoever asks again, a second click or the sweep, first looks there whether it has arrived.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.core import dispute_evidence
from billing.core.dispute_evidence import FILES, NAMES, TEXTS
from billing.core.statuses import ANSWERABLE_DISPUTE, AnswerState, DisputeStatus
from billing.disputes.answers import answer_to, problems_of, stage_of, why_not
from billing.disputes.files import Checked
from billing.models import Dispute, DisputeAnswer, EvidenceFile
from billing.models.dispute_answer import FILE_NAME
from billing.models.locks import lock_member
from billing.stripe import failures, gateway
from billing.sync import refresh
from common.one_by_one import OneByOne
from members import access_changes

logger = logging.getLogger(__name__)

MAY_DRAFT = "billing.change_disputeanswer"
MAY_SEND = "billing.send_disputeanswer"
# A request by a person is left alone for so long before the sweep looks after it.
LEFT_ALONE = timedelta(minutes=2)

CHANGED = "Somebody has changed the draft since you opened it. Look at it again."
NOTHING = "The answer is empty. Write something, or add a file."
UNCERTAIN = (
    "Stripe hasn’t confirmed it, so it isn’t certain yet whether the bank has it. We’re checking, "
    "and try again every few minutes. It’s never sent twice."
)
IN_DASHBOARD = "Somebody answered it in Stripe’s dashboard. Ours wasn’t sent."
CLOSED_BEFORE = "The dispute was decided before our answer arrived. It wasn’t sent."
TOO_MANY_PAGES = "Stripe says that it has too many pages for the card’s network. Shorten it."
NO_INQUIRY = "An inquiry can’t be accepted: no money has moved. Answer it, or let its time pass."


class AnswerError(Exception):
    """The dispute can't be answered this way now; the text is for staff."""


class StillUnderWay(AnswerError):
    """It was asked of Stripe, which didn't say whether it's done."""


@dataclass(frozen=True)
class NewFile:
    """A file that was chosen, or made from our records."""

    name: str
    content: bytes
    checked: Checked
    is_ours: bool = False


@dataclass(frozen=True)
class Draft:
    """What somebody saves. Files that are neither added nor removed stay."""

    texts: Mapping[str, str]
    added: Mapping[str, NewFile] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()


# Drafting


def save(dispute: Dispute, draft: Draft, shown: int, actor: User) -> DisputeAnswer:
    """Save a draft; `shown` is the version that the form was filled in from, 0 for none.

    Raises:
        PermissionDenied: the actor may not.
        AnswerError: it can't be answered, or somebody else changed it, or it's too much.
    """
    if not actor.has_perm(MAY_DRAFT):
        raise PermissionDenied("Writing an answer takes a permission.")
    if set(draft.texts) - set(TEXTS) or set(draft.added) - set(FILES):
        raise ValueError("Stripe knows no such evidence.")
    with transaction.atomic():
        row = _locked(dispute)
        if sentence := why_not(row):
            raise AnswerError(sentence)
        answer = answer_to(row)
        _check_version(answer, shown)
        texts = {name: draft.texts[name] for name in TEXTS if draft.texts.get(name)}
        if answer is None:
            answer = DisputeAnswer(dispute=row, stage=stage_of(row))
        else:
            answer.version += 1
        answer.texts, answer.problem = texts, ""
        answer.edited_by, answer.edited_at = actor, timezone.now()
        answer.save()
        _save_files(answer, draft)
        found = problems_of(row, texts, list(answer.files.named()))
        if found:
            # Nothing is saved.
            raise AnswerError(" ".join(found))
    logger.info("User %s drafts the answer %s.", actor.pk, answer.pk)
    return answer


def _check_version(answer: DisputeAnswer | None, shown: int) -> None:
    if answer and not answer.is_draft:
        raise AnswerError(_said_of(answer))
    if shown != (answer.version if answer else 0):
        raise AnswerError(CHANGED)


def _said_of(answer: DisputeAnswer) -> str:
    match answer.state:
        case AnswerState.SENT:
            return "It was sent to the bank already, and can’t be changed."
        case AnswerState.ACCEPTED:
            return "The dispute was accepted already."
        case _:
            return "It’s being sent already."


def _save_files(answer: DisputeAnswer, draft: Draft) -> None:
    answer.files.filter(field__in={*draft.removed, *draft.added}).delete()
    for name, new in draft.added.items():
        EvidenceFile.objects.create(
            answer=answer,
            field=name,
            name=new.name[-FILE_NAME:],
            content=new.content,
            size=len(new.content),
            pages=new.checked.pages,
            is_ours=new.is_ours,
        )


# Sending


def send(dispute: Dispute, shown: int, actor: User) -> DisputeAnswer:
    """Send the draft to the bank, exactly as its version `shown` is. Two clicks send it once.

    Raises:
        PermissionDenied: the actor may not.
        StillUnderWay: Stripe hasn't confirmed it.
        AnswerError: it can't be sent, or Stripe refused it; it's a draft again.
    """
    now = _read_again(dispute, actor)
    with transaction.atomic():
        row = _claimed(now, actor)
        answer = answer_to(row)
        if answer is None or not (answer.texts or answer.files.exists()):
            raise AnswerError(NOTHING)
        _check_version(answer, shown)
        if found := problems_of(row, answer.texts, list(answer.files.named())):
            raise AnswerError(" ".join(found))
        _begin(answer, AnswerState.SENDING, actor)
    logger.info("User %s sends the answer %s to the bank.", actor.pk, answer.pk)
    return finish(answer)


def accept(dispute: Dispute, actor: User) -> DisputeAnswer:
    """Give in: the money stays with the card's owner. That can't be undone.

    Raises:
        PermissionDenied: the actor may not.
        StillUnderWay: Stripe hasn't confirmed it.
        AnswerError: it can't be accepted.
    """
    now = _read_again(dispute, actor)
    with transaction.atomic():
        row = _claimed(now, actor)
        if row.is_inquiry:
            raise AnswerError(NO_INQUIRY)
        answer = answer_to(row)
        if answer is None:
            answer = DisputeAnswer.objects.create(
                dispute=row, stage=stage_of(row), edited_by=actor, edited_at=timezone.now()
            )
        _check_version(answer, answer.version)
        _begin(answer, AnswerState.ACCEPTING, actor)
    logger.info("User %s accepts the dispute %s.", actor.pk, now.stripe_id)
    return finish(answer)


def _read_again(dispute: Dispute, actor: User) -> Dispute:
    """Read the dispute from Stripe: somebody may have answered it in the dashboard."""
    if not actor.has_perm(MAY_SEND):
        raise PermissionDenied("Answering the bank takes a permission.")
    try:
        return refresh.sync_dispute(dispute.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "A dispute could not be read before its answer")
        raise AnswerError(f"Nothing was sent. {failures.sentence(error)}") from error


def _claimed(dispute: Dispute, actor: User) -> Dispute:
    """Lock the dispute for a decision of someone who may decide."""
    row = _locked(dispute)
    try:
        access_changes.require_not_on_hold(actor)
    except access_changes.OnHold as hold:
        raise AnswerError(str(hold)) from hold
    known = answer_to(row)
    if known and not known.is_draft:
        raise AnswerError(_said_of(known))
    if sentence := why_not(row):
        raise AnswerError(sentence)
    return row


def _locked(dispute: Dispute) -> Dispute:
    lock_member(dispute.customer.user_id)
    return Dispute.objects.select_related("customer__user", "payment").get(pk=dispute.pk)


def _begin(answer: DisputeAnswer, state: AnswerState, actor: User) -> None:
    answer.state, answer.problem = state, ""
    answer.asked_by, answer.asked_at = actor, timezone.now()
    answer.save(update_fields=["state", "problem", "asked_by", "asked_at"])


def finish(answer: DisputeAnswer) -> DisputeAnswer:
    """Ask Stripe for what was decided, unless it has it already. Safe to run at any time.

    Raises:
        StillUnderWay: Stripe hasn't confirmed it.
        AnswerError: it can't be done; it's a draft again.
    """
    if not answer.is_under_way:
        return answer
    try:
        if not _is_there(answer):
            _ask(answer)
    except gateway.StripeLockedOut as error:
        failures.note(logger, error, "An answer to a dispute could not be sent")
        raise _back_to_draft(answer, f"Nothing was sent. {failures.sentence(error)}") from error
    except gateway.StripeRefused as error:
        raise _refused(answer, error) from error
    except gateway.StripeMissing as error:
        raise _back_to_draft(answer, "Stripe doesn’t have this dispute anymore.") from error
    except gateway.StripeError as error:
        failures.note(logger, error, "An answer to a dispute is not confirmed")
        _look_once_more(answer, error)
    return _done(answer)


def finish_all() -> None:
    """Look after what staff have sent and Stripe hasn't confirmed.

    Raises:
        SomeFailed: the others were looked after.
    """
    left_alone = timezone.now() - LEFT_ALONE
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    for answer in DisputeAnswer.objects.under_way().filter(asked_at__lt=left_alone):
        with run.each(f"answer {answer.pk}"):
            try:
                finish(answer)
            except AnswerError as error:
                # It's on the dispute's page, and its deadline among everyone's tasks.
                logger.warning("The answer %s to a dispute: %s", answer.pk, error)
    run.finish()


def _is_there(answer: DisputeAnswer) -> bool:
    """Whether Stripe has it. Raises AnswerError if there's no place for it anymore."""
    there = gateway.read_answer(answer.dispute.stripe_id)
    if there.status in ANSWERABLE_DISPUTE:
        return False
    if answer.accepts:
        if there.status == DisputeStatus.LOST:
            return True
        raise _back_to_draft(answer, "It was answered or decided meanwhile, so it isn’t accepted.")
    if there.key == str(answer.key):
        return True
    raise _back_to_draft(answer, IN_DASHBOARD if there.submissions else CLOSED_BEFORE)


def _ask(answer: DisputeAnswer) -> None:
    dispute_id, key = answer.dispute.stripe_id, str(answer.key)
    if answer.accepts:
        gateway.close_dispute(dispute_id, key, answer.tries)
        return
    if not answer.texts and not answer.files.exists():
        # Its member has left meanwhile.
        raise _back_to_draft(answer, NOTHING)
    for file in answer.files.filter(stripe_id=""):
        file.stripe_id = gateway.upload_evidence(file.name, bytes(file.content), str(file.key))
        file.save(update_fields=["stripe_id"])
    gateway.submit_evidence(dispute_id, evidence_of(answer), key, answer.tries)


def evidence_of(answer: DisputeAnswer) -> dict[str, str]:
    """Return all that goes to Stripe. What's empty here takes back what was staged there."""
    files = dict(answer.files.values_list("field", "stripe_id"))
    return {name: answer.texts.get(name, "") or files.get(name, "") for name in NAMES}


def _look_once_more(answer: DisputeAnswer, error: gateway.StripeError) -> None:
    """Find out whether Stripe has it, although it didn't say so; else it stays under way."""
    if not isinstance(error, gateway.StripeUnreachable):
        # Stripe repeats a failure under the same key.
        DisputeAnswer.objects.filter(pk=answer.pk).update(tries=F("tries") + 1)
    try:
        if _is_there(answer):
            return
    except gateway.StripeError as again:
        failures.note(logger, again, "An answer to a dispute could not be looked up")
    DisputeAnswer.objects.filter(pk=answer.pk).update(problem=UNCERTAIN)
    raise StillUnderWay(UNCERTAIN) from error


def _refused(answer: DisputeAnswer, error: gateway.StripeRefused) -> AnswerError:
    failures.note(logger, error, "Stripe refused an answer to a dispute")
    if error.code == dispute_evidence.TOO_MANY_PAGES:
        return _back_to_draft(answer, TOO_MANY_PAGES)
    return _back_to_draft(answer, f"Stripe refused it, so nothing was sent: {error}")


def _back_to_draft(answer: DisputeAnswer, sentence: str) -> AnswerError:
    """Make it a draft again that says why, and return the error to raise."""
    _settle(answer, AnswerState.DRAFT, problem=sentence)
    return AnswerError(sentence)


def _done(answer: DisputeAnswer) -> DisputeAnswer:
    state = AnswerState.ACCEPTED if answer.accepts else AnswerState.SENT
    _settle(answer, state, problem="", done_at=timezone.now())
    answer.refresh_from_db()
    try:
        refresh.sync_dispute(answer.dispute.stripe_id)
    except gateway.StripeError as error:
        # Its event brings it.
        failures.note(logger, error, "A dispute could not be read after its answer")
    return answer


def _settle(answer: DisputeAnswer, state: AnswerState, **fields: object) -> None:
    """Move it on, unless another process has; a refused one gets a new key with its next try."""
    with transaction.atomic():
        lock_member(answer.dispute.customer.user_id)
        fields["tries"] = F("tries") + int(state == AnswerState.DRAFT)
        DisputeAnswer.objects.under_way().filter(pk=answer.pk).update(state=state, **fields)
