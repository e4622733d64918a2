// leat, killed with SIGKILL at random instants and run again until it is done: every number is in the target or among
// the dead letters, once.
//
// LEAT_KILLS: how many kills; LEAT_SEED: of what is chosen at random, printed when something is wrong.
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
#include <type_traits>
#include <vector>

#include "numbers.hpp"
#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

#ifdef LEAT_SANITIZED
constexpr std::uint64_t usual_kills = 30;  // each start takes long
#else
constexpr std::uint64_t usual_kills = 200;
#endif

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

/// What the parts of a pipeline cannot handle, each by a divisor of its own; 0: nothing.
struct Bad {
    int read = 0, transformed = 0, loaded = 0;
    bool is_dead(int n) const { return divides(read, n) || divides(transformed, n) || divides(loaded, n); }
    static bool divides(int divisor, int n) { return divisor > 0 && n % divisor == 0; }
};

std::string multiples(int of, int last) {
    std::string out;
    for (int n = of; n <= last; n += of)
        out += (out.empty() ? "" : ", ") + std::to_string(n);
    return '[' + out + ']';
}

class Killer {
public:
    explicit Killer(std::uint64_t seed) : random_(seed) {}

    /// Runs one pipeline to its end, with as many kills on the way as come; returns their number.
    int run_one(int most_kills) {
        const auto sink = random_.one_of<std::string>({"sqlite", "sqlite", "ndjson", "csv", "many", "many"});
        const auto source = random_.one_of<std::string>({"generate", "csv", "ndjson", "csv-files"});
        const bool side_by_side = sink == "many";  // wants rows in the same order when they come again
        const auto transform =
            side_by_side ? random_.one_of<std::string>({"", "reject", "poison"})
                         : random_.one_of<std::string>({"", "sql", "sql-filter", "saving", "reject", "poison"});
        const int rows = random_.between(2'000, 60'000);
        Bad bad;
        const Directory directory;
        std::string extract;
        if (source == "generate") {
            extract = "generate: { rows: " + std::to_string(rows) + ", columns: { n: sequence }, batch: BATCH }";
        } else {
            bad.read = random_.one_of<int>({0, 97, 1'009});
            if (source == "csv-files") {
                write_files(directory, rows, bad.read);
                extract = "csv: { path: 'input-*', types: { n: int64 } }";
            } else {
                write_input(directory, source, rows, bad.read);
                extract = source + ": { path: in, types: { n: int64 } }";
            }
        }
        std::string yaml = "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/odd, " LEAT_FIXTURES
                           "/many, " LEAT_PLUGINS "] }\npipelines:\n  p:\n    extract: { " +
                           extract + " }\n";
        if (transform == "sql") yaml += "    transform: [ { sql: SELECT n FROM batch } ]\n";
        if (transform == "sql-filter") yaml += "    transform: [ { sql: SELECT n FROM batch WHERE n % 7 <> 0 } ]\n";
        if (transform == "saving") yaml += "    transform: [ odd.saving: {} ]\n";
        if (transform == "reject" || transform == "poison") {
            bad.transformed = random_.one_of<int>({101, 1'013});
            yaml += "    transform: [ odd.sure: { " + transform + ": " + multiples(bad.transformed, rows) + " } ]\n";
        }
        if (sink == "sqlite" && transform.starts_with("sql")) {
            bad.loaded = random_.one_of<int>({89, 1'019});
            const auto made =
                integration::run({"sqlite3", (directory.path() / "target").string(),
                                  "CREATE TABLE t(n INTEGER CHECK (n % " + std::to_string(bad.loaded) + " <> 0))"});
            BOOST_REQUIRE(made.code == 0);
        }
        if (side_by_side) {
            bad.loaded = random_.one_of<int>({0, 89, 1'019});
            yaml += "    load: { many.sink: { path: target, reject: " + std::to_string(bad.loaded) +
                    ", jitter: " + std::to_string(random_.one_of<int>({0, 500, 5'000})) +
                    ", trouble: " + std::to_string(random_.one_of<int>({0, 0, 10})) +
                    " } }\n    retry: { attempts: 100, first_wait: 1ms, longest_wait: 10ms }\n    circuit: { pause: "
                    "1ms }\n";
        } else {
            yaml += "    load: { " + sink + ": { path: target" + (sink == "sqlite" ? ", table: t" : "") + " } }\n";
        }
        yaml += "    dead_letters: { limit: 100000 rows }\n";
        int kills = 0;
        for (;;) {
            // As many workers as an operator likes, in each run others; and a source cuts its rows where it likes.
            const auto workers = std::to_string(side_by_side ? random_.between(1, 4) : 1);
            auto of_run = yaml + "    bucket: { rows: " + std::to_string(random_.between(50, 8'000)) +
                          ", workers: " + workers + " }\n";
            if (const auto at = of_run.find("BATCH"); at != std::string::npos)
                of_run.replace(at, 5, std::to_string(random_.between(10, 5'000)));
            directory.put("p.yaml", of_run);
            Options options;
            options.directory = directory.path();
            // Each of a thousand buckets is made durable, which takes long on some disks.
            options.deadline = std::chrono::minutes(5);
            Process process(leat_command({"run", "--json", "p.yaml"}), std::move(options));
            const bool kill_it = kills < most_kills;
            if (kill_it) {
                // The instant is what is random. Soon after something was written, the next transaction is open.
                const bool soon = random_.below(3) > 0;
                if (soon) attempt(yaml, [&] { wait_for_change(directory, process); });
                const auto pause = std::chrono::microseconds(random_.between(0, soon ? 5'000 : 150'000));
                std::this_thread::sleep_for(pause);
                process.signal(SIGKILL);
            }
            const auto ended = attempt(yaml, [&] { return process.wait(); });
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
        std::vector<std::int64_t> expected, expected_dead;
        for (int n = 1; n <= rows; ++n) {
            // What is left out, or cannot be read, never comes to the stages behind.
            const bool filtered = transform == "sql-filter" && n % 7 == 0 && !Bad::divides(bad.read, n);
            if (!filtered) (bad.is_dead(n) ? expected_dead : expected).push_back(n);
        }
        auto written = numbers_in(directory.path() / "target", side_by_side ? "sqlite" : sink);
        if (side_by_side) std::sort(written.begin(), written.end());
        const auto dead = dead_numbers_in(directory, ".leat");
        BOOST_TEST_CONTEXT(yaml << "after " << kills << " kills") {
            BOOST_TEST(written.size() == expected.size());
            BOOST_TEST((written == expected), "the target does not hold each number once, in order");
            BOOST_TEST(dead.size() == expected_dead.size());
            BOOST_TEST((dead == expected_dead), "the dead letters do not hold each bad number once");
        }
        dead_letters += static_cast<int>(dead.size());
        return kills;
    }

    int hit_open_transactions = 0;
    int dead_letters = 0;

private:
    static void write_input(const Directory& directory, const std::string& format, int rows, int bad) {
        std::string text = format == "csv" ? "n,text\n" : "";
        for (int n = 1; n <= rows; ++n) {
            const auto number = Bad::divides(bad, n) ? "\"x" + std::to_string(n) + '"' : std::to_string(n);
            // Line ends within a quoted field, so that a position is no line number.
            text += format == "csv" ? number + ",\"a\n" + std::to_string(n) + "\"\n" : "{\"n\": " + number + "}\n";
        }
        directory.put("in", text);
        if (format == "csv") directory.put("README", "n is what is counted");
    }

    /// So many that no token has room for the position.
    void write_files(const Directory& directory, int rows, int bad) {
        const int files = random_.between(250, 600);
        int n = 1;
        for (int file = 0; file < files; ++file) {
            std::string text = "n\n";
            for (const int last = rows * (file + 1) / files; n <= last; ++n)
                text += (Bad::divides(bad, n) ? "x" : "") + std::to_string(n) + '\n';
            directory.put("input-of-a-day-" + std::to_string(1000 + file), text);
        }
    }

    /// Names the pipeline when a wait comes to its deadline.
    template <class Wait>
    static std::invoke_result_t<Wait> attempt(const std::string& yaml, Wait&& wait) {
        try {
            return wait();
        } catch (const std::exception& e) {
            BOOST_FAIL(e.what() << yaml);
            throw;
        }
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
        while (look() == before && process.read_some(std::chrono::milliseconds(0)))
            std::this_thread::yield();
    }

    // A journal that is not empty, or a file that is longer than what is committed of it.
    void count_open_transaction(const Directory& directory, const std::string& sink) {
        std::error_code none;
        if (sink == "sqlite" || sink == "many") {
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
                                 << " of them within a transaction, " << killer.dead_letters << " dead letters");
        // Of a few kills, of a process that takes long to start, perhaps none does.
        if (kills >= 200)
            BOOST_TEST(killer.hit_open_transactions * 20 > kills, "too few kills hit an open transaction");
    }
}

BOOST_AUTO_TEST_SUITE_END()
