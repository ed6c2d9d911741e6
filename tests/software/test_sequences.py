"""In which order a driver does things, over a unit that checks the rules.

`StrictUnit` raises where a rule is broken; here is what must be done besides, and when nothing.
"""

from __future__ import annotations

import pytest

from tests.software.bench import DEVICE
from tests.software.strict_unit import BASE, StrictUnit
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.registers import GCMD, IQA, IRTA, RTADDR
from vtd_plugin.encodings.structures import ContextEntry
from vtd_plugin.software import (
    PAGE_2M,
    PAGE_4K,
    Driver,
    FrameAllocator,
    InvalidationRefused,
    Root,
    Timeout,
    descriptors,
)

SID = 0x20
SCALABLE = {
    "SMTS": 1,
    "FSTS": 1,
    "SSTS": 1,
    "NEST": 1,
    "PASID": 1,
    "PSS": 19,
    "SMPWCS": 1,
    "DT": 1,
}
each_way = pytest.mark.parametrize("use_queue", [True, False], ids=["queue", "registers"])


def driver_of(unit: StrictUnit, *, use_queue: bool | None = None) -> Driver:
    frames = FrameAllocator(0x10_0000, 0x40_0000)
    return Driver(
        unit,
        base=BASE,
        frames=frames,
        use_queue=use_queue,
        poll_limit=50,
        host_address_width=48,
    )


def enabled(unit: StrictUnit, *, use_queue: bool | None = None, mode: str = "legacy") -> Driver:
    driver = driver_of(unit, use_queue=use_queue)
    driver.enable("scalable" if mode == "scalable" else "legacy")
    unit.forgotten.clear()
    unit.commands.clear()
    return driver


@pytest.mark.parametrize("latency", [1, 2, 17])
def test_a_unit_is_enabled_in_the_order_of_the_architecture(latency: int) -> None:
    unit = StrictUnit(latency)
    driver = driver_of(unit)
    driver.enable()
    assert unit.commands == ["+QIE", "+SRTP", "+TE"]
    assert unit.forgotten == [descriptors.context_cache(), descriptors.iotlb()]
    assert unit.root == RTADDR(RTADDR.pack(RTA_address=driver.root.address))
    assert driver.translating


def test_without_a_queue_the_registers_do_it() -> None:
    unit = StrictUnit(QI=0)
    driver = driver_of(unit)
    driver.enable()
    assert driver.queue is None
    assert unit.commands == ["+SRTP", "+TE"]
    assert unit.forgotten == [descriptors.context_cache(), descriptors.iotlb()]


def test_scalable_mode_empties_the_pasid_cache_in_its_place() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = driver_of(unit)
    driver.enable("scalable")
    assert unit.forgotten == [
        descriptors.context_cache(),
        descriptors.pasid_cache(),
        descriptors.iotlb(),
    ]
    assert unit.root == RTADDR(RTADDR.pack(RTA_address=driver.root.address, TTM=TableMode.SCALABLE))
    assert IQA(unit.value(IQA)).DW == 1


def test_a_unit_that_empties_its_caches_itself_is_not_told_to() -> None:
    unit = StrictUnit(ESRTPS=1)
    driver_of(unit).enable()
    assert unit.forgotten == []


def test_what_another_system_left_on_is_turned_off_first() -> None:
    unit = StrictUnit()
    driver_of(unit).enable()
    unit.commands.clear()
    other = Driver(unit, base=BASE, frames=FrameAllocator(0x60_0000, 0x10_0000), poll_limit=50)
    other.enable()
    assert unit.commands == ["-TE", "-QIE", "+QIE", "+SRTP", "+TE"]


def test_disabling_leaves_the_queue_on_and_enabling_again_keeps_it() -> None:
    unit = StrictUnit()
    driver = enabled(unit)
    pending = driver.start_disable()
    assert not pending.done
    pending.finish()
    assert not driver.translating
    driver.enable()
    assert unit.commands == ["-TE", "+SRTP", "+TE"]


def test_a_new_root_table_is_set_while_translating() -> None:
    unit = StrictUnit()
    driver = enabled(unit)
    pending = driver.start_set_root(Root(0x70_0000, TableMode.LEGACY))
    assert unit.forgotten == []
    pending.finish()
    assert unit.commands == ["+SRTP"]
    assert unit.forgotten == [descriptors.context_cache(), descriptors.iotlb()]


def test_a_reset_is_recovered_from_with_the_tables_in_memory() -> None:
    unit = StrictUnit()
    driver = enabled(unit)
    root = driver.root
    unit.reset()
    driver.recover_after_reset()
    assert unit.commands == ["+QIE", "+SRTP", "+TE"]
    assert unit.root == RTADDR(RTADDR.pack(RTA_address=root.address))
    driver.disable()
    unit.reset()
    driver.recover_after_reset()
    assert unit.commands == ["+QIE", "+SRTP"]


def test_there_is_nothing_to_recover_before_the_first_enabling() -> None:
    with pytest.raises(ValueError, match="nothing to recover"):
        driver_of(StrictUnit()).recover_after_reset()


@each_way
def test_unmapping_forgets_exactly_the_pages(use_queue: bool) -> None:
    unit = StrictUnit()
    driver = enabled(unit, use_queue=use_queue)
    domain = driver.create_domain()
    domain.map(0, PAGE_2M, 2 * PAGE_2M, page_size=PAGE_4K)
    assert unit.forgotten == []
    domain.unmap(0x4000, 4 * PAGE_4K)
    domain.unmap(0, PAGE_2M)
    caps = driver.unit.capabilities
    kept, dropped = unit.forgotten
    assert kept == descriptors.iotlb_pages(
        caps, domain.domain_id, 0x4000, 4 * PAGE_4K, leaves_only=True
    )
    assert dropped == descriptors.iotlb_pages(caps, domain.domain_id, 0, PAGE_2M)


def test_tables_are_used_again_only_after_the_unit_was_told() -> None:
    unit = StrictUnit(latency=5)
    driver = enabled(unit)
    domain = driver.create_domain()
    domain.map(0, 0, PAGE_4K)
    tables = domain.table.tables
    pending = domain.start_unmap(0, PAGE_4K)
    other = driver.create_domain()
    assert other.table.root not in tables
    pending.finish()
    assert driver.create_domain().table.root in tables


@each_way
def test_mapping_is_told_only_to_a_unit_that_caches_what_is_not_present(use_queue: bool) -> None:
    unit = StrictUnit(CM=1)
    driver = enabled(unit, use_queue=use_queue)
    domain = driver.create_domain()
    domain.map(0x4000, 0x4000, PAGE_4K)
    domain.map(0x5000, 0x5000, PAGE_4K)
    caps = driver.unit.capabilities
    assert unit.forgotten == [
        descriptors.iotlb_pages(caps, domain.domain_id, 0x4000, PAGE_4K),
        descriptors.iotlb_pages(caps, domain.domain_id, 0x5000, PAGE_4K, leaves_only=True),
    ]


def test_mapping_flushes_a_write_buffer() -> None:
    unit = StrictUnit(RWBF=1)
    driver = enabled(unit)
    driver.create_domain().map(0, 0, PAGE_4K)
    assert unit.commands == ["+WBF"]


@each_way
def test_a_context_entry_that_was_absent_needs_nothing(use_queue: bool) -> None:
    unit = StrictUnit()
    driver = enabled(unit, use_queue=use_queue)
    driver.attach(DEVICE, driver.create_domain())
    assert unit.forgotten == []


@each_way
def test_a_context_entry_that_was_absent_may_be_cached_as_such(use_queue: bool) -> None:
    unit = StrictUnit(CM=1)
    driver = enabled(unit, use_queue=use_queue)
    domain = driver.create_domain()
    driver.attach(DEVICE, domain)
    assert unit.forgotten == [
        descriptors.context_cache(0, SID),
        descriptors.iotlb(domain.domain_id),
    ]


@each_way
def test_a_context_entry_that_changes_is_forgotten_before_its_translations(
    use_queue: bool,
) -> None:
    unit = StrictUnit()
    driver = enabled(unit, use_queue=use_queue)
    first, second = driver.create_domain(), driver.create_domain()
    driver.attach(DEVICE, first)
    driver.attach(DEVICE, second)
    driver.attach_pass_through(DEVICE)
    driver.detach(DEVICE)
    expected = []
    for domain_id in (first.domain_id, second.domain_id, 3):
        expected += [descriptors.context_cache(domain_id, SID), descriptors.iotlb(domain_id)]
    assert unit.forgotten == expected
    assert first.attachments == second.attachments == set()


def test_a_device_that_keeps_translations_forgets_them_last() -> None:
    unit = StrictUnit(DT=1)
    driver = enabled(unit)
    domain = driver.create_domain()
    driver.attach(DEVICE, domain, device_tlb=True)
    domain.map(0, 0, PAGE_2M)
    domain.unmap(0, PAGE_2M)
    driver.detach(DEVICE)
    caps = driver.unit.capabilities
    assert unit.forgotten == [
        descriptors.iotlb_pages(caps, domain.domain_id, 0, PAGE_2M),
        descriptors.device_tlb(SID, None, 0, PAGE_2M),
        descriptors.context_cache(domain.domain_id, SID),
        descriptors.iotlb(domain.domain_id),
        descriptors.device_tlb(SID),
    ]


def test_nothing_is_invalidated_before_the_queue_is_on() -> None:
    unit = StrictUnit(CM=1)
    driver = driver_of(unit)
    driver.prepare()
    domain = driver.create_domain()
    domain.map(0, 0, PAGE_4K)
    driver.attach(DEVICE, domain)
    domain.unmap(0, PAGE_4K)
    assert unit.forgotten == []
    assert unit.commands == []
    driver.enable()
    assert driver.devices.root_table.read_context_entry(DEVICE) == ContextEntry(
        ContextEntry.pack(P=1, AW=2, DID=domain.domain_id, SSPTPTR_address=domain.table.root)
    )


def test_a_refused_register_invalidation_is_an_error() -> None:
    class RefusingUnit(StrictUnit):
        def read(self, address: int, size: int) -> bytes:
            value = super().read(address, size)
            return bytes(size) if address == BASE + 0x508 else value

    unit = RefusingUnit(QI=0)
    driver = driver_of(unit)
    with pytest.raises(InvalidationRefused, match="the unit did not do IotlbInvalidate"):
        driver.invalidate_iotlb(3, 0x5000)


def test_what_only_the_queue_can_do_is_refused_without_it() -> None:
    driver = driver_of(StrictUnit(QI=0))
    with pytest.raises(ValueError, match="this needs the invalidation queue"):
        driver.invalidate(descriptors.pasid_cache())
    with pytest.raises(ValueError, match="no invalidation to start"):
        driver.start_invalidation()


def test_a_pasid_entry_is_forgotten_before_its_translations() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = enabled(unit, mode="scalable")
    first, second = driver.create_first_stage_domain(), driver.create_domain()
    driver.add_device(DEVICE)
    driver.attach_pasid(DEVICE, 5, first_stage=first)
    driver.attach_pasid(DEVICE, 6, second_stage=second)
    driver.attach_pasid(DEVICE, 7, first_stage=first, second_stage=second)
    driver.attach_pasid(DEVICE, 8, pass_through=True)
    assert unit.forgotten == []
    for pasid in (5, 6, 7, 8):
        driver.detach_pasid(DEVICE, pasid)
    assert unit.forgotten == [
        descriptors.pasid_cache(first.domain_id, 5),
        descriptors.pasid_iotlb(first.domain_id, 5),
        descriptors.pasid_cache(second.domain_id, 6),
        descriptors.iotlb(second.domain_id),
        descriptors.pasid_cache(second.domain_id, 7),
        descriptors.iotlb(second.domain_id),
        descriptors.pasid_cache(3, 8),
        descriptors.pasid_iotlb(3, 8),
    ]


def test_first_stage_changes_are_told_for_each_pasid() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = enabled(unit, mode="scalable")
    first, second = driver.create_first_stage_domain(), driver.create_domain()
    driver.attach_pasid(DEVICE, 5, first_stage=first)
    driver.attach_pasid("00:05.0", 5, first_stage=first)
    driver.attach_pasid(DEVICE, 7, first_stage=first, second_stage=second)
    first.map(0x4000, 0x4000, PAGE_4K)
    assert unit.forgotten == []
    first.unmap(0x4000, PAGE_4K)
    assert unit.forgotten == [
        descriptors.pasid_iotlb_pages(first.domain_id, 5, 0x4000, PAGE_4K),
        descriptors.pasid_iotlb_pages(second.domain_id, 7, 0x4000, PAGE_4K),
    ]


def test_a_pasid_is_switched_by_way_of_an_absent_entry() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = enabled(unit, mode="scalable")
    first, second = driver.create_first_stage_domain(), driver.create_domain()
    driver.attach_pasid(DEVICE, 5, first_stage=first)
    driver.attach_pasid(DEVICE, 5, second_stage=second)
    assert unit.forgotten == [
        descriptors.pasid_cache(first.domain_id, 5),
        descriptors.pasid_iotlb(first.domain_id, 5),
    ]
    assert (first.attachments, len(second.attachments)) == (set(), 1)


def test_scalable_entries_that_were_absent_may_be_cached_as_such() -> None:
    unit = StrictUnit(CM=1, **SCALABLE)
    driver = enabled(unit, mode="scalable")
    domain = driver.create_domain()
    driver.attach_pasid(DEVICE, 5, second_stage=domain)
    assert unit.forgotten == [
        descriptors.context_cache(0, SID),
        descriptors.pasid_cache(0, 5),
        descriptors.iotlb(domain.domain_id),
    ]


def test_a_scalable_device_is_forgotten_from_the_context_down() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = enabled(unit, mode="scalable")
    first, second = driver.create_first_stage_domain(), driver.create_domain()
    driver.attach(DEVICE, second, device_tlb=True)
    driver.attach_pasid(DEVICE, 5, first_stage=first)
    driver.detach(DEVICE)
    assert unit.forgotten == [
        descriptors.context_cache(0, SID),
        descriptors.pasid_cache(first.domain_id),
        descriptors.pasid_cache(second.domain_id),
        descriptors.iotlb(first.domain_id),
        descriptors.iotlb(second.domain_id),
        descriptors.device_tlb(SID),
        descriptors.device_tlb(SID, 5),
    ]
    assert first.attachments == second.attachments == set()


def test_below_a_nested_first_stage_a_device_forgets_everything() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = enabled(unit, mode="scalable")
    first, second = driver.create_first_stage_domain(), driver.create_domain()
    driver.add_device(DEVICE, device_tlb=True)
    driver.attach_pasid(DEVICE, 5, first_stage=first, second_stage=second)
    second.map(0, 0, PAGE_4K)
    second.unmap(0, PAGE_4K)
    caps = driver.unit.capabilities
    assert unit.forgotten == [
        descriptors.iotlb_pages(caps, second.domain_id, 0, PAGE_4K),
        descriptors.device_tlb(SID, 5),
    ]


def test_devices_forget_before_translation_stops_and_are_not_told_after() -> None:
    unit = StrictUnit(DT=1)
    driver = enabled(unit)
    domain = driver.create_domain()
    driver.attach(DEVICE, domain, device_tlb=True)
    domain.map(0, 0, PAGE_4K)
    driver.disable()
    assert unit.forgotten == [descriptors.device_tlb(SID)]
    unit.forgotten.clear()
    domain.unmap(0, PAGE_4K)
    caps = driver.unit.capabilities
    assert unit.forgotten == [descriptors.iotlb_pages(caps, domain.domain_id, 0, PAGE_4K)]


def test_scalable_devices_forget_with_and_without_pasid() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = enabled(unit, mode="scalable")
    driver.attach(DEVICE, driver.create_domain(), device_tlb=True)
    driver.attach_pasid(DEVICE, 5, first_stage=driver.create_first_stage_domain())
    driver.attach("00:05.0", driver.create_domain())
    driver.disable()
    assert unit.forgotten == [descriptors.device_tlb(SID), descriptors.device_tlb(SID, 5)]


@pytest.mark.parametrize("options", [{}, {"QI": 0, "DT": 1}, {**SCALABLE, "DT": 0}])
def test_devices_keep_no_translations_that_cannot_be_taken_back(options: dict[str, int]) -> None:
    driver = enabled(StrictUnit(**options), mode="scalable" if "SMTS" in options else "legacy")
    with pytest.raises(ValueError, match=r"device-TLBs need ECAP\.DT"):
        driver.attach(DEVICE, driver.create_domain(), device_tlb=True)


def test_a_pasid_entry_changes_in_place() -> None:
    unit = StrictUnit(**SCALABLE, SRS=1, SSADS=1)
    driver = enabled(unit, mode="scalable")
    first, second = driver.create_first_stage_domain(), driver.create_domain()
    driver.add_device(DEVICE, device_tlb=True)
    driver.attach_pasid(DEVICE, 5, first_stage=first)
    driver.attach_pasid(DEVICE, 6, second_stage=second)
    driver.change_pasid(DEVICE, 5, SRE=1, WPE=1)
    driver.change_pasid(DEVICE, 6, FPD=1)
    driver.change_pasid(DEVICE, 6, SSADE=1)
    assert unit.forgotten == [
        descriptors.pasid_cache(first.domain_id, 5),
        descriptors.pasid_iotlb(first.domain_id, 5),
        descriptors.device_tlb(SID, 5),
        descriptors.pasid_cache(second.domain_id, 6),
        descriptors.pasid_iotlb(second.domain_id, 6),
        descriptors.device_tlb(SID, 6),
        descriptors.pasid_cache(second.domain_id, 6),
        descriptors.iotlb(second.domain_id),
        descriptors.device_tlb(SID, 6),
    ]
    with pytest.raises(ValueError, match=r"\['DID', 'PGTT'\] change by attaching"):
        driver.change_pasid(DEVICE, 5, PGTT=2, DID=second.domain_id)
    with pytest.raises(ValueError, match="does not use PASID 0x7"):
        driver.change_pasid(DEVICE, 7, WPE=1)


def test_the_mode_changes_by_a_new_root_table_alone() -> None:
    unit = StrictUnit(**SCALABLE, ESRTPS=1, CM=1)
    driver = enabled(unit)
    domain = driver.create_domain()
    driver.attach(DEVICE, domain)
    legacy_root = driver.root.address
    unit.forgotten.clear()
    driver.switch_to_scalable()
    assert unit.commands == ["+SRTP"]
    assert unit.forgotten == []
    assert unit.root == RTADDR(RTADDR.pack(RTA_address=driver.root.address, TTM=TableMode.SCALABLE))
    assert driver.root.address != legacy_root
    assert {use.source_id for use in domain.attachments} == {SID}
    with pytest.raises(ValueError, match="in scalable mode already"):
        driver.switch_to_scalable()


def test_the_mode_does_not_change_under_translation_without_esrtps() -> None:
    unit = StrictUnit(**SCALABLE)
    driver = enabled(unit)
    with pytest.raises(ValueError, match=r"CAP\.ESRTPS is 0"):
        driver.switch_to_scalable()
    driver.disable()
    driver.switch_to_scalable()
    driver.enable("scalable")
    assert unit.commands == ["-TE", "+SRTP", "+SRTP", "+TE"]
    with pytest.raises(ValueError, match="tables of SCALABLE mode are in use"):
        driver.enable("legacy")


def test_interrupt_remapping_is_enabled_in_the_order_of_the_architecture() -> None:
    unit = StrictUnit(IR=1, EIM=1)
    driver = driver_of(unit)
    driver.interrupts.enable(512, extended=True)
    assert unit.commands == ["+QIE", "+SIRTP", "+IRE"]
    assert unit.forgotten == [descriptors.interrupt_entries()]
    table = driver.interrupts.table
    assert table is not None
    assert IRTA(unit.value(IRTA)) == IRTA(IRTA.pack(IRTA_address=table.address, EIME=1, S=8))
    unit.commands.clear()
    driver.interrupts.disable()
    driver.interrupts.enable(extended=True)
    assert unit.commands == ["-IRE", "+SIRTP", "+IRE"]
    assert driver.interrupts.table is table


def test_a_unit_that_empties_its_interrupt_cache_itself_is_not_told_to() -> None:
    unit = StrictUnit(IR=1, ESIRTPS=1)
    driver_of(unit).interrupts.enable(compatibility=True)
    assert unit.commands == ["+QIE", "+SIRTP", "+CFI", "+IRE"]
    assert unit.forgotten == []


@pytest.mark.parametrize("caching_mode", [0, 1])
def test_interrupt_entries_are_told_by_index(caching_mode: int) -> None:
    unit = StrictUnit(IR=1, ESIRTPS=1, CM=caching_mode)
    interrupts = driver_of(unit).interrupts
    interrupts.enable()
    first = interrupts.map(DEVICE, 0x40)
    second = interrupts.map(DEVICE, 0x50, count=2)
    told = [0, 1, 2] if caching_mode else []
    assert unit.forgotten == [descriptors.interrupt_entries(index) for index in told]
    unit.forgotten.clear()
    interrupts.change(second, DST_XAPIC=3)
    interrupts.unmap(first)
    assert unit.forgotten == [descriptors.interrupt_entries(index) for index in (1, 2, 0)]


def test_a_reset_is_recovered_from_with_the_interrupt_table_in_memory() -> None:
    unit = StrictUnit(IR=1, ESIRTPS=1, ESRTPS=1)
    driver = enabled(unit)
    driver.interrupts.enable(compatibility=True)
    unit.reset()
    driver.recover_after_reset()
    assert unit.commands == ["+QIE", "+SIRTP", "+CFI", "+IRE", "+SRTP", "+TE"]
    driver.interrupts.disable()
    unit.reset()
    driver.recover_after_reset()
    assert unit.commands == ["+QIE", "+SRTP", "+TE"]


def test_interrupts_recover_without_translation() -> None:
    unit = StrictUnit(IR=1, ESIRTPS=1)
    driver = driver_of(unit)
    driver.interrupts.enable()
    unit.reset()
    driver.recover_after_reset()
    assert unit.commands == ["+QIE", "+SIRTP", "+IRE"]


@pytest.mark.parametrize(("command", "status"), [(0, "QIES"), (1, "RTPS"), (2, "TES")])
def test_a_unit_that_dies_is_a_timeout(command: int, status: str) -> None:
    unit = StrictUnit()
    unit.last_command = command
    with pytest.raises(Timeout, match=f"after 50 polls, wanted {status}=0x1"):
        driver_of(unit).enable()


def test_the_strict_unit_is_strict() -> None:
    unit = StrictUnit()
    with pytest.raises(AssertionError, match="TE without a root table"):
        unit.write(BASE + 0x18, GCMD.pack(TE=1).to_bytes(4, "little"))
    with pytest.raises(AssertionError, match=r"changes \['SRTP', 'QIE'\], not one bit"):
        unit.write(BASE + 0x18, GCMD.pack(SRTP=1, QIE=1).to_bytes(4, "little"))
    unit.write(BASE + 0x18, GCMD.pack(SRTP=1).to_bytes(4, "little"))
    with pytest.raises(AssertionError, match="a command is under way already"):
        unit.write(BASE + 0x18, GCMD.pack(SRTP=1).to_bytes(4, "little"))
    with pytest.raises(AssertionError, match="4-byte access of RTADDR"):
        unit.write(BASE + 0x20, bytes(4))
