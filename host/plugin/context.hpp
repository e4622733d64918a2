// What stands behind a leat_ctx. Shared by instance.cpp, which makes the calls, and host_services.cpp, which answers
// them.
#pragma once

#include <array>
#include <atomic>
#include <boost/json/value.hpp>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "base/memory.hpp"
#include "plugin/instance.hpp"
#include "plugin/schema_table.hpp"

namespace leat::plugin {

/// The host's table, the same for every instance.
const leat_host& host_table();

class Instance::Context {
public:
    Context(const Component& of, InstanceSettings given, Stop& stop_state, observe::Log& to, Outlet& out)
        : abi{&host_table()},
          component(of),
          settings(std::move(given)),
          stop(stop_state),
          log(to),
          outlet(out),
          owner(process_memory().new_owner()) {}

    static Context& of(leat_ctx* ctx) { return *reinterpret_cast<Context*>(ctx); }
    /// True on the thread that is inside a call of this instance, for what is tagged [in].
    bool inside() const { return caller() == this; }
    /// Notes that a rule was broken; the call that is running will answer fatal with this text. The first one counts.
    void violation(std::string text);

    static const Context*& caller() {
        thread_local const Context* inside = nullptr;
        return inside;
    }

    leat_ctx abi;  // must be first: a leat_ctx* is a Context*
    const Component& component;
    const InstanceSettings settings;
    Stop& stop;
    observe::Log& log;
    Outlet& outlet;
    const Memory::Owner owner;

    // The call that is running.
    std::atomic<const char*> entry{nullptr};
    std::atomic<std::int64_t> since_ns{0};
    std::atomic<std::int64_t> spent_ns{0};
    const char* last_entry = "";
    std::string reason;
    std::mutex violation_mutex;  // a violation may be found on another thread
    std::string broken_rule;
    std::atomic<bool> broke_rule{false};
    const Batch* lent = nullptr;  // in process and write
    std::vector<Reject> rejects;  // of the batch that is lent
    const InternedSchema* last_schema = nullptr;

    // Texts made for config(), borrowed by the plugin until destroy.
    std::mutex texts_mutex;
    std::deque<std::string> texts;

    struct Metric {
        int kind;
        std::string name;
        std::string unit;
        std::atomic<double> value{0};
    };
    mutable std::mutex metrics_mutex;
    std::deque<Metric> metrics;
};

}  // namespace leat::plugin
