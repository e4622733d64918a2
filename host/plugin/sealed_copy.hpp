// The bytes of a file, copied into memory that nobody can change any more, this process included.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "base/descriptor.hpp"
#include "base/result.hpp"
#include "plugin/file_identity.hpp"

namespace leat::plugin {

/// What is checked here is what the loader maps, whatever becomes of the file meanwhile: both read this copy (memfd
/// with all its seals). The price: the loader knows the library as /proc/self/fd/N, so that $ORIGIN in it leads
/// nowhere.
class SealedCopy {
public:
    /// Errors: Errc::plugin, without the path: it cannot be read, or others could change it (plugin/file_rules.hpp).
    static Result<std::shared_ptr<SealedCopy>> of(const std::filesystem::path& file);

    SealedCopy(const SealedCopy&) = delete;
    SealedCopy& operator=(const SealedCopy&) = delete;
    ~SealedCopy();

    std::string_view bytes() const noexcept { return {bytes_, size_}; }
    int descriptor() const noexcept { return descriptor_.get(); }
    /// The path by which this process, and a fork of it, can load the copy.
    std::filesystem::path loadable() const;
    const FileIdentity& identity() const noexcept { return identity_; }  ///< of the file, when it was copied
    /// Leaves the descriptor open until the process ends. The loader knows libraries by their paths and never lets one
    /// go, so that no other file may come to have this number once it is loaded.
    void keep_open() noexcept { is_kept_ = true; }

private:
    explicit SealedCopy(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
    Result<> fill_from(int file, std::size_t size);

    Descriptor descriptor_;
    bool is_kept_ = false;
    const char* bytes_ = nullptr;
    std::size_t size_ = 0;
    FileIdentity identity_;
};

}  // namespace leat::plugin
