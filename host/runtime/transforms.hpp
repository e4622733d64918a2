// Runs a batch through the transforms of a pipeline, one after the other, on whatever thread the pipeline gives.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "plugin/instance.hpp"
#include "runtime/run_state.hpp"

namespace leat::runtime {

/// Takes what a transform emits and keeps it until the call has answered: only then does it count.
class Staging final : public plugin::Outlet {
public:
    bool emit(Batch batch) override {
        staged.push_back(std::move(batch));
        return true;
    }
    bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override;

    std::vector<Batch> staged;
    std::vector<delivery::DeadLetter> letters;
    const plugin::Instance* instance = nullptr;
};

/// One task at a time.
class Transforms {
public:
    explicit Transforms(RunState& run) : run_(run) {}

    /// Adds the next stage, in order. `outlet` is the one that `instance` emits to.
    void add(plugin::Instance& instance, Staging& outlet) { stages_.push_back({&instance, &outlet}); }
    bool empty() const noexcept { return stages_.empty(); }

    /// Appends to `out` what comes out of the last stage. False: the run has failed, and all rows are accounted for.
    bool process(Batch batch, std::vector<Batch>& out);
    /// At the end: everything that the stages still hold.
    bool flush(std::vector<Batch>& out);

private:
    struct Stage {
        plugin::Instance* instance;
        Staging* outlet;
    };
    bool run_stage(std::size_t index, Batch batch, std::vector<Batch>& out);
    bool hand_on(std::size_t index, std::uint64_t rows_in, std::vector<Batch>& out);
    bool handle_data_error(std::size_t index, Batch batch, const plugin::Answer& answer, std::vector<Batch>& out);
    void drop_staged(Staging& outlet);

    RunState& run_;
    std::vector<Stage> stages_;
    std::vector<std::vector<Batch>> spare_;  // memory of staged lists, used again
};

}  // namespace leat::runtime
