// Stands in for Kaitai's runtime, which is on no registry that the tests can reach: what the
// generated parser of the format calls, and nothing else.
using System;
using System.IO;

namespace Kaitai
{
    public class KaitaiStructError : Exception
    {
        public KaitaiStructError(string message) : base(message) {}
    }

    public class UndecidedEndiannessError : KaitaiStructError
    {
        public UndecidedEndiannessError() : base("the byte order is neither") {}
    }

    public class ValidationFailedError : KaitaiStructError
    {
        protected ValidationFailedError(string what, object found, string path)
            : base(path + ": " + found + " is " + what) {}
    }

    public class ValidationNotEqualError : ValidationFailedError
    {
        public ValidationNotEqualError(object due, object found, KaitaiStream io, string path)
            : base("not " + due, found, path) {}
    }

    public class ValidationLessThanError : ValidationFailedError
    {
        public ValidationLessThanError(object due, object found, KaitaiStream io, string path)
            : base("less than " + due, found, path) {}
    }

    public class ValidationGreaterThanError : ValidationFailedError
    {
        public ValidationGreaterThanError(object due, object found, KaitaiStream io, string path)
            : base("more than " + due, found, path) {}
    }

    public class ValidationNotAnyOfError : ValidationFailedError
    {
        public ValidationNotAnyOfError(object found, KaitaiStream io, string path)
            : base("none of those", found, path) {}
    }

    public abstract class KaitaiStruct
    {
        protected KaitaiStream m_io;

        protected KaitaiStruct(KaitaiStream io)
        {
            m_io = io;
        }

        public KaitaiStream M_Io { get { return m_io; } }
    }

    public class KaitaiStream
    {
        readonly byte[] data;
        long at;
        int bits, left;

        public KaitaiStream(byte[] bytes)
        {
            data = bytes;
        }

        public KaitaiStream(string path) : this(File.ReadAllBytes(path)) {}

        public long Pos { get { return at; } }

        public long Size { get { return data.Length; } }

        public void Seek(long position)
        {
            at = position;
            left = 0;
        }

        public byte[] ReadBytes(long count)
        {
            if (count < 0 || count > data.Length - at)
                throw new EndOfStreamException("requested " + count + " bytes, but got only "
                    + (data.Length - at));
            var bytes = new byte[count];
            Array.Copy(data, at, bytes, 0, count);
            at += count;
            left = 0;
            return bytes;
        }

        public byte[] ReadBytes(ulong count)
        {
            return ReadBytes(checked((long) count));
        }

        public byte[] ReadBytesFull()
        {
            return ReadBytes(data.Length - at);
        }

        ulong Number(int width, bool little)
        {
            byte[] bytes = ReadBytes((long) width);
            if (little) Array.Reverse(bytes);
            ulong found = 0;
            foreach (byte one in bytes) found = found << 8 | one;
            return found;
        }

        public byte ReadU1() { return (byte) Number(1, true); }
        public ushort ReadU2le() { return (ushort) Number(2, true); }
        public ushort ReadU2be() { return (ushort) Number(2, false); }
        public uint ReadU4le() { return (uint) Number(4, true); }
        public uint ReadU4be() { return (uint) Number(4, false); }
        public ulong ReadU8le() { return Number(8, true); }
        public ulong ReadU8be() { return Number(8, false); }

        public ulong ReadBitsIntBe(int count)
        {
            ulong found = 0;
            for (int i = 0; i < count; i++)
            {
                if (left == 0)
                {
                    bits = ReadU1();
                    left = 8;
                }
                left--;
                found = found << 1 | (ulong) (bits >> left & 1);
            }
            return found;
        }

        public static byte[] BytesTerminate(byte[] bytes, byte ending, bool included)
        {
            int end = Array.IndexOf(bytes, ending);
            if (end < 0) return bytes;
            var found = new byte[end + (included ? 1 : 0)];
            Array.Copy(bytes, found, found.Length);
            return found;
        }

        public static int ByteArrayCompare(byte[] one, byte[] other)
        {
            for (int i = 0; i < Math.Min(one.Length, other.Length); i++)
                if (one[i] != other[i]) return one[i] - other[i];
            return one.Length - other.Length;
        }
    }
}
