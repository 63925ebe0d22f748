"""The bill of materials of audit."""

from __future__ import annotations

from functions.audit.handler import list_audit
from shared.auth.authenticator import Authenticator
from shared.function import Function

AUDIT = Function(name="audit", handlers=[list_audit], opens=[Authenticator])
