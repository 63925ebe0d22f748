"""Laws of the guard: what passes it can be stored, logged and sent in a header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.text import MAX_TEXT, clean, clean_bytes, clean_or_none, is_name, is_unfit

# Half surrogates too, as json.loads lets them through.
any_text = st.text(alphabet=st.characters(), max_size=300) | st.text(
    alphabet="\x00\x1b\x7f\x9b\r\n\t\ud800\udfff\u2028\u202e a\u00e9\U0001f600", max_size=300
)


@given(any_text)
def test_what_is_clean_is_utf8_without_control_characters_and_short(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert len(cleaned) <= MAX_TEXT
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in cleaned)
    assert not is_unfit(cleaned, keeps_lines=False)
    assert clean(cleaned) == cleaned


@given(any_text)
def test_only_what_is_unfit_is_replaced(text: str) -> None:
    short = text[:MAX_TEXT]
    for before, after in zip(short, clean(short), strict=True):
        assert after == before or (after == "\ufffd" and is_unfit(before, keeps_lines=False))


@given(st.binary(max_size=2000))
def test_any_bytes_of_a_header_are_a_clean_text(raw: bytes) -> None:
    text = clean_bytes(raw)
    assert text is None if not raw else text == clean(text or "")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("a\x00b", "a\ufffdb", id="NUL"),
        pytest.param("a\ud83d", "a\ufffd", id="half a surrogate pair"),
        pytest.param("a\r\nset-cookie: x", "a\ufffd\ufffdset-cookie: x", id="a line break"),
        pytest.param("\x1b[2J", "\ufffd[2J", id="an escape sequence"),
        pytest.param("\x9b2J", "\ufffd2J", id="its one-byte form"),
        pytest.param("\u202egpj.exe", "\ufffdgpj.exe", id="text that runs backwards"),
        pytest.param("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600", id="other languages, emoji"),
        pytest.param("x" * 20_000_000, "x" * 200, id="20 MB"),
    ],
)
def test_a_label_passes_in_a_harmless_form(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_an_empty_label_says_nothing() -> None:
    assert clean_or_none("") is None
    assert clean_or_none(None) is None
    assert clean_bytes(b"") is None


@pytest.mark.parametrize(
    "name", ["", "a b", "a\n", "a\x00", "\u00e9", "m" * 201, "\ud800", "a\x1b[0m"]
)
def test_what_is_no_visible_ascii_names_nothing(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-oss-20b", "m" * 200, "x:free@1~"])
def test_visible_ascii_names_a_model(name: str) -> None:
    assert is_name(name)
