"""What callers may not ask for, told before there is a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from hdl_bridge.axi import AxiUser, BurstPort
from hdl_bridge.registers import RegisterWindow
from hdl_bridge.reset import ResetLine, reset_platform
from hdl_bridge.stall import StallInput
from hdl_bridge.wishbone import WishboneMaster, WishboneMemory, WishboneRegisters
from vtd_plugin import VtdUnit
from vtd_plugin.bus.testing import FakeDevice

if TYPE_CHECKING:
    from vtd_plugin.bus import Platform, Requester


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"pasid": -1}, "the number of a bit is not negative"),
        ({"privileged": -3}, "the number of a bit is not negative"),
        ({"pasid": 1}, "a bit has two meanings"),
        ({"execute": 21}, "a bit has two meanings"),
    ],
)
def test_a_layout_of_axuser_gives_each_bit_one_meaning(
    layout: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        AxiUser(**layout)


def test_a_layout_knows_how_many_bits_it_takes() -> None:
    assert AxiUser().width == 24
    assert AxiUser(4, 0, 1, None, None).width == 24
    assert AxiUser(0, 40, None, None, None).width == 41


def port_of(requester: Any, source_id: Any = None, **options: Any) -> BurstPort:
    user, on_fault = options.pop("user", None), options.pop("on_fault", "DECERR")
    return BurstPort(requester, source_id, on_fault, user, cast("Any", options))


def test_a_platform_needs_a_source_id_and_a_port_has_one(platform: Platform) -> None:
    with pytest.raises(TypeError, match="needs a source_id"):
        port_of(platform)
    with pytest.raises(TypeError, match="one too many"):
        port_of(platform.requester("00:04.0"), "00:04.0")


@pytest.mark.parametrize("requester", ["00:04.0", None, 7])
def test_what_is_no_requester_is_refused(requester: object) -> None:
    with pytest.raises(TypeError, match="is neither a requester nor a platform"):
        port_of(requester)


def test_an_unknown_fault_response_is_refused(platform: Platform) -> None:
    with pytest.raises(ValueError, match=r"'EXOKAY' is no .* 'DECERR', 'SLVERR'"):
        port_of(platform, "00:04.0", on_fault="EXOKAY")


@pytest.mark.parametrize(
    ("option", "kind", "message"),
    [
        ({"psid": 4}, TypeError, r"\['psid'\] are no options of a request"),
        ({"pasid": 1 << 20}, ValueError, "PASID 0x100000 is not within 20 bits"),
        ({"pasid": 7.0}, TypeError, "PASID 7.0 is no int"),
        ({"address_type": "translated"}, TypeError, "address_type='translated' is no AddressType"),
        ({"address_type": None}, TypeError, "address_type=None is no AddressType"),
    ],
)
def test_options_are_looked_at_before_there_is_a_request(
    platform: Platform, option: dict[str, Any], kind: type[Exception], message: str
) -> None:
    port: Requester = platform.requester("00:04.0")
    with pytest.raises(kind, match=message):
        port_of(port, **option)
    with pytest.raises(kind, match=message):
        port.read(0, 4, **option)


@pytest.mark.parametrize("user", [AxiUser, 5])
def test_a_layout_is_a_function_of_axuser(platform: Platform, user: object) -> None:
    with pytest.raises(TypeError, match="is no function of AxUSER"):
        port_of(platform, "00:04.0", user=user)


@pytest.mark.parametrize("width", [0, 23, 24])
def test_a_bus_has_as_many_bits_of_axuser_as_its_layout(platform: Platform, width: int) -> None:
    port = port_of(platform, "00:04.0", user=AxiUser())
    if width == 24:
        port.require_user("awuser", width)
    else:
        message = "has no awuser" if width == 0 else "needs 24 bits; awuser has 23"
        with pytest.raises(ValueError, match=message):
            port.require_user("awuser", width)
    port_of(platform, "00:04.0", user=lambda _: {}).require_user("awuser", 1)
    port_of(platform, "00:04.0").require_user("awuser", 0)


def test_a_window_is_of_registers_at_an_address() -> None:
    with pytest.raises(TypeError, match="None has no registers"):
        RegisterWindow(cast("Any", None), 0)
    with pytest.raises(ValueError, match="base=-4"):
        RegisterWindow(VtdUnit(), -4)


@pytest.mark.parametrize("bus", [None, "wb"])
def test_a_wishbone_bus_is_one(platform: Platform, bus: Any) -> None:
    with pytest.raises(TypeError, match="is no WishboneBus"):
        WishboneMemory(bus, None, None, platform, "00:06.0")
    with pytest.raises(TypeError, match="is no WishboneBus"):
        WishboneRegisters(bus, None, None, VtdUnit())
    with pytest.raises(TypeError, match="is no WishboneBus"):
        WishboneMaster(bus, None)


def test_a_stall_input_has_five_bits() -> None:
    with pytest.raises(ValueError, match="has 1 bits; a stall input has 5"):
        StallInput([0], None)


def test_a_reset_takes_at_least_a_cycle() -> None:
    with pytest.raises(ValueError, match="cycles=0: a reset takes at least one"):
        ResetLine("master", None, None, cycles=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gap": -3}, "gap=-3"),
        ({"kind": "hot"}, "'hot' is no ResetKind"),
        ({"order": "none-first"}, "'none-first' is no ResetOrder"),
    ],
)
def test_a_wrong_reset_of_a_platform_resets_nothing(
    platform: Platform, arguments: dict[str, Any], message: str
) -> None:
    device = platform.add_device(FakeDevice())
    with pytest.raises(ValueError, match=message):
        reset_platform(platform, None, **arguments).send(None)
    assert device.resets == []
