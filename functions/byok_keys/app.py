"""Deploy byok_keys alone: `uvicorn functions.byok_keys.app:app`."""

from functions.byok_keys.function import BYOK_KEYS
from shared.function import create_app

app = create_app(BYOK_KEYS)
