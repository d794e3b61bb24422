"""Measurements: each figure of the bus beside the raw limit of the same run."""
