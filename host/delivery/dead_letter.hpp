// What could not be handled, and where it is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "config/settings.hpp"

namespace leat::delivery {

/// One row, or raw record, that could not be handled.
struct DeadLetter {
    std::string stage;      ///< where: "extract", "transform 2", "load"
    std::string component;  ///< its id
    std::string version;    ///< of the component's plugin
    std::string reason;
    std::string row = {};    ///< JSON of the row; empty for a raw record
    std::string raw = {};    ///< the record's bytes; only without a row
    std::string bytes = {};  ///< the row without loss, as row_bytes() has it; empty where that cannot be
    /// Of `bytes`, as schema_bytes() has it; of a raw record, that of the rows that its source gives, where it is
    /// known.
    std::shared_ptr<const std::string> schema = {};
    std::string position = {};  ///< of the source, before the row

    /// How far its lane was: once a checkpoint lies behind this place, the letter's row does not come again.
    struct Place {
        std::uint64_t segment = 0;
        std::optional<std::uint64_t> row = {};  ///< of all runs, behind the transforms; empty: it never got there
        friend bool operator==(const Place&, const Place&) = default;
    };
    Place place = {};
};

/// Keeps the dead letters of one run. Safe from any thread.
class DeadLetters {
public:
    virtual ~DeadLetters() = default;

    /// The letters to come are of this lane, and their rows may come again until they are settled. Before the first.
    virtual void tie_to(const std::string& /*lane*/) {}

    /// The source gives rows of this schema, as schema_bytes() has it: a raw record may be made such a row by hand.
    virtual void source_gives(const std::shared_ptr<const std::string>& /*schema*/) {}

    /// Takes all of the letters or none of them. They survive the host from the next make_durable() on. Errors: io.
    virtual Result<> add(std::span<const DeadLetter> letters) = 0;

    /// Returns once everything that was added survives a crash of the machine: before the bucket is committed that the
    /// letters came from, so that no crash loses one. Errors: io.
    virtual Result<> make_durable() = 0;

    /// The run has ended: forgets the letters that could not be made durable, and tells how many there were.
    virtual std::uint64_t give_up() { return 0; }

    virtual std::uint64_t count() const noexcept = 0;

    /// Where an operator finds them: a file, or a command.
    virtual std::string where_to_look() const = 0;
};

/// The error of a run with more dead letters than `limit` allows; empty: it has not. A fraction is judged when the run
/// has ended, or after 100,000 rows.
std::optional<Error> over_limit(const DeadLetters& letters, const config::DeadLetterSettings& limit,
                                std::uint64_t rows_read, bool ended);

}  // namespace leat::delivery
