"""The laws of a sealed key: it opens for its owner at its host, and for nothing else."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from shared.vault.keyring import KeyRing, generate_key, parse_key_ring
from shared.vault.owner import NotOpened, Owner, WhyNot
from shared.vault.sealing import Vault
from shared.vault.secret import SecretText

OLD, NEW = generate_key(), generate_key()
ALICE = Owner("alice", "openai", "api.openai.com")
KEY = SecretText("sk-test-1234567890abcdefghijklmnop")
VAULT = Vault(KeyRing([OLD]))
SEALED = VAULT.seal(ALICE, KEY)


def why(owner: Owner, sealed: str, vault: Vault = VAULT) -> WhyNot:
    with pytest.raises(NotOpened) as caught:
        vault.open(owner, sealed)
    return caught.value.why


@given(
    st.text(max_size=50) | st.none(),
    st.text(max_size=50),
    st.text(max_size=50),
    st.text(min_size=1),
)
def test_what_was_sealed_opens_for_its_owner(
    user: str | None, provider: str, host: str, key: str
) -> None:
    owner = Owner(user, provider, host)
    assert VAULT.open(owner, VAULT.seal(owner, SecretText(key)).text).reveal() == key


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        pytest.param(Owner("bob", "openai", ALICE.host), WhyNot.ANOTHER_OWNER, id="another user"),
        pytest.param(Owner(None, "openai", ALICE.host), WhyNot.ANOTHER_OWNER, id="the platform"),
        pytest.param(Owner("alice", "groq", ALICE.host), WhyNot.ANOTHER_OWNER, id="provider"),
        pytest.param(Owner("alice", "openai", "evil.example"), WhyNot.HOST_CHANGED, id="host"),
    ],
)
def test_a_row_copied_into_another_does_not_open(owner: Owner, reason: WhyNot) -> None:
    assert why(owner, SEALED.text) is reason


def test_a_key_of_the_platform_does_not_open_for_a_user_called_none() -> None:
    sealed = VAULT.seal(Owner(None, "openai", "h"), KEY).text
    assert why(Owner("None", "openai", "h"), sealed) is WhyNot.ANOTHER_OWNER
    assert why(Owner("null", "openai", "h"), sealed) is WhyNot.ANOTHER_OWNER


@pytest.mark.parametrize("place", range(0, len(SEALED.text), 7))
def test_every_changed_character_is_noticed(place: int) -> None:
    other = "A" if SEALED.text[place] != "A" else "B"
    changed = SEALED.text[:place] + other + SEALED.text[place + 1 :]
    assert why(ALICE, changed) is WhyNot.DAMAGED


@given(st.text(max_size=400))
def test_any_text_at_all_is_refused_as_damaged(text: str) -> None:
    assert why(ALICE, text) is WhyNot.DAMAGED


def test_the_newest_key_seals_and_every_key_of_the_ring_opens() -> None:
    ring = parse_key_ring(f"{NEW}, {OLD}")
    rotated = Vault(ring)
    assert rotated.open(ALICE, SEALED.text) == KEY
    sealed = rotated.seal(ALICE, KEY)
    assert sealed.key_id == ring.primary_id == KeyRing([NEW]).primary_id != SEALED.key_id
    assert why(ALICE, sealed.text) is WhyNot.DAMAGED
    assert Vault(KeyRing([NEW])).open(ALICE, sealed.text) == KEY


@pytest.mark.parametrize("plain", ["sk-old-key", '{"user": "alice"}', '"text"', ""])
def test_what_the_older_system_sealed_has_no_owner_and_opens_only_when_asked_for(
    plain: str,
) -> None:
    older = Fernet(OLD).encrypt(plain.encode()).decode()
    assert why(ALICE, older) is WhyNot.NO_OWNER
    assert VAULT.open_older(older).reveal() == plain


def test_what_we_sealed_is_never_adopted_as_ownerless() -> None:
    with pytest.raises(NotOpened):
        VAULT.open_older(SEALED.text)


def test_the_ids_of_a_ring_hold_no_part_of_its_keys() -> None:
    [key_id] = KeyRing([OLD]).ids
    assert key_id not in OLD
    assert len(key_id) == 12
