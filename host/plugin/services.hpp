// What the services that a plugin may ask for have in common.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "plugin/context.hpp"

namespace leat::plugin {

/// Runs `body`; the host being out of memory must not unwind into a plugin.
template <class Answered, class Body>
Answered fenced(std::type_identity_t<Answered> otherwise, Body&& body) {
    try {
        return body();
    } catch (...) {
        return otherwise;
    }
}

/// While it lives, the call that is running waits in the host: that is neither the plugin's time nor its fault.
class Waiting {
public:
    Waiting(Instance::Context& context, bool waits) : context_(waits ? &context : nullptr) {
        if (!context_) return;
        entry_ = context_->in_plugin.exchange(nullptr, std::memory_order_acq_rel);
        began_ = context_->clock.now();
    }
    ~Waiting() {
        if (!context_) return;
        context_->since_ns.fetch_add(context_->clock.now() - began_, std::memory_order_relaxed);
        context_->in_plugin.store(entry_, std::memory_order_release);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

private:
    Instance::Context* const context_;
    const Entry* entry_ = nullptr;
    std::int64_t began_ = 0;
};

/// Checks that a service tagged [in] is asked for in the right place.
inline bool allowed(Instance::Context& context, const char* service, bool here, const char* where) {
    if (!context.inside()) {
        context.violation(std::string("host->") + service + " was called outside of a call, or on another thread");
    } else if (!here) {
        context.violation(std::string("host->") + service + " was called in " +
                          context.entry.load(std::memory_order_relaxed)->name + ", but is for " + where);
    }
    return context.inside() && here;
}

inline bool is_in(const Instance::Context& context, const Entry& entry) {
    return context.entry.load(std::memory_order_relaxed) == &entry;
}

}  // namespace leat::plugin
