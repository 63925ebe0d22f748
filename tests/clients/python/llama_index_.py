"""llama-index: chat, stream, structured output, embeddings."""

from check import TOKEN, URL, passed
from llama_index.core.prompts import PromptTemplate
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class City(BaseModel):
    """A city."""

    name: str


AT = {"api_base": f"{URL}/v1", "api_key": TOKEN}
model = OpenAILike(
    model="balanced", is_chat_model=True, is_function_calling_model=True, context_window=8000, **AT
)
assert model.complete("Hello").text
passed("chat")
assert "".join(one.delta or "" for one in model.stream_complete("Hello"))
passed("stream")
assert isinstance(model.structured_predict(City, PromptTemplate("Tell me of {x}"), x="Oslo"), City)
passed("structured output")
embedder = OpenAILikeEmbedding(model_name="text-embedding-3-small", **AT)
assert len(embedder.get_text_embedding_batch(["a", "b"])[1]) == 1536
passed("embeddings")
