#include "config/text_file.hpp"

#include <array>
#include <cerrno>
#include <fstream>

namespace leat::config {
namespace {

Error cannot_read(const std::filesystem::path& file, int error_number) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored))
        return Error(Errc::configuration, "is a directory; name a file in it");
    if (error_number == ENOENT) return Error(Errc::configuration, "does not exist; check the path");
    const std::string why = error_number != 0 ? errno_text(error_number) : "the reason is not known";
    return Error(Errc::configuration,
                 "cannot be read: " + why + (error_number == EACCES ? "; check its owner and its mode" : ""));
}

}  // namespace

Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t most_bytes) {
    // libstdc++ leaves the reason in errno, which is all that there is.
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) return cannot_read(file, errno);
    std::string out;
    std::array<char, 1 << 14> chunk;
    while (in) {
        errno = 0;
        in.read(chunk.data(), chunk.size());
        out.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
        if (out.size() > most_bytes)
            return Error(Errc::configuration, "has more than " + std::to_string(most_bytes) + " bytes");
    }
    if (in.bad()) return cannot_read(file, errno);
    return out;
}

}  // namespace leat::config
