"""Tags are read from a header and from the body, go upstream to nobody, and cost no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.chat.labels import FIELD, MAX_TAGS, is_tag, tags_of_header
from shared.wire.chat.request import decode_chat
from shared.wire.messages.door.request import decode_messages
from shared.wire.responses.request import decode_responses
from tests.shared.wire.responses.conversation import IDS

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def read(metadata: object) -> Any:
    return decode_chat(json.dumps({**HELLO, "metadata": metadata}).encode())


@pytest.mark.parametrize(
    ("value", "tags", "is_whole"),
    [
        (b"a,b", ("a", "b"), True),
        (b" team:search , job.1 ,", ("team:search", "job.1"), True),
        (b"a,a", ("a",), True),
        (b"Upper,ok", ("ok",), False),
        (b"two words,ok", ("ok",), False),
        (b"x" * 63, ("x" * 63,), True),
        (b"x" * 64, (), False),
        (b"caf\xc3\xa9,ok", ("ok",), False),
        (b"", (), True),
        (",".join(f"t{number}" for number in range(20)).encode(), None, False),
    ],
)
def test_a_header_names_tags(value: bytes, tags: tuple[str, ...] | None, is_whole: bool) -> None:
    found = tags_of_header(value)
    expected = tuple(f"t{number}" for number in range(MAX_TAGS)) if tags is None else tags
    assert found == (expected, is_whole)


@pytest.mark.parametrize(
    ("metadata", "tags", "is_whole", "sent"),
    [
        ({"tags": ["a", "b"]}, ("a", "b"), True, None),
        ({"tags": "a, b", "job": "7"}, ("a", "b"), True, {"job": "7"}),
        ({"tags": ["a", 7, None]}, ("a",), False, None),
        ({"tags": {"a": "b"}}, (), False, None),
        ({"tags": None, "job": "7"}, (), True, {"tags": None, "job": "7"}),
        ({"job": "tags"}, (), True, {"job": "tags"}),
        (["tags"], (), True, ["tags"]),
        ("tags", (), True, "tags"),
        (None, (), True, None),
    ],
)
def test_the_body_names_tags_which_go_upstream_to_nobody(
    metadata: object, tags: tuple[str, ...], is_whole: bool, sent: object
) -> None:
    chat = read(metadata)
    assert chat.tags == tags
    assert (FIELD not in chat.left_out) is is_whole
    raw = chat.fields.get("metadata", b"null")
    assert json.loads(bytes(raw)) == sent


def test_the_messages_door_reads_them_beside_the_user() -> None:
    body = {**HELLO, "max_tokens": 9, "metadata": {"user_id": "u-1", "tags": ["a"]}}
    request = decode_messages(json.dumps(body).encode(), {})
    assert (request.end_user, request.tags) == ("u-1", ("a",))
    assert json.loads(bytes(request.fields["metadata"])) == {"user_id": "u-1"}


def test_the_responses_door_reads_them_too() -> None:
    body = {"input": "Hello", "user": "u-1", "metadata": {"tags": "a", "job": "7"}}
    request = decode_responses(json.dumps(body).encode(), {}, ids=IDS)
    assert (request.end_user, request.tags) == ("u-1", ("a",))
    assert json.loads(bytes(request.fields["metadata"])) == {"job": "7"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(json_values | st.fixed_dictionaries({"tags": json_values}))
def test_no_metadata_refuses_a_request_and_only_tags_are_tags(metadata: object) -> None:
    chat = read(metadata)
    assert len(chat.tags) <= MAX_TAGS
    assert all(is_tag(tag) for tag in chat.tags)
