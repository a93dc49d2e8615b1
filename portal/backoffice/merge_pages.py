"""The pages that merge a second account or customer into a member's: find it, look, confirm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from billing import moving
from billing.admin import two_memberships
from billing.facts import memberships
from billing.models import Customer
from billing.moving import Move
from common.fields import WordsField
from common.staff import show
from common.staff.parts import page_button, row_of_buttons
from common.staff.put_aside import put_aside, take_up
from common.staff.read_only import IndexedSearch
from emails.models import Message
from members import search
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there
from portal.backoffice import merging

FIND, LOOK = "auth_user_merge_find", "auth_user_merge_look"
WHOLE = "all"
MOST = 20


class FindForm(forms.Form):
    """Who the other one is."""

    q = WordsField(
        label="The other account",
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Part of a name or email address, a phone number, or a customer’s cus_…",
    )


class WhatForm(forms.Form):
    """What moves: everything, or one of the other's customers."""

    what = forms.ChoiceField(label="What moves", widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, other: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customers = {str(one.pk): one for one in _customers(other)}
        field = cast("forms.ChoiceField", self.fields["what"])
        field.choices = [
            (WHOLE, "The whole account"),
            *((key, f"Only {one.stripe_id}") for key, one in self.customers.items()),
        ]
        field.help_text = " ".join(f"{_named_customer(one)}." for one in self.customers.values())

    def chosen(self) -> Customer | None:
        """Return the one customer; None means everything."""
        return self.customers.get(self.cleaned_data["what"])


class YesForm(forms.Form):
    """The mark of what was shown."""

    seen = WordsField(widget=forms.HiddenInput)


@dataclass(frozen=True)
class Found:
    """A row of what was found."""

    name: str
    detail: str
    url: str


@dataclass(frozen=True)
class Side:
    """One of the two accounts."""

    title: str
    name: str
    url: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Look:
    """What would happen, in words."""

    stays: Side
    goes: Side
    moves: tuple[tuple[str, str], ...]
    happens: tuple[str, ...]
    remains: tuple[str, ...]
    warnings: tuple[str, ...]
    obstacles: tuple[str, ...]
    button: str


class MergePages(IndexedSearch):
    """How staff merge accounts. What's done is in `portal.backoffice.merging`."""

    def get_urls(self) -> list[Any]:
        """Add the pages."""
        guarded = self.admin_site.admin_view
        return [
            path("<int:user_id>/merge/", guarded(self.find_other), name=FIND),
            path("<int:user_id>/merge/<int:pk>/", guarded(self.look_at_merge), name=LOOK),
            *super().get_urls(),
        ]

    def has_merge_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may merge accounts, and it's an active member's."""
        if not request.user.has_perm(merging.MAY_MERGE):
            return False
        if not str(object_id).isdecimal():
            return True
        user = row_of_buttons(request, User, str(object_id))
        return user is not None and user.is_active and not (user.is_staff or user.is_superuser)

    @page_button("Merge a second account", icon="merge", path="merge-second", permission="merge")
    def merge_second(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page that finds the other one."""
        return redirect(reverse(f"admin:{FIND}", args=[int(object_id)]))

    def find_other(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Find the other account."""
        if not request.user.has_perm(merging.MAY_MERGE):
            raise PermissionDenied
        user = get_object_or_404(User, pk=user_id)
        form = FindForm(request.GET if "q" in request.GET else None)
        term = form.cleaned_data["q"].strip() if form.is_bound and form.is_valid() else ""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": user,
            "title": f"Merge into {show.name_of(user)}",
            "form": form,
            "found": _found(user, term) if term else (),
            "is_asked": bool(term),
            "back": show.page_of(user),
        }
        return TemplateResponse(request, "admin/member/merge_find.html", context)

    def look_at_merge(self, request: HttpRequest, user_id: int, pk: int) -> HttpResponse:
        """Say what would move; on yes, do it."""
        if not request.user.has_perm(merging.MAY_MERGE):
            raise PermissionDenied
        users = User.objects.select_related("member")
        to, origin = get_object_or_404(users, pk=user_id), get_object_or_404(users, pk=pk)
        back = reverse(f"admin:{FIND}", args=[to.pk])
        asked = ask_who_is_there(request, request.get_full_path(), otherwise=back)
        if asked:
            put_aside(request)
            return asked
        form = WhatForm(origin, request.GET if "what" in request.GET else {"what": WHOLE})
        if not form.is_valid():
            messages.error(request, merging.CHANGED)
            return redirect(reverse(f"admin:{LOOK}", args=[to.pk, origin.pk]))
        move = Move(origin, to, form.chosen())
        if request.method == "POST":
            return self._merge(request, move)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": to,
            "title": f"Merge into {show.name_of(to)}?",
            "look": _look(move),
            "form": form if form.customers else None,
            "yes": YesForm(initial={"seen": merging.mark(move)}),
            "back": back,
            "swapped": reverse(f"admin:{LOOK}", args=[origin.pk, to.pk]) if move.is_whole else "",
            "was_away": take_up(request) is not None,
        }
        return TemplateResponse(request, "admin/member/merge.html", context)

    def _merge(self, request: HttpRequest, move: Move) -> HttpResponse:
        """Do it, log it for both, and say what's left to do."""
        name, address = show.name_of(move.origin), move.origin.email
        form = YesForm(request.POST)
        try:
            seen = form.cleaned_data["seen"] if form.is_valid() else ""
            moved = merging.merge(move, current_user(request), seen)
        except merging.MergeRefused as refusal:
            messages.error(request, f"Nothing was moved. {refusal}")
            return redirect(request.get_full_path())
        what = ", ".join(_counted(one, count) for one, count in moved) or "nothing that it had"
        to, origin = User.objects.get(pk=move.to.pk), User.objects.get(pk=move.origin.pk)
        into = f"{show.name_of(to)} (number {to.pk})"
        if move.customer:
            key = move.customer.stripe_id
            self.log_change(request, to, f"Moved {key} here from {name}: {what}.")
            self.log_change(request, origin, f"Moved {key} to {into}: {what}.")
            messages.success(request, f"{key} belongs to {to} now.")
        else:
            # No name: one that stands nowhere else couldn't be forgotten when the member leaves.
            whose = f"of {address} (number {origin.pk})" if address else f"number {origin.pk}"
            said = f"Merged the account {whose} into this one: {what}."
            self.log_change(request, to, said)
            self.log_change(request, origin, f"Merged into {into}.")
            said = f"The account of {name} is part of this one now. We emailed the member."
            messages.success(request, said)
        if len(memberships.live(to)) > 1:
            messages.warning(request, "There are two memberships now. End one of them below.")
            return redirect(two_memberships.page_of(to.pk))
        return redirect(show.page_of(to))


def _named_customer(customer: Customer) -> str:
    called = customer.name or customer.email or "has no name"
    gone = ", deleted at Stripe" if customer.deleted_at_stripe else ""
    return f"{customer.stripe_id}: {called}{gone}"


def _customers(user: User) -> list[Customer]:
    return list(Customer.objects.filter(user=user).order_by("-created_at"))


def _found(user: User, term: str) -> list[Found]:
    by_customer = Customer.objects.filter(stripe_id=term).values_list("user_id", flat=True)
    keys = [key for key in dict.fromkeys([*by_customer, *search.people(term)]) if key != user.pk]
    rows = User.objects.select_related("member").prefetch_related("customers").in_bulk(keys[:MOST])
    return [_as_found(user, rows[key]) for key in keys[:MOST] if key in rows]


def _as_found(user: User, other: User) -> Found:
    count = len(other.customers.all())
    parts = [
        other.email or "no email address",
        str(other.member.phone.as_international) if other.member.phone else "",
        _counted("customer at Stripe|customers at Stripe", count) if count else "no customer",
        f"joined {show.day(other.date_joined)}",
        "" if other.is_active else "switched off",
    ]
    url = reverse(f"admin:{LOOK}", args=[user.pk, other.pk])
    return Found(show.name_of(other), ", ".join(filter(None, parts)), url)


def _look(move: Move) -> Look:
    obstacles = tuple(merging.obstacles(move))
    return Look(
        stays=_side("Stays", move.to),
        goes=_side("Merged into it" if move.is_whole else "Gives the customer away", move.origin),
        moves=tuple((name, show.number(count)) for name, count in _named(merging.counts(move))),
        happens=tuple(_happens(move)),
        remains=tuple(_remains(move)),
        warnings=tuple(moving.warnings(move)),
        obstacles=obstacles,
        button="" if obstacles else "Merge the accounts" if move.is_whole else "Move the customer",
    )


def _side(title: str, user: User) -> Side:
    live = next(iter(memberships.live(user)), None)
    phone = user.member.phone.as_international if user.member.phone else show.NOTHING
    verified = "" if user.member.phone_is_verified or not user.member.phone else " (not verified)"
    facts = (
        ("Email", user.email or show.NOTHING),
        ("Phone", f"{phone}{verified}"),
        ("Membership", f"{live.name or 'Membership'}, {live.money}" if live else "None now"),
        ("Joined", show.day(user.date_joined)),
        ("Last signed in", show.day(user.last_login) if user.last_login else "Never"),
    )
    return Side(title, show.name_of(user), show.page_of(user), facts)


def _happens(move: Move) -> Iterator[str]:
    to = show.name_of(move.to)
    yield f"Everything in this list belongs to {to}. No money moves, and nothing is charged."
    if move.customers.filter(deleted_at_stripe=False).exists():
        yield f"Stripe is told within a minute, or as soon as it answers. Its emails go to {to}."
    for amount in moving.credits_of(move):
        yield f"The credit of {amount} goes along, and pays what’s billed to the same customer."
    if not move.is_whole:
        return
    yield from _about_phone(move)
    yield (
        "The other account is signed out everywhere, and nobody signs in with it anymore. We email"
        " the member at both addresses."
    )
    yield "This can’t be undone here."


def _about_phone(move: Move) -> Iterator[str]:
    mine, theirs = move.to.member, move.origin.member
    if not theirs.phone or theirs.phone == mine.phone:
        return
    number = theirs.phone.as_international
    if not mine.phone or (theirs.phone_is_verified and not mine.phone_is_verified):
        yield f"The phone number {number} goes along, with the answer on text messages."
    else:
        yield f"The phone number {number} isn’t kept: {show.name_of(move.to)} has another one."


def _remains(move: Move) -> Iterator[str]:
    if move.is_whole:
        yield f"{move.to.email or 'The address'} stays the address that signs in."
        yield "Password, passkeys, and second step stay as they are; those of the other one end."
        yield "The refund ledger isn’t changed: its entries say who acted, under which account."
        return
    name = show.name_of(move.origin)
    yield f"{name} keeps the account, sign-in, and notes."
    if sent := Message.objects.filter(user=move.origin).count():
        said = _counted("message", sent)
        yield f"{said} that {'was' if sent == 1 else 'were'} sent to {name}, also about what moves."
    if asked := moving.left_requests(move).count():
        said = _counted("unpaid payment request", asked)
        yield f"{said}: {name} is asked to pay, whoever has the customer. Cancel what’s wrong."
    yield "The refund ledger isn’t changed."


def _named(counts: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    for name, count in counts:
        said = _noun(name, count)
        yield f"{said[:1].upper()}{said[1:]}", count


def _counted(name: str, count: int) -> str:
    return f"{show.number(count)} {_noun(name, count)}"


def _noun(name: str, count: int) -> str:
    one, _bar, more = name.partition("|")
    return one if count == 1 else more or f"{one}s"
