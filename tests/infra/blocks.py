"""Prints what each manifest is to hold for a function: `python -m tests.infra.blocks models`.

To be pasted, and then to be edited like anything else in infra/: memory, times, replicas. The tests
beside this file say which function is missing where.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache

import yaml

from tests.infra.deployed import INFRA, deployed, expected_command, settings_of, web_alone

_FROM_SECRET = '!Sub "{{{{resolve:secretsmanager:${{SettingsSecret}}:SecretString:{}}}}}"'
_OF_THE_STACK = {
    "BYOK_KEY_SOURCE": '!Sub "aws-secretsmanager:${KeyRing}"',
    "USAGE_QUEUE_URL": "!Ref UsageQueue",
    "HEALTH_CHECK_LAMBDA": "!Ref CheckHealth",
    "SWITCHYARD_DATA_DIR": "/tmp/switchyard",  # noqa: S108  all that a Lambda can write to
    "SPOOL_EPHEMERAL": '"true"',
}
_RING = """\
      Policies:
        - Statement:
            - Sid: ReadTheKeyRing
              Effect: Allow
              Action: secretsmanager:GetSecretValue
              Resource: !Ref KeyRing
            - Sid: OpenTheKeyRing
              Effect: Allow
              Action: kms:Decrypt
              Resource: !GetAtt KeyRingKey.Arn
              Condition:
                StringEquals:
                  kms:ViaService: !Sub "secretsmanager.${AWS::Region}.amazonaws.com"
"""


@cache
def _groups() -> dict[str, list[str]]:
    """The groups of settings of the chart, which compose has as anchors, too."""
    return yaml.safe_load((INFRA / "helm" / "values.yaml").read_text("utf-8"))["settings"]


def groups_of(name: str) -> list[str]:
    return [group for group, members in _groups().items() if settings_of(name).issuperset(members)]


def prefixes(name: str) -> list[str]:
    """What all of a function's paths begin with, up to their first variable."""
    whole = {route.path.partition("/{")[0] for route in deployed()[name].routes}
    return sorted(one for one in whole if not any(one.startswith(f"{two}/") for two in whole))


def api_paths(name: str) -> list[str]:
    # Every app has the probes; outside, they are those of health.
    probes = {"/healthz", "/readyz"} if name == "health" else set[str]()
    paths = {route.path for route in deployed()[name].routes} | probes
    exact = {path for path in paths if "{" not in path}
    return sorted(exact | {path.partition("{")[0] + "{proxy+}" for path in paths - exact})


def compose(name: str) -> str:
    anchors = ", ".join(f"*{group}" for group in groups_of(name))
    serves = '    ports: ["8084"]\n' if name in web_alone() else ""
    return (
        f"  {name}:\n    <<: *alone\n"
        f"    build: {{context: .., dockerfile: infra/Dockerfile, args: {{FUNCTION: {name}}}}}\n"
        f"    environment: {{<<: [{anchors}]}}\n{serves}"
    )


def helm(name: str) -> str:
    lines = [f"  {name}:", "    enabled: false"]
    if name in web_alone():
        lines.append(f"    paths: [{', '.join(prefixes(name))}]")
    lines += ["    replicas: 2", f"    settings: [{', '.join(groups_of(name))}]"]
    return "\n".join(lines) + "\n"


def sam(name: str) -> str:
    title = "".join(word.capitalize() for word in name.split("_"))
    entry = "http" if name in web_alone() else "jobs"
    policies = _RING if "BYOK_KEY_SOURCE" in settings_of(name) else ""
    return (
        f"  {title}:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        f"      CodeUri: ../../build/aws/{name}\n      Handler: shared.aws.{entry}.handler\n"
        f"{policies}      Environment:\n        Variables:\n"
        f"          SWITCHYARD_FUNCTION: {name}\n{variables(name)}"
        f"{events(name)}"
    )


def variables(name: str) -> str:
    wanted = [one for one in deployed()[name].settings if one != "BYOK_ENCRYPTION_KEY"]
    return "".join(
        f"          {one}: {_OF_THE_STACK.get(one) or _FROM_SECRET.format(one)}\n" for one in wanted
    )


def events(name: str) -> str:
    found = [
        f"{_title(path)}: {{Type: HttpApi, Properties:"
        f' {{ApiId: !Ref Api, Path: "{path}", Method: ANY}}}}'
        for path in api_paths(name)
    ]
    found += [
        f"{_title(job.name)}: {{Type: Schedule, Properties: {{Schedule: {job.schedule},"
        f""" Input: '{{"job": "{job.name}"}}'}}}}"""
        for job in deployed()[name].jobs
        if job.schedule
    ]
    return "".join(["      Events:\n", *(f"        {one}\n" for one in found)]) if found else ""


def _title(words: str) -> str:
    """An event's name: short, and different for each of a function's paths."""
    parts = re.split(r"[/.\-]", words.replace("{proxy+}", "one").removeprefix("/api/v1/llm"))
    return "".join(part.capitalize() for part in parts)


def block(name: str) -> str:
    return "\n".join(
        [
            f"# infra/Procfile\n{name}: {expected_command(name)}\n",
            f"# infra/compose.yaml\n{compose(name)}",
            f"# infra/helm/values.yaml\n{helm(name)}",
            f"# infra/aws/template.yaml\n{sam(name)}",
            f"# and then\ninfra/locks/lock.sh {name}\n",
        ]
    )


def main(names: Iterable[str]) -> None:
    print("\n".join(block(name) for name in names))


if __name__ == "__main__":
    main(sys.argv[1:])
