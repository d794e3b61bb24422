"""Requests as old toolkits write them: each from what it is known to send, byte for byte where that matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.interop.sample import NS, TEXT

V11, V12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
ENC, ENC12 = "http://schemas.xmlsoap.org/soap/encoding/", "http://www.w3.org/2003/05/soap-encoding"
XSI, XSD = "http://www.w3.org/2001/XMLSchema-instance", "http://www.w3.org/2001/XMLSchema"
WSA, WSA_2004 = "http://www.w3.org/2005/08/addressing", "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ACTION: Final = "urn:lgsp:contract:stand-in.record:1:request"
TYPES: Final = f'xmlns:xsi="{XSI}" xmlns:xsd="{XSD}"'

ESCAPED: Final = TEXT.replace("&", "&amp;").replace("<", "&lt;")


def entry(prefix: str = "", nil: str = "xsi:nil", between: str = "", text: str = ESCAPED) -> str:
    """The sample's entry with names of that prefix, its attribute for nil, and what stands between its elements."""
    p = f"{prefix}:" if prefix else ""
    members = (
        f"<{p}text>{text}</{p}text>",
        f"<{p}kind>keep</{p}kind><{p}whole>-42</{p}whole><{p}amount>12345678901.25</{p}amount>",
        f"<{p}right>true</{p}right><{p}day>2026-02-28</{p}day><{p}at>2026-02-28T23:59:59+07:00</{p}at>",
        f'<{p}octets>AP8Q</{p}octets><{p}note {nil}="true"/><{p}blank/>',
        f"<{p}tag>một</{p}tag><{p}tag/><{p}tag>ba</{p}tag>",
        f"<{p}part><{p}name>một mình</{p}name><{p}count>2</{p}count></{p}part>",
    )
    return f"<{p}entry>{between}{between.join(members)}{between}</{p}entry>"


def record(attributes: str = "", **how: str) -> str:
    """The operation's element in its own namespace."""
    return f'<Record xmlns="{NS}"{attributes}>{entry(**how)}</Record>'


def envelope(
    body: str, prefix: str = "soap", scope: str = TYPES, header: str = "", space: str = V11, on_body: str = ""
) -> str:
    """`scope` is what else the envelope declares."""
    p = prefix
    declared = f'<{p}:Envelope xmlns:{p}="{space}" {scope}>'
    return f"{declared}{header}<{p}:Body{on_body}>{body}</{p}:Body></{p}:Envelope>"


@dataclass(frozen=True, slots=True)
class Toolkit:
    """One request. `head` are its header fields but for those of HTTP itself and of who asks; `first` is its request
    line, whose address is put in. `refused` is the code where it is not taken; in `chunks`, the body has no length.
    `waits` for 100 Continue before the body. It is sent to `to`."""

    says: str
    body: str | bytes
    head: Mapping[str, str]
    first: str = "POST {} HTTP/1.1"
    to: str = "/soap/stand-in.record"
    chunks: bool = False
    waits: bool = False
    refused: str = ""
    authorization: str = "Authorization: Basic"

    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else self.body.encode()


OWN_NIL: Final = f'xmlns:i="{XSI}" i:nil'
XML: Final = '<?xml version="1.0" encoding="utf-8"?>'
PLAIN: Final = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{ACTION}"'}
HTTP_10: Final = "POST {} HTTP/1.0"


def typed(name: str, value: str, kind: str) -> str:
    return f'<{name} xsi:type="xsd:{kind}">{value}</{name}>'


AXIS_MULTIREF: Final = (
    f'<ns1:find soapenv:encodingStyle="{ENC}" xmlns:ns1="urn:old"><asked href="#id0"/></ns1:find>'
    f'<multiRef id="id0" soapenc:root="0" soapenv:encodingStyle="{ENC}" xsi:type="ns2:Asked"'
    f' xmlns:soapenc="{ENC}" xmlns:ns2="urn:old"><number href="#id1"/><names soapenc:arrayType="xsd:string[2]"'
    ' xsi:type="soapenc:Array"><names>An</names><names>Bình</names></names>'
    '<note xsi:type="xsd:string" xsi:nil="true"/></multiRef>'
    f'<multiRef id="id1" soapenc:root="0" soapenv:encodingStyle="{ENC}" xsi:type="xsd:int" xmlns:soapenc="{ENC}">7'
    "</multiRef>"
)

ENCODED: Final = (
    f'<m:find xmlns:m="urn:old"><asked xsi:type="m:Asked">{typed("number", "7", "int")}'
    '<names xsi:type="SOAP-ENC:Array" SOAP-ENC:arrayType="xsd:string[2]">'
    f"{typed('item', 'An', 'string')}{typed('item', 'Bình', 'string')}</names>"
    '<note xsi:nil="true" xsi:type="xsd:string"/></asked></m:find>'
)

WSE_HEADER: Final = (
    f'<soap:Header><wsa:Action xmlns:wsa="{WSA_2004}">{ACTION}</wsa:Action>'
    f'<wsa:MessageID xmlns:wsa="{WSA_2004}">uuid:0b3f7a4e-2b41-4a6e-9d53-5f3f7c1c2a10</wsa:MessageID>'
    f'<wsa:ReplyTo xmlns:wsa="{WSA_2004}"><wsa:Address>{WSA_2004}/role/anonymous</wsa:Address></wsa:ReplyTo>'
    f'<wsa:To xmlns:wsa="{WSA_2004}">http://lgsp.example/soap/stand-in.record</wsa:To></soap:Header>'
)

WCF_HEADER: Final = (
    f'<s:Header><a:Action s:mustUnderstand="1" xmlns:a="{WSA}">{ACTION}</a:Action>'
    f'<a:MessageID xmlns:a="{WSA}">urn:uuid:6f6a1c52-8a3b-4d7e-9b7e-2f0c8a1d9e33</a:MessageID>'
    f'<a:ReplyTo xmlns:a="{WSA}"><a:Address>{WSA}/anonymous</a:Address></a:ReplyTo>'
    '<VsDebuggerCausalityData xmlns="http://schemas.microsoft.com/vstudio/diagnostics/servicemodelsink">uIDPo0</'
    f'VsDebuggerCausalityData><a:To s:mustUnderstand="1" xmlns:a="{WSA}">http://lgsp.example/</a:To></s:Header>'
)

TOOLKITS: Final[dict[str, Toolkit]] = {
    "dotnet-1.1": Toolkit(
        ".NET's ASMX proxy waits for 100 Continue before it sends its envelope.",
        XML + envelope(record()),
        {"User-Agent": "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 1.1.4322.2032)", **PLAIN}
        | {"Expect": "100-continue"},
        waits=True,
    ),
    "dotnet-2.0-soap-1.2": Toolkit(
        "The ASMX proxy of SOAP 1.2 names its action in the media type, in quotes, and sends no SOAPAction.",
        XML + envelope(record(), "soap12", space=V12),
        {"Content-Type": f'application/soap+xml; charset=utf-8; action="{ACTION}"'},
    ),
    "wse": Toolkit(
        "WSE sends the addressing headers of 2004, which are not understood and need not be.",
        XML + envelope(record(), header=WSE_HEADER),
        PLAIN,
    ),
    "wcf-basic": Toolkit(
        "WCF's BasicHttpBinding makes s the prefix of the envelope and declares nothing that it does not need.",
        f'<s:Envelope xmlns:s="{V11}"><s:Body>{record(nil=OWN_NIL)}</s:Body></s:Envelope>',
        {**PLAIN, "Accept-Encoding": "gzip, deflate"},
    ),
    "wcf-ws": Toolkit(
        "WCF's WSHttpBinding wants Action and To understood, and has its action nowhere but there.",
        envelope(record(), "s", header=WCF_HEADER, space=V12),
        {"Content-Type": "application/soap+xml; charset=utf-8"},
    ),
    "axis-1.4": Toolkit(
        "Axis 1.4 speaks HTTP/1.0 and sends an empty SOAPAction in quotes.",
        f'<?xml version="1.0" encoding="UTF-8"?>{envelope(record(), "soapenv")}',
        {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "User-Agent": "Axis/1.4"}
        | {"Accept": "application/soap+xml, application/dime, multipart/related, text/*"}
        | {"Cache-Control": "no-cache", "Pragma": "no-cache"},
        HTTP_10,
    ),
    "axis-1.4-chunked": Toolkit(
        "Axis 1.4 over Commons HttpClient sends chunks.",
        f'<?xml version="1.0" encoding="UTF-8"?>{envelope(record(), "soapenv")}',
        {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
        chunks=True,
    ),
    "axis-1.4-encoded": Toolkit(
        "Axis 1.x in rpc/encoded has each value once, as a multiRef beside the operation, and arrays of any name.",
        f'<?xml version="1.0" encoding="UTF-8"?>{envelope(AXIS_MULTIREF, "soapenv")}',
        {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
        to="/soap/old",
    ),
    "apache-soap-2": Toolkit(
        "Apache SOAP says the encoding on the operation's element, which no schema has there.",
        "<?xml version='1.0' encoding='UTF-8'?>\r\n"
        + envelope(record(f' SOAP-ENV:encodingStyle="{ENC}"'), "SOAP-ENV")
        + "\r\n",
        {"Content-Type": "text/xml;charset=utf-8", "SOAPAction": '""'},
        HTTP_10,
    ),
    "axis2": Toolkit(
        "Axis2 writes its declaration in single quotes, sends chunks, and spells UTF-8 in capitals.",
        f"<?xml version='1.0' encoding='UTF-8'?>{envelope(record(), 'soapenv')}",
        {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": f'"{ACTION}"', "User-Agent": "Axis2"},
        chunks=True,
    ),
    "axis2-soap-1.2": Toolkit(
        "Axis2 in SOAP 1.2 has an empty Header, and its action in the media type.",
        "<?xml version='1.0' encoding='UTF-8'?>"
        + envelope(record(), "soapenv", header="<soapenv:Header></soapenv:Header>", space=V12),
        {"Content-Type": f'application/soap+xml; charset=UTF-8; action="{ACTION}"'},
        chunks=True,
    ),
    "soap-toolkit-3": Toolkit(
        "VB6 with Microsoft's SOAP Toolkit 3.0 declares prefixes that it does not use, and quotes its charset.",
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
        + envelope(
            record(nil="SOAPSDK2:nil"),
            "SOAP-ENV",
            f'xmlns:SOAPSDK1="{XSD}" xmlns:SOAPSDK2="{XSI}" xmlns:SOAPSDK3="{ENC}"',
        ),
        {"Content-Type": 'text/xml; charset="UTF-8"', "SOAPAction": f'"{ACTION}"', "User-Agent": "SOAP Toolkit 3.0"},
    ),
    "vb6-xmlhttp": Toolkit(
        "A string of VB6 says that it is UTF-16, which it was before XMLHTTP sent it as UTF-8.",
        f'<?xml version="1.0" encoding="utf-16"?>{envelope(record())}',
        {"Content-Type": "text/xml", "SOAPAction": ACTION},
    ),
    "delphi": Toolkit(
        "Delphi's THTTPRIO says the encoding on the Body, no charset, and its action as a fragment.",
        '<?xml version="1.0"?>\r\n'
        + envelope(record(), "SOAP-ENV", f'{TYPES} xmlns:SOAP-ENC="{ENC}"', on_body=f' SOAP-ENV:encodingStyle="{ENC}"'),
        {"Content-Type": "text/xml", "SOAPAction": f'"{NS}#Record"', "User-Agent": "Borland SOAP 1.2"},
    ),
    "delphi-encoded": Toolkit(
        "Delphi in rpc/encoded writes the type on everything.",
        '<?xml version="1.0"?>' + envelope(ENCODED, "SOAP-ENV", f'{TYPES} xmlns:SOAP-ENC="{ENC}"'),
        {"Content-Type": "text/xml", "SOAPAction": '"urn:old#find"'},
        to="/soap/old",
    ),
    "powerbuilder": Toolkit(
        "PowerBuilder's EasySoap has short prefixes of its own and says the encoding on the Envelope.",
        envelope(record(nil="s:nil"), "E", f'xmlns:A="{ENC}" xmlns:s="{XSI}" xmlns:y="{XSD}" E:encodingStyle="{ENC}"'),
        {"Content-Type": 'text/xml; charset="UTF-8"', "SOAPAction": f'"{ACTION}"', "User-Agent": "EasySoap++/0.6"},
    ),
    "oracle-utl-http": Toolkit(
        "PL/SQL by hand: no charset, an unquoted action, lines and a last one after the envelope; closed after each.",
        envelope(record(between="\n  "), "soapenv", header="\n<soapenv:Header/>\n") + "\n\n",
        {"Content-Type": "text/xml", "SOAPAction": ACTION, "Connection": "close"},
    ),
    "oracle-of-another-charset": Toolkit(
        "A database of another character set writes letters as references.",
        envelope(record(text=TEXT.encode("ascii", "xmlcharrefreplace").decode().replace("<&>", "&lt;&amp;&gt;"))),
        {"Content-Type": "text/xml; charset=us-ascii", "SOAPAction": ACTION},
    ),
    "nusoap": Toolkit(
        "nuSOAP says ISO-8859-1 unless it is told otherwise, and that it speaks HTTP/1.0 with a connection to close.",
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?>'
            + envelope(
                record(text=TEXT.encode("ascii", "xmlcharrefreplace").decode().replace("<&>", "&lt;&amp;&gt;")),
                "SOAP-ENV",
                f'SOAP-ENV:encodingStyle="{ENC}" {TYPES} xmlns:SOAP-ENC="{ENC}"',
            )
        ).encode("latin-1", "xmlcharrefreplace"),
        {"User-Agent": "NuSOAP/0.9.5 (1.123)", "Content-Type": "text/xml; charset=ISO-8859-1", "SOAPAction": f'"{NS}"'}
        | {"Connection": "close"},
        HTTP_10,
    ),
    "nusoap-encoded": Toolkit(
        "nuSOAP in rpc/encoded has a number in the prefix of the operation, and types everywhere.",
        '<?xml version="1.0" encoding="UTF-8"?>'
        + envelope(
            ENCODED.replace("m:", "ns7219:").replace(":m=", ":ns7219="),
            "SOAP-ENV",
            f'SOAP-ENV:encodingStyle="{ENC}" {TYPES} xmlns:SOAP-ENC="{ENC}"',
        ),
        {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
        HTTP_10,
        to="/soap/old",
    ),
    "ksoap2": Toolkit(
        "kSOAP2 on Android marks the operation's element with an id and as a root, as for SOAP encoding.",
        envelope(
            record(' id="o0" c:root="1"', nil="i:nil"),
            "v",
            f'xmlns:i="{XSI}" xmlns:d="{XSD}" xmlns:c="{ENC}"',
            "<v:Header />",
        ),
        {"User-Agent": "ksoap2-android/2.6.0+", "SOAPAction": ACTION, "Content-Type": "text/xml;charset=utf-8"},
    ),
    "soap-lite": Toolkit(
        "SOAP::Lite says the encoding on the Envelope and declares five prefixes.",
        XML.replace("utf", "UTF")
        + envelope(record(), scope=f'xmlns:soapenc="{ENC}" {TYPES} soap:encodingStyle="{ENC}"'),
        {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{NS}#Record"', "Accept": "text/xml"}
        | {"TE": "deflate,gzip;q=0.3", "Connection": "TE, close"},
    ),
    "gsoap-2.7": Toolkit(
        "gSOAP declares every prefix of its table, and closes unless it is told to keep alive.",
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        + envelope(f'<ns1:Record xmlns:ns1="{NS}">{entry("ns1")}</ns1:Record>', "SOAP-ENV", f'{TYPES} xmlns:e="{ENC}"'),
        {**PLAIN, "User-Agent": "gSOAP/2.7", "Connection": "close"},
    ),
    "soapui": Toolkit(
        "SoapUI sends what its user formatted, comments and all, with no space before charset.",
        envelope(
            f'\n <urn:Record xmlns:urn="{NS}">\n<!--Optional:-->{entry("urn", between=chr(10) + "<!--1 or more-->")}\n'
            "</urn:Record>\n",
            "soapenv",
            header="<soapenv:Header/>",
        ),
        {"Content-Type": "text/xml;charset=UTF-8", "SOAPAction": f'"{ACTION}"', "Accept-Encoding": "gzip,deflate"},
    ),
}

ODDITIES: Final[dict[str, Toolkit]] = {
    "byte-order-mark": Toolkit(
        "A byte order mark before the declaration is no part of the envelope.",
        b"\xef\xbb\xbf" + (XML + envelope(record())).encode(),
        PLAIN,
    ),
    "utf-16-with-mark": Toolkit(
        "UTF-16 is read by its mark.",
        f'<?xml version="1.0" encoding="UTF-16"?>{envelope(record())}'.encode("utf-16"),
        {**PLAIN, "Content-Type": "text/xml"},
    ),
    "utf-16-by-parameter": Toolkit(
        "UTF-16 without a mark is read by its charset, in either order.",
        envelope(record()).encode("utf-16-be"),
        {**PLAIN, "Content-Type": "text/xml; charset=utf-16"},
    ),
    "windows-1258": Toolkit(
        "Vietnamese of old Windows is composed.",
        envelope(record(text="Nguyê\u0303n Thi\u0323 Bi\u0300nh")).encode("cp1258", "xmlcharrefreplace"),
        {**PLAIN, "Content-Type": "text/xml; charset=windows-1258"},
    ),
    "charset-in-single-quotes": Toolkit(
        "A charset in single quotes is UTF-8 all the same.",
        envelope(record()),
        {**PLAIN, "Content-Type": "text/xml; charset='UTF-8'"},
    ),
    "empty-charset": Toolkit(
        "A charset without a value says nothing.", envelope(record()), {**PLAIN, "Content-Type": "text/xml; charset="}
    ),
    "two-parameters": Toolkit(
        "Of SOAP 1.1 an action in the media type is overlooked.",
        envelope(record()),
        {**PLAIN, "Content-Type": 'text/xml; action="x"; charset=utf-8;'},
    ),
    "no-action": Toolkit(
        "No SOAPAction at all: the element says which operation it is.",
        envelope(record()),
        {"Content-Type": "text/xml; charset=utf-8"},
    ),
    "wrong-action": Toolkit(
        "A wrong SOAPAction does not matter where the element says which operation it is.",
        envelope(record()),
        {**PLAIN, "SOAPAction": '"http://tempuri.org/Something"'},
    ),
    "small-letters": Toolkit(
        "Names of header fields in small letters, as proxies make them.",
        envelope(record()),
        {name.lower(): value for name, value in PLAIN.items()},
        authorization="authorization: basic",
    ),
    "instructions": Toolkit(
        "Processing instructions and comments before, in and behind the envelope are overlooked.",
        f'{XML}<?xml-stylesheet href="x"?><!--a-->'
        + envelope(f"<!--b-->{record()}<?c d?>", header="<!--e--><soap:Header><!--f--></soap:Header>")
        + "<!--g-->",
        PLAIN,
    ),
    "default-namespace": Toolkit(
        "The envelope in the default namespace.",
        f'<Envelope xmlns="{V11}" {TYPES}><Header/><Body>{record()}</Body></Envelope>',
        PLAIN,
    ),
    "address-of-the-wsdl": Toolkit(
        "The address of the WSDL is called as if it were that of the service.",
        envelope(record()),
        PLAIN,
        to="/soap/stand-in.record?wsdl",
    ),
    "absolute-address": Toolkit(
        "A request line for a proxy has the whole address.",
        envelope(record()),
        PLAIN,
        "POST http://lgsp.example{} HTTP/1.1",
    ),
    "line-before-the-declaration": Toolkit(
        "White space before the XML declaration, of envelopes made by hand, is overlooked.",
        "\r\n  " + XML + envelope(record()),
        PLAIN,
    ),
    "media-type-of-xml": Toolkit(
        "A media type that is none of SOAP's is refused, and the fault names those that are.",
        envelope(record()),
        {**PLAIN, "Content-Type": "application/xml"},
        refused="media-type-unsupported",
    ),
    "media-type-of-the-other-version": Toolkit(
        "An envelope of SOAP 1.1 in the media type of 1.2 is of the wrong version.",
        envelope(record()),
        {"Content-Type": "application/soap+xml"},
        refused="VersionMismatch",
    ),
    "charset-of-tcvn": Toolkit(
        "A character set that nobody reads is refused by its own code.",
        f'<?xml version="1.0" encoding="TCVN"?>{envelope(record())}',
        {**PLAIN, "Content-Type": "text/xml; charset=TCVN"},
        refused="charset-unsupported",
    ),
    "types-of-the-schema": Toolkit(
        "The types of XML Schema written on elements that have them.",
        envelope(
            record().replace("<text>", '<text xsi:type="xsd:string">').replace("<day>", '<day xsi:type="xsd:date">')
        ),
        PLAIN,
    ),
    "attachments-of-one-part": Toolkit(
        "An envelope as the only part of SOAP with attachments, as Axis sends it once a stub has had an attachment.",
        "------=_Part_0\r\nContent-Type: text/xml; charset=UTF-8\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-Id: <A1>\r\n\r\n{envelope(record())}\r\n------=_Part_0--\r\n",
        {
            "Content-Type": 'multipart/related; type="text/xml"; start="<A1>"; \tboundary="----=_Part_0"',
            "SOAPAction": '""',
        },
    ),
    "types-that-are-not-the-schemas": Toolkit(
        "xsd:string on an element of a narrower type contradicts the contract's schema, and the fault says where.",
        envelope(record().replace("<kind>", '<kind xsi:type="xsd:string">')),
        PLAIN,
        refused="body-invalid",
    ),
}
