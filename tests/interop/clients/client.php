<?php
// PHP's own SoapClient, as an application in a department uses it: address, name, secret, and a text.
[, $base, $name, $secret, $text] = $argv;
$said = [];

function step(string $case, callable $do): void
{
    global $said;
    try {
        $said[$case] = $do();
    } catch (Throwable $error) {
        $said[$case] = ['error' => get_class($error) . ': ' . $error->getMessage()];
    }
}

function client(string $address, int $version = SOAP_1_1): SoapClient
{
    global $name, $secret;
    return new SoapClient($address, [
        'login' => $name, 'password' => $secret, 'cache_wsdl' => WSDL_CACHE_NONE, 'soap_version' => $version,
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    ]);
}

function entry(string $kind): array
{
    global $text;
    return ['entry' => [
        'text' => $text, 'kind' => $kind, 'whole' => -42, 'amount' => '12345678901.25', 'right' => true,
        'day' => '2026-02-28', 'at' => (new DateTime('2026-02-28T23:59:59+07:00'))->format(DATE_ATOM),
        'octets' => "\x00\xff\x10", 'note' => null, 'blank' => '', 'tag' => ['một', '', 'ba'],
        'part' => [['name' => 'một mình', 'count' => 2]], 'left' => [],
    ]];
}

function recorded(object $answer): array
{
    $kept = $answer->kept;
    return [
        'number' => $answer->number, 'text' => $kept->text, 'kind' => $kept->kind, 'whole' => $kept->whole,
        'amount' => $kept->amount, 'right' => $kept->right, 'day' => $kept->day,
        'at' => (new DateTime($kept->at))->setTimezone(new DateTimeZone('UTC'))->format('Y-m-d\TH:i:s\Z'),
        'octets' => base64_encode($kept->octets), 'note' => $kept->note, 'blank' => $kept->blank,
        'tag' => $kept->tag, 'part' => $kept->part, 'left' => $kept->left ?? [],
    ];
}

function refused(SoapClient $client): array
{
    try {
        $client->Record(entry('refuse'));
    } catch (SoapFault $fault) {
        return (array) ($fault->detail->Refused ?? ['error' => $fault->getMessage()]);
    }
    return ['error' => 'no fault'];
}

function inbox(SoapClient $inbox): array
{
    [$item] = $inbox->fetch(['wait' => 20, 'max' => 1])->delivery;
    $inbox->ack([
        'delivery' => $item->id, 'attempt' => $item->attempt,
        'body' => ['any' => new SoapVar($item->body->any, XSD_ANYXML)],
    ]);
    preg_match('~<text>(.*)</text>~s', $item->body->any, $found);
    $text = htmlspecialchars_decode($found[1], ENT_XML1 | ENT_QUOTES);
    return ['contract' => $item->contract, 'attempt' => $item->attempt, 'text' => $text];
}

step('record', fn () => recorded(client("$base/stand-in.record?wsdl")->Record(entry('keep'))));
step('fault', fn () => refused(client("$base/stand-in.record?wsdl")));
step('note', fn () => client("$base/stand-in.note?wsdl")->Note(['text' => $text]));
step('view', fn () => client("$base/stand-in.view?wsdl")->request([
    'text' => $text, 'amount' => 51.5, 'day' => '2026-02-28', 'note' => null, 'tags' => ['một', ''],
    'parts' => [['name' => 'một mình', 'count' => 2]],
]));
step('record12', fn () => recorded(client("$base/stand-in.record?wsdl12", SOAP_1_2)->Record(entry('keep'))));
step('fault12', fn () => refused(client("$base/stand-in.record?wsdl12", SOAP_1_2)));
step('inbox', fn () => inbox(client("$base/inbox?wsdl")));
echo json_encode($said, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
