"""``make bench``: what the bus does in a second, and what it adds to a call, each beside the raw limit of the same run.

Everything runs on loopback, is bounded in time, and ends with the processes it started. What was measured is printed
and, where nothing was cut short, written to ``bench/results/PART-DATE.json``.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench import apart, embedded, growth, inbox, large, production, soap
from bench.figures import Run, machine, out
from tests.services import postgresql, rabbitmq

PARTS: Final = MappingProxyType(
    {
        "embedded": embedded,
        "production": production,
        "large": large,
        "growth": growth,
        "apart": apart,
        "inbox": inbox,
        "soap": soap,
    },
)

QUICK: Final = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything; nothing is written")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given several times")
    given = parser.parse_args()
    # Ended from outside, the bench still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    out.print(machine())
    for name in given.only or PARTS:
        run = Run(name, QUICK if given.quick else 1.0)
        # Not below a folder of our own: PostgreSQL runs under another account.
        with tempfile.TemporaryDirectory(prefix="lgsp-bench-") as temporary, out.status(name):
            try:
                PARTS[name].measure(run, Path(temporary))
            except (postgresql.Missing, rabbitmq.Missing) as missing:
                out.print(f"{name} was not measured: {missing.__doc__}")
                continue
        PARTS[name].tell(run)
        if not given.quick:
            out.print(f"kept in {run.write().relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
