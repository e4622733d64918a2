// Where one run keeps its receipt and its rejects: STATE/runs/20261125T071105.123Z-4711/
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace leat::delivery {

class RunDirectory {
public:
    /// Makes the directory, so that a state directory that cannot be written shows before a row is read. Errors: io.
    static Result<RunDirectory> make(const std::filesystem::path& state, const Clock& clock);

    const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path receipt_file() const { return path_ / "receipt.json"; }

    /// Writes the receipt; it is there whole, and durable, or not at all. Errors: io.
    Result<> write_receipt(std::string_view json) const;

private:
    explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

}  // namespace leat::delivery
