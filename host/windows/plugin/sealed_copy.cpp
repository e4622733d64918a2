#include "plugin/sealed_copy.hpp"

#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#include <unistd.h>
#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace leat::plugin {
namespace {

constexpr std::int64_t largest = std::int64_t{1} << 30;

Error refuse(std::string why) {
    return {Errc::plugin, std::move(why)};
}

}  // namespace

Result<std::shared_ptr<SealedCopy>> SealedCopy::of(const std::filesystem::path& file) {
    const HANDLE opened = ::CreateFileW(file.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING,
                                        FILE_ATTRIBUTE_NORMAL, nullptr);
    if (opened == INVALID_HANDLE_VALUE) {
        const auto error = ::GetLastError();
        return refuse(error == ERROR_SHARING_VIOLATION
                          ? std::string("is open in a program that may write to it; close that program")
                          : "cannot be opened: " + std::system_category().message(static_cast<int>(error)) +
                                "; check the path and its permissions");
    }
    Descriptor descriptor(::_open_osfhandle(reinterpret_cast<std::intptr_t>(opened), _O_RDONLY | _O_BINARY));
    struct stat found {};
    if (::fstat(descriptor.get(), &found) != 0) return refuse("cannot be examined: " + errno_text(errno));
    if (!S_ISREG(found.st_mode)) return refuse("is not a regular file; name a shared library");
    if (found.st_size > largest) return refuse("is larger than 1 GiB, which no plugin is");
    std::shared_ptr<SealedCopy> out(new SealedCopy(file, std::move(descriptor)));
    out->identity_ = FileIdentity::of(found);
    out->bytes_.resize(static_cast<std::size_t>(found.st_size));
    for (std::size_t at = 0; at < out->bytes_.size();) {
        const auto got =
            ::pread(out->descriptor_.get(), &out->bytes_[at], out->bytes_.size() - at, static_cast<std::int64_t>(at));
        if (got <= 0) return refuse("cannot be read: " + errno_text(got < 0 ? errno : EIO));
        at += static_cast<std::size_t>(got);
    }
    return out;
}

SealedCopy::~SealedCopy() {
    if (is_kept_) static_cast<void>(descriptor_.release());
}

}  // namespace leat::plugin
