"""Protobuf text format: what a message holds, where it stands, and what is no text format."""

from __future__ import annotations

import pytest

from bnlint.read.prototxt import Broken, Message, Word, read


def message(text: str) -> Message:
    return read(text)[0]


def values(text: str, name: str) -> list[object]:
    return [field.value for field in message(text).all(name)]


def test_scalars_of_every_kind() -> None:
    text = "a: 1 b: -2.5e-3 c: 1.f d: \"x#y\" e: 'it' \"'s\" f: true g: LMDB h: 0x10 i: -inf"
    fields = {field.name: field.value for field in message(text).fields}
    assert fields == {
        "a": 1.0, "b": -0.0025, "c": 1.0, "d": "x#y", "e": "it's", "f": True, "g": Word("LMDB"), "h": 16.0, "i": -float("inf"),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["p { r: 0 }", "p: { r: 0 }", "p < r: 0 >", "p{r:0}", "p {\n# why\nr : 0;\n},"])
def test_a_message_with_braces_or_angles(text: str) -> None:
    (inner,) = values(text, "p")
    assert isinstance(inner, Message)
    assert inner.last("r") == 0


def test_repeated_fields_and_lists_keep_their_order() -> None:
    assert values("d: 1 d: [2, 3] d: [] d: 4", "d") == [1, 2, 3, 4]
    inner = values("p: [{ r: 1 }, < r: 2 >] q: 0 p { r: 3 }", "p")
    assert [each.last("r") for each in inner if isinstance(each, Message)] == [1, 2, 3]
    assert values("p: [{ r: 1 }, { r: 2 }] q: 0", "q") == [0]


def test_names_of_extensions_and_numbered_fields() -> None:
    assert values("[my.ext]: 1 7: 2 a: 3", "a") == [3]


def test_places_and_comments() -> None:
    text = 'a: 1 # one\nlayer {\n  type: "X"  # two\n}\n'
    found, comments = read(text)
    assert [text[field.start : field.end] for field in found.fields] == ["a: 1", 'layer {\n  type: "X"  # two\n}']
    assert [text[start:end] for start, end in comments] == ["# one", "# two"]


def test_depth_is_no_matter() -> None:
    assert values("a {" * 50_000 + "}" * 50_000, "b") == []


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("layer { a: 1", 0), ("a: 1 }", 5), ("a: }", 3), ("a 1", 2), ('a: "x\n"', 3), ("a: {{ b }}", 4), ("p < a: 1 }", 9),
        ("a: 1 %s", 5), ("a: [1, 2", 8),
    ],
)  # fmt: skip
def test_what_is_broken_is_told_with_its_place(text: str, offset: int) -> None:
    with pytest.raises(Broken) as broken:
        read(text)
    assert broken.value.offset == offset
