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
_COMMENT = re.compile(rb"#[^\r\n]*")
_DOTTED = re.compile(rb"[ \t\r\n\\]*([\w.]+)")
_FIRST_NAME = re.compile(rb"[ \t\r\n\\(]*(\w+|\*)")


def imported_modules(data: bytes) -> list[tuple[str, int, tuple[str, ...]]]:
    """What the source `data` imports, wherever the import stands: (module, level, names), no names for `import a.b`."""
    return list(_imported(data)) if b"import" in data else []


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
