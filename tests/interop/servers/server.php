<?php
// PHP's own SoapServer, for `php -S`: it answers what it read, and keeps notes in a file. SOAP 1.2 at /12.
class Records
{
    public function Record(object $asked): array
    {
        if ($asked->entry->kind === 'refuse') {
            $detail = new SoapVar(
                ['reason' => new SoapVar(getenv('REASON'), XSD_STRING, '', '', 'reason', 'urn:interop'),
                 'field' => new SoapVar('kind', XSD_STRING, '', '', 'field', 'urn:interop')],
                SOAP_ENC_OBJECT, '', '', 'Refused', 'urn:interop'
            );
            throw new SoapFault('Server', 'refused', null, (object) ['Refused' => $detail]);
        }
        return ['number' => 7, 'kept' => $asked->entry];
    }

    public function Note(object $asked): void
    {
        file_put_contents('note.txt', $asked->text);
    }
}

$server = new SoapServer(getenv('WSDL'), [
    'cache_wsdl' => WSDL_CACHE_NONE, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    'soap_version' => $_SERVER['REQUEST_URI'] === '/12' ? SOAP_1_2 : SOAP_1_1,
]);
$server->setClass(Records::class);
$server->handle();
