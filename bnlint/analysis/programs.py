"""Turns the bytes of files into programs: from the cache, else parsed, in several processes when there is much to parse.

A file that cannot be read or parsed gives a failure instead, and never stops the others.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bnlint.cache import Cache, key_of
from bnlint.program.caffe_text import parse_caffe_text
from bnlint.program.lower import SyntaxProblem, parse_program
from bnlint.program.model import Program
from bnlint.program.notebook import parse_notebook
from bnlint.read import notebook, prototxt
from bnlint.read.lenient import Stop, rescue
from bnlint.read.source import Unreadable, decode, refuse_binary, refuse_huge

if TYPE_CHECKING:
    from concurrent.futures import Executor

PARALLEL_FROM = 400_000
"""bytes to parse from which starting processes pays"""

Progress = Callable[[str, int, int], None]
"""called with what is being done, how many of these are done, and how many there are"""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no program; `internal` when the fault is ours and not the file's."""

    message: str
    row: int = 1
    column: int = 1
    internal: bool = False


def programs_of(
    files: Mapping[Path, bytes], kept: Cache | None = None, jobs: int | None = None, progress: Progress | None = None
) -> dict[Path, Program | Failed]:
    """The program of each file, in the order given."""
    found: dict[Path, Program | Failed] = {}
    missing: list[Path] = []
    keys: dict[Path, str] = {}
    with collection_paused():
        for path, data in files.items():
            known = None
            if kept is not None:
                keys[path] = key_of(data, path.suffix if path.suffix in (prototxt.SUFFIX, notebook.SUFFIX) else "")
                known = _unpacked(kept.get(keys[path]))
            if known is None:
                missing.append(path)
            else:
                found[path] = known
        for done, (path, result) in enumerate(_parsed([(path, files[path]) for path in missing], jobs), 1):
            if isinstance(result, bytes):
                program = _unpacked(result)
                if kept is not None:
                    kept.put(keys[path], result)
                found[path] = program if program is not None else Failed("the lowered program cannot be read back", internal=True)
            else:
                found[path] = result
            if progress is not None:
                progress("parsing", done, len(missing))
    return {path: found[path] for path in files}


@contextmanager
def collection_paused() -> Iterator[None]:
    """Nodes have no cycles and live to the end: walking over them again and again would be a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.enable()


def _parsed(files: list[tuple[Path, bytes]], jobs: int | None) -> Iterator[tuple[Path, bytes | Failed]]:
    workers = min(jobs or (1 if os.environ.get("PRE_COMMIT") else os.cpu_count() or 1), len(files))
    if workers < 2 or sum(len(data) for _, data in files) < PARALLEL_FROM:
        for path, data in files:
            yield path, pack(path, data)
        return
    largest_first = sorted(files, key=lambda file: -len(file[1]))
    with _pool(workers) as pool:
        results = pool.map(_pack_one, largest_first, chunksize=1 if len(files) < 8 * workers else 4)
        yield from zip((path for path, _ in largest_first), results, strict=True)


def _pool(workers: int) -> Executor:
    import multiprocessing
    import threading
    from concurrent.futures import ProcessPoolExecutor

    # forking is by far the fastest start, and safe as long as there is one thread
    forked = sys.platform == "linux" and threading.active_count() == 1
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork" if forked else "spawn"))


def _pack_one(file: tuple[Path, bytes]) -> bytes | Failed:
    with collection_paused():
        return pack(*file)


def pack(path: Path, data: bytes) -> bytes | Failed:
    """The program of a file as bytes, for the cache and for the way from another process.

    Of a notebook `data` is what `read_source` made of it.
    """
    try:
        return msgspec.msgpack.encode(_lowered(path, data))
    except Unreadable as error:
        return Failed(error.message, error.row, error.column)
    except SyntaxProblem as error:
        return Failed(error.message, error.row, error.column)
    except RecursionError:
        return Failed("nested too deeply to be parsed")
    except Exception as error:
        return Failed(f"parsing failed with {type(error).__name__}: {error}", internal=True)


def _lowered(path: Path, data: bytes) -> Program:
    if path.suffix == notebook.SUFFIX:
        return parse_notebook(data.decode("utf-8", "surrogatepass"), _program)
    text = decode(path, data).text
    return parse_caffe_text(text) if path.suffix == prototxt.SUFFIX else _program(text)


def _program(text: str) -> Program:
    """As Python 3, else as Python 2. Raises SyntaxProblem, which speaks of the text as it stands."""
    try:
        return parse_program(text)
    except SyntaxProblem:
        rescued = rescue(text, _attempt)
        if rescued is None:
            raise
        return rescued


def _attempt(text: str) -> Program | Stop:
    try:
        return parse_program(text, lenient=True)
    except SyntaxProblem as problem:
        # the rescue wants to know what libcst said: its parser stops behind a token, its tokenizer names no place
        if not problem.message.startswith("invalid syntax"):
            return Stop(problem.row, f"tokenizer error: {problem.message}")
        behind_line = problem.column == 1
        said = "expected INDENT" if problem.message.endswith("INDENT expected") else problem.message
        return Stop(max(1, problem.row - behind_line), said)


def _unpacked(data: bytes | None) -> Program | None:
    if data is None:
        return None
    try:
        return _decoder().decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None


@cache
def _decoder() -> msgspec.msgpack.Decoder[Program]:
    return msgspec.msgpack.Decoder(Program)


def read_source(path: Path, data: bytes) -> bytes:
    """What is analysed of a file with these bytes: of a notebook its program, of all others themselves. Raises Unreadable."""
    refuse_huge(len(data))
    if path.suffix != notebook.SUFFIX:
        # told here, for the prefilter finds no words in it
        refuse_binary(path, data)
        return data
    return notebook.notebook_program(path, data).encode("utf-8", "surrogatepass")


def read_all(paths: Iterable[Path], read: Callable[[Path], bytes]) -> dict[Path, bytes | Failed]:
    """The bytes of the sources, or why they cannot be read."""
    found: dict[Path, bytes | Failed] = {}
    for path in paths:
        try:
            found[path] = read_source(path, read(path))
        except Unreadable as error:
            found[path] = Failed(error.message, error.row, error.column)
    return found
