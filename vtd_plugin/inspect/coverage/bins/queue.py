"""The invalidation queue beside its invalidations: waits, and errors that stop it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.inspect.coverage.model import Axis, Covergroup, needs


class Completion(StrEnum):
    """How a wait tells software that it is over (§6.5.2.9)."""

    STATUS = "status write"
    INTERRUPT = "interrupt"
    BOTH = "status write and interrupt"
    NEITHER = "nothing"


class Fence(StrEnum):
    """Whether a wait holds back what comes after it."""

    WITHOUT = "no fence"
    WITH = "fence"


class Drain(StrEnum):
    """Whether a wait had to wait for transfers in flight."""

    NOTHING = "nothing to drain"
    TRANSFERS = "drains transfers"


class Waits(StrEnum):
    """Whether waits that the queue came to before were still waiting."""

    NONE = "no wait pending"
    PENDING = "wait pending"


WAITS: Final = Covergroup(
    "waits",
    (Axis.of("completion", Completion), Axis.of("fence", Fence), Axis.of("drain", Drain)),
    requirements=(needs("ECAP.QI", completion=Completion),),
)

QUEUE_ERRORS: Final = Covergroup(
    "queue_errors",
    (
        # Without information only older hardware leaves software.
        Axis("error", tuple(error.name for error in QueueError if error)),
        Axis.of("waits", Waits),
    ),
    requirements=(
        needs("ECAP.QI", waits=Waits),
        needs("ECAP.SMTS|ECAP.ADMS", error=(QueueError.TAIL_MISALIGNED.name,)),
    ),
)
