#include "runtime/run_state.hpp"

#include <algorithm>
#include <utility>

#include "base/cell_text.hpp"
#include "base/memory.hpp"
#include "config/units.hpp"
#include "delivery/row_bytes.hpp"

namespace leat::runtime {

using plugin::Answer;
using plugin::Status;

namespace {

delivery::DeadLetter letter_of(const plugin::Instance& instance, std::string_view why) {
    const auto& component = instance.component();
    return {instance.role(), component.id, std::string(component.plugin_version()), std::string(why)};
}

}  // namespace

RunState::RunState(const PipelinePlan& of, Stop& parent, observe::Log& to, delivery::DeadLetters& dead)
    : plan(of),
      stop(parent),
      log(to),
      dead_letters(dead),
      transforms(of.run ? (of.run->component->has_transform ? 1 : 0) : of.transforms.size()) {}

void RunState::fail(Error error, Status status) {
    {
        const std::lock_guard lock(mutex_);
        if (!error_) {
            error_ = std::move(error);
            status_ = status;
        }
    }
    failed_.store(true, std::memory_order_release);
    stop.request(StopState::stop);
}

void RunState::fail(const plugin::Instance& instance, Answer answer, const char* entry, std::uint32_t tries) {
    if (answer.refused_bytes > 0 && !answer.misbehaved) {
        const auto& memory = process_memory();
        answer.status = Status::config;  // an operator must act
        answer.text = std::string(entry) + " needs a block of " + config::bytes_text(answer.refused_bytes) +
                      ", which does not fit into memory: " + config::bytes_text(memory.limit()) +
                      (answer.refused_bytes > memory.limit()
                           ? ""
                           : ", of which " + config::bytes_text(memory.bytes_in_use()) + " are in use") +
                      "; raise memory, or make batches smaller";
    } else if (answer.status == Status::retry && !answer.misbehaved && tries > 1) {
        if (answer.text.empty()) answer.text = std::string(entry) + " answered LEAT_ERR_RETRY and gave no reason";
        answer.text += " (tried " + std::to_string(tries) + " times)";
    }
    fail(instance.error(answer, entry), answer.status);
}

void RunState::fail_by(const std::string& what) {
    fail(in_pipeline(Error(Errc::pipeline_execution,
                           "the host itself failed: " + what + "; give the process more memory, or report it")));
}

std::optional<Error> RunState::error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}

Status RunState::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

std::optional<SteadyTime> RunState::next_try(const Answer& answer, std::uint32_t& attempt) {
    if (answer.status != Status::retry || answer.misbehaved) return std::nullopt;
    const auto now = std::chrono::steady_clock::now();
    if (answer.refused_bytes > 0) {
        constexpr auto pause = std::chrono::milliseconds(2);
        return may_wait_for_memory(answer.refused_bytes) ? std::optional(now + pause) : std::nullopt;
    }
    if (attempt >= plan.settings->retry.attempts) return std::nullopt;
    return now + std::chrono::duration_cast<SteadyTime::duration>(wait_before(++attempt, plan.settings->retry));
}

bool RunState::may_wait_for_memory(std::uint64_t wanted) {
    // So long may everybody hold on to what they have: a sink that commits slowly gives nothing back meanwhile.
    constexpr auto patience = std::chrono::seconds(60);
    const auto& memory = process_memory();
    if (wanted > memory.limit()) return false;
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (const auto releases = memory.releases(); releases != releases_seen_) {
        releases_seen_ = releases;
        last_release_ = now;
    }
    return now - last_release_ < patience;
}

Error RunState::in_pipeline(const Error& error) const {
    return error.in("pipeline \"" + plan.settings->name + "\"");
}

RunState::Buried RunState::bury(StageCounts& counts, std::span<delivery::DeadLetter> letters) {
    if (letters.empty()) return Buried::stored;
    if (positions) {
        for (auto& letter : letters)
            letter.position = positions->position_of(letter.place.segment);
    }
    if (const auto stored = dead_letters.add(letters); !stored) {
        fail(in_pipeline(stored.error()));
        return Buried::not_stored;
    }
    counts.dead.fetch_add(letters.size(), std::memory_order_relaxed);
    if (auto over = delivery::over_limit(dead_letters, plan.settings->dead_letters, came(), false)) {
        fail(in_pipeline(*over));
        return Buried::over_limit;
    }
    return Buried::stored;
}

RunState::Buried RunState::bury_raw(StageCounts& counts, const plugin::Instance& instance, std::uint64_t segment,
                                    std::string_view data, std::string_view why) {
    auto letter = letter_of(instance, why);
    letter.raw = data;
    letter.place.segment = segment;
    return bury(counts, {&letter, 1});
}

bool RunState::make_letters_durable() {
    const auto durable = dead_letters.make_durable();
    if (!durable) fail(in_pipeline(durable.error()));
    return durable.has_value();
}

std::chrono::nanoseconds wait_before(std::uint32_t attempt, const config::RetrySettings& retry) {
    // Past this a person should look, not a loop.
    constexpr auto longest = std::chrono::nanoseconds(std::chrono::seconds(30));
    const auto most = std::max(longest, retry.first_wait);
    auto wait = retry.first_wait;
    for (std::uint32_t i = 2; i < attempt && wait < most; ++i)
        wait *= 2;
    return std::min(wait, most);
}

std::vector<delivery::DeadLetter> letters_of(const plugin::Instance& instance, const Batch& batch,
                                             std::span<const plugin::Reject> rows) {
    std::vector<delivery::DeadLetter> out;
    out.reserve(rows.size());
    const auto& schema = batch.schema();
    std::shared_ptr<const std::string> kept;
    if (delivery::can_keep_rows_of(schema)) kept = std::make_shared<const std::string>(delivery::schema_bytes(schema));
    // The nodes that a reader gets, with the window pushed down into the children.
    ArrowArray nodes;
    batch.lend(nodes);
    for (const auto& reject : rows) {
        auto& letter = out.emplace_back(letter_of(instance, reject.why));
        letter.row = row_json(schema, nodes, reject.row);
        if (kept) letter.bytes = delivery::row_bytes(schema, nodes, reject.row);
        letter.schema = kept;
        const auto origin = batch.origin();
        letter.place = {origin.segment, origin.first_row + static_cast<std::uint64_t>(reject.row)};
    }
    nodes.release(&nodes);
    return out;
}

}  // namespace leat::runtime
