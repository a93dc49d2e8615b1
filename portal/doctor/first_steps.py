"""What's left to set up before the first member joins: facts in a few queries, then words.

Whether something works, the doctor's last run says. Whether the owner made a decision, its own
table says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from billing.models import RefundPolicy, Subscription, ZelleTerms
from business.models import BrandVersion
from common.staff import show
from portal.doctor.recorded import findings
from portal.doctor.results import Finding, worst
from portal.doctor.running import group_of
from portal.models import Diagnosis, Outcome

WORDS: Mapping[Outcome, str] = {
    Outcome.OK: "All of it works",
    Outcome.WARN: "It works, and something is left to do",
    Outcome.FAIL: "It doesn’t work yet",
    Outcome.UNKNOWN: "Some of it can’t be told from here",
}


class StepState(StrEnum):
    """How far a step is."""

    DONE = "done"
    LEFT = "left"
    OPTIONAL = "optional"


@dataclass(frozen=True)
class SetupFacts:
    """What has been set up. `check_up` is the doctor's last finished run, if there is one."""

    check_up: Diagnosis | None
    has_brand: bool
    has_policy: bool
    colleagues: int
    takes_zelle: bool
    sends_texts: bool
    has_member: bool


@dataclass(frozen=True)
class Step:
    """A step: what it is for, how it stands, and where it's done."""

    title: str
    why: str
    state: StepState
    says: str
    url: str
    action: str
    command: str = ""


def read() -> SetupFacts:
    """Read what has been set up."""
    terms = ZelleTerms.objects.first()
    return SetupFacts(
        check_up=Diagnosis.objects.exclude(finished_at=None).first(),
        has_brand=BrandVersion.objects.exists(),
        has_policy=RefundPolicy.objects.exclude(created_by=None).exists(),
        colleagues=User.objects.filter(is_staff=True, is_active=True).count() - 1,
        takes_zelle=bool(
            terms and (terms.takes_amounts or terms.takes_requests or terms.takes_memberships)
        ),
        sends_texts=bool(settings.TWILIO_ACCOUNT_SID),
        has_member=Subscription.objects.memberships().exists(),
    )


def steps(facts: SetupFacts) -> list[Step]:
    """Return the steps in the order in which they're best taken."""
    found = findings(facts.check_up) if facts.check_up else []
    check_ups = reverse("admin:portal_diagnosis_changelist")
    where = show.page_of(facts.check_up) if facts.check_up else check_ups
    return [
        _decided(
            "Your brand",
            "Name, logo, color, and benefits stand on every page, email, and receipt.",
            facts.has_brand,
            reverse("admin:business_brandversion_changelist"),
            "Edit the brand",
        ),
        _checked(
            "Stripe",
            "Product, prices, webhook endpoint, and the page where members change their card.",
            _of(found, "stripe"),
            where,
            command="python manage.py setup_stripe",
        ),
        _checked(
            "Email",
            "Members get their receipts only if your domain lets this portal send.",
            _of(found, "mail"),
            where,
        ),
        _texts(facts, _of(found, "texts"), where),
        _checked(
            "Server and backup",
            "HTTPS, disk space, and a backup that’s recent.",
            _of(found, "host", "data"),
            where,
        ),
        _decided(
            "Refund policy",
            "Who gets money back without asking you, and when two people have to agree. Until you"
            " save yours, a person decides for two weeks after each payment.",
            facts.has_policy,
            reverse("admin:billing_refundpolicy_changelist"),
            "Write the policy",
        ),
        _colleagues(facts),
        _zelle(facts),
        _decided(
            "Your first member",
            "Join yourself, then refund it: that’s the whole way of the money, once.",
            facts.has_member,
            reverse("billing:join"),
            "Open the join page",
        ),
    ]


def left(listed: Sequence[Step]) -> int:
    """Return how many steps are left."""
    return sum(1 for one in listed if one.state == StepState.LEFT)


def _of(found: Sequence[Finding], *groups: str) -> list[Finding]:
    return [one for one in found if group_of(one.key) in groups]


def _decided(title: str, why: str, is_done: bool, url: str, action: str) -> Step:
    return Step(title, why, StepState.DONE if is_done else StepState.LEFT, "", url, action)


def _checked(
    title: str, why: str, found: Sequence[Finding], url: str, *, command: str = ""
) -> Step:
    """Return a step that the doctor's findings decide."""
    if not found:
        return Step(title, why, StepState.LEFT, "Not checked yet.", url, "Check now", command)
    outcome = worst(list(found))
    # What can't be told, or could be better, doesn't keep anybody from joining.
    state = StepState.LEFT if outcome == Outcome.FAIL else StepState.DONE
    named = ", ".join(one.title for one in found if one.outcome == outcome)
    says = f"{WORDS[outcome]}." if outcome == Outcome.OK else f"{WORDS[outcome]}: {named}."
    action = "See the check-up" if outcome == Outcome.OK else "See what to do"
    return Step(title, why, state, says, url, action, command)


def _texts(facts: SetupFacts, found: Sequence[Finding], url: str) -> Step:
    title, why = "Text messages", "Members who like can be told by text. It takes a Twilio account."
    if facts.sends_texts:
        return _checked(title, why, found, url)
    return Step(title, why, StepState.OPTIONAL, "Off.", url, "See the check-up")


def _colleagues(facts: SetupFacts) -> Step:
    url = reverse("admin:portal_staffinvitation_team")
    title, why = "Your team", "Each person has an account, a role, and a second step of their own."
    if facts.colleagues > 0:
        says = f"{show.count(facts.colleagues, 'colleague')} besides you."
        return Step(title, why, StepState.DONE, says, url, "See the team")
    return Step(title, why, StepState.OPTIONAL, "Only you so far.", url, "Invite someone")


def _zelle(facts: SetupFacts) -> Step:
    state = StepState.DONE if facts.takes_zelle else StepState.OPTIONAL
    return Step(
        "Zelle",
        "Members pay from their bank account, without a card’s fee.",
        state,
        "On." if facts.takes_zelle else "Off.",
        reverse("admin:billing_zelleterms_changelist"),
        "See the terms",
    )
