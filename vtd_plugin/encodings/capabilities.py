"""What a unit is able to do: VER, CAP, ECAP, and the host address width of its platform.

Sections 11.4.1 to 11.4.3. Whether a field exists, a bit is reserved or a request is legal depends
on these numbers, so they are one immutable value that everything else asks. It is not checked
here that the numbers make sense together, only told (`unmet_requirements`): hardware exists, and
emulators do, whose numbers do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings import _expression, registers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vtd_plugin.encodings._layout import Layout

MIN_HOST_ADDRESS_WIDTH: Final = 32
MAX_HOST_ADDRESS_WIDTH: Final = 52
"""Paging entries hold address bits up to 51 (sections 9.7 and 9.8)."""

_WIDTHS_BY_SAGAW_BIT: Final = {1: 39, 2: 48, 3: 57}
_COUNTER_STRIDE: Final = "stride"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of one unit.

    Args:
        version: Value of VER, 32 bits.
        cap: Value of CAP, 64 bits.
        ecap: Value of ECAP, 64 bits.
        haw: Host address width in bits, 32 to 52.
        others: Values of further registers that are set by configuration, by name, such as
            `{"PERFCAP": ..., "MTRRCAP": ...}`; what is not named is 0.

    Attributes:
        VER: View of `version`.
        CAP: View of `cap`.
        ECAP: View of `ecap`.

    Raises:
        ValueError: A value does not fit its register, or `haw` is out of range, or `others` names
            a register that configuration does not set.
    """

    version: int
    cap: int
    ecap: int
    haw: int
    others: Mapping[str, int] = field(default_factory=dict, hash=False)
    VER: registers.VER = field(init=False, repr=False, compare=False)
    CAP: registers.CAP = field(init=False, repr=False, compare=False)
    ECAP: registers.ECAP = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not MIN_HOST_ADDRESS_WIDTH <= self.haw <= MAX_HOST_ADDRESS_WIDTH:
            raise ValueError(
                f"host address width {self.haw} is not within "
                f"{MIN_HOST_ADDRESS_WIDTH} to {MAX_HOST_ADDRESS_WIDTH} bits"
            )
        for name, number in self.others.items():
            _check_configurable(name, number)
        object.__setattr__(self, "others", dict(self.others))
        object.__setattr__(self, "VER", registers.VER(self.version))
        object.__setattr__(self, "CAP", registers.CAP(self.cap))
        object.__setattr__(self, "ECAP", registers.ECAP(self.ecap))

    @property
    def version_major(self) -> int:
        """Major version of the register set (VER.MAX)."""
        return self.VER.MAX

    @property
    def domain_id_width(self) -> int:
        """Width of a domain-id in bits (CAP.ND)."""
        return 4 + 2 * self.CAP.ND

    @property
    def mgaw_bits(self) -> int:
        """Maximum guest address width in bits (CAP.MGAW, which holds one less)."""
        return self.CAP.MGAW + 1

    @property
    def supported_widths(self) -> tuple[int, ...]:
        """The second-stage address widths in bits that CAP.SAGAW reports: of 39, 48 and 57."""
        sagaw = self.CAP.SAGAW
        return tuple(width for bit, width in _WIDTHS_BY_SAGAW_BIT.items() if sagaw >> bit & 1)

    def satisfies(self, expression: str, **flags: bool) -> bool:
        """Whether a requirement of the architecture's tables is met.

        Args:
            expression: `A;B` both, `A|B` either, where a term is `X.F`, `X.F>n`, `X.F[bit]` or a
                name alone: one of `flags`, else a field of CAP, else of ECAP. An empty
                expression is always met.
            **flags: Run-time state that the expression may name, such as `SSIRWE`.

        Raises:
            ValueError: The expression is malformed or names something unknown.
        """
        return all(
            any(term.holds(self._value_of(term, flags)) for term in clause)
            for clause in _expression.requirement(expression)
        )

    def unmet_requirements(self) -> dict[str, str]:
        """The capability fields that are set although what they require is absent.

        Returns:
            By field (`ECAP.PRS`), the requirement (`DT;SMTS`); empty if the numbers agree.
        """
        return {
            f"{view.NAME}.{name}": item.requires
            for view in (self.CAP, self.ECAP)
            for name, item in view.FIELDS.items()
            if getattr(view, name) and not self.satisfies(item.requires)
        }

    def configured(self, register: str) -> int:
        """The value that a register was configured with; 0 if it was not.

        Args:
            register: Name of the register, such as `CAP` or `PERFCAP`.
        """
        own = {"VER": self.version, "CAP": self.cap, "ECAP": self.ecap}
        return own.get(register, self.others.get(register, 0))

    def number(self, name: str) -> int:
        """A number that a register offset is made of.

        Args:
            name: `X.F` a field, `X` the value of a configured register, or `stride`, the bytes
                between performance counters (PERFCAP.CS, section 11.4.13.2).

        Raises:
            ValueError: The name is unknown, or no value was configured.
        """
        if name == _COUNTER_STRIDE:
            return 1 << (self.number("PERFCAP.CS") + 10)
        register, _dot, field_name = name.partition(".")
        if register not in ("VER", "CAP", "ECAP") and register not in self.others:
            raise ValueError(f"no value of {register} is configured, only of {sorted(self.others)}")
        return _field_value(self._view(register), field_name) if field_name else self.others[name]

    def _value_of(self, term: _expression.Term, flags: Mapping[str, bool]) -> int:
        if term.register:
            return _field_value(self._view(term.register), term.field)
        if term.field in flags:
            return flags[term.field]
        view = self.CAP if term.field in registers.CAP.FIELDS else self.ECAP
        return _field_value(view, term.field)

    def _view(self, register: str) -> Layout:
        views: dict[str, Layout] = {"VER": self.VER, "CAP": self.CAP, "ECAP": self.ECAP}
        return views.get(register) or _configurable(register)(self.others.get(register, 0))


def _field_value(view: Layout, name: str) -> int:
    if name not in view.FIELDS:
        raise ValueError(f"{view.NAME} has no field {name!r}; it has {', '.join(view.FIELDS)}")
    number: int = getattr(view, name)
    return number


@cache
def _configurable_registers() -> dict[str, type[registers.Register]]:
    return {
        register.NAME: register
        for register in registers.REGISTERS
        if any(item.reset == "impl" for item in register.FIELDS.values())
    }


def _configurable(name: str) -> type[registers.Register]:
    """The register of that name, if configuration sets it."""
    found = _configurable_registers()
    if name not in found:
        raise ValueError(f"{name!r} is not a register set by configuration: {', '.join(found)}")
    return found[name]


def _check_configurable(name: str, number: int) -> None:
    register = _configurable(name)
    if name in ("VER", "CAP", "ECAP"):
        raise ValueError(f"{name} has an argument of its own, it cannot be one of the others")
    register(number)
