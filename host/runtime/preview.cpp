#include "runtime/preview.hpp"

#include <algorithm>
#include <utility>

#include "base/cell_text.hpp"
#include "plugin/instance.hpp"
#include "runtime/plan.hpp"

namespace leat::runtime {
namespace {

using plugin::Instance;
using plugin::Status;

/// Keeps what a stage emits, up to the rows asked for; then it tells the stage to come to an end.
class Tap final : public plugin::Outlet {
public:
    Tap(std::uint64_t most, bool ends_early) : most_(most), ends_early_(ends_early) {}

    bool emit(Batch batch) override {
        const auto rows = static_cast<std::uint64_t>(batch.rows());
        const auto fits = ends_early_ ? std::min(rows, most_ - std::min(most_, rows_)) : rows;
        if (fits > 0)
            batches.push_back(fits == rows ? std::move(batch) : batch.slice(0, static_cast<std::int64_t>(fits)));
        rows_ += fits;
        return !full();
    }
    bool reject(const Batch&, std::span<const plugin::Reject> rows) override {
        for (const auto& row : rows)
            rejects.push_back(row.why);
        return true;
    }
    bool reject_raw(std::string_view, std::string_view why) override {
        rejects.emplace_back(why);
        return true;
    }
    bool full() const { return ends_early_ && rows_ >= most_; }

    std::vector<Batch> batches;
    std::vector<std::string> rejects;

private:
    const std::uint64_t most_;
    const bool ends_early_;
    std::uint64_t rows_ = 0;
};

PreviewStage show(std::string title, const Tap& tap, std::uint64_t most) {
    PreviewStage out;
    out.title = std::move(title);
    out.rejects = tap.rejects;
    for (const auto& batch : tap.batches) {
        const auto& schema = batch.schema();
        const auto columns = schema.columns();
        if (out.columns.empty()) {
            for (int i = 0; i < static_cast<int>(columns); ++i) {
                out.columns.emplace_back(schema.name(i));
                out.types.push_back(schema.type_name(i));
            }
        }
        ArrowArray nodes;
        batch.lend(nodes);
        for (std::int64_t row = 0; row < batch.rows() && out.rows.size() < most; ++row) {
            auto& cells = out.rows.emplace_back();
            for (int i = 0; i < static_cast<int>(columns); ++i)
                cells.push_back(cell_text(schema, nodes, i, row));
        }
        nodes.release(&nodes);
    }
    return out;
}

class Previewer {
public:
    Previewer(const PipelinePlan& plan, observe::Log& log, std::uint64_t rows, Stop& stop)
        : plan_(plan), log_(log), rows_(rows), stop_(stop) {}

    Result<std::vector<PreviewStage>> run() {
        std::vector<PreviewStage> out;
        Tap source(rows_, true);
        BOOST_OUTCOME_TRYV(read(source));
        out.push_back(show("extract " + plan_.extract->component->id, source, rows_));
        std::vector<Batch> batches = std::move(source.batches);
        for (const auto& stage : plan_.transforms) {
            Tap tap(rows_, false);
            BOOST_OUTCOME_TRYV(transform(stage, batches, tap));
            out.push_back(show(stage.role + " " + stage.component->id, tap, rows_));
            batches = std::move(tap.batches);
        }
        return out;
    }

private:
    Result<std::unique_ptr<Instance>> open(const StagePlan& stage, Tap& tap, StopState woken_by) {
        BOOST_OUTCOME_TRY(auto instance,
                          Instance::create(*stage.component,
                                           {plan_.settings->name, stage.role, stage.settings, stage.values, woken_by},
                                           stop_, log_, tap));
        if (const auto answer = instance->open({}); !answer.ok()) return instance->error(answer, "open");
        return instance;
    }

    Result<> read(Tap& tap) {
        BOOST_OUTCOME_TRY(const auto source, open(*plan_.extract, tap, StopState::drain));
        auto hint = plan_.bucket;
        hint.rows = std::min(hint.rows, rows_);
        while (!tap.full() && !stop_.reached(StopState::drain)) {
            const auto answer = source->read(hint);
            if (answer.status == Status::end || (answer.status == Status::cancelled && tap.full())) break;
            if (answer.status == Status::idle) {
                stop_.wait_for(std::chrono::milliseconds(20), StopState::drain);
            } else if (!answer.ok()) {
                return source->error(answer, "read");
            }
        }
        return done();
    }

    Result<> transform(const StagePlan& stage, const std::vector<Batch>& input, Tap& tap) {
        BOOST_OUTCOME_TRY(const auto instance, open(stage, tap, StopState::stop));
        for (const auto& batch : input) {
            if (const auto answer = instance->process(batch); !answer.ok()) return instance->error(answer, "process");
        }
        if (!stage.component->has_flush) return done();
        if (const auto answer = instance->flush(true); !answer.ok()) return instance->error(answer, "flush");
        return done();
    }

    const PipelinePlan& plan_;
    observe::Log& log_;
    const std::uint64_t rows_;
    Stop& stop_;
};

}  // namespace

Result<std::vector<PreviewStage>> preview(const config::PipelineSettings& pipeline, const plugin::Catalog& catalog,
                                          observe::Log& log, std::uint64_t rows, Stop& stop) {
    config::Problems problems;
    const auto plan = make_plan(pipeline, catalog, problems);
    if (!problems.empty()) return problems.to_error();
    if (plan.run) {
        return Error(Errc::configuration, "pipeline \"" + pipeline.name + "\" is run by one component, " +
                                              plan.run->component->id + ", whose stages cannot be seen; leat run it");
    }
    return Previewer(plan, log, rows, stop).run();
}

}  // namespace leat::runtime
