"""Problems with the machine: the integration with Stripe, scheduled jobs, and messages."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.core.statuses import IgnoredBecause
from billing.models import Reconciliation
from billing.reconcile.comparison import ORPHAN
from common.staff import show
from emails.catalog import Kind
from emails.left_out import Why
from emails.models import Channel, Message
from portal.backoffice import check_titles, message_words, problem_facts
from portal.backoffice.current_problems import DANGER, OVERDUE, WARNING, CurrentProblem, counted
from portal.backoffice.problem_facts import (
    BOUNCES,
    CHECK_UPS,
    ProblemFacts,
)

# Checks of what other problems, or home's own tasks, say already.
SAID_ELSEWHERE = frozenset(
    {
        *("portal.problems", "portal.ledger", "portal.books", "portal.worker", "portal.backlog"),
        *("bank.mailbox", "mail.bounces"),
    }
)
MOST_NAMED = 4
# Limits of texts: what reached one, and what raises it.
CAPS = {
    "person": (
        ngettext_lazy(
            "%(count)s text went unsent in the last 24 hours: a number reached its limit. If that"
            " many are right, raise %(setting)s.",
            "%(count)s texts went unsent in the last 24 hours: a number reached its limit. If that"
            " many are right, raise %(setting)s.",
            "number",
        ),
        "TEXTS_PER_PERSON_PER_DAY",
    ),
    "country": (
        ngettext_lazy(
            "%(count)s text went unsent in the last 24 hours: a country reached its limit. If that"
            " many are right, raise %(setting)s.",
            "%(count)s texts went unsent in the last 24 hours: a country reached its limit. If that"
            " many are right, raise %(setting)s.",
            "number",
        ),
        "TEXTS_PER_COUNTRY_PER_DAY",
    ),
    "total": (
        ngettext_lazy(
            "%(count)s text went unsent in the last 24 hours: the portal reached its limit. If that"
            " many are right, raise %(setting)s.",
            "%(count)s texts went unsent in the last 24 hours: the portal reached its limit. If"
            " that many are right, raise %(setting)s.",
            "number",
        ),
        "TEXTS_PER_DAY",
    ),
}
LONGEST_KEY = 200
NO_PORTAL = gettext_lazy(
    "Members can’t change their card: Stripe’s customer portal isn’t set up. In Stripe’s dashboard,"
    " open Settings → Billing → Customer portal and save it."
)


def found(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the problems of the integration, scheduled jobs, and messages."""
    yield from _at_stripe(facts)
    yield from _drift(facts)
    yield from _failed_jobs(facts)
    yield from _refused_mail(facts)
    yield from _bounces(facts)
    yield from _check_up(facts)
    yield from _edited_texts(facts)
    yield from _over_caps(facts)


def _edited_texts(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what staff wrote that can't be filled in any more, so the original is sent."""
    for row in facts.edited_texts:
        if wrong := message_words.broken(row):
            yield CurrentProblem(
                f"edited text:{row.kind}:{row.language}:{row.pk}",
                _("The words of %(message)s can’t be used, so the original is sent. %(reason)s")
                % {"message": message_words.title(row), "reason": wrong[0]},
                message_words.address(Kind(row.kind), row.language),
                _("Edit the words"),
                permission="emails.view_message",
                tone=WARNING,
            )


def _over_caps(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that texts were left out: the business has grown, or something sends too many."""
    rows = show.list_of("emails.message", channel__exact=Channel.SMS, why=Why.HELD)
    for name, (words, variable) in CAPS.items():
        if count := facts.over_caps.get(name):
            numbers = {"number": count, "count": show.number(count), "setting": variable}
            yield CurrentProblem(
                f"text cap:{name}",
                words % numbers,
                rows,
                _("See what was held back"),
                permission="emails.view_message",
                tone=WARNING if name == "person" else DANGER,
            )


def _at_stripe(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what isn't set up at Stripe, and recent events that aren't for us."""
    for row in facts.missing_setup:
        yield CurrentProblem(f"setup:{row.name}", str(NO_PORTAL), show.page_of(row), _("See how"))
    for reason, count in facts.ignored.items():
        yield _ignored(reason, count)


def _why_ignored(reason: IgnoredBecause, count: int) -> str:
    if reason is IgnoredBecause.THIN:
        return ngettext(
            "Stripe sent %(count)s event without its object (“thin”), which was ignored: let"
            " the endpoint at Stripe send snapshot payloads.",
            "Stripe sent %(count)s events without their object (“thin”), which were ignored:"
            " let the endpoint at Stripe send snapshot payloads.",
            count,
        )
    if reason is IgnoredBecause.CONNECTED:
        return ngettext(
            "Stripe sent %(count)s event of connected accounts, which was ignored: let the"
            " endpoint at Stripe listen to your account only.",
            "Stripe sent %(count)s events of connected accounts, which were ignored: let the"
            " endpoint at Stripe listen to your account only.",
            count,
        )
    return ngettext(
        "Stripe sent %(count)s event of its other mode (live or test), which was ignored:"
        " remove this portal’s address from the endpoints of that mode.",
        "Stripe sent %(count)s events of its other mode (live or test), which were"
        " ignored: remove this portal’s address from the endpoints of that mode.",
        count,
    )


def _ignored(reason: IgnoredBecause, count: int) -> CurrentProblem:
    return CurrentProblem(
        f"ignored:{reason}",
        counted(_why_ignored(reason, count), count),
        show.list_of("billing.ignoredevents", reason__exact=reason),
        _("See which"),
        tone=WARNING,
    )


def _drift(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the last comparison's remaining differences, or that there was no recent one."""
    last, now = facts.comparison, facts.now
    if last is None:
        first = facts.checked_first_at
        if first and now - first > OVERDUE:
            yield _not_compared(_("Our records have never been compared with Stripe."))
        return
    if last.differences_left:
        yield from _left(last)
    if last.compared_at and now - last.compared_at > OVERDUE:
        since = show.how_long(last.compared_at, now)
        text = _("Our records haven’t been compared with Stripe for %(time)s.")
        yield _not_compared(text % {"time": since})


def _not_compared(text: str) -> CurrentProblem:
    checks = show.all_of("billing.reconciliation")
    return CurrentProblem("comparison", text, checks, _("Compare now"), tone=WARNING)


def _left(run: Reconciliation) -> Iterator[CurrentProblem]:
    """Yield what differs, and what the portal made at Stripe but has no record of."""
    orphans = sum(one["ours"] == ORPHAN for one in run.differences)
    on, page = show.day(run.compared_at), show.page_of(run)
    if count := run.differences_left - orphans:
        words = ngettext(
            "Our records differ from Stripe: %(count)s difference found on %(day)s.",
            "Our records differ from Stripe: %(count)s differences found on %(day)s.",
            count,
        )
        text = words % {"count": show.number(count), "day": on}
        yield CurrentProblem("drift", text, page, _("See the differences"))
    if orphans:
        words = ngettext(
            "The portal made %(count)s object at Stripe that no record here knows, found on"
            " %(day)s.",
            "The portal made %(count)s objects at Stripe that no record here knows, found on"
            " %(day)s.",
            orphans,
        )
        text = words % {"count": show.number(orphans), "day": on}
        yield CurrentProblem("orphans", text, page, _("See which"))


def _failed_jobs(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the scheduled jobs whose last run failed for good."""
    for pk, task_name in facts.failed_jobs:
        name = title_of(task_name)
        text = _("The scheduled job “%(name)s” failed, and no later run succeeded.")
        yield CurrentProblem(
            f"job:{task_name}",
            text % {"name": name},
            show.page_of(ProcrastinateJob(pk=pk)),
            _("See what happened"),
        )


def title_of(task_name: str) -> str:
    """Return a task's readable name: "verify ledger" for `billing.tasks.verify_ledger`."""
    return task_name.rpartition(".")[2].replace("_", " ")


def _refused_mail(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that our mail or texts are refused because of us: nothing gets through."""
    newest: dict[str, Message] = {row.channel: row for row in facts.refused}
    for channel, row in newest.items():
        words = (
            _("Our text messages can’t be sent until this is fixed. %(error)s")
            if channel == Channel.SMS
            else _("Our email can’t be sent until this is fixed. %(error)s")
        )
        waiting = show.list_of("emails.message", state__in="queued,sending")
        text = words % {"error": row.error}
        yield CurrentProblem(f"refused {channel}", text, waiting, _("See what waits"))


def _bounces(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that we don't learn which of our emails come back."""
    row = facts.bounces
    failing_since = row.failing_since if row else None
    if row and failing_since and facts.now - failing_since > problem_facts.HICCUP:
        since = show.how_long(failing_since, facts.now)
        words = _(
            "We haven’t been able to read the mailbox for bounces for %(time)s, so we don’t learn"
            " which emails come back. %(problem)s"
        )
        text = words % {"time": since, "problem": row.problem}
        page = show.page_of(row)
        yield CurrentProblem("bounce mailbox", text, page, _("See the mailbox"), BOUNCES, WARNING)


def _check_up(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what the doctor's last run found that no other problem says."""
    if (row := facts.check_up) is None:
        return
    failures = [one for one in row.failures if one["key"] not in SAID_ELSEWHERE]
    if not failures:
        return
    names = {
        "names": ", ".join(check_titles.of(one) for one in failures[:MOST_NAMED]),
        "count": len(failures) - MOST_NAMED,
    }
    words = (
        _("The last check-up found what doesn’t work: %(names)s, and %(count)s more.")
        if len(failures) > MOST_NAMED
        else _("The last check-up found what doesn’t work: %(names)s.")
    )
    yield CurrentProblem(
        # Another failure is news.
        f"check-up:{','.join(sorted(one['key'] for one in failures))}"[:LONGEST_KEY],
        words % names,
        show.page_of(row),
        _("See what to do"),
        CHECK_UPS,
    )
