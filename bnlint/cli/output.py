"""Where text goes: standard output, standard error or a file; a closed pipe is no error of ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


def emit(text: str | bytes, output_file: Path | None = None) -> None:
    """Write and flush; bytes as they are.

    A reader that has gone away (`| head`) is left alone; what cannot be written is wrong usage.
    """
    if output_file is not None:
        try:
            output_file.write_bytes(encoded(text))
        except OSError as error:
            raise click.UsageError(f"cannot write {output_file}: {error.strerror or error}") from error
        return
    if sys.stdout is None:
        return  # closed by the caller, who wants the exit status alone
    try:
        data = encoded(text)
        binary = getattr(sys.stdout, "buffer", None)
        if binary is None:
            sys.stdout.write(data.decode("utf-8", "replace"))
        else:
            # sources may hold any character, whatever the terminal's encoding is
            sys.stdout.flush()
            binary.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        # the interpreter flushes once more at its end, which would complain again
        _discard_output()
    except OSError as error:
        _discard_output()
        raise click.UsageError(f"cannot write to standard output: {error.strerror or error}") from error


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def encoded(text: str | bytes) -> bytes:
    # sources may hold any character, also halves of surrogate pairs
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def tell(text: str) -> None:
    """A message for people: to standard error."""
    click.echo(text, err=True)


def colored(wish: str, *, to_file: bool = False) -> bool:
    """Whether to colour standard output: as wished, else on a terminal that has not said NO_COLOR."""
    if wish != "auto":
        return wish == "always"
    if to_file or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout is not None and sys.stdout.isatty())
