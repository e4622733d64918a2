#include "observe/events.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "observe/line_log.hpp"

using namespace leat::observe;

namespace {

std::set<std::string> words_of(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::set<std::string> out;
    for (std::string word; in >> word;)
        out.insert(word);
    return out;
}

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// From behind an opening parenthesis to the one that closes it; what is quoted does not count.
std::string arguments_at(const std::string& text, std::size_t at) {
    int depth = 1;
    bool quoted = false;
    const auto begin = at;
    for (; at < text.size() && depth > 0; ++at) {
        const char c = text[at];
        if (quoted && c == '\\') {
            ++at;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == '(') {
            ++depth;
        } else if (!quoted && c == ')') {
            --depth;
        }
    }
    return text.substr(begin, at - begin);
}

/// The fields of each event, of all calls of Log::tell in the sources of the host.
std::map<std::string, std::set<std::string>> told() {
    static const std::regex call(R"re((?:\.|->)tell\(\s*"([^"]*)")re"), field(R"re(\{\s*"([a-z_]+)"\s*,)re");
    std::map<std::string, std::set<std::string>> out;
    for (const auto& file : std::filesystem::recursive_directory_iterator(LEAT_HOST_FOLDER)) {
        if (file.path().extension() != ".cpp" && file.path().extension() != ".hpp") continue;
        const auto text = text_of(file.path());
        for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at) {
            auto& fields = out[(*at)[1]];
            const auto arguments = arguments_at(text, static_cast<std::size_t>(at->position(1)) - 1);
            for (std::sregex_iterator one(arguments.begin(), arguments.end(), field); one != end; ++one)
                fields.insert((*one)[1]);
        }
    }
    return out;
}

std::string row_of(const EventName& event) {
    std::string fields;
    for (const char c : event.fields)
        fields += c == ' ' ? std::string("` `") : std::string(1, c);
    return "| `" + std::string(event.id) + "` | " + (event.level ? std::string(level_name(*event.level)) : "any") +
           " | " + (fields.empty() ? "" : "`" + fields + "`") + " | " + std::string(event.meaning) + " |";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(events)

BOOST_AUTO_TEST_CASE(the_table_has_each_id_once_with_whole_sentences) {
    static const std::regex words("[a-z]+(-[a-z]+)*"), name("[a-z]+(_[a-z]+)*");
    std::set<std::string_view> ids;
    for (const auto& one : event_names) {
        BOOST_TEST_CONTEXT(one.id) {
            BOOST_TEST(ids.insert(one.id).second);
            BOOST_TEST(std::regex_match(one.id.begin(), one.id.end(), words));
            for (const auto text : {one.meaning, one.remedy}) {
                BOOST_TEST(text.ends_with('.'));
                BOOST_TEST((text.front() >= 'A' && text.front() <= 'Z'));
                BOOST_TEST(text.find("  ") == std::string_view::npos);
            }
            // What any line has, or may have, is no field.
            for (const auto& field : words_of(one.fields)) {
                BOOST_TEST(std::regex_match(field, name));
                for (const auto* const taken : {"time", "level", "event", "message"})
                    BOOST_TEST(field != taken);
                BOOST_TEST((field == left_out_field) == (field == "left_out"));
                if (field == left_out_field) BOOST_TEST(one.id == "lines-left-out");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(an_event_knows_its_line_of_the_table) {
    static_assert(Event("circuit-open").name().level == Level::warn);
    static_assert(!Event("plugin-says").name().level);
    for (std::size_t i = 0; i < event_names.size(); ++i)
        BOOST_TEST((event_names[Event("rows-dead").index()].id == event_names[i].id) ==
                   (event_names[i].id == "rows-dead"));
}

BOOST_AUTO_TEST_CASE(the_host_tells_each_event_of_the_table_with_the_fields_that_it_is_said_to_have) {
    const auto calls = told();
    for (const auto& one : event_names) {
        BOOST_TEST_CONTEXT(one.id) {
            const auto found = calls.find(std::string(one.id));
            BOOST_REQUIRE(found != calls.end());
            BOOST_TEST(found->second == words_of(one.fields), boost::test_tools::per_element());
        }
    }
    BOOST_TEST(calls.size() == event_names.size());
}

BOOST_AUTO_TEST_CASE(the_readme_lists_exactly_the_table) {
    std::ifstream in(LEAT_HOST_FOLDER "/README.md");
    static const std::regex row("\\| `[a-z]+(-[a-z]+)*` \\| (any|info|warn|error) \\|.*");
    std::vector<std::string> listed, wanted;
    for (std::string line; std::getline(in, line);)
        if (std::regex_match(line, row)) listed.push_back(line);
    for (const auto& one : event_names)
        wanted.push_back(row_of(one));
    BOOST_TEST(listed == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
