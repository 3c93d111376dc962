"""Schemes of training: loops over phases, loaders and epochs, with whatever statements inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.reality.scopes import Scope

if TYPE_CHECKING:
    from tests.reality.generating import Lines, Writer


def indented(lines: Lines) -> Lines:
    return [f"    {line}" for line in lines]


def data(w: Writer, *, more: str = "") -> str:
    """A loader that never gives one example alone."""
    size, batch = w.number(6, 8), w.number(2, 3)
    size += size % batch == 1
    return f"DataLoader(TensorDataset(torch.randn({size}, 4), torch.zeros({size})), batch_size={batch}{more})"


def body(w: Writer, scope: Scope, depth: int, x: str, turns: int) -> Lines:
    """Statements inside a loop of about so many turns."""
    before = scope.forwards
    lines = w.inner(scope, depth, tensors=[*scope.tensors, x], looping=True, uncounted=True)
    scope.forwards = before + turns * (scope.forwards - before + 1)
    return lines


def phases(w: Writer, scope: Scope, depth: int) -> Lines:
    """`for phase in ["train", "val"]`, with a loader for each."""
    net, x, phase, loaders = w.net(scope, applied=True), w.name("x"), w.name("phase"), w.name("loaders")
    switched = w.pick([
        [f"if {phase} == 'train':", f"    {net}.train()", "else:", f"    {net}.eval()"],
        [f"{net}.train({phase} == 'train')"],
        [f"{net}.train() if {phase} == 'train' else {net}.eval()"],
        [f"getattr({net}, {{'train': 'train', 'val': 'eval'}}[{phase}])()"],
        [f"is_train = {phase} == 'train'", f"{net}.train(mode=is_train)"],
    ])  # fmt: skip
    back = w.pick([
        [], [f"if {phase} == 'train':", "    y.sum().backward()"], [f"if {phase} == 'train':",
         f"    {net}({x}).sum().backward()"],
    ])  # fmt: skip
    if back and "y" in back[1]:
        held = f"with torch.set_grad_enabled({phase} == 'train'):"
        inside = [held, f"    y = {net}({x})", "    if y.requires_grad:", *indented(indented(back))]
    else:
        inside = [f"y = {net}({x})", *back]
    rest = body(w, scope, depth + 1, x, 8)
    loop = [f"for {x}, _ in {loaders}[{phase}]:", *indented(inside), *rest]
    lines = [f"{loaders} = {{'train': {data(w, more=', shuffle=True')}, 'val': {data(w)}}}"]
    over = w.pick(["['train', 'val']", "('train', 'val')", loaders])
    inner = [f"for {phase} in {over}:"]
    inner += indented([*switched, *loop])
    return [*lines, *(["for epoch in range(2):", *indented(inner)] if w.chance(2) else inner)]


def accumulated(w: Writer, scope: Scope, depth: int) -> Lines:
    """Gradients of several batches before a step of the optimiser; batches are numbered."""
    net, x, optimizer, i = w.pick(sorted(scope.nets)), w.name("x"), w.name("optimizer"), w.name("i")
    loader = w.pick(scope.loaders) if scope.loaders else data(w, more=w.pick(["", ", drop_last=True"]))
    start = w.pick(["", ", 1"])
    rest = w.inner(scope, depth, tensors=[*scope.tensors, x], counters=[*scope.counters, i], looping=True, uncounted=True)
    scope.forwards += 6
    lines = [
        f"for {i}, ({x}, _) in enumerate({loader}{start}):", f"    loss = {net}({x}).mean()",
        "    if loss.requires_grad:", "        loss.backward()",
        f"    if ({i} + 1) % 2 == 0:", f"        {optimizer}.step()", f"        {optimizer}.zero_grad()", *rest,
    ]  # fmt: skip
    return [f"{optimizer} = torch.optim.SGD([*{net}.parameters(), torch.zeros(1)], lr=0.1)", *lines]


def epochs(w: Writer, scope: Scope, depth: int) -> Lines:
    """Epochs with an evaluation every now and then."""
    net, x, epoch = w.net(scope, applied=True), w.pick(scope.tensors), w.name("epoch")
    count = w.number(1, 3)
    when = w.pick([f"{epoch} % 2 == 0", f"({epoch} + 1) % 2 == 0", f"{epoch} == {count - 1}", f"{epoch} > 0", w.condition(scope)])
    first = w.pick([[f"{net}.train()"], []])
    after = w.pick([[f"    {net}.train()"], []])
    inside = w.inner(scope, depth, counters=[*scope.counters, epoch], looping=True, uncounted=True)
    scope.forwards += 2 * count
    check = [f"if {when}:", f"    {net}.eval()", "    with torch.no_grad():", f"        {net}({x})", *after]
    lines = [*indented([*first, f"{net}({x})"]), *inside, *indented(check)]
    return [f"for {epoch} in range({count}):", *(indented(first) if w.chance(2) else []), *lines]


def drawn(w: Writer, scope: Scope, depth: int) -> Lines:
    """Batches by hand: an iterator, its first ones, two loaders at a time, parts of a tensor."""
    net, x, loader, it = w.net(scope, applied=True), w.name("x"), w.name("loader"), w.name("batches")
    given = w.pick(scope.tensors)
    rest = body(w, scope, depth, x, 4)
    kinds = [
        [f"for {x}, _ in itertools.islice({loader}, 2):", f"    {net}({x})", *rest],
        [f"for _, ({x}, _) in zip(range(2), {loader}):", f"    {net}({x})", *rest],
        [f"for ({x}, _), (other, _) in zip({loader}, itertools.cycle({loader})):", f"    {net}({x})", f"    {net}(other)", *rest],
        [f"for batch in {loader}:", f"    {x}, target = batch", f"    {net}({x})", *rest],
        [f"for batch in {loader}:", f"    {x} = batch[0]", f"    if len({x}) < 2:", "        continue", f"    {net}({x})", *rest],
        [f"{x} = next(iter({loader}))[0]", "for _ in range(1):", f"    {net}({x})", *rest],
        [f"{it} = iter({loader})", "for _ in range(2):", f"    {x}, _ = next({it})", f"    {net}({x})", *rest],
        [f"for {x} in parts_of({given}):", f"    {net}({x})", *rest],
        [f"for {x} in (part for part, _ in {loader}):", f"    {net}({x})", *rest],
        [f"for {x} in map(lambda batch: batch[0], {loader}):", f"    {net}({x})", *rest],
        [f"for {x}, _ in {loader}:", f"    if {x}.size(0) % 2:", f"        {net}(torch.cat([{x}, {x}]))", *rest],
    ]
    lines = w.pick(kinds)
    return [f"{loader} = {data(w, more=w.pick(['', ', shuffle=True', ', drop_last=True']))}", *lines]


def patience(w: Writer, scope: Scope, depth: int) -> Lines:
    """Training that stops when what it computes says so."""
    net, x, best = w.net(scope, applied=True), w.pick(scope.tensors), w.name("best")
    w.decided = False
    lines = w.inner(scope, depth, looping=True, uncounted=True)
    scope.forwards += 4
    stop = w.pick([["        break"], [f"        {net}.eval()", "        break"], [f"        {net}.eval()"]])
    head = [f"{best} = float('inf')", "for epoch in range(3):", f"    loss = {net}({x}).mean().item()"]
    return [*head, f"    if loss < {best}:", f"        {best} = loss", "    else:", *stop, *lines]


def alternating(w: Writer, scope: Scope, depth: int) -> Lines:
    """Two networks that are trained in turns, as generators and critics are."""
    a, b, x = w.net(scope, applied=True), w.net(scope, applied=True), w.pick(scope.tensors)
    lines = w.inner(scope, depth, looping=True, uncounted=True)
    scope.forwards += 6
    turn = [
        [f"    {a}.train()", f"    {b}.eval()", f"    {b}({a}({x})).mean()", f"    {b}.train()", f"    {b}({a}({x}).detach())"],
        [f"    for net, other in (({a}, {b}), ({b}, {a})):", "        net.train()", "        other.eval()",
         f"        other(net({x}))"],
        [f"    for parameter in {b}.parameters():", "        parameter.requires_grad_(False)", f"    {b}({a}({x}))"],
    ]
    return ["for turn in range(2):", *w.pick(turn), *lines]


SCHEMES: list[Callable[[Writer, Scope, int], Lines]] = [
    phases, phases, accumulated, epochs, epochs, drawn, drawn, patience, alternating,
]  # fmt: skip
