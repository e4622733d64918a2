// What is in a target, and among the dead letters, of pipelines that move numbers.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "process.hpp"
#include "receipt.hpp"

namespace integration {

/// What whoever starts the test asks for by a variable, such as LEAT_KILLS.
inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// The numbers that are in the target, as they stand there.
inline std::vector<std::int64_t> numbers_in(const std::filesystem::path& target, const std::string& sink) {
    std::vector<std::int64_t> out;
    if (sink == "sqlite") {
        sqlite3* database = nullptr;
        BOOST_REQUIRE(sqlite3_open(target.c_str(), &database) == SQLITE_OK);
        sqlite3_stmt* select = nullptr;
        BOOST_REQUIRE(sqlite3_prepare_v2(database, "SELECT n FROM t ORDER BY rowid", -1, &select, nullptr) ==
                      SQLITE_OK);
        while (sqlite3_step(select) == SQLITE_ROW)
            out.push_back(sqlite3_column_int64(select, 0));
        sqlite3_finalize(select);
        sqlite3_close(database);
        return out;
    }
    std::ifstream lines(target);
    for (std::string line; std::getline(lines, line);) {
        if (line.back() == '"' && line.find(',') == std::string::npos) continue;  // the rest of a quoted field
        const auto digit = line.find_first_of("0123456789");
        if (digit != std::string::npos) out.push_back(std::stoll(line.substr(digit)));
    }
    return out;
}

/// The numbers of the dead letters, in ascending order.
inline std::vector<std::int64_t> dead_numbers_in(const Directory& directory, const std::string& state) {
    std::vector<std::int64_t> out;
    std::istringstream lines(directory.leat({"dead", "export", "--state", state}).out);
    for (std::string line; std::getline(lines, line);) {
        const auto letter = receipt_of(line);
        BOOST_TEST(text(letter, "state") == "open", line);
        const auto* const row = letter.if_contains("row");
        const auto number = row ? boost::json::serialize(*row) : text(letter, "raw");
        const auto digit = number.find_first_of("0123456789");
        BOOST_REQUIRE_MESSAGE(digit != std::string::npos, line);
        out.push_back(std::stoll(number.substr(digit)));
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace integration
