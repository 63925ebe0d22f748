"""What is in the spool is never lost: not with the process, not for want of room."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.errors import SpoolFull
from shared.ledger.record import UsageFinal, UsageIntent
from shared.spool.contents import read_contents
from shared.spool.frames import Kind
from shared.spool.segment import Segment, sweep_unfinished
from shared.spool.spool import RESERVED_BYTES, Spool
from tests.fakes.usage_records import final, intent

SMALL = 64 * 1024


def an_intent(request_id: str, **changes: Any) -> UsageIntent:
    return intent(request_id=request_id, **changes)


def a_final(request_id: str, **changes: Any) -> UsageFinal:
    return final(request_id=request_id, **changes)


def test_intent_and_final_are_read_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    before, after = an_intent("a"), a_final("a")
    spool.intent(before)
    spool.final(after)
    (segment,) = spool.segments()
    kinds = [(kind, record) for _, kind, record in segment.frames()]
    assert [kind for kind, _ in kinds] == [Kind.INTENT, Kind.FINAL]
    assert msgspec.msgpack.decode(kinds[0][1], type=UsageIntent) == before
    assert msgspec.msgpack.decode(kinds[1][1], type=UsageFinal) == after
    assert segment.reserved == 0
    spool.close()


def test_contents_tell_finals_from_orphans_and_forget_what_was_dropped(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for name in ("answered", "dropped", "cut"):
        spool.intent(an_intent(name))
    spool.final(a_final("answered"))
    spool.drop("dropped")
    (segment,) = spool.segments()
    contents = read_contents(segment)
    assert set(contents.finals) == {"answered"}
    assert set(contents.orphans) == {"cut"}
    spool.close()


def test_every_final_fits_whose_intent_was_let_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path, size=SMALL)
    longest = {"user_agent": "u" * 9000, "model_served": "m" * 9000, "session_id": "s" * 9000}
    names = [str(number) for number in range(40)]
    for name in names:
        spool.intent(an_intent(name))
    assert len(spool.segments()) > 1, "the intents were meant to fill more than one segment"
    for name in names:
        spool.final(a_final(name, **longest))
    for segment in spool.segments():
        assert segment.offset <= SMALL
        assert segment.reserved == 0
    found = {name for segment in spool.segments() for name in read_contents(segment).finals}
    assert found == set(names)
    spool.close()


def test_a_full_disk_refuses_intents_and_never_a_final(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, size=SMALL)
    taken: list[str] = []

    def no_space(fd: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_space)

    def take_until_full() -> None:
        for number in range(1000):
            spool.intent(an_intent(str(number)))
            taken.append(str(number))

    with pytest.raises(SpoolFull) as refused:
        take_until_full()
    assert refused.value.status == 503
    assert refused.value.retry_after_s
    assert spool.is_full
    assert len(taken) > SMALL // (RESERVED_BYTES + 1000)
    for name in taken:
        spool.final(a_final(name))
    (segment,) = spool.segments()
    assert set(read_contents(segment).finals) == set(taken)
    assert [path.suffix for path in tmp_path.iterdir()] == [".spool"], "no half-made segment stays"

    spool.refresh()
    assert spool.is_full
    monkeypatch.undo()
    spool.refresh()
    assert not spool.is_full
    spool.close()


def test_an_intent_past_its_deadline_is_given_up_once_and_a_late_final_is_still_kept(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path)
    spool.intent(an_intent("late", deadline_ms=1000))
    spool.intent(an_intent("in time", deadline_ms=3000))
    (record,) = spool.give_up(2000)
    assert msgspec.msgpack.decode(record, type=UsageIntent).request_id == "late"
    assert spool.give_up(2000) == []
    spool.final(a_final("late"))
    (segment,) = spool.segments()
    assert segment.reserved == RESERVED_BYTES, "only the other one is still awaited"
    assert set(read_contents(segment).finals) == {"late"}
    spool.close()


def test_a_living_process_keeps_its_segments(tmp_path: Path) -> None:
    owner, other = Spool(tmp_path), Spool(tmp_path)
    owner.intent(an_intent("a"))
    assert other.orphans() == []
    owner.close()
    (segment,) = other.orphans()
    assert set(read_contents(segment).orphans) == {"a"}
    segment.remove()
    assert other.orphans() == []
    other.close()


WRITER = """
import os, sys
from pathlib import Path
from shared.spool.spool import Spool
from tests.fakes.usage_records import final, intent

spool = Spool(Path(sys.argv[1]))
for number in range(10_000_000):
    name = str(number)
    spool.intent(intent(request_id=name))
    if number % 3:
        spool.final(final(request_id=name))
        os.write(1, f"{name}\\n".encode())
"""


def test_kill_9_loses_nothing_that_was_written(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(2000)]
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    promised = {line.decode().strip() for line in said if line.endswith(b"\n")}

    next_one = Spool(tmp_path)
    finals: set[str] = set()
    orphans: set[str] = set()
    for segment in next_one.orphans():
        contents = read_contents(segment)
        finals |= set(contents.finals)
        orphans |= set(contents.orphans)
        segment.remove()
    next_one.close()
    assert promised <= finals
    assert len(finals - promised) <= 1, "one may be written and not yet announced"
    assert {name for name in orphans if int(name) % 3} <= {str(max(map(int, orphans)))}


def test_a_half_made_segment_is_swept_away_once_it_is_old(tmp_path: Path) -> None:
    fresh, stale = tmp_path / "1-1.new", tmp_path / "0-1.new"
    fresh.touch()
    stale.touch()
    os.utime(stale, (0, 0))
    sweep_unfinished(tmp_path)
    assert fresh.exists()
    assert not stale.exists()


def test_a_file_that_is_no_segment_is_left_alone(tmp_path: Path) -> None:
    stranger = tmp_path / "notes.spool"
    stranger.write_text("not ours")
    assert Segment.adopt(stranger) is None
    assert stranger.read_text() == "not ours"
