"""The words everything shares: envelope, states, errors, settings, clock, languages.

Nothing here performs I/O or imports another folder of the house.
"""
