"""How the files of a project see each other, and what is told of code that nothing calls."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bnlint.story.events import Forward, Story
from tests.story.programs import NET, check_modes, stories, with_net

RUN = "model = Net()\nmodel.eval()\nmodel(input())  #: eval\n"

IMPORTS: dict[str, Mapping[str, str]] = {
    "a_name_of_a_module": {"models.py": NET, "train.py": "from models import Net\n" + RUN},
    "a_renamed_one": {"models.py": NET, "train.py": "from models import Net as Model\nNet = Model\n" + RUN},
    "an_attribute_of_a_module": {"models.py": NET, "train.py": "import models as m\nNet = m.Net\n" + RUN},
    "a_dotted_module": {"nets/small/models.py": NET, "train.py": "import nets.small.models\nNet = nets.small.models.Net\n" + RUN},
    "a_star_import": {"models.py": NET, "train.py": "from models import *\n" + RUN},
    "a_star_import_of_what_is_listed": {
        "models.py": NET + "__all__ = ['Net']\nmodel = 3\n",
        "train.py": "model = None\nfrom models import *\n" + RUN,
    },
    "a_package_that_exports_again": {
        "nets/__init__.py": "from .models import Net\n",
        "nets/models.py": NET,
        "train.py": "from nets import Net\n" + RUN,
    },
    "a_relative_import": {
        "tool/__init__.py": "",
        "tool/models.py": NET,
        "tool/train.py": "from .models import Net\n" + RUN,
    },
    "a_relative_import_from_above": {
        "tool/__init__.py": "",
        "tool/models.py": NET,
        "tool/jobs/__init__.py": "",
        "tool/jobs/train.py": "from ..models import Net\n" + RUN,
    },
    "a_base_class_in_another_file": {
        "base.py": NET + "class Frozen(Net):\n    def train(self, mode=True):\n        return super().train(False)\n",
        "train.py": "from base import Frozen\nmodel = Frozen()\nmodel.train()\nmodel(input())  #: eval\n",
    },
    "files_that_import_each_other": {
        "models.py": NET + "import train\n",
        "train.py": "from models import Net\ndef main():\n    model = Net()\n    model(input())  #: train\nmain()\n",
    },
    "a_function_that_imports_when_it_is_called": {
        "models.py": NET,
        "train.py": "def main():\n    from models import Net\n    model = Net()\n    model.eval()\n    model(input())  #: eval\nmain()\n",
    },
    "a_class_chosen_by_name": {
        "models.py": NET,
        "train.py": "import models\nmodel = getattr(models, 'Net')()\nmodel.eval()\nmodel(input())  #: eval\n",
    },
}


@pytest.mark.parametrize("files", IMPORTS.values(), ids=IMPORTS.keys())
def test_imports(files: Mapping[str, str]) -> None:
    check_modes(files)


def entries(files: Mapping[str, str] | str) -> list[tuple[str, bool]]:
    """The entry points in whose stories a forward is told, and whether they are bound."""
    return [(story.entry, story.bound) for story in stories(files) if story.of(Forward)]


def test_the_main_block_runs_once_and_not_when_the_file_is_imported() -> None:
    main = with_net("""
        def main():
            Net()(input())
        if __name__ == "__main__":
            main()
        """)
    assert entries({"train.py": main, "other.py": "import train\n"}) == [("__main__", True)]


def test_a_function_that_nothing_calls_is_run_with_unknown_arguments() -> None:
    program = """
        def evaluate(x):
            model = Net()
            model.eval()
            model(x)  #: eval
        """
    assert entries(with_net(program)) == [("evaluate", False)]
    check_modes(with_net(program))


def test_what_is_called_is_told_in_its_callers_stories_only() -> None:
    program = """
        def evaluate(model, x):
            model.eval()
            model(x)
        def main(x):
            evaluate(Net(), x)
        """
    assert entries(with_net(program)) == [("main", False)]


def test_methods_of_a_class_that_nothing_instantiates_are_run_on_an_instance() -> None:
    program = """
        class Trainer:
            def __init__(self):
                self.model = Net()
            def evaluate(self, x):
                self.model.eval()
                self.model(x)  #: eval
        """
    assert entries(with_net(program)) == [("Trainer.evaluate", False)]
    check_modes(with_net(program))


def test_an_entry_point_sees_nothing_of_what_another_did() -> None:
    check_modes(
        with_net("""
        model = Net()
        def first(x):
            model.eval()
            model(x)  #: eval
        def second(x):
            with torch.no_grad():
                model(x)  #: train
        """)
    )


def test_the_defaults_of_parameters_hold_where_nothing_calls() -> None:
    check_modes(
        with_net("""
        def evaluate(x, training=False):
            model = Net()
            model.train(training)
            with torch.no_grad():
                model(x)  #: eval|train
        """)
    )


def test_code_that_drives_no_network_has_no_story_of_its_own() -> None:
    told: list[Story] = stories("def area(width, height):\n    return width * height\n")
    assert [story.entry for story in told] == ["<module>"]


def test_a_function_that_only_brings_networks_and_drivers_together_is_run_where_nothing_mentions_it() -> None:
    program = """\
    def look(model):
        model.eval()
        model(input())  #: eval

    def repeat(model, rounds):
        for _ in range(rounds):
            look(model)

    def main(rounds):
        repeat(Net(), rounds)
    """
    assert ("main", False) in entries(with_net(program))
    check_modes(with_net(program))
