"""Saves rows of any table as SQL that restores them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
# Triggers and foreign keys checked the rows when they were first made.
UNCHECKED = "SET LOCAL session_replication_role = replica"
CHECKED = "SET LOCAL session_replication_role = origin"


def rows_of(connection: Connection, table: str) -> list[str]:
    """Return all rows of a table, each as JSON."""
    query = sql.SQL("SELECT to_jsonb(t)::text FROM {} t").format(sql.Identifier(table))
    return [row for (row,) in connection.execute(query).fetchall()]


def inserting(connection: Connection, table: str, rows: Iterable[str]) -> str:
    """Return a statement that adds rows to a table."""
    query = (
        "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE"
        " SELECT {columns} FROM jsonb_populate_recordset(NULL::{name}, {rows}::jsonb)"
    )
    return (
        sql.SQL(query)
        .format(
            name=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, _columns(connection, table))),
            rows=sql.Literal(f"[{','.join(rows)}]"),
        )
        .as_string(connection)
    )


def deleting(connection: Connection, table: str, rows: list[str]) -> str:
    """Return a statement that removes rows from a table."""
    query = sql.SQL("DELETE FROM {} t WHERE to_jsonb(t)::text = ANY({})")
    return query.format(sql.Identifier(table), sql.Literal(rows)).as_string(connection)


def refilling(connection: Connection) -> str:
    """Return statements that restore the present contents of all tables."""
    existing = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    tables = sorted(name for (name,) in existing.fetchall())
    names = sql.SQL(", ").join(map(sql.Identifier, tables))
    truncate = sql.SQL("TRUNCATE {}").format(names).as_string(connection)
    held = {table: rows_of(connection, table) for table in tables}
    inserts = [inserting(connection, table, rows) for table, rows in held.items() if rows]
    return "; ".join([UNCHECKED, truncate, *inserts, CHECKED])


def _columns(connection: Connection, table: str) -> list[str]:
    """Return the columns to write: all except those that PostgreSQL computes."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        [f'"{table}"'],
    )
    return [name for (name,) in rows.fetchall()]
