#include "cli/earlier_runs.hpp"

#include <string>
#include <system_error>
#include <vector>

namespace leat::cli {
namespace {

std::filesystem::path directory_of_calls(const std::filesystem::path& state) {
    return state / "calls";
}

std::string text_of(const std::vector<plugin::CallRecord::Call>& calls) {
    std::string crashed;
    std::string running;
    for (const auto& call : calls) {
        if (call.signal != 0)
            crashed += (crashed.empty() ? "" : ", ") + plugin::signal_text(call.signal) + " in " + call.text;
        running += (running.empty() ? "" : ", ") + call.text;
    }
    if (!crashed.empty()) return ": " + crashed + "; report it to the vendor of the plugin";
    if (running.empty()) return ": it was killed, or its machine stopped, while no plugin was called";
    return ": it was killed, or a plugin ended its process, during " + running;
}

}  // namespace

void tell_of_dead_runs(const std::filesystem::path& state, observe::Log& log) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory_of_calls(state), none)) {
        const auto left = plugin::CallRecord::left_in(entry.path());
        if (!left) continue;
        const auto run = entry.path().filename().string();
        log.tell("run-died", "run " + run + " ended without a receipt" + text_of(*left), {{"run", run}});
        std::error_code ignored;
        std::filesystem::remove(entry.path(), ignored);
    }
}

std::unique_ptr<plugin::CallRecord> record_calls(const std::filesystem::path& state,
                                                 const delivery::RunDirectory& directory, observe::Log& log) {
    const auto calls = directory_of_calls(state);
    std::error_code error;
    std::filesystem::create_directories(calls, error);
    auto record = plugin::CallRecord::begin(calls / directory.path().filename());
    if (record) return std::move(record).value();
    log.tell("calls-unrecorded",
             record.error().text() + "; should this run die, nobody will know which plugin it died in");
    return nullptr;
}

}  // namespace leat::cli
