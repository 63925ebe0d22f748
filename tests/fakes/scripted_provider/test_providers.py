"""What each provider that follows OpenAI does differently, by the first segment of the path."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import openai
import pytest

from tests.fakes.scripted_provider.manners import CONTEXT_TOKENS
from tests.fakes.simulated import SimulatedProvider

PATHS = {
    "openai": "openai/v1",
    "google": "google/v1beta/openai",
    "groq": "groq/openai/v1",
    "fireworks": "fireworks/inference/v1",
    "together": "together/v1",
    "openrouter": "openrouter/api/v1",
    "litellm": "litellm",
}
WITH_USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
def ask(provider: SimulatedProvider, client: httpx.Client) -> Any:
    """Post to a provider's chat completions."""

    def post(slug: str, **fields: Any) -> httpx.Response:
        body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]} | fields
        return client.post(f"{provider.url}/{PATHS[slug]}/chat/completions", json=body)

    return post


@pytest.fixture
def listed(provider: SimulatedProvider, client: httpx.Client) -> Any:
    """A provider's list of models."""

    def get(slug: str) -> Any:
        return client.get(f"{provider.url}/{PATHS[slug]}/models").json()

    return get


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in answer.text.split("\n\n") if line.startswith("data: {")]
    return [msgspec.json.decode(line.removeprefix("data: ")) for line in lines]


def usages(answer: httpx.Response) -> list[int]:
    """Which of the events report usage, counted from the last."""
    said = events(answer)
    return [i - len(said) for i, event in enumerate(said) if event.get("usage")]


@pytest.mark.parametrize("slug", PATHS)
def test_all_say_the_same_text_and_count_the_same_tokens(ask: Any, slug: str) -> None:
    ours, openais = ask(slug).json(), ask("openai").json()
    assert ours["choices"][0] == openais["choices"][0]
    assert ours["usage"].items() >= openais["usage"].items()
    deltas = [e["choices"][0]["delta"] for e in events(ask(slug, stream=True)) if e["choices"]]
    text = "".join(delta.get("content", "") for delta in deltas)
    assert text == ours["choices"][0]["message"]["content"]


@pytest.mark.parametrize("slug", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_same_faults_are_to_be_had_of_all(ask: Any, slug: str, stream: bool) -> None:
    refused = ask(slug, model="simulate-status-429-retry-1", stream=stream)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    with pytest.raises(httpx.RemoteProtocolError):
        ask(slug, model="simulate-cut-2", stream=stream)
    unmetered = ask(slug, simulate="nousage", **(WITH_USAGE if stream else {}))
    assert unmetered.status_code == 200
    assert '"usage":{' not in unmetered.text


@pytest.mark.parametrize("slug", PATHS)
def test_the_official_client_reads_all_streams_and_raises_their_errors(
    provider: SimulatedProvider, slug: str
) -> None:
    base = f"{provider.url}/{PATHS[slug]}"
    with openai.OpenAI(base_url=base, api_key="sk-test", max_retries=0, timeout=5) as official:

        def stream(model: str) -> list[Any]:
            messages: Any = [{"role": "user", "content": "hello"}]
            options: Any = {"include_usage": True}
            return list(
                official.chat.completions.create(
                    model=model, messages=messages, stream=True, stream_options=options
                )
            )

        assert len([one for one in stream("m") if one.usage is not None]) == 1
        with pytest.raises(openai.APIError):
            stream("simulate-error-3")


@pytest.mark.parametrize(
    ("slug", "unasked", "asked"),
    [
        ("openai", [], [-1]),
        ("groq", [], [-1]),
        ("fireworks", [-1], [-1]),
        ("openrouter", [-1], [-1]),
    ],
)
def test_usage_is_where_the_provider_puts_it(
    ask: Any, slug: str, unasked: list[int], asked: list[int]
) -> None:
    assert usages(ask(slug, stream=True)) == unasked
    assert usages(ask(slug, **WITH_USAGE)) == asked


@pytest.mark.parametrize(
    ("slug", "names"),
    [
        ("openai", ["x-ratelimit-limit-requests", "x-ratelimit-reset-tokens"]),
        ("groq", ["x-ratelimit-limit-requests", "x-ratelimit-reset-tokens"]),
        ("fireworks", ["x-ratelimit-limit-tokens-prompt", "x-ratelimit-limit-tokens-generated"]),
        ("together", ["x-ratelimit-limit", "x-ratelimit-reset", "x-tokenlimit-remaining"]),
        ("openrouter", []),
        ("google", []),
    ],
)
def test_rate_limits_have_the_providers_own_names(ask: Any, slug: str, names: list[str]) -> None:
    for stream in (False, True):
        headers = ask(slug, stream=stream).headers
        assert all(name in headers for name in names)
        assert bool(names) == any("limit" in name for name in headers)


def test_openrouter_names_its_limits_only_when_they_are_spent(ask: Any) -> None:
    headers = ask("openrouter", model="simulate-status-429").headers
    assert headers["x-ratelimit-remaining"] == "0"
    assert int(headers["x-ratelimit-reset"]) > 1_600_000_000_000


def test_googles_errors_are_in_an_array(ask: Any) -> None:
    (said,) = ask("google", model="simulate-status-429").json()
    assert (said["error"]["code"], said["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    (said,) = ask("google", messages=[]).json()
    assert (said["error"]["code"], said["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": False}, "logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"messages": [{"role": "user", "content": "x", "name": "Ann"}]}, "messages.0.name"),
        ({"n": 2}, "n"),
    ],
)
def test_groq_refuses_what_it_does_not_take(ask: Any, fields: dict[str, Any], param: str) -> None:
    refused = ask("groq", **fields)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    if param != "n":
        assert ask("openai", **fields).status_code == 200


@pytest.mark.parametrize("options", [{"stream": True}, WITH_USAGE])
def test_groq_names_the_request_in_the_first_chunk_and_its_usage_in_the_one_with_the_reason(
    ask: Any, options: dict[str, Any]
) -> None:
    said = [event for event in events(ask("groq", **options)) if event["choices"]]
    first, *between, last = said
    assert set(first["x_groq"]) == {"id"}
    assert not any("x_groq" in event for event in between)
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["x_groq"]["id"] == first["x_groq"]["id"]
    whole = ask("groq").json()
    assert last["x_groq"]["usage"] == whole["usage"]
    assert set(whole["x_groq"]) == {"id"}
    assert whole["usage"]["total_time"] == 0


def test_fireworks_models_are_those_of_an_account(listed: Any) -> None:
    ids = [model["id"] for model in listed("fireworks")["data"]]
    assert ids
    assert all(one.startswith("accounts/fireworks/models/") for one in ids)


def test_fireworks_reports_usage_beside_the_reason(ask: Any) -> None:
    last = events(ask("fireworks", stream=True))[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"] == ask("fireworks").json()["usage"]


def test_together_lists_its_models_in_a_bare_array(listed: Any) -> None:
    models = msgspec.convert(listed("together"), list[dict[str, Any]])
    assert {model["context_length"] for model in models} == {CONTEXT_TOKENS}


@pytest.mark.parametrize(("spare", "status"), [(1, 200), (0, 403)])
def test_together_answers_403_where_prompt_and_max_tokens_fill_the_context(
    ask: Any, spare: int, status: int
) -> None:
    prompt = ask("together").json()["usage"]["prompt_tokens"]
    limit = CONTEXT_TOKENS - prompt - spare
    assert ask("together", max_tokens=limit).status_code == status


def test_together_answers_403_for_a_long_prompt_alone(ask: Any) -> None:
    messages = [{"role": "user", "content": "four" * CONTEXT_TOKENS}]
    assert ask("together", messages=messages).status_code == 403
    assert ask("openai", messages=messages).status_code == 200


def test_openrouter_comments_before_the_first_event(
    ask: Any, client: httpx.Client, provider: SimulatedProvider
) -> None:
    answer = ask("openrouter", stream=True)
    assert answer.text.startswith(": OPENROUTER PROCESSING\n\ndata: {")
    (call,) = provider.calls()
    assert call["events_sent"] == answer.text.count("data: ")


@pytest.mark.parametrize("options", [{}, {"stream": True}])
def test_openrouter_names_the_generation_and_its_cost(ask: Any, options: dict[str, Any]) -> None:
    answer = ask("openrouter", **options)
    said = events(answer)[-1] if options else answer.json()
    assert said["id"] == answer.headers["x-generation-id"]
    usage = said["usage"]
    cost = (usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1_000_000
    assert usage["cost"] == usage["cost_details"]["upstream_inference_cost"] == cost > 0


def test_openrouters_errors_have_a_number_for_a_code(ask: Any) -> None:
    for refused in (ask("openrouter", model="simulate-status-402"), ask("openrouter", n=2)):
        error = refused.json()["error"]
        assert (error["code"], set(error)) == (
            refused.status_code,
            {"code", "message", "metadata"},
        )


def test_an_openrouter_answer_that_fails_late_is_a_200(ask: Any) -> None:
    answer = ask("openrouter", model="simulate-error-0")
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, 502)
    assert "choices" not in answer.json()
    stream = ask("openrouter", model="simulate-error-3", stream=True)
    *before, last = events(stream)
    assert (stream.status_code, len(before)) == (200, 3)
    assert last["error"]["code"] == 502
    assert last["choices"][0]["finish_reason"] == "error"


def test_openrouter_lists_prices_as_text_and_no_object(listed: Any) -> None:
    models = listed("openrouter")
    assert set(models) == {"data"}
    assert all(float(model["pricing"]["prompt"]) > 0 for model in models["data"])
    assert not any({"object", "owned_by"} & set(model) for model in models["data"])


def test_litellm_names_the_cost_but_not_in_the_head_of_a_stream(ask: Any) -> None:
    answer = ask("litellm", model="groq/naïve")
    usage = answer.json()["usage"]
    cost = (usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1_000_000
    assert float(answer.headers["x-litellm-response-cost"]) == cost > 0
    stream = ask("litellm", stream=True)
    assert "x-litellm-response-cost" not in stream.headers
    assert stream.headers["x-litellm-call-id"] != answer.headers["x-litellm-call-id"]


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness"])
def test_litellm_is_alive_without_a_key(provider: SimulatedProvider, path: str) -> None:
    url = f"{provider.url}/litellm{path}"
    answer = httpx.get(url, trust_env=False)
    assert (answer.status_code, answer.json()) == (200, "I'm alive!")
    sick = httpx.get(url, headers={"x-simulate": "status-503"}, trust_env=False)
    assert sick.status_code == 503
    assert httpx.post(url, trust_env=False).status_code == 405
    assert httpx.get(f"{provider.url}/openai{path}", trust_env=False).status_code == 404
