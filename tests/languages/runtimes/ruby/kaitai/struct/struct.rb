# Stands in for Kaitai's runtime, which is on no registry that the tests can reach: what the
# generated parser of the format calls, and nothing else.
module Kaitai
  module Struct
    VERSION = '0.11'.freeze

    class KaitaiStructError < StandardError; end
    class UndecidedEndiannessError < KaitaiStructError; end

    class ValidationFailedError < KaitaiStructError
      def initialize(*about)
        super("#{self.class.name.split('::').last}: #{about.last}")
      end
    end

    class ValidationNotEqualError < ValidationFailedError; end
    class ValidationLessThanError < ValidationFailedError; end
    class ValidationGreaterThanError < ValidationFailedError; end
    class ValidationNotAnyOfError < ValidationFailedError; end

    class Struct
      attr_reader :_io, :_parent, :_root

      def self.from_file(path)
        new(Stream.new(File.binread(path)))
      end

      def initialize(io, parent = nil, root = nil)
        @_io = io
        @_parent = parent
        @_root = root || self
      end
    end

    class Stream
      attr_reader :pos

      def initialize(data)
        @data = data.b
        @pos = 0
        @left = 0
      end

      def size
        @data.bytesize
      end

      def seek(position)
        @pos = position
        @left = 0
      end

      def read_bytes(count)
        there = size - @pos
        raise ArgumentError, "negative length #{count} given" if count.negative?
        raise EOFError, "requested #{count} bytes, but only #{there} available" if count > there

        @left = 0
        @pos += count
        @data.byteslice(@pos - count, count)
      end

      def read_bytes_full
        read_bytes([size - @pos, 0].max)
      end

      def substream(count)
        Stream.new(read_bytes(count))
      end

      { u1: 'C', u2le: 'S<', u2be: 'S>', u4le: 'L<', u4be: 'L>', u8le: 'Q<',
        u8be: 'Q>' }.each do |name, form|
        define_method("read_#{name}") { read_bytes(name[1].to_i).unpack1(form) }
      end

      def read_bits_int_be(count)
        (1..count).reduce(0) do |found, _|
          if @left.zero?
            @bits = read_u1
            @left = 8
          end
          @left -= 1
          found << 1 | @bits[@left]
        end
      end

      def self.bytes_terminate(bytes, ending, included)
        at = bytes.index(ending.chr)
        at ? bytes.byteslice(0, at + (included ? 1 : 0)) : bytes
      end

      def self.resolve_enum(names, value)
        names[value] || value
      end
    end
  end
end
