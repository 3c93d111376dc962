"""Which forwards feed a discriminator: real batches, generated ones, and mixtures of both."""

from __future__ import annotations

from collections.abc import Iterator

from bnlint.judging import inputs, modes, purposes
from bnlint.story.events import Forward, Penalised, Story
from bnlint.story.values import Data


def real_input(story: Story, forward: Forward) -> bool:
    """Whether the input is data from outside, untouched by another network."""
    tokens = inputs.input_tokens(forward)
    found = inputs.kinds(tokens)
    return "forward" not in found and ("batch" in found or not found & {"noise", "constant"})


def generated_input(story: Story, forward: Forward) -> bool:
    """Whether the input is another network's output on noise, or the network is a discriminator by its name."""
    tokens = inputs.input_tokens(forward)
    makers = [story.event(token.ref) for token in tokens if token.kind == "forward"]
    others = [maker for maker in makers if isinstance(maker, Forward) and maker.net is not forward.net]
    if not others or any(forward.number in event.forwards for event in story.of(Penalised)):
        return False  # points between real and generated examples are neither
    noise = any("noise" in inputs.kinds(inputs.input_tokens(maker)) for maker in others)
    return noise or purposes.named_discriminator(forward.net)


def separate(story: Story) -> Iterator[tuple[Forward, Forward]]:
    """Pairs of a real and a generated batch through one discriminator in one step, the latter in its own step if possible."""
    by_net: dict[tuple[int, object], list[Forward]] = {}
    for forward in story.of(Forward):
        if "training" in forward.purposes and modes.all_in_train_mode(forward) and not story.test:
            if modes.in_train_mode(forward) != "certain":
                continue
            loop = forward.where.loops[-1][0] if forward.where.loops else None
            by_net.setdefault((id(forward.net), loop), []).append(forward)
    told: set[int] = set()
    for (net, _), forwards in by_net.items():
        reals = [forward for forward in forwards if real_input(story, forward)]
        fakes = [forward for forward in forwards if generated_input(story, forward)]
        if not reals or not fakes or net in told:
            continue
        if any(mixed(story, forward) for forward in forwards) or encodes(story, fakes):
            continue
        detached = [fake for fake in fakes if not reaches_generator(fake)]
        told.add(net)
        yield reals[0], (detached or sorted(fakes, key=lambda fake: abs(fake.number - reals[0].number)))[0]


def encodes(story: Story, fakes: list[Forward]) -> bool:
    """Whether the network feeds the very generator whose examples it is given: an encoder, no discriminator."""
    tokens = {token for fake in fakes for token in inputs.input_tokens(fake) if token.kind == "forward"}
    makers = [maker for token in tokens if isinstance(maker := story.event(token.ref), Forward)]
    generators = {id(maker.net) for maker in makers}
    own = {other.token for other in story.of(Forward) if other.net is fakes[0].net}
    return any(id(other.net) in generators and own & inputs.input_tokens(other) for other in story.of(Forward))


def reaches_generator(forward: Forward) -> bool:
    """Whether the gradient goes on into the generator: the generator's own step."""
    return any(type(value) is Data and any(token.kind == "forward" for token in value.grad) for value in forward.inputs)


def mixed(story: Story, forward: Forward) -> bool:
    return any(type(value) is Data and halves(value) is not None for value in forward.inputs)


def halves(value: Data) -> tuple[list[Data], list[Data]] | None:
    """The real and the generated parts of a concatenated batch."""
    if len(value.parts) < 2:
        return None
    made = [part for part in value.parts if any(token.kind == "forward" for token in part.flow)]
    real = [part for part in value.parts if not any(token.kind == "forward" for token in part.flow)]
    return (real, made) if made and real else None


def unequal(story: Story) -> Iterator[tuple[Forward, int, int, bool]]:
    """Mixtures of unequal parts: the forward, how many are real, how many generated, whether sizes are assumed."""
    told: set[int] = set()
    for forward in story.of(Forward):
        if "training" not in forward.purposes or not modes.all_in_train_mode(forward) or id(forward.net) in told:
            continue
        for value in forward.inputs:
            parts = halves(value) if type(value) is Data else None
            if parts is None:
                continue
            real, made = (total(side) for side in parts)
            if real is not None and made is not None and real != made:
                told.add(id(forward.net))
                yield forward, real, made, any(part.assumed for side in parts for part in side)


def total(parts: list[Data]) -> int | None:
    sizes = [part.batch for part in parts]
    return None if None in sizes else sum(size for size in sizes if size is not None)
