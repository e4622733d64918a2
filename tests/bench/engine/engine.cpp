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

#include "base/stop.hpp"
#include "config/settings.hpp"
#include "observe/log.hpp"
#include "plugin/catalog.hpp"
#include "runtime/manager.hpp"

using namespace leat;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
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
    void write(observe::Level, std::string_view, std::initializer_list<observe::Field>) override {}
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
        const auto began = Clock::now();
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
    Clock::time_point ended;
    std::thread runner([&] {
        receipt = manager.run_all(stop);
        ended = Clock::now();
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
    const auto began = Clock::now();
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

/// 200 pipelines that wait for 10 ms in each batch, and one that always has work to do.
void blockers(int runs) {
    std::printf(
        "\n| 200 pipelines that block 10 ms in each batch | batches/s | of the ready one, batches/s | alone |\n"
        "|---|---|---|---|\n");
    std::vector<double> slow, ready, alone;
    for (int i = 0; i < runs; ++i) {
        for (const bool with_blockers : {false, true}) {
            Engine engine;
            engine.settings.manager.workers = 201;
            engine.settings.memory = std::uint64_t{1} << 30;
            engine.add("parts.numbers", "{\"batch\": 1000}", {"parts.texts"}, "null").bucket.rows = 1000;
            for (int j = 0; with_blockers && j < 200; ++j)
                engine.add("parts.numbers", "{\"batch\": 10}", {"identity"}, "parts.slow").bucket.rows = 10;
            auto& manager = engine.manager();
            Stop stop;
            std::thread runner([&] { manager.run_all(stop); });
            while (manager.progress().back().read == 0)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
            const auto delivered = [&] {
                std::pair<double, double> out;
                const auto all = manager.progress();
                for (std::size_t j = 1; j < all.size(); ++j)
                    out.first += static_cast<double>(all[j].delivered) / 10;
                out.second = static_cast<double>(all[0].delivered) / 1000;
                return out;
            };
            const auto began = Clock::now();
            const auto first = delivered();
            std::this_thread::sleep_for(std::chrono::seconds(2));
            const auto second = delivered();
            const auto seconds = seconds_since(began);
            stop.request(StopState::stop);
            runner.join();
            (with_blockers ? ready : alone).push_back((second.second - first.second) / seconds);
            if (with_blockers) slow.push_back((second.first - first.first) / seconds);
        }
    }
    std::printf("| | %.0f | %.0f | %.0f |\n", quantile(slow, 0.5), quantile(ready, 0.5), quantile(alone, 0.5));
}

}  // namespace

/// engine [RUNS [CASE...]]
int main(int count, char** arguments) {
    const int runs = count > 1 ? std::max(1, std::atoi(arguments[1])) : 5;
    const std::vector<std::string> wanted(arguments + std::min(count, 2), arguments + count);
    const std::vector<std::pair<std::string, std::function<void(int)>>> cases = {
        {"columnar", columnar}, {"pipelines", pipelines}, {"runners", runners},
        {"cancels", cancels},   {"blockers", blockers},
    };
    for (const auto& [name, run] : cases) {
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
        run(runs);
        std::fflush(stdout);
    }
}
