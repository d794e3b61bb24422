"""What happened?

Tables and migrations, the committer that makes it durable, the queries people ask, and the chain of audit events.
"""
