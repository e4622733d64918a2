// Any file under the name of a plugin: what the host reads of it before the loader does.
#include <unistd.h>

#include "input.hpp"
#include "plugin/elf_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int file = [] {
        char name[] = "/tmp/leat-fuzz-elf-XXXXXX";
        const int opened = ::mkstemp(name);
        ::unlink(name);
        return opened;
    }();
    if (::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
    const auto facts = leat::plugin::read_elf("/proc/self/fd/" + std::to_string(file));
    if (!facts) {
        fuzz::require(!facts.error().message().empty(), "a refusal has no text");
        return 0;
    }
    (void)leat::plugin::check_entry_symbol(facts.value());
    (void)leat::plugin::needless_exports(facts.value());
    return 0;
}
