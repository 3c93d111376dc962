"""Settings files: where they are found, what they may say, and that the command line wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnlint.config import ConfigError, find_config, read_config, settle
from bnlint.select import FileIgnores


def write(folder: Path, settings: str, name: str = "pyproject.toml") -> Path:
    path = folder / name
    path.write_text("[tool.bnlint]\n" + settings, "utf-8")
    return path


def test_every_key_reaches_its_setting(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        select = ["BN2"]
        ignore = ["BN201"]
        min-confidence = "possible"
        output-format = "concise"
        output-file = "report.txt"
        exit-zero = true
        extend-exclude = ["third_party"]
        no-respect-gitignore = true
        cache = false
        jobs = 3
        batch-norm-classes = ["GhostNorm"]
        models-with-batch-norm = ["zoo.Net"]
        small-batch = 8
        per-file-ignores = { "tests/*" = ["BN3"] }
        """,
    )
    settings = settle(read_config(path), {})
    assert settings.selectors[0].select == ("BN2",)
    assert settings.selectors[0].ignore == ("BN201",)
    assert (settings.min_confidence, settings.output_format, settings.exit_zero) == ("possible", "concise", True)
    assert settings.output_file == tmp_path / "report.txt"
    assert settings.extend_exclude == ("third_party",)
    assert (settings.respect_gitignore, settings.cache, settings.jobs) == (False, False, 3)
    assert settings.batch_norm_classes == ("GhostNorm",)
    assert settings.models_with_batch_norm == ("zoo.Net",)
    assert settings.small_batch == 8
    assert settings.per_file_ignores == (FileIgnores(tmp_path, "tests/*", ("BN3",)),)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    read = read_config(write(tmp_path, 'min-confidence = "possible"\nexit-zero = true\n'))
    settings = settle(read, {"min_confidence": "certain", "exit_zero": None})
    assert settings.min_confidence == "certain"
    assert settings.exit_zero


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selct = []", "unknown setting 'selct', did you mean 'select'?"),
        ("min_confidence = 'likely'", "did you mean 'min-confidence'?"),
        ("zzz = 1", "unknown setting 'zzz'"),
        ("select = 3", "'select' must be a list of codes"),
        ("min-confidence = 'sure'", "'min-confidence' must be one of possible, likely, certain, not 'sure'"),
        ("min-confidence = ['sure']", "'min-confidence' must be one of"),
        ("exit-zero = 1", "'exit-zero' must be true or false, not 1"),
        ("jobs = true", "'jobs' must be a whole number above 0"),
        ("jobs = 0", "'jobs' must be a whole number above 0"),
        ("exclude = 'a'", "'exclude' must be a list of strings"),
        ("per-file-ignores = { a = 1 }", "'per-file-ignores' must be a table"),
        ("select = [", "pyproject.toml: "),
    ],
)
def test_a_wrong_setting_is_refused_and_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(write(tmp_path, text))
    assert said in str(caught.value)


def test_the_nearest_file_that_speaks_of_bnlint_is_found(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    wanted = write(tmp_path, "")
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert find_config(deep) == wanted


def test_settings_above_the_repository_are_not_found(tmp_path: Path) -> None:
    inner = tmp_path / "repository"
    (inner / ".git").mkdir(parents=True)
    write(tmp_path, "")
    assert find_config(inner) is None


def test_a_file_of_another_name_may_hold_the_keys_at_its_top(tmp_path: Path) -> None:
    path = tmp_path / "bnlint.toml"
    path.write_text("exit-zero = true\n")
    assert read_config(path) == {"exit_zero": True}
