// What could not be handled, and where it is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"

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

/// Keeps the dead letters of one run. Safe from any thread.
class DeadLetters {
public:
    virtual ~DeadLetters() = default;

    /// Stores all of the letters or none of them. They survive the host from the next make_durable() on. Errors: io.
    virtual Result<> add(std::span<const DeadLetter> letters) = 0;

    /// Returns once everything that was added survives a crash of the machine: before the bucket is committed that the
    /// letters came from, so that a crash may repeat a letter and never loses one. Errors: io.
    virtual Result<> make_durable() = 0;

    virtual std::uint64_t count() const noexcept = 0;

    /// The error of a run with more dead letters than it may have; empty while there is none.
    virtual std::optional<Error> over_limit(std::uint64_t rows_read, bool ended) const = 0;
};

}  // namespace leat::delivery
