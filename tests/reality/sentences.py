"""The statements that generated programs consist of: forwards, switches of modes, and everything that control can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.reality.scopes import Function, Scope

if TYPE_CHECKING:
    from tests.reality.generating import Lines, Writer

MODES = ("train", "eval")


def apply(w: Writer, scope: Scope) -> Lines:
    scope.forwards += 1
    net, x = w.net(scope, applied=True), w.pick(scope.tensors)
    out = w.name("y")
    kinds = [
        [f"{net}({x})"],
        [f"{out} = {net}({x})"],
        [f"{out} = {net}({x})", f"{out}.sum().backward()"],
        [f"{net}({x}).mean().backward()"],
        [f"{out} = {net}.forward({x})"],
        [f"{out} = (lambda given: {net}(given))({x})"],
        [f"{out} = [{net}(each) for each in ({x}, {x})]"],
        [f"{out} = list(map({net}, [{x}]))"],
        [f"{out} = {net}({x}).detach()", f"print({out}.mean())"],
        [f"{out} = getattr({net}, 'forward')({x})"],
        [f"{out} = functools.partial({net}, {x})()"],
        [f"{out} = {net}(torch.cat([{x}, {x}]))"],
        [f"{out} = {net}({x}[:2])"],
        [f"{out} = {net}({x}) if {w.condition(scope)} else {x}"],
        [f"{out} = {w.condition(scope)} and {net}({x}) is not None"],
        [f"{out} = {net}(torch.stack([{x}[0], {x}[1]]))"],
        [f"{out} = {net}({x}.repeat(2, 1))"],
        [f"{out} = {net}({x}.view(-1, 4))"],
        [f"{out} = [{net}(part) for part in torch.cat([{x}, {x}]).chunk(2)]"],
        [f"{out} = {net}(torch.zeros_like({x}) + {x}.clone())"],
        ["with torch.no_grad():", f"    {out} = {net}({x})", f"({out} * 2).relu()"],
        [f"{out} = {net}({x})", f"loss = ({out} ** 2).mean() + {net}({x}).detach().sum()", "loss.backward()"],
    ]
    if scope.envs:
        env = w.pick(scope.envs)
        acting = [
            [f"{env}.step({net}({x}).argmax(1))"],
            [f"{out} = {net}({x})", f"{env}.step({out}.detach()[0])"],
            [f"{out} = {net}({x}).mean().item()", f"{env}.step({out})"],
            [f"play({net}, {env})"],
        ]
        kinds += [*acting, *acting]
    return w.pick(kinds)


def batches(w: Writer, scope: Scope, depth: int) -> Lines:
    """A loop over the batches of a loader."""
    if not scope.loaders:
        return for_loop(w, scope, depth)
    x, net = w.name("x"), w.net(scope, applied=True)
    before = scope.forwards
    body = w.inner(scope, depth, tensors=[*scope.tensors, x], looping=True, uncounted=True)
    scope.forwards = before + 5 * (scope.forwards - before + 1)
    again = w.pick([[], [f"    {net}({x}).sum().backward()"]])
    return [f"for {x}, _ in {w.pick(scope.loaders)}:", f"    {net}({x})", *again, *body]


def switch(w: Writer, scope: Scope) -> Lines:
    net, flag = w.net(scope), w.flag(scope)
    other = w.net(scope)
    each = w.name("part")
    kinds = [
        [f"{net}.train()"],
        [f"{net}.eval()"],
        [f"{net}.eval()"],
        [f"{net}.train({flag})"],
        [f"{net}.train(mode={flag})"],
        [f"{net}.train(not {net}.training)"],
        [f"{net}.train({other}.training)"],
        [f"{net}.train() if {w.condition(scope)} else {net}.eval()"],
        [f"getattr({net}, '{w.pick(MODES)}')()"],
        [f"getattr({net}, 'train' if {w.condition(scope)} else 'eval')()"],
        [f"{net}.apply(freeze_bn)"],
        [f"for {each} in {net}.modules():", f"    if isinstance({each}, nn.BatchNorm1d):", f"        {each}.eval()"],
        [f"for {each} in {net}.modules():", f"    if isinstance({each}, nn.BatchNorm1d):", f"        {each}.training = False"],
        [f"for {each} in {net}.children():", f"    {each}.eval()"],
        [f"for name, {each} in {net}.named_modules():", "    if 'bn' in name:", f"        {each}.eval()"],
        [f"[each.eval() for each in ({net}, {other})]"],
        [f"for {each} in [{net}, {other}]:", f"    {each}.train({flag})"],
        [f"for name, {each} in {{'a': {net}, 'b': {other}}}.items():", f"    {each}.train(name == 'a')"],
        [f"list(map(lambda each: each.eval(), [{net}, {other}]))"],
        [f"set_mode([{net}, {other}], '{w.pick(MODES)}')"],
        [f"set_mode(nets=({net},), mode='train' if {w.condition(scope)} else 'eval')"],
        [f"torch.nn.Module.train({net}, {flag})"],
        [f"{each} = {net}.eval", f"{each}()"],
        [f"{each} = {{True: {net}.train, False: {net}.eval}}", f"{each}[{w.pick(['True', 'False'])}]()"],
        [f"{{'train': {net}.train, 'eval': {net}.eval}}['train' if {w.condition(scope)} else 'eval']()"],
        [f"{net}.requires_grad_({w.pick(['True', 'False'])})"],
        [f"for {each} in {net}.parameters():", f"    {each}.requires_grad = False"],
        [f"for {each} in reversed([{net}, {other}]):", f"    {each}.train({flag})"],
        [f"for {each}, on in zip([{net}, {other}], [True, False]):", f"    {each}.train(on)"],
        [f"({net}.train if {w.condition(scope)} else {net}.eval)()"],
        [f"{net} = {net}.train({flag})"] if net.isidentifier() and not scope.within else [f"{net}.eval()"],
        ["def switch(which, mode=False):", "    which.train(mode)", f"switch({net})", f"switch({other}, mode={flag})"],
        [f"while {net}.training:", f"    {net}.eval()"],
    ]
    return w.pick(kinds)


def bind(w: Writer, scope: Scope) -> Lines:
    """Give a network another name, or build one more."""
    a, b = w.pick(sorted(scope.nets)), w.pick(sorted(scope.nets))
    if scope.nets[a] == scope.nets[b] and not scope.within and not scope.uncounted and w.chance(3):
        return [f"{a}, {b} = {b}, {a}"]
    name, chosen = w.name("net"), w.pick(sorted(scope.nets))
    kind = scope.nets[chosen]
    holder = w.name("held")
    kinds = [
        [f"{holder} = [{chosen}]", f"{name} = {holder}[-1]"],
        [f"{holder} = {{'net': {chosen}}}", f"{name} = {holder}['net']"],
        [f"{holder} = {{}}", f"{holder}['net'] = {chosen}", f"{name} = {holder}.get('net')"],
        [f"{holder} = []", f"{holder}.append({chosen})", f"{name} = {holder}.pop()"],
        [f"{name} = copy.deepcopy({chosen})"],
        [f"{name} = {chosen}.train()"],
        [f"{name} = {chosen}.eval()"],
        [f"{name} = next(iter([{chosen}]))"],
        [f"({name},) = ({chosen},)"],
        [f"if ({name} := {chosen}) is not None:", f"    {name}.eval()"],
    ]
    if w.chance(3):
        return w.new_network(scope)
    scope.nets[name] = kind
    return w.pick(kinds)


def invoke(w: Writer, scope: Scope) -> Lines:
    """Call one of the functions that the program has."""
    if not scope.functions:
        return switch(w, scope)
    function = w.pick(scope.functions)
    text = w.call(function, scope)
    name = w.name("got")
    match function.kind:
        case "step":
            return w.pick([[text], [f"{name} = {text}"], [f"{text}.sum().backward()"]])
        case "prepare":
            scope.nets[name] = "any"
            return [f"{name} = {text}"]
        case "generator":
            more = w.inner(scope, 2, tensors=[*scope.tensors, name], looping=True)
            return [f"for {name} in {text}:", *more]
        case "context":
            more = w.inner(scope, 2, nets={**scope.nets, name: "any"})
            return [f"with {text} as {name}:", *more]
        case "raising":
            w.decided = False
            return ["try:", f"    {text}", "except ValueError:", *w.inner(scope, 2)]
    return [text]


def saved(w: Writer, scope: Scope) -> Lines:
    """Ask for the mode, do something, and give it back."""
    net, name = w.net(scope), w.name("was")
    back = [[f"{net}.train({name})"], [f"if {name}:", f"    {net}.train()"], [f"{net}.train(mode={name})"]]
    return [f"{name} = {net}.training", f"{net}.{w.pick(['eval', 'train'])}()", *apply(w, scope), *w.pick(back)]


def leave(w: Writer, scope: Scope) -> Lines:
    """Leave a loop or a function early."""
    kinds = []
    if scope.looping:
        kinds += ["break", "continue"]
    if scope.within == "action":
        kinds.append("return")
    if scope.within == "step":
        kinds.append("return x")
    if scope.within == "prepare":
        kinds.append("return net")
    if not kinds:
        return apply(w, scope)
    return [f"if {w.condition(scope)}:", f"    {w.pick(kinds)}"]


def trainer(w: Writer, scope: Scope) -> Lines:
    net, name, x = w.net(scope, applied=True), w.name("job"), w.pick(scope.tensors)
    scope.forwards += 1
    made = w.pick(["Base({})", "Tester({})", "Tester.of({})"]).format(net)
    kinds = [
        [f"{name} = {made}", f"{name}.run({x})"],
        [f"{name} = {made}", f"{name}.prepare()", f"{name}.net({x})"],
        [f"{name} = {made}", f"{name}.testing = {w.flag(scope)}", f"{name}.run({x})"],
        [f"{name} = {made}", f"setattr({name}, 'net', {w.net(scope, applied=True)})", f"{name}.run({x})"],
        [f"{name} = Tester.quiet({net})", f"{name}({x})"],
    ]
    return w.pick(kinds)


def owned(w: Writer, scope: Scope) -> Lines:
    """A network that switches itself."""
    name, x, out = w.name("own"), w.pick(scope.tensors), w.name("y")
    scope.nets[name] = "Own"
    scope.forwards += 2
    more = w.pick([f"{name}.predict({x})", f"{name}.freeze()", f"{name}.freeze({w.flag(scope)})", f"{name}.freeze().eval()"])
    return [f"{name} = Own()", more, f"{out} = {name}({x})"]


def suppressed(w: Writer, scope: Scope) -> Lines:
    """A block that is left where it raises, and goes on after it."""
    net = w.net(scope)
    raising = w.pick(["int('stop')", "raise ValueError('stop')", "raise ValueError('stop')"])
    w.decided = w.decided and raising.startswith("raise")
    switching = [f"    {net}.eval()", f"    {raising}", f"    {net}.train()"]
    return ["with contextlib.suppress(ValueError):", *switching]


SIMPLE: list[Callable[[Writer, Scope], Lines]] = [
    apply, apply, apply, switch, switch, switch, bind, invoke, invoke, saved, leave, trainer, owned, suppressed,
]  # fmt: skip

# --- what holds other statements -------------------------------------------------------------


def branch(w: Writer, scope: Scope, depth: int) -> Lines:
    lines = [f"if {w.condition(scope)}:", *w.inner(scope, depth)]
    if w.chance(4):
        lines += [f"elif {w.condition(scope)}:", *w.inner(scope, depth)]
    if w.chance(2):
        lines += ["else:", *w.inner(scope, depth)]
    return lines


def for_loop(w: Writer, scope: Scope, depth: int) -> Lines:
    counter, turns = w.name("i"), w.number(1, 3)
    before = scope.forwards
    over = w.pick([f"range({turns})", f"range({turns})", f"{list(range(turns))}", f"enumerate({list(range(turns))})"])
    target = f"{counter}, _" if over.startswith("enumerate") else counter
    body = w.inner(scope, depth, counters=[*scope.counters, counter], looping=True)
    scope.forwards = before + turns * (scope.forwards - before)
    return [f"for {target} in {over}:", *body, *otherwise(w, scope, depth)]


def net_loop(w: Writer, scope: Scope, depth: int) -> Lines:
    name = w.name("net")
    before = scope.forwards
    nets = ", ".join(w.net(scope, applied=True) for _ in range(w.number(1, 3)))
    body = w.inner(scope, depth, nets={**scope.nets, name: "any"}, looping=True)
    scope.forwards = before + 3 * (scope.forwards - before)
    return [f"for {name} in [{nets}]:", *body, *otherwise(w, scope, depth)]


def while_loop(w: Writer, scope: Scope, depth: int) -> Lines:
    counter, turns = w.name("k"), w.number(1, 3)
    before = scope.forwards
    body = w.inner(scope, depth, counters=[*scope.counters, counter], looping=True)
    scope.forwards = before + turns * (scope.forwards - before)
    if w.chance(3):
        stop = [f"    if {counter} > {turns}:", "        break"]
        return [f"{counter} = 0", "while True:", f"    {counter} += 1", *stop, *body]
    return [f"{counter} = 0", f"while {counter} < {turns}:", f"    {counter} += 1", *body, *otherwise(w, scope, depth)]


def otherwise(w: Writer, scope: Scope, depth: int) -> Lines:
    return ["else:", *w.inner(scope, depth)] if w.chance(4) else []


def context(w: Writer, scope: Scope, depth: int) -> Lines:
    net = w.net(scope)
    kinds = [
        "torch.no_grad()", "torch.no_grad()", "torch.enable_grad()", f"torch.set_grad_enabled({w.flag(scope)})",
        f"evaluating({net})", f"evaluating({net})", f"Switched({net}, {w.flag(scope)})", "contextlib.nullcontext()",
        f"torch.no_grad(), evaluating({net})", "contextlib.suppress(ValueError)", f"frozen_while({net})",
        "torch.inference_mode()",
    ]  # fmt: skip
    return [f"with {w.pick(kinds)}:", *w.inner(scope, depth)]


def guarded(w: Writer, scope: Scope, depth: int) -> Lines:
    lines = ["try:", *w.inner(scope, depth)]
    raises = w.pick(["", "raise ValueError('stop')", "if", "raise ValueError('stop')", "int"] + ["raise ValueError('stop')"] * 2)
    if raises == "int":
        w.decided = False
        lines += ["    int('1')", "    int('stop')" if w.chance(2) else "    int('2')", *w.inner(scope, depth)]
    elif raises == "if":
        lines += [f"    if {w.condition(scope)}:", "        raise ValueError('stop')", *w.inner(scope, depth)]
    elif raises:
        lines.append(f"    {raises}")
    if raises or w.chance(2):
        w.decided = w.decided and raises.startswith("raise")
        lines += [w.pick(["except ValueError:", "except (ValueError, TypeError) as error:", "except ValueError as error:"])]
        lines += w.inner(scope, depth)
        if w.chance(3):
            lines += ["else:", *w.inner(scope, depth)]
        if w.chance(3):
            lines += ["finally:", *w.inner(scope, depth, looping=False, within=scope.within and "inside")]
    else:
        lines += ["finally:", *w.inner(scope, depth, looping=False, within=scope.within and "inside")]
    return lines


def closure(w: Writer, scope: Scope, depth: int) -> Lines:
    """A function inside, which sees the variables around it; called at once or later."""
    inside = Scope(dict(scope.nets), list(scope.tensors), list(scope.flags), [], scope.functions, "action", uncounted=True)
    function, lines = w.function((), inside)
    scope.functions = (*scope.functions, function)
    if function.kind in ("context", "generator", "raising"):
        return lines
    return [*lines, w.call(Function(function.name, function.kind, function.forwards), scope)]


COMPOUND: list[Callable[[Writer, Scope, int], Lines]] = [
    branch, branch, branch, for_loop, for_loop, net_loop, while_loop, context, context, guarded, guarded, closure, batches,
]  # fmt: skip
