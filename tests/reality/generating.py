"""Programs for the engine to be tested with: written at random, each of them runs to its end in a few milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from tests.reality.layouts import laid_out
from tests.reality.scopes import Function, Scope

T = TypeVar("T")
Lines = list[str]
DEEPEST = 3
FORWARDS = 80
"""how many forwards a program may make, about"""


PARTS = {
    "Pair": (".a", ".b", ".first"), "Stack": (".tail", ".blocks[0]", ".blocks"), "Net": (".bn",), "Frozen": (".bn",),
    "Guarded": (".net", ".head", ".net.bn"), "Wrap": (".inner",), "Hidden": (".parts[0]", ".out"), "Nested": ("[0]", "[1]"),
    "Sequential": ("[1]",), "Freezing": (".inner", ".bn"), "Own": (".bn",), "DataParallel": (".module",),
    "Mixed": (".bn",), "Thawed": (".bn",), "Sampling": (".net", ".out"), "OnlyTraining": (".bn", ".aux"),
    "Partly": (".backbone", ".head"),
}  # fmt: skip
"""the parts of each kind of network"""


@dataclass(frozen=True, slots=True)
class Program:
    """A generated program: its files by name, the one that is run last, and which words on its command line its flags ask for.

    decided: the text alone decides what happens: it has no flags, and no handler of an exception that nothing raises surely
    (for any call may raise one).
    """

    files: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    decided: bool = True

    @property
    def text(self) -> str:
        """All its files, one after the other."""
        if len(self.files) == 1:
            return self.files[0][1]
        return "\n".join(f"# ---- {name}\n{text}" for name, text in self.files)


def programs() -> st.SearchStrategy[Program]:
    """Programs by a number each: hypothesis left to choose word by word writes many that differ in a word only."""
    return st.integers(0, 2**64).map(lambda number: Writer(Random(number)).program())


@dataclass(slots=True)
class Writer:
    """Writes one program; `dice` make its choices."""

    dice: Random
    names: int = 0
    flags: list[str] = field(default_factory=list)
    decided: bool = True

    def pick(self, choices: Sequence[T]) -> T:
        return self.dice.choice(choices)

    def chance(self, one_in: int) -> bool:
        return self.dice.randrange(one_in) == 0

    def number(self, low: int, high: int) -> int:
        return self.dice.randint(low, high)

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    # --- the program ---------------------------------------------------------------------

    def program(self) -> Program:
        functions: list[Function] = []
        texts: Lines = []
        undecided = self.chance(2)
        for _ in range(self.number(0, 3)):
            function, text = self.function(functions)
            functions.append(function)
            texts += ["", *text]
        scope = Scope(functions=tuple(functions))
        body = self.opening(scope, undecided)
        body += self.block(scope, self.number(3, 7), 0)
        if self.chance(2):
            body = ["if __name__ == '__main__':", *indented(body)]
        elif self.chance(2):
            body = ["def main():", *indented(body), "", "main()"]
        return Program(laid_out(texts, body, self.dice), tuple(self.flags), self.decided and not self.flags)

    def opening(self, scope: Scope, undecided: bool) -> Lines:
        lines = []
        for _ in range(self.number(1, 2)):
            name = self.name("x")
            size = self.number(2, 6)
            lines.append(f"{name} = torch.randn({size}, 4)")
            scope.tensors.append(name)
        for _ in range(self.number(1, 3)):
            lines += self.new_network(scope)
        if undecided:
            for _ in range(self.number(1, 2)):
                name = self.name("flag")
                self.flags.append(name)
                lines.append(f"{name} = '{name}' in sys.argv")
                scope.flags.append(name)
        if self.chance(3):
            lines.append("import gym")
            name = self.name("env")
            lines.append(f"{name} = gym.make('CartPole-v1')")
            scope.envs.append(name)
        if self.chance(3):
            name = self.name("loader")
            size, batch = self.number(4, 9), self.number(2, 4)
            more = self.pick(["", ", drop_last=True", ", shuffle=True", ", shuffle=True, drop_last=True"])
            if size % batch == 1:  # one example alone cannot be normalised in train mode
                size += 1
            data = f"TensorDataset(torch.randn({size}, 4), torch.zeros({size}))"
            lines.append(f"{name} = DataLoader({data}, batch_size={batch}{more})")
            scope.loaders.append(name)
        if self.chance(2):
            name = self.name("known")
            lines.append(f"{name} = {self.pick(['True', 'False'])}")
            scope.flags.append(name)
        return lines

    # --- networks ------------------------------------------------------------------------

    def new_network(self, scope: Scope) -> Lines:
        name = self.name("net")
        text, kind = self.network(scope, 2)
        scope.nets[name] = kind
        return [f"{name} = {text}"]

    def network(self, scope: Scope, depth: int) -> tuple[str, str]:
        """An expression that builds a network, and of which kind."""
        kinds = ["Net", "Net", "Frozen", "Guarded", "Stack", "Sequential", "Own"]
        if depth:
            kinds += ["Pair", "Wrap", "Hidden", "Nested", "Freezing", "DataParallel"]
        if scope.nets:
            kinds += ["deepcopy", "given", "chosen"]
        kind = self.pick(kinds)

        def inner() -> str:
            return self.network(scope, depth - 1)[0]

        match kind:
            case "Freezing":
                return f"Freezing({inner()})", kind
            case "DataParallel":
                return f"nn.DataParallel({inner()})", kind
            case "Net" | "Frozen" | "Own":
                return f"{kind}()", kind
            case "Guarded":
                return f"Guarded({self.pick(['True', 'False', 'freeze=True'])})", kind
            case "Stack":
                return f"Stack({self.number(1, 3)})", kind
            case "Sequential":
                return "nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())", kind
            case "Nested":
                return f"nn.Sequential({inner()}, {inner()})", kind
            case "Pair":
                return f"Pair({inner()}, {inner()})", kind
            case "Wrap":
                return f"Wrap({inner()}{self.pick(['', ', copies=True'])})", kind
            case "Hidden":
                return f"Hidden({inner()})", kind
            case "deepcopy":
                name = self.pick(sorted(scope.nets))
                return f"copy.deepcopy({name})", scope.nets[name]
            case "chosen":
                a, b = self.pick(sorted(scope.nets)), self.pick(sorted(scope.nets))
                return f"{a} if {self.condition(scope)} else {b}", "any"
        name = self.pick(sorted(scope.nets))
        return name, scope.nets[name]

    def net(self, scope: Scope, *, applied: bool = False) -> str:
        """An expression for a network that is there, or for a part of one."""
        name = self.pick(sorted(scope.nets))
        parts = PARTS.get(scope.nets[name], ())
        if parts and self.chance(3):
            part = self.pick(parts)
            if not (applied and part == ".blocks"):
                return name + part
        return name

    # --- conditions ----------------------------------------------------------------------

    def flag(self, scope: Scope) -> str:
        kinds = ["True", "False", *scope.flags, *scope.flags, *(f"not {flag}" for flag in scope.flags)]
        return self.pick(kinds)

    def condition(self, scope: Scope) -> str:
        net = self.pick(sorted(scope.nets))
        kinds = [self.flag, self.flag, self.flag]
        text = self.pick(kinds)(scope)
        more = ["", "", f"{net}.training", f"not {net}.training", f"isinstance({net}, nn.Module)", "1 < 2"]
        more += [f"{counter} == {self.number(0, 2)}" for counter in scope.counters]
        more += [f"{counter} % 2 == 0" for counter in scope.counters]
        more += [f"{text} and {net}.training", f"{text} or not {net}.training"]
        return self.pick(more) or text

    # --- functions -----------------------------------------------------------------------

    def function(self, earlier: Sequence[Function], tables: Scope | None = None) -> tuple[Function, Lines]:
        """A function with a network, an input and a flag for parameters; what it gives back depends on its kind."""
        kind = self.pick(["action", "action", "step", "step", "prepare", "generator", "context", "raising"])
        outer = tables or Scope()
        scope = replace(
            outer, nets={**outer.nets, "net": "any"}, tensors=[*outer.tensors, "x"], flags=[*outer.flags, "flag"],
            functions=(*outer.functions, *earlier), within=kind, counters=[], looping=False,
        )  # fmt: skip
        body = self.block(scope, self.number(1, 4), 1)
        name = self.name("do")
        lines: Lines = []
        if kind in ("step", "action") and self.chance(3):
            decorator = self.pick(["torch.no_grad()", "torch.no_grad()", "in_eval", "torch.enable_grad()"])
            lines.append(f"@{decorator}")
        if kind == "context":
            lines.append("@contextlib.contextmanager")
        default = self.pick(["True", "False"])
        lines.append(f"def {name}(net, x, flag={default}):")
        match kind:
            case "step":
                body.append(self.pick(["return net(x)", "out = net(x)\nreturn out"]))
            case "prepare":
                body.append("return net")
            case "generator":
                body += [f"for turn in range({self.number(1, 2)}):", "    yield x"]
                body += self.block(scope, 1, 1)
            case "context":
                after = self.block(scope, 1, 1)
                if self.chance(2):
                    body += ["try:", "    yield net", "finally:", *indented(after)]
                else:
                    body += ["yield net", *after]
            case "raising":
                body += [f"if {self.condition(scope)}:", "    raise ValueError('stop')", *self.block(scope, 1, 1)]
        split = [line for part in body for line in part.split("\n")]
        return Function(name, kind, scope.forwards + 1), [*lines, *indented(split)]

    def call(self, function: Function, scope: Scope) -> str:
        scope.forwards += function.forwards
        arguments = [self.net(scope, applied=True), self.pick(scope.tensors)]
        if self.chance(2):
            arguments.append(self.pick(["", "flag="]) + self.flag(scope))
        return f"{function.name}({', '.join(arguments)})"

    # --- statements ----------------------------------------------------------------------

    def block(self, scope: Scope, count: int, depth: int) -> Lines:
        lines: Lines = []
        for _ in range(count):
            lines += self.statement(scope, depth)
        return lines

    def inner(self, scope: Scope, depth: int, **changes: object) -> Lines:
        """A block of its own: what it binds is not seen after it."""
        inside = replace(scope, nets=dict(scope.nets), tensors=list(scope.tensors), counters=list(scope.counters), forwards=0)
        for name, value in changes.items():
            setattr(inside, name, value)
        lines = self.block(inside, self.number(1, 2), depth + 1)
        scope.forwards += inside.forwards
        return indented(lines)

    def statement(self, scope: Scope, depth: int) -> Lines:
        from tests.reality import habits, schemes, sentences

        compound = depth < DEEPEST and scope.forwards < FORWARDS and self.chance(2 + depth)
        if compound:
            kinds = schemes.SCHEMES if self.chance(4) else sentences.COMPOUND
            return self.pick(kinds)(self, scope, depth)
        write: Callable[[Writer, Scope], Lines] = self.pick(habits.HABITS if self.chance(3) else sentences.SIMPLE)
        return write(self, scope)


def indented(lines: Lines) -> Lines:
    return [f"    {line}" if line else line for line in lines]
