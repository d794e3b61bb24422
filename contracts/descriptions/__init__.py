"""What does a contract look like in the reader's own language?

OpenAPI 3.1, WSDL 1.1 with its XSD, AsyncAPI 3.0, JSON Schema 2020-12 and a page for people; each made whole and alone.
"""
