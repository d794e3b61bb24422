"""How the bus proves to a system who is calling: part of a system."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from documents.kinds.base import Part
from documents.kinds.values import Flag, HeaderName, Line, Secret


class NoAuth(Part):
    """The system asks nobody who they are."""

    scheme: Literal["none"] = Field(description="No authentication.")


class Basic(Part):
    """HTTP Basic (RFC 7617)."""

    scheme: Literal["basic"] = Field(description="HTTP Basic authentication.")
    username: Line = Field(description="The name under which the bus calls.")
    password: Secret = Field(description="The password, as secret:NAME.")


class Bearer(Part):
    """A bearer token (RFC 6750)."""

    scheme: Literal["bearer"] = Field(description="A bearer token in the header Authorization.")
    token: Secret = Field(description="The token, as secret:NAME.")


class ApiKey(Part):
    """A secret in a header of the system's own choosing."""

    scheme: Literal["api-key"] = Field(description="A key in a header.")
    header: HeaderName = Field(description="The header that carries the key: X-API-Key.")
    value: Secret = Field(description="The key, as secret:NAME.")


class WsseUsername(Part):
    """WS-Security 1.0 UsernameToken."""

    scheme: Literal["wsse-username"] = Field(description="A WS-Security UsernameToken, for SOAP.")
    username: Line = Field(description="The name under which the bus calls.")
    password: Secret = Field(description="The password, as secret:NAME.")
    digest: Flag = Field(
        default=False, description="Send a digest of the password (PasswordDigest) and not the password itself."
    )
    timestamp: Flag = Field(default=False, description="Send a Timestamp besides, which is good for five minutes.")


class WsseSignature(Part):
    """WS-Security 1.0 signature with an X.509 certificate."""

    scheme: Literal["wsse-x509"] = Field(description="A WS-Security signature, for SOAP.")
    certificate: Secret = Field(description="The bus's certificate and key for it (PEM), as secret:NAME.")
    reference: Literal["token", "issuer-serial", "key-identifier", "thumbprint"] = Field(
        default="token",
        description="How the server knows the certificate: it is sent along, or named by its issuer and serial number,"
        " its subject key identifier or its thumbprint.",
    )
    username: Line | None = Field(default=None, description="Of a UsernameToken that is sent besides, and signed.")
    password: Secret | None = Field(default=None, description="Its password, as secret:NAME.")
    digest: Flag = Field(default=False, description="Send a digest of the password, not the password itself.")

    @model_validator(mode="after")
    def _coherent(self) -> "WsseSignature":
        if (self.username is None) != (self.password is None) or (self.digest and self.username is None):
            raise ValueError("`username`, `password` and `digest` belong together.")
        return self


Auth = Annotated[NoAuth | Basic | Bearer | ApiKey | WsseUsername | WsseSignature, Field(discriminator="scheme")]
