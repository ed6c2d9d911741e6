"""What a driver finds out about a unit before it uses it (sections 11.4.1 to 11.4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings import codes
from vtd_plugin.software.pages import PAGE_1G, PAGE_2M, PAGE_4K

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities

_QUEUE_ONLY_VERSION: Final = 6
_ADDRESS_WIDTHS: Final = (1, 2, 3)
"""The values of AW in ascending order (section 9.3)."""


@dataclass(frozen=True, slots=True)
class ProbedUnit:
    """A unit as its driver is going to use it.

    Attributes:
        capabilities: What the unit says it can do.
        uses_queue: Whether invalidations go through the queue rather than through registers.
        wide_descriptors: Whether the queue has 256-bit descriptors, as all modes but legacy need.
        caching_mode: Whether the unit may cache what is not present, so that mapping needs
            invalidations too.
        scalable: Whether scalable mode can be enabled.
        device_tlbs: Whether devices may keep translations themselves, and be told to forget them.
        levels: Depths that second-stage tables may have, ascending.
        page_sizes: Sizes of second-stage pages in bytes, ascending.
        first_stage_levels: Depths that first-stage tables may have, ascending.
        first_stage_page_sizes: Sizes of first-stage pages in bytes, ascending.
        domain_ids: How many domain-ids there are, from 0 on.
        fault_records: How many faults the unit can record at a time.
    """

    capabilities: Capabilities
    uses_queue: bool
    wide_descriptors: bool
    caching_mode: bool
    scalable: bool
    device_tlbs: bool
    levels: tuple[int, ...]
    page_sizes: tuple[int, ...]
    first_stage_levels: tuple[int, ...]
    first_stage_page_sizes: tuple[int, ...]
    domain_ids: int
    fault_records: int

    @property
    def widest_aw(self) -> int:
        """AW of the largest address width, which pass-through entries demand (section 9.3).

        Raises:
            ValueError: The unit has no second stage.
        """
        if not self.levels:
            raise ValueError(f"the unit has no second stage: {self.capabilities.CAP!r}")
        return codes.aw_for(self.levels[-1])

    @property
    def version(self) -> str:
        """Architecture version that the unit implements, such as ``5.0``."""
        return f"{self.capabilities.VER.MAX}.{self.capabilities.VER.MIN}"


def probe(capabilities: Capabilities, use_queue: bool | None = None) -> ProbedUnit:
    """Decide how to use a unit.

    Args:
        capabilities: What the unit says it can do.
        use_queue: Whether to invalidate through the queue; None: wherever there is one.

    Raises:
        ValueError: The unit cannot be used the way that `use_queue` demands.
    """
    cap, ecap = capabilities.CAP, capabilities.ECAP
    uses_queue = bool(ecap.QI) if use_queue is None else use_queue
    if uses_queue and not ecap.QI:
        raise ValueError(f"the unit has no invalidation queue: ECAP is {ecap.value:#x}")
    if not uses_queue and capabilities.version_major >= _QUEUE_ONLY_VERSION:
        raise ValueError(f"only the queue invalidates from version 6 on: {capabilities.VER!r}")
    first_stage = bool(ecap.SMTS and ecap.FSTS)
    return ProbedUnit(
        capabilities=capabilities,
        uses_queue=uses_queue,
        wide_descriptors=uses_queue and bool(ecap.SMTS or ecap.ADMS),
        caching_mode=bool(cap.CM),
        scalable=uses_queue and bool(ecap.SMTS),
        device_tlbs=uses_queue and bool(ecap.DT),
        levels=_levels(capabilities),
        page_sizes=_page_sizes(
            large=capabilities.satisfies("CAP.SSLPS[0]"),
            huge=capabilities.satisfies("CAP.SSLPS[1]"),
        ),
        first_stage_levels=((4, 5) if cap.FS5LP else (4,)) if first_stage else (),
        first_stage_page_sizes=_page_sizes(large=True, huge=bool(cap.FS1GP)) if first_stage else (),
        domain_ids=1 << capabilities.domain_id_width,
        fault_records=cap.NFR + 1,
    )


def choose_depth(levels: int | None, supported: tuple[int, ...]) -> int:
    """The depth of a tree of tables.

    Args:
        levels: The one wanted; None: the last one supported.
        supported: The depths that there are.

    Raises:
        ValueError: It is not supported, or nothing is.
    """
    if levels is None and supported:
        return supported[-1]
    if levels not in supported:
        raise ValueError(f"{levels} levels are none of {supported} that the unit supports")
    return levels


def _levels(capabilities: Capabilities) -> tuple[int, ...]:
    widths = capabilities.supported_widths
    return tuple(codes.levels(aw) for aw in _ADDRESS_WIDTHS if codes.width_bits(aw) in widths)


def _page_sizes(*, large: bool, huge: bool) -> tuple[int, ...]:
    candidates = ((PAGE_4K, True), (PAGE_2M, large), (PAGE_1G, huge))
    return tuple(size for size, there in candidates if there)
