"""How do transforms run whose time and memory nobody can foresee?

In a few processes of their own, each with a bound on both: JSONata and XSLT are whole languages, and a small text in
one may need hours. What runs there is killed when its time is over; the process that serves goes on.
"""
