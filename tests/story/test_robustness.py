"""Code that is odd, broken or meant to break a reader: it may tell nothing, but never stops the story that follows."""

from __future__ import annotations

import pytest

from bnlint.story.events import Forward
from tests.story.programs import NET, modes, stories

AFTER = "\nfinal = Net()\nfinal(input())\n"

VALUES = [
    "x = 10 ** 10 ** 10",
    "x = 1 << 10 ** 9",
    "x = 'x' * 10 ** 9\ny = [0] * 10 ** 9\nz = (0,) * (1 << 62)",
    "x = 2 ** 63 * 2 ** 63 * -(2 ** 63)",
    "x = 1e308 * 10\ny = int(x)\nz = range(x)\nw = torch.randn(float('inf'), 3)\nv = torch.zeros(float('nan'))",
    "x = range(10 ** 18)\nx = range(-(10 ** 18), 10 ** 18)\nfor i in range(10 ** 18, 0, -1):\n    y = i\nlen(x)",
    "x = range(1, 2, 0)\ny = range(1, 2, 3, 4)\nz = range('a')\nw = range(*v)\nfor i in range(): pass\nu = range()",
    "x = int('9' * 5000)\ny = float('nan') == float('nan')\nz = str(1e400)",
    "x = '%999999999d' % 1\ny = '%s %s' % 1\nz = '%q' % 3\nw = '%(a)s' % {'a': 1}\nv = '%*d' % (10 ** 9, 1)",
    "x = '{:999999999}'.format(1)\ny = '{:{w}}'.format(1, w=999999999)\nz = '{0.x.y}'.format(1)\nw = '{'.format()",
    "x = 1 / 0\ny = 1 % 0\nz = 1.0 // 0\nw = -(-True)\nv = ~3.5",
    "x = 'a' < 1 < None\ny = None < 3\nz = 1 in 2\nw = 'a' in 'abc' in [1]",
    "x = {}\nx[x] = x\nfor key, value in x.items():\n    y = x[key][value]",
    "x = []\nx.append(x)\nx.extend(x)\nx += x\ny = x + x\nz = [*x, *x]\nmain = x[0][0][0]\nfor i in x:\n    i.append(x)",
    "x = [1]\nx[0] = x\ny = tuple(x)\nz = (x, y)\nx.append(z)\nsum(x)\nstr(x)\nprint(*x, **x)",
    "a = {}\nb = {'a': a}\na['b'] = b\na.update(b)\nb.update(a)\ndict(a, **b)\nf(**a)",
    "model = Net()\nmodel.child = model\nmodel.train()\nmodel.eval()\nlist(model.modules())\nmodel.apply(lambda m: m.apply(print))",
    "import copy\nmodel = Net()\nmodel.me = [model, {1: model}]\nother = copy.deepcopy(model)\nother(input())",
    "x = f()\nx = x[x](x)(x).x[x:x:x, x, ...]\nx.y.z = x\nx[x] = x\ndel x[x], x.y, x",
    "x, *y, (z, [w, *v]) = 1, 2, 3, (4, [5, 6])\na, b = 1\n(c, d), e = 'ab'\n*f, = g\nfor i, (j, *k) in l: pass",
    "setattr(Net(), '#mode', 1)\nm = Net()\nsetattr(m, '#items', 3)\nm.add_module('#mode', m)\nm.eval()\nm(1)\ngetattr(m, '#mode')",
    "x = {'#items': 1, '#rest': 2}\nx['#open'] = 3\nlist(x)\nf(**x)\nfor k in x: pass",
    "x = b'' + b'a'\ny = 1j * 2\nz = ...\nw = u'a' 'b' f'{x!r:>{y}}'",
    "x = ~[] if not () else -{}\ny = +'a'\nz = not not not x",
]

FUNCTIONS = [
    "def f(a, /, b, *c, d=1, **e): return f(*c, **e)\nf()\nf(1)\nf(1, 2, 3, d=4, e=5)\nf(*f(), *f(), **f(), **f())\nf(a=1)",
    "def f(x=[]):\n    x.append(f)\n    return f(x)\nf()",
    "f = lambda x=lambda: f: (lambda *a, **k: f(*a, **k))(x)\nf()()",
    "def f():\n    yield f()\n    yield from f()\n    return f\nfor x in f():\n    for y in f():\n        z = next(f())\nlist(f())",
    "async def f():\n    async with f() as x, g() as y:\n        async for z in f():\n            await f()\n    return [i async for i in f()]\nf()",
    "@f\n@f.g(1)\n@(lambda x: 3)\ndef f(x): return f\nf(f)",
    "def deco(f): return None\n@deco\ndef g(): pass\ng()\n@deco\nclass A: pass\nA()",
    "def deco(f):\n    def w(*a): return deco(w)(*a)\n    return w\n@deco\n@deco\ndef g(x): return g(x)\ng(1)",
    "def f(): global q; q = f; del q\nf()\nq()",
    "global z\nz = 1\ndef f():\n    global print\n    print = f\n    return print()\nf()\nprint(1)",
    "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = g\n        del x\n    g()\n    return x\nf()()",
    "x = 1\ndel x\nx\ndel x\ndel y.z, w[0]",
    "list = dict = set = len = Net\nlist(); dict(); len()\nrange = None\nfor i in range(3): pass",
    "def f(a, a2=(y := 3), *, k=[(z := i) for i in range(3)]): return y, z\nf(1)\n[last := i for i in [1, 2, 3]]\nlast",
    "type X[T] = list[T]\ndef f[T: int, *Ts, **P](x: T) -> T: return x\nclass A[T](list): pass\nf(A())",
    "try:\n    f()\nexcept* (ValueError, TypeError) as e:\n    raise e from e\nelse:\n    g()\nfinally:\n    h()",
    "def f():\n    for i in [1, 2]:\n        try:\n            continue\n        finally:\n            break\n    while q:\n        try:\n            return 1\n        finally:\n            continue\nf()",
    "def f():\n    with a() as b, c():\n        return f()\n    with (yield): pass\nf()",
    "match f():\n    case [1, *x, {'a': y, **z}] | A(b=w) if g(): pass\n    case None | True | -1.5 | 'a': pass\n    case x.y: pass\n    case _: pass",
    "from contextlib import contextmanager\n@contextmanager\ndef c():\n    with c() as x:\n        yield x\nwith c(), c() as y:\n    pass",
    "from contextlib import contextmanager\n@contextmanager\ndef c():\n    if q: return\n    for i in [1, 2, 3]:\n        yield i\n"
    "def f():\n    for j in x:\n        with c():\n            if j: break\n            if k: continue\n            return 1\nf()",
    "from functools import partial\np = partial(partial, partial)\np = partial(p, p)\np(p)(p)()\npartial()",
    "import sys\ndef f(): sys.exit(f())\nif g(): f()",
    "[x for x in [y for y in [z for z in f(x for x in w)]] if [v for v in x]]\n{k: v for k, v in {1: 2}.items()}",
    "exec('x = 1')\neval('x')\nglobals()['f'] = 1\nlocals().update(vars())\n__import__('os').path",
    "raise\nassert 0, f()\nreturn_ = 1",
]

CLASSES = [
    "class A(A): pass\nclass A(A): pass\nA().x()",
    "class A(B): pass\nclass B(A): pass\nclass A(B): pass\nA().f()",
    "class A(type('X', (), {})): pass\nclass B(A(), *x, metaclass=A, **y): pass\nB().x",
    "class A:\n    def __getattr__(self, n): return getattr(self, n)\n    def __call__(self): return self()\n    x = property(lambda s: s.x)\n"
    "a = A()\na()\na.x\na.y.z",
    "class A:\n    def __iter__(self): return B()\nclass B:\n    def __iter__(self): return A()\nfor x in A(): pass\n[*B()]",
    "class A:\n    def __iter__(self): return self\n    def __next__(self): return next(self)\nnext(A())\nlist(A())",
    "class A:\n    def __enter__(self):\n        with self: return self\n    def __exit__(self): pass\nwith A() as a: a.b()",
    "class A:\n    def __init__(self): self.child = A()\n    def __getitem__(self, i): return self[i]\nA()[A()]",
    "class A:\n    class A:\n        class A:\n            x = A\n    y = A.A.x\nA.A.A.x.y",
    "class A:\n    for i in range(3):\n        def f(self): return super().f()\n    if f: x = f\n    del f\nA().x()",
    "class A(Net):\n    def train(self, mode=True): return self.eval()\n    def eval(self): return self.train()\nA().eval()\nA().train()",
    "class A(nn.Module):\n    def forward(self, x): return self(self.forward(x))\nA()(1)",
    "class A(nn.Module):\n    def modules(self): return self.modules()\n    def parameters(self): return self\nA().train().cuda().apply(A)",
    "class A(nn.Sequential, nn.ModuleList, dict, Net, int): pass\nA(A(), *A())(1)\nA()[0][1:2]['x']",
    "import enum\nclass E(enum.Enum):\n    A = 1\n    B = A\nE.A.value\nfor e in E: pass\nE['A']\nE(1)",
    "from dataclasses import dataclass, field\n@dataclass\nclass D:\n    x: int = field(default=1)\n    y: 'D' = None\nD(1, 2, 3).y.x\nD(**{})",
    "class A:\n    __slots__ = ()\n    __class__ = 3\n    __init__ = None\n    __call__ = 4\nA()()\nA.__init__()\nA.__mro__[0]",
    "class A:\n    f = staticmethod(lambda: A.f())\n    g = classmethod(f)\nA.f()\nA().g()",
]

DOUBLED = [
    ("(1, 2)", "x + x"),
    ("(1, 2)", "(*x, *x)"),
    ("'ab'", "f'{x}{x}'"),
    ("'ab'", "x + x"),
    ("'ab'", "'%s%s' % (x, x)"),
    ("torch.randn(3, 4)", "torch.cat([x, x])"),
    ("f()", "[x, x]"),
    ("f()", "{'a': x, 'b': x}"),
    ("f()", "(x, x)"),
    ("f()", "(x, x) if test() else x"),
    ("f()", "x < x"),
    ("f()", "x and x or x"),
    ("f()", "x.a[x]"),
    ("[1]", "zip(x, x)"),
    ("[1]", "list(map(lambda y: (y, y), x))"),
    ("{}", "{**x, 'a': {**x}}"),
    ("Net()", "nn.Sequential(x, x)"),
    ("print", "functools.partial(x, x)"),
    ("f()", "[x, x, f'{x}.a', 'b.{}'.format(x)]"),
]
"""Values that hold what they were before twice: after 60 statements, nobody could go through them one by one."""


@pytest.mark.parametrize(("first", "next_"), DOUBLED)
def test_values_that_double_with_every_statement_are_not_followed_for_ever(first: str, next_: str) -> None:
    told = stories(NET + f"x = {first}\n" + f"x = {next_}\n" * 60 + AFTER)
    assert not told[0].exhausted
    assert told[0].of(Forward)


@pytest.mark.parametrize("text", [*VALUES, *FUNCTIONS, *CLASSES])
def test_odd_code_stops_nothing(text: str) -> None:
    told = stories(NET + text + AFTER)
    assert not told[0].exhausted
    ends = text.startswith("raise") or "sys.exit" in text
    assert any(isinstance(event, Forward) for event in told[0].events) or ends


def test_code_nested_as_deeply_as_python_allows_is_read() -> None:
    deep = "".join(f"{' ' * level}if a{level}:\n" for level in range(95)) + " " * 95 + "x = " + "(" * 90 + "1" + ")" * 90 + "\n"
    calls = "x = " + "f(" * 90 + "1" + ")" * 90 + "\n"
    assert modes(NET + deep + calls + AFTER)


def test_functions_nested_in_calls_and_ifs_do_not_exhaust_the_stack() -> None:
    functions = "".join(
        f"def f{level}(x):\n"
        + "".join(f"{' ' * (depth + 4)}if x.a{depth}:\n" for depth in range(60))
        + " " * 64
        + f"return g(g(g(g(f{level + 1}(x)))))\n"
        for level in range(40)
    )
    assert modes(NET + functions + "f0(input())\n" + AFTER)


def test_a_failure_in_one_file_is_no_failure_of_those_that_import_it() -> None:
    told = stories({"broken.py": "import missing\nmissing.f(1)(2)[3] = 4\n", "train.py": "import broken\n" + NET + AFTER})
    assert [story.entry for story in told if story.of(Forward)] == ["<module>"]
