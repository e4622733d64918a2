#include "plugin/places.hpp"

namespace leat::plugin {
namespace {

#if defined(__x86_64__)
constexpr auto multiarch = "x86_64-linux-gnu";
#elif defined(__aarch64__)
constexpr auto multiarch = "aarch64-linux-gnu";
#elif defined(__riscv)
constexpr auto multiarch = "riscv64-linux-gnu";
#else
constexpr auto multiarch = "powerpc64le-linux-gnu";
#endif

}  // namespace

const char* const library_ending = ".so";
const char path_separator = ':';
const bool looks_at_modes = true;
const bool has_unique_symbols = true;
const bool tries_in_child = true;

std::vector<std::filesystem::path> library_directories(const std::filesystem::path& executable) {
    using std::filesystem::path;
    const path prefix = executable.parent_path().parent_path();
    return {prefix / "lib",           prefix / "lib" / multiarch,   prefix / "lib64",   path("/usr/local/lib"),
            path("/usr/local/lib64"), path("/usr/lib") / multiarch, path("/usr/lib64"), path("/usr/lib")};
}

}  // namespace leat::plugin
