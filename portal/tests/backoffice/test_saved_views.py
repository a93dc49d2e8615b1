"""Saved views of lists: one's own and the team's, checked when they're opened."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import UnassignedCustomer
from billing.tests import factories, staff_world
from common.staff import show
from portal.backoffice import close_account
from portal.backoffice.home import links
from portal.models import SavedView

pytestmark = pytest.mark.django_db

PAYMENTS = "/staff/billing/payment/"
VIEWS = "/staff/portal/savedview/"
FAILED = "?status__exact=canceled"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def save(
    client: Client, query: str = FAILED, name: str = "Failed", *, model: str = "", **more: Any
) -> Any:
    data = {
        "model": model or "billing.payment",
        "query": query.removeprefix("?"),
        "view-name": name,
    }
    extra = {f"view-{key}": value for key, value in more.items()}
    return client.post(f"{VIEWS}save/", data | extra, follow=True)


def opened(client: Client, name: str = "Failed") -> Any:
    row = SavedView.objects.get(name=name)
    return client.get(reverse("admin:portal_savedview_open", args=[row.pk]), follow=True)


def place(answer: Any) -> str:
    return str(answer.redirect_chain[-1][0])


@pytest.mark.parametrize(
    "who",
    [
        staff_world.auditor,
        staff_world.support,
        staff_world.billing,
        staff_world.finance,
        staff_world.owner,
    ],
)
def test_all_staff_save_a_list_as_it_is_and_open_it_again(who: Any) -> None:
    client = browser(who())
    assert "Save this view" not in text_of(client.get(PAYMENTS))
    query = f"{FAILED}&o=-3&q=nina+novak&p=2&e=1"
    assert "Save this view" in text_of(client.get(f"{PAYMENTS}{FAILED}&q=nina"))
    answer = save(client, query)
    assert "Saved as “Failed”." in text_of(answer)
    row = SavedView.objects.get()
    assert row.filters == [["o", "-3"], ["q", "nina novak"], ["status__exact", "canceled"]]
    assert not row.is_shared
    page = opened(client)
    assert place(page) == f"{PAYMENTS}?o=-3&q=nina+novak&status__exact=canceled"
    assert page.status_code == 200
    assert 'aria-current="page">Failed</a>' in text_of(page)
    assert LogEntry.objects.latest("pk").change_message == "Saved the view “Failed”."


def test_a_view_is_ones_own_unless_who_may_share_shares_it() -> None:
    helper, boss = browser(staff_world.support()), browser(staff_world.billing())
    assert "Share it with the team" not in text_of(helper.get(f"{PAYMENTS}{FAILED}"))
    assert "Share it with the team" in text_of(boss.get(f"{PAYMENTS}{FAILED}"))
    save(helper, name="Mine", is_shared="on")
    save(boss, name="Ours", is_shared="on")
    assert dict(SavedView.objects.values_list("name", "is_shared")) == {"Mine": False, "Ours": True}
    page = text_of(helper.get(PAYMENTS))
    assert ">Mine</a>" in page
    assert ">Ours <span" in page
    page = text_of(boss.get(PAYMENTS))
    assert "Mine" not in page
    mine = SavedView.objects.get(name="Mine")
    for address in (f"{mine.pk}/open/", f"{mine.pk}/change/", f"{mine.pk}/delete/"):
        answer = boss.get(f"{VIEWS}{address}")
        assert answer.status_code in {302, 404}
        assert "Failed" not in answer.content.decode()


def test_a_view_opens_only_a_list_that_its_reader_may_see() -> None:
    owner = browser(staff_world.owner())
    save(owner, "?o=1", "People", model="auth.group", is_shared="on")
    helper = browser(staff_world.support())
    row = SavedView.objects.get()
    assert helper.get(reverse("admin:portal_savedview_open", args=[row.pk])).status_code == 403
    refused = save(helper, "?o=1", "Groups", model="auth.group")
    assert refused.status_code == 403
    assert browser(staff_world.no_role()).get(VIEWS).status_code == 403
    assert save(browser(staff_world.no_role())).status_code == 403
    assert SavedView.objects.count() == 1


@pytest.mark.parametrize(
    "filters",
    [
        [["status__exact", "vanished"]],
        [["a_filter_of_earlier", "1"]],
        [["customer__user__password__startswith", "pbkdf2"]],
        [["pk__in", "x"]],
        [["created_at__gte", "soon"]],
    ],
)
def test_a_filter_that_no_longer_exists_is_said_in_a_sentence(filters: list[list[str]]) -> None:
    user = staff_world.support()
    client = browser(user)
    SavedView.objects.create(owner=user, model="billing.payment", name="Old", filters=filters)
    answer = opened(client, "Old")
    assert answer.status_code == 200
    assert "“Old” can’t be opened. The list no longer has one of its filters" in text_of(answer)
    assert place(answer) == f"{PAYMENTS}?q="
    assert "e=1" not in place(answer)


def test_a_list_that_no_longer_exists_is_said_too() -> None:
    user = staff_world.support()
    SavedView.objects.create(owner=user, model="billing.gone", name="Old", filters=[["q", "1"]])
    client = browser(user)
    answer = opened(client, "Old")
    assert "Its list no longer exists." in text_of(answer)
    assert client.get(VIEWS).status_code == 200


@pytest.mark.parametrize(
    ("query", "name", "said"),
    [
        (FAILED, "", "Enter a name for the view."),
        (FAILED, "x" * 41, "Enter at most 40 characters"),
        ("", "All", "Search, filter, or sort the list first"),
        ("?p=3", "Page", "Search, filter, or sort the list first"),
        ("?nothing=1", "Wrong", "no longer has one of its filters"),
        (f"?q={'x' * 2001}", "Long", "too long"),
    ],
)
def test_what_cannot_be_saved_is_said_in_a_sentence(query: str, name: str, said: str) -> None:
    answer = save(browser(staff_world.support()), query, name)
    assert answer.status_code == 200
    assert said in text_of(answer)
    assert not SavedView.objects.exists()


def test_unknown_lists_are_refused_and_the_address_that_saves_leads_to_the_views() -> None:
    client = browser(staff_world.support())
    for model in ("nothing", "no.such", "sessions.session"):
        assert save(client, model=model).status_code == 404
    # By the way back of a page that had expired.
    assert place(client.get(f"{VIEWS}save/", follow=True)) == VIEWS


def test_the_same_name_shows_the_new_filters_and_there_is_an_end() -> None:
    user = staff_world.support()
    client = browser(user)
    save(client)
    save(client, "?q=anna")
    assert SavedView.objects.get().filters == [["q", "anna"]]
    for number in range(19):
        save(client, f"?q={number + 1000}", f"View {number}")
    assert "You have 20 views of this list." in text_of(save(client, "?q=2000", "One more"))
    assert SavedView.objects.count() == 20


def test_a_list_opens_with_ones_default_and_all_rows_are_a_click_away() -> None:
    client, other = browser(staff_world.billing()), browser(staff_world.support())
    save(client, name="First", is_default="on", is_shared="on")
    save(client, "?q=anna", name="Second", is_default="on")
    assert [one.name for one in SavedView.objects.filter(is_default=True)] == ["Second"]
    page = client.get(PAYMENTS, follow=True)
    assert place(page) == f"{PAYMENTS}?q=anna"
    assert '<a href="?q=">All</a>' in text_of(page)
    page = client.get(f"{PAYMENTS}?q=", follow=True)
    assert not page.redirect_chain
    assert '<a href="?q=" aria-current="page">All</a>' in text_of(page)
    # Another person's default isn't theirs.
    assert not other.get(PAYMENTS, follow=True).redirect_chain


def test_a_default_that_no_longer_works_does_not_go_round_in_circles() -> None:
    user = staff_world.support()
    SavedView.objects.create(
        owner=user,
        model="billing.payment",
        name="Old",
        filters=[["status__exact", "vanished"]],
        is_default=True,
    )
    answer = browser(user).get(PAYMENTS, follow=True)
    assert answer.status_code == 200
    assert "can’t be opened" in text_of(answer)


def test_views_are_renamed_and_deleted_by_who_may() -> None:
    boss, helper = browser(staff_world.billing()), browser(staff_world.support())
    save(boss, name="Ours", is_shared="on")
    save(helper, name="Mine")
    mine, ours = SavedView.objects.get(name="Mine"), SavedView.objects.get(name="Ours")
    change = {"name": "Failed lately", "is_shared": "on", "is_default": "on"}
    answer = helper.post(f"{VIEWS}{mine.pk}/change/", change)
    assert answer.status_code == 302
    mine.refresh_from_db()
    # Sharing isn't theirs to decide.
    assert (mine.name, mine.is_shared, mine.is_default) == ("Failed lately", False, True)
    assert helper.post(f"{VIEWS}{ours.pk}/change/", change).status_code == 403
    assert helper.post(f"{VIEWS}{ours.pk}/delete/", {"post": "yes"}).status_code == 403
    finance = browser(staff_world.finance())
    assert finance.post(f"{VIEWS}{ours.pk}/change/", {"name": "The team’s"}).status_code == 302
    ours.refresh_from_db()
    assert (ours.name, ours.is_shared) == ("The team’s", False)
    assert helper.post(f"{VIEWS}{mine.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not SavedView.objects.filter(pk=mine.pk).exists()


def test_a_name_of_ones_own_that_is_taken_is_said() -> None:
    client = browser(staff_world.support())
    save(client, name="One")
    save(client, "?q=anna", name="Two")
    two = SavedView.objects.get(name="Two")
    answer = client.post(f"{VIEWS}{two.pk}/change/", {"name": "One"})
    assert answer.status_code == 200
    assert "You have a view of this list with this name." in text_of(answer)


def test_the_form_passes_the_check_against_forgery() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff_world.support())
    page = text_of(client.get(f"{PAYMENTS}{FAILED}"))
    form = page[page.index('action="/staff/portal/savedview/save/"') :]
    token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    save(client, name="Forged")
    assert not SavedView.objects.exists()
    data = {"model": "billing.payment", "query": FAILED.removeprefix("?"), "view-name": "Real"}
    client.post(f"{VIEWS}save/", {**data, "csrfmiddlewaretoken": token})
    assert SavedView.objects.get().name == "Real"


def test_a_hostile_name_is_only_text() -> None:
    client = browser(staff_world.support())
    save(client, name="<script>alert(1)</script>")
    page = client.get(PAYMENTS).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_who_leaves_is_in_no_view() -> None:
    member = factories.make_member("Nina Novak", email="nina@novak.example")
    client = browser(staff_world.support())
    save(client, "?q=nina%40novak.example", "Search")
    save(client, "?q=anna", "nina@novak.example")
    save(client, "?q=bert", "Bert")
    close_account.close_account(member)
    assert [one.name for one in SavedView.objects.all()] == ["Bert"]


def test_a_popup_shows_no_views() -> None:
    client = browser(staff_world.support())
    save(client)
    assert "staff-views" not in text_of(client.get(f"{PAYMENTS}?_popup=1"))
    assert "staff-views" in text_of(client.get(PAYMENTS))


def test_our_own_links_to_all_rows_show_all_rows() -> None:
    client = browser(staff_world.owner())
    save(client, "?q=anna", "Anna", model="billing.unassignedcustomer", is_default="on")
    plain = show.list_of("billing.unassignedcustomer")
    assert place(client.get(plain, follow=True)) == f"{plain}?q=anna"
    answer = client.get(show.all_of("billing.unassignedcustomer"))
    assert answer.status_code == 200
    UnassignedCustomer.objects.create(
        stripe_id="cus_x", created_at=timezone.now(), read_at=timezone.now()
    )
    home = text_of(client.get(reverse("admin:index")))
    assert f'href="{show.all_of("billing.unassignedcustomer")}"' in home
    # What has no filter on home and beside it leads to all rows, too.
    for url in (links.events(), links.jobs(), links.messages(), links.checks()):
        assert url.endswith(show.ALL_ROWS)
