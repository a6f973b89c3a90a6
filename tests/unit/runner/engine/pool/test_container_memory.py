import os
from pathlib import Path

import pytest

from scriptorium_runner.engine import find_container_memory
from scriptorium_runner.engine.pool.container_memory import MemoryReading, read_footprint
from tests.unit.runner.engine.cgroups import MB, VERSION_1_STAT, write_version_1, write_version_2

VERSION_1 = "9:name=systemd:/pod/c\n4:memory:/pod/c\n3:cpu,cpuacct:/pod/c\n0::/\n"
VERSION_2 = "0::/pod/c\n"


def read(tmp_path: Path, text: str) -> MemoryReading | None:
    (tmp_path / "cgroup").write_text(text)
    found = find_container_memory(tmp_path / "cgroup", tmp_path / "mount")
    assert found is not None
    return found.read()


@pytest.mark.parametrize(
    "folder", ["memory/pod/c", "memory"], ids=["seen from the node", "as the mount's root"]
)
def test_version_1_says_its_limit_and_use_without_what_it_can_drop(tmp_path, folder):
    write_version_1(tmp_path / "mount" / folder)
    assert read(tmp_path, VERSION_1) == MemoryReading(limit=256 * MB, used=96_000_000 - 7_057_408)


@pytest.mark.parametrize("folder", ["pod/c", "."], ids=["seen from the node", "as the mount's root"])
def test_version_2_says_its_limit_and_use_without_what_it_can_drop(tmp_path, folder):
    write_version_2(tmp_path / "mount" / folder, str(256 * MB))
    assert read(tmp_path, VERSION_2) == MemoryReading(limit=256 * MB, used=90 * MB)


def test_the_lowest_limit_on_the_way_up_counts(tmp_path):
    write_version_2(tmp_path / "mount/pod", str(128 * MB))
    write_version_2(tmp_path / "mount/pod/c", "max")
    assert read(tmp_path, VERSION_2).limit == 128 * MB


def test_without_a_limit_there_is_nothing_to_read(tmp_path):
    write_version_2(tmp_path / "mount")
    assert read(tmp_path, VERSION_2) is None
    write_version_1(tmp_path / "mount/memory", VERSION_1_STAT.replace("268435456", "9223372036854771712"))
    assert read(tmp_path, VERSION_1) is None


def test_without_a_memory_cgroup_there_is_none(tmp_path):
    assert find_container_memory(tmp_path / "missing", tmp_path) is None
    (tmp_path / "cgroup").write_text(VERSION_1)
    assert find_container_memory(tmp_path / "cgroup", tmp_path) is None
    (tmp_path / "cgroup").write_text("")
    assert find_container_memory(tmp_path / "cgroup", tmp_path) is None


def test_files_that_make_no_sense_are_no_limit(tmp_path):
    write_version_2(tmp_path / "mount", str(256 * MB))
    (tmp_path / "mount/memory.stat").write_text("nonsense\n")
    assert read(tmp_path, VERSION_2) is None


def test_a_process_says_what_it_holds_and_one_that_is_gone_nothing():
    assert read_footprint(os.getpid()) > MB
    assert read_footprint(2**22 + 1) == 0
