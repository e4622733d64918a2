// What a case works with, in its own process: the component, its configuration, rows, and instances whose calls are
// traced.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "base/stop.hpp"
#include "conformance/setup.hpp"
#include "conformance/trace.hpp"
#include "observe/log.hpp"
#include "plugin/instance.hpp"

namespace leat::conformance {

class Bench {
public:
    Bench(const plugin::Component& component, Setup setup, Configured configured, Columns columns, Trace& trace)
        : component_(component),
          setup_(std::move(setup)),
          configured_(std::move(configured)),
          columns_(std::move(columns)),
          trace_(trace),
          home_(std::filesystem::current_path(no_error_)) {}

    const plugin::Component& component() const { return component_; }
    const Setup& setup() const { return setup_; }
    const Configured& configured() const { return configured_; }
    const Columns& columns() const { return columns_; }
    Trace& trace() { return trace_; }
    observe::Log& log() { return log_; }

    /// Rows [first, first + count) of the columns that the component gets.
    Result<Batch> rows(std::int64_t first, std::int64_t count, std::int64_t skipped = 0) {
        return make_rows(columns_, first, count, skipped);
    }
    /// Where the case began to run.
    const std::filesystem::path& home() const { return home_; }

    /// The case does not apply after all: `return bench.skip("...")`.
    Result<> skip(std::string why) {
        skipped_ = std::move(why);
        return done();
    }
    const std::string& skipped() const { return skipped_; }

    /// What is worth a word though all is well.
    void remark(std::string text) { remark_ = std::move(text); }
    const std::string& remarked() const { return remark_; }

private:
    const plugin::Component& component_;
    const Setup setup_;
    const Configured configured_;
    const Columns columns_;
    Trace& trace_;
    observe::NoLog log_;
    std::error_code no_error_;  // without a working directory, what is made in it fails
    const std::filesystem::path home_;
    std::string skipped_;
    std::string remark_;
};

/// Takes what an instance puts out, and keeps it.
class Recorder final : public plugin::Outlet {
public:
    explicit Recorder(const Stop& stop) : stop_(stop) {}
    bool emit(Batch batch) override;
    bool reject(const Batch& lent, std::span<const plugin::Reject> rows) override;
    bool reject_raw(std::string_view data, std::string_view why) override;
    std::uint64_t room() const override { return room_; }

    /// Called for each batch, within emit. False: emit answers CANCELLED, and the batch is dropped.
    std::function<bool(const Batch&)> on_emit = [](const Batch&) { return true; };
    void set_room(std::uint64_t bytes) { room_ = bytes; }

    std::vector<Batch> batches;
    std::vector<plugin::Reject> rejected;
    std::vector<std::string> raw;  ///< why records never became a row

private:
    const Stop& stop_;
    std::uint64_t room_ = UINT64_MAX;
};

/// An instance of the component, and the outlet and the stop that it knows.
class Live {
public:
    explicit Live(Bench& bench);
    /// Closes and destroys what was not.
    ~Live();
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;

    /// From now on, every call comes on a thread of its own.
    void change_threads() { changes_threads_ = true; }

    plugin::Answer create();
    plugin::Answer open(std::string_view resume = {});
    plugin::Answer close();
    plugin::Answer destroy();
    plugin::Answer read(const config::BucketSettings& hint);
    plugin::Answer ack(std::string_view position);
    plugin::Answer process(const Batch& batch);
    plugin::Answer flush(bool last);
    plugin::Answer save(std::string& state);
    plugin::Answer recover(const std::string& lane, std::string& token);
    plugin::Answer begin(const plugin::Instance::BucketHead& head);
    plugin::Answer write(const Batch& batch);
    plugin::Answer commit(const plugin::Instance::BucketHead& head);
    void abort(const plugin::Instance::BucketHead& head);

    /// create and open, or why not.
    Result<> begin_life(std::string_view resume = {});
    /// close and destroy, or why not.
    Result<> end_life();

    /// Any thread: asks for a stop, as the host does, and interrupts the call that runs.
    void request_stop(StopState state);

    plugin::Instance& instance() { return *instance_; }
    Recorder& out() { return out_; }

private:
    template <class Call>
    plugin::Answer traced(const char* entry, Call&& call);

    Bench& bench_;
    Stop stop_;
    Recorder out_{stop_};
    std::unique_ptr<plugin::Instance> instance_;
    bool changes_threads_ = false;
    bool is_created_ = false;
    bool is_open_ = false;
};

/// "read answered LEAT_ERR_FATAL: no such table", "read broke a rule: ..."
std::string told(const plugin::Answer& answer, const char* entry);
/// An error when the call failed.
Result<> expect_ok(const plugin::Answer& answer, const char* entry);

/// What a source gave.
struct Reading {
    std::vector<std::string> rows;  ///< as JSON
    struct Mark {
        std::string position;
        std::size_t rows;  ///< in front of it
    };
    std::vector<Mark> marks;
    std::set<std::string> schemas;  ///< keys
    bool ended = false;             ///< it answered LEAT_END
};
struct ReadLimits {
    std::size_t rows = 3000;
    std::chrono::milliseconds time{1500};
    config::BucketSettings hint = {.rows = 500, .timeout = std::chrono::milliseconds(100)};
};
/// Reads until the end, or a limit. Takes the batches out of the recorder.
Result<Reading> read_all(Live& live, const ReadLimits& limits);

/// What a transform gave.
struct Processed {
    std::vector<std::string> rows;
    std::set<std::string> schemas;
};
Processed take_processed(Live& live);

/// `3 rows, then {...}`: where two lists of rows begin to differ; empty when they do not. With `prefix`, one may go on
/// behind the end of the other.
std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& found, bool prefix);

}  // namespace leat::conformance
