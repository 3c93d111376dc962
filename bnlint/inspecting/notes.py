"""What is done to a network besides running it, in words: wrapped, frozen, converted, copied, saved, exported."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging.traces import title
from bnlint.story.events import Cast, Converted, Copied, Estimated, Event, Exported, Frozen, Saved, Wrapped
from bnlint.story.values import Obj

Subject = tuple[object, tuple[Obj, ...]]
"""a network, or something unknown that is used like one, and the batch norms that it holds"""


def noted(event: Event) -> Iterator[tuple[str, Subject]]:
    """The texts about an event, and which network each is about."""
    match event:
        case Wrapped():
            yield f"wrapped by {title(event.wrapper)}" if event.wrapper is not event.net else "trained by several processes", (
                event.net,
                event.plain,
            )
        case Frozen():
            what = {False: "parameters frozen", True: "parameters trained again", None: "parameters frozen or not"}[event.flag]
            how = event.how.removesuffix(" =")
            yield f"{what} by {how}" if how else what, (event.net, event.norms)
        case Converted():
            yield "batch norm synchronised", (event.net, ())
        case Exported():
            yield f"written down by {event.how}", (event.net, tuple(use.norm for use in event.norms if use.certain))
        case Saved():
            yield f"{_tensors(event.what)} saved", (event.net.net, event.net.norms if event.net.certain else ())
        case Copied():
            source = "from a file" if event.loaded or not event.sources else f"from {_names(event)}"
            yield f"{_tensors(event.what)} taken {source}", (event.target.net, event.target.norms if event.target.certain else ())
        case Estimated():
            yield "statistics measured anew", (event.target.net, event.target.norms if event.target.certain else ())
        case Cast():
            if event.half:
                yield f"cast to float16 by {event.how}", (event.net.net, event.net.norms if event.net.certain else ())


def _tensors(what: str) -> str:
    return {"parameters": "parameters without statistics", "buffers": "statistics", "both": "parameters and statistics"}[what]


def _names(event: Copied) -> str:
    return ", ".join(dict.fromkeys(title(holder.net) if isinstance(holder.net, Obj) else "elsewhere" for holder in event.sources))
