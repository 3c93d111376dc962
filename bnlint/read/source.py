"""One file's text as its author wrote it: decoded, newlines untouched, and what is needed to write it back.

Must never translate newlines or guess silently where writing back would change bytes: `encode` is the inverse of
`decode` for the text that was read. What cannot be read becomes `Unreadable`, which is reported as BN001.
"""

from __future__ import annotations

import codecs
import re
import stat
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 20 * 1024 * 1024

_DECLARED = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK_OR_COMMENT = re.compile(rb"^[ \t\f]*(?:#.*)?$")
# The four-byte marks first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Unreadable(Exception):
    """A file that cannot be turned into text; `message` is what BN001 says, at `row` and `column`."""

    def __init__(self, message: str, row: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text without its byte order mark. `newline` is the file's most frequent line ending."""

    path: Path
    text: str
    encoding: str
    has_bom: bool
    newline: str


def load(path: Path) -> Source:
    """Read and decode `path`. Raises `Unreadable`."""
    return decode(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file of at most `MAX_BYTES`. Raises `Unreadable`."""
    try:
        # Looked at before opening, because opening a pipe would wait for ever.
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable("is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("is not a regular file")
        refuse_huge(status.st_size)
        return path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("no such file") from None
    except PermissionError:
        raise Unreadable("permission denied") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}".lower()) from None


def refuse_huge(size: int) -> None:
    """Raises `Unreadable` for more bytes than anybody wrote by hand."""
    if size > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1024 // 1024} MB")


def refuse_binary(path: Path, data: bytes) -> None:
    """Raises `Unreadable` for what is no text: NUL bytes stand in UTF-16 and UTF-32 only, which begin with a mark."""
    if b"\0" in data:
        decode(path, data)


def decode(path: Path, data: bytes) -> Source:
    """Turn the bytes of `path` into text: byte order mark, PEP 263 declaration, UTF-8, then cp1252 or Latin-1.

    Raises `Unreadable` for binary files.
    """
    for mark, marked in _MARKS:
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(marked)
            except UnicodeDecodeError:
                raise Unreadable(f"has a {marked} byte order mark but is no valid {marked}") from None
            return Source(path, text, marked, True, _newline(text))
    if b"\0" in data:
        raise Unreadable("is binary (it holds NUL bytes)")
    for encoding in (declared_encoding(data), "utf-8", "cp1252"):
        if encoding is None:
            continue
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        return Source(path, text, encoding, False, _newline(text))
    text = data.decode("latin-1")
    return Source(path, text, "latin-1", False, _newline(text))


def encode(source: Source, text: str) -> bytes:
    """The bytes of `text` in the encoding of `source`, with its byte order mark. Raises UnicodeEncodeError."""
    mark = next((mark for mark, encoding in _MARKS if encoding == source.encoding), b"") if source.has_bom else b""
    return mark + text.encode(source.encoding)


def declared_encoding(data: bytes) -> str | None:
    """The text encoding that the first or second line declares (PEP 263), by its Python name; None if none is known."""
    lines = data[:1000].splitlines()[:2]
    for line in lines:
        found = _DECLARED.match(line)
        if found:
            try:
                info = codecs.lookup(found[1].decode("ascii"))
            except (LookupError, UnicodeDecodeError):
                return None
            # rot13, zlib and the like are codecs too, but turn no bytes into text.
            return info.name if getattr(info, "_is_text_encoding", True) else None
        if not _BLANK_OR_COMMENT.match(line):
            return None
    return None


def _newline(text: str) -> str:
    crlf = text.count("\r\n")
    lf = text.count("\n") - crlf
    cr = text.count("\r") - crlf
    if crlf > lf and crlf >= cr:
        return "\r\n"
    return "\r" if cr > lf else "\n"
