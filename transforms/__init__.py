"""How does one shape become another?

Mappings compiled to functions, and the JSON view of XML. Pure: no I/O, no clock, no randomness. What runs in processes
of its own is in `transforms.apart`, and pure as well.
"""
