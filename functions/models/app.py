"""Deploy models alone: `uvicorn functions.models.app:app`."""

from functions.models.function import MODELS
from shared.function import create_app

app = create_app(MODELS)
