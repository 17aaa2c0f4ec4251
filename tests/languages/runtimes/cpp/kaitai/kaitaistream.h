// What generated parsers and their programs call of Kaitai's runtime for C++, for tests alone.
//
// No registry that the tests can reach has the runtime. This is the interface that the compiler
// writes for, with nothing that this format's schema does not need; users take the runtime itself.
#pragma once

#define KAITAI_STRUCT_VERSION 11000L

#include <cstdint>
#include <istream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

namespace kaitai {

class kstream {
public:
    explicit kstream(std::istream* from)
        : m_bytes(std::istreambuf_iterator<char>(*from), std::istreambuf_iterator<char>()) {}
    explicit kstream(const std::string& bytes) : m_bytes(bytes) {}

    uint64_t pos() const { return m_at; }
    uint64_t size() const { return m_bytes.size(); }
    bool is_eof() const { return m_at >= m_bytes.size(); }
    void seek(uint64_t at) {
        m_at = at;
        m_bit = 0;
    }

    std::string read_bytes(std::streamsize length) {
        if (m_bit > 0) seek(m_at + 1);
        if (length < 0 || m_at > size() || static_cast<uint64_t>(length) > size() - m_at)
            throw std::runtime_error("the stream ends here");
        const uint64_t from = m_at;
        m_at += length;
        return m_bytes.substr(from, length);
    }
    std::string read_bytes_full() { return read_bytes(size() - (m_at < size() ? m_at : size())); }

    uint8_t read_u1() { return static_cast<uint8_t>(read_bytes(1)[0]); }
    uint16_t read_u2le() { return static_cast<uint16_t>(little(2)); }
    uint16_t read_u2be() { return static_cast<uint16_t>(big(2)); }
    uint32_t read_u4le() { return static_cast<uint32_t>(little(4)); }
    uint32_t read_u4be() { return static_cast<uint32_t>(big(4)); }
    uint64_t read_u8le() { return little(8); }
    uint64_t read_u8be() { return big(8); }

    uint64_t read_bits_int_be(int bits) {
        uint64_t value = 0;
        for (; bits > 0; --bits) {
            if (is_eof()) throw std::runtime_error("the stream ends here");
            value = value << 1 | (static_cast<uint8_t>(m_bytes[m_at]) >> (7 - m_bit) & 1);
            m_bit = (m_bit + 1) % 8;
            if (m_bit == 0) ++m_at;
        }
        return value;
    }

    static std::string bytes_terminate(const std::string& bytes, char end, bool include) {
        const std::size_t at = bytes.find(end);
        return at == std::string::npos ? bytes : bytes.substr(0, at + (include ? 1 : 0));
    }
    static std::string bytes_to_str(const std::string& bytes, const std::string& encoding) {
        if (encoding != "UTF-8") throw std::runtime_error("unknown encoding: " + encoding);
        return bytes; // what isn't UTF-8 is the runtime's matter, which asks iconv
    }

private:
    uint64_t little(int length) {
        const std::string bytes = read_bytes(length);
        uint64_t value = 0;
        for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte)
            value = value << 8 | static_cast<uint8_t>(*byte);
        return value;
    }
    uint64_t big(int length) {
        uint64_t value = 0;
        for (const char byte : read_bytes(length)) value = value << 8 | static_cast<uint8_t>(byte);
        return value;
    }

    std::string m_bytes;
    uint64_t m_at = 0;
    int m_bit = 0;
};

} // namespace kaitai
