// Plugins that are wrong: refused with path, cause and remedy, or stopped while they run, with nothing lost.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

std::string bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Refused {
    const char* name;
    std::string library;  ///< fixture, or empty for the bytes
    std::string bytes;
    std::string why;  ///< after "DIRECTORY/acme.so: "
};
std::ostream& operator<<(std::ostream& out, const Refused& one) {
    return out << one.name;
}

std::string good_library() {
    return bytes_of(LEAT_FIXTURES "/good/good.so");
}
std::string for_another_machine() {
    auto bytes = good_library();
    bytes[18] = static_cast<char>(0xB7);  // e_machine: AArch64
    bytes[19] = 0;
    return bytes;
}

const std::vector<Refused> refused = {
    {"no ELF file", "", "#!/bin/sh\nexit 1\n",
     "is not a shared library: it begins with \"#!/b\", not with the ELF magic; build it with -shared"},
    {"an empty file", "", "", "is empty; copy it again"},
    {"a file that was cut short", "", good_library().substr(0, good_library().size() / 2), "is cut short: "},
    {"another machine's library", "", for_another_machine(), "is built for AArch64; this host is x86-64"},
    {"no symbol", "no-symbol", "", "does not export leat_plugin_v1, so it is not a Leat plugin"},
    {"an undefined symbol", "undefined-symbol", "", "cannot be loaded: undefined symbol: "},
    {"a newer required minor", "newer-minor", "", "needs plugin ABI 1.7; this host has 1.0: install a newer Leat"},
    {"a NULL required entry", "null-write", "", "sink \"bad.sink\": entry \"write\" is NULL; a sink needs it"},
    {"a crash when it is loaded", "crashes-when-loaded", "", "crashes in its static constructors"},
    {"a NULL answer", "null-answer", "", "refuses this machine: leat_plugin_v1 answered NULL"},
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_plugins, Directory)

BOOST_DATA_TEST_CASE_F(Directory, are_refused_with_path_and_cause, boost::unit_test::data::make(refused), one) {
    put("plugins/acme.so",
        one.library.empty() ? one.bytes : bytes_of(LEAT_FIXTURES "/" + one.library + "/" + one.library + ".so"));
    put("p.yaml",
        "version: 1\nplugins: { directories: [plugins] }\npipelines:\n  a:\n"
        "    extract: { generate: { rows: 1 } }\n    load: { acme.sink: {} }\n");
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(ended.code == 4);
    const std::string expected =
        "p.yaml:6:13: pipelines.a.load: \"acme.sink\" is not a sink here; its plugin was refused: " +
        (path() / "plugins/acme.so").string() + ": " + one.why;
    BOOST_TEST(ended.err.substr(0, expected.size()) == expected);
    BOOST_TEST(leat({"plugin", "check", "plugins/acme.so"}).code == 4);
}

BOOST_AUTO_TEST_CASE(a_plugin_that_is_missing_is_named_with_the_directories_that_were_searched) {
    put("plugins/readme", "");
    put("p.yaml",
        "version: 1\nplugins: { directories: [plugins] }\npipelines:\n  a:\n"
        "    extract: { generate: { rows: 1 } }\n    load: { kafka: {} }\n");
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(ended.code == 4);
    const auto expected = "p.yaml:6:13: pipelines.a.load: \"kafka\" is not a sink that any plugin offers; searched " +
                          (path() / "plugins").string() + ", ";
    BOOST_TEST(ended.err.substr(0, expected.size()) == expected);
    BOOST_TEST(ended.err.find("put the plugin's .so file into one of them") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_refused_file_of_any_name_is_shown_when_a_component_is_missing) {
    put("plugins/other.so", "no plugin");
    put("p.yaml",
        "version: 1\nplugins: { directories: [plugins] }\npipelines:\n  a:\n"
        "    extract: { generate: { rows: 1 } }\n    load: { kafka: {} }\n");
    const auto ended = leat({"run", "p.yaml"});
    BOOST_TEST(
        ended.err.find("refused plugin: " + (path() / "plugins/other.so").string() + ": is ") != std::string::npos,
        ended.err);
}

BOOST_AUTO_TEST_CASE(an_id_that_another_plugin_has_is_refused_and_the_first_is_kept) {
    put("plugins/a.so", bytes_of(LEAT_FIXTURES "/good/good.so"));
    put("plugins/b.so", bytes_of(LEAT_FIXTURES "/good/good.so"));
    put("p.yaml",
        "version: 1\nplugins: { directories: [plugins] }\npipelines:\n  a:\n"
        "    extract: { good.count: {} }\n    load: { \"null\": {} }\n");
    const auto ended = leat({"run", "p.yaml", "--log-format", "text"});
    BOOST_TEST(ended.code == 0);
    BOOST_TEST(ended.err.find("plugin refused: " + (path() / "plugins/b.so").string() +
                              ": is plugin \"good\" 1.0.0 again, which is loaded from " +
                              (path() / "plugins/a.so").string() + "; remove one of them") != std::string::npos,
               ended.err);
}

namespace {

struct AtRunTime {
    const char* name;
    std::string stages;
    std::string error;  ///< of the pipeline, whole
    int code;
};
std::ostream& operator<<(std::ostream& out, const AtRunTime& one) {
    return out << one.name;
}

constexpr auto is_a_bug = "; this is a bug in plugin bad 1.0.0: report it to its vendor";

const std::vector<AtRunTime> at_run_time = {
    {"throws in a source", "extract: { bad.source: { mode: throws } }\n    load: { \"null\": {} }",
     std::string(
         "pipeline \"a\": extract bad.source: read broke a rule of the plugin ABI: let a C++ exception escape: ") +
         "thrown by read" + is_a_bug,
     4},
    {"throws in a transform",
     "extract: { bad.source: {} }\n    transform: [{ bad.transform: { mode: throws } }]\n    load: { \"null\": {} }",
     std::string(
         "pipeline \"a\": transform 1 bad.transform: process broke a rule of the plugin ABI: let a C++ exception ") +
         "escape: thrown by process" + is_a_bug,
     4},
    {"throws in a sink", "extract: { bad.source: {} }\n    load: { bad.sink: { mode: throws, path: out } }",
     std::string("pipeline \"a\": load bad.sink: write broke a rule of the plugin ABI: let a C++ exception escape: ") +
         "thrown by write" + is_a_bug,
     4},
    {"answers an unknown status", "extract: { bad.source: { mode: status, status: 77 } }\n    load: { \"null\": {} }",
     std::string(
         "pipeline \"a\": extract bad.source: read broke a rule of the plugin ABI: answered 77, which is no status ") +
         "of this entry" + is_a_bug,
     4},
    {"emits a batch that is too long", "extract: { bad.source: { mode: long-length } }\n    load: { \"null\": {} }",
     "pipeline \"a\": extract bad.source: read broke a rule of the plugin ABI: emit: a malformed batch: ", 4},
    {"emits text that is no UTF-8", "extract: { bad.source: { mode: bad-utf8 } }\n    load: { \"null\": {} }",
     "pipeline \"a\": extract bad.source: read broke a rule of the plugin ABI: emit: a malformed batch: ", 4},
    {"emits the same batch twice",
     "extract: { bad.source: {} }\n    transform: [{ bad.transform: { mode: emits-twice } }]\n    load: { \"null\": {} "
     "}",
     "pipeline \"a\": transform 1 bad.transform: process broke a rule of the plugin ABI: emit: the batch was ", 4},
};

}  // namespace

BOOST_DATA_TEST_CASE_F(Directory, end_their_pipeline_with_a_reason, boost::unit_test::data::make(at_run_time), one) {
    put("p.yaml",
        "version: 1\nplugins: { directories: [" LEAT_FIXTURES "/bad] }\npipelines:\n  a:\n    " + one.stages + "\n");
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == one.code);
    const auto error = text(pipeline_of(ended.out), "error");
    BOOST_TEST(error.substr(0, one.error.size()) == one.error);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
    BOOST_TEST(text(pipeline_of(ended.out), "outcome") == "failed");
}

BOOST_AUTO_TEST_CASE(one_that_never_returns_is_named_and_the_process_ends) {
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES
                  "/bad] }\nmanager: { grace: 300ms }\n"
                  "pipelines:\n  a:\n    extract: { bad.source: { mode: hangs } }\n    load: { \"null\": {} }\n");
    Options options;
    options.directory = path();
    Process process(leat_command({"run", "--json", "p.yaml"}), options);
    process.wait_for_err("pipeline started");
    process.signal(SIGINT);
    const auto ended = process.wait();
    BOOST_TEST(ended.signal == 0);
    BOOST_TEST(ended.code == 4);
    const auto error = text(pipeline_of(ended.out), "error");
    BOOST_TEST(error.find("pipeline \"a\"") == 0u, error);
    BOOST_TEST(error.find("bad.source") != std::string::npos, error);
    BOOST_TEST(error.find("read") != std::string::npos, error);
}

BOOST_AUTO_TEST_CASE(a_failure_of_one_pipeline_leaves_the_others_alone) {
    put("p.yaml", "version: 1\nplugins: { directories: [" LEAT_FIXTURES
                  "/bad] }\npipelines:\n"
                  "  bad:\n    extract: { bad.source: { mode: throws } }\n    load: { \"null\": {} }\n"
                  "  good:\n    extract: { generate: { rows: 1000 } }\n    load: { \"null\": {} }\n");
    const auto ended = run_json("p.yaml");
    BOOST_TEST(ended.code == 4);
    BOOST_TEST(balance(ended.out, 0) == "read 0 = delivered 0 + filtered 0 + dead 0, failed, balanced");
    BOOST_TEST(balance(ended.out, 1) == "read 1000 = delivered 1000 + filtered 0 + dead 0, done, balanced");
}

BOOST_AUTO_TEST_SUITE_END()
