"""What a forward is for: training, evaluation, acting in an environment, sampling."""

from __future__ import annotations

import re
from collections.abc import Collection

from bnlint.findings import Confidence
from bnlint.judging.inputs import input_tokens, kinds, made_up, only_noise, sources
from bnlint.judging.traces import title
from bnlint.story.events import Copied, Event, Forward, ModeSet, Stepped, Story, Where
from bnlint.story.nesting import descendants
from bnlint.story.values import Obj, Token

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


def evaluation(story: Story, forward: Forward) -> Confidence | None:
    """How sure it is that a forward evaluates: validation, test or inference. None if it does not."""
    if story.test or forward.purposes - {"auxiliary"} or forward.dropped:
        return None
    if forward.purposes:
        # its output becomes a target: meant so more often than not, unless what feeds it was put in eval mode on purpose
        return ("likely" if after_eval(story, forward) else "possible") if forward.grad is False else None
    named = [name for name in forward.where.functions if name != "<module>"]
    if fed_with_noise(story, forward) and not trains(story):
        tried = made_up(forward) and not any(EVALUATION.search(name) for name in named)
        if tried or not forward.net.slots.get("#loaded"):
            return None  # a smoke test
    found = kinds(input_tokens(forward))
    if (found and found <= {"constant"}) or "__init__" in forward.where.functions:
        return None  # a dummy forward that asks for a shape
    if probes(story, forward):
        return None  # a warm-up: BN211 speaks of it
    inner = named[-1] if named else story.path.stem
    by_name = bool(EVALUATION.search(inner)) or any(EVALUATION.search(name) for name in named[-2:])
    learns = any(TRAINING.search(name) for name in named[-1:]) and not EVALUATION.search(inner)
    if forward.grad is False:
        if by_name or held_out(story, forward):
            return "certain"
        if shared_loader(story, forward) or follows_training(story, forward):
            return "possible"
        return "likely" if learns else "certain"
    if not trains(story) and not (learns and not by_name):
        return "likely" if by_name or (story.bound and has_data(forward)) else None
    if by_name and not learns and story.bound:
        return "likely"
    if held_out(story, forward) and not learns:
        return "likely"
    return "possible" if sampling(story, forward) else None


def fed_with_noise(story: Story, forward: Forward) -> bool:
    """Whether the input is random or constant, or what the network itself made of that: a timing loop."""
    tokens = input_tokens(forward)
    found = {token for token in tokens if not (token.kind == "forward" and of_net(story, token, forward.net))}
    # what a network made holds traces of its own state, too
    made = {"noise", "constant", "keys"} if len(found) < len(tokens) else {"noise", "constant"}
    return bool(tokens) and kinds(found) <= made


def of_net(story: Story, token: Token, net: Obj) -> bool:
    maker = story.event(token.ref)
    return isinstance(maker, Forward) and maker.net is net


def probes(story: Story, forward: Forward) -> bool:
    """Whether a forward on made-up input only tries the network out: no sampling, for it is used on other data, too."""
    if not made_up(forward):
        return False
    if forward.dropped or "noise" not in kinds(input_tokens(forward)):
        return True
    norms = {id(use.norm) for use in forward.norms}
    return any(
        any(id(use.norm) in norms for use in other.norms) and not only_noise(other) for other in story.of(Forward)
    )


def after_eval(story: Story, forward: Forward) -> bool:
    """Whether the input comes from a network that was put in eval mode just for this."""
    makers = {
        id(maker.net)
        for token in input_tokens(forward)
        if token.kind == "forward" and isinstance(maker := story.event(token.ref), Forward) and maker.net is not forward.net
    }
    return bool(makers) and any(
        id(event.net) in makers
        and event.modes == {"eval"}
        and event.number < forward.number
        and (inside(event.where, forward.where) or inside(forward.where, event.where))
        for event in story.of(ModeSet)
    )


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


def follows_training(story: Story, forward: Forward) -> bool:
    """Whether an average of a trained network is given the very batch of a training step: a momentum encoder's targets."""
    followed = followers(story)
    batches = {token for token in input_tokens(forward) if token.kind == "batch"}
    return any(id(use.norm) in followed for use in forward.norms) and any(
        "training" in other.purposes and batches & input_tokens(other) for other in story.of(Forward)
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


def on_purpose(story: Story, event: Event) -> bool:
    """Whether the text says that train mode is meant here: Monte-Carlo dropout, test-time adaptation, recalibration."""
    words = [*event.where.functions, story.entry]
    return any(ON_PURPOSE.search(word) for word in words)


def sampling(story: Story, forward: Forward) -> bool:
    """Whether a generator is sampled while it is being trained: another network judges what it makes."""
    if named_generator(forward.net) and trains(story) and not forward.net.slots.get("#loaded"):
        return True
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


def named_generator(net: Obj) -> bool:
    return bool(re.search(r"generat", title(net), re.I))


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


def followers(story: Story, what: Collection[str] = ("parameters", "both", "buffers")) -> set[int]:
    """The ids of the batch norms whose networks take values from another network: targets, averages."""
    return {
        id(norm)
        for copy in story.of(Copied)
        if copy.what in what and any(source.net is not copy.target.net for source in copy.sources)
        for norm in copy.target.norms
    }
