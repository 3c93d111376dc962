"""Memory with a trail: every write can be undone, so that branches run from the same state and are joined after.

The cost of a branch is the number of its writes, not the size of the memory. Reads of heap tables are noted while a
call is being memoised, so that its effects may be replayed when everything it read is still the same.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from bnlint.story.joining import join
from bnlint.story.values import UNKNOWN, Table

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()

SIZE: Any = type("Size", (), {"__repr__": lambda self: "SIZE"})()
"""in place of a key: how many keys a table has"""

FLAG = "training"
"""of objects that know the answer without it: where only some paths have assigned it, it is not known"""

Changes: TypeAlias = dict[tuple[int, Any], tuple[Table, Any, Any]]
"""(table identity, key) -> table, key, value"""


class Memory:
    """All writes of the story. `trail` holds (table, key, value before)."""

    def __init__(self) -> None:
        self.trail: list[tuple[Table, Any, Any]] = []
        self.reads: Changes | None = None
        self.work = 0
        """entries that were copied, joined or undone"""

    def write(self, table: Table, key: Any, value: Any) -> None:
        self.trail.append((table, key, table.get(key, MISSING)))
        table[key] = value

    def read(self, table: Table, key: Any) -> Any:
        """The value at a key or MISSING; noted for the memo."""
        value = table.get(key, MISSING)
        if self.reads is not None:
            self.reads.setdefault((id(table), key), (table, key, value))
        return value

    def read_all(self, table: Table) -> Table:
        """A table whose keys matter as well as its values; noted for the memo."""
        if self.reads is not None:
            self.work += len(table)
            for key, value in table.items():
                self.reads.setdefault((id(table), key), (table, key, value))
            self.reads.setdefault((id(table), SIZE), (table, SIZE, len(table)))
        return table

    def remove(self, table: Table, key: Any) -> None:
        if key in table:
            self.trail.append((table, key, table[key]))
            del table[key]

    def mark(self) -> int:
        return len(self.trail)

    def changes(self, mark: int, skip: Table | None = None) -> Changes:
        """What was written since the mark, with the values of now; the table `skip` is left out."""
        found: Changes = {}
        trail = self.trail
        if len(trail) == mark:
            return found
        self.work += len(trail) - mark
        for table, key, _ in trail[mark:]:
            if table is not skip:
                found[(id(table), key)] = (table, key, table.get(key, MISSING))
        return found

    def undo(self, mark: int) -> None:
        """Back to the state at the mark."""
        trail = self.trail
        self.work += len(trail) - mark
        while len(trail) > mark:
            table, key, before = trail.pop()
            if before is MISSING:
                table.pop(key, None)
            else:
                table[key] = before

    def forget(self, mark: int, table: Table) -> None:
        """The writes to a table that nothing can reach any more need not be undone."""
        written = self.trail[mark:]
        self.work += len(written)
        kept = [entry for entry in written if entry[0] is not table]
        if len(kept) < len(written):
            self.trail[mark:] = kept

    def apply(self, changes: Changes) -> None:
        for table, key, value in changes.values():
            if value is MISSING:
                self.remove(table, key)
            else:
                self.write(table, key, value)

    def merge(self, paths: list[Changes]) -> Changes:
        """Join paths that all start from the state of now; writes the joined values and returns them."""
        if len(paths) == 1:
            self.apply(paths[0])
            return paths[0]
        places: Changes = {}
        for path in reversed(paths):
            places.update(path)
        self.work += len(places) * len(paths)
        joined: Changes = {}
        for where, (table, key, _) in places.items():
            now = table.get(key, MISSING)
            value: Any = MISSING
            absent = False
            for path in paths:
                entry = path.get(where)
                other = now if entry is None else entry[2]
                absent |= other is MISSING
                if value is MISSING:
                    value = other
                elif other is not MISSING and other is not value:
                    value = join(value, other)
            if absent and key == FLAG and value is not MISSING:
                value = UNKNOWN
            if value is not MISSING:
                joined[where] = (table, key, value)
                if value is not now:
                    self.write(table, key, value)
            elif now is not MISSING:  # removed on every path
                joined[where] = (table, key, value)
                self.remove(table, key)
        return joined


def unchanged(reads: Changes) -> bool:
    """Whether everything that was read is still the same."""
    return all(
        len(table) == value if key is SIZE else table.get(key, MISSING) is value for table, key, value in reads.values()
    )
