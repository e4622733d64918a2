#include "conformance/inputs.hpp"

#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "conformance/case.hpp"

namespace leat::conformance {

using plugin::Answer;
using plugin::Status;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds patience{2000};

/// The rows' own columns, and one of the type that is tried.
Columns with(const Columns& columns, const Column& tried) {
    Columns out = columns;
    out.push_back(tried);
    out.back().name = "of_every_type";
    return out;
}

/// "int64", "list<text>"
std::string name_of(const Column& tried, const Schema& schema) {
    if (tried.format == "tiM") return "interval in months";
    if (tried.format == "tiD") return "interval in days";
    const auto name = schema.type_name(schema.columns() - 1);
    return tried.format.substr(0, 2) == "+w" ? "fixed-size " + name : name;
}

bool is_refusal(Status status) {
    return status == Status::unsupported || status == Status::config || status == Status::data;
}

}  // namespace

Result<> enter_directory(const Bench& bench, const std::string& name) {
    namespace fs = std::filesystem;
    const auto& home = bench.home();
    std::error_code error;
    fs::create_directories(home / name, error);
    if (!error && !bench.setup().input.empty())
        fs::copy(bench.setup().input, home / name, fs::copy_options::recursive | fs::copy_options::overwrite_existing,
                 error);
    if (!error) fs::current_path(home / name, error);
    if (error) return Error(Errc::io, "cannot enter " + (home / name).string() + ": " + error.message());
    return done();
}

Result<> try_all_types(Bench& bench, const std::function<Result<Answer>(const Batch&)>& take) {
    int number = 0;
    std::string refused;
    for (const auto& tried : columns_of_all_types()) {
        const auto columns = with(bench.columns(), tried);
        BOOST_OUTCOME_TRY(const auto batch, make_rows(columns, 0, 50));
        const auto type = name_of(tried, batch.schema());
        bench.trace().note("a column of type " + type);
        BOOST_OUTCOME_TRY(enter_directory(bench, "type-" + std::to_string(number++)));
        auto answer = take(batch);
        if (!answer) return seen("given a column of type " + type + ", " + answer.error().text());
        const auto& got = answer.value();
        if (got.ok()) continue;
        if (!is_refusal(got.status) || got.misbehaved || got.text.empty())
            return seen("given a column of type " + type + ", " + told(got, "the call"));
        refused += (refused.empty() ? "" : ", ") + type;
    }
    bench.remark(refused.empty() ? "every type" : "every type but " + refused);
    return done();
}

Result<> try_all_sizes(Bench& bench, const std::function<Result<>(const Batch&)>& take) {
    for (const std::int64_t rows : {0, 1, 2, 1000, 100'000}) {
        bench.trace().note("a batch of " + std::to_string(rows) + " rows");
        BOOST_OUTCOME_TRY(enter_directory(bench, "size-" + std::to_string(rows)));
        BOOST_OUTCOME_TRY(const auto batch, bench.rows(0, rows));
        const auto taken = take(batch);
        if (!taken) return seen("given a batch of " + std::to_string(rows) + " rows, " + taken.error().text());
    }
    return done();
}

Result<Columns> columns_with_nested(Bench& bench, const std::function<Result<Answer>(const Batch&)>& take) {
    const Columns more{{"of_bits", "b"},
                       {"of_lists", "+l", true, {{"item", "u"}}},
                       {"of_structs", "+s", true, {{"x", "l"}, {"y", "u"}}}};
    Columns out = bench.columns();
    for (const auto& column : more) {
        BOOST_OUTCOME_TRY(const auto batch, make_rows(with(bench.columns(), column), 0, 50));
        BOOST_OUTCOME_TRY(enter_directory(bench, "more-" + column.name));
        BOOST_OUTCOME_TRY(const auto answer, take(batch));
        // What it refuses is not for it; any other failure shows with all of them together.
        if (!is_refusal(answer.status)) out.push_back(column);
    }
    return out;
}

namespace {

Result<> stop_at(Bench& bench, int after, const std::function<Answer(Live&)>& work) {
    const auto when =
        after < 0 ? std::string("stopped before open") : "told LEAT_STOP after " + std::to_string(after) + " us";
    bench.trace().note(after < 0 ? "a stop before open" : "a stop after " + std::to_string(after) + " us");
    Live live(bench);
    BOOST_OUTCOME_TRY(expect_ok(live.create(), "create"));
    if (after < 0) live.request_stop(StopState::stop);
    const auto opened = live.open();
    if (opened.status == Status::cancelled && !opened.misbehaved && after < 0) return live.end_life();
    BOOST_OUTCOME_TRY(in_context(expect_ok(opened, "open"), [&] { return when; }));
    std::atomic<std::int64_t> stopped_at{Clock::now().time_since_epoch().count()};
    std::thread stopper;
    if (after >= 0) {
        stopper = std::thread([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(after));
            stopped_at = Clock::now().time_since_epoch().count();
            live.request_stop(StopState::stop);
        });
    }
    const auto answer = work(live);
    const auto ended_at = Clock::now().time_since_epoch().count();
    if (stopper.joinable()) stopper.join();
    if (answer.status != Status::cancelled || answer.misbehaved) {
        BOOST_OUTCOME_TRY(in_context(expect_ok(answer, "a call"), [&] { return when; }));
    }
    const std::chrono::nanoseconds took(ended_at - stopped_at);
    if (answer.status == Status::cancelled && took > patience) {
        return seen(when + ", the calls went on for " +
                    std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms");
    }
    return live.end_life();
}

}  // namespace

Result<> try_stops(Bench& bench, const std::function<Answer(Live&)>& work) {
    int number = 0;
    for (const int after : {-1, 0, 100, 300, 1000, 3000, 10'000}) {
        BOOST_OUTCOME_TRY(enter_directory(bench, "stop-" + std::to_string(number++)));
        BOOST_OUTCOME_TRY(stop_at(bench, after, work));
    }
    return done();
}

}  // namespace leat::conformance
