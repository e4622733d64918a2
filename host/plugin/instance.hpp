// One live object of a component, and the guard around every call into it.
//
// A call is fenced (whatever a plugin lets escape becomes a status), timed, and named while it runs, so that a call
// that never returns can be told from outside. An instance is never inside two calls at once; its caller sees to that.
#pragma once

#include <atomic>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/batch.hpp"
#include "base/memory.hpp"
#include "base/result.hpp"
#include "base/stop.hpp"
#include "config/settings.hpp"
#include "observe/log.hpp"
#include "plugin/component.hpp"

namespace leat::plugin {

/// leat_status, with every unknown value already turned into fatal.
enum class Status : std::int32_t {
    ok = 0,
    end = 1,
    idle = 2,
    retry = -1,
    data = -2,
    config = -3,
    cancelled = -4,
    unsupported = -5,
    broken = -6,
    fatal = -7,
};

/// "LEAT_OK", "LEAT_ERR_RETRY"...
const char* status_name(Status status);

/// What a call answered, with the reason that the plugin gave, or that the host found.
struct Answer {
    Status status = Status::ok;
    bool misbehaved = false;  ///< the call broke a rule of the ABI; the text says which
    std::string text;
    std::uint64_t refused_bytes = 0;  ///< of a retry: the block that there was no memory for; 0: that was not why
    bool ok() const noexcept { return status >= Status::ok; }
};

/// What a plugin turned away, in the numbering of the batch that was lent.
struct Reject {
    std::int64_t row;
    std::string why;
};

class ItemBucket;
struct ItemKind;

/// Where what an instance puts out goes. Called on the thread that is inside the call.
class Outlet {
public:
    virtual ~Outlet() = default;
    /// False: a stop was asked, and the batch was dropped and counted.
    virtual bool emit(Batch batch) = 0;
    /// True when emit may wait for room; such waiting is the host's, and is not counted as the plugin's.
    virtual bool waits() const { return false; }
    /// The call waits for memory: what is held for later should go on now.
    virtual void short_of_memory() {}
    /// Bytes that emit takes now without blocking.
    virtual std::uint64_t room() const { return UINT64_MAX; }
    /// Rows of the batch that was lent to process or write, once that call has answered ok. False: too many.
    virtual bool reject(const Batch& lent, std::span<const Reject> rows);
    /// Something that never became a row. False: too many.
    virtual bool reject_raw(std::string_view data, std::string_view why);
    virtual Status checkpoint(std::string_view state);
    /// A bucket for a runner's own items, with its workers. Errors: worker_pool_exhausted.
    virtual Result<std::shared_ptr<ItemBucket>> make_bucket(const config::BucketSettings& limits, const ItemKind& kind);
};

struct InstanceSettings {
    std::string pipeline;
    std::string role;                                   ///< "extract", "transform 2", "load", "run": for messages
    const config::ComponentSettings* config = nullptr;  ///< for its secrets; outlives the instance
    boost::json::value values;                          ///< what the plugin reads: validated, with defaults
    StopState woken_by = StopState::stop;               ///< which step of the stop ends its waits: drain for a source
};

class Instance {
public:
    /// Makes the object inside the plugin. All arguments but `settings` must outlive the instance.
    static Result<std::unique_ptr<Instance>> create(const Component& component, InstanceSettings settings, Stop& stop,
                                                    observe::Log& log, Outlet& outlet);
    /// The same in two steps, for one who wants to watch the plugin's create: until create() has answered OK, nothing
    /// else may be called.
    Instance(const Component& component, InstanceSettings settings, Stop& stop, observe::Log& log, Outlet& outlet);
    Answer create();
    /// Closes and destroys the object if that was not done, unless it was abandoned.
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    const Component& component() const noexcept;
    /// `extract csv`
    std::string title() const;
    /// `extract`
    const std::string& role() const noexcept;

    /// Opens the source, transform or sink table, whichever the component has; a pipeline component opens once.
    Answer open(std::string_view resume);
    bool is_open() const noexcept { return open_; }
    /// Undoes open; fails only when the plugin broke a rule.
    Answer close();
    /// Ends the object inside the plugin; nothing but create may be called afterwards.
    Answer destroy();

    Answer run(const config::BucketSettings& bucket, std::string_view resume);

    /// The same object as seen by a worker of one of its buckets: it has a context of its own, so that the calls below
    /// may come while run is running. Must go before the instance that it was made of.
    std::unique_ptr<Instance> make_worker(std::uint32_t number, Outlet& outlet) const;
    /// What a runner made a bucket with. `items` is lent; its `filtered` is the plugin's answer.
    Answer process(const ItemKind& kind, leat_items& items);
    Answer deliver(const ItemKind& kind, leat_items& items);

    Answer read(const config::BucketSettings& hint);
    Answer ack(std::string_view position);

    Answer process(const Batch& batch);
    Answer flush(bool last);
    /// What open needs to go on from here.
    Answer save(std::string& state);

    /// The token that is in the target for this lane; empty: none.
    Answer recover(const std::string& lane, std::string& token);
    /// One bucket as the ABI shows it.
    struct BucketHead {
        std::uint64_t id = 0;
        std::uint32_t attempt = 1;
        std::uint64_t rows = 0;
        std::uint64_t bytes = 0;
        const char* lane = "";
        std::string_view prev;
        std::string_view token;
    };
    Answer begin(const BucketHead& head);
    Answer write(const Batch& batch);
    Answer commit(const BucketHead& head);
    void abort(const BucketHead& head);

    Answer pre_process();
    Answer post_process(Status outcome);

    /// Tells the call that is running, if there is one, to return soon: a stop has reached `state`. Any thread; calls
    /// the plugin's interrupt, which may break its rules like any other entry.
    void interrupt(StopState state);

    /// Why a call failed: what it gave as its reason, or that it gave none.
    static std::string reason(const Answer& answer, std::string_view entry);
    /// An Error that tells the whole story of a failed answer: pipeline, role, component, entry, reason.
    Error error(const Answer& answer, std::string_view entry) const;

    /// The call that is running inside the plugin, if one is: for the watch over calls that never return. Any thread.
    /// What it waits in the host, for room, does not count.
    struct Running {
        const char* entry = nullptr;
        bool interruptible = false;  ///< it moves rows, or gets ready to
        std::chrono::steady_clock::duration age{};
        bool may_emit = false;  ///< it may put batches out, and go on as long as it does
    };
    Running running() const;

    /// The call that is running will never return: nothing of this instance is touched or freed any more.
    void abandon() noexcept;
    bool is_abandoned() const noexcept { return abandoned_.load(std::memory_order_acquire); }

    /// Whom Memory::live_blocks knows this instance as.
    Memory::Owner memory_owner() const noexcept;
    /// Of the host's memory that it asked for and that nobody has given back yet. Looks at every block that there ever
    /// was, unless it never asked for one, or none is in use.
    std::uint64_t live_blocks() const;

    /// Seconds spent inside calls so far. Any thread.
    double seconds() const noexcept;

    /// What the component reported over the gauges "progress" and "progress_total". Any thread.
    struct Reported {
        double done = 0;
        double total = 0;
        std::string unit;
    };
    Reported reported() const;

    class Context;  ///< behind leat_ctx; host_services.cpp works on it

private:
    std::unique_ptr<Context> context_;
    void* self_ = nullptr;
    bool created_ = false;
    bool open_ = false;
    std::atomic<bool> abandoned_{false};
};

}  // namespace leat::plugin
