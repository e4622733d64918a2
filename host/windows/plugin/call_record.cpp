// Which calls run is known to their own threads only: nothing of it outlives the process here. packaging/README.md says
// so.
#include "plugin/call_record.hpp"

namespace leat::plugin {
namespace {

constinit thread_local const NotedCall* running_here = nullptr;

}  // namespace

NotedCall::NotedCall(const char* entry, std::string_view of) noexcept : entry_(entry), of_(of) {
    outer_ = std::exchange(running_here, this);
}

NotedCall::~NotedCall() {
    running_here = outer_;
}

Result<std::unique_ptr<CallRecord>> CallRecord::begin(const std::filesystem::path& file) {
    return std::unique_ptr<CallRecord>(new CallRecord(file, Descriptor()));
}

CallRecord::~CallRecord() = default;

std::optional<std::vector<CallRecord::Call>> CallRecord::left_in(const std::filesystem::path&) {
    return std::nullopt;
}

void report_crashes(int) {}

std::string signal_text(int signal) {
    return "signal " + std::to_string(signal);
}

}  // namespace leat::plugin
