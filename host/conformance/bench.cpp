#include "conformance/bench.hpp"

#include <algorithm>

namespace leat::conformance {

using plugin::Answer;
using plugin::Status;

bool Recorder::emit(Batch batch) {
    if (stop_.reached(StopState::stop) || !on_emit(batch)) return false;
    batches.push_back(std::move(batch));
    return true;
}

bool Recorder::reject(const Batch&, std::span<const plugin::Reject> rows) {
    rejected.insert(rejected.end(), rows.begin(), rows.end());
    return true;
}

bool Recorder::reject_raw(std::string_view, std::string_view why) {
    raw.emplace_back(why);
    return true;
}

Live::Live(Bench& bench) : bench_(bench) {
    plugin::InstanceSettings settings;
    settings.pipeline = "test";
    settings.role = plugin::kind_name(bench.component().kind);
    settings.config = &bench.configured().settings;
    settings.values = bench.configured().values;
    if (bench.component().kind == plugin::Kind::source) settings.woken_by = StopState::drain;
    instance_ = std::make_unique<plugin::Instance>(bench.component(), std::move(settings), stop_, bench.log(), out_);
}

Live::~Live() {
    close();
    destroy();
}

template <class Call>
Answer Live::traced(const char* entry, Call&& call) {
    bench_.trace().enter(entry);
    Answer answer;
    if (changes_threads_) {
        std::thread([&] { answer = call(*instance_); }).join();
    } else {
        answer = call(*instance_);
    }
    bench_.trace().leave();
    return answer;
}

Answer Live::create() {
    auto answer = traced("create", [](auto& on) { return on.create(); });
    is_created_ = answer.ok();
    return answer;
}
Answer Live::open(std::string_view resume) {
    auto answer = traced("open", [&](auto& on) { return on.open(resume); });
    is_open_ = answer.ok();
    return answer;
}
Answer Live::close() {
    if (!std::exchange(is_open_, false)) return {};
    return traced("close", [](auto& on) { return on.close(); });
}
Answer Live::destroy() {
    if (!std::exchange(is_created_, false)) return {};
    return traced("destroy", [](auto& on) { return on.destroy(); });
}
Answer Live::read(const config::BucketSettings& hint) {
    return traced("read", [&](auto& on) { return on.read(hint); });
}
Answer Live::ack(std::string_view position) {
    return traced("ack", [&](auto& on) { return on.ack(position); });
}
Answer Live::process(const Batch& batch) {
    return traced("process", [&](auto& on) { return on.process(batch); });
}
Answer Live::flush(bool last) {
    return traced("flush", [&](auto& on) { return on.flush(last); });
}
Answer Live::save(std::string& state) {
    return traced("save", [&](auto& on) { return on.save(state); });
}
Answer Live::recover(const std::string& lane, std::string& token) {
    return traced("recover", [&](auto& on) { return on.recover(lane, token); });
}
Answer Live::begin(const plugin::Instance::BucketHead& head) {
    return traced("begin", [&](auto& on) { return on.begin(head); });
}
Answer Live::write(const Batch& batch) {
    return traced("write", [&](auto& on) { return on.write(batch); });
}
Answer Live::commit(const plugin::Instance::BucketHead& head) {
    return traced("commit", [&](auto& on) { return on.commit(head); });
}
void Live::abort(const plugin::Instance::BucketHead& head) {
    traced("abort", [&](auto& on) {
        on.abort(head);
        return Answer{};
    });
}

Result<> Live::begin_life(std::string_view resume) {
    BOOST_OUTCOME_TRY(expect_ok(create(), "create"));
    return expect_ok(open(resume), "open");
}

Result<> Live::end_life() {
    BOOST_OUTCOME_TRY(expect_ok(close(), "close"));
    return expect_ok(destroy(), "destroy");
}

void Live::request_stop(StopState state) {
    stop_.request(state);
    instance_->interrupt(state);
}

std::string told(const Answer& answer, const char* entry) {
    if (answer.misbehaved) return std::string(entry) + " broke a rule: " + answer.text;
    auto out = std::string(entry) + " answered " + plugin::status_name(answer.status);
    if (answer.ok()) return out;
    return out + (answer.text.empty() ? " and gave no reason" : ": " + answer.text);
}

Result<> expect_ok(const Answer& answer, const char* entry) {
    if (answer.ok()) return done();
    return Error(answer.status == Status::config ? Errc::configuration : Errc::plugin, told(answer, entry));
}

Result<Reading> read_all(Live& live, const ReadLimits& limits) {
    Reading out;
    const auto deadline = std::chrono::steady_clock::now() + limits.time;
    while (!out.ended && out.rows.size() < limits.rows && std::chrono::steady_clock::now() < deadline) {
        const auto answer = live.read(limits.hint);
        BOOST_OUTCOME_TRY(expect_ok(answer, "read"));
        out.ended = answer.status == Status::end;
        for (const auto& batch : std::exchange(live.out().batches, {})) {
            if (batch.rows() > 0) out.schemas.insert(batch.schema().key());
            auto texts = texts_of(batch);
            out.rows.insert(out.rows.end(), std::make_move_iterator(texts.begin()),
                            std::make_move_iterator(texts.end()));
            if (!batch.position().empty()) out.marks.push_back({std::string(batch.position()), out.rows.size()});
        }
        if (answer.status == Status::idle) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return out;
}

Processed take_processed(Live& live) {
    Processed out;
    for (const auto& batch : std::exchange(live.out().batches, {})) {
        if (batch.rows() == 0) continue;
        out.schemas.insert(batch.schema().key());
        auto texts = texts_of(batch);
        out.rows.insert(out.rows.end(), std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.end()));
    }
    return out;
}

std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& found, bool prefix) {
    const auto common = std::min(expected.size(), found.size());
    const auto shown = [](const std::string& row) { return row.size() <= 160 ? row : row.substr(0, 157) + "..."; };
    for (std::size_t i = 0; i < common; ++i) {
        if (expected[i] != found[i])
            return "row " + std::to_string(i + 1) + " is " + shown(found[i]) + ", not " + shown(expected[i]);
    }
    if (expected.size() == found.size() || prefix) return {};
    return std::to_string(found.size()) + " rows, not " + std::to_string(expected.size());
}

}  // namespace leat::conformance
