"""The books on the staff site: the list of months, a month, the rows of a line, and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from billing.admin import book_clock, book_rows, books_files, journal_pages, tax_pages
from billing.admin.balance_rows import JOINED, cause_of, user_of
from billing.admin.book_rows import PAGE, ShownRow, Sum
from billing.core import book_words
from billing.core.book_words import Section
from billing.facts import book_months, books, direct_money
from billing.models import BalanceTransaction, BookClosing
from billing.reconcile import closing_books
from common import days, region, spreadsheets
from common.money import Money
from common.staff import show
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

MAY_CLOSE = "billing.close_books"
NOT_YET = "Nothing was closed yet: first confirm that it’s you, then press the button again."
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class ShownLine:
    """A line with the address of its rows."""

    label: str
    money: Money
    count: int
    url: str


@dataclass(frozen=True)
class ShownSection:
    """A section of a month."""

    heading: str
    lines: list[ShownLine]
    total: Money


@dataclass(frozen=True)
class ShownMonth:
    """A month in one currency."""

    currency: str
    opening: Money
    sections: list[ShownSection]
    net: Money
    closing: Money
    tax: Money


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the pages' addresses."""

    def guarded(view: View) -> View:
        def checked(request: HttpRequest, **parts: str) -> HttpResponseBase:
            if not model_admin.has_view_permission(request):
                raise PermissionDenied
            return view(model_admin, request, **parts)

        wrapped: View = model_admin.admin_site.admin_view(checked)
        return wrapped

    name = "billing_balancetransaction"
    return [
        path("months/", guarded(_months), name=f"{name}_months"),
        path("months/<str:month>/", guarded(_month), name=f"{name}_month"),
        path("months/<str:month>/close/", guarded(_close), name=f"{name}_close"),
        path("months/<str:month>/line/", guarded(_line), name=f"{name}_line"),
        path("months/<str:month>/direct/<str:kind>/", guarded(_direct), name=f"{name}_direct"),
        path("months/<str:month>/file/<str:kind>/", guarded(_file), name=f"{name}_file"),
        path("months/<str:month>/journal/", guarded(_journal), name=f"{name}_journal"),
        path(
            "months/<str:month>/journal/<str:currency>/rows/",
            guarded(_journal_rows),
            name=f"{name}_journal_rows",
        ),
        path(
            "months/<str:month>/journal/<str:currency>/<str:program>/",
            guarded(_journal_file),
            name=f"{name}_journal_file",
        ),
        path("months/<str:month>/tax/<str:span>/", guarded(_tax), name=f"{name}_tax"),
        path(
            "months/<str:month>/tax/<str:span>/rows/", guarded(_tax_rows), name=f"{name}_tax_rows"
        ),
        path(
            "months/<str:month>/tax/<str:span>/<str:kind>/",
            guarded(_tax_file),
            name=f"{name}_tax_file",
        ),
    ]


def _months(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    closed = set(BookClosing.objects.values_list("month", flat=True))
    rows = [
        {
            "name": _name(one.month),
            "url": _url(one.month),
            "summary": one,
            "is_closed": one.month in closed,
        }
        for one in books.months()
    ]
    more = {
        "rows": rows,
        "ties": books.ties(),
        "zone": region.zone().key,
        "problems": list(closing_books.problems()),
    }
    return _page(model_admin, request, "months", "Months", more)


def _month(model_admin: Any, request: HttpRequest, month: str) -> HttpResponseBase:
    day = _day(month)
    tax = books_files.tax_in(day)
    found = [_shown(one, tax[one.currency.upper()]) for one in books.statements(day)]
    last = book_months.after(day) - timedelta(days=1)
    closing = BookClosing.objects.filter(month=day).select_related("closed_by").first()
    more = {
        "closing": closing,
        "changes": closing_books.changes(closing) if closing else [],
        "closed_by": show.name_of(closing.closed_by) if closing else "",
        "has_others": books.has_others_among_memberships(day),
        "closed_at": show.moment(closing.closed_at) if closing else "",
        "why_not": "" if closing else closing_books.why_not(day),
        "close_url": _url(day, "close") if request.user.has_perm(MAY_CLOSE) else "",
        "months": found,
        "direct": [
            ShownLine(book_words.DIRECT[kind], money, 0, _direct_url(day, kind, money))
            for kind, money in books.moved_directly(day)
        ],
        "files": books_files.links(day),
        "journal_url": _url(day, "journal"),
        "tax_url": tax_pages.url(day, tax_pages.MONTH),
        "all_url": _url(None, "months"),
        "begin": days.short_with_year(day),
        "end": days.short_with_year(last),
        "clock": book_clock.of(day),
    }
    return _page(model_admin, request, "month", _name(day), more)


def _close(model_admin: Any, request: HttpRequest, month: str) -> HttpResponseBase:
    """Ask whether to close a month, then close it: for those who may, after a recent sign-in."""
    day = _day(month)
    if not request.user.has_perm(MAY_CLOSE):
        raise PermissionDenied
    if request.method != "POST":
        if reason := closing_books.why_not(day):
            messages.info(request, reason)
            return redirect(_url(day))
        closes = [one.closing for one in books.statements(day)]
        more = {"name": _name(day), "balances": closes, "back": _url(day)}
        more["left_open"] = [_name(one) for one in closing_books.left_open_by(day)]
        return _page(model_admin, request, "close", f"Close {_name(day)}?", more)
    if asked := ask_who_is_there(request, _url(day, "close")):
        messages.warning(request, NOT_YET)
        return asked
    try:
        closing = closing_books.close(day, current_user(request))
    except closing_books.NotClosable as reason:
        messages.error(request, str(reason))
    else:
        note_closing(request, closing)
        messages.success(request, f"{closing} is closed.")
    return redirect(_url(day))


def note_closing(request: HttpRequest, closing: BookClosing) -> None:
    """Log who closed a month."""
    LogEntry.objects.create(
        user=current_user(request),
        content_type=ContentType.objects.get_for_model(BookClosing),
        object_id=str(closing.pk),
        object_repr=str(closing),
        action_flag=ADDITION,
        change_message=f"Closed {closing}.",
    )


def _line(model_admin: Any, request: HttpRequest, month: str) -> HttpResponseBase:
    """Show a line's rows, or send them all as a file."""
    day, currency = _day(month), request.GET.get("currency", "")
    statement = books.statement(day, currency)
    line = next((one for one in statement.lines if one.key == request.GET.get("line")), None)
    if line is None:
        raise Http404("There's no such line.")
    rows = books.rows_of(day, currency, line.key).select_related(*JOINED)
    if (kind := request.GET.get("as")) in spreadsheets.FORMATS:
        return books_files.line(request, day, line, rows, str(kind))
    pages = Paginator(rows.order_by("created_at", "pk"), PAGE)
    page = pages.get_page(request.GET.get("p"))
    months = book_months.read()
    shown = [
        _row(row, line, months.day(row.created_at, day))
        for row in page
        if books.parts(row)[line.key]
    ]
    more = {
        "line": line,
        "rows": shown,
        "page": page,
        "query": urlencode({"currency": currency, "line": line.key}),
        "month_url": _url(day),
        "month_name": _name(day),
    }
    return _page(model_admin, request, "line", f"{line.label}, {_name(day)}", more)


def _direct(model_admin: Any, request: HttpRequest, month: str, kind: str) -> HttpResponseBase:
    """Show what moved outside of Stripe's balance in one way, or send it all as a file."""
    day, currency = _day(month), request.GET.get("currency", "")
    label = book_words.DIRECT.get(kind, "")
    portions = direct_money.portions(day, kind, currency)
    of = Sum(label, _books_of(day), currency, portions, {"currency": currency})
    name, back = f"{day:%Y-%m}-{kind}-{currency}", (_name(day), _url(day))
    return _sum(model_admin, request, of, f"{label}, {_name(day)}", back, name)


def _sum(
    model_admin: Any, request: HttpRequest, of: Sum, title: str, back: tuple[str, str], name: str
) -> HttpResponseBase:
    """Show a sum's rows, or send them all as a file of this name."""
    if (kind := request.GET.get("as")) in spreadsheets.FORMATS:
        return book_rows.file(request, of, name, str(kind))
    more = {**book_rows.context(request, of), "month_name": back[0], "month_url": back[1]}
    return _page(model_admin, request, "line", title, more)


def _file(_model_admin: Any, request: HttpRequest, month: str, kind: str) -> HttpResponseBase:
    """Send a month as PDF, CSV, or XLSX."""
    if kind not in books_files.KINDS:
        raise Http404("There's no such file.")
    return books_files.month(request, _day(month), kind)


def _tax(model_admin: Any, request: HttpRequest, month: str, span: str) -> HttpResponseBase:
    """Show sales tax by place and rate."""
    day = _day(month)
    about = tax_pages.period(day, span)
    more = {**tax_pages.context(about, day), "month_url": _url(day), "month_name": _name(day)}
    return _page(model_admin, request, "tax", f"Sales tax, {about}", more)


def _tax_rows(model_admin: Any, request: HttpRequest, month: str, span: str) -> HttpResponseBase:
    """Show the rows of an amount of sales tax, or send them all as a file."""
    day = _day(month)
    about = tax_pages.period(day, span)
    of = tax_pages.sum_of(about, request.GET)
    back, name = (f"Sales tax, {about}", tax_pages.url(day, span)), f"{tax_pages.name(about)}-rows"
    return _sum(model_admin, request, of, f"{of.label}, {about}", back, name)


def _tax_file(
    _model_admin: Any, request: HttpRequest, month: str, span: str, kind: str
) -> HttpResponseBase:
    return tax_pages.file(request, tax_pages.period(_day(month), span), kind)


def _journal(model_admin: Any, request: HttpRequest, month: str) -> HttpResponseBase:
    """Show the journal entries that a bookkeeping program can import."""
    day = _day(month)
    shown = journal_pages.context(day, request)
    more = {**shown, "month_url": _url(day), "month_name": _name(day)}
    return _page(model_admin, request, "journal", f"Journal, {_name(day)}", more)


def _journal_rows(
    model_admin: Any, request: HttpRequest, month: str, currency: str
) -> HttpResponseBase:
    """Show the rows of an amount of the journal, or send them all as a file."""
    day = _day(month)
    of = journal_pages.sum_of(day, currency, request.GET)
    back, name = (f"Journal, {_name(day)}", _url(day, "journal")), f"journal-{day:%Y-%m}-rows"
    return _sum(model_admin, request, of, f"{of.label}, {_name(day)}", back, name)


def _journal_file(
    _model_admin: Any, request: HttpRequest, month: str, currency: str, program: str
) -> HttpResponseBase:
    return journal_pages.file(request, _day(month), currency, program)


def _shown(found: books.Statement, tax: Money) -> ShownMonth:
    sections = [
        ShownSection(
            book_words.HEADINGS[section],
            [_shown_line(found, one) for one in lines],
            found.total(section),
        )
        for section in Section
        if (lines := found.of(section))
    ]
    code = found.currency.upper()
    return ShownMonth(code, found.opening, sections, found.net, found.closing, tax)


def _shown_line(found: books.Statement, line: books.Line) -> ShownLine:
    query = urlencode({"currency": found.currency, "line": line.key})
    url = f"{_url(found.month, 'line')}?{query}"
    return ShownLine(line.label, line.money, line.count, url)


def _row(row: BalanceTransaction, line: books.Line, on: date) -> ShownRow:
    user, cause = user_of(row), cause_of(row)
    return ShownRow(
        day=days.short_with_year(on),
        what=book_words.category(row.category),
        who=show.name_of(user) if user else "",
        url=show.page_of(cause or row),
        money=Money(books.parts(row)[line.key], row.currency),
    )


def _page(
    model_admin: Any, request: HttpRequest, template: str, title: str, more: dict[str, Any]
) -> HttpResponseBase:
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": title,
        "content_title": title,
        **more,
    }
    return TemplateResponse(request, f"admin/billing/books/{template}.html", context)


def _name(day: date) -> str:
    return f"{day:%B %Y}"


def _books_of(day: date) -> str:
    return f"the books of {_name(day)}"


def _url(day: date | None, page: str = "month") -> str:
    args = [f"{day:%Y-%m}"] if day else []
    return reverse(f"admin:billing_balancetransaction_{page}", args=args)


def _direct_url(day: date, kind: str, money: Money) -> str:
    args = [f"{day:%Y-%m}", kind]
    address = reverse("admin:billing_balancetransaction_direct", args=args)
    return f"{address}?{urlencode({'currency': money.currency.lower()})}"


def _day(month: str) -> date:
    """Return the first day of a month in an address. Raises Http404 if it's none."""
    try:
        day = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise Http404("There's no such month.") from None
    # The months beside it must be dates, too.
    if not MINYEAR < day.year < MAXYEAR:
        raise Http404("There's no such month.")
    return day
