"""What is misconfigured, what is about to go wrong, and how to mend it?

Each module looks at one part: this machine, the journal, the broker, what the bus is told to do.
"""
