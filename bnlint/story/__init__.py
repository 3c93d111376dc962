"""The story: an abstract interpreter that tells what happens when each entry point of a project runs.

`tell` is the way in. It knows network, mode, batch and state at each forward, across files; it imports and executes nothing.
"""

from bnlint.story.events import Failure, Story
from bnlint.story.telling import tell

__all__ = ["Failure", "Story", "tell"]
