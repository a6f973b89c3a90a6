"""The files of a memory cgroup, in a folder of a test's own."""

from pathlib import Path

MB = 1024 * 1024

#: As a kernel 5.10 wrote it for a cgroup with a limit of 256 MiB.
VERSION_1_STAT = """\
cache 93327360
rss 2379776
rss_huge 0
mapped_file 217088
inactive_anon 2363392
active_anon 16384
inactive_file 7057408
active_file 86056960
unevictable 0
hierarchical_memory_limit 268435456
hierarchical_memsw_limit 9223372036854771712
total_cache 93327360
total_rss 2379776
total_mapped_file 217088
total_inactive_anon 2363392
total_active_anon 16384
total_inactive_file 7057408
total_active_file 86056960
total_unevictable 0
"""

#: The names are those that kernels since 5.12 write.
VERSION_2_STAT = """\
anon 81920000
file 20480000
kernel_stack 98304
pagetables 503808
percpu 1040
sock 4096
shmem 0
file_mapped 9461760
file_dirty 0
file_writeback 0
swapcached 0
anon_thp 0
file_thp 0
shmem_thp 0
inactive_anon 81899520
active_anon 20480
inactive_file 10485760
active_file 9994240
unevictable 0
slab_reclaimable 1048576
slab_unreclaimable 524288
slab 1572864
workingset_refault_anon 0
workingset_refault_file 0
pgfault 41277
pgmajfault 12
"""


def write_version_1(folder: Path, stat: str = VERSION_1_STAT, used: int = 96_000_000) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.stat").write_text(stat)
    (folder / "memory.usage_in_bytes").write_text(f"{used}\n")


def write_version_2(folder: Path, limit: str = "max", used: int = 100 * MB) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.stat").write_text(VERSION_2_STAT)
    (folder / "memory.max").write_text(f"{limit}\n")
    set_used(folder, used)


def set_used(folder: Path, used: int) -> None:
    """Write at once, as the kernel does: whoever reads sees the one or the other."""
    (folder / "new").write_text(f"{used}\n")
    (folder / "new").rename(folder / "memory.current")
