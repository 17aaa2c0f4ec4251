#pragma once

#include "kaitai/kaitaistream.h"

namespace kaitai {

class kstruct_error : public std::runtime_error {
public:
    kstruct_error(const std::string& what, const std::string& where)
        : std::runtime_error(where + ": " + what) {}
};

class undecided_endianness_error : public kstruct_error {
public:
    explicit undecided_endianness_error(const std::string& where)
        : kstruct_error("neither little- nor big-endian", where) {}
};

template <typename T> class validation_not_equal_error : public kstruct_error {
public:
    validation_not_equal_error(const T&, const T&, kstream*, const std::string& where)
        : kstruct_error("not as it must be", where) {}
};

template <typename T> class validation_less_than_error : public kstruct_error {
public:
    validation_less_than_error(const T&, const T&, kstream*, const std::string& where)
        : kstruct_error("too small", where) {}
};

template <typename T> class validation_greater_than_error : public kstruct_error {
public:
    validation_greater_than_error(const T&, const T&, kstream*, const std::string& where)
        : kstruct_error("too large", where) {}
};

template <typename T> class validation_not_any_of_error : public kstruct_error {
public:
    validation_not_any_of_error(const T&, kstream*, const std::string& where)
        : kstruct_error("none of those that it may be", where) {}
};

} // namespace kaitai
