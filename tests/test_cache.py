"""The cache: whatever is wrong with it is a miss, it stays small, and it is removed only where it is ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlint.cache import FOLDER, Cache, home, key_of, remove
from bnlint.check import check
from bnlint.config import settle

KEY = key_of(b"some source")


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("??/*") if path.is_file())


def test_what_is_put_is_got_also_by_later_runs(tmp_path: Path) -> None:
    Cache(tmp_path / "kept").put(KEY, b"program")
    assert Cache(tmp_path / "kept").get(KEY) == b"program"
    assert Cache(tmp_path / "kept").get(key_of(b"other source")) is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-1], id="cut short"),
        pytest.param(lambda data: data[:5], id="cut within the checksum"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-1] + b"?", id="one byte changed"),
        pytest.param(lambda data: b"\x93\x90\x90\x90", id="of another program"),
        pytest.param(lambda data: data + data, id="written twice"),
    ],
)
def test_a_damaged_entry_is_a_miss_and_is_written_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    Cache(tmp_path / "kept").put(KEY, b"program")
    (entry,) = entries(tmp_path / "kept")
    entry.write_bytes(damage(entry.read_bytes()))
    cache = Cache(tmp_path / "kept")
    assert cache.get(KEY) is None
    cache.put(KEY, b"program")
    assert cache.get(KEY) == b"program"


def test_a_folder_where_an_entry_should_be_is_a_miss(tmp_path: Path) -> None:
    Cache(tmp_path / "kept").put(KEY, b"program")
    (entry,) = entries(tmp_path / "kept")
    entry.unlink()
    entry.mkdir()
    cache = Cache(tmp_path / "kept")
    cache.put(KEY, b"program")
    assert cache.get(KEY) is None
    assert entries(tmp_path / "kept") == []


def test_a_cache_that_cannot_be_made_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "kept"):
        cache = Cache(folder)
        cache.put(KEY, b"program")
        assert cache.get(KEY) is None
        cache.close()


def test_it_shrinks_below_its_limit_and_keeps_what_was_used(tmp_path: Path) -> None:
    old = Cache(tmp_path / "kept")
    keys = [key_of(str(number).encode()) for number in range(20)]
    for age, key in enumerate(keys):
        old.put(key, bytes(1000))
        os.utime(tmp_path / "kept" / key[:2] / key[2:], (age, age))
    cache = Cache(tmp_path / "kept", limit=10_000)
    assert cache.get(keys[0]) is not None
    cache.put(KEY, bytes(1000))
    cache.close()
    assert sum(path.stat().st_size for path in entries(tmp_path / "kept")) <= 10_000
    left = [number for number, key in enumerate(keys) if Cache(tmp_path / "kept").get(key)]
    assert left[0] == 0
    assert left[1:] == list(range(20 - len(left) + 1, 20))
    assert Cache(tmp_path / "kept").get(KEY) is not None


def test_what_a_killed_run_left_unfinished_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "kept")
    cache.put(KEY, b"program")
    unfinished = tmp_path / "kept" / KEY[:2] / f"{KEY[2:]}.123.abcd"
    unfinished.write_bytes(b"pro")
    os.utime(unfinished, (1, 1))
    cache.close()
    assert len(entries(tmp_path / "kept")) == 1


def test_a_folder_that_holds_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    cache = Cache(tmp_path)
    cache.put(KEY, b"program")
    assert sorted(path.name for path in tmp_path.iterdir()) == [FOLDER, "notes.txt"]
    assert not remove(tmp_path)
    assert remove(home(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_links_to_other_folders_are_not_followed_when_it_is_removed(tmp_path: Path) -> None:
    Cache(tmp_path / "kept").put(KEY, b"program")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    assert not remove(tmp_path / "link")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("")
    (tmp_path / "kept" / "link").symlink_to(tmp_path / "other")
    assert remove(tmp_path / "kept")
    assert (tmp_path / "other" / "a.txt").exists()


def test_nothing_is_left_behind_in_a_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "train.py").write_text("import torch\nbn = torch.nn.BatchNorm2d(8)\n")
    settings = settle({}, {})
    check((tmp_path / "train.py",), settings)
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]
    check((tmp_path / "train.py",), settle({}, {"cache_dir": tmp_path / "kept"}))
    assert (tmp_path / "kept").is_dir()
