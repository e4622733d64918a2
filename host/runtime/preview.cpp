#include "runtime/preview.hpp"

#include <algorithm>
#include <utility>

#include "base/cell_text.hpp"
#include "delivery/dead_letter.hpp"
#include "plugin/instance.hpp"
#include "runtime/plan.hpp"
#include "runtime/reader.hpp"
#include "runtime/run_state.hpp"
#include "runtime/transforms.hpp"

namespace leat::runtime {
namespace {

using plugin::Instance;

/// Keeps the reasons of what is rejected, and nothing of it in a file.
class Reasons final : public delivery::DeadLetters {
public:
    Result<> add(std::span<const delivery::DeadLetter> letters) override {
        for (const auto& letter : letters)
            all.push_back(letter.reason);
        return done();
    }
    Result<> make_durable() override { return done(); }
    std::uint64_t count() const noexcept override { return 0; }  // no limit holds here
    std::string where_to_look() const override { return "the preview"; }

    std::vector<std::string> all;
};

/// A run of one stage alone.
struct Alone {
    Alone(const PipelinePlan& plan, Stop& stop, observe::Log& log) : state(plan, stop, log, reasons) {}
    Reasons reasons;
    RunState state;
};

/// Keeps what a source emits, up to the rows asked for; then it tells the source to come to an end.
class Tap final : public plugin::Outlet {
public:
    Tap(Alone& run, Reader& reader, std::uint64_t most) : run_(run), reader_(reader), most_(most) {}

    bool emit(Batch batch) override {
        reader_.gave(batch);
        const auto fits = std::min(static_cast<std::uint64_t>(batch.rows()), most_ - rows_);
        if (fits > 0) batches.push_back(batch.slice(0, static_cast<std::int64_t>(fits)));
        rows_ += fits;
        if (rows_ == most_) run_.state.stop.request(StopState::drain);
        return !run_.state.stop.reached(StopState::drain);
    }
    bool reject_raw(std::string_view, std::string_view why) override {
        reader_.gave_raw();
        run_.reasons.all.emplace_back(why);
        return true;
    }

    std::vector<Batch> batches;

private:
    Alone& run_;
    Reader& reader_;
    const std::uint64_t most_;
    std::uint64_t rows_ = 0;
};

PreviewStage show(std::string title, const std::vector<Batch>& batches, std::vector<std::string> rejects,
                  std::uint64_t most) {
    PreviewStage out;
    out.title = std::move(title);
    out.rejects = std::move(rejects);
    for (const auto& batch : batches) {
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
        std::vector<Batch> batches;
        BOOST_OUTCOME_TRYV(read(batches, out));
        for (const auto& stage : plan_.transforms) {
            BOOST_OUTCOME_TRYV(transform(stage, batches, out));
        }
        return out;
    }

private:
    Result<std::unique_ptr<Instance>> open(const StagePlan& stage, Alone& run, plugin::Outlet& outlet,
                                           StopState woken_by) {
        BOOST_OUTCOME_TRY(auto instance,
                          Instance::create(*stage.component,
                                           {plan_.settings->name, stage.role, stage.settings, stage.values, woken_by},
                                           run.state.stop, log_, outlet));
        if (const auto answer = instance->open({}); !answer.ok()) return instance->error(answer, "open");
        return instance;
    }

    Result<> read(std::vector<Batch>& rows, std::vector<PreviewStage>& out) {
        Alone run(plan_, stop_, log_);
        Reader reader(run.state);
        Tap tap(run, reader, rows_);
        BOOST_OUTCOME_TRY(const auto source, open(*plan_.extract, run, tap, StopState::drain));
        reader.use(*source);
        SteadyTime later;
        for (auto next = Reader::Next::again; next != Reader::Next::ended;) {
            next = reader.read(later);
            if (next == Reader::Next::later) run.state.stop.wait_until(later, StopState::drain);
        }
        if (const auto error = run.state.error()) return *error;
        out.push_back(show("extract " + plan_.extract->component->id, tap.batches, run.reasons.all, rows_));
        rows = std::move(tap.batches);
        return done();
    }

    /// Takes the rows through one stage.
    Result<> transform(const StagePlan& stage, std::vector<Batch>& rows, std::vector<PreviewStage>& out) {
        Alone run(plan_, stop_, log_);
        Staging staging;
        BOOST_OUTCOME_TRY(const auto instance, open(stage, run, staging, StopState::stop));
        const Numbering numbering;
        Transforms transforms(run.state, numbering);
        transforms.add(*instance, staging);
        std::vector<Batch> given;
        const auto go_on = [&]() -> Result<> {
            SteadyTime later;
            auto step = Transforms::Step::later;
            while ((step = transforms.run(given, later)) == Transforms::Step::later)
                run.state.stop.wait_until(later, StopState::stop);
            if (step == Transforms::Step::done) return done();
            return run.state.error().value_or(Error(Errc::cancelled, "stopped before the preview was complete"));
        };
        for (auto& batch : rows) {
            transforms.put(std::move(batch));
            BOOST_OUTCOME_TRYV(go_on());
        }
        transforms.end();
        BOOST_OUTCOME_TRYV(go_on());
        out.push_back(show(stage.role + " " + stage.component->id, given, run.reasons.all, rows_));
        rows = std::move(given);
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
