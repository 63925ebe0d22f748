"""Deploy responses alone: `uvicorn functions.responses.app:app`."""

from functions.responses.function import RESPONSES
from shared.function import create_app

app = create_app(RESPONSES)
