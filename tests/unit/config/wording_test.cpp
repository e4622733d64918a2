// The words of messages: names that look alike, patterns, values in one line.
#include "config/wording.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include "config/pattern_words.hpp"
#include "config/suggest.hpp"

using namespace leat::config;

namespace {

std::string words(std::string_view pattern) {
    const auto out = words_of_pattern(pattern);
    return out ? joined(*out, "or") : "none";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wording)

BOOST_AUTO_TEST_CASE(counts_a_swap_of_neighbours_as_one_edit) {
    BOOST_TEST(edits("", "") == 0u);
    BOOST_TEST(edits("path", "path") == 0u);
    BOOST_TEST(edits("path", "pth") == 1u);
    BOOST_TEST(edits("paht", "path") == 1u);
    BOOST_TEST(edits("", "abc") == 3u);
    BOOST_TEST(edits("kitten", "sitting") == 3u);
}

BOOST_AUTO_TEST_CASE(suggests_only_what_is_near) {
    BOOST_TEST(did_you_mean("delimeter", {"path", "delimiter"}) == "; did you mean \"delimiter\"?");
    BOOST_TEST(did_you_mean("x", {"path", "delimiter"}) == "");
    BOOST_TEST(did_you_mean("zz", {"s", "m"}) == "");
    BOOST_TEST(did_you_mean("", {"s"}) == "");
    BOOST_TEST(did_you_mean(std::string(1'000'000, 'x'), {std::string(1'000'001, 'x')}) == "");
}

BOOST_AUTO_TEST_CASE(lists_the_keys_that_there_are) {
    BOOST_TEST(unknown_key("rwos", {"rows", "bytes"}, {"rows", "bytes"}) ==
               "is no key here; did you mean \"rows\"? The keys are rows and bytes");
    BOOST_TEST(unknown_key("colour", {"limit"}, {"limit"}) == "is no key here; the only key is limit");
    BOOST_TEST(unknown_key("colour", {}, {}) == "is no key here; none is");
}

BOOST_AUTO_TEST_CASE(shows_a_text_in_one_line) {
    BOOST_TEST(in_quotes("a\nb\tc\x01\x7f") == "\"a\\nb\\tc\\x01\\x7f\"");
    BOOST_TEST(in_quotes(std::string(59, 'x') + "\xC3\xA4yz") == '"' + std::string(59, 'x') + "\xC3\xA4...\"");
    BOOST_TEST(in_quotes(std::string(60, 'x')) == '"' + std::string(60, 'x') + '"');
}

BOOST_AUTO_TEST_CASE(describes_what_stands_there) {
    const auto described = [](const char* json) { return description(boost::json::parse(json)); };
    BOOST_TEST(described("null") == "empty");
    BOOST_TEST(described("true") == "true");
    BOOST_TEST(described("-5") == "the number -5");
    BOOST_TEST(described("1.5") == "the number 1.5");
    BOOST_TEST(described("1e300") == "the number 1e+300");
    BOOST_TEST(described("\"a\"") == "the text \"a\"");
    BOOST_TEST(described("[]") == "a list");
    BOOST_TEST(described("{}") == "a mapping");
}

BOOST_AUTO_TEST_CASE(spells_a_choice_out) {
    BOOST_TEST(words("^(bool|u?int(8|16)|decimal\\([0-9]{1,2}, *[0-9]+\\)|text)$") ==
               "bool, int8, int16, uint8, uint16, decimal(N,N) or text");
    BOOST_TEST(words("^(?:a|b)\\.c$") == "a.c or b.c");
    BOOST_TEST(words("^\\d+ ?ms$") == "Nms");
}

BOOST_AUTO_TEST_CASE(does_not_spell_out_what_is_no_choice) {
    for (const auto* pattern :
         {"", "^", "^$x", "a|b", "^a|b", "^[a-z]+$", "^(a$", "^a)$", "^.*$", "^a+$", "^a{2}$", "^\\w$", "^\\", "^(a|b$",
          "^[0-9]{1$", "^a**$", "^(0|1|2|3|4|5|6|7|8)(0|1|2|3|4|5|6|7|8)$"}) {
        BOOST_TEST(words(pattern) == "none", pattern);
    }
    BOOST_TEST(words('^' + std::string(1000, '(')) == "none");
}

BOOST_AUTO_TEST_SUITE_END()
