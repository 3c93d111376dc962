"""What a file's bytes become, and which files cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bnlint.read.source import MAX_BYTES, Unreadable, decode, encode, load

WHERE = Path("train.py")


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        pytest.param("x = 'é'\n".encode(), "x = 'é'\n", "utf-8", id="utf-8 without declaration"),
        pytest.param(b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n", "iso8859-1", id="declared"),
        pytest.param(b"#!/bin/python\n# coding=cp1252\n'\x80'", "#!/bin/python\n# coding=cp1252\n'€'", "cp1252", id="2nd line"),
        pytest.param(b"x = '\xe9'\n", "x = 'é'\n", "cp1252", id="undeclared and not utf-8"),
        pytest.param(b"x = '\x81'\n", "x = '\x81'\n", "latin-1", id="not even cp1252"),
        pytest.param(b"# coding: rot13\nx = 1\n", "# coding: rot13\nx = 1\n", "utf-8", id="declared codec that is no encoding"),
        pytest.param(b"# coding: klingon\nx = 1\n", "# coding: klingon\nx = 1\n", "utf-8", id="declared but unknown"),
        pytest.param(b"# coding: ascii\nx = '\xc3\xa9'\n", "# coding: ascii\nx = 'é'\n", "utf-8", id="declared wrongly"),
        pytest.param(b"x = 1\n# coding: latin-1\n'\xc3\xa9'", "x = 1\n# coding: latin-1\n'é'", "utf-8", id="declared below code"),
    ],
)
def test_text_is_decoded_as_python_would_or_leniently(data: bytes, text: str, encoding: str) -> None:
    source = decode(WHERE, data)
    assert (source.text, source.encoding, source.has_bom) == (text, encoding, False)
    assert encode(source, source.text) == data


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_text_and_is_written_back(encoding: str) -> None:
    data = "x = 'é'\r\n".encode(encoding)
    source = decode(WHERE, data)
    assert source.text == "x = 'é'\r\n"
    assert source.has_bom
    assert encode(source, source.text) == data


@pytest.mark.parametrize(
    ("text", "newline"),
    [("a\r\nb\r\nc\n", "\r\n"), ("a\nb\nc\r\n", "\n"), ("a\rb\r", "\r"), ("", "\n"), ("a", "\n")],
)
def test_line_endings_are_kept_and_the_usual_one_is_told(text: str, newline: str) -> None:
    source = decode(WHERE, text.encode())
    assert source.text == text
    assert source.newline == newline


def test_a_binary_file_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="binary"):
        decode(WHERE, b"\x80\x02\x00\x00")


def test_a_vanished_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no such file"):
        load(tmp_path / "gone.py")


def test_a_folder_and_a_pipe_are_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="folder"):
        load(tmp_path)
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)
    with pytest.raises(Unreadable, match="regular"):
        load(pipe)


def test_a_huge_file_is_unreadable(tmp_path: Path) -> None:
    huge = tmp_path / "huge.py"
    with huge.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(Unreadable, match="20 MB"):
        load(huge)
