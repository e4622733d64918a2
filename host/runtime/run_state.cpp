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

std::string title_of(const StageCounts& stage) {
    return stage.plan->role + " " + stage.plan->component->id;
}

/// Each run has dice of its own, also one of many that were given the same seed.
std::minstd_rand dice_for(const PipelinePlan& plan) {
    std::seed_seq mixed{plan.seed & UINT32_MAX, plan.seed >> 32, std::hash<std::string>()(plan.settings->name)};
    return std::minstd_rand(mixed);
}

/// "tried 7 times in 5m"; a time that nobody had to wait for is left out.
std::string tried_text(const Tries& tries) {
    std::string out = "tried " + std::to_string(tries.made) + " times";
    if (!tries.failing_since) return out;
    const auto passed = std::chrono::steady_clock::now() - *tries.failing_since;
    const auto seconds = std::chrono::round<std::chrono::seconds>(passed);
    return seconds.count() > 0 ? out + " in " + config::duration_text(seconds) : out;
}

}  // namespace

RunState::RunState(const PipelinePlan& of, Stop& parent, observe::Log& to, delivery::DeadLetters& dead)
    : plan(of),
      stop(parent),
      log(to),
      dead_letters(dead),
      transforms(of.run ? (of.run->component->has_transform ? 1 : 0) : of.transforms.size()) {
    source.plan = of.run ? &*of.run : of.extract ? &*of.extract : nullptr;
    sink.plan = of.run ? &*of.run : of.load ? &*of.load : nullptr;
}

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

void RunState::fail(const plugin::Instance& instance, Answer answer, const char* entry, const Tries& tries) {
    if (answer.refused_bytes > 0 && !answer.misbehaved) {
        const auto& memory = process_memory();
        answer.status = Status::config;  // an operator must act
        answer.text = std::string(entry) + " needs a block of " + config::bytes_text(answer.refused_bytes) +
                      ", which does not fit into memory: " + config::bytes_text(memory.limit()) +
                      (answer.refused_bytes > memory.limit()
                           ? ""
                           : ", of which " + config::bytes_text(memory.bytes_in_use()) + " are in use") +
                      "; raise memory, or make batches smaller";
    } else if ((answer.status == Status::retry || answer.status == Status::broken) && !answer.misbehaved) {
        if (answer.text.empty()) answer.text = plugin::Instance::reason(answer, entry);
        if (tries.made > 1) {
            answer.text += " (" + tried_text(tries) + ")";
        } else if (answer.status == Status::broken && rebuilder) {
            answer.text += "; it cannot be made anew within this run, for what it held would be missing: run again";
        }
    }
    fail(instance.error(answer, entry), answer.status);
}

void RunState::fail_by(const std::string& what) {
    fail(in_pipeline(Error(Errc::pipeline_execution,
                           "the host itself failed: " + what + "; give the process more memory, or report it")));
}

std::optional<Error> RunState::error() const {
    if (!failed()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return error_;
}

Status RunState::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

std::optional<SteadyTime> RunState::next_try(const Answer& answer, Tries& tries, StageCounts& stage, bool may_rebuild) {
    const bool may_pass = answer.status == Status::retry || (answer.status == Status::broken && may_rebuild);
    if (!may_pass || answer.misbehaved) return std::nullopt;
    const auto now = std::chrono::steady_clock::now();
    if (answer.refused_bytes > 0) {
        constexpr auto pause = std::chrono::milliseconds(2);
        return may_wait_for_memory(answer.refused_bytes) ? std::optional(now + pause) : std::nullopt;
    }
    const auto& retry = plan.settings->retry;
    if (!tries.failing_since) tries.failing_since = now;
    // The last try is at the end of the budget, however long its turn would be to wait.
    const auto end = *tries.failing_since + std::chrono::duration_cast<SteadyTime::duration>(retry.budget);
    const bool is_last = tries.made >= retry.attempts || now >= end;
    count_failure(answer, stage, now, is_last ? std::nullopt : std::optional(end));
    if (is_last) return std::nullopt;
    stage.retries.fetch_add(1, std::memory_order_relaxed);
    stage.failing.store(true, std::memory_order_relaxed);
    const auto wait = wait_before(++tries.made, retry, roll());
    const auto next = std::min(end, now + std::chrono::duration_cast<SteadyTime::duration>(wait));
    next_try_at_.store(next.time_since_epoch().count(), std::memory_order_relaxed);
    return next;
}

// ---- Circuits -------------------------------------------------------------------------------------------------------

config::CircuitSettings RunState::circuit_settings() const {
    auto out = plan.settings->circuit;
    out.pause = std::min(out.pause, plan.settings->retry.budget);
    return out;
}

void RunState::count_failure(const Answer& answer, const StageCounts& stage, SteadyTime now,
                             std::optional<SteadyTime> last_try) {
    if (!stage.plan || !stage.plan->circuit) return;
    auto settings = circuit_settings();
    // A pause that outlives the budget of the call would take its last try from it.
    if (last_try) settings.pause = std::min<std::chrono::nanoseconds>(settings.pause, *last_try - now);
    if (!stage.plan->circuit->failed(settings, now)) return;
    const auto& connection = stage.plan->settings->connection;
    if (!last_try && connection.empty()) return;  // nobody is left who would wait
    log.tell(
        "circuit-open",
        title_of(stage) + ": " + std::to_string(settings.failures) + " tries in a row have failed" +
            (answer.text.empty() ? "" : ", the last one with: " + answer.text) + "; it is left alone for " +
            config::duration_text(std::chrono::ceil<std::chrono::milliseconds>(settings.pause)) +
            ", then one call tries it",
        {{"pipeline", plan.settings->name}, {"component", stage.plan->component->id}, {"failures", settings.failures}});
}

std::optional<SteadyTime> RunState::not_before(const StageCounts& stage) {
    if (!stage.plan || !stage.plan->circuit || stage.plan->circuit->is_calm()) return std::nullopt;
    return stage.plan->circuit->not_before(circuit_settings(), std::chrono::steady_clock::now());
}

void RunState::worked(StageCounts& stage) {
    if (stage.failing.load(std::memory_order_relaxed)) stage.failing.store(false, std::memory_order_relaxed);
    if (!stage.plan || !stage.plan->circuit || stage.plan->circuit->is_calm()) return;
    const auto was_open = stage.plan->circuit->worked(std::chrono::steady_clock::now());
    if (!was_open) return;
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*was_open);
    log.tell(
        "circuit-closed", title_of(stage) + ": works again, after " + config::duration_text(seconds),
        {{"pipeline", plan.settings->name}, {"component", stage.plan->component->id}, {"seconds", seconds.count()}});
}

void RunState::show_counts(Progress& out) const {
    out.name = plan.settings->name;
    out.read = came();
    out.delivered = sink.rows_out.load(std::memory_order_relaxed);
    out.dead = dead_letters.count();
    out.bytes = bytes.load(std::memory_order_relaxed);
    out.buckets = buckets.load(std::memory_order_relaxed);
    out.retries = source.retries.load(std::memory_order_relaxed) + sink.retries.load(std::memory_order_relaxed);
    for (const auto& one : transforms)
        out.retries += one.retries.load(std::memory_order_relaxed);
}

std::uint64_t RunState::activity() const {
    std::uint64_t out = 0;
    const auto add = [&](const std::atomic<std::uint64_t>& count) { out += count.load(std::memory_order_relaxed); };
    const auto add_stage = [&](const StageCounts& stage) {
        for (const auto* const count : {&stage.rows_in, &stage.rows_out, &stage.dead, &stage.batches, &stage.retries})
            add(*count);
    };
    add_stage(source);
    for (const auto& one : transforms)
        add_stage(one);
    add_stage(sink);
    for (const auto* const count : {&bytes, &raw_rejects, &dropped, &repeated, &buckets})
        add(*count);
    return out;
}

void RunState::show_waits(Progress& out) const {
    out.retrying = source.failing.load(std::memory_order_relaxed) || sink.failing.load(std::memory_order_relaxed);
    for (const auto& one : transforms)
        out.retrying = out.retrying || one.failing.load(std::memory_order_relaxed);
    const auto now = std::chrono::steady_clock::now();
    std::optional<SteadyTime> next{SteadyTime::duration(next_try_at_.load(std::memory_order_relaxed))};
    for (const auto* const stage : {&source, &sink}) {
        if (!stage->plan || !stage->plan->circuit || !stage->plan->circuit->is_open()) continue;
        out.circuit_open = true;
        next = stage->plan->circuit->next_trial();
    }
    if (next && *next > now) out.next_try_in = std::chrono::duration<double>(*next - now).count();
    if (settled_at(source) > now || settled_at(sink) > now) out.rest = Progress::Rest::rate;
}

// ---- Rates ----------------------------------------------------------------------------------------------------------

SteadyTime RunState::take(const StageCounts& stage, std::uint64_t rows, std::uint64_t bytes) {
    SteadyTime out{};
    if (!stage.plan || stage.plan->limits.empty()) return out;
    const auto now = std::chrono::steady_clock::now();
    for (const auto& limit : stage.plan->limits)
        out = std::max(out, limit->take(rows, bytes, now));
    return out;
}

SteadyTime RunState::settled_at(const StageCounts& stage) {
    SteadyTime out{};
    if (!stage.plan || stage.plan->limits.empty()) return out;
    const auto now = std::chrono::steady_clock::now();
    for (const auto& limit : stage.plan->limits)
        out = std::max(out, limit->settled_at(now));
    return out;
}

// ---- Dice -----------------------------------------------------------------------------------------------------------

double RunState::roll() {
    const std::lock_guard lock(mutex_);
    constexpr auto least = std::minstd_rand::min(), most = std::minstd_rand::max();
    if (!dice_) dice_ = dice_for(plan);
    return static_cast<double>((*dice_)() - least) / static_cast<double>(most - least);
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

std::chrono::nanoseconds wait_before(std::uint32_t attempt, const config::RetrySettings& retry, double dice) {
    const auto most = std::max(retry.longest_wait, retry.first_wait);
    auto wait = retry.first_wait;
    for (std::uint32_t i = 2; i < attempt && wait < most; ++i)
        wait *= 2;
    const auto half = std::min(wait, most) / 2;
    return half + std::chrono::duration_cast<std::chrono::nanoseconds>(dice * half);
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
