from __future__ import annotations

import json

from click.testing import CliRunner
from cryptography.fernet import Fernet

from shared.cli.main import switchyard


def test_the_key_stands_alone_on_stdout_and_is_another_each_time() -> None:
    made = [CliRunner().invoke(switchyard, ["key", "generate"]).stdout for _ in range(2)]
    assert made[0] != made[1]
    Fernet(made[0].rstrip("\n"))


def test_json_holds_the_key() -> None:
    done = CliRunner().invoke(switchyard, ["key", "generate", "--json"])
    Fernet(json.loads(done.stdout)["key"])
