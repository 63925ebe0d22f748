"""R19 of RELIABILITY.md: keys are rotated while others read and write, and it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from shared.vault.keyring import KeyRing, generate_key
from shared.vault.owner import NotOpened, Owner
from shared.vault.sealing import Vault
from shared.vault.secret import SecretText

ROWS = 1000
OLD, NEW = generate_key(), generate_key()
OPENAI = "api.openai.com"


class Users:
    """Readers that open what they read, and writers that store keys, until told to stop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.opened = self.stored = 0
        self.failures: list[str] = []
        self._threads = [
            *(threading.Thread(target=self._read) for _ in range(4)),
            *(threading.Thread(target=self._write, args=(one,)) for one in range(2)),
        ]

    def __enter__(self) -> Users:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=20)

    def _read(self) -> None:
        vault = Vault(KeyRing([NEW, OLD]))
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stop.is_set():
                for user, sealed in connection.execute(
                    "SELECT user_id, encrypted_api_key FROM user_api_keys"
                    " ORDER BY random() LIMIT 20"
                ).fetchall():
                    try:
                        vault.open(Owner(user, "openai", OPENAI), sealed)
                        self.opened += 1
                    except NotOpened as error:
                        self.failures.append(f"{user}: {error.why}")

    def _write(self, number: int) -> None:
        """The second writer is a process that still seals with the older key."""
        vault = Vault(KeyRing([NEW, OLD] if number == 0 else [OLD, NEW]))
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stop.is_set():
                user = f"u{self.stored * 37 % ROWS}"
                store(connection, vault, user, f"sk-{user}-again")
                self.stored += 1
                time.sleep(0.005)


def store(connection: psycopg.Connection[Any], vault: Vault, user: str, key: str) -> None:
    sealed = vault.seal(Owner(user, "openai", OPENAI), SecretText(key))
    connection.execute(
        "INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key, encryption_key_id)"
        " SELECT %s, id, %s, %s FROM llm_providers WHERE provider_slug = 'openai'"
        " ON CONFLICT (user_id, provider_id) DO UPDATE SET"
        " encrypted_api_key = excluded.encrypted_api_key,"
        " encryption_key_id = excluded.encryption_key_id",
        (user, sealed.text, sealed.key_id),
    )


def rotate(url: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from shared.cli.main import main; main()", "key", "rotate"],
        env={
            **os.environ,
            "DATABASE_URL": url,
            "BYOK_ENCRYPTION_KEY": f"{NEW},{OLD}",
            "SWITCHYARD_DATA_DIR": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def older(connection: psycopg.Connection[Any]) -> int:
    [(number,)] = connection.execute(
        "SELECT count(*) FROM user_api_keys WHERE encryption_key_id <> %s", (KeyRing([NEW]).ids[0],)
    ).fetchall()
    return number


def test_a_rotation_that_is_killed_and_run_again_loses_no_key_and_stops_no_reader(
    migrated_database_url: str, tmp_path: Path
) -> None:
    url = migrated_database_url
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            for number in range(ROWS):
                store(connection, Vault(KeyRing([OLD])), f"u{number}", f"sk-u{number}")
        with Users(url) as users:
            with psycopg.connect(url) as blocking:
                # A row that is locked stops the rotation in its fourth batch: there it is killed.
                blocking.execute("SELECT 1 FROM user_api_keys WHERE user_id = 'u700' FOR UPDATE")
                first = rotate(url, tmp_path)
                ends = time.monotonic() + 30
                while older(connection) > ROWS - 500:
                    assert first.poll() is None, first.communicate()[0]
                    assert time.monotonic() < ends
                    time.sleep(0.02)
                first.kill()
                first.communicate()
                assert older(connection) > 0
            deadline = time.monotonic() + 10
            while users.opened < 500 and time.monotonic() < deadline:
                time.sleep(0.05)
            rotate(url, tmp_path).communicate(timeout=60)
        assert users.failures == []
        assert users.opened >= 500
        assert users.stored > 0
        # The writer that sealed with the older key has been restarted by now.
        last = rotate(url, tmp_path)
        output, _ = last.communicate(timeout=60)
        assert last.returncode == 0, output
        assert older(connection) == 0
        newest = Vault(KeyRing([NEW]))
        for user, sealed in connection.execute(
            "SELECT user_id, encrypted_api_key FROM user_api_keys"
        ).fetchall():
            opened = newest.open(Owner(user, "openai", OPENAI), sealed).reveal()
            assert opened in (f"sk-{user}", f"sk-{user}-again")
