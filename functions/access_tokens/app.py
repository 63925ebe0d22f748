"""Deploy access_tokens alone: `uvicorn functions.access_tokens.app:app`."""

from functions.access_tokens.function import ACCESS_TOKENS
from shared.function import create_app

app = create_app(ACCESS_TOKENS)
