// The configurations that are shipped: they load, and leat.yaml leaves no key out.
#include <iterator>
#include <sstream>
#include <vector>

#include "support.hpp"

using namespace leat::config;
using namespace leat::config::testing;

namespace {

/// The keys that the host reads in a section, as it lists them for a key that does not exist.
std::vector<std::string> keys_of(const std::string& yaml_with_wrong_key) {
    auto text = problems_of(yaml_with_wrong_key);
    text = text.substr(text.find("is no key here"));
    const auto begin = text.find(" is ", text.find("; ")) == std::string::npos ? text.find(" are ") + 5
                                                                               : text.find(" is ", text.find("; ")) + 4;
    text = text.substr(begin, text.find('\n') - begin);
    std::vector<std::string> out;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        while (!word.empty() && std::string_view("(),").find(word.back()) != std::string_view::npos)
            word.pop_back();
        if (word != "and" && word != "(or" && !word.empty()) out.push_back(word);
    }
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(samples)

BOOST_AUTO_TEST_CASE(load_without_problems) {
    std::size_t loaded = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(LEAT_CONFIG_FOLDER)) {
        if (entry.path().extension() != ".yaml") continue;
        Problems problems;
        leat::config::load(entry.path(), environment({}), problems);
        BOOST_TEST(text_of(problems) == "");
        ++loaded;
    }
    BOOST_TEST(loaded > 0u);
}

BOOST_AUTO_TEST_CASE(name_every_key) {
    std::ifstream in(LEAT_CONFIG_FOLDER "/leat.yaml");
    const std::string sample(std::istreambuf_iterator<char>(in), {});
    const std::vector<std::string> sections = {
        complete_with("?: 1\n"),
        complete_with("plugins: {\"?\": 1}\n"),
        complete_with("manager: {\"?\": 1}\n"),
        complete_with("bucket: {\"?\": 1}\n"),
        complete_with("http: {\"?\": 1}\n"),
        pipeline_with("    extract: a\n    load: b\n    \"?\": 1\n"),
        pipeline_with("    extract: a\n    load: b\n    retry: {\"?\": 1}\n"),
        pipeline_with("    extract: a\n    load: b\n    circuit: {\"?\": 1}\n"),
        pipeline_with("    extract: a\n    load: b\n    dead_letters: {\"?\": 1}\n"),
    };
    for (const auto& section : sections) {
        const auto keys = keys_of(section);
        BOOST_TEST(!keys.empty(), section);
        for (const auto& key : keys) {
            const bool is_named =
                sample.find(key + ':') != std::string::npos || sample.find("or " + key) != std::string::npos;
            BOOST_TEST(is_named, key << " is not in config/leat.yaml");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
