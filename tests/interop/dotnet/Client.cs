// .NET's ASMX proxies, which wsdl makes of the bus's WSDLs: address, name, secret, and a text.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Text;
using System.Web.Services.Protocols;

public static class Client
{
    static string name, secret, text;

    static T As<T>(T proxy, SoapProtocolVersion version = SoapProtocolVersion.Soap11) where T : SoapHttpClientProtocol
    {
        proxy.Credentials = new NetworkCredential(name, secret); // sent once the bus has asked for them
        proxy.SoapVersion = version;
        return proxy;
    }

    static Made.Record.Entry Entry(Made.Record.Kind kind)
    {
        return new Made.Record.Entry {
            text = text, kind = kind, whole = -42, amount = 12345678901.25m, right = true,
            day = new DateTime(2026, 2, 28), at = DateTime.Parse("2026-02-28T23:59:59+07:00"),
            octets = new byte[] {0, 255, 16}, note = null, blank = "", tag = new[] {"một", "", "ba"},
            part = new[] {new Made.Record.Part {name = "một mình", count = 2, countSpecified = true}}
        };
    }

    static object Recorded(SoapProtocolVersion version)
    {
        Made.Record.Entry kept;
        int number = As(new Made.Record.MessagesService(), version).Record(Entry(Made.Record.Kind.keep), out kept);
        return new Dictionary<string, object> {
            {"number", number}, {"text", kept.text}, {"kind", kept.kind.ToString()}, {"whole", kept.whole},
            {"amount", kept.amount.ToString(CultureInfo.InvariantCulture)}, {"right", kept.right},
            {"day", kept.day.ToString("yyyy-MM-dd")},
            {"at", kept.at.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ")},
            {"octets", Convert.ToBase64String(kept.octets)}, {"note", kept.note}, {"blank", kept.blank},
            {"tag", kept.tag}, {"left", kept.left ?? new string[0]},
            {"part", kept.part.Select(each => Part(each.name, each.count))}
        };
    }

    static object Refused(SoapProtocolVersion version)
    {
        Made.Record.Entry kept;
        try {
            As(new Made.Record.MessagesService(), version).Record(Entry(Made.Record.Kind.refuse), out kept);
        } catch (SoapException fault) {
            var detail = fault.Detail["Refused", "urn:interop"];
            return new Dictionary<string, object> {
                {"reason", detail["reason"].InnerText}, {"field", detail["field"].InnerText}
            };
        }
        throw new InvalidOperationException("no fault");
    }

    static object Note()
    {
        As(new Made.Note.MessagesService()).Note(text);
        return null;
    }

    static object View()
    {
        string said = text, note = null;
        double amount = 51.5;
        DateTime day = new DateTime(2026, 2, 28);
        bool daySpecified = true;
        string[] tags = {"một", ""};
        var asked = new[] {new Made.View.requestParts {name = "một mình", count = "2"}};
        var parts = As(new Made.View.MessagesService())
            .request(ref said, ref amount, ref day, ref daySpecified, ref note, ref tags, asked);
        return new Dictionary<string, object> {
            {"text", said}, {"amount", amount}, {"day", day.ToString("yyyy-MM-dd")}, {"note", note}, {"tags", tags},
            {"parts", parts.Select(each => Part(each.name, int.Parse(each.count)))}
        };
    }

    static object Inbox()
    {
        var inbox = As(new Made.Inbox.InboxService());
        var item = inbox.fetch(20, true, 1, true, false, false)[0];
        inbox.ack(item.id, item.attempt, null, item.body, null);
        return new Dictionary<string, object> {
            {"contract", item.contract}, {"attempt", item.attempt}, {"text", item.body["text", "urn:interop"].InnerText}
        };
    }

    static object Part(string name, int count)
    {
        return new Dictionary<string, object> {{"name", name}, {"count", count}};
    }

    static string Json(object value)
    {
        if (value == null) return "null";
        if (value is bool) return (bool)value ? "true" : "false";
        if (value is string) return "\"" + ((string)value).Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", " ") + "\"";
        var members = value as IDictionary<string, object>;
        if (members != null)
            return "{" + string.Join(",", members.Select(each => Json(each.Key) + ":" + Json(each.Value))) + "}";
        var items = value as System.Collections.IEnumerable;
        if (items != null) return "[" + string.Join(",", items.Cast<object>().Select(Json)) + "]";
        return Convert.ToString(value, CultureInfo.InvariantCulture);
    }

    public static void Main(string[] given)
    {
        name = given[1];
        secret = given[2];
        text = given[3];
        var said = new Dictionary<string, object>();
        Action<string, Func<object>> step = (label, run) => {
            try { said[label] = run(); }
            catch (Exception error) { said[label] = new Dictionary<string, object> {{"error", error.Message}}; }
        };
        step("record", () => Recorded(SoapProtocolVersion.Soap11));
        step("fault", () => Refused(SoapProtocolVersion.Soap11));
        step("note", Note);
        step("view", View);
        step("record12", () => Recorded(SoapProtocolVersion.Soap12));
        step("fault12", () => Refused(SoapProtocolVersion.Soap12));
        step("inbox", Inbox);
        var output = Console.OpenStandardOutput();
        var bytes = new UTF8Encoding(false).GetBytes(Json(said));
        output.Write(bytes, 0, bytes.Length);
    }
}
