from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from shared.cli.running.process_group import ProcessGroup
from tests.shared.cli.waiting import is_running, wait_for


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], ProcessGroup]]:
    started: list[ProcessGroup] = []

    def starting(command: str) -> ProcessGroup:
        started.append(ProcessGroup(command, {**os.environ, "LONG": "1000"}, tmp_path))
        return started[-1]

    yield starting
    for group in started:
        group.kill()
        group.close()


@pytest.mark.parametrize(
    ("command", "leader"),
    [
        pytest.param("sleep ${LONG:-1}", "sleep", id="a simple command"),
        pytest.param("sleep 1000 && true", "sh", id="two commands"),
        pytest.param("A=1 sleep 1000; true", "sh", id="a variable of its own"),
    ],
)
def test_the_program_itself_leads_where_one_command_is_all(
    start: Callable[[str], ProcessGroup], command: str, leader: str
) -> None:
    group = start(command)
    shells = {"sh", "dash", "bash"}
    wait_for(lambda: "sleep" in _names(group))
    assert psutil.Process(group.id).name() in (shells if leader == "sh" else {leader})


def test_a_variable_before_a_simple_command_is_set(start: Callable[[str], ProcessGroup]) -> None:
    group = start("GREETING=hello env")
    assert "GREETING=hello" in _read_all(group)


def test_a_kill_reaches_those_that_the_leader_started(start: Callable[[str], ProcessGroup]) -> None:
    group = start("sleep 1000 & echo $!; wait")
    lines: list[str] = []
    wait_for(lambda: lines.extend(group.read_lines()) or lines)
    group.kill()
    wait_for(lambda: not is_running(int(lines[0])))
    assert not group.is_alive()


def test_a_line_without_end_is_passed_on_in_parts(start: Callable[[str], ProcessGroup]) -> None:
    group = start("head -c 3000000 /dev/zero | tr '\\0' x")
    lines = _read_all(group)
    assert sum(map(len, lines)) == 3_000_000
    assert len(lines) >= 2


def _names(group: ProcessGroup) -> list[str]:
    leader = psutil.Process(group.id)
    return [one.name() for one in (leader, *leader.children())]


def _read_all(group: ProcessGroup) -> list[str]:
    lines: list[str] = []

    def is_over() -> bool:
        try:
            lines.extend(group.read_lines())
        except EOFError:
            return True
        return False

    wait_for(is_over)
    return [*lines, *group.close()]
