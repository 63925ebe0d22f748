"""What is passed on unread bears nothing that is read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.wire.chat.plain import PlainEvents, is_plain


def event(text: str, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "c1", "choices": [choice], **more}
    return b"data: %b\n\n" % json.dumps(chunk, separators=(",", ":")).encode()


REASON = event("").replace(b'"finish_reason":null', b'"finish_reason":"stop"')
ODD = [
    REASON,
    event("a", usage={"prompt_tokens": 1}),
    event("a", error={"message": "no"}),
    b"data: [DONE]\n\n",
    b": a comment\n\n",
    b"event: ping\ndata: {}\n\n",
    b"data: {\n\n",
    event("a").replace(b":", b": "),
]
texts = st.text() | st.sampled_from(['","finish_reason":"stop', "\\", '"', "\n\n", '\\"error"'])
pieces = st.one_of(
    st.builds(event, texts),
    st.builds(lambda text, pad: event(text, obfuscation=pad), texts, st.text("abc")),
    st.sampled_from(ODD),
)


@given(st.lists(st.lists(pieces, min_size=1, max_size=12), max_size=3))
def test_what_leads_is_plain_and_whole(reads: list[list[bytes]]) -> None:
    plain = PlainEvents()
    for events in reads:
        read = b"".join(events)
        length = plain.leading(read)
        assert length == 0 or is_plain(read[:length])
        assert read[:length].endswith(b"\n\n") or not length


def test_events_that_differ_in_their_text_alone_are_passed_on_to_the_first_odd_one() -> None:
    alike = [event(text) for text in ("", "Hel", "lo", "; \u00e9 and so on")]
    assert PlainEvents().leading(b"".join(alike)) == len(b"".join(alike))
    for odd in ODD:
        assert PlainEvents().leading(b"".join([*alike, odd, *alike])) == len(b"".join(alike))


def test_a_text_with_a_quote_in_it_is_looked_at() -> None:
    plain = PlainEvents()
    assert plain.leading(event("a")) == len(event("a"))
    quoted = event('she said "yes"')
    assert plain.leading(quoted) == len(quoted)
    forged = event("a").replace(b'"a"', b'"a","finish_reason":"stop","b":"c"')
    assert plain.leading(forged) == 0
