"""Domain-ids: the tags of what a unit caches of an address space (section 6.2)."""

from __future__ import annotations

from typing import Final

NOT_PRESENT: Final = 0
"""The domain-id of context and PASID entries that are not present, where a unit caches these too
(sections 6.2.2 and 6.2.3)."""


class DomainIds:
    """The domain-ids of one unit; that of what is not present is never handed out.

    Args:
        count: How many there are, from 0 on.
    """

    __slots__ = ("_count", "_pass_through", "_used")

    def __init__(self, count: int) -> None:
        self._count = count
        self._pass_through: int | None = None
        self._used: set[int] = set()

    def take(self, domain_id: int | None = None) -> int:
        """Reserve a domain-id.

        Args:
            domain_id: The one wanted; by default the lowest that is free.

        Raises:
            ValueError: It is in use or out of range, or none is free.
        """
        if domain_id is None:
            free = (number for number in range(1, self._count) if number not in self._used)
            domain_id = next(free, self._count)
        if not 1 <= domain_id < self._count or domain_id in self._used:
            raise ValueError(
                f"domain-id {domain_id:#x} is in use or not within 1 to {self._count - 1:#x}"
            )
        self._used.add(domain_id)
        return domain_id

    @property
    def pass_through(self) -> int:
        """The one for all that is not translated, taken when it is first needed.

        Raises:
            ValueError: None is free.
        """
        if self._pass_through is None:
            self._pass_through = self.take()
        return self._pass_through

    def give_back(self, domain_id: int) -> None:
        """Let a domain-id be taken again.

        Args:
            domain_id: One that was taken.
        """
        self._used.remove(domain_id)
