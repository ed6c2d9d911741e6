"""What is done for a request of PCIe that has begun: bytes move, and completions are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hdl_bridge.pcie.completion import (
    Cut,
    data_completion,
    read_completions,
    refusal,
    translation_completion,
)
from hdl_bridge.pcie.request import Kind, atomic, kind_of, span, written
from vtd_plugin.bus import Answer, RequestKind, Transfer
from vtd_plugin.bus.atomics import outcome

if TYPE_CHECKING:
    from collections.abc import Iterable


def elsewhere(transfer: Transfer) -> int | None:
    """Where a request goes that was translated to where the platform has nothing."""
    if transfer.answer is not Answer.UR or transfer.faults or not transfer.translations:
        return None
    if transfer.attributes.kind is RequestKind.ATOMIC:
        return None  # cocotbext-pcie cannot route it
    _, _, translation = transfer.translations[0]
    return translation.address(transfer.iova)


def carry_out(tlp: Any, transfer: Transfer, cut: Cut) -> Iterable[Any]:
    """Move the bytes of a request.

    Args:
        tlp: The request.
        transfer: What it has begun; not aborted.
        cut: How the data of a read are cut.

    Returns:
        What completes it; nothing for a write.
    """
    kind = kind_of(tlp)
    if kind is Kind.TRANSLATION:
        return (translation_completion(tlp, transfer),)
    if kind is Kind.WRITE:
        for offset, data in written(tlp):
            transfer.write(offset, data)
        return ()
    if not transfer.ok:
        return (refusal(tlp, transfer.answer),)
    if kind is Kind.ATOMIC:
        return (data_completion(tlp, _modify(tlp, transfer)),)
    found = bytearray(transfer.size)
    for offset, size in span(tlp).runs:
        found[offset : offset + size] = transfer.read(offset, size)
    return read_completions(tlp, bytes(found), cut)


def _modify(tlp: Any, transfer: Transfer) -> bytes:
    """Do an atomic; the old value."""
    wanted = atomic(tlp)
    before = 0

    def change(old: int) -> int:
        nonlocal before
        before = old
        return outcome(old, wanted.operand, wanted.operation, wanted.compare, wanted.size)

    transfer.modify(change)
    return before.to_bytes(wanted.size, "little")
