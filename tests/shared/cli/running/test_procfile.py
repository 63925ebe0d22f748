from __future__ import annotations

import pytest

from shared.cli.running.procfile import (
    ProcessType,
    ProcfileInvalid,
    parse_procfile,
    read_procfile,
)


def test_comments_and_empty_lines_are_passed_over() -> None:
    assert parse_procfile("# one\n\n  web : run --port ${PORT:-1}\t\nclock:tick\n") == [
        ProcessType("web", "run --port ${PORT:-1}"),
        ProcessType("clock", "tick"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("web uvicorn", 1, id="no colon"),
        pytest.param("# note\nweb:   ", 2, id="no command"),
        pytest.param("1web: x", 1, id="a name that starts with a digit"),
        pytest.param("web: x\nweb: y", 2, id="the same name twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ProcfileInvalid, match=f"line {line}:"):
        parse_procfile(text)


def test_the_projects_own_procfile_has_what_up_runs() -> None:
    found = parse_procfile(read_procfile())
    assert [one.name for one in found] == ["release", "web", "worker", "clock"]
