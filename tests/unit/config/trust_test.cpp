// Which plugins the operator takes: plugins.pin and plugins.trust.
#include "support.hpp"

using namespace leat::config;
using namespace leat::config::testing;

namespace {

const std::string digest(64, 'a');
// Of a pair that was made for this test.
const std::string key = "RWQxMjM0NTY3OAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

}  // namespace

BOOST_AUTO_TEST_SUITE(trust)

BOOST_AUTO_TEST_CASE(pins_and_keys_are_read_from_all_files) {
    const Folder folder;
    folder.write("more.yaml", "plugins: {pin: {sql: \"sha256:" + std::string(64, 'B') + "\"}}\n");
    folder.write("leat.yaml",
                 complete_with("include: [more.yaml]\nplugins: {pin: {csv: \"sha256:" + digest + "\"}}\n"));
    const auto settings = folder.settings_of("leat.yaml");
    BOOST_TEST_REQUIRE(settings.plugin_pins.size() == 2u);
    BOOST_TEST(settings.plugin_pins.at("csv").sha256 == digest);
    BOOST_TEST(settings.plugin_pins.at("sql").sha256 == std::string(64, 'b'));
    BOOST_TEST(settings.plugin_keys.empty());
}

BOOST_AUTO_TEST_CASE(a_digest_that_is_none_is_told_with_its_place) {
    const std::string rule =
        ", but must be sha256: and 64 hexadecimal digits; leat plugin sign FILE.so prints those of a file";
    for (const std::string& wrong : {std::string("sha256:abc"), "md5:" + digest, digest, "sha256:" + digest + "a",
                                     "sha256:" + std::string(64, 'g')}) {
        const auto told = problems_of(complete_with("plugins: {pin: {csv: \"" + wrong + "\"}}\n"));
        BOOST_TEST(told.find("leat.yaml:4:22: plugins.pin.csv: is the text \"") == 0u, told);
        BOOST_TEST(told.find(rule) != std::string::npos, told);
    }
    BOOST_TEST(problems_of(complete_with("plugins: {pin: [csv]}\n")) ==
               "leat.yaml:4:16: plugins.pin: is a list, but must be a mapping of plugins to digests, as in {csv: "
               "\"sha256:...\"}; leat plugin sign FILE.so prints one");
}

BOOST_AUTO_TEST_CASE(a_plugin_is_pinned_once) {
    const Folder folder;
    const auto pin = "plugins: {pin: {csv: \"sha256:" + digest + "\"}}\n";
    folder.write("more.yaml", pin);
    folder.write("leat.yaml", complete_with(pin + "include: [more.yaml]\n"));
    BOOST_TEST(folder.problems_of("leat.yaml") ==
               "more.yaml:1:17: plugins.pin.csv: is given twice; first at leat.yaml:4:17");
}

BOOST_AUTO_TEST_CASE(a_key_is_one_of_minisign) {
    const auto settings = settings_of(complete_with("plugins: {trust: [" + key + "]}\n"));
    BOOST_TEST_REQUIRE(settings.plugin_keys.size() == 1u);
    BOOST_TEST(leat::minisign::text_of(settings.plugin_keys[0].key.id) == "3837363534333231");
    BOOST_TEST(problems_of(complete_with("plugins: {trust: [RWQ]}\n")) ==
               "leat.yaml:4:19: plugins.trust[0]: \"RWQ\" is no public key of minisign, which is RW and 54 more "
               "characters; it is the second line of the .pub file that minisign -G makes");
    BOOST_TEST(
        problems_of(complete_with("plugins: {trust: []}\n")) ==
        "leat.yaml:4:18: plugins.trust: has no key, so that no plugin could be loaded; name one, or take the key "
        "out");
    BOOST_TEST(problems_of(complete_with("plugins: {trust: " + key + "}\n")).find("must be a list of public keys") !=
               std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
