// What stands behind a leat_ctx. Shared by instance.cpp, which makes the calls, and host_services.cpp, which answers
// them.
#pragma once

#include <array>
#include <atomic>
#include <boost/json/value.hpp>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "base/memory.hpp"
#include "plugin/call_clock.hpp"
#include "plugin/instance.hpp"
#include "plugin/schema_table.hpp"

namespace leat::plugin {

/// The host's table, the same for every instance.
const leat_host& host_table();

/// An entry of a component, and what may happen while it runs.
struct Entry {
    const char* name;
    bool interruptible = false;   ///< a stop interrupts it: it moves rows, or gets ready to
    bool may_end = false;         ///< it may answer END and IDLE
    bool may_emit = false;        ///< it may put batches out
    bool waits = false;           ///< an emit in it may wait for room
    bool may_reject_raw = false;  ///< it may meet what is no row
    bool is_timed = true;         ///< somebody asks how long it took
};
namespace entries {
inline constexpr Entry create{.name = "create", .is_timed = false}, destroy{.name = "destroy", .is_timed = false};
inline constexpr Entry open{"open", true}, close{"close"}, ack{"ack"};
inline constexpr Entry run{"run", true, false, true, true, true, false}, read{"read", true, true, true, true, true};
inline constexpr Entry process{"process", true, false, true}, flush{"flush", true, false, true}, save{"save"};
inline constexpr Entry recover{"recover", true}, begin{"begin", true}, write{"write", true}, commit{"commit", true},
    abort{"abort"};
inline constexpr Entry pre_process{"pre_process", true}, post_process{"post_process"};
inline constexpr Entry process_items{"process of items", true, false, false, false, true};
inline constexpr Entry deliver{"deliver", true, false, false, false, true};
}  // namespace entries

class Instance::Context {
public:
    Context(const Component& of, InstanceSettings given, Stop& stop_state, observe::Log& to, Outlet& out);

    static Context& of(leat_ctx* ctx) { return *reinterpret_cast<Context*>(ctx); }
    /// True on the thread that is inside a call of this instance, for what is tagged [in].
    bool inside() const { return caller() == this; }
    /// Notes that a rule was broken; the call that is running will answer fatal with this text. The first one counts.
    void violation(std::string text);
    /// The step of the stop that ends the waits of the call that is running: DRAIN for what reads, STOP for the rest.
    StopState woken_by() const;
    /// The text without the values of the component's secrets.
    std::string without_secrets(std::string_view text) const;

    static const Context*& caller() {
        thread_local const Context* inside = nullptr;
        return inside;
    }

    leat_ctx abi;  // must be first: a leat_ctx* is a Context*
    const Component& component;
    const InstanceSettings settings;
    const bool takes_rich_types;
    const std::string called;  ///< "load acme.sink (plugin acme 1.2), pipeline a"
    Stop& stop;
    observe::Log& log;
    Outlet& outlet;
    const Memory::Owner owner;
    std::atomic<bool> has_allocated{false};  // of the host's memory, ever

    // The call that is running. `in_plugin` is NULL between calls, and while a call waits in the host.
    std::atomic<const Entry*> in_plugin{nullptr};
    std::atomic<const Entry*> entry{nullptr};
    CallClock clock;                        // of the thread that is inside
    std::atomic<std::int64_t> since_ns{0};  // moved on by what was waited in the host
    std::atomic<std::int64_t> spent_ns{0};
    std::string reason;
    std::mutex violation_mutex;  // a violation may be found on another thread
    std::string broken_rule;
    std::atomic<bool> broke_rule{false};
    std::uint64_t refused_bytes = 0;  // the largest block that there was no memory for
    const Batch* lent = nullptr;      // in process and write
    std::vector<Reject> rejects;      // of the batch that is lent
    const InternedSchema* last_schema = nullptr;

    std::vector<std::string> secrets;  // immutable

    // Of a runner, the buckets that it made; touched by its run alone, and kept to its end for calls that come late.
    std::vector<std::shared_ptr<leat_item_bucket>> buckets;

    // Texts made for config(), borrowed by the plugin until destroy.
    std::mutex texts_mutex;
    std::list<std::string> texts;

    struct Metric {
        int kind;
        std::string name;
        std::string unit;
        double value = 0;
    };
    mutable std::mutex metrics_mutex;
    std::vector<Metric> metrics;  // guarded by metrics_mutex; a handle is a place in it, from 1 on
};

}  // namespace leat::plugin
