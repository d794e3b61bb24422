"""How is RabbitMQ spoken to, so that it carries what the journal holds?

Topology as data, one connection to publish and one to consume, pipelined confirms, and everything again after a loss.
"""
