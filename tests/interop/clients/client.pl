# SOAP::Lite, which takes address and action out of the WSDL, and is told what stands in the Body.
use strict; use warnings; use utf8;
use LWP::UserAgent; use MIME::Entity; use SOAP::Lite; use SOAP::Packager; use JSON::PP; use MIME::Base64 ();
use Encode qw(decode_utf8);

my ($base, $name, $secret, $text) = map { decode_utf8($_) } @ARGV;
my %said;

{ no warnings 'redefine'; *LWP::UserAgent::get_basic_credentials = sub { return ($name, $secret) } }

sub step {
    my ($case, $do) = @_;
    my $found = eval { $do->() };
    $said{$case} = $@ ? { error => "$@" } : $found;
}

sub ask {
    my ($contract, $operation, $namespace, $version, @data) = @_;
    my @parts = grep { $_->isa('MIME::Entity') } @data;
    @data = grep { !$_->isa('MIME::Entity') } @data;
    my $schema = SOAP::Schema->new(schema_url => "$base/$contract?wsdl")->parse;
    my ($service) = values %{ $schema->services };
    my $described = $service->{$operation} or die "the WSDL was not understood\n";
    my $action = '"' . $described->{soapaction}->value . '"';
    SOAP::Lite->soapversion($version);
    my $soap = SOAP::Lite->new(proxy => $described->{endpoint}->value)
        ->on_action(sub { $action })->default_ns($namespace)->autotype(0)->encodingStyle('');
    $soap->parts(\@parts) if @parts;
    return $soap->call($operation, @data);
}

sub named { my ($name, $value) = @_; return SOAP::Data->name($name => $value) }
sub text { my ($name, $value) = @_; return SOAP::Data->name($name => $value)->type('string') }
sub within { my ($name, @inside) = @_; return SOAP::Data->name($name => \SOAP::Data->value(@inside)) }

sub entry {
    my ($kind) = @_;
    return within(
        'entry', text(text => $text), named(kind => $kind), named(whole => -42), named(amount => '12345678901.25'),
        named(right => 'true'), named(day => '2026-02-28'), named(at => '2026-02-28T23:59:59+07:00'),
        named(octets => MIME::Base64::encode_base64("\x00\xff\x10", '')), named(note => undef), named(blank => ''),
        named(tag => 'một'), named(tag => ''), named(tag => 'ba'),
        within('part', named(name => 'một mình'), named(count => 2)),
    );
}

sub recorded {
    my ($answer) = @_;
    die $answer->faultstring . "\n" if $answer->fault;
    my $kept = $answer->valueof('//kept');
    my ($note) = map { defined $_ ? $_ : undef } $answer->valueof('//kept/note');
    my @part = map { { name => $_->{name}, count => int $_->{count} } } $answer->valueof('//kept/part');
    my @left = $answer->valueof('//kept/left');
    return {
        number => int $answer->valueof('//number'), text => $kept->{text}, kind => $kept->{kind},
        whole => int $kept->{whole}, amount => "$kept->{amount}",
        right => $kept->{right} eq 'true' ? JSON::PP::true : JSON::PP::false, day => $kept->{day}, at => $kept->{at},
        octets => $kept->{octets}, note => $note, blank => $kept->{blank},
        tag => [ $answer->valueof('//kept/tag') ], part => \@part, left => \@left,
    };
}

sub refused {
    my ($answer) = @_;
    die "no fault\n" unless $answer->fault;
    my ($refused) = $answer->valueof('//Refused') or die $answer->faultstring . "\n";
    return { reason => $refused->{reason}, field => $refused->{field} };
}

sub view {
    my ($namespace) = 'urn:lgsp:contract:stand-in.view:1';
    my $answer = ask(
        'stand-in.view', 'request', $namespace, '1.1', text(text => $text), named(amount => 51.5),
        named(day => '2026-02-28'), named(note => undef), named(tags => 'một'), named(tags => ''),
        within('parts', named(name => 'một mình'), named(count => 2)),
    );
    die $answer->faultstring . "\n" if $answer->fault;
    my @parts = map { { name => $_->{name}, count => int $_->{count} } } $answer->valueof('//parts');
    return {
        text => $answer->valueof('//reply/text'), amount => 0 + $answer->valueof('//amount'),
        day => $answer->valueof('//day'), note => scalar $answer->valueof('//note'),
        tags => [ $answer->valueof('//tags') ], parts => \@parts,
    };
}

sub inbox {
    my @of = ('urn:lgsp:inbox', '1.1');
    my $answer = ask('inbox', 'fetch', @of, named(wait => 20), named(max => 1), named(asText => 'true'));
    die $answer->faultstring . "\n" if $answer->fault;
    my $item = $answer->valueof('//delivery') or die "nothing was fetched\n";
    my $done = ask(
        'inbox', 'ack', @of, named(delivery => $item->{id}), named(attempt => $item->{attempt}),
        text(text => $item->{text}),
    );
    die $done->faultstring . "\n" if $done->fault;
    my $note = SOAP::Deserializer->new->parser->decode($item->{text});
    return { contract => $item->{contract}, attempt => int $item->{attempt}, text => $note->[2][0][2] };
}

my $namespace = 'urn:interop';
step(record => sub { recorded(ask('stand-in.record', 'Record', $namespace, '1.1', entry('keep'))) });
step(fault => sub { refused(ask('stand-in.record', 'Record', $namespace, '1.1', entry('refuse'))) });
step(note => sub { ask('stand-in.note', 'Note', $namespace, '1.1', text(text => $text)); return undef });
step(view => \&view);
step(record12 => sub { recorded(ask('stand-in.record', 'Record', $namespace, '1.2', entry('keep'))) });
step(fault12 => sub { refused(ask('stand-in.record', 'Record', $namespace, '1.2', entry('refuse'))) });
step(attachment => sub {
    my $file = MIME::Entity->build(
        Type => 'application/octet-stream', Encoding => 'base64', Id => '<octets@client>', Data => "\x00\xff\x10\r\n--",
    );
    # Beside attachments it writes no character beyond Latin-1.
    ask('files.file', 'Note', $namespace, '1.1', text(text => 'scan'), $file);
    return undef;
});
step(inbox => \&inbox);
print JSON::PP->new->utf8->canonical->encode(\%said);
