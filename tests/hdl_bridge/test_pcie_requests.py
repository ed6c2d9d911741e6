"""What requests ask for and how they are completed, without a simulator."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from cocotbext.pcie.core.tlp import Tlp, TlpAt, TlpType

from hdl_bridge.pcie import completion as pcie_completion
from hdl_bridge.pcie import request as pcie_request
from hdl_bridge.pcie import rules as pcie_rules
from vtd_plugin.bus import Answer, AtomicOperation, Platform, Translation

if TYPE_CHECKING:
    from vtd_plugin.bus.testing import FakeUnit


def read(address: int, dwords: int, first: int = 0xF, last: int = 0xF) -> Any:
    tlp = Tlp()
    tlp.fmt_type = TlpType.MEM_READ
    tlp.address, tlp.length = address, dwords
    tlp.first_be, tlp.last_be = first, last if dwords > 1 else 0
    return tlp


@pytest.mark.parametrize("dwords", [1, 2, 5])
@pytest.mark.parametrize("first", range(16))
@pytest.mark.parametrize("last", range(16))
def test_a_span_is_what_the_byte_enables_select(dwords: int, first: int, last: int) -> None:
    if dwords == 1 and last:
        last = 0
    lanes = [byte for byte in range(4) if first >> byte & 1]
    if dwords > 1:
        lanes += range(4, 4 * dwords - 4)
        lanes += [4 * dwords - 4 + byte for byte in range(4) if last >> byte & 1]
    span = pcie_request.span(read(0x1000, dwords, first, last))
    selected = [span.address - 0x1000 + at + byte for at, size in span.runs for byte in range(size)]
    assert selected == lanes
    assert span.size == (lanes[-1] - lanes[0] + 1 if lanes else 0)
    assert span.byte_count == max(span.size, 1)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("every_boundary", [False, True])
def test_completions_are_whole_in_order_and_end_on_boundaries(
    seed: int, every_boundary: bool
) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        payload, boundary = 128 << rng.randrange(4), rng.choice([64, 128])
        start = rng.randrange(0x1000)
        size = rng.randrange(1, 0x1001 - start)
        tlp = Tlp()
        tlp.fmt_type = TlpType.MEM_READ
        tlp.set_addr_be(0x7000 + start, size)
        data = rng.randbytes(size)
        completions = list(
            pcie_completion.read_completions(
                tlp, data, pcie_completion.Cut(payload, boundary, every_boundary)
            )
        )
        received = b""
        for completion in completions:
            assert completion.check()
            assert len(completion.data) <= payload
            assert completion.byte_count == size - len(received)
            assert completion.lower_address == (start + len(received)) & 0x7F
            skipped = completion.lower_address & 3
            received += bytes(completion.data)[skipped : skipped + completion.byte_count]
            at_end = len(received) == size
            assert at_end or (start + len(received)) % boundary == 0
        assert received == data
        boundaries = -(-(start + size) // boundary) - start // boundary
        fewest = -(-(start % 4 + size) // payload)
        assert len(completions) in ([boundaries] if every_boundary else [fewest, fewest + 1])


@pytest.mark.parametrize(
    ("address", "fmt_type", "expected"),
    [
        (0x2003, TlpType.MEM_READ_64, (TlpType.MEM_READ, 0x2000)),
        (0x1_0000_2000, TlpType.MEM_READ, (TlpType.MEM_READ_64, 0x1_0000_2000)),
        (0xFFFF_FFFC, TlpType.MEM_WRITE_64, (TlpType.MEM_WRITE, 0xFFFF_FFFC)),
        (0x1_0000_0000, TlpType.MEM_WRITE_64, (TlpType.MEM_WRITE_64, 0x1_0000_0000)),
    ],
)
def test_a_redirected_request_has_the_header_that_its_address_needs(
    address: int, fmt_type: TlpType, expected: tuple[TlpType, int]
) -> None:
    tlp = read(0, 1)
    tlp.fmt_type = fmt_type
    copy = pcie_request.redirected(tlp, address)
    assert (copy.fmt_type, copy.address) == expected
    assert (tlp.fmt_type, tlp.address) == (fmt_type, 0)


@pytest.mark.parametrize(
    ("fmt_type", "data", "expected"),
    [
        (TlpType.FETCH_ADD, "01000000", (AtomicOperation.FETCH_ADD, 4, 1, None)),
        (TlpType.SWAP_64, "0200000000000080", (AtomicOperation.SWAP, 8, 1 << 63 | 2, None)),
        (TlpType.CAS, "0300000004000000", (AtomicOperation.COMPARE_SWAP, 4, 4, 3)),
    ],
)  # fmt: skip
def test_operands_of_atomics_are_little_endian(
    fmt_type: TlpType, data: str, expected: tuple[AtomicOperation, int, int, int | None]
) -> None:
    tlp = Tlp()
    tlp.fmt_type = fmt_type
    tlp.set_data(bytes.fromhex(data))
    assert pcie_request.atomic(tlp) == pcie_request.Atomic(*expected)


@pytest.mark.parametrize(
    ("translation", "entry"),
    [
        (Translation(0x7000, 0xFFF, 1), 0x7001),
        (Translation(0x1_2345_6000, 0xFFF), 0x1_2345_6003),
        (Translation(0x8000, 0x1FFF), 0x8803),
        (Translation(0x40_0000, 0x1F_FFFF, 2), 0x4F_F802),
        (Translation(0x8000_0000, 0x3FFF_FFFF), 0x9FFF_F803),
    ],
)
def test_an_entry_tells_address_size_and_rights(translation: Translation, entry: int) -> None:
    told = pcie_completion.translation_entry(0x5123_4000, translation)
    assert told == entry.to_bytes(8, "big")


@pytest.mark.parametrize(
    ("answer", "status"),
    [(Answer.UR, 1), (Answer.CA, 4), (Answer.NO_RIGHTS, 0), (Answer.RIGHTS_LEFT, 0)],
)
def test_faults_of_translation_requests_are_told_by_status_or_by_no_rights(
    platform: Platform, fake_unit: FakeUnit, answer: Answer, status: int
) -> None:
    fake_unit.block(0x1000_0000, answer)
    request = platform.requester("00:04.0").begin_translation(0x1000_0000)
    completion = pcie_completion.translation_completion(read(0x1000_0000, 2), request)
    assert completion.status == status
    assert bytes(completion.data) == (bytes(8) if status == 0 else b"")


@pytest.mark.parametrize(("rights", "flags"), [(0, 0), (2, 0b110)])
def test_an_entry_without_rights_tells_nothing_of_who_may_use_it(rights: int, flags: int) -> None:
    translation = Translation(0xFEE0_0000, 0xFFF, rights)
    told = pcie_completion.translation_entry(0xFEE0_0010, translation, only_untranslated=True)
    assert told == (0xFEE0_0000 | flags).to_bytes(8, "big")


ENABLES = [
    # dwords, address, first, last, what is wrong
    (1, 0x1000, 0b0000, 0b0000, None),
    (1, 0x1004, 0b1001, 0b0000, None),
    (1, 0x1004, 0b1111, 0b0001, "more than one"),
    (2, 0x1000, 0b0101, 0b1010, None),
    (2, 0x1000, 0b0000, 0b1111, "both dwords"),
    (2, 0x1000, 0b1111, 0b0000, "both dwords"),
    (2, 0x1004, 0b1100, 0b0011, None),
    (2, 0x1004, 0b0101, 0b0011, "a gap"),
    (2, 0x1004, 0b0100, 0b0011, "a gap"),
    (3, 0x1000, 0b1000, 0b0111, None),
    (3, 0x1000, 0b1010, 0b1111, "a gap"),
    (3, 0x1000, 0b1111, 0b1100, "a gap"),
    (1024, 0x1000, 0b1111, 0b1111, None),
    (1024, 0x1004, 0b1111, 0b1111, "4-KiB border"),
    (0, 0x1000, 0b1111, 0b1111, "0 dwords"),
]


@pytest.mark.parametrize(
    "fmt_type", [TlpType.MEM_READ, TlpType.MEM_READ_LOCKED_64, TlpType.MEM_WRITE]
)
@pytest.mark.parametrize(("dwords", "address", "first", "last", "wrong"), ENABLES)
def test_byte_enables_and_borders(
    fmt_type: TlpType, dwords: int, address: int, first: int, last: int, wrong: str | None
) -> None:
    tlp = read(address, dwords, first)
    tlp.fmt_type, tlp.last_be = fmt_type, last
    if fmt_type is TlpType.MEM_WRITE:
        tlp.data = bytearray(4 * dwords)
    assert_complaint(tlp, wrong)


@pytest.mark.parametrize(
    ("fmt_type", "dwords", "data_bytes"),
    [
        (TlpType.MEM_WRITE, 1, 8),
        (TlpType.MEM_WRITE, 4, 4),
        (TlpType.MEM_WRITE_64, 2, 7),
        (TlpType.MEM_READ, 1, 4),
        (TlpType.SWAP, 2, 4),
        (TlpType.CAS, 1, 8),
    ],
)
def test_data_are_as_long_as_the_header_says(
    fmt_type: TlpType, dwords: int, data_bytes: int
) -> None:
    tlp = read(0x1000, dwords)
    tlp.fmt_type, tlp.data = fmt_type, bytearray(data_bytes)
    assert_complaint(tlp, f"{dwords} dwords and {data_bytes} bytes")


@pytest.mark.parametrize(
    ("dwords", "first", "boundary", "wrong"),
    [
        (2, 0xF, 64, None),
        (16, 0xF, 64, None),
        (18, 0xF, 64, "18 dwords"),
        (32, 0xF, 128, None),
        (1, 0xF, 64, "1 dwords"),
        (3, 0xF, 64, "3 dwords"),
        (2, 0xE, 64, "all bytes"),
    ],
)
def test_translation_requests_ask_for_whole_entries(
    dwords: int, first: int, boundary: int, wrong: str | None
) -> None:
    tlp = read(0x1FFC, dwords, first)  # where in its page it lies does not count
    tlp.at = TlpAt.TRANSLATE_REQ
    assert_complaint(tlp, wrong, boundary)


def assert_complaint(tlp: Any, wrong: str | None, boundary: int = 64) -> None:
    complaint = pcie_rules.complaint(tlp, boundary)
    assert complaint is None if wrong is None else wrong in (complaint or "")


@pytest.mark.parametrize(
    ("name", "dwords", "wrong", "refused"),
    [
        ("FETCH_ADD", 1, None, None),
        ("SWAP_64", 2, None, None),
        ("CAS", 2, None, None),
        ("CAS", 4, None, None),
        ("CAS_64", 8, None, "128 bits"),
        ("SWAP", 4, "an atomic of 16 bytes", None),
        ("FETCH_ADD", 3, "an atomic of 12 bytes", None),
        ("CAS", 6, "an atomic of 12 bytes", None),
    ],
)
def test_sizes_of_atomics(name: str, dwords: int, wrong: str | None, refused: str | None) -> None:
    tlp = read(0x1000, dwords)
    tlp.fmt_type, tlp.data = TlpType[name], bytearray(4 * dwords)
    assert_complaint(tlp, wrong)
    if wrong is None:
        complaint = pcie_rules.unsupported(tlp)
        assert complaint is None if refused is None else refused in (complaint or "")
