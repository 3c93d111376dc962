"""One process alone where a program would be run in several: what it says to the others is said to nobody."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.distributed
import torch.multiprocessing
import torch.utils.data.distributed
from torch import nn
from torch.utils.data import RandomSampler

SURROUNDINGS = {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}


class Wrapped(nn.Module):
    """Under the name of `DistributedDataParallel`: there is nobody to average gradients with."""

    def __init__(self, module: nn.Module, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)


class Sampler(RandomSampler):
    def __init__(self, data: Any, *args: Any, shuffle: bool = True, **kwargs: Any) -> None:
        super().__init__(data)

    def set_epoch(self, epoch: int) -> None: ...


def spawn(function: Callable[..., object], args: tuple[Any, ...] = (), *more: Any, **kwargs: Any) -> None:
    function(0, *args)


def nothing(*args: Any, **kwargs: Any) -> None: ...


def given(module: nn.Module, *args: Any, **kwargs: Any) -> nn.Module:
    """Batch norms that are synchronised with nobody are those that they were; the real ones need a GPU."""
    return module


@contextmanager
def alone() -> Iterator[None]:
    """While this lasts, a program believes to be the only one of its processes."""
    names: dict[Any, dict[str, Any]] = {
        torch.distributed: {
            "init_process_group": nothing, "destroy_process_group": nothing, "all_reduce": nothing, "broadcast": nothing,
            "barrier": nothing, "get_rank": lambda *args: 0, "get_world_size": lambda *args: 1, "is_initialized": lambda: True,
        },
        torch.multiprocessing: {"spawn": spawn},
        torch.utils.data.distributed: {"DistributedSampler": Sampler},
        torch.utils.data: {"DistributedSampler": Sampler},
        nn.parallel: {"DistributedDataParallel": Wrapped},
        torch.cuda: {"set_device": nothing, "current_device": lambda: 0},
    }  # fmt: skip
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, SURROUNDINGS))
        stack.enter_context(patch.object(nn.SyncBatchNorm, "convert_sync_batchnorm", given))
        for owner, replaced in names.items():
            for name, value in replaced.items():
                stack.enter_context(patch.object(owner, name, value))
        yield
