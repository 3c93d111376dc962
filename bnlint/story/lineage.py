"""What an object is by the names of its class and of its bases, those of the project and those of libraries."""

from __future__ import annotations

from bnlint.story.values import Cls, Lib, Obj

SYNCHRONISED = ("SyncBatchNorm", "InPlaceABNSync", "SyncBatchNormAct")


def library_names(obj: Obj) -> list[str]:
    return [obj.cls.name] if isinstance(obj.cls, Lib) else [base.name for base in obj.cls.order if isinstance(base, Lib)]


def own_names(obj: Obj) -> list[str]:
    """The class and its bases, as far as the project defines them."""
    return [base.name for base in (obj.cls, *obj.cls.order) if isinstance(base, Cls)] if isinstance(obj.cls, Cls) else []


def synchronised(norm: Obj) -> bool:
    """Whether a batch norm takes its statistics over all devices: converted, of such a class, or one of the project's own."""
    return (
        bool(norm.slots.get("#synchronised"))
        or any(name.endswith(SYNCHRONISED) for name in library_names(norm))
        or any("sync" in name.lower() for name in own_names(norm))
    )
