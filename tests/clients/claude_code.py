"""Claude Code, headless: a session of three turns, a call of a tool in each; to a provider that
speaks Messages, and to one that speaks chat alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request

URL, TOKEN = os.environ["GATEWAY_URL"], os.environ["GATEWAY_TOKEN"]
SCRIPTED = os.environ["SCRIPTED_URL"]
CLAUDE = sys.argv[1] + "/claude"
TURNS = 3


def asked() -> list[dict]:
    with urllib.request.urlopen(f"{SCRIPTED}/__asked") as answer:
        return json.load(answer)


def session(model: str) -> list[dict]:
    """What the provider was asked in the session that counts: the ones with tools."""
    before = len(asked())
    environment = {
        **os.environ,
        "ANTHROPIC_BASE_URL": URL,
        "ANTHROPIC_AUTH_TOKEN": TOKEN,
        "ANTHROPIC_MODEL": model,
        **{f"ANTHROPIC_DEFAULT_{one}_MODEL": model for one in ("HAIKU", "SONNET", "OPUS")},
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1, TURNS + 1):
            command = [CLAUDE, "-p", f"Question {turn}", "--output-format", "json"]
            command += ["--allowedTools", "Bash", "--model", model]
            command += ["--continue"] if turn > 1 else []
            done = subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stdout + done.stderr
            said = json.loads(done.stdout)
            assert not said["is_error"], said
            assert f"turn-{turn}-{40 + turn}" in said["result"], said
            assert said["usage"]["output_tokens"] > 0, said
    return [one for one in asked()[before:] if one["body"].get("tools")]


def check_cache(requests: list[dict]) -> None:
    """The history that was sent before is sent again, with its breakpoints: a cache stays warm."""
    assert all("cache_control" in json.dumps(one["body"]) for one in requests)
    assert all(one["path"].endswith("/messages?beta=true") for one in requests)
    assert len({one["hashes"]["tools"] for one in requests}) == 1, "the tools changed"
    assert all(one["headers"].get("anthropic-version") for one in requests)
    assert any("anthropic-beta" in one["headers"] for one in requests)


for kind, model in (("through", "anthropic/claude-opus-5-5"), ("by chat", "openai/gpt-6.1-terra")):
    requests = session(model)
    ends = "/messages" if kind == "through" else "/chat/completions"
    assert len(requests) >= 2 * TURNS, [one["path"] for one in requests]
    assert all(ends in one["path"] for one in requests), [one["path"] for one in requests]
    if kind == "through":
        check_cache(requests)
    print(f"passed: three turns with tools, {kind}", flush=True)
