#include "runtime/letters_source.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "config/wording.hpp"
#include "delivery/row_builder.hpp"
#include "delivery/row_bytes.hpp"
#include "delivery/state_store.hpp"
#include "runtime/own_source.hpp"
#include "runtime/runner.hpp"

namespace leat::runtime {
namespace {

constexpr std::size_t letters_at_once = 1'000;

class LettersSource {
public:
    explicit LettersSource(leat_ctx* ctx) : directory_(own_source::text(ctx, "/state")) {
        replay_.number = own_source::number(ctx, "/replay");
        replay_.pipeline = own_source::text(ctx, "/pipeline");
        replay_.stage = own_source::text(ctx, "/stage");
        replay_.lane = own_source::text(ctx, "/lane");
    }

    Result<> open(std::string_view resume) {
        std::from_chars(resume.data(), resume.data() + resume.size(), after_);
        BOOST_OUTCOME_TRY(store_, delivery::StateStore::open_to_read(directory_));
        return done();
    }
    void close() { store_.reset(); }

    leat_status read(leat_ctx* ctx) {
        auto next = store_->letters().next_of(replay_, after_, letters_at_once);
        if (!next) return own_source::fail(ctx, next.error());
        if (next.value().empty()) return LEAT_END;
        // Those in a row that have one schema make a batch.
        for (auto first = next.value().begin(); first != next.value().end();) {
            const auto& schema = *first->letter.schema;
            auto last = first;
            while (last != next.value().end() && *last->letter.schema == schema)
                ++last;
            const auto status = emit(ctx, schema, {&*first, static_cast<std::size_t>(last - first)});
            if (status != LEAT_OK) return status;
            first = last;
        }
        return LEAT_OK;
    }

private:
    leat_status emit(leat_ctx* ctx, std::string_view schema_bytes, std::span<const delivery::StoredLetter> letters) {
        const auto schema = delivery::schema_of(schema_bytes);
        if (!schema) return own_source::fail(ctx, schema.error());
        delivery::RowBuilder rows(schema.value());
        for (const auto& one : letters) {
            if (const auto added = rows.add(one.letter.bytes); !added)
                return own_source::fail(ctx, added.error().in("dead letter " + std::to_string(one.id)));
        }
        after_ = letters.back().id;
        return own_source::emit(ctx, schema.value(), rows.finish(), std::to_string(after_));
    }

    const std::filesystem::path directory_;
    delivery::LetterTable::Replay replay_;
    std::unique_ptr<delivery::StateStore> store_;
    std::uint64_t after_ = 0;
};

}  // namespace

Replay::Replay(delivery::LetterTable::Replay letters, const std::filesystem::path& state)
    : letters_(std::move(letters)),
      manifest_(own_source::manifest<LettersSource>("dead-letters", "Reads dead letters again")) {
    settings_.id = manifest_.components.front().id;
    settings_.value = boost::json::object{{"state", state.string()},
                                          {"pipeline", letters_.pipeline},
                                          {"stage", letters_.stage},
                                          {"lane", letters_.lane},
                                          {"replay", letters_.number}};
}

std::string Replay::name() const {
    return "replay " + std::to_string(letters_.number) + " of " + letters_.stage;
}

std::string Replay::lane_suffix(const PipelinePlan& plan) const {
    const auto prefix = letters_.pipeline + "/" + plan.load->component->id;
    std::string_view lane = letters_.lane;
    if (!lane.starts_with(prefix)) return {};  // another sink, or none that keeps checkpoints
    lane.remove_prefix(prefix.size());
    if (lane.ends_with(of_replays)) lane.remove_suffix(of_replays.size());
    return std::string(lane);
}

Result<PipelinePlan> Replay::plan(PipelinePlan of_pipeline) const {
    auto out = std::move(of_pipeline);
    const auto has_role = [&](const StagePlan& stage) { return stage.role == letters_.stage; };
    const auto entered = std::find_if(out.transforms.begin(), out.transforms.end(), has_role);
    const bool is_there = entered != out.transforms.end() || letters_.stage == "load" || letters_.stage == "extract";
    if (out.run || !is_there) {
        return Error(Errc::configuration, "pipeline " + config::in_quotes(letters_.pipeline) + " has no stage " +
                                              config::in_quotes(letters_.stage) +
                                              " that its dead letters could enter; put it back, or drop the letters");
    }
    if (letters_.stage != "extract") out.transforms.erase(out.transforms.begin(), entered);
    out.extract = StagePlan{"extract", &manifest_.components.front(), &settings_, settings_.value, {}};
    out.bucket.workers = 1;  // who writes beside another has no tokens
    return out;
}

}  // namespace leat::runtime
