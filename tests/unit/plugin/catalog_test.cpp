// Directories of real libraries, good and broken, as the host scans them.
#include "plugin/catalog.hpp"

#include <sys/wait.h>
#include <algorithm>

#include <cerrno>
#include <map>
#include <set>

#include "files.hpp"

using leat::plugin::Catalog;
using leat::plugin::Component;
using leat::plugin::default_directories;
using leat::plugin::Kind;
using leat::plugin::Scan;
using leat::test::fixture;
using leat::test::Folder;
using leat::test::write_file;

namespace {

constexpr std::chrono::milliseconds short_patience{300};

/// A folder with copies of these fixtures, each under its own name.
class PluginFolder : public Folder {
public:
    explicit PluginFolder(const std::vector<std::string>& names) {
        for (const auto& name : names)
            add(name, name + ".so");
    }
    void add(const std::string& name, const std::string& as) const {
        std::filesystem::copy_file(fixture(name), *this / as);
    }
    /// @param earlier  what this process has loaded before
    Catalog scan(const Catalog* earlier = nullptr) const {
        auto catalog = Catalog::scan(
            {.named = {path()}, .defaults = {}, .trial = true, .patience = short_patience, .earlier = earlier});
        BOOST_REQUIRE(catalog);
        return std::move(catalog).value();
    }
};

/// "file: why" for each refused file, without the folder.
std::vector<std::string> refusals(const Catalog& catalog, const Folder& folder) {
    std::vector<std::string> texts;
    for (const auto& refused : catalog.refused()) {
        std::string text = refused.error.text();
        const std::string begin = folder.path().string() + "/";
        for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin))
            text.erase(at, begin.size());
        texts.push_back(text);
    }
    return texts;
}

std::vector<std::string> names(const std::vector<const Component*>& components) {
    std::vector<std::string> all;
    for (const auto* component : components)
        all.push_back(component->name());
    return all;
}

using Lines = std::vector<std::string>;

}  // namespace

#define CHECK_LINES(actual, ...) BOOST_TEST((actual) == (Lines __VA_ARGS__), boost::test_tools::per_element())

BOOST_AUTO_TEST_SUITE(catalog)

BOOST_AUTO_TEST_CASE(finds_the_components_of_every_library) {
    const PluginFolder folder({"good", "bad"});
    const Catalog catalog = folder.scan();
    CHECK_LINES(names(catalog.components()),
                {"sink \"bad.sink\"", "source \"bad.source\"", "transform \"bad.transform\"", "sink \"good.collect\"",
                 "source \"good.count\"", "transform \"good.identity\""});
    BOOST_REQUIRE(catalog.libraries().size() == 2u);
    BOOST_TEST(catalog.libraries()[0]->id() == "bad");
    BOOST_TEST(catalog.refused().empty());
    const Component* count = catalog.find("good.count", Kind::source);
    BOOST_REQUIRE(count);
    BOOST_TEST(count->library == catalog.libraries()[1]);
    BOOST_TEST(!catalog.find("good.count", Kind::sink));
    BOOST_TEST(!catalog.find("good", Kind::source));
}

BOOST_AUTO_TEST_CASE(keeps_its_components_where_they_are_when_it_moves) {
    const PluginFolder folder({"good"});
    Catalog first = folder.scan();
    const Component* before = first.find("good.count", Kind::source);
    const Catalog second = std::move(first);
    BOOST_TEST(second.find("good.count", Kind::source) == before);
    BOOST_TEST(before->library->id() == "good");
}

BOOST_AUTO_TEST_CASE(has_the_same_library_again_while_its_file_is_the_same) {
    const PluginFolder folder({"good", "bad"});
    const Catalog first = folder.scan();
    const Catalog second = folder.scan(&first);
    CHECK_LINES(refusals(second, folder), {});
    BOOST_TEST(second.libraries() == first.libraries(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(loads_a_file_that_was_replaced_beside_the_old_one) {
    const PluginFolder folder({"good"});
    Catalog last = folder.scan();
    std::set<decltype(leat_component::create)> seen;
    for (int i = 0; i < 4; ++i) {
        const auto* const component = last.find("good.count", Kind::source);
        BOOST_REQUIRE(component);
        BOOST_TEST(seen.insert(component->entry.create).second);  // other code than any before
        folder.add("good", "new");
        std::filesystem::rename(folder / "new", folder / "good.so");
        Catalog next = folder.scan(&last);
        CHECK_LINES(refusals(next, folder), {});
        last = std::move(next);
    }
    // What was there before may come back as it was.
    std::filesystem::rename(folder / "good.so", folder.path() / "away");
    const Catalog without = folder.scan(&last);
    BOOST_TEST(without.libraries().empty());
    std::filesystem::rename(folder / "away", folder.path() / "good.so");
    const Catalog back = folder.scan(&without);
    CHECK_LINES(refusals(back, folder), {});
    BOOST_CHECK(back.find("good.count", Kind::source)->entry.create ==
                last.find("good.count", Kind::source)->entry.create);
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_was_written_over_while_it_was_loaded) {
    const PluginFolder folder({"good"});
    const Catalog first = folder.scan();
    // With the same bytes, so that the code that is mapped stays what it is.
    std::filesystem::last_write_time(folder / "good.so",
                                     std::filesystem::last_write_time(folder / "good.so") + std::chrono::seconds(1));
    const Catalog second = folder.scan(&first);
    CHECK_LINES(
        refusals(second, folder),
        {"good.so: was written over while this process had it loaded, and the old one still runs; put a new file "
         "in its place by renaming it, or start anew"});
}

BOOST_AUTO_TEST_CASE(skips_what_is_no_plugin_file) {
    const PluginFolder folder({"good"});
    folder.add("bad", ".hidden.so");
    folder.add("bad", "bad.so.1");
    write_file(folder / "README.md", "Plugins");
    std::filesystem::create_directory(folder / "deeper");
    folder.add("bad", "deeper/bad.so");
    const Catalog catalog = folder.scan();
    BOOST_TEST(catalog.libraries().size() == 1u);
    BOOST_TEST(catalog.refused().empty());
}

BOOST_AUTO_TEST_CASE(refuses_each_broken_file_and_keeps_the_others) {
    const PluginFolder folder({"good", "null-answer", "no-symbol", "undefined-symbol"});
    write_file(folder / "empty.so", "");
    std::filesystem::create_directory(folder / "folder.so");
    const Catalog catalog = folder.scan();
    BOOST_TEST(catalog.libraries().size() == 1u);
    CHECK_LINES(
        refusals(catalog, folder),
        {"empty.so: is empty; copy it again", "folder.so: is a directory; name the .so file in it",
         "no-symbol.so: does not export leat_plugin_v1, so it is not a Leat plugin; define it with LEAT_PLUGIN or "
         "LEAT_EXPORT",
         "null-answer.so: refuses this machine: leat_plugin_v1 answered NULL; its documentation says what it needs",
         "undefined-symbol.so: cannot be loaded: undefined symbol: symbol_that_nothing_has; link the library that has "
         "it"});
}

BOOST_AUTO_TEST_CASE(survives_libraries_that_crash_hang_or_exit_when_they_are_loaded) {
    const PluginFolder folder({"crashes-when-loaded", "good", "hangs-when-loaded", "nothing-wrong",
                               "throws-when-loaded", "exits-when-loaded", "crashes-in-entry", "wild-pointer"});
    const Catalog catalog = folder.scan();
    CHECK_LINES(names(catalog.components()),
                {"sink \"bad.sink\"", "sink \"good.collect\"", "source \"good.count\"", "transform \"good.identity\""});
    const std::string rest = "; remove the file, and ask its author";
    CHECK_LINES(refusals(catalog, folder),
                {"crashes-in-entry.so: crashes in leat_plugin_v1 (signal 6, Aborted)" + rest,
                 "crashes-when-loaded.so: crashes in its static constructors (signal 11, Segmentation fault)" + rest,
                 "exits-when-loaded.so: ends the process in its static constructors (exit code 3)" + rest,
                 "hangs-when-loaded.so: hangs in its static constructors (for 300 ms)" + rest,
                 "throws-when-loaded.so: crashes in its static constructors (signal 6, Aborted)" + rest,
                 "wild-pointer.so: crashes while its descriptors were read (signal 11, Segmentation fault)" + rest});
}

BOOST_AUTO_TEST_CASE(leaves_no_child_behind) {
    const PluginFolder folder({"good", "hangs-when-loaded"});
    folder.scan();
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
    BOOST_TEST(errno == ECHILD);
}

BOOST_AUTO_TEST_CASE(refuses_one_file_under_two_names) {
    const PluginFolder folder({"good"});
    std::filesystem::create_symlink("good.so", folder / "link.so");
    std::filesystem::create_hard_link(folder / "good.so", folder / "same.so");
    const Catalog catalog = folder.scan();
    BOOST_TEST(catalog.libraries().size() == 1u);
    CHECK_LINES(refusals(catalog, folder), {"link.so: is the same file as good.so; remove one of them",
                                            "same.so: is the same file as good.so; remove one of them"});
}

BOOST_AUTO_TEST_CASE(searches_a_directory_once_however_often_it_is_named) {
    const PluginFolder folder({"good"});
    const Folder other;
    std::filesystem::create_directory_symlink(folder.path(), other / "link");
    const auto catalog = Catalog::scan({.named = {folder.path(), folder / ".", folder / "", other / "link"},
                                        .defaults = {folder.path()},
                                        .trial = true,
                                        .patience = short_patience,
                                        .earlier = nullptr});
    BOOST_REQUIRE(catalog);
    BOOST_TEST(catalog.value().libraries().size() == 1u);
    BOOST_TEST(catalog.value().refused().empty());
}

BOOST_AUTO_TEST_CASE(refuses_a_copy_of_a_plugin) {
    const PluginFolder folder({"good"});
    folder.add("good", "good-again.so");
    const Catalog catalog = folder.scan();
    CHECK_LINES(refusals(catalog, folder),
                {"good.so: is plugin \"good\" 1.0.0 again, which is loaded from good-again.so; remove one of them"});
}

BOOST_AUTO_TEST_CASE(refuses_a_component_that_another_plugin_has) {
    const PluginFolder folder({"nothing-wrong", "bad"});
    const Catalog catalog = folder.scan();
    BOOST_TEST(catalog.libraries().size() == 1u);
    CHECK_LINES(refusals(catalog, folder),
                {"nothing-wrong.so: has sink \"bad.sink\", which is loaded from bad.so; remove one of them"});
}

BOOST_AUTO_TEST_CASE(prefers_the_directory_that_is_named_first) {
    const PluginFolder named({"good"});
    const PluginFolder other({"good", "bad"});
    const auto catalog = Catalog::scan({.named = {named.path()}, .defaults = {other.path(), named.path()}});
    BOOST_REQUIRE(catalog);
    BOOST_TEST(catalog.value().find("good.count", Kind::source)->library->path() == named / "good.so");
    BOOST_TEST(catalog.value().find("bad.source", Kind::source)->library->path() == other / "bad.so");
    BOOST_TEST(catalog.value().refused().size() == 1u);
}

BOOST_AUTO_TEST_CASE(fails_for_a_missing_directory_only_if_the_operator_named_it) {
    const Folder folder;
    const auto missing = folder / "none";
    const auto named = Catalog::scan({.named = {missing}, .defaults = {}});
    BOOST_REQUIRE(!named);
    BOOST_TEST(named.error().text() == "plugin directory " + missing.string() +
                                           " cannot be read: No such file or directory; create it or correct its name");
    BOOST_TEST(std::error_code(named.error()) == leat::Errc::configuration);
    BOOST_TEST(Catalog::scan({.named = {}, .defaults = {missing}}).has_value());

    const auto file = write_file(folder / "file", "");
    BOOST_TEST(Catalog::scan({.named = {file}, .defaults = {}}).error().text() ==
               "plugin directory " + file.string() + " cannot be read: Not a directory; create it or correct its name");
}

BOOST_AUTO_TEST_CASE(suggests_what_was_probably_meant) {
    const PluginFolder folder({"good", "bad"});
    const Catalog catalog = folder.scan();
    CHECK_LINES(catalog.suggestions("good.cuont", {Kind::source}), {"good.count"});
    CHECK_LINES(catalog.suggestions("count", {Kind::source, Kind::sink}), {"good.count"});
    CHECK_LINES(catalog.suggestions("good.count", {Kind::sink}), {});
    CHECK_LINES(catalog.suggestions("orders", {Kind::source}), {});
    CHECK_LINES(catalog.suggestions("", {Kind::source}), {});
    BOOST_TEST(catalog.unknown("good.cuont", {Kind::source}).text() ==
               "\"good.cuont\" is not a source that any plugin offers; did you mean \"good.count\"?");
    BOOST_TEST(std::error_code(catalog.unknown("good.cuont", {Kind::source})) == leat::Errc::configuration);
    BOOST_TEST(std::error_code(catalog.unknown("x", {Kind::source})) == leat::Errc::plugin);
}

BOOST_AUTO_TEST_CASE(says_what_a_component_of_another_kind_is) {
    const PluginFolder folder({"good"});
    const Catalog catalog = folder.scan();
    BOOST_TEST(catalog.unknown("good.count", {Kind::sink}).text() == "\"good.count\" is a source, not a sink");
    BOOST_TEST(catalog.unknown("good.collect", {Kind::runner, Kind::pipeline}).text() ==
               "\"good.collect\" is a sink, not a runner or a pipeline");
}

BOOST_AUTO_TEST_CASE(blames_the_refused_file_that_an_unknown_component_is_probably_in) {
    const PluginFolder folder({"good"});
    folder.add("null-answer", "acme.so");
    const Catalog catalog = folder.scan();
    const std::string why = " is not a source here; its plugin was refused: " + (folder / "acme.so").string() +
                            ": refuses this machine: leat_plugin_v1 answered NULL; its documentation says what it "
                            "needs";
    BOOST_TEST(catalog.unknown("acme.orders", {Kind::source}).text() == "\"acme.orders\"" + why);
    BOOST_TEST(catalog.unknown("acme", {Kind::source}).text() == "\"acme\"" + why);
}

BOOST_AUTO_TEST_CASE(says_where_it_looked_for_an_unknown_component) {
    const PluginFolder folder({"good"});
    const Folder other;
    const auto catalog = Catalog::scan({.named = {folder.path()}, .defaults = {other.path()}});
    BOOST_TEST(catalog.value().unknown("kafka", {Kind::source, Kind::transform, Kind::sink}).text() ==
               "\"kafka\" is not a source, a transform or a sink that any plugin offers; searched " +
                   folder.path().string() + ", " + other.path().string() +
                   ", put the plugin's .so file into one of them");
    BOOST_TEST(Catalog::scan({}).value().unknown("kafka", {Kind::source}).text() ==
               "\"kafka\" is not a source that any plugin offers; there was no directory to search, set "
               "LEAT_PLUGIN_PATH to one with plugins");
}

BOOST_AUTO_TEST_CASE(looks_in_the_environments_directories_first_then_beside_the_program) {
    const std::map<std::string, std::string> set{{"LEAT_PLUGIN_PATH", "/a:/b c::/usr/lib/leat/plugins"}};
    const auto environment = [&](const char* name) -> std::optional<std::string> {
        const auto found = set.find(name);
        if (found == set.end()) return std::nullopt;
        return found->second;
    };
    const auto directories = default_directories("/opt/leat/bin/leat", environment);
    BOOST_REQUIRE(directories.size() == 10u);
    BOOST_TEST(directories[0] == "/a");
    BOOST_TEST(directories[1] == "/b c");
    BOOST_TEST(directories[2] == "/usr/lib/leat/plugins");
    BOOST_TEST(directories[3] == "/opt/leat/lib/leat/plugins");
    BOOST_TEST(directories[4].string().find("/opt/leat/lib/") == 0u);
    BOOST_TEST(directories[5] == "/opt/leat/lib64/leat/plugins");
    BOOST_TEST(directories[6] == "/usr/local/lib/leat/plugins");
    BOOST_TEST(directories[7] == "/usr/local/lib64/leat/plugins");
    BOOST_TEST(directories[8].string().find("/usr/lib/") == 0u);
    BOOST_TEST(directories[9] == "/usr/lib64/leat/plugins");
    const auto without = default_directories("/usr/bin/leat", [](const char*) { return std::nullopt; });
    BOOST_TEST(without[0] == "/usr/lib/leat/plugins");
    BOOST_TEST(without.size() == 5u);
    BOOST_TEST(std::count(without.begin(), without.end(), "/usr/lib64/leat/plugins") == 1);
    BOOST_TEST(std::count(without.begin(), without.end(), "/usr/local/lib/leat/plugins") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
