// The section http, and addresses.
#include "config/address.hpp"
#include "support.hpp"

using namespace leat::config;
using namespace leat::config::testing;
using namespace std::chrono_literals;

namespace {

const Variables with_token = {{"TOKEN", "0123456789abcdef"}};

std::string problem_of(const std::string& address) {
    const auto read = parse_address(address);
    return read ? "none" : read.error().message();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http)

BOOST_AUTO_TEST_CASE(is_off_unless_it_is_there) {
    const auto off = settings_of(complete_with("")).http;
    BOOST_TEST(!off.listen);
    BOOST_TEST((off.stalled_after == 60s));
    const auto on = settings_of(complete_with("http:\n")).http;
    BOOST_REQUIRE(on.listen);
    BOOST_TEST(on.listen->text() == "127.0.0.1:8642");
    const auto all = settings_of(complete_with("http: {listen: \"0.0.0.0:0\", token: !secret env:TOKEN, "
                                               "stalled_after: 5m}\n"),
                                 with_token)
                         .http;
    BOOST_TEST(all.listen->text() == "0.0.0.0:0");
    BOOST_TEST(all.token == "0123456789abcdef");
    BOOST_TEST((all.stalled_after == 5min));
}

BOOST_AUTO_TEST_CASE(an_address_that_others_can_reach_needs_a_token) {
    BOOST_TEST(problems_of(complete_with("http: {listen: \"0.0.0.0:8642\"}\n")) ==
               "leat.yaml:4:16: http.listen: is \"0.0.0.0:8642\", which others than this machine can reach, so that it "
               "needs a token; add one beside it, as in token: !secret file:/etc/leat/http-token, or listen on "
               "127.0.0.1");
    for (const std::string local : {"127.0.0.2:1", "\"[::1]:1\"", "localhost:1", "unix:/run/leat.sock"})
        BOOST_TEST(problems_of(complete_with("http: {listen: " + local + "}\n")) == "");
    for (const std::string open : {"\"[::]:1\"", "192.168.0.1:1", "\"[::ffff:127.0.0.1]:1\""})
        BOOST_TEST(problems_of(complete_with("http: {listen: " + open + "}\n")) != "", open);
}

BOOST_AUTO_TEST_CASE(a_token_is_a_secret_and_never_shown) {
    BOOST_TEST(problems_of(complete_with("http: {token: 0123456789abcdef}\n")) ==
               "leat.yaml:4:15: http.token: is written here, where all who can read this file see it; put it "
               "elsewhere, as in token: !secret file:/etc/leat/http-token");
    for (const std::string wrong : {"0123456789abcde", "0123456789 abcdef", "0123456789abcdef\xc3\xa9"}) {
        BOOST_TEST(problems_of(complete_with("http: {token: !secret env:TOKEN}\n"), {{"TOKEN", wrong}}) ==
                   "leat.yaml:4:15: http.token: must have 16 characters or more, printable ones of ASCII without "
                   "spaces; make one with: openssl rand -hex 32");
    }
}

BOOST_AUTO_TEST_CASE(wrong_keys_and_values_are_told) {
    BOOST_TEST(problems_of(complete_with("http: {lisen: localhost:1, stalled_after: 60}\n")) ==
               "leat.yaml:4:8: http.lisen: is no key here; did you mean \"listen\"? The keys are listen, token and "
               "stalled_after\n"
               "leat.yaml:4:43: http.stalled_after: is \"60\", but needs a unit: ns, us, ms, s, m, h or d, as in 5s");
    BOOST_TEST(problems_of(complete_with("http: {listen: [1]}\n")) ==
               "leat.yaml:4:16: http.listen: is a list, but must be HOST:PORT or unix:/PATH, as in 127.0.0.1:8642");
    BOOST_TEST(problems_of(complete_with("http: {listen: 8642}\n")) ==
               "leat.yaml:4:16: http.listen: is \"8642\", but has no port; write HOST:PORT or unix:/PATH, as in "
               "127.0.0.1:8642");
}

BOOST_AUTO_TEST_CASE(addresses_are_read_without_looking_up_names) {
    for (const std::string good : {"127.0.0.1:0", "[::1]:65535", "localhost:80", "0.0.0.0:1", "unix:/run/a:b.sock"}) {
        const auto read = parse_address(good);
        BOOST_REQUIRE(read);
        BOOST_TEST(read.value().text() == good);
    }
    const std::string end = "; write HOST:PORT or unix:/PATH, as in 127.0.0.1:8642";
    BOOST_TEST(problem_of("example.com:80") ==
               "is \"example.com:80\", but its host is no IP address, nor localhost; every address of this machine is "
               "0.0.0.0 or [::]" +
                   end);
    BOOST_TEST(problem_of("::1:80") == "is \"::1:80\", but an IPv6 address stands in brackets, as in [::1]:8642" + end);
    for (const std::string port : {"", "x", "65536", "-1", "80x", "+80"})
        BOOST_TEST(problem_of("127.0.0.1:" + port) ==
                   "is \"127.0.0.1:" + port + "\", but its port is no number from 0 to 65535" + end);
    BOOST_TEST(problem_of("unix:leat.sock") ==
               "is \"unix:leat.sock\", but the path of a Unix socket begins with /" + end);
    BOOST_TEST(problem_of("unix:/" + std::string(107, 'x')) != "none");
    BOOST_TEST(problem_of("unix:/" + std::string(106, 'x')) == "none");
}

BOOST_AUTO_TEST_SUITE_END()
