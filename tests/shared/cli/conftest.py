"""The commands as in a shell that has set nothing, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import PROVIDER_PREFIXES

_VARIABLES = (
    "DATABASE_URL",
    "REDIS_URL",
    "BYOK_ENCRYPTION_KEY",
    "GEMINI_API_KEY",
    "LITELLM_PROXY_URL",
    "LITELLM_MASTER_KEY",
    "PORT",
    "HOST",
    "WEB_CONCURRENCY",
    "LOG_LEVEL",
    "LOG_FORMAT",
    *(f"{prefix}_API_KEY" for prefix in PROVIDER_PREFIXES.values()),
)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the commands find; there is no .env beside it."""
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("SWITCHYARD_DATA_DIR", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder
