"""How what a system can bear is shared among the workers that live: each works out its own part and asks nobody."""

from collections.abc import Sequence
from zlib import crc32


def share(limit: int, system: str, workers: Sequence[str], worker: str) -> int:
    """This worker's part of so many calls at the same time; 0 where it is not among the workers.

    The parts of all of them are the limit, and differ by one at most. Who has one more than others depends on the
    system's name, so that systems with small limits do not all lie with the same worker.
    """
    if worker not in workers:
        return 0
    count = len(workers)
    rank = (sorted(workers).index(worker) + crc32(system.encode())) % count
    return limit // count + (rank < limit % count)
