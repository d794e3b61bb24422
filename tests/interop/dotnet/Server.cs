// An ASMX service as Visual Studio's template of 2005 begins one: it answers what it read, and keeps notes in a file.
using System;
using System.IO;
using System.Text;
using System.Web.Services;
using System.Web.Services.Protocols;
using System.Xml;
using System.Xml.Serialization;
using Made.Service;

[WebService(Namespace = "urn:interop")]
public class Answering : Records
{
    [WebMethod]
    [SoapDocumentMethod("urn:interop:Record", RequestNamespace = "urn:interop", ResponseElementName = "Recorded",
        ResponseNamespace = "urn:interop")]
    [return: XmlElement("number")]
    public override int Record(Entry entry, out Entry kept)
    {
        if (entry.kind == Kind.refuse) {
            var detail = new XmlDocument().CreateElement(SoapException.DetailElementName.Name);
            var refused = detail.OwnerDocument.CreateElement("Refused", "urn:interop");
            Func<string, XmlNode> member = name =>
                refused.AppendChild(detail.OwnerDocument.CreateElement(name, "urn:interop"));
            member("reason").InnerText = Environment.GetEnvironmentVariable("REASON");
            member("field").InnerText = "kind";
            detail.AppendChild(refused);
            throw new SoapException("refused", SoapException.ServerFaultCode, "", detail);
        }
        kept = entry;
        return 7;
    }

    [WebMethod]
    [SoapDocumentMethod("urn:interop:Note", RequestNamespace = "urn:interop")] // Mono never runs what says OneWay
    public override void Note(string text)
    {
        File.WriteAllText("note.txt", text, new UTF8Encoding(false));
    }
}
