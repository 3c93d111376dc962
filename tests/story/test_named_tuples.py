"""Named tuples are followed field by field, whichever way they are made."""

from __future__ import annotations

import pytest

from tests.story.programs import NET, check_modes

RECORDS = """
class Pair(collections.namedtuple("Pair", ["net", "batch"])):
    pass

class Typed(typing.NamedTuple):
    net: object
    batch: object

Plain = collections.namedtuple("Plain", "net, batch")
Spaced = collections.namedtuple("Spaced", field_names="net batch")

class Own(collections.namedtuple("Own", ["net", "batch"])):
    def __new__(cls, batch):
        return super().__new__(cls, Net(), batch)

trained, tested, x = Net(), Net().eval(), torch.randn(4, 3, 8, 8)
"""


@pytest.mark.parametrize(
    "line",
    [
        "Pair(tested, x).net(x)  #: eval",
        "Typed(trained, x).net(x)  #: train",
        "Plain(tested, batch=x).net(x)  #: eval",
        "Spaced(trained, x)[0](x)  #: train",
        "net, batch = Pair(tested, x); net(batch)  #: eval",
        "Plain(tested, x)._replace(net=trained).net(x)  #: train",
        "for part in Plain(tested, tested): part(x)  #: eval",
        "Own(x).net(x)  #: nothing",
    ],
)
def test_what_was_put_in_comes_out(line: str) -> None:
    check_modes(f"import collections\nimport typing\n{NET}{RECORDS}{line}\n")
