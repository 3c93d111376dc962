"""Of functions that tell nothing only the first calls are followed; whatever tells something is followed each time."""

from __future__ import annotations

from bnlint.story.events import Forward
from tests.story.programs import stories, with_net
from tests.story.test_budget import cost

LINES = "".join(f"    words.append(row.strip({number}))\n" for number in range(20))
REPORT = f"def report(row, words):\n{LINES}    return len(words)\n"


def calls(count: int) -> str:
    return "".join(f"n{number} = report(source({number}), [])\n" for number in range(count))


def modes(text: str) -> set[str]:
    """The modes in which the last forward of a program meets its batch norms."""
    last = [event for story in stories(text) for event in story.of(Forward)][-1]
    return {mode.name for norm in last.norms for mode in norm.modes}


def test_reading_and_formatting_is_run_a_few_times_only() -> None:
    assert cost(REPORT + calls(400)) < cost(REPORT + calls(40)) + 4 * 360


def test_a_function_that_switches_a_network_is_followed_each_time() -> None:
    text = "def prepare(net, flag):\n    rows = []\n    rows.append(flag)\n    net.train(flag)\nmodel = Net()\n"
    switches = "".join(f"prepare(model, {number % 2 == 0})\n" for number in range(300))
    assert modes(with_net(text + switches + "model(input())\n")) == {"eval"}


def test_a_function_that_gives_a_network_is_followed_each_time() -> None:
    text = "model = Net()\nmodel.eval()\ndef current(step):\n    rows = [step]\n    rows.append(step)\n    return model\n"
    asks = "".join(f"net = current({number})\n" for number in range(200))
    assert modes(with_net(text + asks + "net(input())\n")) == {"eval"}


def test_a_chain_of_methods_that_return_their_object_is_followed() -> None:
    text = (
        "class Runner:\n    def __init__(self):\n        self.net = Net()\n    def note(self, row):\n        self.row = row\n"
        "        return self\n    def apply(self, x):\n        self.net.eval()\n        return self.net(x)\nrunner = Runner()\n"
    )
    chain = "runner" + "".join(f".note(source({number}))" for number in range(90))
    asks = "".join(f"runner.note({number}).note(1)\n" for number in range(90))
    assert modes(with_net(text + asks + f"{chain}.apply(input())\n")) == {"eval"}


def test_a_plain_object_that_holds_what_holds_a_network_is_built_each_time() -> None:
    rows = "".join(f"        self.row{number} = source({number})\n" for number in range(120))
    text = (
        "class Inner:\n    def __init__(self):\n        self.net = Net()\n"
        f"class Outer:\n    def __init__(self, inner):\n{rows}        self.inner = inner\n"
        "inner = Inner()\nfirst, second = Outer(inner), Outer(inner)\n"
    )
    assert modes(with_net(text + "second.inner.net.eval()\nsecond.inner.net(input())\n")) == {"eval"}
