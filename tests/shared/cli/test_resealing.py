"""Rotation, adoption and verification of what is sealed in a real table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from shared.cli.main import switchyard
from shared.vault.keyring import KeyRing, generate_key
from shared.vault.owner import Owner
from shared.vault.sealing import Sealed, Vault
from shared.vault.secret import SecretText

OLD, NEW = generate_key(), generate_key()
OLD_VAULT, NEW_VAULT = Vault(KeyRing([OLD])), Vault(KeyRing([NEW]))
OPENAI = "api.openai.com"


@pytest.fixture
def connection(
    data_dir: Path, migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[Any]]:
    monkeypatch.setenv("DATABASE_URL", migrated_database_url)
    monkeypatch.setenv("BYOK_ENCRYPTION_KEY", f"{NEW},{OLD}")
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, ["key", *words])


def insert(connection: psycopg.Connection[Any], user: str, sealed: str, key_id: str | None) -> None:
    connection.execute(
        "INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, encryption_key_id)"
        " SELECT %s, id, %s, %s FROM llm_providers WHERE provider_slug = 'openai'",
        (user, sealed, key_id),
    )


def seal(user: str | None, key: str, host: str = OPENAI) -> Sealed:
    return OLD_VAULT.seal(Owner(user, "openai", host), SecretText(key))


def test_everything_is_sealed_with_the_newest_key_and_opens_with_it_alone(
    connection: psycopg.Connection[Any],
) -> None:
    for number in range(450):
        sealed = seal(f"u{number}", f"sk-{number}")
        insert(connection, f"u{number}", sealed.text, sealed.key_id)
    platform = seal(None, "sk-platform")
    connection.execute(
        "UPDATE llm_providers SET encrypted_system_key = %s, system_key_encryption_key_id = %s"
        " WHERE provider_slug = 'openai'",
        (platform.text, platform.key_id),
    )
    before = connection.execute("SELECT keys FROM versions").fetchone()
    assert json.loads(run("verify", "--json").stdout)["older"] == 451
    done = run("rotate", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["resealed"], told["left"], told["closed"]) == (451, 0, [])
    assert "resealing: 451 of 451" in done.stderr
    for user, sealed in connection.execute(
        "SELECT user_id, encrypted_api_key FROM user_api_keys"
    ).fetchall():
        opened = NEW_VAULT.open(Owner(user, "openai", OPENAI), sealed)
        assert opened.reveal() == f"sk-{user[1:]}"
    found = run("verify")
    assert found.exit_code == 0
    assert "451 of 451 keys can be opened" in found.stdout
    assert "the older keys can be removed" in found.stdout
    after = connection.execute("SELECT keys FROM versions").fetchone()
    assert before is not None
    assert after is not None
    assert after[0] - before[0] == 3  # one a batch, not one a row
    assert run("rotate").stdout.startswith("0 keys resealed")
    audited = connection.execute(
        "SELECT sum((details->>'rows')::int) FROM audit_events WHERE action = 'keys.resealed'"
    ).fetchone()
    assert audited == (451,)


def test_what_the_older_system_sealed_stays_closed_until_it_is_adopted(
    connection: psycopg.Connection[Any],
) -> None:
    older = Fernet(OLD).encrypt(b"sk-of-ada-1234567890abcd").decode()
    insert(connection, "ada", older, None)
    done = run("rotate")
    assert done.exit_code == 1
    assert "rotate --adopt" in done.stderr
    assert "no_owner" in done.stderr
    done = run("rotate", "--adopt", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["adopted"] == 1
    [(sealed, suffix, fingerprint)] = connection.execute(
        "SELECT encrypted_api_key, key_suffix, key_fingerprint FROM user_api_keys"
    ).fetchall()
    opened = NEW_VAULT.open(Owner("ada", "openai", OPENAI), sealed)
    assert opened.reveal() == "sk-of-ada-1234567890abcd"
    assert (suffix, len(fingerprint)) == ("abcd", 16)
    assert "sk-of-ada" not in done.output


def test_rows_that_do_not_open_are_named_and_the_others_done(
    connection: psycopg.Connection[Any],
) -> None:
    good, stolen, moved = seal("good", "k"), seal("victim", "k"), seal("moved", "k", "old.example")
    insert(connection, "good", good.text, good.key_id)
    insert(connection, "thief", stolen.text, stolen.key_id)
    insert(connection, "moved", moved.text, moved.key_id)
    insert(connection, "broken", good.text[:-8], good.key_id)
    done = run("rotate", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert {one["user_id"]: one["why"] for one in told["closed"]} == {
        "thief": "another_owner",
        "moved": "host_changed",
        "broken": "damaged",
    }
    # Closed for its row, a sealed key is sealed anew all the same: the older key may go.
    assert (told["resealed"], told["left"]) == (3, 1)
    found = run("verify")
    assert found.exit_code == 1
    assert "1 of 4 keys can be opened" in found.stdout
    assert "thief at openai: another_owner" in found.stderr


def test_without_a_ring_the_command_says_how_to_make_one(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYOK_ENCRYPTION_KEY", "")
    for command in ("rotate", "verify"):
        done = run(command)
        assert done.exit_code == 1
        assert "Invalid encryption key" in done.stderr
        assert "switchyard key generate" in done.stderr
