// A runner's items in the host's hands: what stands behind the service leat.bucket/1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "plugin/abi.hpp"
#include "plugin/instance.hpp"

namespace leat::plugin {

/// What a runner says of its items, with every part that it left out filled in.
struct ItemKind {
    leat_item_calls calls{};
    void* user = nullptr;
    Instance::Context* runner = nullptr;  ///< told when one of them breaks a rule

    bool has_deliver() const noexcept { return calls.deliver != nullptr; }
    /// Moves items to where none are; `from` holds none afterwards. Calls the plugin. Any thread.
    void relocate(std::byte* to, std::byte* from, std::uint64_t count) const;
    /// Ends items. Calls the plugin. Any thread.
    void drop(std::byte* items, std::uint64_t count) const;
};

/// One bucket of a runner, with its workers.
class ItemBucket {
public:
    virtual ~ItemBucket() = default;

    enum class Put {
        taken,   ///< all
        full,    ///< only with `wait` false: what did not fit is still the caller's
        over,    ///< there is no memory for the rest
        closed,  ///< the rest will never be taken; why_closed() tells why
    };
    /// Moves items in, and `items` and `count` on to those that are left. Any thread.
    virtual Put put(std::byte*& items, std::uint64_t& count, bool wait) = 0;
    virtual void close() = 0;
    virtual void cancel() = 0;

    /// Waits until no worker is left, after close. False as soon as one of them will never return.
    virtual bool wait_for_workers() = 0;
    /// Waits for that, too: for ever, unless it does return.
    virtual void wait_for_lost_workers() = 0;

    /// LEAT_OK while nothing failed and no item was dropped or refused because of a stop; else why.
    struct Ending {
        leat_status status = LEAT_OK;
        std::string reason;
    };
    virtual Ending ending() const = 0;
};

/// The table of leat.bucket/1.
const leat_bucket_service& bucket_service();

}  // namespace leat::plugin
