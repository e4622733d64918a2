// The dead letters of one pipeline's run: one NDJSON line each, in a file beside the receipt.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"

namespace leat::delivery {

/// One row, or raw record, that could not be handled.
struct DeadLetter {
    std::string stage;    ///< "extract csv"
    std::string version;  ///< of the component's plugin
    std::string reason;
    std::string row;  ///< JSON of the row; empty for a raw record
    std::string raw;  ///< the record's bytes; only without a row
    bool operator==(const DeadLetter&) const = default;
};

/// Safe from any thread.
class Rejects {
public:
    Rejects(std::filesystem::path directory, std::string pipeline, config::DeadLetterSettings limit);
    ~Rejects();
    Rejects(const Rejects&) = delete;
    Rejects& operator=(const Rejects&) = delete;

    /// Appends the letters to PIPELINE.rejects.ndjson, which is made for the first one, and returns once the file
    /// system has them (fdatasync). Errors: io.
    Result<> add(const std::vector<DeadLetter>& letters);

    std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
    std::filesystem::path file() const { return file_; }

    /// The error of a run with more dead letters than `dead_letters.limit` allows; empty while there is none.
    /// A fraction is judged when the run has ended, or after 100,000 rows.
    std::optional<Error> over_limit(std::uint64_t rows_read, bool ended) const;

private:
    std::filesystem::path file_;
    std::string pipeline_;
    config::DeadLetterSettings limit_;
    std::atomic<std::uint64_t> count_{0};
    std::mutex mutex_;
    int descriptor_ = -1;
};

}  // namespace leat::delivery
