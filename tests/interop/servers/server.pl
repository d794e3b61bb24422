# SOAP::Lite as a server: it answers what it read, and keeps notes in a file. Port. It answers in the
# version of SOAP that it was asked in.
use strict; use warnings; use utf8;
use SOAP::Lite; use SOAP::Transport::HTTP;
use Encode qw(decode_utf8 encode_utf8);

package Records;

sub named { my ($name, $value) = @_; return SOAP::Data->name($name => $value) }
sub within { my ($name, @inside) = @_; return SOAP::Data->name($name => \SOAP::Data->value(@inside)) }

sub Record {
    my $asked = pop;
    my $entry = $asked->valueof('//entry');
    die SOAP::Fault->faultcode('Server')->faultstring('refused')->faultdetail(
        within('Refused', named(reason => Encode::decode_utf8($ENV{REASON})), named(field => 'kind'))
            ->attr({ xmlns => 'urn:interop' })
    ) if $entry->{kind} eq 'refuse';
    my @part = map { within('part', named(name => $_->{name}), named(count => $_->{count})) } $asked->valueof('//part');
    return named(number => 7), within(
        'kept', named(text => $entry->{text})->type('string'),
        (map { named($_ => $entry->{$_}) } qw(kind whole amount right day at octets note blank)),
        (map { named(tag => $_) } $asked->valueof('//tag')), @part,
    );
}

sub Note {
    my $asked = pop;
    open my $file, '>:raw', 'note.txt' or die;
    print {$file} Encode::encode_utf8($asked->valueof('//Note/text'));
    close $file;
    return;
}

@Records::ISA = qw(SOAP::Server::Parameters);

package Answers;

# The package names each answer after its question; this WSDL does not.
our @ISA = ('SOAP::Serializer');
sub envelope {
    my ($self, $sort, $name, @results) = @_;
    $name =~ s/^RecordResponse$/Recorded/ if $sort eq 'response';
    return $self->SUPER::envelope($sort, $name, @results);
}

package main;

my $serializer = Answers->new;
$serializer->autotype(0);
$serializer->encodingStyle('');
$serializer->default_ns('urn:interop');
SOAP::Transport::HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], ReuseAddr => 1)
    ->serializer($serializer)->on_action(sub { })->dispatch_with({ 'urn:interop' => 'Records' })->handle;
