"""Lambda's entry to an HTTP function that does not stream: `shared.aws.http.handler`.

Reads SWITCHYARD_FUNCTION when imported: Lambda imports it once, before the first call, with more of
a processor than a call gets.
"""

from __future__ import annotations

from shared.aws.function_of import function_name
from shared.aws.http_entry import HttpEntry
from shared.folders import module_of

handler = HttpEntry(module_of(function_name(), "app").app)
