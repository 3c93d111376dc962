"""Formulas of own normalisation code: sums of products of what a module keeps, is given, and takes moments of.

A small algebra, exact where it answers and None where it would grow: it tells `(x - mean) / sqrt(var + eps)` from
`(x - mean) / (sqrt(var) + eps)`, and whether the weights of an average sum to one. Pure; knows no machine and no library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from bnlint.findings import Place

TERMS = 16
"""a formula of more terms is given up"""
DEPTH = 5
"""formulas inside factors of formulas, nested deeper than this, are given up"""


@dataclass(frozen=True, slots=True)
class Atom:
    """A tensor or number that is not computed here: an attribute of the module itself (`kept`), or something given.

    moved: a view whose first axis is the channel; cut: detached.
    """

    owner: Any
    name: str
    kept: bool = False
    moved: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment over the batch axis: "mean", "var", "std", "square" (mean of squares), or the "sum" that one is made of.

    around: what a variance was taken around, None for its own mean. cut: no gradient flows back through it.
    """

    kind: str
    of: Formula
    around: Formula | None = None
    cut: bool = False
    place: Place | None = field(default=None, compare=False)
    sure: bool = field(default=True, compare=False)
    """whether it is known that the axes are those of a batch norm"""


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum as a factor, to some power."""

    base: Formula


@dataclass(frozen=True, slots=True)
class Bounded:
    """A formula that was clipped."""

    inner: Formula


@dataclass(frozen=True, slots=True)
class Correction:
    """The r (a scale) or d (a shift) of batch renormalisation."""

    kind: str
    cut: bool
    clipped: bool
    place: Place | None = field(default=None, compare=False)


Factor: TypeAlias = Atom | Moment | Sum | Bounded | Correction
Product: TypeAlias = frozenset[tuple[Factor, float]]
"""factors with their exponents"""
Formula: TypeAlias = frozenset[tuple[Product, float]]
"""products with their coefficients"""

ONE: Product = frozenset()
ZERO: Formula = frozenset()


def constant(value: float) -> Formula:
    return frozenset({(ONE, float(value))}) if value else ZERO


def single(factor: Factor, exponent: float = 1.0) -> Formula:
    return frozenset({(frozenset({(factor, exponent)}), 1.0)})


def only(formula: Formula | None) -> tuple[Factor, float, float] | None:
    """The one factor, its exponent and its coefficient, of a formula that has no other."""
    if formula is not None and len(formula) == 1:
        ((product, coefficient),) = formula
        if len(product) == 1:
            ((factor, exponent),) = product
            return factor, exponent, coefficient
    return None


def number(formula: Formula) -> float | None:
    """The value of a formula that is a constant."""
    if not formula:
        return 0.0
    if len(formula) == 1:
        ((product, coefficient),) = formula
        return coefficient if not product else None
    return None


def factors(formula: Formula) -> Iterator[Factor]:
    """The factors of all products, not those inside them."""
    for product, _ in formula:
        for factor, _ in product:
            yield factor


def inner(factor: Factor) -> Formula:
    """What a factor is itself made of."""
    if isinstance(factor, Sum):
        return factor.base
    return factor.inner if isinstance(factor, Bounded) else ZERO


def leaves(formula: Formula) -> Iterator[Factor]:
    """Every atom, moment and correction that a formula depends on, also inside sums; not what moments are taken of."""
    for factor in factors(formula):
        if isinstance(factor, (Sum, Bounded)):
            yield from leaves(inner(factor))
        else:
            yield factor


def atoms(formula: Formula) -> Iterator[Atom]:
    return (leaf for leaf in leaves(formula) if isinstance(leaf, Atom))


def depth(formula: Formula) -> int:
    deepest = 0
    for factor in factors(formula):
        if isinstance(factor, Moment):
            deepest = max(deepest, 1 + depth(factor.of))
        elif isinstance(factor, (Sum, Bounded)):
            deepest = max(deepest, 1 + depth(inner(factor)))
    return deepest


def gathered(terms: dict[Product, float]) -> Formula | None:
    kept = frozenset((product, round(value, 12)) for product, value in terms.items() if abs(value) > 1e-12)
    return kept if len(kept) <= TERMS and depth(kept) <= DEPTH else None


def add(a: Formula, b: Formula, weight: float = 1.0) -> Formula | None:
    """a + weight * b; the mean of squares less the square of the mean is a variance."""
    terms = dict(a)
    for product, coefficient in b:
        terms[product] = terms.get(product, 0.0) + weight * coefficient
    for product, coefficient in list(terms.items()):
        known = only(frozenset({(product, coefficient)}))
        if known is not None and isinstance(known[0], Moment) and known[0].kind.endswith("square") and known[1] == 1:
            square = known[0]
            below = squared_mean(square)
            for other in [other for other in terms if plain_product(other) == below]:
                if abs(terms[other] + coefficient) < 1e-12:
                    own = square.cut and all(factor.cut for factor, _ in other if isinstance(factor, Moment))
                    del terms[product], terms[other]
                    kind = square.kind.replace("square", "var")
                    terms[frozenset({(Moment(kind, square.of, None, own, square.place, square.sure), 1.0)})] = coefficient
                    return gathered(terms)
    return gathered(terms)


def squared_mean(square: Moment) -> Product:
    """What has to be taken from a mean (or sum) of squares to get a variance (or sum of deviations)."""
    mean = Moment("mean", square.of)
    if square.kind == "square":
        return frozenset({(mean, 2.0)})
    return frozenset({(mean, 1.0), (Moment("sum of mean", square.of), 1.0)})


def plain_product(product: Product) -> Product:
    return frozenset((replace(factor, cut=False) if isinstance(factor, Moment) else factor, power) for factor, power in product)


def multiply(a: Formula, b: Formula) -> Formula | None:
    if len(a) * len(b) > TERMS:
        return None
    if len(a) > 1 and a == b:
        return single(Sum(a), 2.0)
    terms: dict[Product, float] = {}
    for left, x in a:
        for right, y in b:
            product = join(left, right)
            terms[product] = terms.get(product, 0.0) + x * y
    return gathered(terms)


def join(a: Product, b: Product) -> Product:
    exponents = dict(a)
    for factor, exponent in b:
        exponents[factor] = exponents.get(factor, 0.0) + exponent
    return frozenset((factor, exponent) for factor, exponent in exponents.items() if exponent)


def power(a: Formula, exponent: float) -> Formula | None:
    """a ** exponent; a sum stays together as a factor."""
    if not a or exponent == 0:
        return None
    if exponent == 1:
        return a
    if len(a) > 1:
        return single(Sum(a), exponent) if depth(a) < DEPTH else None
    ((product, coefficient),) = a
    if coefficient < 0 and exponent != int(exponent):
        return None
    raised = frozenset((factor, own * exponent) for factor, own in product)
    known = only(frozenset({(raised, 1.0)}))
    scale = float(coefficient**exponent)
    if known is not None and isinstance(known[0], Sum) and known[1] == 1:
        return multiply(known[0].base, constant(scale))
    return frozenset({(raised, scale)})


def divide(a: Formula, b: Formula) -> Formula | None:
    below = power(b, -1.0)
    return multiply(a, below) if below is not None else None


def changed(formula: Formula, change: Callable[[Factor], Factor]) -> Formula:
    """The formula with every atom, moment and correction replaced, also inside sums."""

    def go(factor: Factor) -> Factor:
        if isinstance(factor, Sum):
            return Sum(changed(factor.base, change))
        if isinstance(factor, Bounded):
            return Bounded(changed(factor.inner, change))
        return change(factor)

    terms: dict[Product, float] = {}
    for product, coefficient in formula:
        made: Product = ONE
        for factor, exponent in product:
            made = join(made, frozenset({(go(factor), exponent)}))
        terms[made] = terms.get(made, 0.0) + coefficient
    return frozenset((product, value) for product, value in terms.items() if value)


def turned(formula: Formula) -> Formula:
    """Data whose batch and channel axes change places."""

    def turn(factor: Factor) -> Factor:
        return replace(factor, moved=not factor.moved) if isinstance(factor, Atom) and not factor.kept else factor

    return changed(formula, turn)


def cut(formula: Formula) -> Formula:
    """Detached: the same numbers, without a gradient."""
    return changed(formula, lambda factor: factor if isinstance(factor, (Sum, Bounded)) else replace(factor, cut=True))


def plain(formula: Formula) -> Formula:
    """The same numbers, whatever gradient they carry."""
    return changed(formula, lambda factor: factor if isinstance(factor, (Sum, Bounded)) else replace(factor, cut=False))


def is_cut(formula: Formula) -> bool:
    """Whether no gradient flows back through a formula: every part of it was given, kept, or detached."""
    found = (leaf for leaf in leaves(formula) if not isinstance(leaf, (Sum, Bounded)))
    return all(leaf.cut or (isinstance(leaf, Atom) and leaf.kept) for leaf in found)


# --- moments ---------------------------------------------------------------------------------


def mean(formula: Formula, summed: bool, place: Place | None, sure: bool = True) -> Formula | None:
    """The mean (or sum) of a formula over the batch axis."""
    data = plain(formula)
    if not data:
        return None
    if all(isinstance(factor, Moment) for factor in leaves(data)):
        return formula  # a mean over the axes that are left
    own = is_cut(formula)
    kind = "mean"
    of: Formula = data
    around: Formula | None = None
    known = only(data)
    if known is not None and known[2] == 1 and known[1] == 2:
        if isinstance(known[0], Atom):
            kind, of = "square", single(known[0])
        elif isinstance(known[0], Sum):
            parts = centred(known[0].base)
            if parts is None:
                return None
            kind, of = "var", parts[0]
            around = None if parts[1] == single(Moment("mean", of)) else parts[1]
    made = Moment(f"sum of {kind}" if summed else kind, of, around, own, place, sure)
    return single(made) if depth(of) < DEPTH else None


def centred(formula: Formula) -> tuple[Formula, Formula] | None:
    """`x - m` as x and m: x is the one term that is no moment and not kept."""
    data = [
        (product, coefficient)
        for product, coefficient in formula
        if coefficient > 0 and product and all(isinstance(factor, Atom) and not factor.kept for factor, _ in product)
    ]
    if len(data) != 1 and len(formula) == 2:
        data = [item for item in formula if item[1] > 0]
    if len(data) != 1 or data[0][1] != 1 or len(formula) < 2:
        return None
    rest = frozenset((product, -coefficient) for product, coefficient in formula if (product, coefficient) != data[0])
    return frozenset(data), rest


def averaged(formula: Formula) -> Formula:
    """A sum that is divided by a count is a mean."""

    def change(factor: Factor) -> Factor:
        if isinstance(factor, Moment) and factor.kind.startswith("sum of "):
            return replace(factor, kind=factor.kind.removeprefix("sum of "))
        return factor

    return changed(formula, change)
