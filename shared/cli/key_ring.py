"""The key ring of a command: BYOK_KEY_SOURCE's, else the key file of `switchyard up`."""

from __future__ import annotations

from pathlib import Path

from shared.cli.data_folder import KEY_FILE, read_key_file
from shared.cli.failures import CommandFailed
from shared.settings import VaultSettings, load_settings
from shared.vault.keyring import KeyRing, parse_key_ring
from shared.vault.sources import read_key_ring


def key_ring(folder: Path) -> KeyRing:
    """Raises CommandFailed where there is none, or none that is well formed."""
    settings = load_settings(VaultSettings)[VaultSettings]
    try:
        if settings.key_source == "env" and settings.byok_encryption_key is None:
            held = read_key_file(folder)
            if held is not None:
                return parse_key_ring(held)
        return read_key_ring(settings)
    except PermissionError as error:
        raise CommandFailed(f"{folder / KEY_FILE} belongs to another user") from error
    except ValueError as error:
        raise CommandFailed(str(error)) from error
