"""litellm: chat, stream and embeddings by its openai provider, messages by its anthropic one."""

import litellm
from check import TOKEN, URL, passed

HELLO = [{"role": "user", "content": "Hello"}]
OPENAI = {"api_base": f"{URL}/v1", "api_key": TOKEN}
whole = litellm.completion("openai/balanced", HELLO, **OPENAI)
assert whole.choices[0].message.content
passed("openai")
pieces = litellm.completion("openai/balanced", HELLO, stream=True, **OPENAI)
assert "".join(one.choices[0].delta.content or "" for one in pieces)
passed("openai, stream")
whole = litellm.completion("anthropic/precision", HELLO, api_base=URL, api_key=TOKEN)
assert whole.choices[0].message.content
passed("anthropic")
made = litellm.embedding("openai/text-embedding-3-small", ["a", "b"], **OPENAI)
assert len(made.data[1]["embedding"]) == 1536
passed("embeddings")
