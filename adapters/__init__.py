"""How is a system spoken to, and how does it speak to the bus?

One folder a protocol: `outbound` (we call it), `inbound` (it calls us); what both share lies here.
"""
