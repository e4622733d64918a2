#include "cli/reloader.hpp"

#include <algorithm>
#include <utility>

namespace leat::cli {
namespace {

using runtime::Change;

std::string without_last_newline(std::string text) {
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

/// "1 changed, 2 added, 3 unchanged"
std::string counted(const std::vector<runtime::PlannedChange>& changes) {
    std::string out;
    for (const auto change : {Change::changed, Change::added, Change::removed, Change::none}) {
        const auto count = std::count_if(changes.begin(), changes.end(),
                                         [&](const runtime::PlannedChange& one) { return one.change == change; });
        if (count > 0) out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + runtime::change_name(change);
    }
    return out.empty() ? "no pipelines" : out;
}

/// A line for each pipeline.
std::string listed(const std::vector<runtime::PlannedChange>& changes) {
    std::string out;
    for (const auto& one : changes) {
        out += "  " + one.pipeline + ": " + runtime::change_name(one.change);
        if (!one.why.empty()) out += " (" + one.why + ")";
        out += '\n';
    }
    return out;
}

}  // namespace

Reloader::Reloader(const Configuration& configuration, const Arguments& arguments, const Console& console,
                   observe::Log& log, bool keeps_state, std::shared_ptr<const runtime::Generation> now,
                   runtime::Manager& manager)
    : configuration_(configuration),
      arguments_(arguments),
      console_(console),
      log_(log),
      keeps_state_(keeps_state),
      manager_(manager),
      now_(std::move(now)) {}

Reloader::~Reloader() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Reloader::request(What what, std::function<void(const Reloaded&)> answer) {
    const std::lock_guard lock(mutex_);
    requests_.push_back({what, std::move(answer)});
    if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
    changed_.notify_all();
}

bool Reloader::is_busy() const {
    const std::lock_guard lock(mutex_);
    return !requests_.empty();
}

std::shared_ptr<const runtime::Generation> Reloader::now() const {
    const std::lock_guard lock(mutex_);
    return now_;
}

void Reloader::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return over_ || !requests_.empty(); });
        if (requests_.empty()) return;
        const auto request = requests_.front();
        const bool over = over_;
        lock.unlock();
        request.answer(over ? Reloaded{Exit::failed, "the run has ended; nothing was changed"} : work(request.what));
        lock.lock();
        requests_.pop_front();
    }
}

Reloaded Reloader::work(What what) {
    const auto refused = [](Exit code, const std::string& why) {
        return Reloaded{code, without_last_newline(why) + "\nnothing was changed\n"};
    };
    const auto* const file = std::get_if<ConfigurationFile>(&configuration_);
    if (!file) return refused(Exit::usage, "what runs here has no file that could be read again");
    const auto before = now();
    Findings findings;
    auto prepared = prepare(configuration_, arguments_, console_, findings, keeps_state_, &before->catalog);
    if (!prepared) return refused(exit_for(prepared.error()), prepared.error().text());
    if (!prepared.value()) {
        const auto error = findings.problems.to_error();
        auto why = error.message();
        for (const auto& text : findings.refused)
            why += "\nrefused plugin: " + text;
        return refused(exit_for(error), why);
    }
    auto to = std::make_shared<const runtime::Generation>(std::move(*prepared.value()));
    if (what == What::plan) {
        const auto changes = runtime::compare(before->settings, before->catalog, to->settings, to->catalog);
        return {Exit::done, "a reload would leave: " + counted(changes) + "\n" + listed(changes)};
    }
    const auto changes = manager_.reload(to);
    if (!changes) return refused(exit_for(changes.error()), changes.error().text());
    {
        const std::lock_guard lock(mutex_);
        now_ = to;
    }
    for (const auto& one : changes.value()) {
        if (one.change == Change::none) continue;
        log_.tell("pipeline-reloaded", "pipeline " + std::string(runtime::change_name(one.change)) + " by a reload",
                  {{"pipeline", one.pipeline}, {"why", one.why}});
    }
    return {Exit::done,
            "reloaded " + file->path.string() + ": " + counted(changes.value()) + "\n" + listed(changes.value())};
}

}  // namespace leat::cli
