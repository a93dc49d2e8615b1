"""What a message's templates may say: each kind has one frozen dataclass.

The package that makes a message defines its context, since only it knows the facts. The outbox
keeps a context as JSON, so renaming a field means that rows written before lack it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from emails.catalog import Kind


@dataclass(frozen=True, kw_only=True)
class NamedAmount:
    """A line of a receipt: what it's for, and how much, as text."""

    description: str
    amount: str


Fact = str | int | bool | datetime | Sequence[str] | Sequence[NamedAmount] | None


@dataclass(frozen=True, kw_only=True)
class MessageContext:
    """The facts of one message. Money is text; a moment is aware, or None if there isn't one."""

    kind: ClassVar[Kind]

    def as_json(self) -> dict[str, Any]:
        """Return the facts by name, as the outbox keeps them and the templates use them."""
        return {name: _plain(getattr(self, field)) for name, field in names_of(type(self)).items()}


def names_of(context: type[MessageContext]) -> dict[str, str]:
    """Return the names that templates use, each with its field.

    They differ where the name is one of Python's keywords: `from` is the field `from_`.
    """
    return {field.name.removesuffix("_"): field.name for field in fields(context)}


def _plain(fact: Fact | NamedAmount) -> Any:
    """Return a fact as JSON has it: ISO 8601 for a moment, and "" for none."""
    match fact:
        case None:
            return ""
        case str() | bool() | int():
            return fact
        case datetime():
            return fact.isoformat()
        case NamedAmount():
            return {"description": fact.description, "amount": fact.amount}
        case _:
            return [_plain(one) for one in fact]
