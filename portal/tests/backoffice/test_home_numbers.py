"""The business's numbers on home: each is a link to the rows that add up to it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.admin import numbers_pages
from billing.core.statuses import SubscriptionStatus
from billing.facts import daily, numbers
from billing.facts.measures import MEASURES, YEAR_LOST
from billing.facts.windows import Window
from billing.models import Refund, Subscription
from billing.tests import factories
from billing.tests.staff_world import auditor, superuser
from portal.backoffice.home.figures import Figures, figures

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TODAY = date(2026, 3, 20)
ROW = re.compile(r'data-adds="([^"]+)"')


def at(text: str) -> datetime:
    """Return noon of a day in New York."""
    return datetime.fromisoformat(f"{text}T17:00").replace(tzinfo=UTC)


def after(begin: datetime) -> datetime:
    """Return the same day of the next month."""
    year, month = divmod(begin.year * 12 + begin.month, 12)
    return begin.replace(year=year, month=month + 1, day=min(begin.day, 28))


def join(day: str, until: str = "", amount: int = 2900, **fields: Any) -> Subscription:
    """Return a membership with an invoice, paid by card, for each month."""
    begin, end = at(day), at(until) if until else None
    status = SubscriptionStatus.CANCELED if end else SubscriptionStatus.ACTIVE
    values: dict[str, Any] = {"started_at": begin, "ended_at": end, "status": status}
    row = factories.make_subscription(amount=amount, **values | fields)
    month = row.trial_end or begin
    while month < min(end or at(f"{TODAY}"), at(f"{TODAY}")):
        renew(row, month)
        month = after(month)
    return row


def renew(row: Subscription, begin: datetime, **fields: Any) -> None:
    line = {
        "description": "1 × Membership",
        "quantity": 1,
        "amount": row.amount,
        "product": "prod_membership",
        "period_start": int(begin.timestamp()),
        "period_end": int(after(begin).timestamp()),
    }
    dates: dict[str, Any] = {"created_at": begin, "finalized_at": begin, "paid_at": begin}
    values: dict[str, Any] = {"total": row.amount, "currency": row.currency, "lines": [line]}
    invoice = factories.make_invoice(row.customer, subscription=row, **dates | values | fields)
    if invoice.status == "paid":
        factories.make_payment(invoice=invoice, currency=row.currency, paid_at=begin)


def business() -> None:
    """Make a business with everything that counts, in two currencies."""
    join("2025-03-10")
    join("2025-11-05", "2026-03-03")
    back = join("2025-12-01", "2026-01-15")
    again = join("2026-03-08")
    Subscription.objects.filter(pk=again.pk).update(customer=back.customer)
    again.invoices.update(customer=back.customer)
    join("2026-02-20", amount=5000)
    for day, ended in (("2026-02-25", ""), ("2026-02-26", "2026-03-12")):
        trial_end = at(day) + 14 * DAY
        end: dict[str, Any] = {}
        if ended:
            end = {"ended_at": at(ended), "status": "canceled"}
        row = factories.make_subscription(started_at=at(day), trial_end=trial_end, **end)
        if not ended:
            renew(row, trial_end)
    euro = join("2026-01-10", currency="eur", amount=1900)
    stays = join("2026-01-11")
    renew(stays, at("2026-03-11"), attempt_count=3)
    renew(stays, at("2026-03-12"), attempt_count=1, status="open")
    single = factories.make_payment(euro.customer, amount=1234, paid_at=at("2026-03-05"))
    factories.make_payment(amount=700, paid_at=at("2026-03-06"), card_brand="zelle")
    factories.make_dispute(single, created_at=at("2026-03-15"))
    Refund.objects.create(
        payment=single,
        customer=single.customer,
        amount=234,
        amount_asked=234,
        currency="usd",
        state="succeeded",
        origin="staff",
        created_at=at("2026-03-07"),
        sent_at=at("2026-03-07"),
    )
    daily.refresh_all()


def shown(
    today: date = TODAY,
    currency: str = "",
    month: date | None = None,
    chosen: Window | None = None,
) -> Figures:
    return figures(numbers.read(today, currency, month, chosen))


def window(first: str, last: str) -> Window:
    return Window(date.fromisoformat(first), date.fromisoformat(last))


def texts(found: Figures) -> dict[str, str]:
    """Return what each number says now."""
    every = [*found.tiles, *(one for section in found.sections for one in section.figures)]
    return {one.key: one.now.text for one in every}


def test_a_month_is_told_in_numbers() -> None:
    business()
    said = texts(shown())
    assert said == {
        "mrr": "$166.00",  # five at $29.00, one at $50.00, less the one that left
        "members": "5",
        "paid": "$164.34",
        "churn-members": "25.0%",
        "members-new": "1",
        "members-returned": "1",
        "members-lost": "1",
        "members-net": "1",
        "churn-money": "21.2%",
        "trials-started": "0",
        "trial-conversion": "50.0%",
        "arpm": "$33.20",
        "lifetime-value": said["lifetime-value"],
        "paid-membership": "$145.00",
        "paid-other": "$0.00",
        "paid-once": "$19.34",
        "refunded": "$2.34",
        "refund-rate": "1.4%",
        "disputed": "1",
        "dispute-rate": said["dispute-rate"],
        "failed": "$58.00",
        "recovered": "$29.00",
        "recovery": "50.0%",
    }


def cells(found: Figures) -> list[tuple[str, str]]:
    """Return every number on home with its address."""
    every = [one for section in found.sections for one in section.figures] + found.tiles
    pairs = [(cell.text, cell.url) for one in every for cell in one.cells]
    for bars in (found.waterfall, *found.charts):
        pairs += [(bar.value, bar.url) for bar in bars.bars]
    for row in found.cohorts:
        pairs.append((row.size, row.url))
        # A cohort's cell says a share; its title says how many.
        pairs += [(cell.title.split(" ")[0], cell.url) for cell in row.kept]
    return pairs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("currency", "chosen"),
    [
        ("usd", None),
        ("eur", None),
        ("usd", window("2025-11-20", "2026-03-09")),
    ],
)
def test_every_number_is_a_link_to_rows_that_add_up_to_it(
    client: Client, currency: str, chosen: Window | None
) -> None:
    business()
    client.force_login(auditor())
    seen = set()
    for text, url in cells(shown(currency=currency, chosen=chosen)):
        if not url:
            assert text == "—"
            continue
        if (text, url) in seen:
            continue
        seen.add((text, url))
        answer = client.get(url)
        assert answer.status_code == 200, url
        context = answer.context
        if "made_of" in context:
            assert_parts(client, context["made_of"])
            assert context["result"] == text, url
            continue
        page = unescape(answer.content.decode())
        if context["total"]:
            found = sum(amount(one) for one in ROW.findall(page))
            assert context["total"].lstrip("+") == text.lstrip("+"), url
            assert found == amount(context["total"]), url
        elif "$" in text or "€" in text:
            assert amount(text) == 0, url
        else:
            assert_counted(text, context, url)
    assert len(seen) > 60


def assert_counted(text: str, context: Any, url: str) -> None:
    """What's counted is a row each."""
    assert number(text) == len(context["rows"]) == number(context["count"]), url


def assert_parts(client: Client, parts: list[Any]) -> None:
    """Each part of a share is a link to its rows, too."""
    assert len(parts) >= 2
    for part in parts:
        context = client.get(part.url).context
        assert part.value in (context["total"], context["count"]) or amount(part.value) == 0


def amount(text: str) -> int:
    """Return an amount in cents."""
    digits = int(re.sub(r"\D", "", text) or 0)
    return -digits if "−" in text or text.startswith("-") else digits


def number(text: str) -> int:
    return int(text.replace(",", "").replace("−", "-"))


def test_the_waterfall_leads_from_start_to_end() -> None:
    business()
    bars = shown().waterfall.bars
    values = [amount(bar.value) for bar in bars]
    assert sum(values[:-1]) == values[-1]
    assert [bar.label for bar in bars] == [
        *("Start", "New", "Came back", "Expansion", "Contraction", "Churn", "End"),
    ]
    assert all(0 <= bar.foot <= 100 and 0 <= bar.top <= 100 for bar in bars)


def test_those_who_joined_are_followed_by_months() -> None:
    business()
    rows = {one.month: [cell.text for cell in one.kept] for one in shown().cohorts}
    assert rows["Nov 2025"] == ["100%", "100%", "100%", "100%", "0%"]
    # Somebody who came back counts with those they joined with.
    assert rows["Dec 2025"] == ["100%", "0%", "0%", "100%"]


def test_a_month_so_far_is_compared_with_the_same_days() -> None:
    business()
    assert shown().captions == (
        "Mar 1 – 20, 2026",
        "Feb 1 – 20, 2026",
        "Mar 1 – 20, 2025",
    )
    assert shown(month=date(2026, 2, 1)).captions == ("Feb 2026", "Jan 2026", "Feb 2025")
    # In a leap year's February, and on a month's last day.
    assert shown(today=date(2028, 2, 29)).captions[2] == "Feb 2027"
    assert shown(today=date(2026, 3, 31)).captions == ("Mar 2026", "Feb 2026", "Mar 2025")


@pytest.mark.parametrize(
    ("chosen", "captions"),
    [
        # Any days are compared with as many before them.
        (
            ("2026-02-24", "2026-03-09"),
            ("Feb 24 – Mar 9, 2026", "Feb 10 – 23, 2026", "Feb 24 – Mar 9, 2025"),
        ),
        # Whole months are compared with whole months, whatever their days.
        (
            ("2025-12-01", "2026-02-28"),
            ("Dec 1, 2025 – Feb 28, 2026", "Sep 1 – Nov 30, 2025", "Dec 1, 2024 – Feb 28, 2025"),
        ),
        # A month by its days is that month, and so is what there is of the current one.
        (("2026-02-01", "2026-02-28"), ("Feb 2026", "Jan 2026", "Feb 2025")),
        (
            ("2026-03-01", "2026-12-31"),
            ("Mar 1 – 20, 2026", "Feb 1 – 20, 2026", "Mar 1 – 20, 2025"),
        ),
        (("2024-02-29", "2024-02-29"), ("Feb 29, 2024", "Feb 28, 2024", "Feb 28, 2023")),
        # Days to come are none.
        (
            ("2027-01-01", "2027-01-05"),
            ("Mar 1 – 20, 2026", "Feb 1 – 20, 2026", "Mar 1 – 20, 2025"),
        ),
    ],
)
def test_chosen_days_are_compared_with_as_many(
    chosen: tuple[str, str], captions: tuple[str, ...]
) -> None:
    business()
    assert shown(chosen=window(*chosen)).captions == captions


def test_days_together_come_to_what_their_parts_come_to() -> None:
    business()
    whole = numbers.read(TODAY, chosen=window("2025-12-24", "2026-03-11")).values
    parts = [
        numbers.read(TODAY, chosen=window(*days)).values
        for days in (("2025-12-24", "2026-01-17"), ("2026-01-18", "2026-03-11"))
    ]
    for key, measure in MEASURES.items():
        if measure.is_level or measure.top or measure.key == YEAR_LOST:
            continue
        assert whole[key][0].amount == sum(part[key][0].amount for part in parts), key
    for level, start in (("mrr", "mrr-start"), ("members", "members-start")):
        assert parts[0][level][0] == parts[1][start][0]
        assert whole[level][0] == parts[1][level][0]
        assert whole[start][0] == parts[0][start][0]


@pytest.mark.parametrize(("key", "label"), [("members", "Unchanged since"), ("mrr-new", "Day")])
def test_the_day_of_a_row_is_called_what_it_is(client: Client, key: str, label: str) -> None:
    business()
    client.force_login(superuser())
    about = numbers_pages.url_of(key, "usd", window("2025-12-24", "2026-03-11"))
    assert f'<th scope="col">{label}</th>' in client.get(about).content.decode()


def test_the_address_chooses_days(client: Client) -> None:
    business()
    client.force_login(superuser())
    home = reverse("admin:index")
    chosen = {"currency": "EUR", "from": "2026-03-09", "to": "2026-02-24"}
    answer = client.get(home, chosen)
    figures_of = answer.context["home"].figures
    assert (figures_of.captions[0], figures_of.currency) == ("Feb 24 – Mar 9, 2026", "eur")
    page = answer.content.decode()
    assert '<option value="" selected>Feb 24 – Mar 9, 2026</option>' in page
    # The rows lead back to these days.
    row = next(url for text, url in cells(figures_of) if url and "mrr/" in url)
    assert client.get(row).context["home_url"] == (
        f"{home}?currency=eur&from=2026-02-24&to=2026-03-09"
    )
    for odd in (
        *({"from": "x", "to": "2026-02-30"}, {"from": "0001-01-01", "to": "9999-12-31"}),
        *({"from": "9999-12-31"}, {"to": "1990-01-01"}, {"from": "2026-03-01", "month": "x"}),
    ):
        assert client.get(home, odd).status_code == 200, odd


def test_nothing_yet_says_nothing_wrong(client: Client) -> None:
    empty = shown()
    assert empty.is_empty
    assert {one.now.text for one in empty.tiles} == {"—"}
    client.force_login(superuser())
    page = client.get(reverse("admin:index")).content.decode()
    assert "The numbers begin with your first member or payment." in page
    for wrong in ("NaN", "inf%", "None%"):
        assert wrong not in page


def test_the_first_day_with_one_member_has_no_nonsense() -> None:
    join(f"{TODAY}")
    renew(Subscription.objects.get(), at(f"{TODAY}"))
    daily.rebuild()
    found = shown()
    said = texts(found)
    assert (said["mrr"], said["members"], said["arpm"]) == ("$29.00", "1", "$29.00")
    why = {one.key: one.now.why for section in found.sections for one in section.figures}
    assert (said["churn-members"], why["churn-members"]) == ("—", "no members at the start")
    assert (said["lifetime-value"], why["lifetime-value"]) == (
        "—",
        "nobody has left in twelve months",
    )
    assert [one.change for one in found.tiles] == ["", "", "", ""]
    earlier = next(one for one in found.tiles if one.key == "mrr").cells[1]
    assert (earlier.text, earlier.why) == ("—", "before the first payment")


def test_currencies_stay_apart_and_the_address_chooses(client: Client) -> None:
    business()
    assert [one.value for one in shown().currencies] == ["usd", "eur"]
    assert texts(shown(currency="eur"))["mrr"] == "€19.00"
    client.force_login(superuser())
    home = reverse("admin:index")
    answer = client.get(home, {"currency": "eur", "month": "2026-02"})
    assert answer.context["home"].figures.captions[0] == "Feb 2026"
    assert "€19.00" in answer.content.decode()
    for odd in ("2026-13", "x", "9999-12", "0001-01", "2026-02-01"):
        assert client.get(home, {"currency": "xxx", "month": odd}).status_code == 200


def test_rows_are_for_those_who_see_money_and_odd_addresses_are_not_found(client: Client) -> None:
    business()
    url = next(url for _, url in cells(shown()) if url)
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert client.get(url).status_code == 403
    client.force_login(superuser())
    base = reverse("admin:billing_subscription_number", args=["mrr"])
    for odd in ("", "?from=2026-01-01", "?from=x&to=y", "?from=0001-01-01&to=9999-12-31"):
        assert client.get(base + odd).status_code == 404
    nothing = reverse("admin:billing_subscription_number", args=["nothing"])
    assert client.get(nothing).status_code == 404


def test_rows_are_a_file_too(client: Client) -> None:
    business()
    client.force_login(superuser())
    url = next(bar.url for bar in shown().waterfall.bars if bar.label == "End")
    answer = client.get(f"{url}&file=csv")
    lines = b"".join(iter(answer)).decode("utf-8-sig").splitlines()
    assert lines[0] == "Unchanged since,Member,What,Currency,Amount"
    assert len(lines) == 6


def test_every_number_has_a_definition_that_a_button_opens(client: Client) -> None:
    business()
    client.force_login(superuser())
    page = client.get(reverse("admin:index"), {"month": f"{timezone.now():%Y-%m}"})
    html = page.content.decode()
    opened = set(re.findall(r'popovertarget="([^"]+)"', html))
    assert opened == set(re.findall(r'id="((?:tile|row|bar)-[^"]+)" [^>]*popover', html))
    assert len(opened) == 4 + 7 + sum(len(one.figures) for one in shown().sections)
    assert all(len(str(one.definition)) > 10 for one in MEASURES.values())


def test_numbers_take_four_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    business()
    with django_assert_max_num_queries(4):
        numbers.read(TODAY)
    with django_assert_max_num_queries(4):
        numbers.read(TODAY, chosen=window("2025-12-24", "2026-03-11"))
