"""Which versions of libraries a run may suppose: what the project's requirements say is read when it is asked first."""

from __future__ import annotations

from collections.abc import Iterable

from bnlint.project import versions
from bnlint.read import requirements
from bnlint.read.requirements import Asked, Version
from bnlint.story.machine import Run

ASKED = "requirements"


def before(run: Run, names: Iterable[str], version: Version) -> bool | None:
    """Whether the project uses a library before a version, None where its requirements do not say.

    names: all that the library goes by.
    """
    known: Asked | None = run.profiles.get(ASKED)
    if known is None:
        known = run.profiles[ASKED] = requirements.asked(run.project.root)
    return versions.before(known, names, version)
