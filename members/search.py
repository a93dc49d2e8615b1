"""Search for people by any part of a name or email address, or a phone number’s beginning or end.

An index answers every query here (see `portal.migrations`): people are looked up first, then rows
by their IDs, so no search reads a whole table.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from django.contrib.auth.models import User
from django.db.models import BooleanField, Case, CharField, Q, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Reverse

from common import addresses, region
from common.staff import finding
from members import numbers

MOST_PEOPLE = 200
DIGITS = "0123456789"
# The digits of a phone's end that people remember, or see on a bill.
FEWEST_OF_END = 4
# A number as people write it, with spaces, brackets, and so on.
PHONE = re.compile(r"[+(]?[0-9][0-9 ()./+-]*", re.ASCII)
# Where parts of words are looked for, as in the index.
WHO = "auth_user.first_name || ' ' || auth_user.last_name || ' ' || auth_user.email"
# Its left side matches the index. A word with a hyphen counts as several words.
NAME_HAS = """
array_to_tsvector(staff_name_words(auth_user.first_name || ' ' || auth_user.last_name))
@@ (SELECT string_agg(quote_literal(part) || ':*', ' & ')
    FROM unnest(staff_name_words(%s)) AS part)::tsquery
"""


def people(term: str) -> list[int]:
    """Return the IDs of users whose name, email address, or phone number is like this, best first.

    Each of several words must match: "alice ar" finds Alice Archer, and "oneil" Mary Ann O’Neil.
    First comes who has exactly this address, then whose name or address begins with the words, then
    who has them somewhere inside: "eller" finds Ella Ellery before Kim Keller.
    """
    if PHONE.fullmatch(term.strip()) and (called := _by_phone(term)):
        return called
    words = term.split()
    if not words:
        return []
    exact = Case(When(email__iexact=term.strip(), then=0), default=1)
    beginning = User.objects.filter(_all_fit(words, _begins)).order_by(exact, "pk")
    best = list(beginning.values_list("pk", flat=True)[:MOST_PEOPLE])
    if len(best) == MOST_PEOPLE:
        return best
    inside = _all_fit(words, lambda word: _begins(word) | Q(finding.holds(WHO, word)))
    if len(words) > 1:
        inside |= Q(finding.holds(WHO, " ".join(words)))
    rows = User.objects.filter(inside).order_by("pk")
    others = rows.values_list("pk", flat=True)[:MOST_PEOPLE]
    return list(dict.fromkeys([*best, *others]))[:MOST_PEOPLE]


def _all_fit(words: list[str], fits: Callable[[str], Q]) -> Q:
    condition = Q()
    for word in words:
        condition &= fits(word)
    return condition


def _begins(word: str) -> Q:
    fits = Q(email__istartswith=word) | Q(_name_has(word))
    if "@" in word:
        fits |= Q(email__istartswith=addresses.canonical(word))
    if PHONE.fullmatch(word):
        fits |= Q(pk__in=_by_phone(word))
    return fits


def _name_has(word: str) -> RawSQL:
    """Return whether a word of the name begins like this, ignoring accents and apostrophes."""
    return RawSQL(NAME_HAS, [word], output_field=BooleanField())  # noqa: S611  (no outside words)


def phones_like(term: str) -> list[str]:
    """Return how numbers like this begin as they're kept; none if it's no part of a number.

    "+1 202", "1202", "001 202", and "(202)" without the code of the business's country. Leading
    zeros don't count toward the required three digits: "0002" isn't a number.
    """
    digits = "".join(character for character in term if character in DIGITS)
    if not PHONE.fullmatch(term.strip()) or len(digits.lstrip("0")) < 3:
        return []
    code = phonenumbers.country_code_for_region(region.current().country)
    beginnings = [f"+{digits}"]
    if "+" not in term:
        beginnings += [f"+{code}{digits.lstrip('0')}", f"+{digits.removeprefix('00')}"]
    # A whole number in a form other than the one that's kept.
    return beginnings + [numbers.kept(beginning) for beginning in beginnings]


def _by_phone(word: str) -> list[int]:
    """Return the users whose phone numbers begin or end like this, however it's written."""
    beginnings = phones_like(word)
    if not beginnings:
        return []
    begins = Q()
    for beginning in beginnings:
        begins |= Q(member__phone__startswith=beginning)
    users = User.objects.filter(begins).order_by().values_list("pk", flat=True)
    first = list(users[:MOST_PEOPLE])
    return list(dict.fromkeys([*first, *_by_end_of_phone(word)]))[:MOST_PEOPLE]


def _by_end_of_phone(word: str) -> list[int]:
    """Return the users whose phone numbers end with these digits, at least four."""
    digits = "".join(character for character in word if character in DIGITS)
    if "+" in word or len(digits) < FEWEST_OF_END:
        return []
    backwards = User.objects.alias(backwards=Reverse(Cast("member__phone", CharField())))
    users = backwards.filter(backwards__startswith=digits[::-1]).order_by()
    return list(users.values_list("pk", flat=True)[:MOST_PEOPLE])
