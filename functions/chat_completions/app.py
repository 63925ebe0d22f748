"""Deploy chat_completions alone: `uvicorn functions.chat_completions.app:app`."""

from functions.chat_completions.function import CHAT_COMPLETIONS
from shared.function import create_app

app = create_app(CHAT_COMPLETIONS)
