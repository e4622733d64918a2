// What a process needs and may not have: descriptors, standard streams.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "process.hpp"

using namespace integration;

namespace {

struct WithRows : Directory {
    WithRows() {
        std::string rows = "n\n";
        for (int n = 0; n < 500; ++n)
            rows += std::to_string(n) + "\n";
        put("in.csv", rows);
    }
    /// Runs a line of shell in which $0 is leat.
    Ended shell(const std::string& line) const {
        Options options;
        options.directory = path();
        std::vector<std::string> command = {"bash", "-c", line};
        for (const auto& word : leat_command({}))
            command.push_back(word);
        return integration::run(std::move(command), std::move(options));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(scarce)

#ifndef LEAT_SANITIZED  // which take descriptors themselves, and see faults where there is none left for them
BOOST_FIXTURE_TEST_CASE(a_run_with_few_descriptors_ends_with_all_rows_or_says_what_is_missing, WithRows) {
    bool failed = false;
    bool done = false;
    for (int limit = 6; limit <= 30; limit += 2) {
        const auto number = std::to_string(limit);
        // Its own descriptors: what the shell was given from outside must not count.
        const auto ended =
            shell("for i in /proc/$$/fd/*; do n=${i##*/}; [ $n -le 2 ] || eval \"exec $n>&-\"; done; ulimit -n " +
                  number + "; exec \"$0\" load in.csv ndjson:out" + number + ".ndjson --no-state");
        BOOST_TEST_CONTEXT(number << " descriptors: " << ended.err) {
            BOOST_TEST(ended.signal == 0);
            if (ended.code == 0) {
                done = true;
                const auto rows = get("out" + number + ".ndjson");
                BOOST_TEST(std::count(rows.begin(), rows.end(), '\n') == 500);
            } else {
                failed = true;
                BOOST_TEST((ended.err + ended.out).find("Too many open files") != std::string::npos);
            }
        }
    }
    BOOST_TEST(failed);
    BOOST_TEST(done);
}
#endif

BOOST_FIXTURE_TEST_CASE(standard_streams_that_are_closed_are_no_files_of_a_run, WithRows) {
    const auto none = shell("\"$0\" load in.csv ndjson:none.ndjson <&- >&- 2>&-; echo $?");
    BOOST_TEST(none.out == "1\n");  // its receipt could not be printed
    const auto rows = get("none.ndjson");
    BOOST_TEST(std::count(rows.begin(), rows.end(), '\n') == 500);
    BOOST_TEST(rows.starts_with("{\"n\":0}\n"));

    const auto no_input = shell("\"$0\" load in.csv ndjson:input.ndjson <&-");
    BOOST_TEST(no_input.code == 0, no_input.err);
    const auto no_output = shell("\"$0\" load in.csv stdout: --no-state >&-");
    BOOST_TEST(no_output.code == 3);
    BOOST_TEST(no_output.err.find("cannot write to standard output: Bad file descriptor") != std::string::npos,
               no_output.err);
}

BOOST_AUTO_TEST_SUITE_END()
