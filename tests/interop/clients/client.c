/* gSOAP: made of the four WSDLs by wsdl2h and soapcpp2. Address, name, secret, and a text. */
#include "soapH.h"
#include "MessagesSoap.nsmap"
#include "wsaapi.h"

static char *name, *secret, *text;

enum { ADDRESSED = 3 };

static struct soap *caller(int manner)
{
    struct soap *soap = soap_new1(SOAP_C_UTFSTRING);
    soap_set_version(soap, manner == ADDRESSED ? 1 : manner);
    if (manner == ADDRESSED) {
        soap_register_plugin(soap, soap_wsa);
        soap_wsa_request(soap, soap_wsa_rand_uuid(soap), NULL, "urn:lgsp:contract:stand-in.record:1:request");
    }
    soap->userid = name;
    soap->passwd = secret;
    return soap;
}

static void put(const char *member, const char *value)
{
    printf("\"%s\":", member);
    if (!value) {
        printf("null");
        return;
    }
    putchar('"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            putchar('\\');
        putchar(*value == '\n' ? ' ' : *value);
    }
    putchar('"');
}

static void wrong(struct soap *soap)
{
    const char **reason = soap_faultstring(soap);
    putchar('{');
    put("error", *reason ? *reason : "no reason");
    putchar('}');
}

static void list(const char *member, int size, char **values)
{
    printf(",\"%s\":[", member);
    for (int i = 0; i < size; i++) {
        char *value = values[i];
        if (i)
            putchar(',');
        putchar('"');
        fputs(value ? value : "", stdout);
        putchar('"');
    }
    putchar(']');
}

static int record(struct soap *soap, enum ns1__Kind kind, struct _ns1__Recorded *answer)
{
    char *tags[] = {"một", "", "ba"};
    int count = 2;
    struct ns1__Part part = {"một mình", &count};
    struct ns1__Entry entry = {0};
    struct _ns1__Record asked = {&entry};
    entry.text = text;
    entry.kind = kind;
    entry.whole = -42;
    entry.amount = "12345678901.25";
    entry.right = xsd__boolean__true_;
    entry.day = "2026-02-28";
    entry.at = 1772297999;
    entry.octets.__ptr = (unsigned char *)"\x00\xff\x10";
    entry.octets.__size = 3;
    entry.blank = "";
    entry.__sizetag = 3;
    entry.tag = tags;
    entry.__sizepart = 1;
    entry.part = &part;
    return soap_call___ns4__Record(soap, NULL, NULL, &asked, answer);
}

static void recorded(int manner)
{
    struct soap *soap = caller(manner);
    struct _ns1__Recorded answer;
    if (record(soap, ns1__Kind__keep, &answer) || (manner == ADDRESSED && soap_wsa_check(soap))) {
        wrong(soap);
        return;
    }
    struct ns1__Entry *kept = answer.kept;
    printf("{\"number\":%d,\"whole\":%d,\"right\":%s,", answer.number, kept->whole, kept->right ? "true" : "false");
    put("text", kept->text), putchar(',');
    put("kind", kept->kind == ns1__Kind__keep ? "keep" : "refuse"), putchar(',');
    put("amount", kept->amount), putchar(',');
    put("day", kept->day), putchar(',');
    put("at", soap_dateTime2s(soap, kept->at)), putchar(',');
    put("octets", soap_s2base64(soap, kept->octets.__ptr, NULL, kept->octets.__size)), putchar(',');
    put("note", kept->note), putchar(',');
    put("blank", kept->blank);
    list("tag", kept->__sizetag, kept->tag);
    list("left", kept->__sizeleft, kept->left);
    printf(",\"part\":[");
    for (int i = 0; i < kept->__sizepart; i++) {
        printf("%s{\"count\":%d,", i ? "," : "", kept->part[i].count ? *kept->part[i].count : -1);
        put("name", kept->part[i].name), putchar('}');
    }
    printf("]}");
}

static void refused(int manner)
{
    struct soap *soap = caller(manner);
    struct _ns1__Recorded answer;
    struct SOAP_ENV__Detail *detail = NULL;
    if (record(soap, ns1__Kind__refuse, &answer) && soap->fault)
        detail = soap->fault->SOAP_ENV__Detail ? soap->fault->SOAP_ENV__Detail : soap->fault->detail;
    if (!detail || !detail->ns1__Refused) {
        wrong(soap);
        return;
    }
    putchar('{');
    put("reason", detail->ns1__Refused->reason), putchar(',');
    put("field", detail->ns1__Refused->field), putchar('}');
}

static void note(void)
{
    struct soap *soap = caller(1);
    struct _ns1__Note told = {text};
    if (soap_send___ns5__Note(soap, NULL, NULL, &told) || soap_recv_empty_response(soap))
        wrong(soap);
    else
        printf("null");
}

static void view(void)
{
    struct soap *soap = caller(1);
    char *tags[] = {"một", ""};
    struct ns2__request asked = {0};
    struct ns2__reply answer;
    struct _ns2__request_parts part = {"một mình", "2"};
    asked.text = text;
    asked.amount = 51.5;
    asked.day = "2026-02-28";
    asked.__sizetags = 2;
    asked.tags = tags;
    asked.__sizeparts = 1;
    asked.parts = &part;
    if (soap_call___ns2__request(soap, NULL, NULL, &asked, &answer)) {
        wrong(soap);
        return;
    }
    printf("{\"amount\":%g,", answer.amount);
    put("text", answer.text), putchar(',');
    put("day", answer.day), putchar(',');
    put("note", answer.note);
    list("tags", answer.__sizetags, answer.tags);
    printf(",\"parts\":[");
    for (int i = 0; i < answer.__sizeparts; i++) {
        printf("%s{\"count\":%s,", i ? "," : "", answer.parts[i].count);
        put("name", answer.parts[i].name), putchar('}');
    }
    printf("]}");
}

/* As it stands in XML, which has no escapes here but those three. */
static char *unescaped(char *value)
{
    char *to = value;
    for (char *from = value; *from; to++) {
        size_t length = 1;
        *to = *from;
        if (!strncmp(from, "&amp;", length = 5) || !strncmp(from, "&lt;", length = 4) || !strncmp(from, "&gt;", 4))
            *to = length == 5 ? '&' : from[1] == 'l' ? '<' : '>';
        else
            length = 1;
        from += length;
    }
    *to = 0;
    return value;
}

static void inbox(void)
{
    struct soap *soap = caller(1);
    int wait = 20, most = 1;
    struct _ns3__fetch asked = {&wait, &most};
    struct _ns3__fetchResponse answer;
    struct _ns3__ack done = {0};
    struct _ns3__ackResponse nothing;
    if (soap_call___ns3__fetch(soap, NULL, NULL, &asked, &answer)) {
        wrong(soap);
        return;
    }
    struct ns3__Delivery *item = answer.delivery;
    done.delivery = item->id;
    done.attempt = item->attempt;
    done.body = item->body;
    soap->userid = name; /* which it forgets after each call */
    soap->passwd = secret;
    if (soap_call___ns3__ack(soap, NULL, NULL, &done, &nothing)) {
        wrong(soap);
        return;
    }
    char *note = strstr(item->body->__any, "<text>") + strlen("<text>");
    *strstr(note, "</text>") = 0;
    printf("{\"attempt\":%d,", item->attempt);
    put("contract", item->contract), putchar(',');
    put("text", unescaped(note)), putchar('}');
}

static void attachment(const char *base)
{
    static char octets[] = {0, (char)0xff, 0x10, '\r', '\n', '-', '-'};
    char place[300];
    struct soap *soap = caller(1);
    struct _ns1__Note told = {text};
    snprintf(place, sizeof place, "%s/files.file", base);
    soap_set_mime(soap, NULL, NULL);
    soap_set_mime_attachment(
        soap, octets, sizeof octets, SOAP_MIME_BINARY, "application/octet-stream", "<octets@client>", NULL, NULL);
    if (soap_send___ns5__Note(soap, place, NULL, &told) || soap_recv_empty_response(soap))
        wrong(soap);
    else
        printf("null");
}

int main(int count, char **given)
{
    (void)count;
    name = given[2], secret = given[3], text = given[4];
    printf("{\"record\":"), recorded(1);
    printf(",\"fault\":"), refused(1);
    printf(",\"note\":"), note();
    printf(",\"view\":"), view();
    printf(",\"record12\":"), recorded(2);
    printf(",\"fault12\":"), refused(2);
    printf(",\"addressed\":"), recorded(ADDRESSED);
    printf(",\"addressedFault\":"), refused(ADDRESSED);
    printf(",\"inbox\":"), inbox();
    printf(",\"attachment\":"), attachment(given[1]);
    printf("}");
    return 0;
}
