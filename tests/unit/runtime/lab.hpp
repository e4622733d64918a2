// A configuration made in code, run by the real manager with real plugins, in a folder of its own.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/stop.hpp"
#include "config/settings.hpp"
#include "delivery/state_store.hpp"
#include "observe/log.hpp"
#include "plugin/catalog.hpp"
#include "runtime/manager.hpp"

namespace leat::test {

/// The real plugins and the fixtures `good`, `odd` and `typed`. Never destroyed: a call that was given up may still be
/// in one.
inline const plugin::Catalog& catalog() {
    static const plugin::Catalog& all = *new plugin::Catalog([] {
        auto scanned = plugin::Catalog::scan(
            {.named = {LEAT_PLUGINS, LEAT_FIXTURES "/good", LEAT_FIXTURES "/odd", LEAT_FIXTURES "/typed"},
             .defaults = {},
             .trial = false,
             .patience = std::chrono::seconds(5)});
        BOOST_REQUIRE(scanned);
        return std::move(scanned).value();
    }());
    return all;
}

/// Waits for what another thread brings about, without guessing how long that takes.
inline void wait_until(const std::function<bool()>& condition) {
    while (!condition())
        std::this_thread::yield();
}

class Notes final : public observe::Log {
public:
    void write(const observe::Line& line) override {
        const std::lock_guard lock(mutex_);
        if (line.level >= observe::Level::warn) warnings_.emplace_back(line.message);
    }
    /// Warnings and errors, a line each.
    std::string text() const {
        const std::lock_guard lock(mutex_);
        std::string out;
        for (const auto& one : warnings_)
            out += one + "\n";
        return out;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> warnings_;
};

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "leat-test-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()));
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(const std::string& name) const { return (path_ / name).make_preferred().string(); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline std::vector<std::string> lines_of(const std::string& file) {
    std::ifstream in(file);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

/// `{'count': 5}` is easier to read in a test than with its quotes escaped.
inline config::ComponentSettings component(std::string id, std::string json = "{}") {
    std::replace(json.begin(), json.end(), '\'', '"');
    config::ComponentSettings out;
    out.id = std::move(id);
    out.value = boost::json::parse(json);
    out.where = {"test.yaml", 1, 1};
    return out;
}

/// "done: read 10 + added 0 = delivered 8 + filtered 1 + dead 1, unsettled 0"
inline std::string account(const runtime::PipelineReceipt& of) {
    const auto number = [](std::uint64_t n) { return std::to_string(n); };
    return std::string(runtime::outcome_name(of.outcome)) + ": read " + number(of.read) + " + added " +
           number(of.added) + " = delivered " + number(of.delivered) + " + filtered " + number(of.filtered) +
           " + dead " + number(of.dead) + ", unsettled " + number(of.unsettled) +
           (of.balanced ? "" : ", NOT BALANCED: " + of.imbalance);
}

inline std::string error_of(const runtime::PipelineReceipt& of) {
    return of.error ? of.error->text() : "";
}

class Lab {
    const std::shared_ptr<const Folder> shared_;

public:
    /// With a folder that earlier runs have left something in, or with one of its own.
    explicit Lab(std::shared_ptr<const Folder> shared = std::make_shared<const Folder>())
        : shared_(std::move(shared)), folder(*shared_) {
        settings.file = "test.yaml";
        settings.manager.grace = std::chrono::seconds(30);
    }

    /// Adds a pipeline. `$` in the keys of a component stands for the lab's folder.
    config::PipelineSettings& add(const std::string& source, const std::vector<std::string>& transforms,
                                  const std::string& sink, const std::string& name = "p") {
        auto& out = add_empty(name);
        out.extract = stage(source);
        for (const auto& one : transforms)
            out.transform.push_back(stage(one));
        out.load = stage(sink);
        return out;
    }
    /// A runner or pipeline component.
    config::PipelineSettings& add_run(const std::string& component_and_keys, const std::string& name = "p") {
        auto& out = add_empty(name);
        out.run = stage(component_and_keys);
        return out;
    }

    runtime::Manager& manager() {
        if (!manager_) {
            auto made = runtime::Manager::make(
                settings, catalog(), log,
                {.run_directory = folder / "rejects", .state = state, .fresh = fresh, .seed = seed});
            BOOST_REQUIRE_MESSAGE(made, (made.has_error() ? made.error().text() : std::string()));
            manager_ = std::move(made).value();
        }
        return *manager_;
    }

    /// Runs everything to its end.
    runtime::RunReceipt run() { return manager().run_all(stop); }

    /// Runs the one pipeline to its end.
    runtime::PipelineReceipt run_one() {
        auto receipt = run();
        BOOST_REQUIRE(receipt.pipelines.size() == 1u);
        return receipt.pipelines.front();
    }

    /// Runs while `meanwhile` does something on this thread.
    runtime::RunReceipt run_while(const std::function<void()>& meanwhile) {
        auto& running = manager();
        runtime::RunReceipt receipt;
        std::thread runner([&] { receipt = running.run_all(stop); });
        meanwhile();
        runner.join();
        return receipt;
    }
    runtime::PipelineReceipt run_one_while(const std::function<void()>& meanwhile) {
        return run_while(meanwhile).pipelines.at(0);
    }

    runtime::Progress progress(std::size_t pipeline = 0) { return manager().progress().at(pipeline); }
    void wait_until_read(std::uint64_t rows) {
        wait_until([&] { return progress().read >= rows; });
    }
    void wait_until_delivered(std::uint64_t rows) {
        wait_until([&] { return progress().delivered >= rows; });
    }
    /// Until a component has written this line to `calls`.
    void wait_for_call(const std::string& entry) {
        wait_until([&] {
            const auto all = calls();
            return std::find(all.begin(), all.end(), entry) != all.end();
        });
    }

    /// The numbers that sinks with `'path': '$/out'` have committed, in ascending order.
    std::vector<std::int64_t> committed(const std::string& file = "out") const {
        std::vector<std::int64_t> out;
        for (const auto& line : lines_of(folder / file))
            out.push_back(std::stoll(line));
        std::sort(out.begin(), out.end());
        return out;
    }
    /// The lines of the rejects file; or with a state, what that has of them.
    std::vector<std::string> rejected(const std::string& name = "p") const {
        if (state) {
            std::vector<std::string> out;
            const auto read = state->letters().each({.pipeline = name}, [&](const delivery::StoredLetter& one) {
                out.push_back(one.letter.row.empty() ? "{}" : "{\"row\":" + one.letter.row + "}");
                return true;
            });
            BOOST_REQUIRE_MESSAGE(read, (read ? "" : read.error().text()));
            return out;
        }
        return lines_of(folder / ("rejects/" + name + ".rejects.ndjson"));
    }
    /// The first column of the rejected rows, in ascending order.
    std::vector<std::int64_t> rejected_numbers(const std::string& name = "p") const {
        std::vector<std::int64_t> out;
        for (const auto& line : rejected(name)) {
            const auto letter = boost::json::parse(line).as_object();
            if (letter.contains("row")) out.push_back(letter.at("row").as_object().at("n").to_number<std::int64_t>());
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    /// The entries that components with `'calls': '$/calls'` have entered, in order.
    std::vector<std::string> calls() const { return lines_of(folder / "calls"); }
    std::size_t count_calls(const std::string& entry) const {
        const auto all = calls();
        return static_cast<std::size_t>(std::count(all.begin(), all.end(), entry));
    }

    /// What the receipt says is what is in the target and in the rejects.
    void check_truth(const runtime::PipelineReceipt& receipt) const {
        BOOST_TEST(receipt.balanced, receipt.imbalance);
        auto numbers = committed();
        BOOST_TEST(numbers.size() == receipt.delivered);
        BOOST_TEST((std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end()), "a row was delivered twice");
        const auto dead = rejected_numbers();
        BOOST_TEST(rejected().size() == receipt.dead);
        std::vector<std::int64_t> both;
        std::set_intersection(numbers.begin(), numbers.end(), dead.begin(), dead.end(), std::back_inserter(both));
        BOOST_TEST(both.empty(), "a row is delivered and dead");
    }

    const Folder& folder;
    config::Settings settings;
    delivery::StateStore* state = nullptr;
    bool fresh = false;
    std::uint64_t seed = 0;  // of the dice of its runs
    Notes log;
    Stop stop;

private:
    config::PipelineSettings& add_empty(const std::string& name) {
        auto& out = settings.pipelines.emplace_back();
        out.name = name;
        out.where = {"test.yaml", 1, 1};
        out.bucket.rows = 10;
        out.bucket.timeout = std::chrono::hours(1);
        out.retry.attempts = 3;
        out.retry.first_wait = std::chrono::milliseconds(1);
        return out;
    }

    /// "odd.source {'count': 5}"
    config::ComponentSettings stage(const std::string& text) const {
        const auto space = text.find(' ');
        auto keys = space == std::string::npos ? "{}" : text.substr(space + 1);
        for (auto at = keys.find('$'); at != std::string::npos; at = keys.find('$'))
            keys.replace(at, 1, folder.path().generic_string());  // a backslash would begin an escape
        return component(text.substr(0, space), keys);
    }

    std::unique_ptr<runtime::Manager> manager_;
};

/// A lab in which a call may be given up: what that call can still reach must live as long as the process.
class LostLab {
public:
    LostLab() : lab_(*kept().emplace_back(std::make_unique<Lab>())) {}
    ~LostLab() {
        std::error_code ignored;
        std::filesystem::remove_all(lab_.folder.path(), ignored);
    }
    LostLab(const LostLab&) = delete;
    LostLab& operator=(const LostLab&) = delete;
    Lab& operator*() const { return lab_; }

private:
    static std::vector<std::unique_ptr<Lab>>& kept() {
        static auto& all = *new std::vector<std::unique_ptr<Lab>>;
        return all;
    }
    Lab& lab_;
};

}  // namespace leat::test
