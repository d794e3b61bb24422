"""How is the bus put together, run, and kept?

One process with its parts, the data folder of the embedded default, logs, and the demonstration.
"""
