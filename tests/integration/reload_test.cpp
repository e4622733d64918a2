// A running host is given its configuration anew: by `leat reload`, and by SIGHUP.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

#include "process.hpp"
#include "receipt.hpp"

using namespace integration;

namespace {

#ifdef LEAT_SANITIZED
constexpr int reloads = 40;
#else
constexpr int reloads = 200;
#endif

/// Numbers from 0 on into a file of its own, for ever.
std::string numbers(const std::string& name, int bucket_rows, const std::string& source = "generate") {
    return "  " + name + ":\n    extract: { " + source +
           ": { rows: 1000000000, columns: { n: sequence }, rate: 50000 rows/s } }\n" +
           "    load: { ndjson: { path: " + name + ".ndjson } }\n    bucket: { rows: " + std::to_string(bucket_rows) +
           ", timeout: 5ms }\n";
}

std::string pipelines(const std::string& all) {
    return "version: 1\nplugins: { directories: [plugins] }\npipelines:\n" + all;
}

/// A host that runs p.yaml, whose plugins are those of the build, in a directory that can be changed.
struct Host : Directory {
    explicit Host() { std::filesystem::create_directory(path() / "plugins"); }

    void begin(const std::string& all, std::map<std::string, std::string> environment = {}) {
        put("p.yaml", pipelines(all));
        Options options;
        options.directory = path();
        options.environment = std::move(environment);
        options.deadline = std::chrono::seconds(240);
        process = std::make_unique<Process>(leat_command({"run", "--json", "--log-format", "text", "p.yaml"}), options);
        process->wait_for_err("pipeline started");
    }
    Ended reload(const std::string& all) const {
        put("p.yaml", pipelines(all));
        return leat({"reload"});
    }
    void wait_for_rows(const std::string& name) const {
        const auto file = path() / (name + ".ndjson");
        process->wait_until([&] { return std::filesystem::exists(file) && std::filesystem::file_size(file) > 0; },
                            "rows of " + name);
    }
    Ended end() const {
        process->signal(SIGTERM);
        return process->wait();
    }

    /// The file has 1, 2, 3... each once, in any order; how many.
    std::uint64_t count_of(const std::string& name) const {
        std::ifstream in(path() / (name + ".ndjson"));
        std::vector<bool> seen(1, true);
        std::uint64_t count = 0;
        for (std::string line; std::getline(in, line); ++count) {
            const auto n = boost::json::parse(line).at("n").to_number<std::uint64_t>();
            if (n >= seen.size()) seen.resize(n + 1);
            BOOST_REQUIRE_MESSAGE(!seen[n], name << ": " << n << " came twice");
            seen[n] = true;
        }
        BOOST_TEST(count + 1 == seen.size());
        return count;
    }

    std::unique_ptr<Process> process;
};

/// Of all runs of one pipeline, as the receipt has them.
struct Runs {
    Runs(const std::string& out, const std::string& name) {
        const auto receipt = receipt_of(out);
        for (const auto& one : receipt.at("pipelines").as_array()) {
            if (text(one.as_object(), "name") != name) continue;
            outcomes.push_back(text(one.as_object(), "outcome"));
            delivered += number(one.as_object(), "delivered");
        }
    }
    std::vector<std::string> outcomes;
    std::uint64_t delivered = 0;
};

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words)
        out += (out.empty() ? "" : " ") + word;
    return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reload, Host)

BOOST_AUTO_TEST_CASE(two_hundred_reloads_under_load_lose_no_row_and_double_none) {
    begin(numbers("changes", 100) + numbers("stays", 100));
    wait_for_rows("changes");
    for (int i = 1; i <= reloads; ++i) {
        const auto done = reload(numbers("changes", 100 + i) + numbers("stays", 100));
        BOOST_REQUIRE(done.code == 0);
        BOOST_REQUIRE(
            done.out ==
            "reloaded p.yaml: 1 changed, 1 unchanged\n  changes: changed (bucket.rows)\n  stays: unchanged\n");
    }
    const auto ended = end();
    BOOST_TEST(ended.code == 5);
    const Runs changes(ended.out, "changes");
    const Runs stays(ended.out, "stays");
    // One that was replaced before its turn came has no receipt, and the last one may not have had its turn.
    BOOST_TEST(changes.outcomes.size() > reloads / 2u);
    BOOST_TEST((changes.outcomes.back() == "stopped" || changes.outcomes.back() == "skipped"));
    BOOST_TEST(joined(stays.outcomes) == "stopped");
    BOOST_TEST(changes.delivered > 0u);
    BOOST_TEST(count_of("changes") == changes.delivered);
    BOOST_TEST(count_of("stays") == stays.delivered);
    BOOST_TEST(text(receipt_of(ended.out), "balanced") == "true");
}

BOOST_AUTO_TEST_CASE(what_is_gone_drains_and_what_is_new_starts) {
    begin(numbers("old", 100) + numbers("stays", 100));
    wait_for_rows("old");
    put("p.yaml", pipelines(numbers("new", 100) + numbers("stays", 100)));
    const std::string plan = "1 added, 1 removed, 1 unchanged\n  new: added\n  stays: unchanged\n  old: removed\n";
    const auto planned = leat({"reload", "--diff"});
    BOOST_TEST(planned.code == 0);
    BOOST_TEST(planned.out == "a reload would leave: " + plan);
    const auto done = leat({"reload"});
    BOOST_TEST(done.code == 0);
    BOOST_TEST(done.out == "reloaded p.yaml: " + plan);
    wait_for_rows("new");
    // What was taken out goes on from where it was when it comes again.
    BOOST_TEST(reload(numbers("old", 100) + numbers("new", 100)).code == 0);
    process->wait_for_err("pipeline added by a reload pipeline=old");
    const auto size = std::filesystem::file_size(path() / "old.ndjson");
    process->wait_until([&] { return std::filesystem::file_size(path() / "old.ndjson") > size; }, "rows of old");
    const auto ended = end();
    BOOST_TEST(joined(Runs(ended.out, "old").outcomes) == "reloaded stopped");
    BOOST_TEST(joined(Runs(ended.out, "stays").outcomes) == "reloaded");
    for (const auto* const name : {"old", "new", "stays"})
        BOOST_TEST(count_of(name) == Runs(ended.out, name).delivered);
}

BOOST_AUTO_TEST_CASE(a_mistake_changes_nothing_and_is_told) {
    begin(numbers("stays", 100));
    wait_for_rows("stays");
    const auto refused = reload(numbers("stays", 200, "generated"));
    BOOST_TEST(refused.code == 3);
    BOOST_TEST(refused.out == "");
    BOOST_TEST(
        refused.err ==
        "p.yaml:5:16: pipelines.stays.extract: \"generated\" is not a source that any plugin offers; did you mean "
        "\"generate\"?\nnothing was changed\n");
    process->wait_for_err("error reload refused, nothing was changed: p.yaml:5:16: ");
    std::filesystem::remove(path() / "p.yaml");
    BOOST_TEST(leat({"reload", "--diff"}).code == 3);
    const auto ended = end();
    BOOST_TEST(joined(Runs(ended.out, "stays").outcomes) == "stopped");
    BOOST_TEST(count_of("stays") == Runs(ended.out, "stays").delivered);
}

BOOST_AUTO_TEST_CASE(a_signal_does_the_same) {
    begin(numbers("one", 100));
    wait_for_rows("one");
    put("p.yaml", pipelines(numbers("one", 100) + numbers("two", 100)));
    process->signal(SIGHUP);
    process->wait_for_err("reloaded p.yaml: 1 added, 1 unchanged");
    wait_for_rows("two");
    const auto ended = end();
    BOOST_TEST(joined(Runs(ended.out, "one").outcomes) == "stopped");
    BOOST_TEST(joined(Runs(ended.out, "two").outcomes) == "stopped");
}

BOOST_AUTO_TEST_CASE(a_plugin_that_was_replaced_is_loaded_beside_the_old_one) {
    const auto mine = path() / "plugins/generate.so";
    const auto install = [&](const std::string& of) {
        std::filesystem::copy_file(of, path() / "new");
        std::filesystem::rename(path() / "new", mine);
    };
    const std::string good = LEAT_PLUGINS "/generate.so";
    install(good);
    const auto all = numbers("one", 100);
    begin(all);
    wait_for_rows("one");
    const auto loaded = [&] {
        std::ifstream in("/proc/" + std::to_string(process->pid()) + "/maps");
        std::set<std::string> inodes;
        std::string range, rights, offset, device, inode;
        for (std::string line; std::getline(in, line);) {
            std::istringstream words(line);
            words >> range >> rights >> offset >> device >> inode;
            if (line.find(mine.string()) != std::string::npos) inodes.insert(inode);
        }
        return inodes.size();
    };
    BOOST_TEST(loaded() == 1u);
    install(good);
    const auto done = reload(all);
    BOOST_TEST(done.err == "");
    BOOST_TEST(done.out == "reloaded p.yaml: 1 changed\n  one: changed (the plugin " + mine.string() + ")\n");
    BOOST_TEST(loaded() == 2u);
    BOOST_TEST(reload(all).out == "reloaded p.yaml: 1 unchanged\n  one: unchanged\n");
    BOOST_TEST(loaded() == 2u);

    // One that would have ended the host is refused, and the old one runs on.
    install(LEAT_FIXTURES "/crashes-when-loaded/crashes-when-loaded.so");
    std::filesystem::rename(mine, path() / "plugins/other.so");
    install(good);
    const auto other = reload(all);
    BOOST_TEST(other.code == 0);
    std::filesystem::rename(path() / "plugins/other.so", mine);
    put("p.yaml", "version: 1\nplugins: { directories: [plugins] }\npipelines:\n" + numbers("one", 100, "crashes"));
    const auto refused = leat({"reload"});
    BOOST_TEST(refused.code != 0);
    BOOST_TEST(refused.err.find("refused plugin: " + mine.string() + ": ") != std::string::npos, refused.err);
    const auto ended = end();
    BOOST_TEST(ended.code == 5);
    BOOST_TEST(joined(Runs(ended.out, "one").outcomes) == "reloaded reloaded stopped");
    BOOST_TEST(count_of("one") == Runs(ended.out, "one").delivered);
}

BOOST_AUTO_TEST_CASE(nobody_is_there) {
    put("p.yaml", pipelines(numbers("one", 100)));
    const auto none = leat({"reload", "--state", "there"});
    BOOST_TEST(none.code == 3);
    BOOST_TEST(none.err ==
               "leat: no host works with the state directory there; start one with leat run, or name its "
               "directory with --state\n");
    // One that was killed leaves its socket behind.
    begin(numbers("one", 100));
    process->signal(SIGKILL);
    process->wait();
    BOOST_TEST(has(".leat/control"));
    BOOST_TEST(leat({"reload"}).err ==
               "leat: no host works with the state directory .leat; start one with leat run, or "
               "name its directory with --state\n");
    begin(numbers("one", 100));
    BOOST_TEST(leat({"reload"}).code == 0);
    BOOST_TEST(end().code == 5);
    BOOST_TEST(!has(".leat/control"));
}

BOOST_AUTO_TEST_CASE(what_had_failed_starts_again) {
    const auto failing = [](const std::string& rest) {
        return "  fails:\n    extract: { csv: { path: in.csv } }\n    load: { ndjson: { path: fails.ndjson } }\n" +
               rest;
    };
    begin(failing(numbers("stays", 100)));
    process->wait_for_err("pipeline ended pipeline=fails");
    put("in.csv", "n\n0\n1\n");
    const auto done = reload(failing(numbers("stays", 100)));
    BOOST_TEST(done.out ==
               "reloaded p.yaml: 1 changed, 1 unchanged\n  fails: changed (it had failed)\n  stays: unchanged\n");
    wait_for_rows("fails");
    const auto ended = end();
    BOOST_TEST(ended.code == 5);
    BOOST_TEST(joined(Runs(ended.out, "fails").outcomes) == "failed done");
}

BOOST_AUTO_TEST_SUITE_END()
