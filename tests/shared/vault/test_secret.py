"""A secret shows itself to nobody who did not ask for it by name."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shared.log import _to_json
from shared.vault.secret import SecretText, masked, shown

TEXT = "sk-canary-4242424242mnop"
SECRET = SecretText(TEXT)


@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "{!r}".format, "{:>40}".format, lambda it: f"{it!s} {[it]}"],
)
def test_no_way_to_text_shows_it(show: Callable[[Any], str]) -> None:
    assert "canary" not in show(SECRET)


def test_a_log_line_shows_a_placeholder() -> None:
    assert _to_json({"key": SECRET}) == '{"key":"SecretText(***)"}'


@pytest.mark.parametrize(
    "serialise", [pickle.dumps, json.dumps, msgspec.json.encode, copy.copy, copy.deepcopy]
)
def test_no_serialiser_takes_it(serialise: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        serialise(SECRET)


def test_it_has_no_attributes_to_list() -> None:
    with pytest.raises(TypeError):
        vars(SECRET)


def test_it_is_revealed_by_name_and_equal_to_the_same_secret_alone() -> None:
    assert SECRET.reveal() == TEXT
    assert SecretText(TEXT) == SECRET
    assert SecretText("x") != SECRET
    assert SECRET != TEXT


def test_the_last_four_are_shown_of_a_long_key_and_nothing_of_a_short_one() -> None:
    assert masked(shown(SECRET).suffix) == "***...mnop"
    assert masked(shown(SecretText("short")).suffix) == "***..."
    assert masked(None) == "***..."


def test_a_fingerprint_tells_keys_apart_and_holds_none_of_them() -> None:
    assert shown(SECRET).fingerprint == shown(SecretText(TEXT)).fingerprint
    assert shown(SECRET).fingerprint != shown(SecretText(TEXT + "x")).fingerprint
    assert len(shown(SECRET).fingerprint) == 16
