"""Python's standard library and small helpers around it: options, partial functions, copies, iterators."""

from __future__ import annotations

from bnlint.program import model as ir
from bnlint.story import libraries, mixing, named_tuples
from bnlint.story.framework import Args, Framework
from bnlint.story.frameworks import settings
from bnlint.story.interpreter import calls, computed, exit_stacks, expressions, iteration, lists
from bnlint.story.joining import choose, mix
from bnlint.story.machine import Run
from bnlint.story.nesting import clone
from bnlint.story.values import NONE, UNKNOWN, Const, Data, Lib, Obj, Partial, Tuple, Value, text

PASSED_ON = frozenset({
    "tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.notebook.tqdm", "tqdm.tqdm_notebook", "tqdm.autonotebook.tqdm", "tqdm.trange",
    "rich.progress.track", "progressbar.progressbar", "six.moves.range", "fastprogress.progress_bar", "copy.copy",
    "functools.lru_cache", "functools.cache", "typing.cast",
})  # fmt: skip


class Stdlib(Framework):
    roots = (
        "argparse", "click", "functools", "copy", "collections", "itertools", "sys", "os", "tqdm", "types", "typing", "rich",
        "easydict", "progressbar", "six", "fastprogress", "dataclasses", "contextlib", "random", "importlib",
        "omegaconf", "munch", "addict", "ml_collections", "operator",
    )  # fmt: skip

    def call(self, run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
        first = args.get(0)
        mixing.noted(run, name)
        if name == "argparse.ArgumentParser" or name.endswith(".ArgumentParser"):
            return run.allocate(Lib("argparse.ArgumentParser"), node)
        if name in ("click.option", "click.argument"):
            return option(run, args, node)
        if name == "functools.partial" and first is not None:
            return Partial(first, args.positional[1:], dict(args.keywords))
        if name == "dataclasses.replace" and isinstance(first, Obj):
            other = run.allocate(first.cls, node)
            other.slots.update({**first.slots, **args.keywords})
            return other
        if name == exit_stacks.STACK:
            return run.allocate(Lib(name), node)
        if name == "operator.methodcaller" and first is not None:
            return Partial(Lib("operator.called"), args.positional, dict(args.keywords))
        if name == "operator.called" and len(args.positional) > 1 and (wanted := text(args.positional[0])) is not None:
            member = expressions.get_attribute(run, args.positional[-1], wanted, node.func)
            return calls.call(run, member, Args(args.positional[1:-1], args.keywords), node)
        if name == "functools.wraps":
            return Lib("functools.identity")
        if name == "functools.identity":
            return first
        if name == "copy.deepcopy" and first is not None:
            return clone(run, first)
        if name in PASSED_ON:
            return first or args.get(None, "iterable") or UNKNOWN
        if name in ("collections.OrderedDict", "collections.defaultdict", "collections.Counter"):
            if not name.endswith("defaultdict"):
                return libraries.call(run, "builtins.dict", args, node)
            made = libraries.call(run, "builtins.dict", Args(args.positional[1:], args.keywords), node)
            if isinstance(made, Obj) and first is not None:
                made.slots["#factory"] = first
            return made
        if name == "collections.deque":
            made = lists.make_list(run, [], None, node)
            lists.escape(run, [made])
            return made
        if name.startswith("itertools."):
            return iterator(run, name.removeprefix("itertools."), args, node)
        if name == "importlib.import_module":
            return computed.import_module(run, args, node)
        if name in ("sys.exit", "os._exit"):
            return calls.NEVER
        made_settings = settings.call(run, name, args, node)
        return made_settings if made_settings is not None else named_tuples.made(run, name, args, node)

    def method(self, run: Run, owner: Value, name: str, args: Args, node: ir.Call) -> Value | None:
        if isinstance(owner, Obj) and owner.lib == exit_stacks.STACK:
            return exit_stacks.method(run, owner, name, args, node)
        if isinstance(owner, Obj) and name == "_replace":
            return named_tuples.replaced(run, owner, args, node)
        if not isinstance(owner, Obj) or owner.lib != "argparse.ArgumentParser":
            return settings.method(run, owner, name, args) if isinstance(owner, Obj) else None
        if name == "add_argument":
            add_option(run, owner, args)
            return NONE
        if name in ("add_argument_group", "add_mutually_exclusive_group"):
            return owner
        if name == "set_defaults":
            for key, value in args.keywords.items():
                run.memory.write(owner.slots, key, assumed(value, owner, key))
            return NONE
        if name in ("parse_args", "parse_known_args", "parse_intermixed_args"):
            made = run.allocate(Lib("argparse.Namespace"), node)
            for key, value in owner.slots.items():
                if not key.startswith("#"):
                    made.slots[key] = value
            return Tuple((made, UNKNOWN)) if name == "parse_known_args" else made
        return UNKNOWN

    def elements(self, run: Run, value: Value, node: ir.Expr) -> tuple[list[Value], Value | None] | None:
        held = named_tuples.values(run, value) if isinstance(value, Obj) else None
        return (held, None) if held is not None else None

    def item(self, run: Run, owner: Value, index: Value, node: ir.Expr) -> Value | None:
        if owner == Lib("sys.modules") and (wanted := text(index)) is not None:
            return next((module for module in run.modules.values() if module.name == wanted), None)
        if not isinstance(owner, Obj):
            return None
        key = text(index)
        kept = settings.item(run, owner, key) if key is not None else None
        return kept if kept is not None else named_tuples.item(run, owner, index)

    def attribute(self, run: Run, obj: Obj, attr: str, node: ir.Expr) -> Value | None:
        if obj.lib in ("argparse.Namespace", "types.SimpleNamespace") and attr not in settings.UPDATES:
            return Data(symbol=("option", obj.serial, attr), label=attr)
        return None


def option(run: Run, args: Args, node: ir.Call) -> Obj:
    """`@click.option("--batch-size", "batch", default=64)`: the default of the parameter of that name."""
    made = run.allocate(Lib("click.option"), node)
    names = [known for value in args.positional if (known := text(value)) is not None]
    plain = [name for name in names if not name.startswith("-")]
    long = [name for name in names if name.startswith("--")]
    key = (plain or [name.lstrip("-").partition("/")[0].replace("-", "_") for name in long or names] or [""])[0].lower()
    default = args.get(None, "default")
    if default is None and args.get(None, "is_flag") is not None:
        default = Const(False)
    made.slots["#options"] = ((key, assumed(default, made, key)),) if key else ()
    return made


FLAGS = {"store_true": True, "store_false": False}
"""action of an option that takes no value -> what it stores"""


def add_option(run: Run, parser: Obj, args: Args) -> None:
    """`add_argument("--batch-size", default=64)`: the option's value is its default, assumed."""
    names = [known for value in args.positional if (known := text(value)) is not None]
    long = next((name for name in names if name.startswith("--")), names[0] if names else "")
    given = args.get(None, "dest")
    key = (text(given) if given is not None else None) or long.lstrip("-").replace("-", "_")
    if not key:
        return
    default = args.get(None, "default")
    action = args.get(None, "action")
    kind = text(action) if action is not None else None
    if default is None and kind in FLAGS:
        default = Const(kind == "store_false")
    if kind in FLAGS and type(default) is Const and default.value is FLAGS[kind] and key not in parser.slots:
        run.memory.write(parser.slots, key, default)  # no command line can make anything else of it
        return
    run.memory.write(parser.slots, key, assumed(default, parser, key))


def assumed(value: Value | None, parser: Obj, key: str) -> Value:
    """A default: known as a size, never as an answer."""
    symbol = ("option", parser.serial, key)
    if type(value) is Const and value.value is not None:
        return Const(value.value, True, symbol)
    return Data(symbol=symbol, label=key)


def iterator(run: Run, name: str, args: Args, node: ir.Call) -> Value | None:
    first = args.get(0)
    if name in ("cycle", "islice", "tee") and first is not None:
        items, rest = iteration.elements(run, first, node)
        every = [*items, *([rest] if rest is not None else [])]
        return Tuple((), choose(every)) if every else UNKNOWN
    if name == "count":
        return Tuple((), Data(label="index"))
    if name == "chain":
        found: list[Value] = []
        rests: list[Value] = []
        for value in args.positional:
            items, rest = iteration.elements(run, value, node)
            found.extend(items)
            if rest is not None:
                rests.append(rest)
        return Tuple(tuple(found), choose(rests) if rests else None)
    if name in ("zip_longest",):
        return libraries.call(run, "builtins.zip", args, node)
    return mix(args.all())

