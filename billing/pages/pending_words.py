"""What a decision about a membership says until Stripe shows it."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from billing.core.statuses import MembershipAction
from billing.models import MembershipDecision

SENTENCES: dict[MembershipAction, str | Promise] = {
    MembershipAction.CANCEL: gettext_lazy("Your cancellation is being confirmed."),
    MembershipAction.RESUME: gettext_lazy("We’re restoring your membership."),
    MembershipAction.CANCEL_NOW: gettext_lazy("Your membership is being ended."),
    MembershipAction.SWITCH: gettext_lazy("Your switch is being confirmed."),
    MembershipAction.STAY: gettext_lazy("Your discount is being confirmed."),
    MembershipAction.EXTEND: gettext_lazy("Your longer free trial is being confirmed."),
    MembershipAction.DISCOUNT: gettext_lazy("Your discount is being confirmed."),
    MembershipAction.UNDISCOUNT: gettext_lazy("A change of your discount is being confirmed."),
    MembershipAction.FREE: gettext_lazy("Your free time is being confirmed."),
    MembershipAction.PAUSE: gettext_lazy("A pause of your payments is being confirmed."),
    MembershipAction.PLAN: gettext_lazy("Your switch is being planned."),
    MembershipAction.UNPLAN: gettext_lazy("Your present plan is being kept."),
    MembershipAction.UNPAUSE: gettext_lazy("The end of your pause is being confirmed."),
}


def sentence(decision: MembershipDecision) -> str:
    """Return "Your cancellation is being confirmed."."""
    return str(SENTENCES[MembershipAction(decision.action)])
