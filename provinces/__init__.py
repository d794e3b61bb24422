"""Whom can the bus be tried on? Sample provinces: their documents, and stand-ins for the applications of their departments."""
