"""Finds the rules: the files of the rules folder, and those that other packages offer as plugins.

It must never name a rule or import one by its name: a rule is there because its file is.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from bnlint.builtin import BUILTIN
from bnlint.rule import Rule

ENTRY_POINTS = "bnlint.rules"
FILE_NAME = re.compile(r"bn\d{3}_[a-z0-9_]+\.py")
CODE = re.compile(r"[A-Z]{2,8}\d{3,4}")


class RulebookError(Exception):
    """A rule cannot be loaded; the message says which and why."""


def rules_folder() -> Path:
    """The folder of the rule files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "rules"
    return inside if inside.is_dir() else package.parent / "rules"


def rule_files() -> list[Path]:
    return sorted(path for path in rules_folder().glob("bn*.py") if FILE_NAME.fullmatch(path.name))


def load_file(path: Path) -> ModuleType:
    """Execute a rule file as the module `bnlint.rules.<stem>`; a second call gives the same module."""
    name = f"bnlint.rules.{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RulebookError(f"{path.name} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    # `rule` reads the docstring of the module through sys.modules while the module is being executed
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise RulebookError(f"rule file {path.name} fails to load: {type(error).__name__}: {error}") from error
    return module


def rules_of(module: ModuleType) -> list[Rule]:
    return [value for value in vars(module).values() if isinstance(value, Rule)]


@cache
def load_rules() -> tuple[Rule, ...]:
    """All rules by code, the built-in codes not among them.

    A file that holds only its page is skipped here. Raises RulebookError when a file or a plugin is broken, or
    when two rules share a code or a name.
    """
    found: list[Rule] = []
    for path in rule_files():
        rules = rules_of(load_file(path))
        if len(rules) > 1:
            raise RulebookError(f"rule file {path.name} declares {len(rules)} rules, a file holds one")
        found.extend(rules)
    found.extend(_plugins())
    taken: dict[str, Rule] = {}
    for rule in (*BUILTIN, *found):
        for key in (rule.code, rule.name):
            if key in taken:
                raise RulebookError(f"{key} is declared twice")
            taken[key] = rule
    return tuple(sorted(found, key=lambda rule: rule.code))


def catalogue() -> tuple[Rule, ...]:
    """Everything that has a code: the built-in ones, then the rules."""
    return (*BUILTIN, *load_rules())


def has_plugins() -> bool:
    """Whether some rule is not bnlint's own."""
    return any(not rule.code.startswith("BN") for rule in load_rules())


def _plugins() -> list[Rule]:
    """Rules of other packages: each entry point gives a Rule, or a module or sequence that holds some."""
    from importlib.metadata import entry_points

    found: list[Rule] = []
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            target = entry.load()
        except Exception as error:
            raise RulebookError(f"plugin {entry.name} ({entry.value}) fails to load: {type(error).__name__}: {error}") from error
        if isinstance(target, Rule):
            rules = [target]
        elif isinstance(target, ModuleType):
            rules = rules_of(target)
        elif isinstance(target, (list, tuple)) and all(isinstance(item, Rule) for item in target):
            rules = list(target)
        else:
            rules = []
        if not rules:
            raise RulebookError(f"plugin {entry.name} ({entry.value}) offers no rule")
        for rule in rules:
            if rule.code.startswith("BN") or not CODE.fullmatch(rule.code):
                raise RulebookError(
                    f"plugin {entry.name} ({entry.value}): {rule.code!r} is no code for a plugin;"
                    " wanted are capitals and digits, and BN is kept for bnlint's own rules"
                )
        found.extend(rules)
    return found
