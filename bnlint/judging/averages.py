"""Which batch norms of a story keep no running averages."""

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
