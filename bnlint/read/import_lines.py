"""Which modules a source imports, read from its bytes without parsing.

Must never be the basis of a finding: made for speed, an import within a docstring counts too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_IMPORT = re.compile(
    rb"""
    (?:^|[;:])[ \t"']*                              # a quote, because notebooks hold each line as a string
    (?: from [ \t]* (?P<module> \.*[ \t]*[\w.]* ) [ \t]* (?:\\\r?\n)? [ \t]* \bimport\b [ \t]*
        (?P<names> \([^)]*\) | \* | (?:[^\r\n\#;\\(]|\\\r?\n)* )
      | import [ \t]+ (?P<modules> (?:[^\r\n\#;\\]|\\\r?\n)+ )
    )
    """,
    re.VERBOSE | re.MULTILINE,
)
_CALLED = re.compile(
    rb"""(?:import_module|__import__)\s*\(\s*[fru]{0,2}["'](?P<module>[.\w]+)(?P<whole>["']\s*[,)])?""", re.IGNORECASE
)
_COMMENT = re.compile(rb"#[^\r\n]*")
_DOTTED = re.compile(rb"[ \t\r\n\\]*([\w.]+)")
_FIRST_NAME = re.compile(rb"[ \t\r\n\\(]*(\w+|\*)")


def imported_modules(data: bytes) -> list[tuple[str, int, tuple[str, ...]]]:
    """What the source `data` imports, wherever the import stands: (module, level, names), no names for `import a.b`."""
    return list(_imported(data)) if b"import" in data else []


def called_imports(data: bytes) -> list[tuple[str, int, bool]]:
    """What `import_module(name)` and `__import__(name)` ask for, as far as the call spells it: (module, level, whole).

    Where the name is not whole, as in `import_module("models." + name)`, the module is the package it comes from.
    """
    if b"import_module" not in data and b"__import__" not in data:
        return []
    found: list[tuple[str, int, bool]] = []
    for match in _CALLED.finditer(data):
        dotted = match["module"].decode("ascii")
        level = len(dotted) - len(dotted.lstrip("."))
        whole = match["whole"] is not None
        if whole or "." in dotted:
            found.append((dotted[level:] if whole else dotted[level:].rpartition(".")[0], level, whole))
    return found


def _imported(data: bytes) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for found in _IMPORT.finditer(data):
        if found["modules"] is not None:
            for part in found["modules"].split(b","):
                name = _DOTTED.match(part)
                if name:
                    yield name[1].decode("ascii"), 0, ()
            continue
        dotted = found["module"].replace(b" ", b"").replace(b"\t", b"")
        module = dotted.lstrip(b".")
        if not dotted:
            continue
        parts = _COMMENT.sub(b"", found["names"]).split(b",")
        names = tuple(name[1].decode("ascii") for part in parts if (name := _FIRST_NAME.match(part)))
        yield module.decode("ascii"), len(dotted) - len(module), names
