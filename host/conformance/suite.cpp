#include "conformance/suite.hpp"

#include <fnmatch.h>
#include <poll.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp of POSIX

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "conformance/bench.hpp"
#include "conformance/lent_memory.hpp"
#include "conformance/process.hpp"

namespace leat::conformance {
namespace {

namespace fs = std::filesystem;

/// Gone with all that is in it.
class TemporaryDirectory {
public:
    static Result<TemporaryDirectory> make() {
        std::error_code error;
        auto base = fs::temp_directory_path(error);
        auto pattern = ((error ? fs::path("/tmp") : base) / "leat-plugin-test-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            return Error(Errc::io, "cannot make the directory " + pattern + ": " + errno_text(errno));
        return TemporaryDirectory(pattern);
    }
    TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

private:
    explicit TemporaryDirectory(fs::path path) : path_(std::move(path)) {}
    fs::path path_;
};

bool matches(const Planned& one, const std::string& pattern) {
    if (pattern.empty()) return true;
    const auto name = one.full_name();
    if (pattern.find_first_of("*?[") == std::string::npos) return name.find(pattern) != std::string::npos;
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool is_wanted(const plugin::Component& component, const std::string& name) {
    return name.empty() || name == component.id || name == key_of(component);
}

/// The end of what a process wrote to standard error, as one line.
std::string last_words(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.pop_back();
    constexpr std::size_t most = 300;
    if (text.size() > most) text = "..." + text.substr(text.size() - most);
    return text.empty() ? text : "; it wrote to standard error: " + text;
}

/// A case that runs.
struct Running {
    std::size_t number;
    Process process;
    Trace trace;
    std::chrono::steady_clock::time_point began;
};

class Suite {
public:
    Suite(const std::vector<Planned>& cases, const SuiteOptions& options,
          const std::function<void(const CaseResult&)>& on_result, TemporaryDirectory directory)
        : cases_(cases),
          options_(options),
          on_result_(on_result),
          directory_(std::move(directory)),
          jobs_(options.jobs > 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency())),
          started_(cases.size(), false),
          results_(cases.size()) {}

    Result<std::vector<CaseResult>> run() && {
        for (;;) {
            BOOST_OUTCOME_TRY(const bool has_skipped, start_what_can());
            if (has_skipped) continue;  // what builds on those may go on
            if (running_.empty()) break;
            wait_for_one();
        }
        std::vector<CaseResult> out;
        for (auto& result : results_)
            out.push_back(std::move(*result));
        return out;
    }

private:
    /// Cases of the same subject on which this one builds: done, failed, or still to come.
    enum class Base { passed, waiting, failed };
    Base base_of(std::size_t number, std::string& failed) const {
        for (std::size_t i = 0; i < cases_.size(); ++i) {
            const auto& other = cases_[i];
            if (other.component != cases_[number].component || other.step >= cases_[number].step) continue;
            if (!results_[i]) return Base::waiting;
            if (results_[i]->verdict.kind != Verdict::Kind::failed) continue;
            failed = other.name;
            return Base::failed;
        }
        return Base::passed;
    }

    /// True when a case was skipped.
    Result<bool> start_what_can() {
        bool has_skipped = false;
        for (std::size_t i = 0; i < cases_.size(); ++i) {
            if (started_[i]) continue;
            std::string failed = cases_[i].skipped;
            if (failed.empty()) {
                const auto base = base_of(i, failed);
                if (base == Base::waiting) continue;
                if (base == Base::failed) failed = "it builds on " + failed + ", which failed";
            }
            if (!failed.empty()) {
                started_[i] = has_skipped = true;
                finish(i, {Verdict::Kind::skipped, failed}, 0);
                continue;
            }
            if (running_.size() < jobs_) {
                BOOST_OUTCOME_TRY(start(i));
            }
        }
        return has_skipped;
    }

    fs::path folder_of(std::size_t number) const { return directory_.path() / std::to_string(number); }

    Result<> start(std::size_t number) {
        started_[number] = true;
        const auto folder = folder_of(number);
        std::error_code error;
        fs::create_directories(folder / "work", error);
        if (!error && !options_.setup.input.empty())
            fs::copy(options_.setup.input, folder / "work", fs::copy_options::recursive, error);
        if (error) return Error(Errc::io, "cannot prepare " + (folder / "work").string() + ": " + error.message());
        BOOST_OUTCOME_TRY(auto trace, Trace::make());
        BOOST_OUTCOME_TRY(auto process, Process::start(arguments_of(cases_[number]), folder / "work", folder / "out",
                                                       folder / "err", trace, options_.patience));
        running_.push_back({number, std::move(process), std::move(trace), std::chrono::steady_clock::now()});
        return done();
    }

    std::vector<std::string> arguments_of(const Planned& one) const {
        std::vector<std::string> out{"plugin", "test", options_.setup.file.string(), "--case", one.full_name()};
        if (options_.setup.config) out.insert(out.end(), {"--config", *options_.setup.config});
        if (!options_.setup.input.empty()) out.insert(out.end(), {"--input", options_.setup.input.string()});
        return out;
    }

    void wait_for_one() {
        std::vector<pollfd> wanted;
        auto next = running_.front().process.deadline();
        for (const auto& one : running_) {
            wanted.push_back({one.process.handle(), POLLIN, 0});
            next = std::min(next, one.process.deadline());
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
        if (::poll(wanted.data(), wanted.size(), static_cast<int>(std::max<long>(left, 0))) < 0) return;
        const auto now = std::chrono::steady_clock::now();
        for (std::size_t i = wanted.size(); i-- > 0;) {
            if (wanted[i].revents == 0 && running_[i].process.deadline() > now) continue;
            const auto ended = running_[i].process.wait();
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - running_[i].began;
            const auto number = running_[i].number;
            auto verdict = judge(running_[i], ended);
            running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
            finish(number, std::move(verdict), took.count());
        }
    }

    /// What the end of a process means.
    Verdict judge(const Running& one, const Ended& ended) const {
        const auto said = one.trace.verdict();
        if (said.kind == Verdict::Kind::failed) return said;
        if (said.kind != Verdict::Kind::none && ended.signal == 0 && ended.code == 0 && !ended.timed_out) return said;
        const bool over = said.kind != Verdict::Kind::none;
        auto where = one.trace.entry().empty() ? std::string("before the first call")
                     : one.trace.is_inside()   ? "in " + one.trace.entry()
                                               : "after " + one.trace.entry();
        if (const auto* const component = cases_[one.number].component) {
            where += " of " + component->name() + ", plugin " + std::string(component->plugin_id()) + " " +
                     std::string(component->plugin_version());
        }
        if (over) where = "when the process ended, after the last call, " + where;
        if (const auto noted = one.trace.noted(); !over && !noted.empty()) where += ", with " + noted;
        const auto words = last_words(folder_of(one.number) / "err");
        if (ended.timed_out) {
            const auto patience = std::chrono::duration<double>(options_.patience).count();
            auto seconds = std::to_string(patience);
            seconds.resize(seconds.find('.') + 2);
            return {Verdict::Kind::failed, "hung " + where + ": no end after " + seconds + " s" + words};
        }
        if (ended.signal != 0) return {Verdict::Kind::failed, "crashed " + where + ": " + ended.text() + words};
        return {Verdict::Kind::failed, "ended the process " + where + ": " + ended.text() + words};
    }

    void finish(std::size_t number, Verdict verdict, double seconds) {
        results_[number] = CaseResult{cases_[number], std::move(verdict), seconds};
        std::error_code ignored;
        fs::remove_all(folder_of(number), ignored);
        for (; told_ < results_.size() && results_[told_]; ++told_)
            on_result_(*results_[told_]);
    }

    const std::vector<Planned>& cases_;
    const SuiteOptions& options_;
    const std::function<void(const CaseResult&)>& on_result_;
    const TemporaryDirectory directory_;
    const unsigned jobs_;
    std::vector<bool> started_;
    std::vector<std::optional<CaseResult>> results_;
    std::size_t told_ = 0;
    std::vector<Running> running_;
};

Verdict verdict_of(const Result<>& result) {
    if (!result) return {Verdict::Kind::failed, result.error().text()};
    return {Verdict::Kind::ok};
}

/// No exception of a case's own leaves the child as a crash of the plugin.
template <class Body>
Verdict guarded(Body body) {
    try {
        return body();
    } catch (const std::exception& e) {
        return {Verdict::Kind::failed, std::string("the suite itself failed: ") + e.what() + "; please report it"};
    }
}

Verdict run_case(const plugin::Component& component, const Case& one, const Setup& setup, Trace& trace) {
    auto configured = configure(component, setup);
    // What describes itself rightly may be configured wrongly.
    if (!configured && one.step == Step::describes) configured = Configured{};
    if (!configured) {
        return {Verdict::Kind::failed,
                configured.error().text() + "; give the component an example that is valid, or the test --config YAML"};
    }
    auto columns = columns_of(setup);
    if (!columns) return {Verdict::Kind::failed, columns.error().text()};
    Bench bench(component, setup, std::move(configured).value(), std::move(columns).value(), trace);
    const auto result = one.run(bench);
    if (result && !bench.skipped().empty()) return {Verdict::Kind::skipped, bench.skipped()};
    if (!result && result.error().code() == Errc::configuration)
        return {Verdict::Kind::failed, result.error().text() + " (configured by " + bench.configured().origin +
                                           "; give it what it needs with --config YAML, or files with --input DIR)"};
    if (result) return {Verdict::Kind::ok, bench.remarked()};
    return verdict_of(result);
}

}  // namespace

Result<std::vector<Planned>> plan(const plugin::CheckedFile& checked, const SuiteOptions& options) {
    std::vector<Planned> all;

    if (options.component.empty()) {
        for (const auto& one : library_cases())
            all.push_back({nullptr, "library", one.name, one.rule, one.remedy, Step::describes, {}});
    }
    bool found = options.component.empty();
    for (const auto& component : checked.library->components()) {
        if (!is_wanted(component, options.component)) continue;
        found = true;
        for (const auto* one : cases_for(component.kind)) {
            all.push_back(
                {&component, key_of(component), one->name, one->rule, one->remedy, one->step, one->skipped(component)});
        }
    }
    if (!found) {
        std::string names;
        for (const auto& component : checked.library->components())
            names += (names.empty() ? "" : ", ") + key_of(component);
        return Error(Errc::configuration,
                     "--component " + options.component + ": the plugin has no such component; " + "it has " + names);
    }
    std::erase_if(all, [&](const auto& one) { return !matches(one, options.only); });
    if (all.empty())
        return Error(Errc::configuration, "--only " + options.only + ": there is no such case; --list shows them");
    return all;
}

Result<std::vector<CaseResult>> run_suite(const std::vector<Planned>& cases, const SuiteOptions& options,
                                          const std::function<void(const CaseResult&)>& on_result) {
    BOOST_OUTCOME_TRY(auto directory, TemporaryDirectory::make());
    return Suite(cases, options, on_result, std::move(directory)).run();
}

Result<> run_here(const Setup& setup, const std::string& full_name, const std::string& step) {
    BOOST_OUTCOME_TRY(auto trace, Trace::inherit());
    become_child();
    explain_forbidden_touches();
    const auto slash = full_name.find('/');
    const auto subject = full_name.substr(0, slash);
    const auto name = slash == std::string::npos ? std::string() : full_name.substr(slash + 1);
    if (subject == "library") {
        for (const auto& one : library_cases()) {
            if (name != one.name) continue;
            trace.enter("leat_plugin_v1");
            trace.conclude(guarded([&] { return verdict_of(one.run(setup.file)); }));
            return done();
        }
    }
    trace.enter("loading");
    BOOST_OUTCOME_TRY(const auto library, plugin::Library::open(setup.file));
    trace.leave();
    for (const auto& component : library->components()) {
        if (key_of(component) != subject) continue;
        for (const auto* one : cases_for(component.kind)) {
            if (name != one->name) continue;
            trace.note(step);
            trace.conclude(guarded([&] { return run_case(component, *one, setup, trace); }));
            return done();
        }
    }
    return Error(Errc::configuration, "--case " + full_name + ": there is no such case");
}

}  // namespace leat::conformance
