"""`python -m tests.standin <engine address>`: the provider plugin; `python -m tests.standin aws eks get-token ...`."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version

if sys.argv[1:2] == ["aws"]:
    from tests.standin.cli import main as cli

    sys.exit(cli(sys.argv[2:]))

from tests.standin.provider import StandIn
from tests.standin.server import serve
from tests.standin.settings import Settings

engine = next(argument for argument in sys.argv[1:] if not argument.startswith("-"))
asyncio.run(serve(StandIn(Settings.from_environment()), version("pulumi_aws"), engine))
