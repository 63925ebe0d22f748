"""Deploy messages alone: `uvicorn functions.messages.app:app`."""

from functions.messages.function import MESSAGES
from shared.function import create_app

app = create_app(MESSAGES)
