// What runs an ASMX service where there is no IIS: a folder, and every request of a port. Port. Whatever its path, a
// request is the service's, which reads both versions of SOAP.
using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Web;
using System.Web.Hosting;

public class Host : MarshalByRefObject
{
    public static void Main(string[] given)
    {
        File.WriteAllText("Records.asmx", "<%@ WebService Class=\"Answering\" %>");
        var host = (Host)ApplicationHost.CreateApplicationHost(typeof(Host), "/", Environment.CurrentDirectory);
        host.Serve("http://127.0.0.1:" + given[0] + "/");
    }

    public void Serve(string prefix)
    {
        var listener = new HttpListener();
        listener.Prefixes.Add(prefix);
        listener.Start();
        while (true)
            HttpRuntime.ProcessRequest(new Carried(listener.GetContext()));
    }

    public override object InitializeLifetimeService() { return null; }
}

class Carried : SimpleWorkerRequest
{
    readonly HttpListenerContext context;
    readonly byte[] body;

    public Carried(HttpListenerContext context) : base("Records.asmx", context.Request.Url.Query.TrimStart('?'), null)
    {
        this.context = context;
        var read = new MemoryStream();
        context.Request.InputStream.CopyTo(read);
        body = read.ToArray();
    }

    public override string GetHttpVerbName() { return context.Request.HttpMethod; }
    public override byte[] GetPreloadedEntityBody() { return body; }
    public override bool IsEntireEntityBodyIsPreloaded() { return true; }
    public override string GetKnownRequestHeader(int index)
    {
        return context.Request.Headers[GetKnownRequestHeaderName(index)];
    }
    public override string GetUnknownRequestHeader(string name) { return context.Request.Headers[name]; }
    public override string[][] GetUnknownRequestHeaders()
    {
        return context.Request.Headers.AllKeys.Where(each => GetKnownRequestHeaderIndex(each) < 0)
            .Select(each => new[] {each, context.Request.Headers[each]}).ToArray();
    }
    public override void SendStatus(int code, string said) { context.Response.StatusCode = code; }
    public override void SendKnownResponseHeader(int index, string value)
    {
        if (index == HeaderContentType)
            context.Response.ContentType = value;
    }
    public override void SendUnknownResponseHeader(string name, string value) {}
    public override void SendResponseFromMemory(byte[] data, int length)
    {
        context.Response.OutputStream.Write(data, 0, length);
    }
    public override void FlushResponse(bool last) {}
    public override void EndOfRequest() { context.Response.Close(); }
}
