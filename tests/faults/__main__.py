"""``make faults``: harm the bus in every way there is while messages flow, and count what became of each.

    python -m tests.faults --messages 100000 --faults 200 --seed 7
    python -m tests.faults --scenario broker-away --minutes 10

It exits with 1 where a message was lost, a call overlapped another or was repeated though it must not be, or an order
was broken. docs/faults.md says what is tried and what is counted.
"""

import argparse
import random
import signal
import sys

from rich.console import Console

from tests.faults import report
from tests.faults.stage import stage
from tests.faults.trial import Trial

SCENARIOS = ("everything", "broker-away")


def main() -> None:
    given = _arguments()
    out = Console(highlight=False)
    # Ended from outside, the suite still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with stage(given.seed, given.keep) as set_up:
        if given.keep:
            out.print(f"everything lies in {set_up.folder}")
        trial = Trial(set_up, out, given.messages, given.faults, given.rate, given.seed)
        told = trial.run() if given.scenario == "everything" else trial.away(given.minutes)
    told["command"] = "python -m tests.faults " + " ".join(sys.argv[1:])
    report.show(out, told)
    if not given.quick:
        name = "faults" if given.scenario == "everything" else given.scenario
        out.print(f"kept in {report.keep(told, name)}")
    sys.exit(0 if told["holds"] else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, help="how many are sent in all")
    parser.add_argument("--faults", type=int, help="how many strike while they flow")
    parser.add_argument("--rate", type=float, help="messages a second")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="of moments, targets and chances")
    parser.add_argument("--scenario", choices=SCENARIOS, default="everything")
    parser.add_argument("--minutes", type=float, default=10, help="how long the broker is away")
    parser.add_argument("--quick", action="store_true", help="a few minutes' part, whose result is not kept")
    parser.add_argument("--keep", action="store_true", help="leave the records and logs where they are")
    given = parser.parse_args()
    messages, faults, rate = (4_000, 25, 50.0) if given.quick else (100_000, 200, 110.0)
    if given.scenario == "broker-away":
        faults, rate = 0, 50.0
        messages = round(rate * (60 * given.minutes + 60))
    given.messages = given.messages or messages
    given.faults = faults if given.faults is None else given.faults
    given.rate = given.rate or rate
    return given


if __name__ == "__main__":
    main()
