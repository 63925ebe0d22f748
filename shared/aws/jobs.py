"""Lambda's entry to a function's jobs: `shared.aws.jobs.handler`.

EventBridge sends a schedule's input, which names the job: `{"job": "usage.partitions"}`. By hand:
`aws lambda invoke --function-name … --payload '{"job": "usage.partitions"}'`. A job that takes the
name of its run may be given one: `{"job": "health.check", "run": …}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any

from shared.aws.function_of import function_name
from shared.folders import bill_of_materials
from shared.function import Function
from shared.log import configure_logging, get_logger
from shared.settings import LogSettings, load_settings


class NoSuchJob(ValueError):
    """The event names no job of this function; the message lists those there are."""


def run_job(function: Function, event: Mapping[str, Any]) -> dict[str, str]:
    """Run the job that the event names. Raises NoSuchJob, and whatever the job raises: EventBridge
    then calls again.
    """
    jobs = {job.name: job for job in function.jobs}
    name = str(event.get("job"))
    if name not in jobs:
        raise NoSuchJob(f'send {{"job": …}} with one of {", ".join(jobs)}')
    run: Callable[..., object] = function.jobs[jobs[name]]
    is_named = jobs[name].is_told_run and "run" in event
    done = run(str(event["run"])) if is_named else run()
    if isawaitable(done):
        asyncio.run(_awaited(done))
    get_logger().info("job.done", job=name)
    return {"done": name}


async def _awaited(done: Any) -> None:
    await done


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    configure_logging(load_settings(LogSettings)[LogSettings])
    return run_job(bill_of_materials(function_name()), event)
