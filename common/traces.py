"""Find a person in free text, where no column says who a row is about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import phonenumbers
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from common.addresses import readable

BLOTTED = "…"
# A shorter number may be an amount, and a shorter name a word.
SHORTEST_NUMBER, SHORTEST_NAME = 7, 5


@dataclass(frozen=True)
class Traces:
    """A person's addresses, phone numbers, and names.

    A name of several words is searched for anywhere. A single word is shared by many people and is
    part of other words, so it counts only if it's a whole JSON value.
    """

    addresses: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, emails: Iterable[str], numbers: Iterable[str], names: Iterable[str]) -> Traces:
        """Build from what's known; empty texts are allowed."""
        stripped = [frozenset(text.strip() for text in texts) for texts in (emails, numbers, names)]
        return cls(
            frozenset(one for one in stripped[0] if "@" in one),
            frozenset(one for one in stripped[1] if len(one) >= SHORTEST_NUMBER),
            frozenset(one for one in stripped[2] if one),
        )

    @cached_property
    def anywhere(self) -> list[str]:
        """What to search for in any text."""
        texts = {name for name in self.names if " " in name and len(name) >= SHORTEST_NAME}
        texts |= {*self.addresses, *map(readable, self.addresses)}
        texts |= {*self.numbers, *map(_as_people_write, self.numbers)}
        # Some JSON is ASCII only: "Łukasz" is "\\u0141ukasz" there.
        texts |= {json.dumps(one)[1:-1] for one in texts}
        return sorted(texts, key=len, reverse=True)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.anywhere)) or "(?!)", re.IGNORECASE)

    def scrub(self, text: str) -> str:
        """Return text without the person's traces."""
        return self._pattern.sub(BLOTTED, text)

    def are_in(self, text: str) -> bool:
        """Whether a text names the person."""
        return bool(self._pattern.search(text))

    def rows(self, among: QuerySet[Any], *columns: str) -> QuerySet[Any]:
        """Return the rows in which one of these text or JSON columns names the person."""
        texts = {f"{name}_as_text": Cast(name, TextField()) for name in columns}
        condition = Q(pk__in=[])
        for name in texts:
            for part in self.anywhere:
                for spelling in {part, _in_json(part)}:
                    condition |= Q(**{f"{name}__icontains": spelling})
            for value in self.names:
                condition |= Q(**{f"{name}__contains": f'"{_in_json(value)}"'})
        matches: QuerySet[Any] = among.alias(**texts).filter(condition)
        return matches


def _as_people_write(number: str) -> str:
    """Return an E.164 number in groups; anything else comes back unchanged."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _in_json(text: str) -> str:
    """Return a text as PostgreSQL writes it inside JSON; most look the same everywhere."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
