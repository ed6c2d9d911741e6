"""PASID directory and PASID tables of one device (sections 3.4.3, 9.5 and 9.6).

PASID tables are made when they are first needed, and stay. Telling the unit about a change is not
done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.structures import PasidDirectoryEntry, PasidTableEntry
from vtd_plugin.software.cpu import read_entry, write_entry
from vtd_plugin.software.frames import FRAME_BYTES

if TYPE_CHECKING:
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator

_PASIDS_PER_TABLE: Final = 64
_DIRECTORY_ENTRY_BYTES: Final = PasidDirectoryEntry.BITS // 8
_TABLE_ENTRY_BYTES: Final = PasidTableEntry.BITS // 8
_SMALLEST_DIRECTORY: Final = 128
_MAX_PDTS: Final = 7


def require_pasid(pasid: object) -> None:
    """Refuse what is no number; TypeError. Whether a device has the PASID is another matter."""
    if isinstance(pasid, bool) or not isinstance(pasid, int):
        raise TypeError(f"PASID {pasid!r} is no int")


class PasidTables:
    """A PASID directory with its tables.

    Args:
        cpu: The processor to write the tables with.
        frames: Where tables come from.
        pdts: Size of the directory as the context entry says it: 2^(pdts+7) entries, for
            2^(pdts+13) PASIDs; 0 to 7.

    Attributes:
        directory: Physical address of the directory.
        pdts: Size of the directory.

    Raises:
        ValueError: `pdts` is out of range.
        MemoryError: No frames are left.
    """

    __slots__ = ("_cpu", "_directory_frames", "_frames", "_tables", "directory", "pdts")

    def __init__(self, cpu: Cpu, frames: FrameAllocator, pdts: int = 0) -> None:
        if not 0 <= pdts <= _MAX_PDTS:
            raise ValueError(f"PDTS {pdts:#x} is not within 0 to {_MAX_PDTS}")
        self._cpu = cpu
        self._frames = frames
        self.pdts = pdts
        size = (_SMALLEST_DIRECTORY << pdts) * _DIRECTORY_ENTRY_BYTES
        self._directory_frames = -(-size // FRAME_BYTES)
        self._tables: list[int] = []
        self.directory = frames.allocate(self._directory_frames)
        cpu.write(self.directory, bytes(size))

    @property
    def pasid_limit(self) -> int:
        """The first PASID beyond what the directory covers."""
        return (_SMALLEST_DIRECTORY << self.pdts) * _PASIDS_PER_TABLE

    def directory_entry_address(self, pasid: int) -> int:
        """Physical address of the directory entry of a PASID.

        Args:
            pasid: 20 bits, below `pasid_limit`.

        Raises:
            ValueError: The directory does not cover the PASID.
        """
        if not 0 <= pasid < self.pasid_limit:
            raise ValueError(f"PASID {pasid:#x} is not within 0 to {self.pasid_limit - 1:#x}")
        return self.directory + pasid // _PASIDS_PER_TABLE * _DIRECTORY_ENTRY_BYTES

    def read_directory_entry(self, pasid: int) -> PasidDirectoryEntry:
        """The directory entry of a PASID.

        Args:
            pasid: 20 bits, below `pasid_limit`.

        Raises:
            ValueError: The directory does not cover the PASID.
        """
        return read_entry(self._cpu, self.directory_entry_address(pasid), PasidDirectoryEntry)

    def write_directory_entry(self, pasid: int, value: int) -> None:
        """Write any bits as the directory entry of a PASID, legal or not.

        Args:
            pasid: 20 bits, below `pasid_limit`.
            value: The bits of the entry.

        Raises:
            ValueError: The directory does not cover the PASID, or `value` is wider than the entry.
        """
        write_entry(self._cpu, self.directory_entry_address(pasid), PasidDirectoryEntry, value)

    def entry_address(self, pasid: int) -> int | None:
        """Physical address of the table entry of a PASID; None where no table holds it.

        Args:
            pasid: 20 bits, below `pasid_limit`.

        Raises:
            ValueError: The directory does not cover the PASID.
        """
        directory_entry = self.read_directory_entry(pasid)
        if not directory_entry.P:
            return None
        return directory_entry.SMPTBLPTR_address + pasid % _PASIDS_PER_TABLE * _TABLE_ENTRY_BYTES

    def read_entry(self, pasid: int) -> PasidTableEntry:
        """The table entry of a PASID, all zero where no table holds it.

        Args:
            pasid: 20 bits, below `pasid_limit`.

        Raises:
            ValueError: The directory does not cover the PASID.
        """
        address = self.entry_address(pasid)
        if address is None:
            return PasidTableEntry(0)
        return read_entry(self._cpu, address, PasidTableEntry)

    def write_entry(self, pasid: int, value: int) -> None:
        """Write any bits as the table entry of a PASID, legal or not.

        The table and the directory entry are made as needed.

        Args:
            pasid: 20 bits, below `pasid_limit`.
            value: The bits of the entry.

        Raises:
            ValueError: The directory does not cover the PASID, or `value` is wider than the entry.
            MemoryError: No frame is left.
        """
        address = self.entry_address(pasid)
        if address is None:
            table = self._frames.allocate()
            self._tables.append(table)
            self._cpu.write(table, bytes(FRAME_BYTES))
            pointer = PasidDirectoryEntry.pack(P=1, SMPTBLPTR_address=table)
            self.write_directory_entry(pasid, pointer)
            address = table + pasid % _PASIDS_PER_TABLE * _TABLE_ENTRY_BYTES
        write_entry(self._cpu, address, PasidTableEntry, value)

    def free_all(self) -> None:
        """Give back every table: the end of them, after the unit has stopped using them."""
        for table in self._tables:
            self._frames.free(table)
        self._tables.clear()
        self._frames.free(self.directory, self._directory_frames)
