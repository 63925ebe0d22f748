"""llm, the command: a model of its extra-openai-models.yaml."""

import os
import subprocess
import sys
from pathlib import Path

from check import TOKEN, URL, passed

home = Path(os.environ["HOME"])
(home / "extra-openai-models.yaml").write_text(
    f"- model_id: balanced\n  model_name: balanced\n  api_base: {URL}/v1\n"
    "  api_key_name: switchyard\n"
)
environment = {**os.environ, "LLM_USER_PATH": str(home)}
llm = str(Path(sys.executable).with_name("llm"))
for more in ([], ["--no-stream"]):
    command = [llm, "-m", "balanced", "--key", TOKEN, *more, "Hello"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Hello" in said.stdout, said
    passed("whole" if more else "stream")
