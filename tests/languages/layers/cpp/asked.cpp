// Print what the layer shows of the dumps, and reads at the addresses, that a file asks for.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include "msl_dump.h"

static std::string hex(const std::string& bytes) {
    std::string shown;
    for (const unsigned char byte : bytes) {
        shown += "0123456789abcdef"[byte >> 4];
        shown += "0123456789abcdef"[byte & 15];
    }
    return shown;
}

static std::string value_of(const msl_dump::Register& one) {
    if (one.bytes.empty()) return "-";
    std::ostringstream shown;
    if (one.bytes.size() <= 8) {
        shown << std::hex << one.number();
        return shown.str();
    }
    const std::string all = hex(std::string(one.bytes.rbegin(), one.bytes.rend()));
    const auto first = all.find_first_not_of('0');
    return first == std::string::npos ? "0" : all.substr(first);
}

int main(int, char** arguments) {
    std::ifstream asked(arguments[1]);
    std::unique_ptr<msl_dump::Dump> dump;
    std::cout << std::hex;
    for (std::string line; std::getline(asked, line);) {
        std::istringstream words(line);
        std::string what;
        words >> what;
        if (what == "dump") {
            dump.reset(new msl_dump::Dump(line.substr(5)));
            std::cout << line << '\n';
            for (const auto& one : dump->regions)
                std::cout << "region " << one.address << ' ' << one.size << ' ' << one.rights << '\n';
            for (const auto& one : dump->modules)
                std::cout << "module " << one.address << ' ' << one.size << ' ' << one.path << '\n';
            for (const auto& one : dump->threads)
                for (const auto& each : one.registers)
                    std::cout << "register " << one.id << ' ' << each.name << ' ' << value_of(each) << '\n';
            for (const auto& one : dump->damaged)
                std::cout << "damaged " << std::dec << one.first << std::hex << '\n';
            continue;
        }
        std::uint64_t address = 0, length = 0;
        words >> std::hex >> address >> length;
        for (const auto& run : dump->read(address, length))
            std::cout << "run " << run.address << ' ' << run.length << ' ' << run.state << ' '
                      << hex(run.data) << '\n';
    }
}
