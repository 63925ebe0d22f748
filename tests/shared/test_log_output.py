"""Whoever reads the log may pause, and whatever is logged moves no terminal's cursor."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.log import escaped

ROOT = Path(__file__).parents[2]
# Logs more than a pipe holds, says so at another place, and ends.
LOGS = """
import os, sys, time
from shared.log import configure_logging, get_logger, log_lines, Line, MOST_WAITING
from shared.settings import LogSettings
configure_logging(LogSettings(LOG_FORMAT=sys.argv[1]))
for number in range(int(sys.argv[2])):
    get_logger().info("test.line", number=number, filler="x" * 100)
log_lines([Line(event="test.end", timestamp="now")])
os.write(1, b"said all\\n")
if sys.argv[3:] == ["wait"]:
    sys.stdin.read()
"""
SAYS = """
import logging, sys
from shared.log import configure_logging, get_logger
from shared.settings import LogSettings
configure_logging(LogSettings(LOG_FORMAT=sys.argv[1]))
text = "a\\x1b[2J\\x07\\x9b31m\\x7f\\u202eb\\nforged"
get_logger().warning(text, model=text, listed=[text], held={"model": text})
logging.getLogger("library").warning("of a library: %s", text)
try:
    raise ValueError(text)
except ValueError:
    get_logger().exception("test.raised")
"""
MOVES = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x202E]


ENDS_AT_ONCE = """
import os
from shared.log import configure_logging, get_logger
from shared.settings import LogSettings
configure_logging(LogSettings(LOG_FORMAT="json"))
get_logger().info("test.line")
os._exit(0)
"""


def started(code: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.mark.parametrize("environment", [{}, {"AWS_LAMBDA_FUNCTION_NAME": "f"}], ids=["", "lambda"])
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_reader_that_pauses_stops_nobody_and_is_told_what_was_dropped(
    form: str, environment: dict[str, str]
) -> None:
    with started(LOGS, form, "20000", "wait", **environment) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"said all\n", "nobody has read a line of the log yet"
        process.stdin.close()
        lines = process.stderr.read().splitlines()
    kept = [line for line in lines if b"test.line" in line]
    assert 10_000 <= len(kept) < 20_000
    assert [line for line in lines if b"log.lines_dropped" in line]


def test_on_lambda_a_line_is_out_before_the_process_goes_on_and_may_be_frozen() -> None:
    with started(ENDS_AT_ONCE, AWS_LAMBDA_FUNCTION_NAME="f") as process:
        _, log = process.communicate(timeout=30)
    assert b"test.line" in log


def test_a_process_ends_although_nobody_reads() -> None:
    with started(LOGS, "json", "20000") as process:
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("form", ["json", "console"])
def test_at_the_end_of_a_process_its_last_lines_are_there(form: str) -> None:
    with started(LOGS, form, "500") as process:
        _, log = process.communicate(timeout=30)
    lines = log.splitlines()
    assert len(lines) == 501
    assert b"test.end" in lines[-1]


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_control_character_reaches_a_terminal(form: str) -> None:
    with started(SAYS, form) as process:
        _, log = process.communicate(timeout=30)
    # The renderer's own colors are no text of anybody's.
    text = re.sub(r"\x1b\[\d+m", "", log.decode())
    assert not {chr(code) for code in MOVES} & set(text)
    assert "forged" not in [line[:6] for line in text.split("\n")][:2]
    if form == "json":
        lines = [json.loads(line) for line in text.splitlines()]
        assert lines[0]["model"] == "a\x1b[2J\x07\x9b31m\x7f\u202eb\nforged", "and nothing is lost"


def test_what_is_escaped_can_be_read() -> None:
    assert escaped("a\x1b[2J\n\tb\u2028") == "a\\x1b[2J\\n\tb\\u2028"
    assert escaped("über 你好 😀") == "über 你好 😀"
    assert escaped("a\nb", keeps_lines=True) == "a\nb"
