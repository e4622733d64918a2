#include "plugin/sealed_copy.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "plugin/file_rules.hpp"

namespace leat::plugin {
namespace {

constexpr off_t largest = off_t{1} << 30;
constexpr unsigned executable = 0x10;  // MFD_EXEC, which older headers lack

Error refuse(std::string why) {
    return {Errc::plugin, std::move(why)};
}

Error no_copy() {
    return refuse("cannot be copied for its check: " + errno_text(errno) +
                  "; pins and signatures need memory for a copy, and memfd_create");
}

int new_memory(const std::string& name) {
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    const int made = ::memfd_create(name.c_str(), flags | executable);
    return made < 0 && errno == EINVAL ? ::memfd_create(name.c_str(), flags) : made;
}

bool write_all(int to, const char* bytes, std::size_t size) {
    while (size > 0) {
        const auto wrote = ::write(to, bytes, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return false;
        bytes += wrote;
        size -= static_cast<std::size_t>(wrote);
    }
    return true;
}

}  // namespace

Result<std::shared_ptr<SealedCopy>> SealedCopy::of(const std::filesystem::path& file) {
    const Descriptor from(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (from.get() < 0)
        return refuse("cannot be opened: " + errno_text(errno) + "; check the path and its permissions");
    struct stat before {};
    struct stat after {};
    if (::fstat(from.get(), &before) != 0) return refuse("cannot be examined: " + errno_text(errno));
    if (!S_ISREG(before.st_mode)) return refuse("is not a regular file; name a shared library");
    // Of what was opened, for the path may have come to mean another file.
    if (auto fault = fault_of_mode(before, file, User::of_this_process())) return refuse(std::move(*fault));
    if (before.st_size > largest) return refuse("is larger than 1 GiB, which no plugin is");
    const int memory = new_memory(file.filename().string().substr(0, 200));
    if (memory < 0) return no_copy();
    std::shared_ptr<SealedCopy> copy(new SealedCopy(Descriptor(memory)));
    BOOST_OUTCOME_TRY(copy->fill_from(from.get(), static_cast<std::size_t>(before.st_size)));
    copy->identity_ = FileIdentity::of(before);
    if (::fstat(from.get(), &after) != 0 || FileIdentity::of(after) != copy->identity_)
        return refuse("was changed while it was read; install plugins by renaming them into place");
    return copy;
}

Result<> SealedCopy::fill_from(int file, std::size_t size) {
    std::array<char, 65536> block;
    for (std::size_t copied = 0; copied < size;) {
        const auto got = ::read(file, block.data(), std::min(block.size(), size - copied));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse("cannot be read: " + errno_text(errno));
        if (got == 0) return refuse("shrinks while it is read; install plugins by renaming them into place");
        if (!write_all(descriptor_.get(), block.data(), static_cast<std::size_t>(got))) return no_copy();
        copied += static_cast<std::size_t>(got);
    }
    if (::fchmod(descriptor_.get(), S_IRUSR | S_IXUSR) != 0 ||
        ::fcntl(descriptor_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return no_copy();
    }
    if (size == 0) return done();
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor_.get(), 0);
    if (mapped == MAP_FAILED) return no_copy();
    bytes_ = static_cast<const char*>(mapped);
    size_ = size;
    return done();
}

SealedCopy::~SealedCopy() {
    if (bytes_) ::munmap(const_cast<char*>(bytes_), size_);
    if (is_kept_) static_cast<void>(descriptor_.release());
}

std::filesystem::path SealedCopy::loadable() const {
    return "/proc/self/fd/" + std::to_string(descriptor_.get());
}

}  // namespace leat::plugin
