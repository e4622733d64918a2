#include <windows.h>

#include <system_error>

#include "plugin/handshake.hpp"
#include "plugin/library.hpp"

namespace leat::plugin {
namespace {

Error load_error(DWORD error) {
    const auto text = "cannot be loaded: " + std::system_category().message(static_cast<int>(error)) +
                      " (Windows error " + std::to_string(error) + ')';
    if (error == ERROR_MOD_NOT_FOUND) {
        return Error(Errc::plugin, text +
                                       "; a library that it needs is missing: put it beside the plugin, or into the "
                                       "system's directory");
    }
    if (error == ERROR_PROC_NOT_FOUND)
        return Error(Errc::plugin, text + "; a library that it needs is of another version than it was built with");
    return Error(Errc::plugin, text);
}

}  // namespace

Result<boost::dll::shared_library> load(const std::filesystem::path& path) {
    using boost::dll::load_mode::type;
    // What it needs is looked for beside it and where the system keeps libraries, not where leat was started.
    const auto mode = static_cast<type>(LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    auto place = path;
    place.make_preferred();
    boost::dll::shared_library library;
    std::error_code error;
    // What a static constructor throws would leave the loader half-way, its lock held: better to end here.
    [&]() noexcept { library.load(place, mode, error); }();
    if (error) return load_error(static_cast<DWORD>(error.value()));
    // Unmapping code that a thread or an exit handler may still run cannot be made safe: it stays.
    HMODULE pinned = nullptr;
    if (::GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                             reinterpret_cast<LPCWSTR>(library.native()), &pinned) == 0)
        return load_error(::GetLastError());
    return library;
}

}  // namespace leat::plugin
