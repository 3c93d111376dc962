"""Folding a batch norm into the weights before it, read off the formulas of the function that does it. Pure.

Right is (torch 2.13, `torch.nn.utils.fusion.fuse_conv_bn_weights`): weight * gamma / sqrt(var + eps) and
(bias - mean) * gamma / sqrt(var + eps) + beta.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from bnlint.story.events import Event, Story, Where
from bnlint.story.events.handmade import Folded, StatisticSet
from bnlint.story.frameworks.formulas import algebra, normalising
from bnlint.story.frameworks.formulas.algebra import Atom, Factor, Formula, Product
from bnlint.story.frameworks.formulas.records import Assigned, Record, Step

VARIANCE = re.compile(r"(running|moving)_var(iance)?$")
MEAN = re.compile(r"(running|moving)_mean$")
WEIGHT = re.compile(r"(^|_|\.)(weight|kernel|filters?|w|w_conv|conv_w|conv_weight)s?$", re.I)
BIAS = re.compile(r"(^|_|\.)(bias|b|b_conv|conv_b|conv_bias)$", re.I)


def folded(story: Story, record: Record) -> bool:
    """Write down how a function folds; whether it does."""
    steps = record.steps
    variances = {leaf for step in steps for leaf in algebra.atoms(step.formula) if VARIANCE.search(leaf.name)}
    means = {leaf for step in steps for leaf in algebra.atoms(step.formula) if MEAN.search(leaf.name)}
    if not variances:
        return False
    norms = {leaf.owner for leaf in variances}
    found: dict[Factor, tuple[str, Step]] = {}
    weights: set[Atom] = set()
    centred = {other for step in steps for other in beside_mean(step.formula, means)}
    for step in steps:
        for product, _ in step.formula:
            divisor = divisors(product, variances)
            scaled = [
                factor
                for factor, exponent in product
                if isinstance(factor, Atom) and exponent == 1 and factor.owner not in norms and WEIGHT.search(factor.name)
            ]
            scaled = [factor for factor in scaled if factor not in centred]
            if len(divisor) == 1 and scaled:
                weights.update(scaled)
                wrong = judged(*divisor[0])
                if wrong:
                    found.setdefault(divisor[0][0], (wrong, step))
    if not weights:
        return False
    for factor, (wrong, step) in found.items():
        place = normalising.first_seen(factor, steps)
        where = next((other.where for other in steps if other.where.place == place), step.where)
        emit(story, Folded, where, wrong=wrong, certain=True)
    for where, wrong, certain in biases(record, norms, means, weights):
        emit(story, Folded, where, wrong=wrong, certain=certain)
    return True


def divisors(product: Product, variances: set[Atom]) -> list[tuple[Factor, float]]:
    """The factors of a product that divide by something made of a variance."""
    return [
        (factor, exponent)
        for factor, exponent in product
        if exponent < 0 and any(leaf in variances for leaf in algebra.leaves(algebra.single(factor)))
    ]


def judged(factor: Factor, exponent: float) -> str | None:
    """What is wrong with a divisor: "" nothing, None if that cannot be told."""
    roles = {leaf.name: "var" for leaf in algebra.atoms(algebra.single(factor)) if VARIANCE.search(leaf.name)}
    known = normalising.scale(factor, exponent, roles, False)
    if known is not None:
        return {"none": "no eps", "outside": "no eps"}.get(known[1], "")
    return "no root" if exponent == -1 else None


def biases(
    record: Record, norms: set[Any], means: set[Atom], weights: set[Atom]
) -> Iterator[tuple[Where, str, bool]]:
    """What is wrong with the bias of a folding."""
    layers = {weight.owner for weight in weights}
    own = [step for step in record.steps if any(of_layer(leaf, layers) for leaf in algebra.leaves(step.formula))]
    scaled = [step for step in own if any(only_scaled(product, norms) for product, _ in step.formula)]
    if not means and scaled:
        yield scaled[0].where, "no mean", True
    for step in own:
        bare = any(len(product) == 1 and all(of_layer(factor, layers) for factor, _ in product) for product, _ in step.formula)
        if bare and any(divides_mean(product, means) for product, _ in step.formula):
            yield step.where, "bare bias", True
            break
    unread = layers - record.biases
    if means and not own and unread:
        shifted = [step for step in record.steps if any(leaf in means for leaf in algebra.leaves(step.formula))]
        yield shifted[0].where, "no bias", bool(unread & record.biased)


def divides_mean(product: Product, means: set[Atom]) -> bool:
    """A mean times a scale that divides by something made of a variance."""
    factors = {factor for factor, _ in product}
    seen = {leaf for factor in factors for leaf in algebra.leaves(algebra.single(factor))}
    return not means.isdisjoint(factors) and any(is_atom(leaf, VARIANCE) for leaf in seen)


def of_layer(leaf: Factor, layers: set[Any]) -> bool:
    return isinstance(leaf, Atom) and BIAS.search(leaf.name) is not None and leaf.owner in layers


def only_scaled(product: Product, norms: set[Any]) -> bool:
    """A bias times the norm's own weight."""
    named = [factor for factor, _ in product if isinstance(factor, Atom)]
    return any(BIAS.search(factor.name) for factor in named) and any(
        factor.owner in norms and (WEIGHT.search(factor.name) or factor.name == "gamma") for factor in named
    )


def beside_mean(formula: Formula, means: set[Atom]) -> Iterator[Factor]:
    """What a mean is subtracted from."""
    for product, coefficient in formula:
        for factor, exponent in product:
            if factor in means and exponent == 1 and coefficient < 0:
                rest = product - {(factor, exponent)}
                for other, weight in formula:
                    if weight > 0 and rest <= other:
                        yield from (left for left, _ in other - rest)


def assigned(story: Story, changes: Iterable[Assigned]) -> None:
    """A running variance that is set to one with something added: eps is added again when it is used."""
    for change in changes:
        if not VARIANCE.search(change.name):
            continue
        variances = [product for product, _ in change.formula if any(is_atom(factor, VARIANCE) for factor, _ in product)]
        rest = [value for product, value in change.formula if product not in variances]
        if len(variances) == 1 and len(variances[0]) == 1 and rest and all(value > 0 for value in rest):
            emit(story, StatisticSet, change.where, name=change.name)


def is_atom(leaf: Factor, pattern: re.Pattern[str]) -> bool:
    return isinstance(leaf, Atom) and pattern.search(leaf.name) is not None


def emit(story: Story, kind: type[Any], where: Where, /, **facts: Any) -> None:
    event: Event = kind(len(story.events), where, **facts)
    story.events.append(event)
