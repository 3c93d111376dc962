"""Statements of grown training code: callbacks, registries, copies of weights, saved modes, replaced layers, and the like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.reality.scopes import Scope
from tests.reality.sentences import apply

if TYPE_CHECKING:
    from tests.reality.generating import Lines, Writer

WITH_BN = ("Net", "Frozen", "Own", "Mixed", "Thawed")
"""kinds of networks with layers called `fc` and `bn`"""


def of_kinds(w: Writer, scope: Scope, kinds: Sequence[str], made: str) -> tuple[Lines, str]:
    """A network of one of these kinds: one that is there, or a new one, with the line that makes it."""
    found = sorted(name for name, kind in scope.nets.items() if kind in kinds)
    if found and not w.chance(3):
        return [], w.pick(found)
    name = w.name("net")
    scope.nets[name] = kinds[0]
    return [f"{name} = {made}"], name


def applied(w: Writer, scope: Scope, net: str) -> Lines:
    """A forward of this very network."""
    x, out = w.pick(scope.tensors), w.name("y")
    scope.forwards += 1
    return w.pick([
        [f"{net}({x})"], [f"{out} = {net}({x})", f"{out}.sum().backward()"], ["with torch.no_grad():", f"    {out} = {net}({x})"],
    ])  # fmt: skip


def restored(w: Writer, scope: Scope) -> Lines:
    """Modes that are kept and given back."""
    net, was, x = w.net(scope), w.name("was"), w.pick(scope.tensors)
    whole, out = w.pick(sorted(scope.nets)), w.name("y")
    scope.forwards += 1
    kinds = [
        [f"{was} = {net}.training", f"{net}.eval()", "try:", f"    {whole}({x})", "finally:", f"    {net}.train({was})"],
        [f"{was} = [m.training for m in {whole}.modules()]", f"{whole}.eval()", f"{out} = {whole}({x})",
         f"for m, mode in zip({whole}.modules(), {was}):", "    m.training = mode"],
        [f"{was} = {{m: m.training for m in {whole}.modules()}}", f"{whole}.{w.pick(['eval', 'train'])}()", f"{whole}({x})",
         f"for m, mode in {was}.items():", "    m.training = mode"],
        [f"{was} = [(m, m.training) for m in norms_of({whole})]", f"{whole}.eval()", f"{out} = {whole}({x})",
         f"for m, mode in {was}:", "    m.train(mode)"],
        [f"with keeping_modes({whole}):", f"    {net}.eval()", f"    {out} = {whole}({x})"],
        [f"{was}, _ = {net}.training, {net}.eval()", f"{out} = {whole}({x})", f"_ = {net}.train({was})"],
        [f"{was} = {whole}.training", f"{net}.train(not {was})", f"if {whole}.training != {was}:", f"    {whole}.train({was})"],
    ]  # fmt: skip
    return [*w.pick(kinds), *applied(w, scope, whole)]


def replaced(w: Writer, scope: Scope) -> Lines:
    """Layers that are put in place of others: new ones begin in train mode."""
    lines, net = of_kinds(w, scope, WITH_BN, "Net()")
    kinds = [
        [f"{net}.bn = nn.BatchNorm1d(4)"],
        [f"{net}.fc = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))"],
        [f"{net}.eval()", f"{net}.bn = nn.BatchNorm1d(4)"],
        [f"{net}.bn = nn.Identity()"],
        [f"{net}.bn = nn.BatchNorm1d(4).eval()"],
        [f"setattr({net}, 'bn', nn.BatchNorm1d(4).train({w.flag(scope)}))"],
        [f"{net}.bn, {net}.fc = nn.BatchNorm1d(4), nn.Linear(4, 4)"],
        [f"if {w.condition(scope)}:", f"    {net}.bn = nn.BatchNorm1d(4, momentum=0.01)"],
        [f"{net}.add_module('bn', nn.BatchNorm1d(4))"],
    ]
    return [*lines, *w.pick(kinds), *applied(w, scope, net)]


def reached(w: Writer, scope: Scope) -> Lines:
    """Parts of networks that are reached by name, by place or by kind."""
    lines, net = of_kinds(w, scope, WITH_BN, w.pick(["Net()", "Own()", "Mixed()"]))
    any_net, x, part, flag = w.net(scope), w.pick(scope.tensors), w.name("part"), w.flag(scope)
    norm = "isinstance(m, nn.BatchNorm1d)"
    kinds = [
        [f"{net}.get_submodule('bn').train({flag})"],
        [f"dict({net}.named_modules())['bn'].eval()"],
        [f"list({net}.children())[-1].train({flag})"],
        [f"next({net}.children()).eval()"],
        [f"[m for m in {any_net}.modules() if {norm}][0].eval()"],
        [f"{part} = next(m for m in {any_net}.modules() if {norm})", f"{part}.train({flag})"],
        [f"for {part} in filter(lambda m: {norm}, {any_net}.modules()):", f"    {part}.eval()"],
        [f"for {part} in norms_of({any_net}):", f"    {part}.train({flag})"],
        [f"{part} = norms_of({any_net})[-1]", f"{part}.eval()"],
        [f"{any_net}.apply(lambda m: m.eval() if {norm} else None)"],
        [f"{any_net}.apply(by_name)"],
        [f"down({any_net})"],
        [f"down({any_net}, mode={flag})"],
        [f"for name, {part} in {net}.named_children():", "    if name != 'fc':", f"        {part}.train(False)"],
        [f"for name, {part} in {net}.named_children():", "    if name.startswith('fc'):", "        continue",
         f"    {part}.eval()"],
        [f"for {part} in {any_net}.modules():", f"    if type({part}) is nn.BatchNorm1d:", f"        {part}.train({flag})"],
        [f"for {part} in {any_net}.modules():", f"    if hasattr({part}, 'running_mean'):", f"        {part}.eval()"],
        [f"for {part} in {any_net}.modules():", f"    if 'BatchNorm' in type({part}).__name__:",
         f"        {part}.training = {flag}"],
        [f"if hasattr({net}, 'predict'):", f"    {net}.eval()"],
        [f"{part} = getattr({net}, 'missing', None)", f"({part} or {net}).eval()"],
        [f"{part} = getattr({net}, 'bn', None)", f"if {part} is not None:", f"    {part}.eval()"],
        ["for name in ('fc', 'bn'):", f"    getattr({net}, name).train({flag})"],
        [f"{net}.bn.train({flag}) if {net}.training else {net}.train()"],
        [f"{net}._modules['bn'].eval()"],
        [f"{net}.training = {flag}", f"{net}({x})"],
    ]  # fmt: skip
    scope.forwards += 1
    return [*lines, *w.pick(kinds), *applied(w, scope, net)]


def stacked(w: Writer, scope: Scope) -> Lines:
    """Lists of blocks, in whole and in parts."""
    lines, net = of_kinds(w, scope, ("Stack",), f"Stack({w.number(2, 3)})")
    flag, block, x = w.flag(scope), w.name("block"), w.pick(scope.tensors)
    some = w.pick([f"{net}.blocks", f"{net}.blocks[1:]", f"reversed({net}.blocks)", f"{net}.blocks[:-1]", f"list({net}.blocks)"])
    kinds = [
        [f"for {block} in {some}:", f"    {block}.train({flag})"],
        [f"for i in range(len({net}.blocks)):", f"    {net}.blocks[i].train(i == 0)"],
        [f"for i, {block} in enumerate({net}.blocks):", "    if i < 1:", f"        {block}.eval()"],
        [f"{net}.blocks[-1].eval()"],
        [f"first, *others = {net}.blocks", "first.eval()", f"for {block} in others:", f"    {block}.train({flag})"],
        [f"{net}.tail[1].train({flag})", f"{net}.tail[:1].eval()"],
        [f"{net}.blocks.append(Net())"],
        [f"{net}.blocks.insert(0, Net().eval())"],
        [f"{net}.eval()", f"{net}.blocks[0] = Net()"],
        [f"{net}.tail.append(nn.BatchNorm1d(4).train({flag}))"],
        [f"{block} = nn.Sequential(*{net}.blocks)", f"{block}.eval()"],
        [f"{block} = nn.Sequential(*list({net}.children())[1:])", f"{block}.eval()", f"{block}({x})"],
        [f"for a, b in zip({net}.blocks, {net}.blocks[1:]):", "    b.train(not a.training)"],
        [f"{net}.blocks[0].bn, {block} = nn.BatchNorm1d(4), {net}.blocks[-1]", f"{block}.eval()"],
    ]
    if scope.uncounted:
        kinds = [lines for lines in kinds if not any(".append(" in line or ".insert(" in line for line in lines)]
    scope.forwards += 1
    return [*lines, *w.pick(kinds), *applied(w, scope, net)]


def sequences(w: Writer, scope: Scope) -> Lines:
    """Sequences of layers: cut, joined, built from lists and dicts."""
    name, flag, layers = w.name("net"), w.flag(scope), w.name("layers")
    scope.nets[name] = "any"
    kinds = [
        [f"{layers} = [nn.Linear(4, 4)]", f"{layers} += [nn.BatchNorm1d(4), nn.ReLU()]", f"{name} = nn.Sequential(*{layers})"],
        [f"{layers} = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), Net())", f"{name} = {layers}[1:]", f"{layers}.eval()"],
        [f"{layers} = nn.Sequential(Net(), nn.BatchNorm1d(4), Net()).eval()", f"{name} = {layers}[:2]", f"{name}.train({flag})"],
        [f"{name} = nn.Sequential(collections.OrderedDict([('fc', nn.Linear(4, 4)), ('bn', nn.BatchNorm1d(4))]))",
         f"{name}.bn.train({flag})"],
        [f"{name} = nn.Sequential(*[Net() for _ in range(2)])", f"{name}[0].eval()"],
        [f"{name} = nn.Sequential()", f"{name}.add_module('first', Net())", f"{name}.eval()",
         f"{name}.add_module('next', Net())"],
        [f"{name} = nn.Sequential(*(Net().train(i == 0) for i in range(2)))"],
        [f"{layers} = [Net()]", f"{layers}.append(Net())", f"{name} = nn.Sequential(*{layers})", f"{layers}[0].train({flag})"],
        [f"{name} = nn.Sequential(Net(), *([nn.BatchNorm1d(4)] if {w.flag(scope)} else []))", f"{name}[0].eval()"],
        [f"{layers} = [Net()] * 2", f"{name} = nn.Sequential(*{layers})", f"{layers}[1].eval()"],
    ]  # fmt: skip
    return [*w.pick(kinds), *applied(w, scope, name)]


def special(w: Writer, scope: Scope) -> Lines:
    """Networks whose classes do something of their own."""
    name, flag, x = w.name("net"), w.flag(scope), w.pick(scope.tensors)
    inner = w.net(scope, applied=True)
    kinds = [
        ("Sampling", [f"{name} = Sampling()", f"{name}.eval()"]),
        ("Sampling", [f"{name} = Sampling().train({flag})", f"{name}.eval().net.train({flag})"]),
        ("OnlyTraining", [f"{name} = OnlyTraining()", f"{name}({x})", f"{name}.train({flag})"]),
        ("OnlyTraining", [f"{name} = OnlyTraining().eval()", f"{name}.training = {flag}"]),
        ("Mixed", [f"{name} = Mixed()", f"{name}.train({flag})"]),
        ("Thawed", [f"{name} = Thawed()", f"{name}.train({flag})"]),
        ("any", [f"{name} = Factory()", f"{name}.train({flag})", f"{name}.last.eval()"]),
        ("any", [f"{name} = Factory(functools.partial(nn.BatchNorm1d, eps=1e-3), 1)", f"{name}.bn0.eval()"]),
        ("any", [f"{name} = Factory(last={flag}, momentum=0.2)", f"getattr({name}, 'bn1').eval()"]),
        ("any", [f"{name} = Factory(count=3, **{{'eps': 1e-3}})", "for i in range(2):",
         f"    getattr({name}, f'bn{{i}}').eval()"]),
        ("any", [f"{name} = Domains()", f"{name}.norms['source'].eval()", f"{name}.use('target')({x})"]),
        ("any", [f"{name} = Domains()", f"for key in {name}.norms:", f"    {name}.use(key)({x})",
         f"    {name}.norms[key].eval()"]),
        ("any", [f"{name} = Domains().eval()", f"for key, norm in {name}.norms.items():", "    norm.train(key == 'target')"]),
        ("Partly", [f"{name} = Partly()", f"{name}.train({flag})"]),
        ("Partly", [f"{name} = Partly({inner}, train_backbone={flag})", f"{name}.train()"]),
        ("any", [f"{name} = REGISTRY['small']()", f"{name}.train({flag})"]),
        ("any", [f"{name} = REGISTRY['{w.pick(['small', 'large'])}'.lower()]().eval()", f"{name}.layers.bn.train({flag})"]),
        ("any", [f"{name} = Large()", f"{name}.more.eval()"]),
        ("any", [f"{name} = {{'net': Net, 'own': Own}}['net'](width=4)", f"{name}.bn.eval()"]),
        ("any", [f"{name} = (Net if {w.condition(scope)} else Frozen)()", f"{name}.train({flag})"]),
        ("any", [f"{name} = type({inner})() if type({inner}) is Net else Net()", f"{name}.train({flag})"]),
        ("any", [f"{name} = getattr(sys.modules[__name__], 'Net', Net)()", f"{name}.eval()"]),
    ]  # fmt: skip
    kind, lines = w.pick(kinds)
    scope.nets[name] = kind
    scope.forwards += 2
    return [*lines, *applied(w, scope, name)]


def copied(w: Writer, scope: Scope) -> Lines:
    """Targets, teachers and averages: networks that are given the weights of others."""
    lines, net = of_kinds(w, scope, ("Net",), "Net()")
    name, x = w.name("net"), w.pick(scope.tensors)
    kinds = [
        [f"{name} = Net()", f"{name}.load_state_dict({net}.state_dict())", f"{name}.eval()"],
        [f"{name} = copy.deepcopy({net}).eval().requires_grad_(False)", f"{name}.load_state_dict({net}.state_dict())"],
        [f"{name} = Average({net}).net", f"{net}({x})"],
        [f"ema = Average({net})", f"{net}.train()", f"{net}({x}).mean().backward()", f"ema.update({net})", f"{name} = ema.net"],
        [f"{name} = torch.optim.swa_utils.AveragedModel({net})", f"{name}.update_parameters({net})"],
        [f"{name} = torch.optim.swa_utils.AveragedModel({net}, use_buffers=True).eval()", f"{net}.train()"],
        [f"{name}, other = copy.deepcopy([{net}, {net}])", "other.eval()"],
        [f"{name} = copy.deepcopy({{'net': {net}}})['net']", f"{net}.eval()"],
        [f"{name} = {net}.__class__()", f"for a, b in zip({name}.parameters(), {net}.parameters()):", "    a.data.copy_(b.data)"],
        [f"{name}, {net} = {net}, copy.deepcopy({net})", f"{name}.eval()"] if not scope.within else [f"{name} = {net}.eval()"],
    ]
    scope.nets[name] = "any"
    scope.forwards += 2
    return [*lines, *w.pick(kinds), *applied(w, scope, name), *w.pick([[], applied(w, scope, net)])]


def tables(w: Writer, scope: Scope) -> Lines:
    """Networks in lists, dicts and small objects."""
    a, b, x = w.net(scope, applied=True), w.net(scope, applied=True), w.pick(scope.tensors)
    held, flag, out = w.name("held"), w.flag(scope), w.name("y")
    kinds = [
        [f"{held} = {{'a': {a}, 'b': {b}}}", f"for net in {held}.values():", f"    net.train({flag})", f"{held}['a']({x})"],
        [f"{held} = dict(a={a}, b={b})", f"for key in {held}:", f"    {held}[key].train(key == 'a')", f"{held}['b']({x})"],
        [f"{held} = [{a}, {b}]", "for i in range(2):", f"    {held}[i].train(i == 1)", f"{held}[0]({x})"],
        [f"{held} = types.SimpleNamespace(net={a}, other={b})", f"{held}.net.eval()", f"{held}.other({x})"],
        [f"{held} = collections.namedtuple('Nets', 'net other')({a}, {b})", f"{held}.net.eval()", f"{held}.net({x})"],
        [f"{held} = {{key: net.train({flag}) for key, net in zip('ab', [{a}, {b}])}}", f"{held}['a']({x})"],
        [f"{held} = Many({a}, {b})", f"{held}.eval()", f"{held}({x})"],
        [f"{held} = Many({a}, {b})", f"{held}.train('G')", f"{held}.netG({x})", f"{held}.mode = {flag}", f"{held}.netD({x})"],
        [f"{held} = Many({a}, {b})", f"for net in {held}.nets():", "    net.eval()", f"    net({x})"],
        [f"{held} = Many({a}, {b})", f"if {held}.mode:", f"    {held}.eval()", f"{held}({x})"],
        [f"{held} = [net for net in ({a}, {b}) if net.training]", f"for net in {held}:", f"    net({x})", "    net.eval()"],
        [f"if any(net.training for net in [{a}, {b}]):", f"    {a}.eval()", f"{b}({x})"],
        [f"if all(not net.training for net in [{a}, {b}]):", f"    {b}.train()", f"{b}({x})"],
        [f"{held} = [(net, mode) for net, mode in (({a}, True), ({b}, {flag}))]", f"for net, mode in {held}:",
         f"    net.train(mode)(({x}))"],
        [f"{held} = itertools.chain([{a}], [{b}])", f"for net in {held}:", "    net.eval()", f"{a}({x})"],
        [f"{held} = sorted([{a}, {b}], key=lambda net: net.training)", f"{held}[0].eval()", f"{held}[1]({x})"],
        [f"{held} = [{a}, {b}]", f"{held}.sort(key=lambda net: len(list(net.modules())))", f"{held}[0].train({flag})",
         f"{held}[-1]({x})", f"for net in {held}:", f"    net.eval()({x})"],
        [f"{held} = collections.defaultdict(list)", f"{held}['nets'].append({a})", f"{held}['nets'].extend([{b}])",
         f"for net in {held}['nets']:", f"    net.train({flag})", f"{held}['nets'][0]({x})"],
        [f"Holder.hold({a}).net.eval()", f"Holder.net({x})", "for net in Holder.others:", f"    net.train({flag})"],
        [f"{held} = lambda: ({a}, {b})", f"one, two = {held}()", f"one.train({flag})", f"two({x})"],
        [f"{held} = {a}", f"del {held}" if not scope.within else f"{held}.eval()", f"{a}({x})"],
        [f"{held} = None", f"if {held} is None:", f"    {held} = {a}", f"{held}.train({flag})", f"{held}({x})"],
        [f"{held} = None", f"{held} = {held} or {a}", f"{held}.eval()({x})"],
        [f"{out} = {{net: net({x}) for net in ({a}, {b})}}", f"sum(y.mean() for y in {out}.values()).backward()"],
        [f"{out} = [net.eval()({x}) for net in ({a}, {b})]"],
        [f"print(f'{{{a}({x}).mean():.3f}}', len([{b}.eval()]))"],
        [f"{out} = {a}({b}({x}))", f"{out} = {a}(*[{x}])"],
        [f"{out} = sum(net({x}).mean() for net in [{a}, {b}])", f"{out}.backward()"],
    ]  # fmt: skip
    scope.forwards += 2
    return w.pick(kinds)


def calling(w: Writer, scope: Scope) -> Lines:
    """Ways to call: partial, method references, recursion, star arguments, globals, callbacks, hooks."""
    net, other, x = w.net(scope, applied=True), w.net(scope), w.pick(scope.tensors)
    whole = w.pick(sorted(scope.nets))
    flag, name, out = w.flag(scope), w.name("do"), w.name("y")
    kinds = [
        [f"functools.partial(nn.Module.train, {other})({flag})", f"{net}({x})"],
        [f"functools.partial({other}.train, mode={flag})()", f"{net}({x})"],
        [f"operator.methodcaller('eval')({other})", f"{net}({x})"],
        [f"operator.methodcaller('train', {flag})({other})", f"{net}({x})"],
        [f"nn.Module.eval({other})", f"{net}({x})"],
        [f"type({whole}).train({whole}, {flag})", f"{whole}({x})"],
        [f"for switch in ({other}.train, {other}.eval):", "    switch()", f"    {net}({x})"],
        [f"turns({net}, {x}, {w.number(0, 2)})({x})"],
        [f"run_all({net}, x={x}, mode={flag})"],
        [f"run_all(*[{net}, {whole}], **{{'x': {x}, 'mode': {flag}}})"],
        [f"run_all({net}, x={x})"],
        [f"use({net})", f"{other}.train({flag})", f"now({x})"],
        [f"use({net}).eval()", f"{out} = now({x})"],
        [f"{name} = with_mode('{w.pick(['train', 'eval'])}')(lambda net, x: net(x))", f"{name}({net}, {x})", f"{net}({x})"],
        ["@with_mode('eval')", f"def {name}(net, x):", "    return net(x)", f"{out} = {name}({net}, x={x})", f"{net}({x})"],
        [f"{name} = Evaluator({net}, quiet={flag})", f"{out} = {name}({x})", f"{net}({x})"],
        [f"Trainer({net}).fit({x})"],
        [f"{name} = Trainer({net}, [TrainBefore(), EvalAfter()])", f"{name}.fit({x}).evaluate({x})"],
        [f"{name} = Trainer({net}, callbacks=[EvalAfter()])", f"{name}.fit({x}, epochs={w.number(1, 3)})", f"{net}({x})"],
        [f"{name} = Trainer({net})", f"{name}.callbacks.append(TrainBefore())", f"{name}.fit({x}).evaluate({x})"],
        [f"{name} = [lambda: {other}.eval(), {other}.train]", f"for callback in {name}:", "    callback()", f"    {net}({x})"],
        [f"{name} = {{'train': lambda x: {net}(x), 'eval': lambda x: {net}.eval()(x)}}",
         f"{name}['{w.pick(['train', 'eval'])}']({x})"],
        [f"{name} = {net}.register_forward_hook(lambda module, given, out: None)", f"{net}({x})", f"{name}.remove()"],
        ["seen = []", f"{name} = {net}.register_forward_hook(lambda m, given, out: seen.append(out.detach()))", f"{net}({x})",
         f"{name}.remove()"],
        [f"def {name}(x, net={net}):", "    return net(x)", f"{other}.eval()", f"{name}({x})"],
        [f"def {name}(net, *args, **kwargs):", "    return net(*args, **kwargs)", f"{out} = {name}({net}, {x})"],
        [f"def {name}(function, *args):", "    return function(*args)", f"{name}({other}.train, {flag})", f"{name}({net}, {x})"],
        [f"def {name}():", f"    yield {net}.train()", f"    yield {net}.eval()", f"for net in {name}():", f"    net({x})"],
        [f"def {name}():", f"    {other}.eval()", f"    yield {x}", f"    {other}.train({flag})", f"for part in {name}():",
         f"    {net}(part)", f"{net}({x})"],
        [f"{name} = iter([{net}.train, {net}.eval])", f"next({name})()", f"{net}({x})", f"next({name})()", f"{net}({x})"],
        [f"async def {name}(net, x):", "    net.eval()", "    return net(x)", f"{out} = asyncio.run({name}({net}, {x}))"],
        [f"match '{w.pick(['train', 'eval', 'test'])}':", "    case 'train':", f"        {other}.train()",
         "    case 'eval' | 'test':", f"        {other}.eval()", "    case _:", "        raise ValueError", f"{net}({x})"],
        [f"match {other}:", "    case nn.Sequential():", f"        {other}.eval()", "    case nn.Module():",
         f"        {net}.train({flag})",
         f"{net}({x})"],
        [f"match {flag}, {whole}.training:", "    case True, _:", f"        {whole}.eval()", "    case False, True:",
         f"        {other}.train()", f"{whole}({x})"],
        [f"match {{'net': {net}}}:", "    case {'net': found}:", "        found.eval()", f"{net}({x})"],
    ]  # fmt: skip
    scope.forwards += 3
    return w.pick(kinds)


def options(w: Writer, scope: Scope) -> Lines:
    """What a configuration decides."""
    net, other, x = w.net(scope, applied=True), w.net(scope), w.pick(scope.tensors)
    config, flag = w.name("config"), w.flag(scope)
    kinds = [
        [f"{config} = Config(freeze={flag})", f"if {config}.freeze:", f"    {other}.eval()", f"{net}({x})"],
        [f"{config} = Config(epochs=1)", f"for epoch in range({config}.epochs):", f"    {other}.train(epoch > 0)",
         f"    {net}({x})"],
        [f"{config} = Config()", f"for phase in {config}.phases:", f"    {net}.train(phase == 'train')", f"    {net}({x})"],
        [f"{config} = dataclasses.replace(Config(), freeze={flag})", f"{other}.train(not {config}.freeze)", f"{net}({x})"],
        ["for phase in Phase:", f"    {net}.train(phase is Phase.TRAIN)", f"    {net}({x})"],
        [f"{config} = Phase('{w.pick(['train', 'val'])}')", f"{other}.train({config} == Phase.TRAIN)", f"{net}({x})"],
        [f"{config} = {{'freeze': {flag}, 'nets': ['a']}}", f"if {config}.get('freeze', True):", f"    {other}.eval()",
         f"{net}({x})"],
        [f"{config} = {{'mode': {flag}}}", f"{other}.train(**{config})", f"{net}({x})"],
        [f"{config} = dict(freeze={flag})", f"{config}.update(freeze=not {config}['freeze'])",
         f"{other}.train({config}['freeze'])",
         f"{net}({x})"],
        [f"{config} = vars(types.SimpleNamespace(on={flag}))", f"{other}.train({config}['on'])", f"{net}({x})"],
        [f"{config} = os.environ.get('BN_FREEZE', '')", f"if not {config}:", f"    {other}.eval()", f"{net}({x})"],
    ]  # fmt: skip
    if "environ" in (text := "\n".join(lines := w.pick(kinds))) or "Phase(" in text:
        w.decided = w.decided and "environ" not in text
    scope.forwards += 2
    return lines


def gradients(w: Writer, scope: Scope) -> Lines:
    """Other ways to record gradients or not."""
    net, x, flag, out, was = w.net(scope, applied=True), w.pick(scope.tensors), w.flag(scope), w.name("y"), w.name("was")
    kinds = [
        [f"with torch.no_grad() if {w.condition(scope)} else contextlib.nullcontext():", f"    {net}({x})"],
        [f"{was} = torch.no_grad() if {flag} else torch.enable_grad()", f"with {was}:", f"    {net}({x})"],
        ["torch.set_grad_enabled(False)", f"{net}({x})", "torch.set_grad_enabled(True)"],
        [f"{was} = torch.is_grad_enabled()", f"torch.set_grad_enabled({flag})", f"{net}({x})", f"torch.set_grad_enabled({was})"],
        ["with contextlib.ExitStack() as stack:", f"    if {w.condition(scope)}:", "        stack.enter_context(torch.no_grad())",
         f"    {net}({x})", f"{net}({x})"],
        ["with contextlib.ExitStack() as stack:", f"    stack.enter_context(evaluating({net}))", f"    {net}({x})",
         f"{net}({x})"],
        ["with contextlib.ExitStack() as stack:", f"    {net}.eval()", f"    stack.callback({net}.train)", f"    {net}({x})",
         f"{net}({x})"],
        ["with torch.autocast('cpu', enabled=False):", f"    {out} = {net}({x})", f"{out}.sum().backward()"],
        [f"with torch.enable_grad(), torch.set_grad_enabled({flag}):", f"    {net}({x})"],
        [f"{out} = torch.utils.checkpoint.checkpoint({net}, {x}, use_reentrant=False)", f"{out}.sum().backward()"],
        [f"optimizer = torch.optim.SGD({net}.parameters(), lr=0.1)", "optimizer.zero_grad()", f"{net}({x}).mean().backward()",
         "optimizer.step()"],
        [f"{out} = torch.no_grad()(lambda: {net}({x}))()"],
        [f"{out} = torch.inference_mode({flag})({net}.forward)({x})"],
    ]  # fmt: skip
    lines = w.pick(kinds)
    if "parameters()" in "".join(lines):
        lines = [f"if any(p.requires_grad for p in {net}.parameters()):", *(f"    {line}" for line in lines)]
    scope.forwards += 2
    return lines


def stopping(w: Writer, scope: Scope) -> Lines:
    """Exceptions of one's own that carry control."""
    net, other, x, flag, i = w.net(scope, applied=True), w.net(scope), w.pick(scope.tensors), w.flag(scope), w.name("i")
    w.decided = False
    kinds = [
        ["try:", f"    for {i} in range(3):", f"        {net}({x})", f"        stop_when({i} == 1, {other})", "except Stop:",
         "    pass"],
        ["try:", f"    stop_when({flag}, net={other})", "except Stop as stop:", f"    {net}({x})", "else:",
         f"    {other}.train()"],
        [f"for {i} in range(2):", "    try:", f"        {other}.eval()", f"        stop_when({i} == 0)", "    except Stop:",
         "        continue", f"    {net}({x})"],
        ["while True:", "    try:", f"        {other}.train(False)", f"        stop_when({flag})", "        break",
         "    except Stop:", f"        {other}.train()", "        break"],
        ["try:", "    try:", f"        stop_when(True, {other})", "    finally:", f"        {net}({x})",
         "        " + f"{other}.train()",
         "except Exception:", f"    {net}({x})"],
        ["try:", "    try:", f"        {other}.eval()", "        raise Stop()", "    except Stop:", f"        {net}({x})",
         "        raise",
         "except Stop:", f"    {other}.train()"],
        ["try:", f"    {other}.eval()", f"    assert not {flag}, 'not now'", f"    {other}.train()", "except AssertionError:",
         "    pass"],
        [f"{i} = iter([{x}])", "for _ in range(2):", "    try:", f"        part = next({i})", "    except StopIteration:",
         f"        {other}.eval()", f"        {i} = iter([{x}, {x}])", f"        part = next({i})", f"    {net}(part)"],
    ]  # fmt: skip
    scope.forwards += 3
    return [*w.pick(kinds), *apply(w, scope)]


HABITS: list[Callable[[Writer, Scope], Lines]] = [
    restored, replaced, reached, reached, stacked, sequences, special, special, copied, tables, tables, calling, calling, options,
    gradients, stopping,
]  # fmt: skip
