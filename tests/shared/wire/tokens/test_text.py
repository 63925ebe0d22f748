"""The token count of texts, against what a tokenizer counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.tokens.text import Pieces, count_text

CORPUS = Path(__file__).parents[3] / "recorded/tokens"
COUNTED: dict[str, int] = json.loads((CORPUS / "counts.json").read_text())["tokens"]


def _document(name: str) -> str:
    return (CORPUS / f"{name}.txt").read_text()


def test_the_corpus_has_ten_languages_code_and_json_of_500_tokens_each() -> None:
    assert sorted(COUNTED) == sorted(path.stem for path in CORPUS.glob("*.txt"))
    assert len(COUNTED) == 12
    assert min(COUNTED.values()) >= 500


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_a_document_is_counted_within_15_percent(name: str) -> None:
    assert count_text(_document(name)) == pytest.approx(COUNTED[name], rel=0.15)


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_a_long_text_is_counted_as_well_by_its_sample(name: str) -> None:
    times = 300_000 // len(_document(name))
    assert count_text(_document(name) * times) == pytest.approx(COUNTED[name] * times, rel=0.15)


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_the_pieces_of_a_stream_add_up_to_the_whole(name: str) -> None:
    said = Pieces()
    for at in range(0, len(_document(name)), 5):
        said.add(_document(name)[at : at + 5])
    assert said.tokens == count_text(_document(name))


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("", 0),
        ("a", 1),
        ("-" * 79, 6),
        ("x" * 4000, 460),
        ("8" * 3000, 1024),
        ("Grüße aus Köln 👋🏽", 11),
    ],
)
def test_odd_texts(text: str, counted: int) -> None:
    assert count_text(text) == pytest.approx(counted, abs=3)


@given(st.text())
def test_any_text_has_a_count_and_a_longer_one_no_smaller_than_nothing(text: str) -> None:
    assert (count_text(text) > 0) is bool(text)
    assert count_text(text) <= 3 * len(text.encode()) + 3


def test_halves_of_a_character_are_counted_too() -> None:
    assert count_text("nice \ud83d") >= 1
