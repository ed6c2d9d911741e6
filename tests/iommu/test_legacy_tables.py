"""How the entries of legacy tables are read: reserved and ignored bits, limits, order of checks.

Sections 3.4.2, 3.7, 9.1, 9.3 and 9.8; the conditions themselves are in `test_legacy_faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.iommu.bench import BEYOND_RAM, HOST, IOVA, PAGE, SOURCE, Mapped, leaf
from tests.iommu.legacy_cases import WINDOW, change_context, change_leaf, change_root, change_table
from vtd_plugin import VtdConfig
from vtd_plugin.bus import Fault, Translation
from vtd_plugin.encodings.codes import aw_for
from vtd_plugin.encodings.structures import SsPde2M, SsPdpe1G

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 1 << 33
"""An address with no 4-KiB pages around: where large pages are tried."""


def verdict(bench: Mapped, iova: int = IOVA, *, write: bool = False) -> str:
    """The name of the fault that a request meets, or `ok`."""
    answer = bench.unit.translate(SOURCE, iova, write)
    if isinstance(answer, Fault):
        return answer.name
    assert isinstance(answer, Translation)
    return "ok"


# --- reserved and ignored bits


@pytest.mark.parametrize("bit", [1, 11, 48, 63, 64, 127])
def test_a_reserved_bit_of_a_root_entry_blocks(bit: int) -> None:
    bench = Mapped()
    bench.roots.write_root_entry(0, bench.roots.read_root_entry(0).value | 1 << bit)
    assert verdict(bench) == "LRT.3"


@pytest.mark.parametrize("bit", [4, 11, 48, 63, 71, 88, 127])
def test_a_reserved_bit_of_a_context_entry_blocks(bit: int) -> None:
    bench = Mapped()
    entry = bench.roots.read_context_entry(SOURCE).value
    bench.roots.write_context_entry(SOURCE, entry | 1 << bit)
    assert verdict(bench) == "LCT.3"


@pytest.mark.parametrize("bit", [67, 68, 69, 70])
def test_an_ignored_bit_of_a_context_entry_does_nothing(bit: int) -> None:
    bench = Mapped()
    entry = bench.roots.read_context_entry(SOURCE).value
    bench.roots.write_context_entry(SOURCE, entry | 1 << bit)
    assert bench.lands_at() == HOST


@pytest.mark.parametrize(
    ("level", "bit"),
    [
        *((level, bit) for level in (4, 3, 2, 1) for bit in (11, 48, 51, 62)),
        (4, 7),
    ],
)
def test_a_reserved_bit_of_a_paging_entry_blocks(level: int, bit: int) -> None:
    bench = Mapped(VtdConfig(SC=0))
    bench.mine.write_entry(IOVA, level, (bench.mine.read_entry(IOVA, level) or 0) | 1 << bit)
    assert verdict(bench) == "LSS.2"


@pytest.mark.parametrize("level", [4, 3, 2, 1])
@pytest.mark.parametrize("bit", [2, 3, 6, 8, 9, 10, 52, 60, 61, 63])
def test_an_ignored_bit_of_a_paging_entry_does_nothing(level: int, bit: int) -> None:
    bench = Mapped()
    bench.mine.write_entry(IOVA, level, (bench.mine.read_entry(IOVA, level) or 0) | 1 << bit)
    assert bench.lands_at() == HOST


def test_legacy_mode_leaves_accessed_and_dirty_bits_alone() -> None:
    bench = Mapped()
    before = [bench.mine.read_entry(IOVA, level) for level in (4, 3, 2, 1)]
    assert bench.port().write(IOVA, b"dirty").ok
    assert [bench.mine.read_entry(IOVA, level) for level in (4, 3, 2, 1)] == before


@pytest.mark.parametrize(("snoop_control", "expected"), [(0, "LSS.2"), (1, "ok")])
def test_the_snoop_bit_of_a_leaf_needs_snoop_control(snoop_control: int, expected: str) -> None:
    bench = Mapped(VtdConfig(SC=snoop_control))
    change_leaf(bench, ADDR_address=HOST, SNP=1)
    assert verdict(bench) == expected


@pytest.mark.parametrize(
    ("level", "entry", "expected"),
    [
        pytest.param(2, SsPde2M.pack(R=1, ADDR_address=HOST), "ok", id="2m"),
        pytest.param(2, SsPde2M.pack(R=1, ADDR_address=HOST) | 1 << 12, "LSS.2", id="2m-bit-12"),
        pytest.param(2, SsPde2M.pack(R=1, ADDR_address=HOST) | 1 << 20, "LSS.2", id="2m-bit-20"),
        pytest.param(3, SsPdpe1G.pack(R=1, ADDR_address=0), "ok", id="1g"),
        pytest.param(3, SsPdpe1G.pack(R=1, ADDR_address=0) | 1 << 12, "LSS.2", id="1g-bit-12"),
        pytest.param(3, SsPdpe1G.pack(R=1, ADDR_address=0) | 1 << 29, "LSS.2", id="1g-bit-29"),
    ],
)
def test_a_large_page_must_be_aligned(level: int, entry: int, expected: str) -> None:
    bench = Mapped()
    bench.mine.write_entry(LARGE, level, entry)
    assert verdict(bench, LARGE) == expected


@pytest.mark.parametrize(
    ("sizes", "level", "expected"),
    [(0, 2, "LSS.2"), (0, 3, "LSS.2"), (1, 2, "ok"), (1, 3, "LSS.2"), (3, 2, "ok"), (3, 3, "ok")],
)
def test_a_large_page_needs_its_size_in_the_capabilities(
    sizes: int, level: int, expected: str
) -> None:
    bench = Mapped(VtdConfig(SSLPS=sizes))
    entry = {2: SsPde2M, 3: SsPdpe1G}[level].pack(R=1, W=1)
    bench.mine.write_entry(LARGE, level, entry)
    assert verdict(bench, LARGE) == expected


# --- limits


@pytest.mark.parametrize("aw", range(8))
@pytest.mark.parametrize("sagaw", [0b0010, 0b0100, 0b1000, 0b1110])
def test_an_address_width_must_be_one_of_the_units(aw: int, sagaw: int) -> None:
    bench = Mapped(VtdConfig(SAGAW=sagaw), on=False)
    bench.turn_on()
    supported = aw in (1, 2, 3) and sagaw >> aw & 1
    tables = bench.tables(aw + 2) if supported else bench.mine
    if supported:
        tables.map(IOVA, HOST, PAGE)
    bench.attach(SOURCE, tables, AW=aw)
    assert verdict(bench) == ("ok" if supported else "LCT.4.1")


@pytest.mark.parametrize(
    ("translation_type", "capabilities", "expected"),
    [
        (0, {}, "ok"),
        (1, {"DT": 1}, "ok"),
        (1, {"DT": 0}, "LCT.4.2"),
        (2, {"PT": 1}, "ok"),
        (2, {"PT": 0}, "LCT.4.2"),
        (3, {"DT": 1, "PT": 1}, "LCT.4.2"),
    ],
)
def test_a_translation_type_needs_its_capability(
    translation_type: int, capabilities: dict[str, Any], expected: str
) -> None:
    bench = Mapped(VtdConfig(**capabilities))
    change_context(bench, TT=translation_type)
    assert verdict(bench) == expected


@pytest.mark.parametrize(
    ("domain_bits", "domain_id", "expected"),
    [(0, 0xF, "ok"), (0, 0x10, "LCT.3"), (3, 0x3FF, "ok"), (3, 0x400, "LCT.3"), (6, 0xFFFF, "ok")],
)
def test_a_domain_id_must_fit_the_units_width(
    domain_bits: int, domain_id: int, expected: str
) -> None:
    bench = Mapped(VtdConfig(ND=domain_bits))
    change_context(bench, DID=domain_id)
    assert verdict(bench) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda bench, at: change_root(bench, CTP_address=at), "LRT.3", id="root"),
        pytest.param(
            lambda bench, at: change_context(bench, SSPTPTR_address=at), "LCT.3", id="context"
        ),
        pytest.param(
            lambda bench, at: change_table(bench, 2, ADDR_address=at), "LSS.2", id="table"
        ),
        pytest.param(lambda bench, at: change_leaf(bench, ADDR_address=at), "LSS.2", id="leaf"),
    ],
)
@pytest.mark.parametrize("haw", [32, 39, 48, 51])
def test_an_address_above_the_host_width_is_reserved(
    change: Callable[[Mapped, int], None], expected: str, haw: int
) -> None:
    bench = Mapped(VtdConfig(host_address_width=haw))
    change(bench, 1 << haw)
    assert verdict(bench) == expected


@pytest.mark.parametrize(
    ("levels", "mgaw", "limit"),
    [(3, 47, 39), (4, 47, 48), (4, 38, 39), (4, 40, 41), (5, 56, 57), (5, 47, 48)],
)
def test_an_address_must_be_below_the_width_of_tables_and_unit(
    levels: int, mgaw: int, limit: int
) -> None:
    bench = Mapped(VtdConfig(SAGAW=0b1110, MGAW=mgaw))
    tables = bench.tables(levels)
    tables.map((1 << limit) - PAGE, HOST, PAGE)
    bench.attach(SOURCE, tables)
    assert verdict(bench, (1 << limit) - 1) == "ok"
    assert verdict(bench, 1 << limit) == "LGN.1.1"


# --- what comes first


def test_an_absent_root_entry_has_no_reserved_bits() -> None:
    bench = Mapped()
    change_root(bench, P=0, RSVD_11_1=1, RSVD_127_64=1)
    assert verdict(bench) == "LRT.2"


def test_an_absent_context_entry_has_no_reserved_bits() -> None:
    bench = Mapped()
    change_context(bench, P=0, RSVD_11_4=1, TT=3)
    assert verdict(bench) == "LCT.2"


def test_reserved_bits_come_before_bad_programming() -> None:
    bench = Mapped()
    change_context(bench, RSVD_11_4=1, AW=7, TT=3)
    assert verdict(bench) == "LCT.3"


def test_the_address_limit_comes_before_the_tables() -> None:
    bench = Mapped()
    change_context(bench, SSPTPTR_address=BEYOND_RAM)
    assert verdict(bench, 1 << 48) == "LGN.1.1"


def test_an_absent_paging_entry_has_no_reserved_bits() -> None:
    bench = Mapped()
    bench.mine.write_entry(IOVA, 2, (1 << 64) - 4)
    assert verdict(bench) == "LGN.3"


def test_a_malformed_leaf_comes_before_a_right_that_an_upper_entry_withholds() -> None:
    bench = Mapped()
    change_table(bench, 3, W=0)
    bench.mine.write_entry(IOVA, 1, leaf(HOST) | 1 << 62)
    assert verdict(bench, write=True) == "LSS.2"


def test_a_missing_right_comes_before_where_the_page_leads() -> None:
    bench = Mapped()
    change_leaf(bench, ADDR_address=WINDOW, W=0)
    assert verdict(bench, write=True) == "LGN.2"
    assert verdict(bench) == "LGN.4"


@pytest.mark.provokes("LSS.1", "LCT.4.3")
@pytest.mark.parametrize(("level", "fault"), [(4, "LSS.1"), (3, "LSS.1"), (2, "LSS.1")])
def test_a_table_out_of_reach_blocks_at_its_level(level: int, fault: str) -> None:
    bench = Mapped()
    change_table(bench, level, ADDR_address=BEYOND_RAM)
    assert verdict(bench) == fault


def test_pass_through_ignores_the_bits_of_the_table_pointer_above_the_host_width() -> None:
    bench = Mapped()
    change_context(bench, TT=2, SSPTPTR=(1 << 52) - 1)
    assert bench.lands_at(HOST) == HOST


def test_pass_through_ignores_the_table_pointer_but_not_the_width() -> None:
    bench = Mapped()
    change_context(bench, TT=2, SSPTPTR_address=BEYOND_RAM)
    assert bench.lands_at(HOST) == HOST
    bench = Mapped()
    change_context(bench, TT=2, AW=aw_for(5))
    assert verdict(bench) == "LCT.4.1"
