"""Who is asking, and what may they do?

Agencies, credentials, tokens, the key ring, grants.
"""
