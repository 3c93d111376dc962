"""Which batch norms of a story keep no running averages, and which have nothing that can be learnt."""

from __future__ import annotations

from bnlint.story.events import Built, Story
from bnlint.story.values import truth


def stateless(story: Story) -> frozenset[int]:
    """Identities of the batch norms that were built with `track_running_stats=False`."""
    return frozenset(
        id(event.obj)
        for event in story.of(Built)
        if "track_running_stats" in event.arguments and truth(event.arguments["track_running_stats"][0]) is False
    )


def unscaled(story: Story) -> frozenset[int]:
    """Identities of the batch norms that were built with `affine=False`: many only standardise what a loss compares."""
    return frozenset(
        id(event.obj)
        for event in story.of(Built)
        if "affine" in event.arguments and truth(event.arguments["affine"][0]) is False
    )
