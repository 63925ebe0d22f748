"""Which function a Lambda is: SWITCHYARD_FUNCTION, since the entry points are the same for all."""

from __future__ import annotations

from shared.settings import FunctionSettings, SettingsInvalid, load_settings


def function_name() -> str:
    """Raises SettingsInvalid where it is not set."""
    name = load_settings(FunctionSettings)[FunctionSettings].name
    if name is None:
        raise SettingsInvalid(
            "SWITCHYARD_FUNCTION is not set, for example SWITCHYARD_FUNCTION=models"
        )
    return name
