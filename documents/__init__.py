"""What does an administrator write?

The kinds of documents, reading them from a folder, checking them, and what applying them would change.
"""
