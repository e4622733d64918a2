#include <dlfcn.h>

#include "plugin/handshake.hpp"
#include "plugin/library.hpp"

namespace leat::plugin {
namespace {

/// The loader's own text, without the path that it begins with when the trouble is in `path` itself.
std::string loader_text(const std::filesystem::path& path) {
    const char* said = ::dlerror();
    std::string text = said ? said : "no reason given";
    const std::string own = path.string() + ": ";
    if (text.compare(0, own.size(), own) == 0) text.erase(0, own.size());
    return text;
}

Error load_error(const std::string& text) {
    if (text.find("undefined symbol") != std::string::npos) {
        return Error(Errc::plugin, "cannot be loaded: " + text + "; link the library that has it");
    }
    if (text.find("cannot open shared object file") != std::string::npos) {
        return Error(Errc::plugin,
                     "cannot be loaded, because a library that it needs cannot be: " + text + "; install that library");
    }
    return Error(Errc::plugin, "cannot be loaded: " + text);
}

}  // namespace

Result<boost::dll::shared_library> load(const std::filesystem::path& path) {
    using boost::dll::load_mode::type;
    // Boost.DLL hands the bits to dlopen as they are. NODELETE: unmapping code that a thread, a destructor or an
    // exit handler may still run cannot be made safe, so that closing must do nothing.
    const auto mode = static_cast<type>(boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local |
                                        static_cast<unsigned>(RTLD_NODELETE));
    boost::dll::shared_library library;
    std::error_code error;
    // What a static constructor throws would leave the loader half-way, its lock held: better to end here, which is
    // what the trial in a child process is for.
    [&]() noexcept { library.load(path, mode, error); }();
    if (error) return load_error(loader_text(path));  // error_code itself always says "Bad file descriptor"
    return library;
}

}  // namespace leat::plugin
