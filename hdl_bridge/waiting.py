"""Software that waits for RTL: blocking calls in a cocotb test, while simulated time goes on.

A driver polls, and its calls return when what they asked for is done. `cocotb.task.bridge` gives
such a call a thread, and lets the simulator run while that waits:
``await bridge(domain.unmap)(0x8000_0000, 0x1000)``. Here is what it waits with between two polls.
"""

from __future__ import annotations

from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from cocotb.task import resume
from cocotb.triggers import Trigger, Waitable

if TYPE_CHECKING:
    from collections.abc import Callable


def until(trigger: Trigger | Waitable[Any]) -> Callable[[], None]:
    """Make what software calls to wait: ``Driver(..., wait=until(RisingEdge(dut.clk)))``.

    What is returned raises RuntimeError when it is called by a coroutine itself: nothing else runs
    before that awaits, so that software would wait for ever.

    Args:
        trigger: What each call waits for; it must be one that can fire again and again.

    Returns:
        A function that blocks until the trigger fires, within `cocotb.task.bridge`.

    Raises:
        TypeError: This is no trigger.
    """
    if not isinstance(trigger, Trigger | Waitable):
        raise TypeError(f"{trigger!r} is no trigger, such as RisingEdge(dut.clk)")

    async def fired() -> None:
        await trigger

    block = resume(fired)

    def wait() -> None:
        if _in_coroutine():
            raise RuntimeError(
                "software has to wait, and no simulated time passes while a coroutine calls it: "
                "write `await bridge(call)(arguments)` for `call(arguments)`, "
                "with `from cocotb.task import bridge`"
            )
        block()

    return wait


def _in_coroutine() -> bool:
    """Whether this is the thread of the simulator; a bridged call has one of its own."""
    return current_thread() is main_thread()
