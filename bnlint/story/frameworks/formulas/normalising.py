"""What own normalisation code does, read off the formulas it computed. Pure; knows no machine.

A factor is a statistic by what happened to it: it is a moment over the batch axis, or something kept that is updated by
one. Names decide only for what is never updated (a frozen batch norm).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bnlint.findings import Place
from bnlint.story.events import Where
from bnlint.story.events.handmade import Source
from bnlint.story.frameworks.formulas import algebra
from bnlint.story.frameworks.formulas.algebra import Atom, Bounded, Correction, Factor, Formula, Moment, Product, Sum
from bnlint.story.frameworks.formulas.records import Step, Update

Eps = Literal["inside", "outside", "bounded", "none", "stored"]
Roles = dict[str, str]
"""names of what is kept -> "mean", "var" or "std" """

NAMED = (
    (re.compile(r"(^|_)(mean|mu)s?$"), "mean"),
    (re.compile(r"(^|_)(var|variance)s?$"), "var"),
    (re.compile(r"(^|_)(std|stddev)$"), "std"),
)


@dataclass(frozen=True, slots=True)
class Average:
    """`a * old + b * moment (+ more)` of something kept."""

    name: str
    kind: str
    old: Formula
    new: Formula
    more: Formula
    moment: Moment
    where: Where


@dataclass(frozen=True, slots=True)
class Normalisation:
    """`(x - centre) * scale` in a formula."""

    centre: Source
    scale: Source
    eps: Eps
    detached: bool
    affine: bool
    sure: bool
    root: Factor
    corrections: frozenset[Correction]
    where: Where


def named(name: str) -> str | None:
    return next((role for pattern, role in NAMED if pattern.search(name)), None)


# --- averages --------------------------------------------------------------------------------


def averages(updates: Iterable[Update], kept: bool) -> list[Average]:
    """The updates that mix what was there with a moment of the batch; `kept`: of attributes, else of given variables."""
    found: dict[tuple[str, Place], Average] = {}
    for update in updates:
        made = average(update, kept)
        if made is not None:
            found[update.name, update.where.place] = made
    return list(found.values())


def average(update: Update, kept: bool) -> Average | None:
    old: dict[Product, float] = {}
    new: dict[Product, float] = {}
    more: dict[Product, float] = {}
    moments: set[tuple[str, Moment]] = set()
    for product, coefficient in update.formula:
        own = [pair for pair in product if is_kept(pair[0], update.name, kept)]
        statistics = [(pair, statistic(*pair)) for pair in product]
        batch = [(pair, known) for pair, known in statistics if known is not None]
        if own and not batch and own[0][1] == 1:
            old[product - {own[0]}] = coefficient
        elif len(batch) == 1 and not own:
            moments.add(batch[0][1])
            new[product - {batch[0][0]}] = coefficient
        elif not own and not batch:
            more[product] = coefficient
        else:
            return None
    if not old or len(moments) != 1:
        return None
    if any(atom.kept for atom in algebra.atoms(frozenset(more.items()))):
        return None  # other things that are kept: sums over several batches
    kind, moment = moments.pop()
    return Average(
        update.name, kind, frozenset(old.items()), frozenset(new.items()), frozenset(more.items()), moment, update.where
    )


def is_kept(factor: Factor, name: str, kept: bool) -> bool:
    return isinstance(factor, Atom) and factor.kept is kept and factor.name == name


def statistic(factor: Factor, exponent: float) -> tuple[str, Moment] | None:
    """A moment as a factor, also as a root or with a constant added."""
    if isinstance(factor, Moment) and factor.kind in ("mean", "var", "std"):
        if exponent == 1:
            return factor.kind, factor
        return ("std", factor) if factor.kind == "var" and exponent == 0.5 else None
    if isinstance(factor, Sum) and exponent == 0.5:
        inside = [leaf for leaf in algebra.leaves(factor.base) if isinstance(leaf, Moment) and leaf.kind == "var"]
        return ("std with eps", inside[0]) if len(inside) == 1 else None
    return None


def total(average: Average) -> tuple[str, bool]:
    """What the weights of an average add up to, in words, and whether they are numbers; "" for one or unknown."""
    whole = algebra.add(average.old, average.new)
    if whole is None or number_near(whole, 1.0):
        return "", False
    old, new = set(algebra.factors(average.old)), set(algebra.factors(average.new))
    if not old and not new:
        value = algebra.number(whole)
        return (f"{value:g}", True) if value is not None and abs(value - 1) > 1e-6 else ("", False)
    if number_near(average.new, 1.0) or len(old | new) != 1:
        return "", False  # a sum that is divided elsewhere, a correction of the variance, two names that may add up
    (name,) = old | new
    if not isinstance(name, Atom) or name.name == "size":
        return "", False
    return written(whole, name.name), False


def number_near(formula: Formula, value: float) -> bool:
    known = algebra.number(formula)
    return known is not None and abs(known - value) < 1e-6


def written(formula: Formula, name: str) -> str:
    """A formula in one name: `1 + momentum`, `2 * momentum`."""
    parts: list[str] = []
    for product, coefficient in sorted(formula, key=lambda term: len(term[0])):
        size = f"{abs(coefficient):g}"
        text = size if not product else name if size == "1" else f"{size} * {name}"
        parts.append((" - " if coefficient < 0 else " + ") + text)
    whole = "".join(parts).strip()
    return whole.removeprefix("+ ") or "0"


# --- normalisations --------------------------------------------------------------------------


def normalisations(steps: Iterable[Step], roles: Roles, kept: bool) -> list[Normalisation]:
    """Every different normalisation that the steps compute, at the step where it is first seen; affine where any of them is."""
    found: dict[tuple[object, ...], Normalisation] = {}
    for step in steps:
        for made in in_formula(step, roles, kept):
            key = (made.root, made.centre, made.eps, made.corrections)
            before = found.get(key)
            if before is None:
                found[key] = made
            elif made.affine and not before.affine:
                found[key] = replace(before, affine=True)
    return drop_partial(found.values())


def drop_partial(found: Iterable[Normalisation]) -> list[Normalisation]:
    """Without those that a later correction completes: `(x - mean) / std` on the way to `(x - mean) / std * r + d`."""
    corrected = [one for one in found if one.corrections]
    return [
        one
        for one in found
        if not any(
            one is not other and one.root == other.root and one.corrections < other.corrections for other in corrected
        )
    ]


def in_formula(step: Step, roles: Roles, kept: bool) -> Iterator[Normalisation]:
    terms = list(step.formula)
    if not 2 <= len(terms) <= algebra.TERMS:
        return
    corrections = frozenset(factor for factor in algebra.factors(step.formula) if isinstance(factor, Correction))
    for product, coefficient in terms:
        data = [
            (factor, exponent)
            for factor, exponent in product
            if isinstance(factor, Atom) and not factor.kept and exponent == 1 and role(factor, roles, kept) is None
        ]
        scales = [(factor, exponent, scale(factor, exponent, roles, kept)) for factor, exponent in product]
        known = [(factor, exponent, given) for factor, exponent, given in scales if given is not None]
        if not data or len(known) != 1:
            continue
        factor, _, given = known[0]
        for candidate in data:
            rest = product - {candidate}
            centre = frozenset(
                (other - rest, -weight / coefficient)
                for other, weight in terms
                if rest <= other and candidate[0] not in dict(other) and other != rest
            )
            source = sources((leaf for leaf in algebra.leaves(centre)), roles, kept, ("mean",))
            if not centre or source is None:
                continue
            learnt = {other for other, _ in rest if isinstance(other, Atom) and other.kept and role(other, roles, kept) is None}
            detached = algebra.is_cut(centre) and algebra.is_cut(algebra.single(factor))
            moments = [*algebra.leaves(centre), *algebra.leaves(algebra.single(factor))]
            sure = all(leaf.sure for leaf in moments if isinstance(leaf, Moment))
            yield Normalisation(source, given[0], given[1], detached, bool(learnt), sure, factor, corrections, step.where)
            break


def role(factor: Factor, roles: Roles, kept: bool) -> str | None:
    """Which statistic something kept is: by its updates, else by its name."""
    if not isinstance(factor, Atom) or factor.kept is not kept:
        return None
    return roles.get(factor.name) or (named(factor.name) if kept or roles else None)


def sources(leaves: Iterable[Factor], roles: Roles, kept: bool, kinds: tuple[str, ...]) -> Source | None:
    """What the statistics of these kinds among the leaves come from."""
    batch = running = False
    for leaf in leaves:
        if isinstance(leaf, Moment) and leaf.kind in kinds:
            batch = True
        elif role(leaf, roles, kept) in kinds:
            running = True
    if batch and running:
        return "mixed"
    return "batch" if batch else "running" if running else None


def scale(factor: Factor, exponent: float, roles: Roles, kept: bool) -> tuple[Source, Eps] | None:
    """A factor that divides by a deviation: what it is made of, and what keeps it from zero."""
    if exponent >= 0:
        return None
    leaves = list(algebra.leaves(algebra.single(factor)))
    source = sources(leaves, roles, kept, ("var", "std"))
    if source is None:
        return None
    if isinstance(factor, Bounded):
        return source, "bounded"
    if isinstance(factor, Sum):
        return summed(factor.base, exponent, source, roles, kept)
    spread = factor.kind if isinstance(factor, Moment) else role(factor, roles, kept)
    if spread == "std" and exponent == -1:
        return source, "none" if isinstance(factor, Moment) else "stored"
    return (source, "none") if spread == "var" and exponent == -0.5 else None


def summed(base: Formula, exponent: float, source: Source, roles: Roles, kept: bool) -> tuple[Source, Eps] | None:
    """1 / sqrt(variance + more), or 1 / (deviation + more)."""
    more = [
        coefficient
        for product, coefficient in base
        if sources(algebra.leaves(frozenset({(product, 1.0)})), roles, kept, ("var", "std")) is None
    ]
    if any(isinstance(leaf, Bounded) for leaf in algebra.factors(base)):
        return source, "bounded"
    if exponent == -0.5:
        return source, "inside" if more else "none"
    if exponent != -1:
        return None
    for factor, power in (pair for product, _ in base for pair in product):
        if power == 0.5 and isinstance(factor, Sum):
            return source, "inside"
        if power == 0.5 and more:
            return source, "outside"
        if power == 1 and isinstance(factor, Moment) and factor.kind == "std":
            return source, "inside" if more else "none"
        if power == 1 and role(factor, roles, kept) == "std":
            return source, "stored"
    return None


def first_seen(factor: Factor, steps: Iterable[Step]) -> Place | None:
    """Where a factor first stood below a root, or divided."""
    for step in steps:
        for product, _ in step.formula:
            if any(other == factor and exponent not in (1, 2) for other, exponent in product):
                return step.where.place
    return None
