# Stands in for Kaitai's runtime, which is on no registry that the tests can reach: what the
# generated parser of the format calls, and nothing else.
package IO::KaitaiStruct;
our $VERSION = 0.011;

package IO::KaitaiStruct::Struct;
use strict;
use warnings;

sub new {
    my ($class, $io) = @_;
    return bless {_io => $io}, $class;
}

sub _io { return $_[0]->{_io} }
sub _parent { return $_[0]->{_parent} }
sub _root { return $_[0]->{_root} }

package IO::KaitaiStruct::Stream;
use strict;
use warnings;

sub new {
    my ($class, $from) = @_;
    if (ref $from eq 'GLOB') {
        local $/;
        $from = <$from>;
    }
    return bless {data => $from, at => 0, bits => 0, left => 0}, $class;
}

sub pos { return $_[0]->{at} }

sub size { return length $_[0]->{data} }

sub seek {
    my ($self, $at) = @_;
    ($self->{at}, $self->{left}) = ($at, 0);
}

sub read_bytes {
    my ($self, $count) = @_;
    my $there = length($self->{data}) - $self->{at};
    die "Requested $count bytes, but got only $there bytes\n" if $count < 0 || $count > $there;
    $self->{at} += $count;
    $self->{left} = 0;
    return substr $self->{data}, $self->{at} - $count, $count;
}

sub read_bytes_full {
    my ($self) = @_;
    return $self->read_bytes(length($self->{data}) - $self->{at});
}

sub read_u1 { return unpack 'C', $_[0]->read_bytes(1) }
sub read_u2le { return unpack 'S<', $_[0]->read_bytes(2) }
sub read_u2be { return unpack 'S>', $_[0]->read_bytes(2) }
sub read_u4le { return unpack 'L<', $_[0]->read_bytes(4) }
sub read_u4be { return unpack 'L>', $_[0]->read_bytes(4) }
sub read_u8le { return unpack 'Q<', $_[0]->read_bytes(8) }
sub read_u8be { return unpack 'Q>', $_[0]->read_bytes(8) }

sub read_bits_int_be {
    my ($self, $count) = @_;
    my $found = 0;
    for (1 .. $count) {
        if (!$self->{left}) {
            $self->{bits} = $self->read_u1();
            $self->{left} = 8;
        }
        $self->{left}--;
        $found = $found << 1 | $self->{bits} >> $self->{left} & 1;
    }
    return $found;
}

sub bytes_terminate {
    my ($bytes, $end, $included) = @_;
    my $at = index $bytes, chr $end;
    return $at < 0 ? $bytes : substr $bytes, 0, $at + ($included ? 1 : 0);
}

1;
