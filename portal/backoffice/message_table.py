"""The catalog of messages as tables: what docs/messages.md says."""

from __future__ import annotations

from django.utils import translation

from billing.inbound.events import IGNORED
from billing.inbound.told import SILENT, TELLS
from emails import occasions
from emails.catalog import Kind
from emails.names import name_of
from emails.occasions import OCCASIONS, Audience
from portal.backoffice.message_samples import CONTEXTS


def as_tables() -> str:
    """Return a table of kinds for each audience, and one of Stripe's events."""
    # As the code has it, whatever language is in force.
    with translation.override(None):
        parts = [f"### {_title(audience)}\n\n{_kinds(audience)}" for audience in Audience]
    parts.append(f"### Stripe’s events\n\n{_events()}")
    return "\n\n".join(parts)


def _title(audience: Audience) -> str:
    return f"To {str(audience).lower()}{'s' if audience == Audience.MEMBER else ''}"


def _kinds(audience: Audience) -> str:
    rows = [
        "| message | when | by | can it be turned off? | what it can say |",
        "|---|---|---|---|---|",
    ]
    rows += [_kind(kind) for kind in Kind if occasions.audience_of(kind) == audience]
    return "\n".join(rows)


def _kind(kind: Kind) -> str:
    context = type(CONTEXTS[kind])
    cells = [
        f"**{name_of(kind)}** `{kind}`",
        OCCASIONS[kind].when,
        occasions.channels_of(kind),
        occasions.choice_of(kind),
        f"`{context.__name__}` in `{context.__module__.replace('.', '/')}.py`",
    ]
    return f"| {' | '.join(cells)} |"


def _events() -> str:
    said = {name: ", ".join(f"`{kind}`" for kind in kinds) for name, kinds in TELLS.items()}
    said |= {name: f"None: {reason}" for name, reason in (SILENT | IGNORED).items()}
    rows = [f"| `{name}` | {said[name]} |" for name in sorted(said)]
    return "\n".join(["| event | messages |", "|---|---|", *rows])
