"""`make instructions`: how many instructions a request costs the process that serves it.

Times differ by a quarter from run to run; this hardly does, whatever else the machine is doing.
Callgrind counts one uvicorn process that serves chat completions alone, over a real PostgreSQL and
Valkey: the mean of 1,000 requests on one connection after 200 to warm up, with the shipping of
their usage and without Python's cyclic garbage collection. It takes minutes, and fails above 103 %
of instructions.json where Python and the kind of machine are those that it was counted with.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from shared.embedded import free_port, start_postgres, start_valkey
from shared.vault.keyring import generate_key
from tests.benchmarks.callgrind import Counted, body_of, provider
from tests.benchmarks.servers import COMPLETION, STREAM

RECORDED = Path(__file__).with_suffix(".json")
LIMIT = 1.03
WARM_UP, REQUESTS = 200, 1_000
PATH = "/api/v1/llm/chat/completions"
PROMPT = "Tell me what a gateway for language models is good for, in plain words. " * 5
ANSWERS = {
    "json": ("application/json", COMPLETION.encode()),
    "stream": ("text/event-stream", STREAM.encode()),
}


class Counts(NamedTuple):
    """What a request costs by the kind of its answer, and where that was counted."""

    instructions: Mapping[str, int]
    python: str
    machine: str


def main() -> None:
    parser = argparse.ArgumentParser(prog="make instructions", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the counts, compare nothing")
    options = parser.parse_args()
    machine = f"{platform.system()} {platform.machine()}"
    found = Counts({kind: count(kind) for kind in ANSWERS}, platform.python_version(), machine)
    if options.record:
        RECORDED.write_text(json.dumps(found._asdict(), indent=2) + "\n", "utf-8")
    complaint, lines = compare(found, Counts(**json.loads(RECORDED.read_text("utf-8"))))
    print("\n".join(lines))
    if complaint:
        raise SystemExit(complaint)


def compare(found: Counts, recorded: Counts) -> tuple[str | None, list[str]]:
    """What is wrong, if anything is, and a line a kind with its share of what is recorded."""
    shares = {kind: now / recorded.instructions[kind] for kind, now in found.instructions.items()}
    lines = [
        f"{kind:8}{now:>12,} instructions a request, {shares[kind]:.1%} of what is recorded"
        for kind, now in found.instructions.items()
    ]
    if found[1:] != recorded[1:]:
        return None, [*lines, f"recorded elsewhere ({' on '.join(recorded[1:])}): no verdict"]
    is_above = max(shares.values()) > LIMIT
    return f"above {LIMIT:.0%} of {RECORDED.name}" if is_above else None, lines


def count(kind: str) -> int:
    """Instructions that a request costs the gateway where the provider's answer is of this kind."""
    message = {"role": "user", "content": PROMPT}
    body = json.dumps({"messages": [message], "stream": kind == "stream"}).encode()
    request = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer test-user-token\r\n"
    )
    request += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with gateway(kind) as counted, counted.connect() as caller, caller.makefile("rb") as answers:

        def ask(times: int) -> None:
            for _ in range(times):
                caller.sendall(request.encode() + body)
                answer = body_of(answers) or b""
                if b'"usage"' not in answer and b"[DONE]" not in answer:
                    raise RuntimeError(answer.decode())

        ask(WARM_UP // 2)
        counted.begin()
        ask(WARM_UP // 2)
        counted.so_far()
        ask(REQUESTS)
        return round(counted.so_far() / REQUESTS)


@contextmanager
def gateway(kind: str) -> Iterator[Counted]:
    with (
        tempfile.TemporaryDirectory(prefix="switchyard-count-") as name,
        provider(*ANSWERS[kind]) as upstream,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        postgres = start_postgres(folder / "postgres", durable=False)
        valkey = start_valkey(folder / "valkey", persist=False)
        environment = {
            "DATABASE_URL": postgres.dsn,
            "REDIS_URL": valkey.url,
            "SWITCHYARD_TRYOUT_TOKENS": "true",
            "SWITCHYARD_SIMULATED_PROVIDER_URL": f"http://127.0.0.1:{upstream}",
            "SWITCHYARD_DATA_DIR": str(folder / "data"),
            "LOG_FORMAT": "json",
            "BYOK_ENCRYPTION_KEY": generate_key(),
        }
        migrate = [Path(sys.executable).with_name("switchyard"), "migrate"]
        subprocess.run(migrate, env={**os.environ, **environment}, check=True, capture_output=True)
        counted = Counted(folder, free_port(), environment)
        try:
            # Before anybody connects to be counted: who says nothing for 10 s is cut.
            counted.wait_until_ready()
            yield counted
        finally:
            counted.stop()
            valkey.stop()
            postgres.stop(mode="immediate")


if __name__ == "__main__":
    main()
