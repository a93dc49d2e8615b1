"""What somebody is found by in free text, where no column says whom a row is about."""

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
# A shorter number may be an amount, a shorter name a word.
SHORTEST_NUMBER, SHORTEST_NAME = 7, 5


@dataclass(frozen=True)
class Traces:
    """A person's addresses and phone numbers, and what they are called.

    A name of several words is looked for anywhere. One of a single word is many people's, and a
    part of other words: it counts where a value of JSON is that name and nothing else.
    """

    addresses: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, emails: Iterable[str], numbers: Iterable[str], names: Iterable[str]) -> Traces:
        """Take what is known, empty texts included."""
        found = [frozenset(text.strip() for text in texts) for texts in (emails, numbers, names)]
        return cls(
            frozenset(one for one in found[0] if "@" in one),
            frozenset(one for one in found[1] if len(one) >= SHORTEST_NUMBER),
            frozenset(one for one in found[2] if one),
        )

    @cached_property
    def anywhere(self) -> list[str]:
        """What is looked for in any text."""
        found = {name for name in self.names if " " in name and len(name) >= SHORTEST_NAME}
        found |= {*self.addresses, *map(readable, self.addresses)}
        found |= {*self.numbers, *map(_as_people_write, self.numbers)}
        # Some write JSON in ASCII: "Łukasz" is "\\u0141ukasz" there.
        found |= {json.dumps(one)[1:-1] for one in found}
        return sorted(found, key=len, reverse=True)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.anywhere)) or "(?!)", re.IGNORECASE)

    def scrub(self, text: str) -> str:
        """Return text without what the person is found by."""
        return self._pattern.sub(BLOTTED, text)

    def are_in(self, text: str) -> bool:
        """Whether a text names the person."""
        return bool(self._pattern.search(text))

    def rows(self, among: QuerySet[Any], *columns: str) -> QuerySet[Any]:
        """Return the rows of which one of these columns, text or JSON, names the person."""
        texts = {f"{name}_as_text": Cast(name, TextField()) for name in columns}
        condition = Q(pk__in=[])
        for name in texts:
            for part in self.anywhere:
                for spelling in {part, _in_json(part)}:
                    condition |= Q(**{f"{name}__icontains": spelling})
            for value in self.names:
                condition |= Q(**{f"{name}__contains": f'"{_in_json(value)}"'})
        found: QuerySet[Any] = among.alias(**texts).filter(condition)
        return found


def _as_people_write(number: str) -> str:
    """Return an E.164 number in groups; what is none comes back as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _in_json(text: str) -> str:
    """Return a text as PostgreSQL writes it within JSON; most look the same everywhere."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
