// leat, killed with SIGKILL at random instants and run again until it is done: every number is in the target once.
//
// LEAT_KILLS: how many kills; LEAT_SEED: of what is chosen at random, printed when something is wrong.
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

#ifdef LEAT_SANITIZED
constexpr std::uint64_t usual_kills = 30;  // each start takes long
#else
constexpr std::uint64_t usual_kills = 200;
#endif

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct Chosen {
    std::string name;  // of what is special about it, for messages
    std::string source, transforms, sink;
    int rows;
    std::string filtered;  // a modulus whose multiples are left out; empty: none
};

class Random {
public:
    explicit Random(std::uint64_t seed) : random_(seed) {}
    int below(int end) { return static_cast<int>(random_() % static_cast<std::uint64_t>(end)); }
    int between(int first, int last) { return first + below(last - first + 1); }
    template <class T>
    T one_of(std::vector<T> from) {
        return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
    }

private:
    std::mt19937_64 random_;
};

/// The numbers that are in the target, as they stand there.
std::vector<std::int64_t> numbers_in(const Directory& directory, const std::string& sink) {
    std::vector<std::int64_t> out;
    if (sink == "sqlite") {
        sqlite3* database = nullptr;
        BOOST_REQUIRE(sqlite3_open((directory.path() / "target").c_str(), &database) == SQLITE_OK);
        sqlite3_stmt* select = nullptr;
        BOOST_REQUIRE(sqlite3_prepare_v2(database, "SELECT n FROM t ORDER BY rowid", -1, &select, nullptr) ==
                      SQLITE_OK);
        while (sqlite3_step(select) == SQLITE_ROW)
            out.push_back(sqlite3_column_int64(select, 0));
        sqlite3_finalize(select);
        sqlite3_close(database);
        return out;
    }
    std::istringstream lines(directory.get("target"));
    for (std::string line; std::getline(lines, line);) {
        if (line.back() == '"' && line.find(',') == std::string::npos) continue;  // the rest of a quoted field
        const auto digit = line.find_first_of("0123456789");
        if (digit != std::string::npos) out.push_back(std::stoll(line.substr(digit)));
    }
    return out;
}

class Killer {
public:
    explicit Killer(std::uint64_t seed) : random_(seed) {}

    /// Runs one pipeline to its end, with as many kills on the way as come; returns their number.
    int run_one(int most_kills) {
        const auto sink = random_.one_of<std::string>({"sqlite", "sqlite", "ndjson", "csv"});
        const auto source = random_.one_of<std::string>({"generate", "csv", "ndjson"});
        const auto transform = random_.one_of<std::string>({"", "sql", "sql-filter"});
        const int rows = random_.between(2'000, 60'000);
        const Directory directory;
        std::string extract;
        if (source == "generate") {
            extract = "generate: { rows: " + std::to_string(rows) +
                      ", columns: { n: sequence }, batch: " + std::to_string(random_.between(10, 5'000)) + " }";
        } else {
            write_input(directory, source, rows);
            extract = source + ": { path: in }";
        }
        std::string yaml = "version: 1\npipelines:\n  p:\n    extract: { " + extract + " }\n";
        if (transform == "sql") yaml += "    transform: [ { sql: SELECT n FROM batch } ]\n";
        if (transform == "sql-filter") yaml += "    transform: [ { sql: SELECT n FROM batch WHERE n % 7 <> 0 } ]\n";
        yaml += "    load: { " + sink + ": { path: target" + (sink == "sqlite" ? ", table: t" : "") + " } }\n";
        yaml += "    bucket: { rows: " + std::to_string(random_.between(50, 8'000)) + " }\n";
        directory.put("p.yaml", yaml);

        int kills = 0;
        for (;;) {
            Options options;
            options.directory = directory.path();
            Process process(leat_command({"run", "--json", "p.yaml"}), std::move(options));
            const auto until =
                std::chrono::steady_clock::now() + std::chrono::microseconds(random_.between(0, 150'000));
            const bool kill_it = kills < most_kills;
            if (kill_it) {
                std::this_thread::sleep_until(until);  // the instant is what is random
                process.signal(SIGKILL);
            }
            const auto ended = process.wait();
            if (ended.signal == 0) {
                BOOST_TEST_CONTEXT(yaml << ended.err) {
                    BOOST_TEST(ended.code == 0);
                    BOOST_TEST(balance(ended.out).find(", balanced") != std::string::npos, balance(ended.out));
                }
                break;
            }
            ++kills;
            count_open_transaction(directory, sink);
        }
        std::vector<std::int64_t> expected;
        for (int n = 1; n <= rows; ++n) {
            if (transform != "sql-filter" || n % 7 != 0) expected.push_back(n);
        }
        const auto written = numbers_in(directory, sink);
        BOOST_TEST_CONTEXT(yaml << "after " << kills << " kills") {
            BOOST_TEST(written.size() == expected.size());
            BOOST_TEST((written == expected), "the target does not hold each number once, in order");
        }
        return kills;
    }

    int hit_open_transactions = 0;

private:
    static void write_input(const Directory& directory, const std::string& format, int rows) {
        std::string text = format == "csv" ? "n,text\n" : "";
        for (int n = 1; n <= rows; ++n) {
            const auto number = std::to_string(n);
            // Line ends within a quoted field, so that a position is no line number.
            text += format == "csv" ? number + ",\"a\n" + number + "\"\n" : "{\"n\": " + number + "}\n";
        }
        directory.put("in", text);
        if (format == "csv") directory.put("README", "n is what is counted");
    }

    /// Until there is more, or less, in the target than now; or the process has ended.
    static void wait_for_change(const Directory& directory, Process& process) {
        const auto look = [&] {
            std::uintmax_t out = 0;
            for (const auto* const name : {"target", "target-journal", "target.leat"}) {
                std::error_code none;
                const auto size = std::filesystem::file_size(directory.path() / name, none);
                out = 31 * out + (none ? 0 : size + 1);
            }
            return out;
        };
        const auto before = look();
        while (look() == before && process.is_running())
            std::this_thread::yield();
    }

    // A journal that is not empty, or a file that is longer than what is committed of it.
    void count_open_transaction(const Directory& directory, const std::string& sink) {
        std::error_code none;
        if (sink == "sqlite") {
            const auto size = std::filesystem::file_size(directory.path() / "target-journal", none);
            if (!none && size > 0) ++hit_open_transactions;
            return;
        }
        const auto manifest = directory.path() / "target.leat";
        const auto file = directory.path() / "target";
        if (!std::filesystem::exists(file, none)) return;
        std::ifstream in(manifest);
        const std::string text((std::istreambuf_iterator<char>(in)), {});
        const auto size = std::to_string(std::filesystem::file_size(file, none));
        if (text.find(size) == std::string::npos) ++hit_open_transactions;
    }

    Random random_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(killed)

BOOST_AUTO_TEST_CASE(every_number_is_in_the_target_once_however_often_leat_is_killed) {
    const auto wanted = static_cast<int>(from_environment("LEAT_KILLS", usual_kills));
    const auto seed = from_environment("LEAT_SEED", std::random_device()());
    BOOST_TEST_CONTEXT("LEAT_SEED=" << seed) {
        Killer killer(seed);
        int kills = 0, pipelines = 0;
        while (kills < wanted) {
            kills += killer.run_one(std::min(20, wanted - kills));
            ++pipelines;
            BOOST_REQUIRE_MESSAGE(pipelines < 50 + wanted, "too few kills hit anything");
        }
        BOOST_TEST_MESSAGE(kills << " kills of " << pipelines << " pipelines, " << killer.hit_open_transactions
                                 << " of them within a transaction");
        // Of a few kills, of a process that takes long to start, perhaps none does.
        if (kills >= 200)
            BOOST_TEST(killer.hit_open_transactions * 20 > kills, "too few kills hit an open transaction");
    }
}

BOOST_AUTO_TEST_SUITE_END()
