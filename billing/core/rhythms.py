"""How often a member pays, in words: each a whole phrase for any number of periods (pure)."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.money import Money

# Each way to say a price, and how often it's charged.
RATES = {
    "day": gettext_lazy("%(price)s a day"),
    "week": gettext_lazy("%(price)s a week"),
    "month": gettext_lazy("%(price)s a month"),
    "year": gettext_lazy("%(price)s a year"),
}
PER = {
    "day": gettext_lazy("a day"),
    "week": gettext_lazy("a week"),
    "month": gettext_lazy("a month"),
    "year": gettext_lazy("a year"),
}
RHYTHMS = {
    "day": gettext_lazy("Daily"),
    "week": gettext_lazy("Weekly"),
    "month": gettext_lazy("Monthly"),
    "year": gettext_lazy("Yearly"),
}
# Inside a sentence.
RHYTHMS_INSIDE = {
    "day": gettext_lazy("daily"),
    "week": gettext_lazy("weekly"),
    "month": gettext_lazy("monthly"),
    "year": gettext_lazy("yearly"),
}
SWITCHES = {
    "day": gettext_lazy("Switch to daily billing"),
    "week": gettext_lazy("Switch to weekly billing"),
    "month": gettext_lazy("Switch to monthly billing"),
    "year": gettext_lazy("Switch to yearly billing"),
}
SWITCHED = {
    "day": gettext_lazy("You’re now on daily billing at %(rate)s."),
    "week": gettext_lazy("You’re now on weekly billing at %(rate)s."),
    "month": gettext_lazy("You’re now on monthly billing at %(rate)s."),
    "year": gettext_lazy("You’re now on yearly billing at %(rate)s."),
}
HAS_SWITCHED = {
    "day": gettext_lazy("You’ve switched to daily billing: %(rate)s"),
    "week": gettext_lazy("You’ve switched to weekly billing: %(rate)s"),
    "month": gettext_lazy("You’ve switched to monthly billing: %(rate)s"),
    "year": gettext_lazy("You’ve switched to yearly billing: %(rate)s"),
}
ALREADY = {
    "day": gettext_lazy("You’re already on daily billing."),
    "week": gettext_lazy("You’re already on weekly billing."),
    "month": gettext_lazy("You’re already on monthly billing."),
    "year": gettext_lazy("You’re already on yearly billing."),
}
ONE_PERIOD = {
    "day": gettext_lazy("%(plan)s, one day"),
    "week": gettext_lazy("%(plan)s, one week"),
    "month": gettext_lazy("%(plan)s, one month"),
    "year": gettext_lazy("%(plan)s, one year"),
}


def interval(name: str, count: int) -> str:
    """Return "month", or "3 months"."""
    match name:
        case "day":
            words = ngettext("day", "%(count)s days", count)
        case "week":
            words = ngettext("week", "%(count)s weeks", count)
        case "month":
            words = ngettext("month", "%(count)s months", count)
        case _:
            words = ngettext("year", "%(count)s years", count)
    return words % {"count": count}


def per(name: str, count: int) -> str:
    """Return how often a price is charged, to stand behind it: "a month", "every 3 months"."""
    if count == 1 and name in PER:
        return str(PER[name])
    match name:
        case "day":
            words = ngettext("every day", "every %(count)s days", count)
        case "week":
            words = ngettext("every week", "every %(count)s weeks", count)
        case "month":
            words = ngettext("every month", "every %(count)s months", count)
        case _:
            words = ngettext("every year", "every %(count)s years", count)
    return words % {"count": count}


def rate(price: Money, name: str, count: int) -> str:
    """Return a price with how often it's charged: "$29.00 a month", "$80.00 every 3 months"."""
    if count == 1 and name in RATES:
        return RATES[name] % {"price": price}
    match name:
        case "day":
            words = ngettext("%(price)s every day", "%(price)s every %(count)s days", count)
        case "week":
            words = ngettext("%(price)s every week", "%(price)s every %(count)s weeks", count)
        case "month":
            words = ngettext("%(price)s every month", "%(price)s every %(count)s months", count)
        case _:
            words = ngettext("%(price)s every year", "%(price)s every %(count)s years", count)
    return words % {"price": price, "count": count}


def rhythm(name: str, count: int) -> str:
    """Return how often a member pays: "Monthly", "Yearly", "Every 3 months"."""
    if count == 1 and name in RHYTHMS:
        return str(RHYTHMS[name])
    match name:
        case "day":
            words = ngettext("Every day", "Every %(count)s days", count)
        case "week":
            words = ngettext("Every week", "Every %(count)s weeks", count)
        case "month":
            words = ngettext("Every month", "Every %(count)s months", count)
        case _:
            words = ngettext("Every year", "Every %(count)s years", count)
    return words % {"count": count}


def rhythm_inside(name: str, count: int) -> str:
    """Return how often a member pays, for inside a sentence: "monthly", "every 3 months"."""
    if count == 1 and name in RHYTHMS_INSIDE:
        return str(RHYTHMS_INSIDE[name])
    return per(name, count)


def switch_to(name: str, count: int, rate: str) -> str:
    """Return "Switch to yearly billing", or "Switch to $80.00 every 3 months"."""
    if count == 1 and name in SWITCHES:
        return str(SWITCHES[name])
    return _("Switch to %(rate)s") % {"rate": rate}


def switched_to(name: str, count: int, rate: str) -> str:
    """Return "You’re now on yearly billing at $290.00 a year."."""
    if count == 1 and name in SWITCHED:
        return SWITCHED[name] % {"rate": rate}
    return _("You now pay %(rate)s.") % {"rate": rate}


def has_switched(name: str, count: int, rate: str) -> str:
    """Return "You’ve switched to yearly billing: $290.00 a year"."""
    if count == 1 and name in HAS_SWITCHED:
        return HAS_SWITCHED[name] % {"rate": rate}
    return _("You now pay %(rate)s") % {"rate": rate}


def already_on(name: str, count: int, rate: str) -> str:
    """Return "You’re already on yearly billing."."""
    if count == 1 and name in ALREADY:
        return str(ALREADY[name])
    return _("You already pay %(rate)s.") % {"rate": rate}


def a_month(price: Money, name: str, count: int) -> str:
    """Return what a longer period comes to: "That’s $24.17 a month, billed yearly"."""
    if name == "month":
        words = ngettext(
            "That’s %(price)s a month, billed monthly",
            "That’s %(price)s a month, billed every %(count)s months",
            count,
        )
    else:
        words = ngettext(
            "That’s %(price)s a month, billed yearly",
            "That’s %(price)s a month, billed every %(count)s years",
            count,
        )
    return words % {"price": price, "count": count}


def next_period(name: str, count: int) -> str:
    """Return what a switch charges for: "Your next year, from today"."""
    match name:
        case "day":
            words = ngettext(
                "Your next day, from today", "Your next %(count)s days, from today", count
            )
        case "week":
            words = ngettext(
                "Your next week, from today", "Your next %(count)s weeks, from today", count
            )
        case "month":
            words = ngettext(
                "Your next month, from today", "Your next %(count)s months, from today", count
            )
        case _:
            words = ngettext(
                "Your next year, from today", "Your next %(count)s years, from today", count
            )
    return words % {"count": count}


def one_period(plan: str, name: str, count: int) -> str:
    """Return what one payment of a plan is for: "Membership, one month"."""
    return str(ONE_PERIOD[name]) % {"plan": plan} if count == 1 and name in ONE_PERIOD else plan
