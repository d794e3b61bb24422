"""How does what a department already has (a WSDL, an OpenAPI document, a schema, examples) become documents?

Tolerant in, strict out: every loss is told with its place, every problem is found, and nothing is ever fetched.
"""
