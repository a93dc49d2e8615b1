"""The rows behind the business's numbers, on the staff site: each list adds up to its number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F, Value
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.facts import daily, measures, numbers
from billing.facts.measures import MEASURES, Measure, Rows, Unit
from billing.facts.windows import MONTHS, Window, later, month_of
from billing.models import DayMail, FailureMail, MemberSpan, NumbersMail, Subscription, TrialSpan
from common import days, spreadsheets
from common.money import MINUS, Money
from common.spreadsheets import Row
from common.staff import exporting, show
from members.access import current_user

PAGE = 100
NAME = "admin:billing_subscription_number"
COLUMNS = [_("Member"), _("What"), _("Currency"), _("Amount")]
WHATS: dict[str, str | Promise] = {
    "reactivation": _("Came back"),
    "new": _("New"),
    "returned": _("Returned"),
    "lost": _("Lost"),
    "expansion": _("Expansion"),
    "contraction": _("Contraction"),
    "churn": _("Churn"),
    "paid:membership": _("Membership"),
    "paid:other": _("Other subscription"),
    "paid:once": _("One-time payment"),
    "paid_through:stripe": _("Payment"),
    "refunded": _("Refund"),
    "disputed": _("Dispute"),
    "failed": _("Renewal"),
    "recovered": _("Renewal"),
}

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class ShownRow:
    """A row, and what it adds."""

    day: str
    who: str
    url: str
    what: str
    amount: str


@dataclass(frozen=True)
class Part:
    """A measure that another one is made of, with the address of its rows."""

    label: str
    amount: int
    value: str
    url: str


def url_of(key: str, currency: str, window: Window, joined: date | None = None) -> str:
    """Return the address of a number's rows."""
    query = {"currency": currency, "from": f"{window.first}", "to": f"{window.last}"}
    if joined:
        query["joined"] = f"{joined:%Y-%m}"
    return f"{reverse(NAME, args=[key])}?{urlencode(query)}"


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the page's address."""

    def guarded(view: View) -> View:
        def checked(request: HttpRequest, **parts: str) -> HttpResponseBase:
            if not model_admin.has_view_permission(request):
                raise PermissionDenied
            return view(model_admin, request, **parts)

        wrapped: View = model_admin.admin_site.admin_view(checked)
        return wrapped

    failures = guarded(_failure_mail)
    return [
        path("numbers/failures/", failures, name="billing_subscription_failures_by_email"),
        path("numbers/by-email/", guarded(_by_email), name="billing_subscription_numbers_by_email"),
        path("numbers/day-by-email/", guarded(_day_mail), name="billing_subscription_day_by_email"),
        path("numbers/<str:key>/", guarded(_number), name="billing_subscription_number"),
    ]


def text_of(measure: Measure, amount: int, currency: str) -> str:
    """Return a value as people read it."""
    match measure.unit:
        case Unit.MONEY | Unit.EACH:
            return str(Money(amount, currency))
        case Unit.SHARE:
            return f"{amount / 10:.1f}%"
        case _:
            return show.number(amount).replace("-", MINUS)


def _by_email(_model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Turn the weekly email with the numbers on or off, for whoever presses the button."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user = current_user(request)
    at = {"address": user.email}
    if request.POST.get("on") == "yes":
        NumbersMail.objects.get_or_create(user=user)
        messages.success(
            request, gettext("You’ll get these numbers at %(address)s every Monday.") % at
        )
    else:
        NumbersMail.objects.filter(user=user).delete()
        messages.success(request, gettext("You no longer get these numbers by email."))
    return redirect("admin:index")


def _day_mail(_model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Turn the daily email about what happened on or off, for whoever presses the button."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user = current_user(request)
    at = {"address": user.email}
    if request.POST.get("on") == "yes":
        DayMail.objects.get_or_create(user=user)
        messages.success(
            request, gettext("You’ll hear at %(address)s each morning what happened.") % at
        )
    else:
        DayMail.objects.filter(user=user).delete()
        messages.success(request, gettext("You no longer get the daily email."))
    return redirect("admin:index")


def _failure_mail(_model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Turn emails about renewals that fail on or off, for whoever presses the button."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user = current_user(request)
    at = {"address": user.email}
    if request.POST.get("on") == "yes":
        FailureMail.objects.get_or_create(user=user)
        messages.success(
            request, gettext("You’ll hear at %(address)s as soon as a renewal fails.") % at
        )
    else:
        FailureMail.objects.filter(user=user).delete()
        messages.success(request, gettext("You no longer get an email when a renewal fails."))
    return redirect("admin:index")


def _number(model_admin: Any, request: HttpRequest, key: str) -> HttpResponseBase:
    measure = MEASURES.get(key)
    if measure is None:
        raise Http404("There's no such number.")
    currency = request.GET.get("currency", "").lower()
    window = Window(_day(request, "from"), _day(request, "to"))
    joined = _day(request, "joined", "-01") if request.GET.get("joined") else None
    more: dict[str, Any] = {
        "measure": measure,
        "days": _days(measure, window),
        "zone": daily.zone().key,
        "home_url": f"{reverse('admin:index')}?"
        + urlencode({"currency": currency, "from": f"{window.first}", "to": f"{window.last}"}),
    }
    if measure.top:
        parts = _parts(measure, currency, window)
        more |= {"made_of": parts, "result": _result(measure, parts, currency)}
        return _page(model_admin, request, "share", more)
    rows = measures.rows_of(measure, currency, window, joined)
    if (kind := request.GET.get("file")) in spreadsheets.FORMATS:
        name = f"{key}-{window.first}-{window.last}-{currency}"
        chosen = f"{more['days']}, {currency.upper()}"
        exported = _exported(measure, rows, currency)
        return exporting.send(
            request,
            Subscription,
            str(measure.label),
            [_day_label(measure), *map(str, COLUMNS)],
            exported,
            name,
            kind,
            chosen=chosen,
        )
    count, total = measures.totalled(rows)
    page = Paginator(_in_order(rows), PAGE).get_page(request.GET.get("p"))
    query = request.GET.copy()
    query.pop("p", None)
    filtered = query.urlencode()
    more |= {
        "rows": list(_shown(list(page), measure, rows, currency)),
        "page": page,
        "query": filtered,
        "count": show.number(count),
        "total": _amount(measure, rows, total, currency),
        "joined": days.month(joined) if joined else "",
        "has_what": bool(rows.what),
        "day_label": _day_label(measure),
        "files": [
            (one.upper(), f"?{query.urlencode()}&file={one}") for one in spreadsheets.FORMATS
        ],
    }
    return _page(model_admin, request, "rows", more)


def _amount(measure: Measure, rows: Rows, amount: int, currency: str) -> str:
    """Return what a row adds, or all of them do; "" if they're only counted."""
    return "" if rows.amount is None else text_of(measure, amount, currency)


def _parts(measure: Measure, currency: str, window: Window) -> list[Part]:
    """Return what a share is made of, the rows counted anew."""
    found = [
        part
        for key in (measure.top, measure.bottom)
        for part in _part(MEASURES[key], currency, _window_of(key, window))
    ]
    if measure.key == measures.LIFETIME:
        # Its churn is of the members at the start of each of twelve months.
        begun = [later(month_of(window.last), -back) for back in range(MONTHS)]
        starts = MEASURES["members-start"]
        found += [part for day in begun for part in _part(starts, currency, Window(day, day))]
    return found


def _part(measure: Measure, currency: str, window: Window) -> Iterator[Part]:
    if measure.top:
        yield from _parts(measure, currency, window)
        return
    count, total = measures.totalled(measures.rows_of(measure, currency, window))
    amount = total if measure.unit is Unit.MONEY else count
    label = f"{measure.label}, {_days(measure, window)}"
    value = text_of(measure, amount, currency)
    yield Part(label, amount, value, url_of(measure.key, currency, window))


def _result(measure: Measure, parts: list[Part], currency: str) -> str:
    """Return what the parts come to; "" if there's nothing to divide by."""
    amounts = [one.amount for one in parts]
    if measure.key == measures.LIFETIME:
        mrr, members, lost, *starts = amounts
        top, bottom = mrr * sum(starts), members * lost
    else:
        top, bottom = amounts
    return text_of(measure, numbers.share(measure, top, bottom), currency) if bottom > 0 else ""


def _window_of(key: str, window: Window) -> Window:
    if key != measures.YEAR_LOST:
        return window
    return Window(later(month_of(window.last), -11), window.last)


def _day_label(measure: Measure) -> str:
    """Return what a row's day is: of a level, since when it has been as it's counted."""
    return gettext("Unchanged since") if measure.is_level else gettext("Day")


def _days(measure: Measure, window: Window) -> str:
    if measure.at_start:
        return days.short_with_year(window.first)
    if measure.is_level:
        return gettext("at the end of %(day)s") % {"day": days.short_with_year(window.last)}
    if window.first == window.last:
        return days.short_with_year(window.first)
    return days.span(window.first, window.last)


def _in_order(rows: Rows) -> Any:
    amount = Value(0) if rows.amount is None else rows.amount
    annotated = rows.rows.annotate(adds=amount, on=F(rows.at))
    if rows.what:
        annotated = annotated.annotate(is_what=F(rows.what))
    if rows.rows.model not in (MemberSpan, TrialSpan):
        annotated = annotated.select_related("customer__user")
    return annotated.order_by(rows.at, "pk")


def _shown(page: list[Any], measure: Measure, rows: Rows, currency: str) -> Iterator[ShownRow]:
    users = _users(page)
    for row in page:
        user = users.get(_user_id(row))
        yield ShownRow(
            day=days.short_with_year(_local(row.on)),
            who=show.name_of(user),
            url=_page_of(row, user),
            what=str(WHATS.get(row.is_what, row.is_what)) if rows.what else "",
            amount=_amount(measure, rows, row.adds, currency),
        )


def _exported(measure: Measure, rows: Rows, currency: str) -> Iterator[Row]:
    batch: list[Any] = []
    for row in _in_order(rows).iterator(chunk_size=1000):
        batch.append(row)
        if len(batch) == 1000:
            yield from _cells(batch, measure, rows, currency)
            batch = []
    yield from _cells(batch, measure, rows, currency)


def _cells(batch: list[Any], measure: Measure, rows: Rows, currency: str) -> Iterator[Row]:
    users = _users(batch)
    for row in batch:
        what = str(WHATS.get(row.is_what, row.is_what)) if rows.what else ""
        amount = None if rows.amount is None else row.adds
        if amount is not None and measure.unit is Unit.MONEY:
            amount = Money(amount, currency)
        who = show.name_of(users.get(_user_id(row)))
        yield [_local(row.on), who, what, currency.upper(), amount]


def _local(at: date | datetime) -> date:
    return daily.day_of(at) if isinstance(at, datetime) else at


def _user_id(row: Any) -> int:
    is_fact = isinstance(row, (MemberSpan, TrialSpan))
    return int(row.user_id if is_fact else row.customer.user_id)


def _users(page: list[Any]) -> dict[int, User]:
    return User.objects.in_bulk({_user_id(row) for row in page})


def _page_of(row: Any, user: User | None) -> str:
    if isinstance(row, TrialSpan):
        return reverse("admin:billing_subscription_change", args=[row.subscription_id])
    if isinstance(row, MemberSpan):
        return show.page_of(user) if user else ""
    return show.page_of(row)


def _day(request: HttpRequest, name: str, rest: str = "") -> date:
    """Return a day in an address. Raises Http404 if it's none."""
    try:
        day = date.fromisoformat(request.GET.get(name, "") + rest)
    except ValueError:
        raise Http404("There's no such day.") from None
    # The days beside it must be dates, too, in every time zone.
    if not 1 < day.year < 9999:
        raise Http404("There's no such day.")
    return day


def _page(
    model_admin: Any, request: HttpRequest, template: str, more: dict[str, Any]
) -> HttpResponseBase:
    title = more["measure"].label
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": title,
        "content_title": title,
        **more,
    }
    return TemplateResponse(request, f"admin/billing/numbers/{template}.html", context)
