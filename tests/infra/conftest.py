"""What the tests of Lambdas stand on: real PostgreSQL and Valkey, moto's SQS and secrets.

Nothing in them ran on AWS. The Runtime API is tests/fakes/runtime_api.py, and the Lambda Web
Adapter is a double of what its documents say. The function's process, its start and its environment
are the template's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared.embedded import free_port
from shared.vault.keyring import generate_key
from tests.fakes.aws_server import AwsServer
from tests.fakes.lambda_runtime import LambdaProcess
from tests.fakes.place import NewPlace, Place
from tests.fakes.raw_server import RawServer
from tests.fakes.runtime_api import RuntimeApi
from tests.fakes.web_adapter import WebAdapter
from tests.infra import aws
from tests.infra.lambda_chat import Chat, StartChat, streams
from tests.infra.lambda_place import Run, RunningLambda, environment, make_token, package


@pytest.fixture(scope="module")
def place(new_place: NewPlace) -> Place:
    return new_place("lambda")


@pytest.fixture(scope="module")
def token(place: Place) -> str:
    return make_token(place)


@pytest.fixture(scope="module")
def services() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


@pytest.fixture
def queue_url(services: AwsServer) -> Iterator[str]:
    sqs = services.clients["sqs"]
    url = sqs.create_queue(QueueName="usage")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def key_ring(services: AwsServer) -> str:
    secrets = services.clients["secretsmanager"]
    return secrets.create_secret(Name="ring", SecretString=generate_key())["ARN"]


def settings(place: Place, **more: str) -> dict[str, str]:
    return {"DATABASE_URL": place.database_url, "REDIS_URL": place.redis_url, **more}


@pytest.fixture
def run(tmp_path: Path, place: Place) -> Iterator[Run]:
    """Start a function by its template's handler; what is given stands before the template's."""
    with ExitStack() as stack:

        def start(name: str, **more: str) -> RunningLambda:
            root = package(name, tmp_path)
            api = stack.enter_context(RuntimeApi())
            variables = environment(name, settings(place), more, root)
            handler = aws.functions()[name]["Handler"]
            function = LambdaProcess.with_runtime(handler, api, variables, root)
            return RunningLambda(api, stack.enter_context(function))

        yield start


@pytest.fixture
def provider() -> Iterator[RawServer]:
    with RawServer(streams) as server:
        yield server


@pytest.fixture
def start_chat(
    tmp_path: Path,
    place: Place,
    token: str,
    provider: RawServer,
    services: AwsServer,
    queue_url: str,
    key_ring: str,
) -> Iterator[StartChat]:
    """Start completions; what is given stands in the place of the stack's own variables."""
    name = "chat_completions"
    given = settings(
        place, OPENAI_API_KEY="sk-openai-of-the-platform", OPENAI_BASE_URL=f"{provider.url}/v1"
    )
    with ExitStack() as exits:

        def start(**more: str) -> Chat:
            root = package(name, tmp_path)
            stack = {
                "USAGE_QUEUE_URL": queue_url,
                "BYOK_KEY_SOURCE": f"aws-secretsmanager:{key_ring}",
                # Of the machine: Lambda's own are free by definition.
                "PORT": str(free_port()),
                "SWITCHYARD_DATA_DIR": str(tmp_path / "data"),
                **more,
            }
            variables = environment(name, given, stack, root) | services.environment
            api = exits.enter_context(RuntimeApi())
            adapter = exits.enter_context(WebAdapter(api, variables, root))
            return Chat(api, adapter, token)

        yield start


@pytest.fixture
def chat(start_chat: StartChat) -> Chat:
    return start_chat()
