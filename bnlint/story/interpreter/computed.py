"""Names that a program puts together at run time: `import_module(f"models.{name}")`, `eval("models." + name + ".build")`.

What is known of such a text, the parts around the unknown ones, says which modules, classes and functions of the project it
may name: all of them are meant. Nothing is imported or executed; a text that tells nothing gives nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bnlint.program import model as ir
from bnlint.story.framework import Args
from bnlint.story.interpreter import expressions, importing, objects
from bnlint.story.joining import choose
from bnlint.story.machine import Run
from bnlint.story.memory import MISSING
from bnlint.story.values import NONE, UNKNOWN, Choice, Cls, Const, Data, Func, Lib, Module, Obj, Value, compound, options, text

Parts = tuple[str | None, ...]
"""a text in pieces; None stands for one that is unknown"""

MODULES = 60
"""modules that one computed name may mean; beyond, it tells too little"""
ALTERNATIVES = 12
"""classes of a module that an option may choose from"""
FIELD = re.compile(r"%[sd]|\{[\w.\[\]]*\}")


# --- texts that are known in part ------------------------------------------------------------


def joined(parts: list[Value]) -> Value:
    """An f-string, or any other text put together from values that are not all known."""
    symbols = [str(part.value) if type(part) is Const else part.symbol if type(part) is Data else None for part in parts]
    if not any(isinstance(part, str) and part for part in symbols):
        return UNKNOWN
    return Data(symbol=compound("text", *symbols))


def formatted(pattern: str, values: list[Value]) -> Value:
    """`pattern % values` or `pattern.format(...)` where a value is unknown: in the order of the fields."""
    pieces = FIELD.split(pattern)
    found: list[Value] = [Const(pieces[0])]
    for place, piece in enumerate(pieces[1:]):
        found += [values[place] if place < len(values) and len(values) == len(pieces) - 1 else UNKNOWN, Const(piece)]
    return joined(found)


def parts_of(value: Any) -> Parts:
    """What is known of a text."""
    if type(value) is Const:
        return (str(value.value),)
    symbol = value.symbol if type(value) is Data else value
    if not isinstance(symbol, tuple) or not symbol:
        return (None,)
    if symbol[0] == "text":
        return tuple(part if isinstance(part, str) else None for part in symbol[1:])
    if symbol[0] == "+" and len(symbol) == 3:
        return (*parts_of(symbol[1]), *parts_of(symbol[2]))
    return (None,)


def expression_of(parts: Parts, unknown: str) -> re.Pattern[str]:
    return re.compile("".join(unknown if part is None else re.escape(part) for part in parts))


# --- modules ---------------------------------------------------------------------------------


def import_module(run: Run, args: Args, node: ir.Call) -> Value | None:
    """`importlib.import_module(name, package)`"""
    name = args.get(0, "name")
    if name is None:
        return None
    found = [imported(run, parts_of(option), args.get(1, "package")) for option in options(name)]
    known = [value for value in found if value is not None]
    return choose(known) if known else None


def dunder_import(run: Run, args: Args, node: ir.Call) -> Value:
    """`__import__(name, fromlist=...)`: the module itself, without a list the outermost package of its name."""
    name = args.get(0, "name")
    if name is None:
        return UNKNOWN
    known = text(name)
    if known is not None and args.get(3, "fromlist") is None:
        return importing.named(run, known.partition(".")[0], 0)
    return imported(run, parts_of(name), None) or UNKNOWN


def imported(run: Run, parts: Parts, package: Value | None) -> Value | None:
    """The modules that a dotted name in pieces may mean; None where it tells nothing."""
    first = parts[0] if parts else None
    if not first:
        return None
    level = len(first) - len(first.lstrip("."))
    within = text(package) if level and package is not None else None
    if within is not None:
        parts, level = (f"{within}.{first.lstrip('.')}", *parts[1:]), 0
    if len(parts) == 1:
        value = importing.named(run, (parts[0] or "").lstrip("."), level)
        return None if value is UNKNOWN else value
    head, _, tail = (parts[0] or "").lstrip(".").rpartition(".")
    if not head and not level:
        return None
    here = run.frame.scope.module.path
    path = run.project.imports.resolve(here, head, level)
    if path is None:
        return None
    folder = path if not path.suffix else path.parent
    return below(run, folder, head, expression_of((tail, *parts[1:]), r"[\w.]+"))


def below(run: Run, folder: Path, name: str, wanted: re.Pattern[str]) -> Value | None:
    """The modules below a package's folder whose names within it match."""
    found: list[Value] = []
    prefix = folder.as_posix() + "/"
    programs = run.project.programs
    run.memory.work += len(programs)
    for path in sorted(programs):
        spelled = path.as_posix()
        if not spelled.startswith(prefix):
            continue
        dotted = spelled[len(prefix) :].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if wanted.fullmatch(dotted):
            module = importing.load(run, path, f"{name}.{dotted}")
            found += [module] if module is not None else []
    return choose(found) if 0 < len(found) <= MODULES else None


# --- members ---------------------------------------------------------------------------------


def members(run: Run, module: Module, parts: Parts) -> list[Value]:
    """The classes and functions of a module whose names match; of an unknown name, all that are not private."""
    wanted = expression_of(parts, r"\w+")
    return [
        value
        for key, value in run.memory.read_all(module.table).items()
        if isinstance(value, (Cls, Func)) and isinstance(key, str) and not key.startswith("_") and wanted.fullmatch(key)
    ]


def optional_member(run: Run, module: Module, name: str, otherwise: Value, node: ir.Expr) -> Value:
    """`getattr(module, option, otherwise)` by an option's default: in a module without it, any class may be meant."""
    if run.memory.read(module.table, name) is not MISSING:
        return expressions.get_attribute(run, module, name, node)
    classes = [value for value in members(run, module, (None,)) if isinstance(value, Cls) and value.module is module]
    return Choice((otherwise, *classes), tuple(classes)) if 0 < len(classes) < ALTERNATIVES else otherwise


def holding(run: Run, modules: tuple[Value, ...], attr: str) -> list[Value]:
    """Of several modules that may be meant, those that have the attribute which is asked for."""
    return [
        module
        for module in modules
        if isinstance(module, Module)
        and (run.memory.read(module.table, attr) is not MISSING or run.project.imports.submodule(module.path, attr))
    ]


def evaluated(run: Run, args: Args, node: ir.Call) -> Value:
    """`eval(text)` of a dotted name."""
    given = args.get(0)
    parts = parts_of(given) if given is not None else (None,)
    if parts[0] is None or not all(part is None or re.fullmatch(r"[\w.]*", part) for part in parts):
        return UNKNOWN
    components: list[list[str | None]] = [[]]
    for part in parts:
        pieces = [None] if part is None else part.split(".")
        components[-1].append(pieces[0])
        components.extend([piece] for piece in pieces[1:])
    owners: list[Value] = []
    for place, component in enumerate(components):
        known = "".join(piece for piece in component if piece is not None)
        if None not in component:
            if not known.isidentifier():
                return UNKNOWN
            if not place:
                owners = [expressions.name(run, ir.Name(node.start, node.end, known))]
            else:
                kept = holding(run, tuple(owners), known) or owners
                owners = [expressions.get_attribute(run, owner, known, node) for owner in kept[:MODULES]]
        elif not place:
            return UNKNOWN
        else:
            within = [owner for owner in owners if isinstance(owner, Module)]
            owners = [inner for owner in within for inner in parts_below(run, owner, tuple(component))]
    return choose(owners) if owners else UNKNOWN


def parts_below(run: Run, module: Module, parts: Parts) -> list[Value]:
    """Members of a package and the modules in it, by a name in pieces."""
    found = members(run, module, parts)
    if module.path.name == "__init__.py" or not module.path.suffix:
        folder = module.path.parent if module.path.suffix else module.path
        inner = below(run, folder, module.name, expression_of(parts, r"\w+"))
        found += options(inner) if inner is not None else ()
    return found


def named_by_option(run: Run) -> Value:
    """`eval(name)(...)`, `globals()[name](...)` of an unknown name: a class that is seen here, or an imported function."""
    module = run.frame.scope.module
    found: list[Value] = [
        value
        for value in members(run, module, (None,))
        if isinstance(value, Cls) or (isinstance(value, Func) and value.scope.module is not module)
    ]
    return choose(found) if found else UNKNOWN


def global_names(run: Run, args: Args, node: ir.Call) -> Value:
    """`globals()`: the module's names, as far as they are fixed."""
    made = objects.namespace(run, run.frame.scope.module)
    made.slots["#rest"] = UNKNOWN
    return made


def local_names(run: Run, args: Args, node: ir.Call) -> Value:
    """`locals()`, and `vars()` without an argument: the names of this function and what they hold now; else `x.__dict__`."""
    made = run.allocate(Lib("dict"), node)
    first = args.get(0)
    if isinstance(first, Obj) and first.lib == "types.SimpleNamespace":
        made.slots.update({name: value for name, value in run.memory.read_all(first.slots).items() if name[:1] != "#"})
        return made
    if first is not None:
        return expressions.get_attribute(run, first, "__dict__", node)
    made.slots.update({name: value for name, value in run.memory.read_all(run.frame.scope.table).items() if name[:1] != "#"})
    return made


def called_by_name(run: Run, func: ir.Expr) -> Value | None:
    """What `eval(name)(...)` or `globals()[name](...)` calls, where nothing else tells."""
    inner = func.value if isinstance(func, ir.Subscript) else func
    if not isinstance(inner, ir.Call) or not isinstance(inner.func, ir.Name):
        return None
    wanted = "globals" if isinstance(func, ir.Subscript) else "eval"
    if inner.func.id != wanted or expressions.name(run, inner.func) != Lib(f"builtins.{wanted}"):
        return None
    value = expressions.evaluate(run, func)
    if type(value) is Data or value is NONE or (wanted == "globals" and len(options(value)) > 1):
        return named_by_option(run)
    return value
