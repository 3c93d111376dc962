"""Verdicts of an earlier run on entry points whose stories cannot have changed since.

What a story says depends on the file it stands in, on the files that are imported by others, and on those whose bodies
change what is not their own. All these others are taken together as the ground that every story stands on: while it is the
same, a change to a script, which nothing imports, is a matter of that script's own entry points. What a verdict left behind
(see `Trace`) is kept with it, so that the entry points after it are told, or not, as if it had been told anew.

The format is MessagePack: data only. Whatever cannot be read, or speaks of what is not there, was not kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from bnlint.analysis.verdict import Trace, Verdict
from bnlint.answers import finding_of, itself, plain
from bnlint.cache import Cache
from bnlint.findings import Argument, Change, Comment, Cure, Drop, Edit, Finding, Insert, Place, Wrap
from bnlint.program import model as ir
from bnlint.read import requirements
from bnlint.story.budget import STEPS_PER_ENTRY
from bnlint.story.entries import functions
from bnlint.story.telling import Entry, Teller

Found = dict[int, tuple[Verdict, Trace]]
"""verdicts by the number of the entry point in its stage"""

CHANGES: dict[str, Callable[..., Change]] = {kind.__name__: kind for kind in (Edit, Insert, Wrap, Argument, Drop, Comment)}


@dataclass(frozen=True, slots=True)
class Memory:
    """Where verdicts are kept, and a digest of the content of each program."""

    kept: Cache
    digests: Mapping[Path, str]


class Remembered:
    """The verdicts of the run before, and those of this one, by entry point. Asked when the bodies of all modules were run."""

    def __init__(self, memory: Memory, teller: Teller, entries: Sequence[Entry]) -> None:
        self._kept = memory.kept
        self._teller = teller
        run, project = teller.run, teller.project
        self._nodes = {f"{cls.module.path}:{cls.node.start}": id(cls.node) for cls in run.classes}
        self._classes = {node: name for name, node in self._nodes.items()}
        self._names = _named(entries)
        self._ids = {name: entry.node for entry, name in zip(entries, self._names, strict=True) if entry.node}
        self._name_of = {id(entry): name for entry, name in zip(entries, self._names, strict=True)}
        self._entry_nodes = {node: name for name, node in self._ids.items()}

        whole = _digest(sorted((str(path), digest) for path, digest in memory.digests.items()))
        self.leaves = {path for path in project.programs if path not in run.imported and path not in run.outgoing}
        ground = [path for path in run.modules if path not in self.leaves]  # in the order in which they were loaded
        if run.whole or not run.asking.isdisjoint(ground) or run.budget.bound < STEPS_PER_ENTRY:
            self.leaves, ground = set(), [*run.modules]
        marks = {path: _digest((memory.digests.get(path), self._marked(path))) for path in run.modules}
        options = project.options
        settings = (sorted(options.batch_norm_classes), sorted(options.models_with_batch_norm), options.small_batch)
        self._table = _digest(("verdicts", str(project.root), settings, sorted(map(str, project.reported))))
        state = (
            itself(), project.imports.names(), sorted(map(str, memory.digests)), [(str(path), marks[path]) for path in ground],
            [(name, _content(name)) for name in sorted(requirements.files(str(project.root)))],
        )  # fmt: skip
        self._ground = _digest(state)
        self._whole = whole
        self._marks = marks
        self._before = self._read()
        self._now: dict[str, list[Any]] = {}
        self._changed = False

    def of(self, stage: Sequence[Entry]) -> Found:
        """What is known of the entry points of a stage."""
        found: Found = {}
        for number, entry in enumerate(stage):
            record = self._before.get(self._name_of[id(entry)])
            try:
                if record is not None and record[0] == self._mark(entry, record[10]) and record[1] in ("", self._whole):
                    found[number] = self._verdict(record), self._trace(record)
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                continue  # what some other bnlint wrote
        return found

    def keep(self, entry: Entry, verdict: Verdict, trace: Trace) -> None:
        name = self._name_of[id(entry)]
        before = self._before.get(name)
        if not trace.alone:
            return
        if any(notes for notes in trace.notes if not isinstance(notes, dict)):
            return
        whole = self._whole if trace.whole or entry.module.path in self._teller.run.asking else ""
        imported = sorted(str(path) for path in self.leaves & (trace.imported - {entry.module.path}))
        mark = self._mark(entry, imported)
        if before is not None and before[0] == mark and before[1] == whole:
            self._now[name] = before
            return
        reached = [self._entry_nodes[node] for node in trace.reached if node in self._entry_nodes]
        notes = [
            [(self._classes[node], note) for node, note in own.items()] if isinstance(own, dict) else None for own in trace.notes
        ]
        networks = [plain(network) for network in verdict.networks]
        self._now[name] = [
            mark, whole, list(map(_finding, verdict.findings)), plain(verdict.failures), verdict.exhausted,
            networks, trace.allowed, trace.spent, sorted(reached), plain(tuple(map(_tupled, notes))),
            imported,
        ]  # fmt: skip
        self._changed = True

    def close(self) -> None:
        """Write what is known now, if that is not what was read."""
        if self._changed or len(self._now) != len(self._before):
            self._kept.put(self._table, msgspec.msgpack.encode([self._ground, self._now]))

    def _read(self) -> dict[str, Any]:
        try:
            ground, records = msgspec.msgpack.decode(self._kept.get(self._table) or b"")
        except (msgspec.DecodeError, TypeError, ValueError):
            return {}
        return records if ground == self._ground and isinstance(records, dict) else {}

    def _mark(self, entry: Entry, imported: Sequence[str]) -> str:
        """Of what an entry point hangs on besides the ground: its own file, unless that is part of it, and the leaves that it
        imports while it runs.
        """
        own = self._marks[entry.module.path] if entry.module.path in self.leaves else ""
        return _digest((own, [self._marks[Path(name)] for name in imported])) if imported else own

    def _marked(self, path: Path) -> list[tuple[int, bool, bool, bool]]:
        """The functions of a file that the words of any file in the project have made worth a look."""
        run, program = self._teller.run, self._teller.project.programs.get(path)
        found = []
        for _, node in functions(program.body) if program is not None else ():
            flags = (id(node) in run.moments, id(node) in run.statistics, id(node) in run.graphs)
            if any(flags) and isinstance(node, ir.Function):
                found.append((node.start, *flags))
        return sorted(found)

    def _verdict(self, record: list[Any]) -> Verdict:
        findings, failures, exhausted, networks = record[2:6]
        return Verdict(
            tuple(map(_finding_of, findings)),
            tuple((str(message), Place(*place)) for message, place in failures),
            exhausted,
            frozenset((None if site is None else Place(*site), kind) for site, kind in networks),
        )

    def _trace(self, record: list[Any]) -> Trace:
        allowed, spent, reached, notes = record[6:10]
        nodes = frozenset(self._ids[name] for name in reached)
        found = [None if own is None else {self._nodes[name]: _note(note) for name, note in own} for own in notes]
        return Trace(allowed, spent, nodes, list(found), frozenset(map(Path, record[10])), record[1] != "", True)


def _named(entries: Iterable[Entry]) -> list[str]:
    """A name for each entry point; those of one name in one file are told apart by their order."""
    counts: Counter[tuple[Path, str]] = Counter()
    found = []
    for entry in entries:
        key = (entry.module.path, entry.name)
        found.append(f"{entry.module.path}:{entry.name}:{counts[key]}")
        counts[key] += 1
    return found


def _content(name: str) -> str:
    try:
        return blake2b(Path(name).read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def _digest(state: object) -> str:
    return blake2b(repr(state).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


# --- data ------------------------------------------------------------------------------------


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, (list, tuple)) else value


def _note(note: list[Any]) -> Any:
    inside, first, by_function = note
    return inside, first, tuple((None if place is None else Place(*place), trained) for place, trained in by_function)


def _finding(item: Finding) -> list[Any]:
    cure = item.cure
    changes = None if cure is None else [[type(change).__name__, *_parts(change)] for change in cure.changes]
    return [plain(replace(item, cure=None)), None if cure is None else [cure.message, cure.applicability, changes]]


def _parts(change: Any) -> list[Any]:
    values = [getattr(change, field.name) for field in fields(change)]
    return [[plain(value)] if isinstance(value, Place) else value for value in values]


def _finding_of(row: list[Any]) -> Finding:
    made, cure = finding_of(row[0]), row[1]
    return made if cure is None else replace(made, cure=Cure(cure[0], cure[1], tuple(map(_change, cure[2]))))


def _change(row: list[Any]) -> Change:
    return CHANGES[row[0]](*(Place(*part[0]) if isinstance(part, list) else part for part in row[1:]))
