// The state directory: what must outlive a run. STATE/state.db (SQLite, WAL) and STATE/lock.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "delivery/checkpoint.hpp"
#include "delivery/letter_table.hpp"
#include "delivery/receipt_table.hpp"

namespace leat::delivery {

/// Every member is safe from any thread.
class StateStore {
public:
    /// Makes the directory if need be, locks it against a second host for as long as the object lives, and brings an
    /// older state.db up to date. Errors: io, when it cannot be made, read or written, was made by a newer host, or
    /// another process holds it: the message names that process. `clock` must outlive the store.
    static Result<std::unique_ptr<StateStore>> open(const std::filesystem::path& directory, const Clock& clock);
    /// To look into the state, also while a host works with it; nothing can be stored or forgotten. Errors: io; there
    /// is no state there.
    static Result<std::unique_ptr<StateStore>> open_to_read(const std::filesystem::path& directory);
    virtual ~StateStore() = default;

    virtual const std::filesystem::path& directory() const noexcept = 0;
    virtual LetterTable& letters() noexcept = 0;
    virtual ReceiptTable& receipts() noexcept = 0;

    /// The checkpoint of a lane, "PIPELINE/COMPONENT"; empty: there is none. Errors: io; also when it is damaged.
    virtual Result<std::optional<Checkpoint>> checkpoint(std::string_view lane) = 0;

    /// Stores the checkpoint of a lane in place of the one before. Errors: io.
    /// @param durable  it must outlive a power cut, for nobody else knows it
    virtual Result<> save(std::string_view lane, const Checkpoint& checkpoint, bool durable) = 0;

    /// The checkpoint behind the bucket that a lane commits next, for a target whose tokens have no room for the
    /// position: written before the commit, and told from the one before by the number of its bucket. Errors: io; as
    /// above.
    virtual Result<> save_ahead(std::string_view lane, const Checkpoint& checkpoint) = 0;
    virtual Result<std::optional<Checkpoint>> checkpoint_ahead(std::string_view lane) = 0;

    /// The last state that a runner stored; empty: none. Errors: io.
    virtual Result<std::string> runner_state(std::string_view pipeline) = 0;
    /// Durable on return. Errors: io.
    virtual Result<> save_runner_state(std::string_view pipeline, std::string_view state) = 0;

    struct Entry {
        std::string pipeline;
        std::string lane;  ///< empty: the state of a runner, in checkpoint.position
        Checkpoint checkpoint;
        std::string updated;   ///< RFC 3339, UTC
        bool damaged = false;  ///< its checksum is wrong: nothing in it can be believed
    };
    /// All that there is, by pipeline and lane; also what is damaged, so that it can be seen and forgotten. Errors: io.
    virtual Result<std::vector<Entry>> entries() = 0;

    /// Forgets the checkpoints and the runner state of a pipeline, and the dead letters whose rows have not been
    /// settled, since they come again; the others stay. True: there was something. Errors: io.
    virtual Result<bool> reset(std::string_view pipeline) = 0;
};

}  // namespace leat::delivery
