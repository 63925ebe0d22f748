"""What a process used and told nobody: PostgreSQL's sum has it, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shared.limits.limit import Kind
from tests.shared.limits.machine import Process, World

ALL = 1000


class Three:
    """Processes that renew each second."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.processes = [Process(world) for _ in range(3)]
        self.pass_by(12)

    def pass_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.world.pass_by(1.0)
            for one in self.processes:
                self.world.do(one.renew())

    def spend(self, which: int, usd: int) -> None:
        assert self.processes[which].reserve({Kind.DAY: usd})
        self.processes[which].settle(1.0)

    def left(self, which: int, most: int = ALL) -> int:
        """What can be had, by asking for less and less."""
        return next(
            (usd for usd in range(most, 0, -50) if self.processes[which].reserve({Kind.DAY: usd})),
            0,
        )


@pytest.fixture(params=[0.0, 3.0])
def three(redis_url: str, request: pytest.FixtureRequest) -> Iterator[Three]:
    loop = asyncio.new_event_loop()
    world = World(redis_url, loop, confirmed_s=request.param)
    try:
        yield Three(world)
    finally:
        world.close()
        loop.close()


def test_what_was_used_just_before_a_process_and_redis_were_lost_is_not_given_again(
    three: Three,
) -> None:
    """The sum was taken as the truth before the writer had the usage of who died."""
    three.spend(0, 400)
    three.processes[0] = Process(three.world)
    three.world.lose_redis()
    for _ in range(20):
        three.pass_by(1)
        assert not three.processes[1].reserve({Kind.DAY: 650})
    assert three.left(1) == 600


def test_what_a_process_that_lives_is_yet_to_tell_does_not_count_twice_once_another_died(
    three: Three,
) -> None:
    """The sum of a moment ago has it already."""
    three.spend(0, 100)
    three.spend(1, 100)
    three.processes[0] = Process(three.world)
    three.pass_by(13)
    three.spend(2, 50)
    three.processes[2].grants.lost = ["question"] * 8
    for _ in range(10):
        three.spend(1, 5)
        three.pass_by(1)
    three.pass_by(10)
    assert three.left(1) == ALL - three.world.spent == 700


def test_who_was_lost_before_is_known_where_redis_is_lost_twice(three: Three) -> None:
    three.spend(0, 400)
    three.processes[0] = Process(three.world)
    three.world.lose_redis()
    assert not three.processes[1].reserve({Kind.DAY: 100})
    three.pass_by(1)
    three.world.lose_redis()
    for _ in range(20):
        three.pass_by(1)
        assert not three.processes[1].reserve({Kind.DAY: 650})
    assert three.left(1) == 600


def test_what_is_told_to_a_new_redis_by_a_request_is_not_told_again_by_the_renewal(
    three: Three,
) -> None:
    three.spend(0, 50)
    three.world.lose_redis()
    assert not three.processes[0].reserve({Kind.DAY: 100})
    three.pass_by(20)
    assert three.left(1) == ALL - 50


def test_all_that_stood_still_are_heard_before_anything_is_given(three: Three) -> None:
    assert three.processes[0].reserve({Kind.DAY: 600})
    three.world.lose_redis()
    assert not three.processes[1].reserve({Kind.DAY: 100})
    three.world.pass_by(6.0)
    assert not three.processes[1].reserve({Kind.DAY: 500})


def test_a_dead_process_is_not_given_up_before_its_usage_was_asked_for(three: Three) -> None:
    three.spend(0, 400)
    three.processes[0] = Process(three.world)
    for _ in range(200):
        three.world.pass_by(0.1)
        assert not three.processes[1].reserve({Kind.DAY: 650})
    assert three.left(2) == 600
