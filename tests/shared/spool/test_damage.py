"""A damaged file costs the records that were hit, is told of, and is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.spool.segment import Segment
from tests.fakes.outage import Gateway, Services

MAGIC = 8


@pytest.fixture
def services(tmp_path: Path, migrated_database_url: str, redis_url: str) -> Services:
    return Services(tmp_path / "spool", migrated_database_url, redis_url)


def left_by_a_dead_process(services: Services, requests: int = 10) -> tuple[Path, list[int]]:
    """Its file, and the offset behind each FINAL."""

    async def main() -> tuple[Path, list[int]]:
        async with services.gateway() as gateway:
            [segment] = gateway.spool.segments()
            ends: list[int] = []
            for _ in range(requests):
                gateway.serve(1)
                ends.append(segment.offset)
            return segment.path, ends

    return asyncio.run(main())


def adopted(services: Services, check: Callable[[Gateway], None] = lambda _: None) -> list[str]:
    """What is told while another process takes over all that it can."""

    async def main() -> list[str]:
        async with services.gateway() as gateway:
            with capture_logs() as told:
                for _ in range(3):
                    await gateway.keep_house()
                    await asyncio.to_thread(services.drain)
                check(gateway)
            return [line["event"] for line in told if line["log_level"] == "error"]

    return asyncio.run(main())


def hit(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize(
    ("offset", "data", "lost"),
    [
        pytest.param(30, b"\xff", 0, id="a byte of an INTENT"),
        pytest.param(-5, b"\xff", 0, id="a byte of a FINAL: its INTENT is there"),
        pytest.param(0, b"\0" * 4, 0, id="the mark of a frame"),
        pytest.param(4, b"\xff\xff\xff\x7f", 0, id="a length beyond the file"),
        pytest.param(4, b"\0" * 4, 0, id="a length of nothing"),
        pytest.param(0, b"\0" * 700, 3, id="a stretch of zeros"),
        pytest.param(0, b"\xa5" * 4096, 7, id="a block of something else"),
    ],
)
def test_what_was_not_hit_is_written_and_the_file_is_kept(
    services: Services, offset: int, data: bytes, lost: int
) -> None:
    path, ends = left_by_a_dead_process(services)
    hit(path, ends[3] + offset, data)
    assert adopted(services) == ["spool.damaged", "spool.set_aside"]
    assert services.rows() >= 10 - lost
    kept = path.with_suffix(".damaged")
    assert kept.exists()
    assert not path.exists()
    assert adopted(services) == [], "it is not looked at again"
    assert kept.exists()


def test_a_damaged_beginning_costs_nothing(services: Services) -> None:
    path, _ = left_by_a_dead_process(services)
    hit(path, 0, b"\0\xff")
    adopted(services)
    assert services.rows() == 10


def test_half_a_frame_at_the_end_is_told_of(services: Services) -> None:
    """What a machine that lost power leaves."""
    path, ends = left_by_a_dead_process(services)
    hit(path, ends[-1] - 100, bytes(100))
    assert adopted(services) == ["spool.damaged", "spool.set_aside"]
    assert services.rows() == 10, "the last one as its INTENT"


def test_a_file_of_zeros_goes_and_one_that_is_not_ours_stays(services: Services) -> None:
    path, _ = left_by_a_dead_process(services)
    zeros, empty, strange, later = (path.with_name(f"{name}.spool") for name in "abcd")
    zeros.write_bytes(bytes(8192))
    empty.write_bytes(b"")
    strange.write_text("not ours")
    later.write_bytes(b"SYSPOOL9" + path.read_bytes()[MAGIC:])
    assert adopted(services) == []
    assert services.rows() == 10
    assert {file for file in services.files() if len(file) < 10} == {"c.spool", "d.spool"}


def test_a_file_that_cannot_be_read_holds_up_no_other(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sick, _ = left_by_a_dead_process(services, 1)
    left_by_a_dead_process(services, 9)
    frames = Segment.frames

    def fails(self: Segment, start: int | None = None) -> object:
        if self.path == sick:
            raise OSError(5, "Input/output error")
        return frames(self, start)

    monkeypatch.setattr(Segment, "frames", fails)
    assert adopted(services) == ["spool.unreadable"]
    assert services.rows() == 9
    assert sick.exists()


def test_damage_in_a_file_of_a_living_process_is_found_too(services: Services) -> None:
    async def main() -> None:
        async with services.gateway() as gateway:
            gateway.serve(5)
            [segment] = gateway.spool.segments()
            hit(segment.path, segment.offset - 20, b"\xff")
            await gateway.pass_seconds(70)
            await asyncio.to_thread(services.drain)
            await gateway.pass_seconds(10)
            await asyncio.to_thread(services.drain)
            await gateway.pass_seconds(10)
            assert services.rows() == 5
            assert not segment.path.exists()
            assert segment.path.with_suffix(".damaged").exists()

    asyncio.run(main())
