"""Units to draw: capability registers of every kind that changes what a translation comes to."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

from hypothesis import strategies as st

from tests.reference.capabilities import Caps
from vtd_plugin.iommu.config import CacheSizes, Replacement

T = TypeVar("T")


class Draw(Protocol):
    """Draws from strategies: what composite strategies get, and `st.DataObject.draw`."""

    def __call__(self, strategy: st.SearchStrategy[T]) -> T:
        """Draw one value."""


FAULT_RECORDS: Final = 0x400
"""Where the units drawn here have their fault recording registers."""
RECORDS: Final = 4
INVALIDATE_ADDRESS: Final = 0x500

_FIXED_CAP: Final = (
    (FAULT_RECORDS // 16) << 24 | (RECORDS - 1) << 40 | 1 << 39 | 18 << 48 | 0b11 << 54 | 1 << 63
)
"""FRO, NFR, PSI, MAMV, DWD, DRD, ESRTPS."""
_FIXED_ECAP: Final = (INVALIDATE_ADDRESS // 16) << 8 | 1 << 1 | 1
"""IRO, QI, C."""


def weighted(*choices: tuple[T, int]) -> st.SearchStrategy[T]:
    """One of the choices, as often as its weight says; the first is what shrinking ends at."""
    return st.sampled_from([choice for choice, weight in choices for _ in range(weight)])


mostly: Final = weighted((True, 15), (False, 1))
seldom: Final = weighted((False, 7), (True, 1))


@st.composite
def legacy_units(draw: st.DrawFn) -> Caps:
    """Units of every paging depth, page size and width, without scalable mode."""
    cap = _FIXED_CAP | _paging(draw)
    device_tlb = draw(mostly)
    ecap = _FIXED_ECAP | device_tlb << 2 | draw(mostly) << 6 | draw(mostly) << 7
    ecap |= (device_tlb and draw(st.booleans())) << 33
    ecap |= draw(seldom) << 52
    return Caps(draw(st.sampled_from([0x10, 0x50])), cap, ecap, draw(_widths))


@st.composite
def scalable_units(draw: st.DrawFn) -> Caps:
    """Units with scalable mode and mostly everything that belongs to it."""
    cap = _FIXED_CAP | _paging(draw)
    has = dict.fromkeys(_SCALABLE_BITS, False)
    for name, needs in _NEEDS.items():
        has[name] = all(has[need] for need in needs) and draw(mostly)
    cap |= (has["FSTS"] and draw(mostly)) << 56 | (has["FSTS"] and draw(mostly)) << 60
    ecap = _FIXED_ECAP | 1 << 43 | draw(st.sampled_from([19, 9, 7])) << 35
    for name, bit in _SCALABLE_BITS.items():
        ecap |= has[name] << bit
    version = draw(st.sampled_from([0x50, 0x30, 0x80]))
    return Caps(version, cap, ecap, draw(_widths))


_cache_sizes: Final = st.one_of(
    st.just(CacheSizes()),
    st.just(CacheSizes(0, 0, 0, 0, 0)),
    st.just(CacheSizes(1, 1, 1, 1, 1)),
    st.builds(CacheSizes, *(st.sampled_from([0, 1, 2, 8]) for _ in range(5))),
)
caches: Final = st.tuples(_cache_sizes, st.sampled_from(Replacement))
"""Sizes of the caches and how they make room."""

_widths: Final = weighted((48, 4), (39, 1), (46, 1), (52, 1))


def _paging(draw: Draw) -> int:
    """ND, CM, SAGAW, MGAW, ZLR, SSLPS."""
    domain_bits = draw(st.sampled_from([6, 2, 0]))
    widths = draw(weighted((0b1110, 4), (0b0110, 2), (0b0010, 1), (0b0100, 1), (0b1000, 1)))
    guest_width = draw(weighted((56, 3), (47, 3), (38, 1), (45, 1)))
    page_sizes = draw(weighted((0b11, 6), (0b01, 1), (0b00, 1)))
    cap = domain_bits | draw(seldom) << 7 | widths << 8 | guest_width << 16
    return cap | draw(mostly) << 22 | page_sizes << 34


_SCALABLE_BITS: Final = {
    "DT": 2,
    "PT": 6,
    "SC": 7,
    "MTS": 25,
    "NEST": 26,
    "PRS": 29,
    "SRS": 31,
    "NWFS": 33,
    "EAFS": 34,
    "PASID": 40,
    "SSADS": 45,
    "SSTS": 46,
    "FSTS": 47,
    "SMPWCS": 48,
    "RPS": 49,
    "ADMS": 52,
    "RPRIVS": 53,
    "PTRS": 56,
    "SSIRWS": 57,
}
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "DT": (),
    "PT": (),
    "SC": (),
    "MTS": (),
    "SRS": (),
    "PASID": (),
    "SSTS": (),
    "FSTS": (),
    "SMPWCS": (),
    "RPS": (),
    "ADMS": (),
    "NEST": ("FSTS", "SSTS"),
    "PRS": ("DT",),
    "NWFS": ("DT",),
    "EAFS": ("FSTS", "SMPWCS"),
    "SSADS": ("SMPWCS",),
    "RPRIVS": ("SRS",),
    "PTRS": ("DT", "PASID"),
    "SSIRWS": ("SSTS",),
}
"""What each capability needs (11.4.3), needed ones first."""
