import sys
from pathlib import Path

import pytest

from scriptorium_runner.host.http.gateways import find_gateways
from scriptorium_runner.pool_settings import read_pool_settings
from tests.unit.runner.test_settings import LEAST

ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t{gateway}\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000620A\t{gateway}\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t0000620A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
"""
IPV6_ROUTE = """\
fd120000000000000000000000000000 40 {none} 00 {none} 00000100 00000001 00000000 00000001     eth0
{none} 00 {none} 00 fd120000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the kernel tells of a pod on a bridge, 10.98.0.1."""
    gateway = f"{int.from_bytes(bytes([10, 98, 0, 1]), sys.byteorder):08X}"
    (tmp_path / "route").write_text(ROUTE.format(gateway=gateway))
    (tmp_path / "ipv6_route").write_text(IPV6_ROUTE.format(none="0" * 32))
    return tmp_path


def test_gateways_are_read_as_the_kernel_writes_them(folder: Path) -> None:
    assert [str(each) for each in find_gateways(folder)] == ["10.98.0.1", "fd12::1"]


def test_a_kernel_without_ipv6_has_the_others(folder: Path) -> None:
    (folder / "ipv6_route").unlink()
    assert [str(each) for each in find_gateways(folder)] == ["10.98.0.1"]


def test_without_routes_there_are_none(tmp_path: Path) -> None:
    assert find_gateways(tmp_path) == ()


def test_a_runner_in_a_pod_denies_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_gateways(folder)
    monkeypatch.setattr("scriptorium_runner.host.http.gateways.find_gateways", lambda: found)
    denied = [str(each) for each in read_pool_settings(LEAST).http.denied_networks]
    assert {"10.98.0.1/32", "fd12::1/128"} <= set(denied)
