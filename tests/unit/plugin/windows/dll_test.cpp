// Plugins as DLLs: what is said of each file before it is loaded, and that a loaded one is as a host expects it.
#include <fcntl.h>

#include "../files.hpp"
#include "base/digest.hpp"
#include "plugin/catalog.hpp"
#include "plugin/elf_check.hpp"
#include "plugin/library.hpp"
#include "plugin/sealed_copy.hpp"

using leat::plugin::Catalog;
using leat::plugin::check_file;
using leat::plugin::Kind;
using leat::plugin::Library;
using leat::plugin::read_elf;
using leat::plugin::SealedCopy;
using leat::plugin::Verdict;
using leat::test::fixture;
using leat::test::Folder;
using leat::test::read_file;
using leat::test::write_file;

namespace {

std::string refusal(const std::filesystem::path& file) {
    const auto facts = read_elf(file);
    if (facts) return "";
    return facts.error().message();
}

std::string refusal_of_library(const std::string& name) {
    const auto opened = Library::open(fixture(name));
    return opened ? "" : opened.error().message();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dll)

BOOST_AUTO_TEST_CASE(a_plugin_in_plain_c_is_loaded_and_asked) {
    const auto opened = Library::open(fixture("good"));
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().text()));
    BOOST_TEST(opened.value()->id() == "good");
    BOOST_TEST(opened.value()->version() == "1.0.0");
    BOOST_TEST(!opened.value()->components().empty());
}

BOOST_AUTO_TEST_CASE(it_exports_the_entry_and_needs_what_every_windows_has) {
    const auto facts = read_elf(LEAT_PLUGINS "/csv.dll");
    BOOST_REQUIRE(facts);
    BOOST_TEST(facts.value().exported == std::vector<std::string>{"leat_plugin_v1"}, boost::test_tools::per_element());
    for (const auto& needed : facts.value().needed)
        BOOST_TEST((needed == "KERNEL32.dll" || needed == "msvcrt.dll" || needed == "ADVAPI32.dll"), needed);
}

BOOST_AUTO_TEST_CASE(what_is_no_dll_is_refused_by_what_it_is) {
    const Folder folder;
    BOOST_TEST(refusal(folder / "none.dll") == "cannot be opened; check the path and its permissions");
    BOOST_TEST(refusal(write_file(folder / "empty.dll", "")) == "is empty; copy it again");
    BOOST_TEST(refusal(write_file(folder / "script.dll", "#!/bin/sh\n")) ==
               "is not a DLL: it begins with \"#!/b\", not with \"MZ\"");
    BOOST_TEST(refusal(folder.path()) == "is a directory; name the .dll file in it");
    std::string program = read_file(fixture("good"));
    const auto header = static_cast<std::size_t>(static_cast<unsigned char>(program[0x3c])) + 4;
    std::string other = program;
    other[header] = '\x64';  // the machine
    other[header + 1] = '\xaa';
    BOOST_TEST(refusal(write_file(folder / "arm.dll", other)) ==
               "is for AArch64, and this host runs on x86-64; get a build for that");
    program[header + 19] = static_cast<char>(program[header + 19] & ~0x20);  // what marks a DLL
    BOOST_TEST(refusal(write_file(folder / "program.dll", program)) == "is a program, not a DLL; link it with -shared");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_anywhere_is_refused_and_none_that_is_damaged_is_followed) {
    const Folder folder;
    const auto whole = read_file(fixture("good"));
    for (std::size_t length = 0; length < 2048; length += 7)
        BOOST_TEST(refusal(write_file(folder / "x.dll", whole.substr(0, length))) != "", "cut at " << length);
    for (std::size_t at = 0; at < 1024; at += 3) {
        auto damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
        refusal(write_file(folder / "x.dll", damaged));  // whatever it says, it comes back
    }
}

BOOST_AUTO_TEST_CASE(each_faulty_plugin_is_refused_with_its_fault) {
    BOOST_TEST(refusal_of_library("no-symbol") ==
               "does not export leat_plugin_v1, so it is not a Leat plugin; define it with LEAT_PLUGIN or LEAT_EXPORT");
    BOOST_TEST(refusal_of_library("v2-only") ==
               "speaks plugin ABI v2; this host speaks v1: install a newer Leat, or a build of the plugin for v1");
    BOOST_TEST(refusal_of_library("null-answer") ==
               "refuses this machine: leat_plugin_v1 answered NULL; its documentation says what it needs");
    BOOST_TEST(refusal_of_library("bad-id") != "");
    BOOST_TEST(refusal_of_library("nothing-wrong") == "");
}

BOOST_AUTO_TEST_CASE(a_check_does_not_call_good_what_was_not_looked_at) {
    const auto checked = check_file(fixture("good"));
    BOOST_TEST((checked.library != nullptr));
    for (const auto& check : checked.report.checks()) {
        BOOST_TEST(check.text.find("child process") == std::string::npos);
        BOOST_TEST(check.text.find("changed by others") == std::string::npos);
        BOOST_TEST(check.text.find("unique") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_checked_file_cannot_be_changed_or_replaced_as_long_as_its_check_holds) {
    const Folder folder;
    const auto file = folder / "good.dll";
    std::filesystem::copy_file(fixture("good"), file);
    {
        const auto sealed = SealedCopy::of(file);
        BOOST_REQUIRE(sealed);
        BOOST_TEST(leat::sha256_of(sealed.value()->bytes()) == leat::sha256_of(read_file(file)));
        BOOST_TEST(::open(file.c_str(), O_WRONLY) == -1);
        std::error_code error;
        std::filesystem::rename(file, folder / "away.dll", error);
        BOOST_TEST(static_cast<bool>(error));
    }
    BOOST_TEST(std::filesystem::exists(file));
    const auto writer = ::open(file.c_str(), O_WRONLY);
    BOOST_REQUIRE(writer >= 0);
    const auto refused = SealedCopy::of(file);
    ::close(writer);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().message() == "is open in a program that may write to it; close that program");
}

BOOST_AUTO_TEST_CASE(a_directory_is_searched_for_dlls_and_a_pin_is_held_against_them) {
    const Folder folder;
    std::filesystem::copy_file(fixture("good"), folder / "good.dll");
    std::filesystem::copy_file(fixture("good"), folder / "good.so");
    leat::plugin::Scan scan;
    scan.named = {folder.path()};
    const auto found = Catalog::scan(scan);
    BOOST_REQUIRE(found);
    BOOST_TEST(found.value().libraries().size() == 1u);
    BOOST_TEST((found.value().find("good.count", Kind::source) != nullptr));

    scan.trust.pins = {{"good", std::string(64, '0')}};
    const auto refused = Catalog::scan(scan);
    BOOST_REQUIRE(refused);
    BOOST_REQUIRE(refused.value().refused().size() == 1u);
    BOOST_TEST(refused.value().refused()[0].error.text().find("is not what plugins.pin.good says") !=
               std::string::npos);

    scan.trust.pins = {{"good", leat::sha256_of(read_file(folder / "good.dll"))}};
    const auto pinned = Catalog::scan(scan);
    BOOST_REQUIRE(pinned);
    BOOST_TEST(pinned.value().libraries().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
