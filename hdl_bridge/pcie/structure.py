"""Whether the installed cocotbext-pcie is made the way the bridge knows it."""

from __future__ import annotations

from typing import Final

from cocotbext.pcie.core import RootComplex

from hdl_bridge import _structure
from vtd_plugin.bus import Platform

TESTED_VERSION: Final = "0.2.16"
"""The release whose insides the bridge knows."""


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


def require_platform(platform: object) -> None:
    """Refuse what is no platform, such as a requester port: requests bring their requester id.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(platform, Platform):
        raise TypeError(f"{platform!r} is no Platform")


def require(thing: object, *paths: str) -> None:
    """Refuse a release that has moved what is used or replaced; see `require_root_complex`.

    Raises:
        RuntimeError: It lacks an attribute; the message names the release.
    """
    _structure.require("cocotbext-pcie", TESTED_VERSION, thing, *paths)
