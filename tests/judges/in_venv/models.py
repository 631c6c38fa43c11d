"""Looks shapes up in botocore's models: a list of [service, shape] comes in, what the models say of each goes out.

`Shape.member` is a member of a structure. A shape that is not there comes out as null.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import NoShapeFoundError

SESSION = botocore.session.get_session()


def look_up(service: str, name: str) -> dict[str, Any] | None:
    """Type, enumeration, bounds, pattern and documentation of a shape."""
    structure, _, member = name.partition(".")
    try:
        shape = SESSION.get_service_model(service).shape_for(structure)
        shape = shape.members[member] if member else shape
    except (UnknownServiceError, NoShapeFoundError, KeyError):
        return None
    limits = {key: shape.metadata[key] for key in ("enum", "min", "max", "pattern") if key in shape.metadata}
    return {"type": shape.type_name, "documentation": shape.documentation, **limits}


if __name__ == "__main__":
    json.dump([look_up(*row) for row in json.load(sys.stdin)], sys.stdout)
