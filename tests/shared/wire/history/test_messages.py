"""Laws of sending a provider a conversation that another one began."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from shared.wire.history.calls import NO_RESULT
from shared.wire.history.messages import fit_messages
from shared.wire.history.rules import COMPATIBLE_MESSAGES, IdRule, MessageRules
from shared.wire.translated import Drops

RULES = MessageRules(assistant=frozenset({"role", "content", "tool_calls"}))
USER = {"role": "user", "content": "hi"}


def call(call_id: str = "a", arguments: object = "{}", **more: object) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function, **more}


def answer(**fields: object) -> dict[str, Any]:
    return {"role": "assistant", "content": "ok", **fields}


def result(call_id: str = "a", content: object = "sunny") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def fitted(
    *messages: dict[str, Any], rules: MessageRules = RULES, model: str = "m"
) -> tuple[list[Any], tuple[str, ...]]:
    drops = Drops(may_drop=False)
    raw = msgspec.Raw(json.dumps(messages).encode())
    return json.loads(bytes(fit_messages(raw, rules, model, drops))), drops.names


@pytest.mark.parametrize(
    "text",
    [
        b'[{"role":"user","content":"an \\"assistant\\" of mine"}]',
        b'[ {"role" : "user", "content":"1.10"} , {"role":"assistant","content":"a","name":null}]',
        b'[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function",'
        b'"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a",'
        b'"content":"x"},{"content":[{"type":"text","text":"\\u00e9"}],"role":"user"}]',
    ],
)
def test_a_message_that_needs_nothing_goes_out_byte_for_byte(text: bytes) -> None:
    rules = MessageRules(assistant=RULES.assistant | {"name"})
    drops = Drops(may_drop=False)
    raw = msgspec.Raw(text)
    assert fit_messages(raw, rules, "m", drops) is raw
    assert drops.names == ()


@pytest.mark.parametrize(
    ("message", "sent", "dropped"),
    [
        pytest.param(
            answer(reasoning="hm", audio=None, annotations=[]),
            answer(),
            ("messages[1].reasoning",),
            id="what another added is left out, and named where it said something",
        ),
        pytest.param(
            answer(content=None, refusal="No."), answer(content="No."), (), id="a refusal is said"
        ),
        pytest.param(
            answer(refusal="No."), answer(), ("messages[1].refusal",), id="a refusal beside words"
        ),
        pytest.param(
            answer(content=None, audio={"id": "a", "transcript": "Hello."}),
            answer(content="Hello."),
            (),
            id="what was said aloud is written",
        ),
        pytest.param(
            answer(content=None, tool_calls=[]), answer(content=""), (), id="nothing was said"
        ),
        pytest.param(
            {"role": "developer", "content": "x"},
            {"role": "system", "content": "x"},
            (),
            id="developer is system",
        ),
        pytest.param(
            answer(content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "a"}]),
            answer(content=[{"type": "text", "text": "a"}]),
            ("messages[1].content[0]",),
            id="thoughts among the parts",
        ),
        pytest.param(
            {"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}},
            {"role": "user", "content": "x"},
            ("messages[1].cache_control",),
            id="Anthropic's mark",
        ),
    ],
)
def test_what_becomes_of_a_message(
    message: dict[str, Any], sent: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    assert fitted(USER, message) == ([USER, sent], dropped)


def test_a_name_has_the_characters_that_are_taken() -> None:
    rules = MessageRules(assistant=RULES.assistant, odd_in_names=r"[\s<|\\/>]+")
    assert fitted({**USER, "name": "Ann Lee"}, rules=rules) == ([{**USER, "name": "Ann_Lee"}], ())
    assert fitted({**USER, "name": "ann"}, rules=rules) == ([{**USER, "name": "ann"}], ())


def test_thoughts_go_under_the_name_that_is_known() -> None:
    messages, dropped = fitted(answer(reasoning="hm"), rules=COMPATIBLE_MESSAGES)
    assert (messages, dropped) == ([answer(reasoning_content="hm")], ())
    messages, _ = fitted(answer(reasoning="a", reasoning_content="b"), rules=COMPATIBLE_MESSAGES)
    assert messages == [answer(reasoning_content="b")]


def test_signed_thoughts_go_to_those_models_alone_that_sign_them() -> None:
    rules = MessageRules(assistant=RULES.assistant, thinking_blocks_of="claude")
    thought = answer(thinking_blocks=[{"type": "thinking"}], reasoning_content="hm")
    assert fitted(thought, rules=rules, model="anthropic/claude-x") == ([thought], ())
    assert fitted(thought, rules=rules, model="groq/x")[0] == [answer()]
    signed = answer(thinking_blocks=[{"type": "thinking", "provider": "my-server"}])
    assert fitted(signed, rules=rules, model="anthropic/claude-x") == (
        [answer(thinking_blocks=[])],
        ("messages[0].thinking_blocks[0]",),
    )


def test_a_model_that_asks_for_the_thoughts_of_its_calls_gets_a_blank_for_anothers() -> None:
    history = (USER, answer(tool_calls=[call()]), result(), answer(), USER, answer(), USER)
    messages, dropped = fitted(*history, rules=COMPATIBLE_MESSAGES, model="DeepSeek-v4.1")
    told = [one.get("reasoning_content") for one in messages if one["role"] == "assistant"]
    assert (told, dropped) == ([" ", " ", None], ())
    assert fitted(*history, rules=COMPATIBLE_MESSAGES, model="llama")[0] == list(history)


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{"a": "cut', '{"_raw":"{\\"a\\": \\"cut"}'),
        ("[1]", '{"_raw":"[1]"}'),
        ("", "{}"),
        (None, "{}"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_arguments_arrive_as_the_text_of_an_object(arguments: object, sent: str) -> None:
    messages, dropped = fitted(answer(tool_calls=[call("a", arguments)]), result())
    assert messages[0]["tool_calls"][0]["function"]["arguments"] == sent
    assert dropped == ()


def test_broken_arguments_stay_where_any_text_is_taken() -> None:
    rules = MessageRules(assistant=RULES.assistant, reads_arguments=False)
    messages, _ = fitted(answer(tool_calls=[call("a", '{"cut')]), result(), rules=rules)
    assert messages[0]["tool_calls"][0]["function"]["arguments"] == '{"cut'


def test_what_a_stream_leaves_in_a_call_is_taken_out() -> None:
    given = call("a", index=0, extra_content={"google": {}})
    del given["type"]
    messages, dropped = fitted(answer(tool_calls=[given]), result())
    assert messages[0]["tool_calls"] == [call("a")]
    assert set(dropped) == {
        "messages[0].tool_calls[0].index",
        "messages[0].tool_calls[0].extra_content",
    }


def test_a_call_without_signature_gets_the_placeholder_and_a_signed_one_stays() -> None:
    rules = MessageRules(assistant=RULES.assistant, signature={"google": {"s": "skip"}})
    placeholder = {"extra_content": {"google": {"s": "skip"}}}
    theirs = answer(tool_calls=[call("a"), call("b")])
    own = answer(tool_calls=[call("c", extra_content={"google": {"s": "x"}}), call("d")])
    history = (theirs, result("a"), result("b"), own, result("c"), result("d"))
    messages, _ = fitted(*history, rules=rules)
    assert messages[0]["tool_calls"] == [call("a", **placeholder), call("b", **placeholder)]
    assert messages[3] == own


def test_results_stand_behind_their_calls_and_none_is_missing() -> None:
    asked = answer(tool_calls=[call("a"), call("b"), call("c")])
    late = {"role": "user", "content": "Quick!"}
    messages, dropped = fitted(asked, result("b"), late, result("a"), result("gone"), USER)
    missing = result("c", NO_RESULT)
    assert messages == [asked, result("b"), result("a"), missing, late, USER]
    assert dropped == ("messages[4]",)


def test_two_results_of_one_call_are_one() -> None:
    asked = answer(tool_calls=[call("a")])
    messages, dropped = fitted(asked, result("a", "1"), result("a", "2"))
    assert (messages, dropped) == ([asked, result("a", "1")], ("messages[2]",))


def test_ids_that_come_twice_are_told_apart_and_their_results_follow() -> None:
    rules = MessageRules(assistant=RULES.assistant, call_ids=IdRule("a-z0-9_", is_unique=True))
    turn = (answer(tool_calls=[call("f:0"), call("f:1")]), result("f:1", "1"), result("f:0", "0"))
    messages, _ = fitted(*turn, *turn, rules=rules)
    for first in (0, 3):
        zero, one = (each["id"] for each in messages[first]["tool_calls"])
        behind = {each["tool_call_id"]: each["content"] for each in messages[first + 1 : first + 3]}
        assert behind == {zero: "0", one: "1"}
    ids = [each["id"] for at in (0, 3) for each in messages[at]["tool_calls"]]
    assert len(set(ids)) == 4


def test_a_call_without_an_id_gets_one_and_its_result_too() -> None:
    messages, _ = fitted(answer(tool_calls=[call("")]), result(""))
    assert messages[0]["tool_calls"][0]["id"] == messages[1]["tool_call_id"] == "call_1"


def test_parts_that_are_all_text_are_one_text_where_no_parts_are_taken() -> None:
    text = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    image = [{"type": "image_url", "image_url": {"url": "https://e.com/a.png"}}]
    asked = [{"role": "user", "content": text}, {"role": "user", "content": image}]
    messages, _ = fitted(*asked, rules=COMPATIBLE_MESSAGES)
    assert [one["content"] for one in messages] == ["a\nb", image]
    assert fitted(*asked)[0] == asked


def test_content_that_no_one_can_read_is_left_to_the_provider() -> None:
    odd = [{"role": "user", "content": [1, "x"]}, {"role": "assistant", "tool_calls": "none"}]
    assert fitted(*odd, rules=COMPATIBLE_MESSAGES)[0][0] == odd[0]


def test_thousands_of_calls_in_one_answer_find_their_results() -> None:
    ids = [f"c{index}" for index in range(5_000)]
    asked = answer(tool_calls=[call(one) for one in ids])
    messages, _ = fitted(asked, *(result(one) for one in reversed(ids)))
    assert len(messages) == 5_001
