"""Objects by id, in memory and written through to SQLite."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Objects = list[Json]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open a file's database; create the file and its folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, check_same_thread=False)
    # The file survives a killed process, which is enough here; waiting for the disk is slow.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(_SCHEMA)
    return connection


class Store:
    """Objects by id and by type, newest last; `flush` writes what changed in one transaction.

    Objects are changed in place. Their state at the last flush is kept as text, for `roll_back`.
    """

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection
        self._by_id: dict[str, Json] = {}
        self._by_type: dict[str, dict[str, Json]] = {}
        self._meta: Json = {}
        self._changed: dict[str, Json | None] = {}
        self._flushed: dict[str, str] = {}
        self._flushed_meta = "{}"
        self._changed_meta: set[str] = set()
        self._positions: dict[str, int] = {}
        self._next_position = 0
        self.changes = 0
        """How often anything was put, removed or noted."""
        self._load()

    def get(self, object_id: str) -> Json | None:
        return self._by_id.get(object_id)

    def list(self, object_type: str, **filters: Any) -> Objects:
        """Objects of a type whose fields have the given values, newest first."""
        objects = reversed(self._by_type.get(object_type, {}).values())
        if not filters:
            return [*objects]
        wanted = filters.items()
        return [obj for obj in objects if all(obj.get(name) == value for name, value in wanted)]

    def put(self, obj: Json) -> Json:
        """Add an object, or record that it changed."""
        object_id = obj["id"]
        self._remember(obj)
        self._changed[object_id] = obj
        self.changes += 1
        return obj

    def remove(self, object_id: str) -> None:
        obj = self._by_id.pop(object_id)
        del self._by_type[obj["object"]][object_id]
        self._changed[object_id] = None
        self.changes += 1

    def meta(self, key: str) -> Any:
        """Free-form JSON that belongs to no object; None if it was never set."""
        return self._meta.get(key)

    def set_meta(self, key: str, value: Any) -> None:
        self._meta[key] = value
        self._changed_meta.add(key)
        self.changes += 1

    def clear(self) -> None:
        self._by_id.clear()
        self._by_type.clear()
        self._meta.clear()
        self._changed.clear()
        self._changed_meta.clear()
        self._positions.clear()
        self._flushed.clear()
        self._flushed_meta = "{}"
        if self._connection is not None:
            with self._connection:
                self._connection.execute("DELETE FROM objects")
                self._connection.execute("DELETE FROM meta")

    def flush(self) -> None:
        for object_id, obj in self._changed.items():
            if obj is None:
                self._flushed.pop(object_id, None)
            else:
                self._flushed[object_id] = _text(obj)
        if self._changed_meta:
            self._flushed_meta = _text(self._meta)
        if self._connection is not None and (self._changed or self._changed_meta):
            with self._connection:
                self._write_objects(self._connection)
                self._write_meta(self._connection)
        self._changed.clear()
        self._changed_meta.clear()

    def roll_back(self) -> None:
        """Return to the last flush; code that holds an object sees its state then."""
        for object_id in [*self._by_id]:
            if object_id not in self._flushed:
                obj = self._by_id.pop(object_id)
                del self._by_type[obj["object"]][object_id]
                del self._positions[object_id]
        for object_id, text in self._flushed.items():
            self._take_back(object_id, text)
        self._meta = json.loads(self._flushed_meta)
        self._changed.clear()
        self._changed_meta.clear()

    def _take_back(self, object_id: str, text: str) -> None:
        obj = self._by_id.get(object_id)
        if obj is None:
            # It was removed: put it back in its place.
            self._by_id[object_id] = back = json.loads(text)
            kept = {**self._by_type[back["object"]], object_id: back}
            self._by_type[back["object"]] = dict(
                sorted(kept.items(), key=lambda one: self._positions[one[0]])
            )
        elif _text(obj) != text:
            obj.clear()
            obj.update(json.loads(text))

    def dump(self) -> str:
        """Everything, as JSON that `restore` understands."""
        kept = [self._by_id[one] for one in sorted(self._by_id, key=self._positions.__getitem__)]
        return json.dumps({"objects": kept, "meta": self._meta})

    def restore(self, dumped: str) -> None:
        """Return to the state of a dump."""
        contents = json.loads(dumped)
        self.clear()
        for obj in contents["objects"]:
            self.put(obj)
        for key, value in contents["meta"].items():
            self.set_meta(key, value)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _write_objects(self, connection: sqlite3.Connection) -> None:
        kept = [
            (object_id, self._positions[object_id], self._flushed[object_id])
            for object_id, obj in self._changed.items()
            if obj is not None
        ]
        gone = [(object_id,) for object_id, obj in self._changed.items() if obj is None]
        connection.executemany(
            "INSERT INTO objects VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            kept,
        )
        connection.executemany("DELETE FROM objects WHERE id = ?", gone)

    def _write_meta(self, connection: sqlite3.Connection) -> None:
        rows = [(key, json.dumps(self._meta[key])) for key in self._changed_meta]
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            rows,
        )

    def _remember(self, obj: Json) -> Json:
        object_id = obj["id"]
        if object_id not in self._by_id:
            self._positions[object_id] = self._next_position
            self._next_position += 1
        self._by_id[object_id] = obj
        self._by_type.setdefault(obj["object"], {})[object_id] = obj
        return obj

    def _load(self) -> None:
        if self._connection is None:
            return
        for (body,) in self._connection.execute("SELECT body FROM objects ORDER BY position"):
            self._flushed[self._remember(json.loads(body))["id"]] = body
        # Positions on disk have gaps after removals; new objects come after all of them.
        (last,) = self._connection.execute(
            "SELECT coalesce(max(position), 0) FROM objects"
        ).fetchone()
        self._next_position = last + 1
        self._meta = {
            key: json.loads(value) for key, value in self._connection.execute("SELECT * FROM meta")
        }
        self._flushed_meta = _text(self._meta)


def _text(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))
