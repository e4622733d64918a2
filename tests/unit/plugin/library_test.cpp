// Real libraries, opened and checked: what a host says of each fixture.
#include "plugin/library.hpp"

#include "files.hpp"
#include "plugin/elf_check.hpp"

using leat::plugin::check_file;
using leat::plugin::Component;
using leat::plugin::Kind;
using leat::plugin::Library;
using leat::plugin::Verdict;
using leat::test::fixture;
using leat::test::Folder;

namespace {

/// Why a fixture cannot be opened, without its path; empty if it can be.
std::string refusal_of_fixture(const std::string& name) {
    const auto path = fixture(name);
    const auto library = Library::open(path);
    if (library) return "";
    const std::string text = library.error().text();
    const std::string begin = path.string() + ": ";
    BOOST_TEST(text.compare(0, begin.size(), begin) == 0, text << " does not begin with the path");
    return text.substr(std::min(begin.size(), text.size()));
}

std::string lines_of(const leat::plugin::Report& report) {
    std::string text;
    for (const auto& check : report.checks()) {
        text += check.verdict == Verdict::ok ? "ok " : check.verdict == Verdict::warning ? "warning " : "failed ";
        text += check.text + "\n";
    }
    return text;
}

/// The lines of `leat plugin check` that are not "ok".
std::string faults_of(const std::string& name) {
    std::string text;
    const auto checked = check_file(fixture(name), std::chrono::milliseconds(300));
    for (const auto& check : checked.report.checks()) {
        if (check.verdict != Verdict::ok) text += check.text + "\n";
    }
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(library)

BOOST_AUTO_TEST_CASE(opens_a_plugin_in_plain_c) {
    const auto opened = Library::open(fixture("good"));
    BOOST_REQUIRE(opened);
    const Library& library = *opened.value();
    BOOST_TEST(library.path() == fixture("good"));
    BOOST_TEST(library.id() == "good");
    BOOST_TEST(library.version() == "1.0.0");
    BOOST_TEST(library.license() == "Apache-2.0");
    BOOST_TEST(library.vendor() == "Good Ltd");
    BOOST_TEST(library.url() == "https://good.example");
    BOOST_TEST(library.build() == "C99");
    BOOST_TEST(library.warnings().empty());
    BOOST_REQUIRE(library.components().size() == 3u);
    for (const Component& component : library.components())
        BOOST_TEST(component.library == &library);
    BOOST_TEST(library.components()[0].name() == "source \"good.count\"");
    BOOST_TEST(library.components()[1].name() == "transform \"good.identity\"");
    BOOST_TEST(library.components()[2].name() == "sink \"good.collect\"");
    BOOST_TEST(library.components()[2].has_abort);
}

BOOST_AUTO_TEST_CASE(opens_by_a_path_from_here) {
    const auto opened = Library::open(std::filesystem::relative(fixture("good")));
    BOOST_REQUIRE(opened);
    BOOST_TEST(opened.value()->path() == fixture("good"));
}

BOOST_AUTO_TEST_CASE(keeps_the_code_of_a_library_that_was_let_go) {
    auto opened = Library::open(fixture("good"));
    BOOST_REQUIRE(opened);
    const auto destroy = opened.value()->components()[1].entry.destroy;
    opened.value().reset();
    destroy(nullptr);  // would crash, were the library unmapped
    BOOST_TEST(Library::open(fixture("good")).has_value());
}

BOOST_AUTO_TEST_CASE(names_what_keeps_a_library_from_being_loaded) {
    BOOST_TEST(refusal_of_fixture("undefined-symbol") ==
               "cannot be loaded: undefined symbol: symbol_that_nothing_has; link the library that has it");
    BOOST_TEST(refusal_of_fixture("missing-dependency") ==
               "cannot be loaded, because a library that it needs cannot be: libleat_absent.so: cannot open shared "
               "object file: No such file or directory; install that library");
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong_with_the_entry_symbol) {
    BOOST_TEST(refusal_of_fixture("no-symbol") ==
               "does not export leat_plugin_v1, so it is not a Leat plugin; define it with LEAT_PLUGIN or LEAT_EXPORT");
    BOOST_TEST(refusal_of_fixture("v2-only") ==
               "speaks plugin ABI v2; this host speaks v1: install a newer Leat, or a build of the plugin for v1");
    BOOST_TEST(refusal_of_fixture("null-answer") ==
               "refuses this machine: leat_plugin_v1 answered NULL; its documentation says what it needs");
    BOOST_TEST(refusal_of_fixture("throws-in-entry") == "leat_plugin_v1 threw: no such processor; it must not throw");
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong_with_the_descriptors) {
    BOOST_TEST(refusal_of_fixture("nothing-wrong") == "");
    BOOST_TEST(refusal_of_fixture("null-write") == "sink \"bad.sink\": entry \"write\" is NULL; a sink needs it");
    BOOST_TEST(refusal_of_fixture("wrong-size") ==
               "its leat_plugin says struct_size 12; set it to sizeof(leat_plugin): 80 or more, in steps of 8");
    BOOST_TEST(refusal_of_fixture("newer-minor") == "needs plugin ABI 1.7; this host has 1.0: install a newer Leat");
    BOOST_TEST(refusal_of_fixture("twice") == "sink \"bad.sink\" is there twice; give one of them another id");
    BOOST_TEST(
        refusal_of_fixture("bad-id") ==
        "component 1 of 1 has the id \"Bad sink\" with 'B' in it; use a-z, 0-9, '.' and '-', as in \"acme.orders\"");
    BOOST_TEST(refusal_of_fixture("bad-schema") ==
               "sink \"bad.sink\": config_schema is not JSON: syntax error at byte 10; correct it");
    BOOST_TEST(refusal_of_fixture("empty-promise") ==
               "sink \"bad.sink\": promises TRANSACTIONAL, but its entry \"recover\" is "
               "NULL; fill it or drop the promise");
}

BOOST_AUTO_TEST_CASE(warns_of_a_plugin_that_wants_a_process_of_its_own) {
    const auto opened = Library::open(fixture("own-process"));
    BOOST_REQUIRE(opened);
    BOOST_REQUIRE(opened.value()->warnings().size() == 1u);
    BOOST_TEST(opened.value()->warnings().front() ==
               fixture("own-process").string() +
                   ": sink \"bad.sink\": asks for a process of its own, which this host cannot give yet; it runs in "
                   "the host's process, and a crash of it ends the host");
}

BOOST_AUTO_TEST_CASE(check_lists_each_check_that_holds) {
    const auto checked = check_file(fixture("good"));
    BOOST_TEST(lines_of(checked.report) ==
               "ok cannot be changed by others\n"
               "ok is a whole shared library for " +
                   leat::plugin::host_architecture() +
                   "\n"
                   "ok exports leat_plugin_v1\n"
                   "ok exports nothing else\n"
                   "ok has no unique symbols\n"
                   "ok comes through loading in a child process\n"
                   "ok loads\n"
                   "ok leat_plugin_v1 gives its descriptors\n"
                   "ok speaks plugin ABI 1.0, needs 1.0; this host has 1.0\n"
                   "ok is plugin \"good\" 1.0.0, license Apache-2.0\n"
                   "ok source \"good.count\": entries, promises and schema agree\n"
                   "ok transform \"good.identity\": entries, promises and schema agree\n"
                   "ok sink \"good.collect\": entries, promises and schema agree\n");
    BOOST_REQUIRE(checked.library);
    BOOST_TEST(checked.library->id() == "good");
    BOOST_TEST(!checked.report.failed());
}

BOOST_AUTO_TEST_CASE(check_is_stricter_with_authors_than_the_host_is) {
    BOOST_TEST(
        faults_of("unique-symbol") ==
        "has unique symbols (shared_by_all_plugins), which all plugins of a process would share; compile it with "
        "-fno-gnu-unique\n");
    BOOST_TEST(faults_of("chatty-exports") ==
               "exports more than leat_plugin_v1 (a_helper); link it with the version script of leat_add_plugin\n");
    BOOST_TEST(refusal_of_fixture("unique-symbol") == "");
    BOOST_TEST(refusal_of_fixture("chatty-exports") == "");
}

BOOST_AUTO_TEST_CASE(check_survives_what_crashes_or_hangs) {
    const std::string rest = "; remove the file, and ask its author\n";
    BOOST_TEST(faults_of("crashes-when-loaded") ==
               "crashes in its static constructors (signal 11, Segmentation fault)" + rest);
    BOOST_TEST(faults_of("throws-when-loaded") == "crashes in its static constructors (signal 6, Aborted)" + rest);
    BOOST_TEST(faults_of("exits-when-loaded") == "ends the process in its static constructors (exit code 3)" + rest);
    BOOST_TEST(faults_of("hangs-when-loaded") == "hangs in its static constructors (for 300 ms)" + rest);
    BOOST_TEST(faults_of("crashes-in-entry") == "crashes in leat_plugin_v1 (signal 6, Aborted)" + rest);
    BOOST_TEST(faults_of("wild-pointer") ==
               "crashes while its descriptors were read (signal 11, Segmentation fault)" + rest);
}

BOOST_AUTO_TEST_CASE(check_says_each_fault_once) {
    BOOST_TEST(faults_of("null-write") == "sink \"bad.sink\": entry \"write\" is NULL; a sink needs it\n");
    BOOST_TEST(
        faults_of("no-symbol") ==
        "does not export leat_plugin_v1, so it is not a Leat plugin; define it with LEAT_PLUGIN or LEAT_EXPORT\n");
    BOOST_TEST(faults_of("null-answer") ==
               "refuses this machine: leat_plugin_v1 answered NULL; its documentation says what it needs\n");
    const Folder folder;
    const auto text = leat::test::write_file(folder / "notes.so", "Notes");
    BOOST_TEST(
        lines_of(check_file(text).report) ==
        "ok cannot be changed by others\n"
        "failed is not a shared library: it begins with \"Note\", not with the ELF magic; build it with -shared\n");
    BOOST_TEST(!check_file(text).library);
}

BOOST_AUTO_TEST_SUITE_END()
