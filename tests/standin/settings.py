"""What a test tells the stand-in: environment variables, since an engine starts it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

STATE = "LLMPLATFORM_STANDIN_STATE"
"""Folder of what is made, and of the journal."""
ACCOUNT = "LLMPLATFORM_STANDIN_ACCOUNT"
"""The account that the credentials would be of."""
ENDPOINT = "LLMPLATFORM_STANDIN_ENDPOINT"
"""Address of the API server that every EKS cluster has."""
CA = "LLMPLATFORM_STANDIN_CA"
"""Its authority, in base64, as EKS gives it."""
TOKEN = "LLMPLATFORM_STANDIN_TOKEN"
"""What `aws eks get-token` answers."""
DELAY = "LLMPLATFORM_STANDIN_DELAY"
"""Seconds that each create, update and delete takes."""
LAX = "LLMPLATFORM_STANDIN_LAX"
"""Not empty: deletes also what something else still refers to."""
FAILS = "LLMPLATFORM_STANDIN_FAILS"
"""Logical name of a resource that AWS will not make, as with a quota that is used up."""
NO_ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Settings:
    """One provider's world."""

    state: Path
    account: str = NO_ACCOUNT
    endpoint: str = "https://127.0.0.1:9"
    ca: str = ""
    delay: float = 0.0
    strict: bool = True
    fails: str = ""

    @classmethod
    def from_environment(cls) -> Settings:
        """As a test has set it."""
        get = os.environ.get
        return cls(
            state=Path(os.environ[STATE]),
            account=get(ACCOUNT, NO_ACCOUNT),
            endpoint=get(ENDPOINT, cls.endpoint),
            ca=get(CA, ""),
            delay=float(get(DELAY, "0")),
            strict=not get(LAX),
            fails=get(FAILS, ""),
        )
