"""Whether the installed cocotbext-pcie is made the way the bridge knows it."""

from __future__ import annotations

import importlib.metadata
from typing import Final

from cocotbext.pcie.core import RootComplex

TESTED_VERSION: Final = "0.2.16"
"""The release whose insides the bridge knows."""

_MISSING: Final = object()


def require_root_complex(root_complex: object, *paths: str) -> None:
    """Refuse what is no root complex, or one that lacks attributes.

    Args:
        root_complex: The root complex.
        *paths: Names of attributes, with those of their attributes after dots.

    Raises:
        TypeError: It is no root complex of cocotbext-pcie.
        RuntimeError: It lacks an attribute.
    """
    if not isinstance(root_complex, RootComplex):
        raise TypeError(f"{root_complex!r} is no RootComplex of cocotbext-pcie")
    require(root_complex, *paths)


def require(thing: object, *paths: str) -> None:
    """Refuse a release that has moved what is used or replaced; see `require_root_complex`.

    Raises:
        RuntimeError: It lacks an attribute; the message names the release.
    """
    for path in paths:
        found = thing
        for name in path.split("."):
            found = getattr(found, name, _MISSING)
        if found is _MISSING:
            installed = importlib.metadata.version("cocotbext-pcie")
            raise RuntimeError(
                f"cocotbext-pcie {installed} has no {type(thing).__name__}.{path}, which the "
                f"bridge needs; {TESTED_VERSION} is known to work"
            )
