"""Deploy system_keys alone: `uvicorn functions.system_keys.app:app`."""

from functions.system_keys.function import SYSTEM_KEYS
from shared.function import create_app

app = create_app(SYSTEM_KEYS)
