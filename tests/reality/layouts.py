"""How a generated program lies in files: one, or several that import each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from tests.reality.classes import ALL, HEAD
from tests.reality.customs import MORE

CLASSES = {**ALL, **MORE}
TRAIN = "train.py"


def used(written: str) -> list[str]:
    """The classes and helpers that a text names, and those that they name, each after what it needs."""
    found: list[str] = []
    for words, text in reversed(CLASSES.items()):
        if words == "Net" or re.search(rf"\b{words}\b", written + "".join(found)):
            found.append(text)
    return found[::-1]


def laid_out(functions: Sequence[str], body: Sequence[str], dice: Random) -> tuple[tuple[str, str], ...]:
    """The files of a program by name, the one that is run last."""
    functions_text, body_text = "\n".join(["", *functions, ""]), "\n".join(["", *body, ""])
    written = functions_text + body_text
    classes = "\n".join(used(written))
    names = sorted(set(re.findall(r"^(?:class|def|async def) (\w+)|^([A-Z]+) = ", classes, re.MULTILINE)))
    named = ", ".join(sorted(name for pair in names for name in pair if name))
    own = re.findall(r"^def (\w+)", functions_text, re.MULTILINE)
    match dice.randrange(12):
        case 0:
            return ("models.py", HEAD + classes), (TRAIN, f"{HEAD}from models import *\n{written}")
        case 1:
            return ("models.py", HEAD + classes), (TRAIN, f"{HEAD}from models import {named}\n{written}")
        case 2:
            start = ("lib/__init__.py", f"from .models import {named}\n")
            return start, ("lib/models.py", HEAD + classes), (TRAIN, f"{HEAD}from lib import {named}\n{written}")
        case 3:
            apart = re.sub(rf"(?<![.\w'])({named.replace(', ', '|')})\b(?!=[^=])", r"models.\1", written)
            return ("lib/__init__.py", ""), ("lib/models.py", HEAD + classes), (TRAIN, f"{HEAD}from lib import models\n{apart}")
        case 4 | 5 if own:
            steps = ("lib/steps.py", f"{HEAD}from .models import *\n{functions_text}")
            main = f"{HEAD}from lib.models import *\nfrom lib.steps import {', '.join(own)}\n{body_text}"
            return ("lib/__init__.py", ""), ("lib/models.py", HEAD + classes), steps, (TRAIN, main)
    return ((TRAIN, f"{HEAD}{classes}\n{written}"),)
