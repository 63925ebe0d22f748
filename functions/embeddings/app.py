"""Deploy embeddings alone: `uvicorn functions.embeddings.app:app`."""

from functions.embeddings.function import EMBEDDINGS
from shared.function import create_app

app = create_app(EMBEDDINGS)
