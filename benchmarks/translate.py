"""What a translation costs: IOTLB hits, walks of four levels, and DMA of 2 MiB.

    python -m benchmarks.translate

A walk goes through four levels, of the second stage in legacy mode, then of each stage of scalable
mode; nested, both. Cold, nothing is cached; warm, all but the translation itself. It is compared
with the simple walker of the tests, which knows no cache; a hit also with what no look-up can beat,
a dictionary; DMA with the same DMA in front of no unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from benchmarks._bench import (
    LARGE_PAGE,
    NO_CACHE,
    PAGE_2M,
    PAGE_4K,
    SMALL_PAGES,
    STRUCTURES_CACHED,
    TARGET,
    Bench,
    Stages,
)
from benchmarks._measure import Contest, as_json, compare, show
from vtd_plugin.bus import Translation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vtd_plugin import RequesterPort

_WALKER: Final = "reference walker"
_UNTRANSLATED: Final = "the same, untranslated"

_SHORT_READ: Final = 64
"""Bytes of a short read: one line of a processor's cache."""

_RANGE: Final = range(SMALL_PAGES, SMALL_PAGES + PAGE_2M, PAGE_4K)


def contests(walks: int, transfers: int) -> Iterator[Contest]:
    """All that is compared.

    Args:
        walks: Addresses that are looked up in one turn.
        transfers: 2 MiB transfers in one turn.
    """
    addresses = [_RANGE[number % len(_RANGE)] for number in range(walks)]
    warm = Bench()
    yield from _hits(warm, addresses)
    for stages in Stages:
        yield from _walks(stages, addresses)
    yield _short_reads(warm, addresses)
    yield from _transfers(warm, transfers)


def _hits(warm: Bench, addresses: Sequence[int]) -> Iterator[Contest]:
    pages = {address >> 12: address for address in addresses}
    hits, count = _look_ups(warm, addresses), len(addresses)
    yield Contest(
        "IOTLB hit", "dictionary look-up", count, hits, lambda: [pages[a >> 12] for a in addresses]
    )
    yield Contest("IOTLB hit", _WALKER, count, hits, _reference_walks(warm, addresses))


def _walks(stages: Stages, addresses: Sequence[int]) -> Iterator[Contest]:
    for caches, sizes in (("cold", NO_CACHE), ("warm", STRUCTURES_CACHED)):
        bench = Bench(stages, sizes)
        look_ups, rival = _look_ups(bench, addresses), _reference_walks(bench, addresses)
        yield Contest(f"walk, {stages}, {caches}", _WALKER, len(addresses), look_ups, rival)


def _look_ups(bench: Bench, addresses: Sequence[int]) -> Callable[[], object]:
    """Asks as a requester port does, once it is known that the answers are right."""
    for address in set(addresses):
        found = bench.resolve(address)
        assert isinstance(found, Translation)
        assert found.address(address) == bench.walk_by_reference(address)
    port, attributes = bench.port, bench.attributes
    resolve, source_id = port.space.resolve, port.source_id
    return lambda: [resolve(source_id, address, 1, attributes) for address in addresses]


def _reference_walks(bench: Bench, addresses: Sequence[int]) -> Callable[[], object]:
    walk = bench.walk_by_reference
    return lambda: [walk(address) for address in addresses]


def _short_reads(bench: Bench, addresses: Sequence[int]) -> Contest:
    read, read_directly = bench.port.read, bench.direct_port.read
    targets = [address - SMALL_PAGES + TARGET for address in addresses]
    assert read(addresses[-1], _SHORT_READ).data == read_directly(targets[-1], _SHORT_READ).data
    return Contest(
        f"read {_SHORT_READ} bytes, hits",
        _UNTRANSLATED,
        len(addresses),
        lambda: [read(address, _SHORT_READ) for address in addresses],
        lambda: [read_directly(address, _SHORT_READ) for address in targets],
    )


def _transfers(bench: Bench, transfers: int) -> Iterator[Contest]:
    data = bytes(range(256)) * (PAGE_2M // 256)
    target = memoryview(bytearray(PAGE_2M))

    def writes(port: RequesterPort, iova: int) -> Callable[[], object]:
        bench.platform.write(TARGET, bytes(PAGE_2M))
        assert port.write(iova, data).transferred == PAGE_2M
        assert bench.platform.read(TARGET, PAGE_2M) == data
        return lambda: [port.write(iova, data) for _ in range(transfers)]

    def copy() -> None:
        for _ in range(transfers):
            target[:] = data

    untranslated = writes(bench.direct_port, TARGET)
    for pages, iova in (("4 KiB pages", SMALL_PAGES), ("a 2 MiB page", LARGE_PAGE)):
        yield Contest(
            f"write 2 MiB, {pages}",
            _UNTRANSLATED,
            transfers,
            writes(bench.port, iova),
            untranslated,
        )
    yield Contest("write 2 MiB, untranslated", "copy of the bytes", transfers, untranslated, copy)


def main(
    repeats: Annotated[int, typer.Option(min=1, help="Turns of each contestant.")] = 15,
    walks: Annotated[int, typer.Option(min=1, help="Look-ups in one turn.")] = 2048,
    transfers: Annotated[int, typer.Option(min=1, help="2 MiB transfers in one turn.")] = 8,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure what a translation costs, side by side with what it could cost otherwise."""
    results = compare(list(contests(walks, transfers)), repeats)
    if json_output:
        print(as_json(results, repeats=repeats, walks=walks, transfers=transfers))
    else:
        show("Translation, nanoseconds of processor time per operation", results)


if __name__ == "__main__":
    typer.run(main)
