"""What a run says of the platform's keys."""

from __future__ import annotations

import pytest

from shared.vault.keyring import generate_key, parse_key_ring
from shared.vault.sealing import Vault
from shared.wire.providers import SEEDS
from tests.functions.check_health.health_run import Health


def test_a_refused_key_marks_the_key_and_not_the_provider(health: Health) -> None:
    health.keys["openai"] = "an-invalid-key"
    for _ in range(3):
        health.check()
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", "invalid")
    assert row["system_key_reason"] == "the provider refused it (HTTP 401)"
    assert "an-invalid-key" not in str(health.rows("SELECT * FROM provider_health_checks"))
    health.keys["openai"] = "a-good-key"
    health.check()
    row = health.of("openai")
    assert (row["system_key_status"], row["system_key_reason"]) == ("ok", None)


def test_a_refusal_without_a_key_says_nothing_of_a_key(health: Health) -> None:
    del health.keys["openai"]
    health.check()
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", "unverified")
    assert row["system_key_checked_at"] is None


def test_what_was_known_of_a_key_that_is_gone_is_forgotten(health: Health) -> None:
    health.keys["openai"] = "an-invalid-key"
    health.check()
    assert health.of("openai")["system_key_status"] == "invalid"
    del health.keys["openai"]
    health.check()
    row = health.of("openai")
    assert (row["system_key_status"], row["system_key_reason"]) == ("unverified", None)
    assert row["system_key_checked_at"] is None


def test_a_key_that_no_header_can_carry_is_blamed_and_not_shown(health: Health) -> None:
    health.keys["openai"] = "sk-\nsecret"
    for _ in range(3):
        health.check()
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", "invalid")
    assert row["system_key_reason"] == "it has characters that a header cannot carry"


@pytest.mark.parametrize(("has_vault", "status"), [(True, "invalid"), (False, "unverified")])
def test_a_stored_key_that_does_not_open_is_blamed_and_holds_no_other_up(
    health: Health, has_vault: bool, status: str
) -> None:
    health.vault = Vault(parse_key_ring(generate_key())) if has_vault else None
    health.rows(
        "UPDATE llm_providers SET encrypted_system_key = 'of another ring'"
        " WHERE provider_slug = 'openai' RETURNING 1"
    )
    for _ in range(3):
        assert health.check() == len(SEEDS)
    row = health.of("openai")
    assert (row["health_status"], row["system_key_status"]) == ("healthy", status)
    assert health.of("groq")["system_key_status"] == "ok"
