"""Deploy providers alone: `uvicorn functions.providers.app:app`."""

from functions.providers.function import PROVIDERS
from shared.function import create_app

app = create_app(PROVIDERS)
