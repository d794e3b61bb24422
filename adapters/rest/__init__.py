"""HTTP with JSON or XML bodies."""
