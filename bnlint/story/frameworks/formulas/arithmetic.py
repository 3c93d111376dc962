"""Arithmetic of values that carry formulas: what a value is, and what an operation on such values gives. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bnlint.findings import Place
from bnlint.story.framework import Args
from bnlint.story.frameworks.formulas import algebra
from bnlint.story.frameworks.formulas.algebra import Atom, Bounded, Correction, Formula, Moment, Sum
from bnlint.story.values import Choice, Const, Data, Value, options


@dataclass(frozen=True, slots=True)
class Measured:
    """A tensor's formula. home: the attribute that an operation in place changes; aside: seen through `.data`."""

    formula: Formula
    home: str | None = field(default=None, compare=False)
    aside: bool = field(default=False, compare=False)


def formula(value: Value) -> Formula | None:
    """What a value is, as a formula; None where that is not known."""
    if type(value) is Const:
        known = value.value
        return algebra.constant(known) if isinstance(known, (int, float)) and not isinstance(known, bool) else None
    if type(value) is Data:
        if isinstance(value.form, Measured):
            return value.form.formula
        if value.kind == "size":
            return algebra.single(Atom("size", "size"))
        return algebra.single(Atom(value.symbol, value.label)) if value.symbol is not None else None
    if isinstance(value, Choice):
        found = [option for option in value.options if not (type(option) is Const and option.value is None)]
        return formula(found[0]) if len(found) == 1 else None
    return None


def measured(value: Value) -> Measured | None:
    for option in options(value):
        if type(option) is Data and isinstance(option.form, Measured):
            return option.form
    return None


def computed(op: str, a: Formula | None, b: Formula | None) -> Formula | None:
    if a is None or b is None:
        return None
    if op in ("+", "-"):
        return algebra.add(a, b, 1.0 if op == "+" else -1.0)
    if op in ("*", "@"):
        return algebra.multiply(a, b)
    if op == "/":
        counts = all(isinstance(leaf, Atom) and leaf.name == "size" for leaf in algebra.leaves(b))
        summed = any(isinstance(leaf, Moment) and leaf.kind.startswith("sum") for leaf in algebra.leaves(a))
        if summed and not any(isinstance(leaf, Moment) for leaf in algebra.leaves(b)):
            return algebra.averaged(a) if counts else algebra.divide(algebra.averaged(a), b)
        return algebra.divide(a, b)
    exponent = algebra.number(b)
    return algebra.power(a, exponent) if exponent is not None else None


def added(name: str, start: Formula, args: Args) -> Formula | None:
    """`add(other, alpha=)`, `add(alpha, other)` of old versions, `addcmul(a, b, value=)`"""
    values = [formula(value) for value in args.positional]
    other = formula(args.keywords["other"]) if "other" in args.keywords else values[0] if values else None
    weight: Formula | None = algebra.constant(1)
    if name.startswith("addc"):
        if len(values) < 2 or values[-1] is None or values[-2] is None or name == "addcdiv":
            return None
        other = algebra.multiply(values[-2], values[-1])
        weight = formula(args.keywords["value"]) if "value" in args.keywords else weight
    elif "alpha" in args.keywords:
        weight = formula(args.keywords["alpha"])
    elif len(values) == 2:
        weight, other = values
    if other is None or weight is None:
        return None
    part = algebra.multiply(weight, other)
    return algebra.add(start, part, -1.0 if name.startswith("sub") else 1.0) if part is not None else None


def bounded(found: Formula) -> Formula | None:
    known = algebra.only(found)
    if known is not None and isinstance(known[0], Correction):
        return algebra.single(replace(known[0], clipped=True))
    return algebra.single(Bounded(found)) if algebra.depth(found) < algebra.DEPTH else None


def corrected(found: Formula, place: Place) -> Formula:
    """The r and d of batch renormalisation: the batch's spread in units of the kept one, and the distance of the means."""
    if not found or len(found) > 2:
        return found
    products = [product for product, _ in found]
    below = [kept_spread(product) for product in products]
    if not all(below):
        return found
    if any(isinstance(factor, Correction) or data_atom(factor) for factor in algebra.leaves(found)):
        return found
    moments = [factor for factor in algebra.leaves(found) if isinstance(factor, Moment)]
    cut = bool(moments) and all(factor.cut for factor in moments)
    if len(products) == 1:
        above = [(factor, exponent) for factor, exponent in products[0] if exponent > 0]
        batch = [1 for factor, exponent in above if spread_of_batch(factor)]
        return algebra.single(Correction("r", cut, False, place)) if batch and len(above) == 1 else found
    means = [1 for factor in moments if factor.kind == "mean"]
    signs = {coefficient > 0 for _, coefficient in found}
    return algebra.single(Correction("d", cut, False, place)) if len(means) == 1 and len(signs) == 2 else found


def kept_spread(product: algebra.Product) -> bool:
    """Whether a product divides by the root of something kept."""
    return any(
        exponent < 0 and any(isinstance(leaf, Atom) and leaf.kept for leaf in algebra.leaves(algebra.single(factor)))
        for factor, exponent in product
    )


def spread_of_batch(factor: algebra.Factor) -> bool:
    return any(isinstance(leaf, Moment) and leaf.kind in ("var", "std") for leaf in algebra.leaves(algebra.single(factor)))


def data_atom(factor: algebra.Factor) -> bool:
    return isinstance(factor, Atom) and not factor.kept


def is_atom(form: Measured) -> bool:
    known = algebra.only(form.formula)
    return known is not None and isinstance(known[0], (Atom, Sum))


def last_name(form: Measured | None) -> str:
    known = algebra.only(form.formula) if form is not None else None
    return known[0].name if known is not None and isinstance(known[0], Atom) else ""
