"""What callers give to a model on wires, looked at before anything is driven."""

from __future__ import annotations

from cocotb.handle import ValueObjectBase


def require_count(name: str, value: object, least: int) -> None:
    """Refuse what is no number of things.

    Raises:
        TypeError: It is no int.
        ValueError: It is less than the least there can be.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}={value!r} is no int")
    if value < least:
        raise ValueError(f"{name}={value}: it must be at least {least}")


def require_wires(clock: object, reset: object, reset_active_level: object) -> None:
    """Refuse what is no clock and no reset of a bus.

    Raises:
        TypeError: The clock is no signal, the reset neither a signal nor None, or its level no
            bool.
    """
    if not isinstance(clock, ValueObjectBase):
        raise TypeError(f"clock={clock!r} is no signal")
    if reset is not None and not isinstance(reset, ValueObjectBase):
        raise TypeError(f"reset={reset!r} is no signal; where a bus has no reset, it is None")
    if reset_active_level not in (True, False):
        raise TypeError(f"reset_active_level={reset_active_level!r} is no bool")
