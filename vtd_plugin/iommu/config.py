"""What a unit is: its capability registers, the platform's width, and the size of its caches.

Everything software can discover comes from the version, capability and extended capability
registers (§11.4.1 to §11.4.3), so a configuration *is* those three values; the keywords of
`VtdConfig` are the architecture's names of their fields. What software cannot discover (cache sizes
and replacement, merging of fault records) stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from vtd_plugin.bus.words import Word
from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.registers import CAP, ECAP, FRCD
from vtd_plugin.iommu.registers import WINDOW, placed_registers

_DEFAULTS: Final = {
    "ND": 6,
    "SAGAW": 0b0110,
    "MGAW": 47,
    "ZLR": 1,
    "FRO": 0x40,
    "SSLPS": 0b11,
    "PSI": 1,
    "NFR": 7,
    "MAMV": 18,
    "DRD": 1,
    "DWD": 1,
    "ESRTPS": 1,
    "ESIRTPS": 1,
    "C": 1,
    "QI": 1,
    "PT": 1,
    "SC": 1,
    "IRO": 0x50,
}


class Replacement(Word):
    """How a full cache chooses the entry that makes room."""

    LRU = "lru"
    FIFO = "fifo"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class CacheSizes:
    """Entries of each translation cache; 0 leaves the cache out (§6.2).

    Attributes:
        context: Context cache.
        pasid: PASID cache.
        paging_structure: Paging-structure caches, for first and second stage each.
        iotlb: IOTLB.
        interrupt_entry: Interrupt entry cache.
    """

    context: int = 256
    pasid: int = 256
    paging_structure: int = 512
    iotlb: int = 4096
    interrupt_entry: int = 256


class VtdConfig:
    """One remapping unit, described.

    Args:
        version: The version register, major in bits 7:4, minor in bits 3:0 (§11.4.1). The major
            version gates behaviour: 6 and above have no register-based invalidation.
        host_address_width: Physical address bits of the platform (HAW), 32 to 52. Address bits
            above it are reserved in every structure.
        cache_sizes: Entries of each cache.
        replacement: How full caches make room. FIFO looks up fastest: a hit changes nothing.
        seed: Seed of `Replacement.RANDOM`.
        merge_faults: Drop a fault of a source that has a pending record already (§7.2.1).
        capabilities: Fields of CAP and ECAP by their architectural names, such as ``CM=1``,
            ``NFR=0``, ``SAGAW=0b1110``. What is not given has the value of a small current unit:
            3- and 4-level second-stage tables, all page sizes, queued invalidation, pass-through.

    Raises:
        TypeError: A name that neither CAP nor ECAP has, or sizes that are no `CacheSizes`.
        ValueError: A value that does not fit its field, or capabilities that contradict each other.
    """

    __slots__ = ("cache_sizes", "capabilities", "merge_faults", "replacement", "seed")

    def __init__(
        self,
        *,
        version: int = 0x50,
        host_address_width: int = 48,
        cache_sizes: CacheSizes | None = None,
        replacement: Replacement | str = Replacement.FIFO,
        seed: int = 0,
        merge_faults: bool = False,
        **capabilities: int,
    ) -> None:
        fields = _DEFAULTS | capabilities
        for name in capabilities:
            if name not in CAP.FIELDS and name not in ECAP.FIELDS:
                known = [*CAP.FIELDS, *ECAP.FIELDS]
                near = ", ".join(get_close_matches(name, known)) or "the fields of CAP and ECAP"
                raise TypeError(f"no capability is named {name!r}; did you mean {near}?")
        cap = CAP.pack(**{name: value for name, value in fields.items() if name in CAP.FIELDS})
        ecap = ECAP.pack(**{name: value for name, value in fields.items() if name in ECAP.FIELDS})
        self._set(
            Capabilities(version, cap, ecap, host_address_width),
            cache_sizes or CacheSizes(),
            Replacement(replacement),
            seed,
            merge_faults,
        )
        _check_dependencies(self.capabilities)

    @classmethod
    def from_registers(
        cls,
        version: int,
        cap: int,
        ecap: int,
        *,
        host_address_width: int = 48,
        cache_sizes: CacheSizes | None = None,
        replacement: Replacement | str = Replacement.FIFO,
        seed: int = 0,
        merge_faults: bool = False,
    ) -> VtdConfig:
        """Clone a machine from the register values its operating system shows.

        The values are taken as they are, also where they claim what the architecture would not
        combine: the machine exists. Only what no unit could work with is refused.

        Args:
            version: VER, 32 bits (§11.4.1).
            cap: CAP, 64 bits (§11.4.2).
            ecap: ECAP, 64 bits (§11.4.3).
            host_address_width: Physical address bits of the platform.
            cache_sizes: Entries of each cache.
            replacement: How full caches make room. FIFO looks up fastest: a hit changes nothing.
            seed: Seed of `Replacement.RANDOM`.
            merge_faults: Drop a fault of a source that has a pending record already.

        Raises:
            TypeError: Sizes that are no `CacheSizes`.
            ValueError: A value wider than its register, or register sets that overlap.
        """
        config = cls.__new__(cls)
        config._set(  # noqa: SLF001 - its own class, made without its constructor
            Capabilities(version, cap, ecap, host_address_width),
            cache_sizes or CacheSizes(),
            Replacement(replacement),
            seed,
            merge_faults,
        )
        return config

    def _set(
        self,
        capabilities: Capabilities,
        cache_sizes: CacheSizes,
        replacement: Replacement,
        seed: int,
        merge_faults: bool,
    ) -> None:
        _check_values(capabilities)
        if not isinstance(cache_sizes, CacheSizes):
            raise TypeError(f"cache_sizes is {cache_sizes!r}; give CacheSizes(iotlb=..., ...)")
        self.capabilities = capabilities
        self.cache_sizes = cache_sizes
        self.replacement = replacement
        self.seed = seed
        self.merge_faults = merge_faults

    def __repr__(self) -> str:
        caps = self.capabilities
        return (
            f"VtdConfig.from_registers({caps.version:#x}, {caps.cap:#x}, {caps.ecap:#x}, "
            f"host_address_width={caps.haw})"
        )


def _check_values(caps: Capabilities) -> None:
    if caps.version > 0xFF:
        raise ValueError(f"VER is {caps.version:#x}; it must fit in 8 bits")
    if caps.CAP.ND == 7:
        raise ValueError("CAP.ND is 0x7, which is reserved; allowed are 0 to 6")
    if caps.CAP.SSLPS == 2 or caps.CAP.SSLPS > 3:
        raise ValueError(
            f"CAP.SSLPS is {caps.CAP.SSLPS:#x}; allowed are 0, 1 (2 MiB), 3 (and 1 GiB)"
        )
    if caps.CAP.SAGAW & 0b10001:
        raise ValueError(f"CAP.SAGAW is {caps.CAP.SAGAW:#07b}; bits 0 and 4 are reserved")
    _check_placement(caps)


def _check_placement(caps: Capabilities) -> None:
    """The fault and IOTLB registers may lie in any free place of the register set (§11.4)."""
    taken: dict[int, str] = {}
    for register, index, first in placed_registers(caps):
        name = f"FRCD[{index}]" if register is FRCD else register.NAME
        last = first + register.BITS // 8
        keyword = "FRO" if register is FRCD else "IRO"
        if last > WINDOW:
            raise ValueError(
                f"{name} would end at {last:#x}, past the {WINDOW:#x} bytes of the register set; "
                f"choose a smaller {keyword}"
            )
        for byte in range(first, last):
            if byte in taken:
                raise ValueError(
                    f"{name} at {first:#x} overlaps {taken[byte]}; choose another {keyword}"
                )
            taken[byte] = name


def _check_dependencies(caps: Capabilities) -> None:
    """A capability may need others; the register tables say which (§11.4.2, §11.4.3)."""
    for layout, value in ((CAP, caps.cap), (ECAP, caps.ecap)):
        view = layout(value)
        for field in layout.FIELDS.values():
            value_of = getattr(view, field.name)
            if field.requires and value_of and not caps.satisfies(field.requires):
                raise ValueError(
                    f"{layout.NAME}.{field.name} is {value_of:#x} but what it needs, "
                    f"{field.requires}, is not there"
                )
    if caps.ECAP.SMTS and caps.CAP.RWBF:
        raise ValueError("CAP.RWBF is 1 but must be 0 where ECAP.SMTS is 1")
