"""A page's reads: several querysets in one statement, as of one moment.

The ORM takes longer to build a statement than PostgreSQL to answer it. So a reading is built once
per process, when it's first used, and PostgreSQL plans it once per connection: anything that varies
is a `Param`, including the time and settings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models.query import FlatValuesListIterable, ModelIterable, get_related_populators
from psycopg import RawCursor
from psycopg.types.numeric import Int8

Row = TypeVar("Row")
Convert = Callable[[Any], Any]
Mapped = Callable[[list[Any]], Any]

KINDS: dict[str, type[models.Field[Any, Any]]] = {
    "bigint": models.BigIntegerField,
    "timestamptz": models.DateTimeField,
    "text": models.TextField,
}
# A place for a value in psycopg's notation; a percent sign of a value is doubled.
PLACE = re.compile(r"(?<!%)%\((\w+)\)s")
# JSON has no such values, so they're sent as text.
FROM_JSON: list[tuple[type[models.Field[Any, Any]], Convert]] = [
    (models.DateTimeField, datetime.fromisoformat),
    (models.DateField, date.fromisoformat),
    (models.UUIDField, UUID),
]
SMALLEST, LARGEST = -(2**63), 2**63 - 1
# JSON would alter these.
UNREADABLE = (models.DecimalField, models.DurationField, models.BinaryField, models.TimeField)


class ReadingError(Exception):
    """A reading is built in a way that would fail later."""


@dataclass(frozen=True)
class Slot:
    """The place of a value in a statement; `kind` is PostgreSQL's type."""

    name: str
    kind: str

    @property
    def text(self) -> str:
        """Return its placeholder in psycopg's SQL."""
        return f"%({self.name})s::{self.kind}"


class Param(models.Value):
    """A value that varies: `filter(user=Param("user", "bigint"))`."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(None, output_field=KINDS[kind]())
        self.slot = Slot(name, kind)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Leave a mark that the reading fills in."""
        return "%s", (self.slot,)


class AnyOf(Param):
    """Any of a list of values that varies: `filter(stripe_id=AnyOf("ids", "text"))`."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Leave a mark that the reading fills in."""
        return "ANY(%s)", (Slot(self.slot.name, f"{self.slot.kind}[]"),)


# What a queryset is filtered by, now or in a reading.
Person: TypeAlias = User | Param
Moment: TypeAlias = datetime | Param


class Part(Generic[Row]):
    """One queryset in a reading: rows with what they `select_related`, or single values."""

    def __init__(self, make: Callable[[], models.QuerySet[Any, Row]]) -> None:
        self.make = make

    @cached_property
    def sql(self) -> str:
        """Return its statement, with all values filled in except those of `Param`."""
        sql, params = self._compiled.as_sql()
        _ = self._converters  # Find unsupported columns before reading.
        columns = ", ".join(f"c{number}" for number in range(len(self._compiled.select)))
        # The ORM built all of it.
        return f"SELECT json_agg(q) FROM ({_filled(sql, params)}) AS q({columns})"  # noqa: S608

    @cached_property
    def _queryset(self) -> models.QuerySet[Any, Row]:
        return self.make()

    @cached_property
    def _compiled(self) -> Any:
        return self._queryset.query.get_compiler(connection.alias)

    @cached_property
    def _converters(self) -> list[tuple[int, Convert]]:
        converters = enumerate(_converter(one[0].output_field) for one in self._compiled.select)
        return [(number, convert) for number, convert in converters if convert]

    @cached_property
    def _mapped(self) -> Mapped:
        kind = self._queryset._iterable_class  # noqa: SLF001  (nothing public says so)
        if issubclass(kind, ModelIterable):
            return _instances(self._compiled)
        return (lambda row: row[0]) if issubclass(kind, FlatValuesListIterable) else tuple

    def rows(self, entries: list[dict[str, Any]] | None) -> list[Row]:
        """Return PostgreSQL's result as the queryset would."""
        return [self._row(list(one.values())) for one in entries or ()]

    def _row(self, values: list[Any]) -> Row:
        for number, convert in self._converters:
            if values[number] is not None:
                values[number] = convert(values[number])
        row: Row = self._mapped(values)
        return row


class Results:
    """A reading's result, by part."""

    def __init__(self, entries: dict[Part[Any], Any]) -> None:
        self._entries = entries

    def __getitem__(self, part: Part[Row]) -> list[Row]:
        return part.rows(self._entries[part])

    def first(self, part: Part[Row]) -> Row | None:
        """Return the first row of a part, or None."""
        return next(iter(self[part]), None)


class Reading:
    """Several parts that are read in one statement."""

    def __init__(self, *parts: Part[Any]) -> None:
        self.parts = parts

    @cached_property
    def sql(self) -> str:
        """Return its statement, in psycopg's notation: `%(user)s::bigint`."""
        return f"SELECT {', '.join(f'({part.sql})' for part in self.parts)}"

    @cached_property
    def _prepared(self) -> tuple[str, list[str]]:
        """Return its statement in PostgreSQL's own notation (`$1::bigint`), and what goes where.

        psycopg would translate its own notation each time: the statement is long.
        """
        names = list(dict.fromkeys(PLACE.findall(self.sql)))
        sql = PLACE.sub(lambda match: f"${names.index(match[1]) + 1}", self.sql)
        return sql.replace("%%", "%"), names

    def __call__(self, **values: Any) -> Results:
        """Read all parts as of now, for these values of their `Param`s."""
        sent = {name: _sent(value) for name, value in values.items()}
        return Results(dict(zip(self.parts, self._read(sent), strict=True)))

    def _read(self, values: dict[str, Any]) -> tuple[Any, ...]:
        """Run the statement on psycopg's own cursor, which has the server prepare it.

        Django's cursors put the values into the text, which is parsed and planned each time.
        """
        if connection.queries_logged:
            # Nothing but Django's own says in its log what was asked.
            with connection.cursor() as cursor:
                cursor.execute(self.sql, values)
                return tuple(cursor.fetchone())
        sql, names = self._prepared
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        # The stubs want what this makes of a cursor.
        with connection.make_cursor(RawCursor(connection.connection)) as cursor:  # type: ignore[arg-type]
            cursor.execute(sql, [values[name] for name in names])
            return tuple(cursor.fetchone())


def totals(
    rows: models.QuerySet[Any, Any], **wanted: models.Aggregate
) -> models.QuerySet[Any, Any]:
    """Return one row of aggregates over all rows; `aggregate()` would read them right away."""
    everything = rows.order_by().values(everything=models.Value(1))
    aggregated: models.QuerySet[Any, Any] = everything.annotate(**wanted).values_list(*wanted)
    return aggregated


def attach(parents: Iterable[models.Model], name: str, children: Sequence[Any], key: str) -> None:
    """Give rows their children, as `prefetch_related(name)` would; `key` names their parent."""
    by_parent: dict[Any, list[models.Model]] = {}
    for child in children:
        by_parent.setdefault(getattr(child, key), []).append(child)
    none: models.QuerySet[Any] | None = None
    for parent in parents:
        relation: Any = parent._meta.get_field(name)
        if none is None:
            none = _read_already(relation.related_model, [])
        mine = by_parent.get(parent.pk)
        rows = _read_already(relation.related_model, mine) if mine else none
        parent.__dict__.setdefault("_prefetched_objects_cache", {})[relation.cache_name] = rows


def _read_already(model: type[models.Model], objects: list[models.Model]) -> models.QuerySet[Any]:
    """Return a queryset that has its rows, as Django's own prefetching makes it."""
    rows: models.QuerySet[Any] = models.QuerySet(model)
    rows._result_cache = objects  # noqa: SLF001
    rows._prefetch_done = True  # type: ignore[attr-defined]  # noqa: SLF001
    return rows


def _filled(sql: str, params: Iterable[Any]) -> str:
    """Fill constants into a statement: the planner sees them, and only `Param`s are sent."""
    if "%%" in sql:
        raise ReadingError("A percent sign belongs into a value.")
    first, *rest = sql.split("%s")
    return first + "".join(
        text for value, piece in zip(params, rest, strict=True) for text in (_written(value), piece)
    )


def _written(value: Any) -> str:
    if isinstance(value, Slot):
        return value.text
    if isinstance(value, date):
        raise ReadingError(f"{value} would be the same for ever: make it a Param.")
    text: str = connection.ops.compose_sql("%s", [value])  # type: ignore[attr-defined]
    return text.replace("%", "%%")


def _converter(kind: models.Field[Any, Any]) -> Convert | None:
    if isinstance(kind, UNREADABLE):
        raise ReadingError(f"JSON has no {type(kind).__name__}.")
    return next((convert for known, convert in FROM_JSON if isinstance(kind, known)), None)


def _instances(compiler: Any) -> Mapped:
    """Return a function that turns a row into instances, as `ModelIterable` does."""
    info = compiler.klass_info
    start, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [one[0].target.attname for one in compiler.select[start:end]]
    related = get_related_populators(info, compiler.select, compiler.using)  # type: ignore[call-arg]  # the stubs are Django 6's
    annotations = list(compiler.annotation_col_map.items())

    def instance(row: list[Any]) -> models.Model:
        made: models.Model = info["model"].from_db(compiler.using, names, row[start:end])
        for populator in related:
            populator.populate(row, made)
        for name, number in annotations:
            setattr(made, name, row[number])
        return made

    return instance


def _sent(value: Any) -> Any:
    """Return a value as PostgreSQL takes it: numbers have 64 bits.

    An address may ask for a key beyond them all. The largest number finds as little as a
    queryset's filter would, and compares as the asked one does.
    """
    if type(value) is int:
        # One type for numbers of all sizes, or each size would be prepared separately.
        return Int8(max(SMALLEST, min(value, LARGEST)))
    return value
