"""A small province, invented whole: seven agencies that exchange messages, each in its own old way."""
