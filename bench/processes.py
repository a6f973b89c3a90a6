"""What the kernel tells of an engine's processes."""

from pathlib import Path


def find_descendants(parent: int) -> list[int]:
    """Give all processes below a process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [parent]
    while queue:
        queue += (below := children.get(queue.pop(), []))
        found += below
    return found


def read_memory(process: int) -> dict[str, float]:
    """Give a process's memory in MiB: resident, its share of it, and what is its alone."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    values = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    own = values["Private_Clean"] + values["Private_Dirty"]
    return {"RSS": values["Rss"] / 1024, "PSS": values["Pss"] / 1024, "private": own / 1024}
