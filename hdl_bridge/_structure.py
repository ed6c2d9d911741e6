"""Whether an installed package is made the way the bridge knows it.

The bridge replaces parts of cocotbext-axi and cocotbext-pcie that those do not promise to keep.
"""

from __future__ import annotations

import importlib.metadata
from typing import Final

_MISSING: Final = object()


def require(package: str, tested_version: str, thing: object, *paths: str) -> None:
    """Refuse a release that has moved what is used or replaced.

    Args:
        package: The distribution that `thing` comes from.
        tested_version: The release whose insides the bridge knows.
        thing: What must have the attributes.
        *paths: Names of attributes, with those of their attributes after dots.

    Raises:
        RuntimeError: It lacks an attribute; the message names the release.
    """
    for path in paths:
        found = thing
        for name in path.split("."):
            found = getattr(found, name, _MISSING)
        if found is _MISSING:
            raise RuntimeError(
                f"{package} {importlib.metadata.version(package)} has no "
                f"{type(thing).__name__}.{path}, which the bridge needs; {tested_version} is known "
                "to work"
            )
