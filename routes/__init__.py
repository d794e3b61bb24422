"""Where does a message go, and how surely?

Accepting, routing, claiming, calling, settling, retrying, and the brokers that carry.
"""
