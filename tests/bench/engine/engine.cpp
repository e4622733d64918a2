// The engine alone, without YAML, command line or files: the cases of the original design, and what it must bear.
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/memory.hpp"
#include "base/stop.hpp"
#include "config/settings.hpp"
#include "heartbeats.hpp"
#include "observe/log.hpp"
#include "plain_loop.hpp"
#include "plugin/catalog.hpp"
#include "runtime/manager.hpp"
#include "sdk/process_allocations.hpp"

using namespace leat;
using SteadyClock = std::chrono::steady_clock;

namespace {

double seconds_since(SteadyClock::time_point began) {
    return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

double quantile(std::vector<double> of, double q) {
    std::sort(of.begin(), of.end());
    return of[static_cast<std::size_t>(q * static_cast<double>(of.size() - 1))];
}

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "engine: %s\n", what.substr(0, what.find('\n')).c_str());
    std::exit(1);
}

/// Resident memory of this process, in KiB (proc(5), statm).
double resident_kib() {
    std::ifstream file("/proc/self/statm");
    long pages = 0, resident = 0;
    file >> pages >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

class Silent final : public observe::Log {
public:
    void write(const observe::Line&) override {}
};

const plugin::Catalog& catalog() {
    static const plugin::Catalog all = [] {
        auto scanned = plugin::Catalog::scan({.named = {LEAT_PLUGINS, LEAT_BENCH_PLUGINS},
                                              .defaults = {},
                                              .trial = false,
                                              .patience = std::chrono::seconds(5)});
        if (!scanned) fail(scanned.error().text());
        return std::move(scanned).value();
    }();
    return all;
}

/// A configuration, and the manager that runs it.
class Engine {
public:
    Engine() { settings.file = "bench"; }

    config::PipelineSettings& add() {
        auto& out = settings.pipelines.emplace_back();
        out.name = "p" + std::to_string(settings.pipelines.size());
        out.bucket.timeout = std::chrono::hours(1);
        return out;
    }
    config::PipelineSettings& add(const std::string& source, const std::string& keys,
                                  const std::vector<std::string>& transforms, const std::string& sink) {
        auto& out = add();
        out.extract = stage(source, keys);
        for (const auto& one : transforms)
            out.transform.push_back(stage(one));
        out.load = stage(sink);
        return out;
    }
    static config::ComponentSettings stage(const std::string& id, const std::string& keys = "{}") {
        config::ComponentSettings out;
        out.id = id;
        out.value = boost::json::parse(keys);
        return out;
    }

    runtime::Manager& manager() {
        if (!manager_) {
            auto made = runtime::Manager::make(settings, catalog(), log_, {"build/bench/rejects"});
            if (!made) fail(made.error().text());
            manager_ = std::move(made).value();
        }
        return *manager_;
    }

    /// Seconds that the whole run took. Every row must have arrived.
    double run(std::uint64_t rows_of_each) {
        auto& of = manager();
        Stop stop;
        const auto began = SteadyClock::now();
        const auto receipt = of.run_all(stop);
        const auto seconds = seconds_since(began);
        for (const auto& one : receipt.pipelines) {
            if (one.error) fail(one.error->text());
            if (one.delivered != rows_of_each || !one.balanced) fail("rows are missing");
        }
        return seconds;
    }

    config::Settings settings;

private:
    Silent log_;
    std::unique_ptr<runtime::Manager> manager_;
};

double median_of(int runs, const std::function<double()>& one) {
    std::vector<double> out;
    for (int i = 0; i < runs; ++i)
        out.push_back(one());
    return quantile(out, 0.5);
}

// ---- Cases ----------------------------------------------------------------------------------------------------------

void columnar(int runs) {
    std::printf("\n| columnar, one pipeline, batch 10,000 | rows | rows/s |\n|---|---|---|\n");
    const auto row = [&](const char* title, const std::string& transform, std::int64_t rows) {
        const auto seconds = median_of(runs, [&] {
            Engine engine;
            engine.add("parts.numbers", "{\"rows\": " + std::to_string(rows) + "}", {transform}, "null");
            return engine.run(static_cast<std::uint64_t>(rows));
        });
        std::printf("| %s | %lld M | %.1f M |\n", title, static_cast<long long>(rows / 1'000'000),
                    static_cast<double>(rows) / seconds / 1e6);
    };
    row("int64, transform to the text \"id: 17\", load nothing", "parts.texts", 30'000'000);
    row("int64, passed on, load nothing", "identity", 1'000'000'000);
}

/// Cost grows with the pipelines, not faster: a plot is made of these.
void pipelines(int runs) {
    std::printf("\n| pipelines at once, batch 1,000 | rows of all | rows/s |\n|---|---|---|\n");
    for (const std::uint32_t count : {1u, 2u, 4u, 8u}) {
        const std::int64_t rows = 80'000'000 / count;
        const auto seconds = median_of(runs, [&] {
            Engine engine;
            engine.settings.manager.workers = count;
            for (std::uint32_t i = 0; i < count; ++i)
                engine.add("parts.numbers", "{\"rows\": " + std::to_string(rows) + ", \"batch\": 1000}",
                           {"parts.texts"}, "null");
            return engine.run(static_cast<std::uint64_t>(rows));
        });
        std::printf("| %u | 80 M | %.1f M |\n", count, 80e6 / seconds / 1e6);
    }
}

/// One pipeline whose sink computes: more workers help as far as there are processors for them.
void workers(int runs) {
    std::printf("\n| workers of a sink that computes 1 us for a row, batch 1,000 | rows | rows/s |\n|---|---|---|\n");
    for (const std::uint32_t count : {1u, 2u, 4u, 8u}) {
        constexpr std::int64_t rows = 1'000'000;
        const auto seconds = median_of(runs, [&] {
            Engine engine;
            auto& one = engine.add("parts.numbers", "{\"rows\": " + std::to_string(rows) + ", \"batch\": 1000}", {},
                                   "parts.busy");
            one.bucket.rows = 1000;
            one.bucket.workers = count;
            return engine.run(static_cast<std::uint64_t>(rows));
        });
        std::printf("| %u | %lld M | %.2f M |\n", count, static_cast<long long>(rows / 1'000'000),
                    static_cast<double>(rows) / seconds / 1e6);
    }
}

/// Seconds of as many plain loops as there are threads, side by side, each with its share of the batches.
double plain_loops(std::uint32_t threads, const bench::PlainLoop::Parts& parts, std::int64_t batches,
                   std::int64_t batch, bench::PlainLoop::Batches what) {
    const auto rows = batches / threads * batch;
    std::vector<std::unique_ptr<bench::PlainLoop>> loops;
    for (std::uint32_t i = 0; i < threads; ++i)
        loops.push_back(std::make_unique<bench::PlainLoop>(catalog(), parts, rows, batch, what));
    const auto began = SteadyClock::now();
    std::vector<std::thread> others;
    for (std::uint32_t i = 1; i < threads; ++i)
        others.emplace_back([&, i] { loops[i]->run(); });
    if (loops[0]->run() != rows) fail("rows are missing");
    for (auto& other : others)
        other.join();
    return seconds_since(began);
}

/// Read, process and write in turn on a strand, beside a loop that calls the same three functions.
void fused_row(int runs, const std::string& transform, std::uint32_t pipelines, std::int64_t batch) {
    using Batches = bench::PlainLoop::Batches;
    const bench::PlainLoop::Parts parts{"parts.numbers", transform, "null"};
    const auto threads = std::min(pipelines, std::max(1u, std::thread::hardware_concurrency()));
    // About a second of Leat, in whole batches of each pipeline.
    const auto each = 1'000'000'000 * threads / (10 * batch + 1000) / pipelines;
    const auto batches = each * pipelines;
    std::vector<double> plain, checked, leat, over_plain, over_checked;
    for (int i = 0; i < runs; ++i) {
        const auto ns = 1e9 / static_cast<double>(batches);
        plain.push_back(ns * plain_loops(threads, parts, batches, batch, Batches::trusted));
        Engine engine;
        engine.settings.manager.workers = pipelines;
        engine.settings.memory = std::uint64_t{1} << 30;
        for (std::uint32_t j = 0; j < pipelines; ++j) {
            auto& one =
                engine.add(parts.source,
                           "{\"rows\": " + std::to_string(each * batch) + ", \"batch\": " + std::to_string(batch) + "}",
                           {transform}, parts.sink);
            // Up to 64 batches in a bucket, but in all of them no more rows than a processor's own cache can hold.
            one.bucket.rows =
                static_cast<std::uint64_t>(std::clamp<std::int64_t>(10'000 / pipelines, batch, 64 * batch));
        }
        leat.push_back(ns * engine.run(static_cast<std::uint64_t>(each * batch)));
        checked.push_back(ns * plain_loops(threads, parts, batches, batch, Batches::checked));
        over_plain.push_back(leat.back() / plain.back());
        over_checked.push_back(leat.back() / checked.back());
    }
    std::printf("| %s | %u | %lld | %.0f | %.0f | %.0f | %.2f | %.2f |\n", transform.c_str(), pipelines,
                static_cast<long long>(batch), quantile(plain, 0.5), quantile(checked, 0.5), quantile(leat, 0.5),
                quantile(over_plain, 0.5), quantile(over_checked, 0.5));
    std::fflush(stdout);
}

void fused_table(int runs, const std::vector<std::uint32_t>& of_pipelines, const std::vector<std::int64_t>& of_rows) {
    std::printf(
        "\n| fused chain, ns a batch | pipelines | rows in a batch | plain loop | plain loop, checked | Leat | Leat / "
        "plain | Leat / checked |\n|---|---|---|---|---|---|---|---|\n");
    for (const auto pipelines : of_pipelines) {
        for (const char* const transform : {"identity", "parts.texts"}) {
            for (const auto rows : of_rows)
                fused_row(runs, transform, pipelines, rows);
        }
    }
}

void fused(int runs) {
    fused_table(runs, {1}, {1, 10, 100, 1000, 10'000});
}
void fused_many(int runs) {
    fused_table(runs, {64, 1000}, {100, 1000});
}

/// What host and plugins together take from the heap: what a long run takes beyond a short one.
void allocations(int) {
    std::printf(
        "\n| what a batch takes, host and plugins together | rows in a batch | allocations from the heap | blocks of "
        "Leat's own memory, used again |\n|---|---|---|---|\n");
    const auto row = [&](const char* title, const std::string& transform, std::int64_t batch) {
        struct Taken {
            double heap, blocks;
        };
        const auto count = [&](std::int64_t batches) {
            Engine engine;
            engine.add("parts.numbers",
                       "{\"rows\": " + std::to_string(batches * batch) + ", \"batch\": " + std::to_string(batch) + "}",
                       {transform}, "null");
            engine.manager();
            const auto heap = process_allocations(), blocks = process_memory().releases();
            engine.run(static_cast<std::uint64_t>(batches * batch));
            return Taken{static_cast<double>(process_allocations() - heap),
                         static_cast<double>(process_memory().releases() - blocks)};
        };
        constexpr std::int64_t few = 1000, many = 11'000;
        count(few);  // warms up
        const auto short_run = count(few), long_run = count(many);
        std::printf("| %s | %lld | %.3f | %.3f |\n", title, static_cast<long long>(batch),
                    (long_run.heap - short_run.heap) / (many - few),
                    (long_run.blocks - short_run.blocks) / (many - few));
    };
    for (const std::int64_t batch : {100, 1000, 10'000}) {
        row("int64, transform to the text \"id: 17\", load nothing", "parts.texts", batch);
        row("int64, passed on, load nothing", "identity", batch);
    }
}

void runners(int runs) {
    std::printf("\n| trivial runners | at once | runners/s |\n|---|---|---|\n");
    for (const std::uint32_t workers : {1u, 4u}) {
        Engine engine;
        engine.settings.manager.workers = workers;
        for (int i = 0; i < 1000; ++i)
            engine.add().run = Engine::stage("parts.trivial");
        engine.run(0);
        const auto seconds = median_of(20 * runs, [&] { return engine.run(0); });
        std::printf("| 1,000 | %u | %.3f M |\n", workers, 1000 / seconds / 1e6);
    }
}

/// From the stop until run_all has returned, when nothing runs any more.
double cancel(const std::function<void(Engine&)>& fill, bool busy, double* kib_each = nullptr) {
    Engine engine;
    fill(engine);
    const auto count = engine.settings.pipelines.size();
    engine.settings.manager.workers = static_cast<std::uint32_t>(count);
    auto& manager = engine.manager();
    const auto before = resident_kib();
    Stop stop;
    runtime::RunReceipt receipt;
    SteadyClock::time_point ended;
    std::thread runner([&] {
        receipt = manager.run_all(stop);
        ended = SteadyClock::now();
    });
    const auto all_run = [&] {
        const auto progress = manager.progress();
        return std::all_of(progress.begin(), progress.end(), [&](const runtime::Progress& one) {
            return one.state == runtime::Progress::State::running && (!busy || one.read > 0);
        });
    };
    while (!all_run())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(busy ? 50 : 500));  // all of them past their start
    if (kib_each) *kib_each = (resident_kib() - before) / static_cast<double>(count);
    const auto began = SteadyClock::now();
    stop.request(StopState::stop);
    runner.join();
    for (const auto& one : receipt.pipelines) {
        if (one.error) fail(one.error->text());
        if (!one.balanced) fail("a receipt does not balance");
    }
    return std::chrono::duration<double>(ended - began).count();
}

void cancels(int runs) {
    std::printf("\n| cancel: until the call returns, with everything gone | ms, median | ms, most |\n|---|---|---|\n");
    const auto row = [&](const char* title, const std::function<double()>& one) {
        std::vector<double> all;
        for (int i = 0; i < 3 * runs; ++i)
            all.push_back(one());
        std::printf("| %s | %.2f | %.2f |\n", title, quantile(all, 0.5) * 1e3, quantile(all, 1) * 1e3);
    };
    const auto busy = [](Engine& engine) {
        for (int i = 0; i < 100; ++i)
            engine.add("parts.numbers", "{\"batch\": 1000}", {"parts.texts"}, "null");
    };
    std::vector<double> kib;
    const auto idle = [](Engine& engine) {
        for (int i = 0; i < 1000; ++i)
            engine.add("parts.idle", "{}", {"identity"}, "null");
    };
    row("100 busy pipelines", [&] { return cancel(busy, true); });
    row("1,000 idle pipelines", [&] { return cancel(idle, false, &kib.emplace_back()); });
    std::printf("\nAn idle pipeline costs %.1f KiB of resident memory.\n", quantile(kib, 0.5));
}

/// What runs in the meantime is measured from when everything has begun.
class Running {
public:
    explicit Running(runtime::Manager& manager) : manager_(manager), runner_([this] { manager_.run_all(stop_); }) {
        const auto all_read = [&] {
            const auto all = manager_.progress();
            return std::all_of(all.begin(), all.end(), [](const runtime::Progress& one) { return one.read > 0; });
        };
        while (!all_read())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        stop_.request(StopState::stop);
        runner_.join();
    }

private:
    runtime::Manager& manager_;
    Stop stop_;
    std::thread runner_;
};

/// 200 pipelines that wait for 10 ms in each batch, one that always has work to do, and one that the host's timer has
/// to make go on: when that comes late, all that is ready has to wait.
void blockers(int runs) {
    struct Beside {
        const char* title;
        bool blockers, busy;
        std::vector<double> slow{}, ready{}, late_us{}, thread_late_us{};
    };
    std::vector<Beside> all = {{"nothing", false, false},
                               {"a pipeline that always has work", false, true},
                               {"200 that block 10 ms in each batch", true, false},
                               {"both", true, true}};
    static Heartbeats notes;
    for (int i = 0; i < runs; ++i) {
        for (auto& beside : all) {
            Engine engine;
            engine.settings.manager.workers = 202;
            engine.settings.memory = std::uint64_t{1} << 30;
            engine
                .add("parts.heartbeat", "{\"notes\": " + std::to_string(reinterpret_cast<std::intptr_t>(&notes)) + "}",
                     {"identity"}, "null")
                .bucket.rows = 1;
            if (beside.busy)
                engine.add("parts.numbers", "{\"batch\": 1000}", {"parts.texts"}, "null").bucket.rows = 1000;
            const std::size_t first_blocker = engine.settings.pipelines.size();
            for (int j = 0; beside.blockers && j < 200; ++j)
                engine.add("parts.numbers", "{\"batch\": 10}", {"identity"}, "parts.slow").bucket.rows = 10;
            auto& manager = engine.manager();
            const Running running(manager);
            const auto delivered = [&] {
                std::pair<double, double> out;
                const auto progress = manager.progress();
                for (std::size_t j = first_blocker; j < progress.size(); ++j)
                    out.first += static_cast<double>(progress[j].delivered) / 10;
                if (beside.busy) out.second = static_cast<double>(progress[1].delivered) / 1000;
                return out;
            };
            const auto began = SteadyClock::now();
            const auto first = delivered();
            const auto first_note = notes.count.load(std::memory_order_acquire);
            // What a thread has to put up with that does nothing but sleep is the system's doing, not the host's.
            while (seconds_since(began) < 2) {
                const auto due = SteadyClock::now() + std::chrono::nanoseconds(Heartbeats::period_ns);
                std::this_thread::sleep_until(due);
                beside.thread_late_us.push_back(seconds_since(due) * 1e6);
            }
            const auto second = delivered();
            const auto last_note = notes.count.load(std::memory_order_acquire);
            const auto seconds = seconds_since(began);
            beside.slow.push_back((second.first - first.first) / seconds);
            beside.ready.push_back((second.second - first.second) / seconds);
            for (auto note = first_note; note < last_note; ++note)
                beside.late_us.push_back(static_cast<double>(notes.late_ns[note]) / 1e3);
        }
        notes.count = 0;
    }
    std::printf(
        "\n| heartbeat of a pipeline beside | batches/s of the 200 | batches/s of the one with work | heartbeats | "
        "late by us, median | 99 %% | most | a thread that sleeps as long, median | 99 %% |\n"
        "|---|---|---|---|---|---|---|---|---|\n");
    for (const auto& one : all)
        std::printf("| %s | %.0f | %.0f | %zu | %.0f | %.0f | %.0f | %.0f | %.0f |\n", one.title,
                    quantile(one.slow, 0.5), quantile(one.ready, 0.5), one.late_us.size(), quantile(one.late_us, 0.5),
                    quantile(one.late_us, 0.99), quantile(one.late_us, 1), quantile(one.thread_late_us, 0.5),
                    quantile(one.thread_late_us, 0.99));
}

}  // namespace

/// engine [RUNS [CASE...]]
int main(int count, char** arguments) {
    const int runs = count > 1 ? std::max(1, std::atoi(arguments[1])) : 5;
    const std::vector<std::string> wanted(arguments + std::min(count, 2), arguments + count);
    const std::vector<std::pair<std::string, std::function<void(int)>>> cases = {
        {"columnar", columnar}, {"pipelines", pipelines},   {"workers", workers},
        {"fused", fused},       {"fused_many", fused_many}, {"runners", runners},
        {"cancels", cancels},   {"blockers", blockers},     {"allocations", allocations},
    };
    for (const auto& [name, run] : cases) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
        run(runs);
        std::fflush(stdout);
    }
}
