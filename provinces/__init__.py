"""Whom can the bus be tried on? Sample provinces: their documents, and stand-ins for their applications."""
