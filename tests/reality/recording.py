"""What really happens when a PyTorch program runs: every outermost forward, at the place in the program that called it.

Modules, batch norms and `backward` are watched while the program runs; the program itself is not changed.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.overrides import TorchFunctionMode

from tests.reality.stand_ins import Environment

SITE = "_reality_site"
INSIDE = ("jit/_trace.py", "onnx/utils.py", "export/_trace.py", "nn/utils/parametrize.py")
"""what these files of PyTorch run is an export, or computes a weight: no forward of the program"""
EXPORTS = tuple(f"torch/{name}" for name in INSIDE)
INNER = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")
FORWARDS = 600
"""a program with more of them is not run to its end"""


class Slow(BaseException):
    """Raised from outside into a program that computes for too long."""


class TooLong(BaseException):
    """A program that applies its networks more often than is worth watching."""


class Spot(NamedTuple):
    """Where a call stands: the file, its row, and its column where the interpreter tells it (Python 3.11 and later)."""

    file: str
    row: int
    column: int | None


@dataclass(slots=True)
class Happened:
    """One outermost forward that ran.

    calls: the call sites that led there, outermost first; norms: where each batch norm that ran was built, and its mode;
    batch: the size of the first axis of its first input; trained: whether a gradient went back through its output;
    acted: whether an environment was given something computed from it.
    """

    spot: Spot
    calls: tuple[Spot, ...]
    batch: int | None
    grad: bool
    norms: set[tuple[Spot, str]] = field(default_factory=set)
    trained: bool = False
    acted: bool = False


@dataclass(slots=True)
class Recorder:
    """Keeps what happens in the files that belong to the program being run."""

    files: frozenset[str]
    most: int = FORWARDS
    happened: list[Happened] = field(default_factory=list)
    outer: Happened | None = None
    marks: dict[int, tuple[Any, Happened]] = field(default_factory=dict)
    going_back: bool = False
    """a gradient is being computed: forwards that run again for it are those that ran before"""
    computed: dict[int, tuple[torch.Tensor, tuple[Happened, ...]]] = field(default_factory=dict)
    """tensors, and the forwards that they were computed from; kept while `Following` lasts"""

    def frames(self) -> list[FrameType]:
        """The program's own frames, innermost first; a comprehension hides the function it stands in."""
        found: list[FrameType] = []
        frame: FrameType | None = sys._getframe(1)
        hidden = False
        while frame is not None:
            if frame.f_code.co_filename.endswith(EXPORTS):
                return []
            if frame.f_code.co_filename in self.files:
                if not hidden:
                    found.append(frame)
                hidden = frame.f_code.co_name in INNER
            frame = frame.f_back
        return found

    def applied(self, run: Callable[[], Any], args: tuple[Any, ...]) -> Any:
        """Run a forward; the outermost one is kept, if the program called it."""
        if self.outer is not None or self.going_back:
            return run()
        spots = [spot_of(frame) for frame in self.frames()]
        if not spots:
            return run()
        if len(self.happened) >= self.most:
            raise TooLong
        first = args[0] if args else None
        batch = first.shape[0] if isinstance(first, torch.Tensor) and first.dim() else None
        self.outer = Happened(spots[0], tuple(reversed(spots[1:])), batch, torch.is_grad_enabled())
        self.happened.append(self.outer)
        try:
            result = run()
            for tensor in tensors(result):
                if tensor.grad_fn is not None:
                    self.marks[id(tensor.grad_fn)] = (tensor.grad_fn, self.outer)
                self.computed[id(tensor)] = (tensor, (self.outer,))
            return result
        finally:
            self.outer = None

    def built(self, norm: nn.Module) -> None:
        for frame in self.frames():
            if not (frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is norm):
                norm.__dict__[SITE] = spot_of(frame)
                return

    def normalised(self, norm: nn.Module) -> None:
        if self.outer is not None and SITE in norm.__dict__:
            self.outer.norms.add((norm.__dict__[SITE], "train" if norm.training else "eval"))

    def went_back(self, loss: torch.Tensor) -> None:
        """A gradient is asked for: the forwards whose outputs it passes are trained."""
        waiting, seen = [loss.grad_fn], set()
        while waiting:
            node = waiting.pop()
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            mark = self.marks.get(id(node))
            if mark is not None:
                mark[1].trained = True
            waiting.extend(following for following, _ in node.next_functions)


    def stepped(self, action: Any) -> None:
        """An environment is given an action: the forwards behind it act."""
        for value in [action, *([] if isinstance(action, torch.Tensor) else tensors(action))]:
            for each in behind(self, value):
                each.acted = True


class Number(float):
    """A number that was taken out of a tensor, and the forwards behind it."""

    forwards: tuple[Happened, ...] = ()


def behind(recorder: Recorder, value: Any) -> tuple[Happened, ...]:
    if isinstance(value, Number):
        return value.forwards
    found = recorder.computed.get(id(value))
    return found[1] if found is not None else ()


class Following(TorchFunctionMode):
    """Follows what is computed from the outputs of forwards, gradients or not."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.recorder.outer is None:
            given = [*tensors(list(args)), *tensors(dict(kwargs or {}))]
            forwards = tuple({id(each): each for tensor in given for each in behind(self.recorder, tensor)}.values())
            if forwards and func is torch.Tensor.item:
                result = Number(result)
                result.forwards = forwards
            elif forwards:
                for tensor in tensors(result):
                    self.recorder.computed[id(tensor)] = (tensor, forwards)
        return result


def spot_of(frame: FrameType) -> Spot:
    positions: Callable[[], Iterator[tuple[int | None, ...]]] | None = getattr(frame.f_code, "co_positions", None)
    if positions is not None:
        for number, (row, _, column, _) in enumerate(positions()):
            if number * 2 == frame.f_lasti and row is not None:
                return Spot(frame.f_code.co_filename, frame.f_lineno, column)
    return Spot(frame.f_code.co_filename, frame.f_lineno, None)


def tensors(value: Any, depth: int = 3) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif depth and isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from tensors(part, depth - 1)


@contextmanager
def watching(recorder: Recorder) -> Iterator[None]:
    """Watch modules while a program runs, and put everything back after it."""
    module: Any = nn.Module
    norm: Any = _NormBase
    tensor: Any = torch.Tensor
    forward: Any = _BatchNorm
    call, build, back, normalise = module.__call__, norm.__init__, tensor.backward, forward.forward

    def called(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return recorder.applied(lambda: call(self, *args, **kwargs), args)

    def normed(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        def go() -> Any:
            recorder.normalised(self)
            return normalise(self, *args, **kwargs)

        return recorder.applied(go, args)

    def built(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        recorder.built(self)

    def backward(self: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        if self.requires_grad:
            recorder.went_back(self)
            recorder.going_back = True
            try:
                back(self, *args, **kwargs)
            finally:
                recorder.going_back = False

    def derived(cls: type, **kwargs: Any) -> None:
        own = cls.__dict__.get("forward")
        if own is not None:

            def watched(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
                return recorder.applied(lambda: own(self, *args, **kwargs), args)

            cls.forward = watched  # type: ignore[attr-defined]

    module.__call__, norm.__init__, tensor.backward, forward.forward = called, built, backward, normed
    module.__init_subclass__ = classmethod(derived)  # type: ignore[arg-type]
    try:
        yield
    finally:
        module.__call__, norm.__init__, tensor.backward, forward.forward = call, build, back, normalise
        del module.__init_subclass__


def run(
    code: CodeType, argv: tuple[str, ...] = (), most: int = FORWARDS, files: Collection[str] = (), follow: bool = False
) -> tuple[list[Happened], BaseException | None]:
    """Run a program from its text: the forwards that happened, and what ended it if it did not come to its end.

    argv: the words on its command line; files: those of the program, beside its own; follow: whether to see what acts.
    """
    recorder = Recorder(frozenset({code.co_filename, *files}), most)
    before, grad = sys.argv, torch.is_grad_enabled()
    sys.argv = [code.co_filename, *argv]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    Environment.stepped = recorder.stepped
    ended: BaseException | None = None
    try:
        with (
            watching(recorder),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            Following(recorder) if follow else contextlib.nullcontext(),
        ):
            exec(code, {"__name__": "__main__", "__file__": code.co_filename})
    except (Exception, SystemExit, TooLong, Slow) as error:
        ended = error
    finally:
        sys.argv = before
        Environment.stepped = None
        torch.set_grad_enabled(grad)
    return recorder.happened, ended
