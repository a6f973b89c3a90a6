"""Whether a run fits into the container's memory, and who has to go when it is nearly full. Pure."""

from collections.abc import Sequence

from scriptorium_runner.engine.pool.container_memory import MemoryReading

_MB = 1024 * 1024
#: A worker smaller than this part of the limit is not worth its end: it is not what fills the memory.
_WORTHWHILE_PART = 0.02
#: Faster than the workers of a few cores fill memory; the pauses between two looks follow from it.
_BYTES_PER_SECOND = 4 * 1024 * _MB
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


def fits(wanted_mb: int, promised_mb: int, idle: MemoryReading, held: int = 0) -> bool:
    """Say whether a run may start beside those that were promised their memory.

    `idle` is what the container used when nothing ran, `held` the bytes that the supervisor holds of calls
    since. Who is alone always may: else a run whose limit is larger than the container's would wait for ever.
    """
    return not promised_mb or idle.used + held + (promised_mb + wanted_mb) * _MB <= idle.limit


def fits_part(wanted_mb: int, promised_mb: int, idle: MemoryReading, part: float) -> bool:
    """Say whether a run fits into its lane's part of the memory, beside those of the lane that were promised
    theirs."""
    return (promised_mb + wanted_mb) * _MB <= (idle.limit - idle.used) * part


def choose_victim(footprints: Sequence[int], reading: MemoryReading, part: float) -> int | None:
    """Give which worker has to end, by the bytes each holds: the largest one, or None if nobody has to."""
    if reading.used < reading.limit * part or not footprints:
        return None
    largest = max(range(len(footprints)), key=lambda index: footprints[index])
    return largest if footprints[largest] >= reading.limit * _WORTHWHILE_PART else None


def find_pause(reading: MemoryReading, part: float) -> float:
    """Give how long nobody has to look: the nearer the mark, the shorter."""
    room = reading.limit * part - reading.used
    return min(max(room / _BYTES_PER_SECOND, _SHORTEST_PAUSE), _LONGEST_PAUSE)
