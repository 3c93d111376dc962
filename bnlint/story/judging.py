"""Questions that several rules ask of a story: in which mode a forward ran, what it was for, and the trace that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bnlint.findings import Confidence, Place, Step
from bnlint.story.events import Forward, Mode, ModeSet, NormUse, Stepped, Story, Where
from bnlint.story.nesting import descendants
from bnlint.story.values import Choice, Cls, Data, Obj, Token, Tuple, Value, flow_of

EVALUATION = re.compile(
    r"(^|_|\b)(eval\w*|valid\w*|val|tests?|testing|infer\w*|predict\w*|score\w*|accuracy|demo|detect\w*|visuali\w*|show\w*|extract\w*"
    r"|metrics?|benchmark|evaluator)(_|\b|$)",
    re.I,
)
TRAINING = re.compile(r"(^|_)(train\w*|fit|optimi[sz]e|update|learn\w*|pretrain\w*)(_|$)", re.I)
ACTING = re.compile(
    r"^_?(act|select_actions?|choose_actions?|get_actions?|take_action|pick_action|sample_actions?|select_best_action)$"
)
ON_PURPOSE = re.compile(
    r"(mc_?drop|monte|enable_drop|uncertain|adapt|tent\b|tta|recalib|calibrat|update_bn|precise|recompute|reestimate|re_estimate"
    r"|bn_update|warm_?up|bayes|swag)",
    re.I,
)

ORDER: dict[Confidence, int] = {"possible": 0, "likely": 1, "certain": 2}


def weakest(*confidences: Confidence) -> Confidence:
    return min(confidences, key=lambda confidence: ORDER[confidence])


# --- modes -----------------------------------------------------------------------------------


def known_norms(forward: Forward) -> tuple[NormUse, ...]:
    """The batch norms that a forward certainly runs through, else those it may run through."""
    sure = tuple(use for use in forward.norms if use.certain)
    return sure or forward.norms


def names(use: NormUse) -> set[str]:
    return {mark.name for mark in use.modes}


def in_train_mode(forward: Forward, story: Story | None = None) -> Confidence | None:
    """How sure it is that some batch norm of the forward is in train mode; None if none can be.

    With a story, a mode that only some path leaves behind counts as likely.
    """
    best: Confidence | None = None
    for use in forward.norms:
        modes = names(use)
        if "train" not in modes:
            continue
        found: Confidence = "certain" if modes == {"train"} and use.certain else "possible"
        if found == "possible" and use.certain and story is not None and own_path(story, use):
            found = "likely"
        best = found if best is None or ORDER[found] > ORDER[best] else best
    return best


def own_path(story: Story, use: NormUse) -> bool:
    """Whether train mode comes from a `train()` of its own on some path, not from one call whose argument is unknown."""
    switched = {mark.event for mark in use.modes if mark.name == "eval"}
    return story.bound and any(mark.name == "train" and mark.event not in switched | {-1} for mark in use.modes)


def all_in_train_mode(forward: Forward) -> bool:
    uses = known_norms(forward)
    return bool(uses) and all(names(use) == {"train"} for use in uses)


def marks(forward: Forward, name: str) -> list[Mode]:
    """The marks of this mode on the forward's batch norms, each once."""
    found = {mark for use in known_norms(forward) for mark in use.modes if mark.name == name}
    return sorted(found, key=lambda mark: mark.event)


# --- purposes --------------------------------------------------------------------------------


def sources(value: Value) -> frozenset[Token]:
    return flow_of(value)[0]


def input_tokens(forward: Forward) -> frozenset[Token]:
    found: frozenset[Token] = frozenset()
    for value in forward.inputs:
        found |= sources(value)
    return found


def kinds(tokens: Iterable[Token]) -> set[str]:
    return {token.kind for token in tokens}


def only_noise(forward: Forward) -> bool:
    """Whether the input is made of random numbers or constants only: sampling, warm-up, probing a shape."""
    found = kinds(input_tokens(forward))
    return bool(found) and found <= {"noise", "constant"}


def evaluation(story: Story, forward: Forward) -> Confidence | None:
    """How sure it is that a forward evaluates: validation, test or inference. None if it does not."""
    if story.test or forward.purposes - {"auxiliary"} or forward.dropped:
        return None
    if forward.purposes:
        # its output becomes a target: meant so more often than not, unless what feeds it was put in eval mode on purpose
        return ("likely" if after_eval(story, forward) else "possible") if forward.grad is False else None
    if only_noise(forward) and not trains(story) and not forward.net.slots.get("#loaded"):
        return None  # a smoke test
    found = kinds(input_tokens(forward))
    if (found and found <= {"constant"}) or "__init__" in forward.where.functions:
        return None  # a dummy forward that asks for a shape
    named = [name for name in forward.where.functions if name != "<module>"]
    inner = named[-1] if named else story.path.stem
    by_name = bool(EVALUATION.search(inner)) or any(EVALUATION.search(name) for name in named[-2:])
    learns = any(TRAINING.search(name) for name in named[-1:]) and not EVALUATION.search(inner)
    if forward.grad is False:
        if by_name or held_out(story, forward):
            return "certain"
        return "possible" if shared_loader(story, forward) else "likely" if learns else "certain"
    if not trains(story) and not (learns and not by_name):
        return "likely" if by_name or (story.bound and has_data(forward)) else None
    if by_name and not learns and story.bound:
        return "likely"
    if held_out(story, forward) and not learns:
        return "likely"
    return "possible" if sampling(story, forward) else None


def after_eval(story: Story, forward: Forward) -> bool:
    """Whether the input comes from a network that was put in eval mode just for this."""
    for token in input_tokens(forward):
        maker = story.event(token.ref) if token.kind == "forward" else None
        if isinstance(maker, Forward) and maker.net is not forward.net:
            for use in known_norms(maker):
                switched = [story.event(mark.event) for mark in use.modes]
                if names(use) == {"eval"} and any(
                    isinstance(event, ModeSet) and inside(forward.where, event.where) for event in switched
                ):
                    return True
    return False


def shared_loader(story: Story, forward: Forward) -> bool:
    """Whether the input comes from the very loader that the network is trained on: a memory bank, recalibration."""
    loaders = {token.ref for token in input_tokens(forward) if token.kind == "batch"}
    return any(
        token.ref in loaders
        for other in story.of(Forward)
        if other.net is forward.net and "training" in other.purposes
        for token in input_tokens(other)
        if token.kind == "batch"
    )


def held_out(story: Story, forward: Forward) -> bool:
    """Whether the input comes from a loader that nothing is trained on, while the network is trained on another."""
    loaders = {token.ref for token in input_tokens(forward) if token.kind == "batch"}
    if not loaders:
        return False
    trained: set[object] = set()
    for other in story.of(Forward):
        if other.net is forward.net and "training" in other.purposes:
            trained |= {token.ref for token in input_tokens(other) if token.kind == "batch"}
    return bool(trained) and not loaders & trained


def trains(story: Story) -> bool:
    return any(isinstance(event, Stepped) or type(event).__name__ == "Backward" for event in story.events)


def has_data(forward: Forward) -> bool:
    """Whether a trained network is used on something: it was loaded, or its input comes from a loader."""
    found = kinds(input_tokens(forward))
    return "batch" in found or (bool(forward.net.slots.get("#loaded")) and not only_noise(forward))


def optimized(story: Story, net: Obj) -> bool | None:
    """Whether some optimiser holds this network's parameters; None where no optimiser's parameters are known."""
    known = False
    for event in story.of(Stepped):
        given = event.optimizer.slots.get("#params") if isinstance(event.optimizer, Obj) else None
        if given is None:
            continue
        for token in sources(given):
            if token.kind == "parameters":
                known = True
                if related(token.ref, net):
                    return True
    return False if known else None


def related(a: Obj, b: Obj) -> bool:
    """Whether one network is the other or holds it."""
    return a is b or any(part is b for part in descendants(a)) or any(part is a for part in descendants(b))


def inside(outer: Where, inner: Where) -> bool:
    """Whether `inner` happens in a loop that also runs `outer`: the innermost loop of `outer` surrounds it."""
    return bool(outer.loops) and outer.loops[-1][0] in [place for place, _ in inner.loops]


# --- words and traces ------------------------------------------------------------------------


def title(net: Obj) -> str:
    """A network's class in words."""
    return net.cls.name if isinstance(net.cls, Cls) else net.lib.rpartition(".")[2]


def norm_kind(norm: Obj) -> str:
    name = title(norm)
    return f"{name}, which holds batch norm" if norm.slots.get("#norms") else name


def built(forward: Forward) -> list[Step]:
    """Where the network and one of its batch norms were built."""
    steps: list[Step] = []
    if forward.net.site is not None:
        fresh = ", and new modules start in train mode" if any(mark.event < 0 for mark in marks(forward, "train")) else ""
        steps.append(Step(f"{title(forward.net)} is built here{fresh}", forward.net.site))
    for use in known_norms(forward)[:1]:
        if use.norm.site is not None and use.norm is not forward.net:
            steps.append(Step(f"it holds {norm_kind(use.norm)}, built here", use.norm.site))
    return steps


def mode_steps(story: Story, forward: Forward, name: str) -> list[Step]:
    """Where the mode came from."""
    steps: list[Step] = []
    for mark in marks(forward, name)[-2:]:
        event = story.event(mark.event)
        if isinstance(event, ModeSet):
            steps.append(Step(f"put in {name} mode by {event.how} here", event.where.place))
    return steps


def circumstances(forward: Forward) -> list[Step]:
    steps = [Step("called from here", place) for place in forward.where.calls[-2:] if place != forward.where.place]
    if forward.grad_off is not None:
        steps.append(Step("gradients are switched off here, which does not stop batch norm from updating", forward.grad_off))
    return steps


def distinct(steps: list[Step], place: Place) -> tuple[Step, ...]:
    found: list[Step] = []
    for step in steps:
        if step.place != place and step not in found:
            found.append(step)
    return tuple(found)


def mode_trace(story: Story, forward: Forward, name: str) -> tuple[Step, ...]:
    """The whole explanation of a forward's mode."""
    return distinct([*built(forward), *mode_steps(story, forward, name), *circumstances(forward)], forward.where.place)


def labels(value: Value) -> str:
    if type(value) is Data:
        return value.label
    if isinstance(value, (Tuple, Choice)):
        parts = value.items if isinstance(value, Tuple) else value.options
        return " ".join(labels(part) for part in parts)
    return ""


# --- what single rules ask -------------------------------------------------------------------


def on_purpose(story: Story, forward: Forward) -> bool:
    """Whether the text says that train mode is meant here: Monte-Carlo dropout, test-time adaptation, recalibration."""
    words = [*forward.where.functions, story.entry]
    return any(ON_PURPOSE.search(word) for word in words)


def sampling(story: Story, forward: Forward) -> bool:
    """Whether a generator is sampled while it is being trained: another network judges what it makes."""
    noisy: set[Token] = set()
    made: set[Token] = set()
    for other in story.of(Forward):
        if other.net is forward.net and "training" in other.purposes:
            made.add(other.token)
            if "noise" in kinds(input_tokens(other)):
                noisy.add(other.token)
    if not made:
        return False
    for other in story.of(Forward):
        if other.net is not forward.net and not other.net.lib.endswith("Loss"):
            judged = made if named_discriminator(other.net) else noisy
            if judged & input_tokens(other):
                return True
    return False


def named_discriminator(net: Obj) -> bool:
    return bool(re.search(r"disc|critic", title(net), re.I))


def whole(switched: Obj, net: Obj) -> bool:
    """Whether switching one network switches all of another."""
    return switched is net or any(part is net for part in descendants(switched))


def acting(story: Story, forward: Forward) -> Confidence | None:
    """How sure it is that a forward chooses actions in an environment."""
    if story.test:
        return None
    if "acting" in forward.purposes:
        return "certain"
    inner = forward.where.functions[-1] if forward.where.functions else ""
    if ACTING.match(inner) and "training" not in forward.purposes:
        return "likely"
    return None


def acting_trace(story: Story, forward: Forward) -> tuple[Step, ...]:
    steps = [*built(forward), *mode_steps(story, forward, "train"), *circumstances(forward)]
    reached = forward.reached.get("acting")
    if reached is not None:
        steps.append(Step("its output reaches the environment here", reached.place))
    return distinct(steps, forward.where.place)


def batch_steps(forward: Forward) -> list[tuple[str, Place]]:
    """Where the batch size comes from."""
    found: list[tuple[str, Place]] = []
    for token in sorted(input_tokens(forward), key=lambda token: token.kind):
        if token.kind == "batch" and isinstance(token.ref, Obj) and token.ref.site is not None:
            found.append(("its batches come from here", token.ref.site))
    return found


def parts(value: Value) -> frozenset[object]:
    """A network and everything below it: what a mistake about the whole is also about."""
    return frozenset(descendants(value)) if isinstance(value, Obj) else frozenset({value})


def subjects(forward: Forward) -> frozenset[object]:
    """What a mistake at a forward is about: the network and the batch norms it ran through."""
    return frozenset({forward.net, *(use.norm for use in forward.norms)})
