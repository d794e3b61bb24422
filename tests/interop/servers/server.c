/* gSOAP as a server, made of the WSDL by wsdl2h and soapcpp2: it answers what it read, in the version of SOAP that it was
   asked in, and keeps notes in a file. Port. At /addressed it insists on WS-Addressing. */
#include "soapH.h"
#include "RecordsSoap.nsmap"
#include "wsaapi.h"

int main(int count, char **given)
{
    struct soap *soap = soap_new1(SOAP_C_UTFSTRING);
    (void)count;
    soap->bind_flags = SO_REUSEADDR;
    soap_register_plugin(soap, soap_wsa);
    if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", atoi(given[1]), 10)))
        return 1;
    while (soap_valid_socket(soap_accept(soap))) {
        soap_serve(soap);
        soap_destroy(soap);
        soap_end(soap);
    }
    return 1;
}

static int refuse(struct soap *soap)
{
    struct _ns1__Refused *refused = soap_new__ns1__Refused(soap, 1);
    struct SOAP_ENV__Detail *detail = soap_new_SOAP_ENV__Detail(soap, 1);
    refused->reason = getenv("REASON");
    refused->field = "kind";
    detail->ns1__Refused = refused;
    soap_receiver_fault(soap, "refused", NULL);
    if (soap->version == 2)
        soap->fault->SOAP_ENV__Detail = detail;
    else
        soap->fault->detail = detail;
    return soap->error;
}

int __ns1__Record(struct soap *soap, struct _ns1__Record *asked, struct _ns1__Recorded *answer)
{
    int addressed = !strcmp(soap->path, "/addressed");
    if (addressed && soap_wsa_check(soap))
        return soap->error;
    if (asked->entry->kind == ns1__Kind__refuse)
        return addressed && soap_wsa_reply(soap, NULL, "urn:interop:Records:Record:Fault:Refused") ? soap->error : refuse(soap);
    answer->number = 7;
    answer->kept = asked->entry;
    return addressed ? soap_wsa_reply(soap, NULL, "urn:interop:Records:RecordResponse") : SOAP_OK;
}

int __ns1__Note(struct soap *soap, struct _ns1__Note *told)
{
    FILE *file = fopen("note.txt", "wb");
    if (!file || fputs(told->text, file) < 0 || fclose(file))
        return SOAP_ERR;
    return soap_send_empty_response(soap, 202);
}

int __ns1__Record_(struct soap *soap, struct _ns1__Record *asked, struct _ns1__Recorded *answer)
{
    return __ns1__Record(soap, asked, answer);
}

int __ns1__Note_(struct soap *soap, struct _ns1__Note *told)
{
    return __ns1__Note(soap, told);
}

/* The plugin wants it, for faults that others are told to send here. */
int SOAP_ENV__Fault(struct soap *soap, char *code, char *string, char *actor, struct SOAP_ENV__Detail *detail,
                    struct SOAP_ENV__Code *code12, struct SOAP_ENV__Reason *reason, char *node, char *role,
                    struct SOAP_ENV__Detail *detail12)
{
    (void)code, (void)string, (void)actor, (void)detail, (void)code12, (void)reason, (void)node, (void)role, (void)detail12;
    return soap_send_empty_response(soap, 202);
}
