from __future__ import annotations

import pytest

from shared.vault.keyring import generate_key, parse_key_ring


def test_what_an_older_key_sealed_is_opened_after_a_newer_one_is_put_before_it() -> None:
    old, new = generate_key(), generate_key()
    sealed = parse_key_ring(old).seal(b"sk-1")
    assert parse_key_ring(f"{new}, {old}").open(sealed) == b"sk-1"


def test_the_newest_key_seals() -> None:
    old, new = generate_key(), generate_key()
    sealed = parse_key_ring(f"{new},{old}").seal(b"sk-1")
    assert parse_key_ring(new).open(sealed) == b"sk-1"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("swordfish", id="no base64 of 32 bytes"),
        pytest.param(f"{'A' * 43}=,", id="a comma too many"),
        pytest.param(f"{'A' * 43}=,swordfish", id="the second is bad"),
        pytest.param("schlüssel", id="not ASCII"),
    ],
)
def test_a_malformed_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Invalid encryption key: .*switchyard key generate"):
        parse_key_ring(text)
    with pytest.raises(ValueError) as refusal:
        parse_key_ring(text)
    assert "swordfish" not in str(refusal.value)
