"""The signals of a Wishbone interface, and how they are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hdl_bridge._arguments import require_count, require_wires


@dataclass(frozen=True, slots=True)
class WishboneBus:
    """The signals of a Wishbone interface; what it does not have is None.

    Attributes:
        cyc: A bus cycle is under way.
        stb: It has a request.
        we: It writes.
        adr: Its address.
        dat_w: What the master writes.
        dat_r: What the master reads.
        ack: It is answered.
        sel: Which bytes of the data it means; without it, all of them.
        err: It is answered with an error; without it, errors are answered as if all was well.
        rty: It is answered with the wish that it be tried again.
        stall: It is not taken in this clock cycle. A bus that has it is in pipelined mode; one
            without it does classic cycles.
        cti: What kind of cycle it is: 0 for a classic one.
        bte: How the addresses of a burst go on.
    """

    cyc: Any
    stb: Any
    we: Any
    adr: Any
    dat_w: Any
    dat_r: Any
    ack: Any
    sel: Any = None
    err: Any = None
    rty: Any = None
    stall: Any = None
    cti: Any = None
    bte: Any = None

    @classmethod
    def from_prefix(cls, dut: Any, prefix: str) -> WishboneBus:
        """Find the signals of a master that has the names of the standard, such as ``wb_cyc_o``.

        Args:
            dut: The module that has them.
            prefix: What stands before ``_cyc_o``.

        Raises:
            AttributeError: One that every master has is not there.
        """
        return cls._find(dut, prefix, "o", "i")

    @classmethod
    def from_slave_prefix(cls, dut: Any, prefix: str) -> WishboneBus:
        """Find the signals of a slave that has the names of the standard, such as ``wb_cyc_i``.

        Args:
            dut: The module that has them.
            prefix: What stands before ``_cyc_i``.

        Raises:
            AttributeError: One that every slave has is not there.
        """
        return cls._find(dut, prefix, "i", "o")

    @classmethod
    def _find(cls, dut: Any, prefix: str, asks: str, answers: str) -> WishboneBus:
        """Find signals by the letters that those of a master and those of a slave end in."""
        needed = {name: f"{prefix}_{name}_{asks}" for name in ("cyc", "stb", "we", "adr")}
        needed["dat_w"] = f"{prefix}_dat_{asks}"
        needed["dat_r"] = f"{prefix}_dat_{answers}"
        needed["ack"] = f"{prefix}_ack_{answers}"
        others = {name: f"{prefix}_{name}_{asks}" for name in ("sel", "cti", "bte")}
        others |= {name: f"{prefix}_{name}_{answers}" for name in ("err", "rty", "stall")}
        return cls(
            **{name: getattr(dut, signal) for name, signal in needed.items()},
            **{name: getattr(dut, signal, None) for name, signal in others.items()},
        )


def require_bus(bus: object, clock: object, reset: object, reset_active_level: object) -> None:
    """Refuse what is no Wishbone bus with its clock and its reset.

    Raises:
        TypeError: One of them is something else.
    """
    if not isinstance(bus, WishboneBus):
        raise TypeError(f"{bus!r} is no WishboneBus")
    require_wires(clock, reset, reset_active_level)


def bytes_of(bus: WishboneBus, address_unit: int) -> int:
    """The bytes of a bus word.

    Args:
        bus: The bus.
        address_unit: Bytes by which its addresses are to count.

    Raises:
        TypeError: `address_unit` is no int.
        ValueError: Addresses that count so cannot tell its words apart.
    """
    require_count("address_unit", address_unit, 1)
    size = len(bus.dat_w) // 8
    if size % address_unit:
        raise ValueError(f"address_unit={address_unit}: addresses count a part of {size} bytes")
    return size
