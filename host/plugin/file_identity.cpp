#include "plugin/file_identity.hpp"

namespace leat::plugin {

FileIdentity FileIdentity::of(const struct stat& found) {
    return {found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size), found.st_mtim.tv_sec,
            found.st_mtim.tv_nsec};
}

FileIdentity FileIdentity::of(const std::filesystem::path& file) {
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 ? of(found) : FileIdentity{};
}

}  // namespace leat::plugin
