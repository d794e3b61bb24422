"""Who answers on the other side? Stand-ins for the departments' own applications.

They speak only HTTP and know nothing of the bus: what they ask for is what their WSDL, XSD or interface asks for.
"""
