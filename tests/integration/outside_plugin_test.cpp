// A plugin as its author writes it: from the SDK's README, outside of the tree, with plain gcc, named in YAML.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

/// The blocks of the README that begin with ```HEAD, put together.
std::string blocks(const std::string& head) {
    std::ifstream file(LEAT_SOURCE "/sdk/README.md");
    std::string out;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line == "```" + head) {
            inside = true;
        } else if (line == "```") {
            inside = false;
        } else if (inside) {
            out += line + "\n";
        }
    }
    return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(outside_plugin, Directory)

BOOST_AUTO_TEST_CASE(from_the_readme_is_built_with_plain_gcc_against_the_installed_header_and_runs) {
    const auto installed = integration::run(
        {"cmake", "--install", LEAT_BUILD, "--component", "sdk", "--prefix", (path() / "usr").string()});
    BOOST_REQUIRE_MESSAGE(installed.code == 0, installed.err);
    put("hello.c", blocks("c hello.c"));
    Options options;
    options.directory = path();
    options.environment["PKG_CONFIG_PATH"] = (path() / "usr/share/pkgconfig").string();
    const auto built =
        integration::run({"sh", "-c", "gcc -shared -fPIC $(pkg-config --cflags leat) hello.c -o hello.so"}, options);
    BOOST_REQUIRE_MESSAGE(built.code == 0, built.err);
    const auto checked = leat({"plugin", "check", "hello.so"});
    BOOST_TEST(checked.code == 0, checked.out);
    put("hello.yaml", blocks("yaml"));
    const auto ended = leat({"run", "hello.yaml", "--json"});
    BOOST_TEST(ended.code == 0, ended.err);
    BOOST_TEST(balance(ended.out) == "read 10 = delivered 10 + filtered 0 + dead 0, done, balanced");
    BOOST_TEST(text(pipeline_of(ended.out).at("stages").get_array().at(1).get_object(), "component") ==
               "hello.identity");
}

BOOST_AUTO_TEST_SUITE_END()
