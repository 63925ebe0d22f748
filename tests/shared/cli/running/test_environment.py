from __future__ import annotations

from pathlib import Path

import pytest

from shared.cli.running.environment import process_environment, with_env_files
from shared.cli.running.run_file import Run

RUN = Run(1, "http://127.0.0.1:9000", "postgresql://x", "redis://x", "/data", None)


def _environment(inherited: dict[str, str], *, simulated: str | None = None) -> dict[str, str]:
    return process_environment(
        inherited,
        RUN,
        port=9000,
        encryption_key="k",
        simulated_provider_url=simulated,
        metrics_folder=Path("/data/metrics"),
        terminal=False,
    )


@pytest.mark.usefixtures("data_dir")
def test_everything_listens_on_loopback_whatever_was_set() -> None:
    made = _environment({"HOST": "0.0.0.0", "PORT": "80", "SWITCHYARD_TRYOUT_TOKENS": "false"})
    assert (made["HOST"], made["PORT"]) == ("127.0.0.1", "9000")
    assert made["SWITCHYARD_TRYOUT_TOKENS"] == "true"


@pytest.mark.usefixtures("data_dir")
def test_an_inherited_simulated_provider_is_not_used_where_none_is_wanted() -> None:
    inherited = {"SWITCHYARD_SIMULATED_PROVIDER_URL": "http://127.0.0.1:1", "OTHER": "kept"}
    assert "SWITCHYARD_SIMULATED_PROVIDER_URL" not in _environment(inherited)
    made = _environment(inherited, simulated="http://127.0.0.1:2")
    assert made["SWITCHYARD_SIMULATED_PROVIDER_URL"] == "http://127.0.0.1:2"
    assert made["OTHER"] == "kept"


def test_the_number_of_web_processes_may_stand_in_the_env_file(data_dir: Path) -> None:
    (data_dir.parent / ".env").write_text("WEB_CONCURRENCY=3\n")
    assert _environment({})["WEB_CONCURRENCY"] == "3"


def test_what_the_env_files_say_goes_with_processes_that_start_elsewhere(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if they read the files themselves: the environment first, then .env, then .env.auth."""
    here = data_dir.parent
    monkeypatch.chdir(here)
    (here / ".env").write_text("LOG_LEVEL=debug\nGROQ_API_KEY=first\nUPSTREAM_CA_FILE=ca.pem\n")
    (here / ".env.auth").write_text("GROQ_API_KEY=second\nOPENAI_API_KEY=third\nPATH=/nowhere\n")
    made = with_env_files({"LOG_LEVEL": "error", "OPENAI_API_KEY": "", "PATH": "/bin"})
    assert made["LOG_LEVEL"] == "error"
    assert (made["GROQ_API_KEY"], made["OPENAI_API_KEY"]) == ("first", "third")
    assert made["UPSTREAM_CA_FILE"] == str(here / "ca.pem")
    assert made["PATH"] == "/bin"


@pytest.mark.parametrize(
    ("processes", "inherited", "folder"),
    [("1", None, None), ("3", None, "/data/metrics"), ("3", "/mine", "/mine")],
)
def test_several_web_processes_report_as_one(
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    processes: str,
    inherited: str | None,
    folder: str | None,
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", processes)
    given = {} if inherited is None else {"PROMETHEUS_MULTIPROC_DIR": inherited}
    assert _environment(given).get("PROMETHEUS_MULTIPROC_DIR") == folder
