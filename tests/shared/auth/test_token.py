"""The laws of a token's text."""

from __future__ import annotations

import hashlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.token import LENGTH, digest, is_well_formed, mint

ALPHABET = string.ascii_letters + string.digits


def test_a_minted_token_is_well_formed_and_has_the_documented_shape() -> None:
    token = mint()
    assert LENGTH == 52
    assert re.fullmatch(r"sy_[0-9A-Za-z]{49}", token)
    assert is_well_formed(token)


def test_no_two_minted_tokens_share_their_random_part() -> None:
    assert len({mint()[3:46] for _ in range(200)}) == 200


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data: st.DataObject) -> None:
    token = mint()
    place = data.draw(st.integers(0, LENGTH - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))
    assert not is_well_formed(token[:place] + other + token[place + 1 :])


@given(st.integers(0, LENGTH - 1))
def test_a_token_cut_short_is_refused(length: int) -> None:
    assert not is_well_formed(mint()[:length])


@given(st.text(alphabet=ALPHABET, min_size=49, max_size=49))
def test_a_token_someone_made_up_is_refused(digits: str) -> None:
    # One in 4 billion would pass: the checksum has 32 bits.
    assert not is_well_formed("sy_" + digits)


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_at_all_is_judged_and_hashed_without_raising(text: str) -> None:
    assert not is_well_formed(text)
    assert len(digest(text)) == 32


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("test-user-token", id="a try-out token, which is known by digest alone"),
        pytest.param("\udcff" * LENGTH, id="lone surrogates"),
        pytest.param("sy_" + "\u0663" * 49, id="digits that are not ASCII"),
    ],
)
def test_what_mint_cannot_make_is_not_well_formed(token: str) -> None:
    assert not is_well_formed(token)


def test_a_newline_at_the_end_is_not_overlooked() -> None:
    assert not is_well_formed(mint() + "\n")


def test_the_checksum_is_what_other_programs_compute() -> None:
    # The CRC32 of that text is 1222179709, which is 1Ki8lx in base62 with 0-9, A-Z, a-z.
    assert base62_of_crc32(b"sy_" + b"0" * 43) == "1Ki8lx"
    assert is_well_formed("sy_" + "0" * 43 + "1Ki8lx")


def base62_of_crc32(data: bytes) -> str:
    """CRC-32/ISO-HDLC bit by bit, unlike the code's table in C."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
    number = crc ^ 0xFFFFFFFF
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    return "".join(digits[number // 62**place % 62] for place in reversed(range(6)))


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_the_digest_of_ascii_is_sha256_of_the_bytes_in_the_header(text: str) -> None:
    assert digest(text) == hashlib.sha256(text.encode("latin-1")).digest()


@given(st.text(), st.text())
def test_different_texts_have_different_digests(one: str, other: str) -> None:
    assert (digest(one) == digest(other)) == (one == other)
