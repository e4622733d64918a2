// What the ELF check says of files that are no plugin, and that it survives any damage.
#include "plugin/elf_check.hpp"

#include <elf.h>
#include <sys/stat.h>

#include <cstring>
#include <random>

#include "files.hpp"

using leat::plugin::check_entry_symbol;
using leat::plugin::read_elf;
using leat::test::fixture;
using leat::test::Folder;
using leat::test::read_file;
using leat::test::write_file;

namespace {

std::string refusal(const std::filesystem::path& path) {
    const auto facts = read_elf(path);
    return facts ? "" : facts.error().text();
}

std::string refusal_of(const std::string& bytes) {
    const Folder folder;
    return refusal(write_file(folder / "x.so", bytes));
}

/// The good plugin with its ELF header changed.
template <class Change>
std::string with_header(Change change) {
    std::string bytes = read_file(fixture("good"));
    Elf64_Ehdr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    change(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

Elf64_Ehdr header_of(const std::string& bytes) {
    Elf64_Ehdr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
}

std::uint64_t last_segment_end(const std::string& bytes) {
    const Elf64_Ehdr header = header_of(bytes);
    std::uint64_t end = 0;
    for (int i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_LOAD) end = std::max<std::uint64_t>(end, segment.p_offset + segment.p_filesz);
    }
    return end;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(elf_check)

BOOST_AUTO_TEST_CASE(reads_what_a_plugin_exports_without_loading_it) {
    const auto facts = read_elf(fixture("good"));
    BOOST_REQUIRE(facts);
    BOOST_TEST(facts.value().exports("leat_plugin_v1"));
    BOOST_TEST(facts.value().exported.size() == 1u);
    BOOST_TEST(facts.value().unique.empty());
    BOOST_TEST(check_entry_symbol(facts.value()).has_value());
}

BOOST_AUTO_TEST_CASE(reads_a_stripped_plugin) {
    const Folder folder;
    const auto stripped = folder / "stripped.so";
    const std::string command = "strip -s -o '" + stripped.string() + "' '" + fixture("good").string() + "'";
    BOOST_REQUIRE(std::system(command.c_str()) == 0);
    BOOST_TEST(read_elf(stripped).value().exports("leat_plugin_v1"));
}

BOOST_AUTO_TEST_CASE(names_the_libraries_that_a_plugin_needs) {
    const auto facts = read_elf(fixture("missing-dependency"));
    BOOST_REQUIRE(facts);
    const auto& needed = facts.value().needed;
    BOOST_TEST((std::find(needed.begin(), needed.end(), "libleat_absent.so") != needed.end()));
}

BOOST_AUTO_TEST_CASE(finds_unique_symbols) {
    const auto facts = read_elf(fixture("unique-symbol"));
    BOOST_REQUIRE(facts);
    BOOST_TEST(facts.value().unique == std::vector<std::string>{"shared_by_all_plugins"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_file) {
    const Folder folder;
    BOOST_TEST(refusal(folder / "none.so") ==
               "cannot be opened: No such file or directory; check the path and its permissions");
    BOOST_TEST(refusal(folder.path()) == "is a directory; name the .so file in it");
    BOOST_REQUIRE(::mkfifo((folder / "pipe.so").c_str(), 0600) == 0);
    BOOST_TEST(refusal(folder / "pipe.so") == "is not a regular file; name a shared library");
    std::filesystem::create_symlink("nowhere", folder / "dangling.so");
    BOOST_TEST(refusal(folder / "dangling.so") ==
               "cannot be opened: No such file or directory; check the path and its permissions");
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_is_no_library) {
    BOOST_TEST(refusal_of("") == "is empty; copy it again");
    BOOST_TEST(refusal_of("#!/bin/sh\n") ==
               "is not a shared library: it begins with \"#!/b\", not with the ELF magic; build it with -shared");
    BOOST_TEST(refusal_of("ab") ==
               "is not a shared library: it begins with \"ab\", not with the ELF magic; build it with -shared");
    BOOST_TEST(refusal_of(std::string("\0\x01\xff\n", 4)) ==
               "is not a shared library: it begins with \"....\", not with the ELF magic; build it with -shared");
    BOOST_TEST(refusal_of(ELFMAG) == "is cut short: the ELF header ends at byte 64, the file at byte 4; copy it again");
}

BOOST_AUTO_TEST_CASE(refuses_a_library_for_another_machine_and_names_both) {
    const std::string ours = leat::plugin::host_architecture();
    const bool on_arm = ours == "AArch64";
    const auto other = with_header([&](Elf64_Ehdr& h) { h.e_machine = on_arm ? EM_X86_64 : EM_AARCH64; });
    BOOST_TEST(refusal_of(other) == "is built for " + std::string(on_arm ? "x86-64" : "AArch64") + "; this host is " +
                                        ours + ": build it for " + ours);
    BOOST_TEST(refusal_of(with_header([](Elf64_Ehdr& h) { h.e_machine = 4711; })) ==
               "is built for machine 4711; this host is " + ours + ": build it for " + ours);
    BOOST_TEST(refusal_of(with_header([](Elf64_Ehdr& h) { h.e_ident[EI_CLASS] = ELFCLASS32; })) ==
               "is a 32-bit library; this host is 64-bit: build it for " + ours);
    BOOST_TEST(refusal_of(with_header([](Elf64_Ehdr& h) { h.e_ident[EI_DATA] = ELFDATA2MSB; })) ==
               "is a big-endian library; this host is little-endian: build it for " + ours);
}

BOOST_AUTO_TEST_CASE(refuses_other_kinds_of_elf_files) {
    BOOST_TEST(refusal_of(with_header([](Elf64_Ehdr& h) { h.e_type = ET_REL; })) ==
               "is an object file, not a shared library; link it with -shared");
    BOOST_TEST(refusal_of(with_header([](Elf64_Ehdr& h) { h.e_type = ET_EXEC; })) ==
               "is a program, not a shared library; link it with -shared");
    BOOST_TEST(refusal_of(with_header([](Elf64_Ehdr& h) { h.e_type = ET_CORE; })) ==
               "is a core dump, not a shared library");
}

BOOST_AUTO_TEST_CASE(refuses_a_program_although_it_is_position_independent) {
    BOOST_TEST(refusal("/proc/self/exe") == "is a program, not a shared library; link it with -shared");
}

BOOST_AUTO_TEST_CASE(refuses_a_library_that_is_cut_short_and_says_where) {
    const std::string whole = read_file(fixture("good"));
    const auto size = std::to_string(whole.size());
    BOOST_TEST(refusal_of(whole.substr(0, 100)) ==
               "is cut short: the table of segments ends at byte " +
                   std::to_string(sizeof(Elf64_Ehdr) + header_of(whole).e_phnum * sizeof(Elf64_Phdr)) +
                   ", the file at byte 100; copy it again");
    const std::uint64_t end = last_segment_end(whole);
    BOOST_TEST(refusal_of(whole.substr(0, end - 1)) == "is cut short: a segment ends at byte " + std::to_string(end) +
                                                           ", the file at byte " + std::to_string(end - 1) +
                                                           "; copy it again");
    BOOST_TEST(refusal_of(whole.substr(0, whole.size() - 1)) ==
               "is cut short: the table of sections ends at byte " + size + ", the file at byte " +
                   std::to_string(whole.size() - 1) + "; copy it again");
}

BOOST_AUTO_TEST_CASE(survives_a_cut_at_every_length) {
    const std::string whole = read_file(fixture("good"));
    const Folder folder;
    for (std::size_t length = 0; length < whole.size(); length += length < 1024 ? 1 : 61) {
        BOOST_TEST(refusal(write_file(folder / "x.so", whole.substr(0, length))) != "", "cut at " << length);
    }
}

BOOST_AUTO_TEST_CASE(survives_damage_anywhere_in_what_it_reads) {
    const std::string whole = read_file(fixture("good"));
    const Folder folder;
    const auto seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 dice(seed);
    // The tables that it reads lie in the first pages, and the dynamic segment in the last ones.
    for (int i = 0; i < 2000; ++i) {
        std::string damaged = whole;
        const std::size_t reach = i % 2 ? std::size_t{4096} : whole.size();
        for (int n = 0; n < 4; ++n) {
            const std::size_t at = 16 + dice() % (reach - 16);
            const char extremes[] = {0, 1, 127, char(128), char(255), char(dice())};
            std::memset(damaged.data() + at, extremes[dice() % 6],
                        std::min<std::size_t>(1 + dice() % 8, damaged.size() - at));
        }
        const auto text = refusal(write_file(folder / "x.so", damaged));
        BOOST_TEST(text.find('\0') == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(says_whether_a_library_is_a_plugin_for_this_host) {
    BOOST_TEST(check_entry_symbol(read_elf(fixture("no-symbol")).value()).error().text() ==
               "does not export leat_plugin_v1, so it is not a Leat plugin; define it with LEAT_PLUGIN or LEAT_EXPORT");
    BOOST_TEST(check_entry_symbol(read_elf(fixture("v2-only")).value()).error().text() ==
               "speaks plugin ABI v2; this host speaks v1: install a newer Leat, or a build of the plugin for v1");
}

BOOST_AUTO_TEST_SUITE_END()
