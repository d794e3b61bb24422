"""What is misconfigured, what is about to go wrong, and how to mend it?

Each module looks at one part: this machine, the journal, the broker, what the bus is told to do.
"""

from running.doctor.examination import examine
from running.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
