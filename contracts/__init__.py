"""What must a message be?

Contracts with their versions, the parsing of bodies from outside, and the validators compiled from schemas.
"""
