"""SOAP 1.1 and 1.2 over HTTP, described by WSDL 1.1."""
