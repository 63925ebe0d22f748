from __future__ import annotations

import json

import pytest

from shared.aws.jobs import NoSuchJob, run_job
from shared.function import Function
from shared.jobs import Every, Job
from tests.fakes.lambda_events import recorded

done: list[str] = []


async def wait() -> None:
    done.append("waited")


def called(name: str) -> Job:
    return Job(name=name, runs=Every(1))


FUNCTION = Function(
    "thing",
    jobs={called("a.plain"): lambda: done.append("plain"), called("an.async"): wait},
)


@pytest.mark.parametrize(("job", "what"), [("a.plain", "plain"), ("an.async", "waited")])
def test_the_job_that_the_event_names_is_run(job: str, what: str) -> None:
    done.clear()
    assert run_job(FUNCTION, json.loads(json.dumps({"job": job}))) == {"done": job}
    assert done == [what]


@pytest.mark.parametrize("event", [{}, {"job": "gone"}, recorded("schedule")], ids=str)
def test_an_event_that_names_no_job_is_refused_with_their_names(event: dict[str, object]) -> None:
    with pytest.raises(NoSuchJob, match=r"a\.plain, an\.async"):
        run_job(FUNCTION, event)


def test_what_a_job_raises_fails_the_call_so_that_it_comes_again() -> None:
    def fail() -> None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        run_job(Function("thing", jobs={called("a.job"): fail}), {"job": "a.job"})
