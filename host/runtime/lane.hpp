// The way of a pipeline's buckets into their target: their numbers, their tokens, and the checkpoint behind them.
//
// Several workers commit side by side, and out of turn. To a target that stores tokens each is a lane of its own, whose
// token tells two things: up to where everything is settled, and what this one has committed beyond that. The tokens of
// all of them together tell the next run which rows it must leave out when they come again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "delivery/checkpoint.hpp"
#include "delivery/state_store.hpp"
#include "runtime/trail.hpp"

namespace leat::runtime {

/// Shared by the workers of a sink. Any thread.
class Lane {
public:
    Lane(std::string name, Positions& positions) : name_(std::move(name)), positions_(positions) {}
    const std::string& name() const noexcept { return name_; }

    /// What a lane keeps beyond the run. Without a store: nothing.
    struct Keeping {
        delivery::StateStore* store = nullptr;
        bool acknowledges = false;  ///< without a store too: the source itself keeps what it was not told of
        /// Of one worker.
        struct Track {
            std::string last_token;        ///< that is in the target now
            std::vector<Span> ahead = {};  ///< that it has committed behind what is settled
        };
        std::vector<Track> tracks = {};  ///< by worker; none: the sink stores no tokens
        std::uint32_t lanes = 1;         ///< the most workers that the target knows of
        bool only_at_end = false;        ///< what a transform holds is in no checkpoint: until the end, this one stays
        /// Of a replay of dead letters, which goes into the lane beside what its pipeline reads: the lane's own
        /// checkpoint, which stays where it is but for the number of its bucket.
        std::optional<delivery::Checkpoint> around = {};
    };
    /// Before the first bucket: where this run goes on.
    void begin(delivery::Checkpoint from, Keeping keeping);

    /// Anything at all. This and the next are fixed by begin, before there are tasks.
    bool keeps() const noexcept { return keeping_.store || keeping_.acknowledges; }

    /// Buckets have tokens, so that the target knows which of them it holds.
    bool has_tokens() const noexcept { return !keeping_.tracks.empty(); }
    /// What the target knows a worker as.
    std::string name_of(std::size_t worker) const {
        return worker == 0 ? name_ : name_ + '/' + std::to_string(worker + 1);
    }

    /// The number of the next bucket that is tried.
    std::uint64_t next_id();
    struct Tokens {
        std::string before, after;  ///< empty without tokens
    };
    /// What must be in the target before a bucket, and what with it. Once for each number. Errors: io.
    Result<Tokens> tokens(std::size_t worker, std::uint64_t id, Span of);
    /// False: this worker is so far ahead of another that its token has no room for more; to be asked again.
    /// @param taken  the bucket that it has in hand
    bool may_go_ahead(std::size_t worker, std::uint64_t taken);

    /// Rows are committed, or dead letters.
    /// @param taken  the number of the bucket in the order in which buckets were taken
    /// @param id     of the bucket that was committed, with the tokens given for it; 0: there were dead letters only
    /// @param whole  nothing is left of it
    /// Errors: io, when the checkpoint could not be stored.
    Result<> settled(std::size_t worker, std::uint64_t taken, std::uint64_t id, Span of, bool whole);

    /// Everything before this segment has left the transforms. Before any bucket is said to end here.
    void segment_begins(Border border);
    /// Everything before `border` has left the transforms.
    void passed(Border border);

    /// How far everything is settled by now.
    Border border() const;
    delivery::Checkpoint checkpoint() const;
    /// Seconds since the last commit, or since the start; empty: it keeps nothing. Waits for nobody.
    std::optional<double> age() const;

    /// Nothing is on its way any more: stores how far the lane came. Errors: io.
    /// @param all       what had left the transforms is settled
    /// @param complete  the source had said that there is no more
    Result<> finish(bool all, bool complete);

    /// The position to which everything is durable in the target, if it has moved since this was last asked.
    std::optional<std::string> take_acknowledged();

private:
    delivery::Checkpoint at(std::uint64_t id, Border end) const;
    delivery::Checkpoint of_lane(const delivery::Checkpoint& checkpoint) const;
    Result<delivery::Checkpoint> of_one(std::uint64_t id, Span of);
    Result<delivery::Checkpoint> of_several(std::size_t worker, std::uint64_t id, Span of);
    Keeping::Track& track_of(std::size_t worker);
    Result<> move_to(Border end);
    enum class When { in_time, now, now_and_durable };
    Result<> store(When when);

    const std::string name_;
    Positions& positions_;
    mutable std::mutex mutex_;
    // All below: guarded by mutex_, but for what begin fixes.
    Keeping keeping_;
    std::vector<std::string> next_tokens_;  // by worker, of the bucket that it tries
    delivery::Checkpoint checkpoint_;
    Border border_;  // of checkpoint_, which begins at its segment
    Border passed_;
    std::uint64_t last_id_ = 0;
    std::uint64_t next_taken_ = 1;                 // of the buckets before, all is settled
    std::map<std::uint64_t, Border> out_of_turn_;  // settled, behind one that is not; by `taken`
    bool stored_ = true;
    std::chrono::steady_clock::time_point stored_at_{};
    std::string acknowledged_;
    bool to_acknowledge_ = false;
    std::atomic<std::chrono::steady_clock::rep> settled_at_{0};  // 0: it keeps nothing
};

}  // namespace leat::runtime
