// The bytes of a file that nobody can change as long as this lives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/descriptor.hpp"
#include "base/result.hpp"
#include "plugin/file_identity.hpp"

namespace leat::plugin {

/// What is checked here is what the loader maps: the file is held open so that nobody may write to it, rename or remove
/// it meanwhile, and is loaded from its own place.
class SealedCopy {
public:
    /// Errors: Errc::plugin, without the path: it cannot be read, or somebody has it open to write.
    static Result<std::shared_ptr<SealedCopy>> of(const std::filesystem::path& file);

    SealedCopy(const SealedCopy&) = delete;
    SealedCopy& operator=(const SealedCopy&) = delete;
    ~SealedCopy();

    std::string_view bytes() const noexcept { return bytes_; }
    std::filesystem::path loadable() const { return file_; }
    const FileIdentity& identity() const noexcept { return identity_; }  ///< of the file, when it was opened
    /// Leaves the file open until the process ends.
    void keep_open() noexcept { is_kept_ = true; }

private:
    SealedCopy(std::filesystem::path file, Descriptor descriptor)
        : file_(std::move(file)), descriptor_(std::move(descriptor)) {}

    std::filesystem::path file_;
    Descriptor descriptor_;
    bool is_kept_ = false;
    std::string bytes_;
    FileIdentity identity_;
};

}  // namespace leat::plugin
