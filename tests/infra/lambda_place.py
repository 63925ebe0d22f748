"""A Lambda's place on this machine: its package as build.sh lays it out, and its environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from shared.auth.token import mint
from tests.architecture.tree import ROOT
from tests.fakes.lambda_runtime import LambdaProcess
from tests.fakes.place import Place
from tests.fakes.runtime_api import Answer, RuntimeApi
from tests.fakes.tokens import create_token
from tests.infra import aws
from tests.infra.deployed import INFRA


class RunningLambda(NamedTuple):
    """A function under AWS's runtime client."""

    api: RuntimeApi
    function: LambdaProcess

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        return self.api.invoke(dict(event))


Run = Callable[..., RunningLambda]
"""The fixture `run`; it is given a function's name, and variables."""

_FROM_THE_SECRET = re.compile(r"\{\{resolve:secretsmanager:\$\{SettingsSecret\}:\w+:(\w+)\}\}")


def package(name: str, folder: Path) -> Path:
    """What infra/aws/build.sh puts there, without what pip installs: that is the test's own."""
    target = folder / name
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "shared", target / "shared", ignore=ignore)
    shutil.copytree(ROOT / "functions" / name, target / "functions" / name, ignore=ignore)
    shutil.copy(ROOT / "functions" / "__init__.py", target / "functions")
    shutil.copy(INFRA / "Procfile", target)
    shutil.copy(INFRA / "aws" / "run.sh", target)
    return target


def environment(
    name: str, settings: Mapping[str, str], stack: Mapping[str, str], root: Path
) -> dict[str, str]:
    """What Lambda gives the function: template.yaml's variables, resolved, and its own.

    `settings` is what the operator's secret has beside the example's empty ones; `stack` has the
    variables that name resources of the stack.
    """
    example = json.loads((INFRA / "aws" / "settings.example.json").read_text("utf-8"))
    secret = dict.fromkeys(example, "") | dict(settings)
    variables = aws.functions()[name]["Environment"]["Variables"]
    globals_ = aws.template()["Globals"]["Function"]["Environment"]["Variables"]
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/"),
        "LAMBDA_TASK_ROOT": str(root),
        "AWS_EXECUTION_ENV": "AWS_Lambda_" + aws.template()["Globals"]["Function"]["Runtime"],
        "AWS_LAMBDA_FUNCTION_NAME": f"switchyard-{name}",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        # Lambda's own path to the task root; awslambdaric relies on it.
        "PYTHONPATH": str(root),
        **{key: _resolved(key, value, secret, stack) for key, value in globals_.items()},
        **{key: _resolved(key, value, secret, stack) for key, value in variables.items()},
        # Lambda's own way to AWS's services.
        **{key: value for key, value in stack.items() if key.startswith("AWS_")},
    }


def make_token(place: Place, *, role: str = "user") -> str:
    token = mint()
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=token,
            name="lambda",
            user_id="lambda",
            team_id=None,
            tier="professional",
            role=role,
        )
    return token


def _resolved(key: str, value: Any, secret: Mapping[str, str], stack: Mapping[str, str]) -> str:
    if key in stack:
        return stack[key]
    if isinstance(value, str):
        return value
    found = _FROM_THE_SECRET.fullmatch(value["Fn::Sub"]) if "Fn::Sub" in value else None
    assert found, f"{key} names a resource of the stack: give it"
    return secret[found[1]]
