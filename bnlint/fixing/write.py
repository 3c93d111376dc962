"""Puts the new content of a file in place: all of it or nothing, with the mode and the owner that the file had."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


class CannotWrite(Exception):
    """A file cannot be written; the message names it and says why."""


def refusal(path: Path) -> str | None:
    """Why a file cannot be written; None if nothing is seen to speak against it. Who may write everything still may not here."""
    target = Path(os.path.realpath(path))
    try:
        status = target.stat()
    except OSError as error:
        return f"{path} cannot be written: {error.strerror or error}"
    if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(target, os.W_OK):
        return f"{path} is read-only"
    if not os.access(target.parent, os.W_OK):
        return f"{path} cannot be written: its folder is read-only"
    return None


def write(path: Path, content: bytes, before: bytes) -> None:
    """Replace the content of `path`, which must still be `before`. A link is followed, and stays one. Raises CannotWrite."""
    target = Path(os.path.realpath(path))
    unfinished: str | None = None
    try:
        refused = refusal(path)
        if refused is not None:
            raise CannotWrite(refused)
        status = target.stat()
        if target.read_bytes() != before:
            raise CannotWrite(f"{path} was changed while it was linted")
        # beside the file, for moving is atomic within one file system only
        handle, unfinished = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError, AttributeError):
            os.chown(unfinished, status.st_uid, status.st_gid)
        os.chmod(unfinished, stat.S_IMODE(status.st_mode))
        os.replace(unfinished, target)
        unfinished = None
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if unfinished is not None:
            with suppress(OSError):
                os.unlink(unfinished)
