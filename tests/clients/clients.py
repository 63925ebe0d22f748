"""The clients that are run: each a script of this folder, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
README = HERE / "README.md"
_BEGIN, _END = "<!-- made by make test-clients -->\n", "<!-- end -->\n"


class Client(NamedTuple):
    """`script` is run in `environment`; `packages` are what is tried, whose versions are shown."""

    name: str
    environment: str
    script: str
    packages: tuple[str, ...]


CLIENTS = (
    Client("openai, Python", "sdks", "python/openai_sdk.py", ("openai",)),
    Client("openai, Node.js", "node", "node/openai.mjs", ("openai",)),
    Client("anthropic, Python", "sdks", "python/anthropic_sdk.py", ("anthropic",)),
    Client("anthropic, Node.js", "node", "node/anthropic.mjs", ("@anthropic-ai/sdk",)),
    Client("Claude Code", "node", "claude_code.py", ("@anthropic-ai/claude-code",)),
    Client(
        *("LangChain", "sdks", "python/langchain_.py"), ("langchain-openai", "langchain-anthropic")
    ),
    Client("LlamaIndex", "sdks", "python/llama_index_.py", ("llama-index-llms-openai-like",)),
    Client("Pydantic AI", "sdks", "python/pydantic_ai_.py", ("pydantic-ai-slim",)),
    Client("Instructor", "sdks", "python/instructor_.py", ("instructor",)),
    Client("OpenAI Agents SDK", "sdks", "python/openai_agents.py", ("openai-agents",)),
    Client("Vercel AI SDK", "node", "node/vercel.mjs", ("ai", "@ai-sdk/openai")),
    Client("LiteLLM", "litellm", "python/litellm_.py", ("litellm",)),
    Client("llm", "sdks", "python/llm_.py", ("llm",)),
)
NOT_RUN = ("Aider", "Codex")
"""Asked for, and not yet among them."""


class Outcome(NamedTuple):
    """`passed` are the lines that the script printed; `failure` its last words where it failed."""

    version: str
    passed: list[str]
    failure: str | None


def cache() -> Path:
    """The folder of the environments."""
    return Path(os.environ["CLIENTS"])


def python_of(environment: str) -> Path:
    root = cache().parent if environment == "litellm" else cache()
    return root / environment / "bin" / "python"


def run(client: Client, url: str, token: str, home: Path, **more: str) -> Outcome:
    """Run its script against the gateway at `url`; what is not on this machine it cannot reach."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GATEWAY_URL": url,
        "GATEWAY_TOKEN": token,
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
        **more,
    }
    done = subprocess.run(
        _command(client, home), env=environment, capture_output=True, text=True, timeout=300
    )
    lines = done.stdout.splitlines()
    passed = [one.removeprefix("passed: ") for one in lines if one.startswith("passed: ")]
    failure = None if done.returncode == 0 else (done.stdout + done.stderr)[-3000:]
    return Outcome(version_of(client), passed, failure)


def _command(client: Client, home: Path) -> list[str]:
    script = HERE / client.script
    if client.script.endswith(".mjs"):
        # Node.js looks for packages beside the script.
        copy = cache() / "node" / script.name
        copy.write_text(script.read_text("utf-8"), "utf-8")
        return ["node", str(copy)]
    if client.environment == "node":
        return ["python3", str(script), str(cache() / "node/node_modules/.bin")]
    return [str(python_of(client.environment)), str(script)]


def version_of(client: Client) -> str:
    return ", ".join(_version(client.environment, one) for one in client.packages)


def _version(environment: str, package: str) -> str:
    if environment == "node":
        found = cache() / "node/node_modules" / package / "package.json"
        return str(json.loads(found.read_text("utf-8"))["version"])
    code = f"from importlib.metadata import version; print(version('{package}'))"
    command = [str(python_of(environment)), "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write_table(outcomes: dict[str, Outcome]) -> None:
    """Put what was found into the README, between its marks; who was not run keeps the row."""
    head, _, rest = README.read_text("utf-8").partition(_BEGIN)
    table, _, tail = rest.partition(_END)
    before = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines()[2:]}
    rows = ["| client | version | outcome | what passed |", "|---|---|---|---|"]
    for name in (*(one.name for one in CLIENTS), *NOT_RUN):
        found = outcomes.get(name)
        if found is None:
            rows.append(before.get(name, f"| {name} | | not run | |"))
        else:
            word = "whole" if found.failure is None else "fails"
            rows.append(f"| {name} | {found.version} | {word} | {'; '.join(found.passed)} |")
    README.write_text(head + _BEGIN + "\n".join(rows) + "\n" + _END + tail, "utf-8")
