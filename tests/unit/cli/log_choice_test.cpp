#include "cli/log_choice.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <sstream>

using namespace leat::cli;

namespace {

/// A file in place of standard error, and whether JOURNAL_STREAM names it.
struct Place {
    int ends[2] = {-1, -1};
    std::string stream;
    Place() {
        BOOST_REQUIRE(::pipe(ends) == 0);
        struct stat of {};
        BOOST_REQUIRE(::fstat(ends[1], &of) == 0);
        stream = std::to_string(of.st_dev) + ":" + std::to_string(of.st_ino);
    }
    ~Place() {
        for (const int end : ends)
            ::close(end);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    LogFormat format(LogFormat asked, bool is_terminal, std::optional<std::string> journal_stream) const {
        std::ostringstream out;
        const Console console{
            out,   out,
            false, is_terminal,
            {},    [&](const std::string& name) {
                                  return name == "JOURNAL_STREAM" ? journal_stream : std::nullopt; }};
        Arguments arguments;
        arguments.log_format = asked;
        return chosen_format(arguments, console, ends[1]);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(log_choice, Place)

BOOST_AUTO_TEST_CASE(by_itself_it_is_text_on_a_terminal_the_journal_where_that_is_and_else_json) {
    BOOST_TEST((format(LogFormat::automatic, true, std::nullopt) == LogFormat::text));
    // A shell that the service manager started hands the variable on.
    BOOST_TEST((format(LogFormat::automatic, true, stream) == LogFormat::text));
    BOOST_TEST((format(LogFormat::automatic, false, stream) == LogFormat::journald));
    BOOST_TEST((format(LogFormat::automatic, false, "1" + stream) == LogFormat::json));
    BOOST_TEST((format(LogFormat::automatic, false, std::nullopt) == LogFormat::json));
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_is_what_comes) {
    for (const auto asked : {LogFormat::text, LogFormat::json, LogFormat::journald}) {
        BOOST_TEST((format(asked, true, stream) == asked));
        BOOST_TEST((format(asked, false, std::nullopt) == asked));
    }
}

BOOST_AUTO_TEST_SUITE_END()
