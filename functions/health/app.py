"""Deploy health alone: `uvicorn functions.health.app:app`."""

from functions.health.function import HEALTH
from shared.function import create_app

app = create_app(HEALTH)
