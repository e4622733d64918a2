// What a library must be as a file, and its one function.
#include <thread>

#include "conformance/case.hpp"
#include "plugin/elf_check.hpp"
#include "plugin/library.hpp"

namespace leat::conformance {
namespace {

std::string some_of(const std::vector<std::string>& names) {
    constexpr std::size_t most = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
        text += (i ? ", " : "") + names[i];
    if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
    return text;
}

Result<> exports_one_symbol(const std::filesystem::path& file) {
    BOOST_OUTCOME_TRY(const auto facts, plugin::read_elf(file));
    const auto needless = plugin::needless_exports(facts);
    if (needless.empty()) return done();
    return seen("it also exports " + some_of(needless));
}

Result<> has_no_unique_symbols(const std::filesystem::path& file) {
    BOOST_OUTCOME_TRY(const auto facts, plugin::read_elf(file));
    if (facts.unique.empty()) return done();
    return seen("all plugins of a process would share " + some_of(facts.unique));
}

Result<> describes_itself(const std::filesystem::path& file) {
    BOOST_OUTCOME_TRY(const auto library, plugin::load(file));
    BOOST_OUTCOME_TRY(const auto* const first, plugin::ask(library));
    BOOST_OUTCOME_TRY(const auto* const second, plugin::ask(library));
    Result<const leat_plugin*> elsewhere = first;
    std::thread([&] { elsewhere = plugin::ask(library); }).join();
    BOOST_OUTCOME_TRY(const auto* const third, elsewhere);
    if (first == second && first == third) return done();
    return seen("it answered with another pointer when it was asked again");
}

constexpr LibraryCase cases[] = {
    {"exports-one-symbol", "a library exports leat_plugin_v1 and nothing else",
     "link it with the version script of leat_add_plugin", exports_one_symbol},
    {"has-no-unique-symbols", "a library has no symbols that are shared process-wide (STB_GNU_UNIQUE)",
     "compile it with -fno-gnu-unique", has_no_unique_symbols},
    {"describes-itself", "leat_plugin_v1 is [scan]: it returns the same pointer each time, on any thread",
     "return the address of constant data", describes_itself},
};

}  // namespace

std::span<const LibraryCase> library_cases() {
    return cases;
}

}  // namespace leat::conformance
