#include "plugin/instance.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "plugin/call_record.hpp"
#include "plugin/context.hpp"
#include "plugin/item_bucket.hpp"
#include "plugin/library.hpp"

namespace leat::plugin {
namespace {

leat_bytes bytes_of(std::string_view text) {
    return {text.data(), text.size()};
}

leat_bucket_config abi_of(const config::BucketSettings& bucket) {
    leat_bucket_config out{};
    out.struct_size = sizeof out;
    out.workers = bucket.workers;
    out.max_rows = bucket.rows;
    out.max_bytes = bucket.bytes;
    out.max_wait_ns = static_cast<std::uint64_t>(bucket.timeout.count());
    return out;
}

leat_bucket abi_of(const Instance::BucketHead& head) {
    leat_bucket out{};
    out.struct_size = sizeof out;
    out.attempt = head.attempt;
    out.id = head.id;
    out.rows = head.rows;
    out.bytes = head.bytes;
    out.lane = head.lane;
    out.prev = bytes_of(head.prev);
    out.token = bytes_of(head.token);
    return out;
}

std::string called_text(const Component& component, const InstanceSettings& settings) {
    const auto* const library = component.library;
    std::string out;
    out.reserve(160);  // once: a runner that does nothing lasts less than a microsecond
    out.append(settings.role).append(1, ' ').append(component.id);
    if (library) out.append(" (plugin ").append(library->id()).append(1, ' ').append(library->version()).append(1, ')');
    out.append(", pipeline ").append(settings.pipeline);
    return out;
}

/// Runs one entry of the plugin.
template <class Body>
Answer call(Instance::Context& context, const Entry& entry, Body&& body) {
    context.reason.clear();
    context.rejects.clear();
    context.refused_bytes = 0;
    const auto released_before = Batch::releases_too_many_here();
    context.clock.begin(entry.is_timed);
    const auto began = context.clock.now();
    const auto spent_before = context.spent_ns.load(std::memory_order_relaxed);
    context.since_ns.store(began, std::memory_order_relaxed);
    context.entry.store(&entry, std::memory_order_relaxed);
    context.in_plugin.store(&entry, std::memory_order_release);
    const auto* const outer = std::exchange(Instance::Context::caller(), &context);
    std::optional<NotedCall> noted(std::in_place, entry.name, context.called);

    Answer answer;
    leat_status raw = LEAT_OK;
    // The plugin ought to let nothing out; what it lets out all the same ends the call, not the host.
    try {
        raw = body();
    } catch (const std::exception& e) {
        context.violation(std::string("let a C++ exception escape: ") + e.what());
    } catch (...) {
        context.violation("let an exception escape that is not a std::exception");
    }

    noted.reset();
    Instance::Context::caller() = outer;
    context.in_plugin.store(nullptr, std::memory_order_release);
    // since_ns has moved on by what the call waited in the host.
    const auto spent =
        std::max<std::int64_t>(0, context.clock.now() - context.since_ns.load(std::memory_order_relaxed));
    context.spent_ns.store(spent_before + spent, std::memory_order_relaxed);
    context.clock.end(spent);

    const bool known = raw == LEAT_OK || (raw < 0 && raw >= LEAT_ERR_FATAL) ||
                       (entry.may_end && (raw == LEAT_END || raw == LEAT_IDLE));
    if (!known) context.violation("answered " + std::to_string(raw) + ", which is no status of this entry");
    if (Batch::releases_too_many_here() != released_before)
        context.violation("released a batch that it was lent, or a part of it, twice");
    if (context.broke_rule.load(std::memory_order_acquire)) {
        const std::lock_guard lock(context.violation_mutex);
        answer.status = Status::fatal;
        answer.misbehaved = true;
        answer.text = std::move(context.broken_rule);
        context.broke_rule.store(false, std::memory_order_relaxed);  // it is told once
        return answer;
    }
    answer.status = static_cast<Status>(raw);
    if (!answer.ok()) answer.text = context.reason;
    if (answer.status == Status::retry) answer.refused_bytes = context.refused_bytes;
    return answer;
}

/// Runs process or write: lends the batch, takes back what the plugin left, and passes on what it rejected.
template <class Body>
Answer call_with(Instance::Context& context, const Entry& entry, const Batch& batch, Body&& body) {
    if (const auto& column = batch.schema().rich_column(); !column.empty() && !context.takes_rich_types) {
        return {Status::unsupported, false,
                "column \"" + column +
                    "\" is a dictionary, a view, a union or run-end encoded, which this component does not take "
                    "(LEAT_RICH_TYPES); convert the column in an earlier stage"};
    }
    leat_batch lent{};
    lent.struct_size = sizeof lent;
    lent.schema = &static_cast<const InternedSchema&>(batch.schema()).abi;
    batch.lend(lent.array);
    context.lent = &batch;
    auto answer = call(context, entry, [&] { return body(&lent); });
    context.lent = nullptr;
    if (lent.array.release) lent.array.release(&lent.array);
    if (!answer.ok() || context.rejects.empty()) return answer;

    // A row rejected twice is one dead letter, with its first reason.
    auto& rejects = context.rejects;
    const auto by_row = [](const Reject& a, const Reject& b) { return a.row < b.row; };
    std::stable_sort(rejects.begin(), rejects.end(), by_row);
    rejects.erase(std::unique(rejects.begin(), rejects.end(), [](auto& a, auto& b) { return a.row == b.row; }),
                  rejects.end());
    if (!context.outlet.reject(batch, rejects)) return {Status::fatal, false, "too many dead letters"};
    return answer;
}

}  // namespace

const char* status_name(Status status) {
    switch (status) {
        case Status::ok:
            return "LEAT_OK";
        case Status::end:
            return "LEAT_END";
        case Status::idle:
            return "LEAT_IDLE";
        case Status::retry:
            return "LEAT_ERR_RETRY";
        case Status::data:
            return "LEAT_ERR_DATA";
        case Status::config:
            return "LEAT_ERR_CONFIG";
        case Status::cancelled:
            return "LEAT_ERR_CANCELLED";
        case Status::unsupported:
            return "LEAT_ERR_UNSUPPORTED";
        case Status::broken:
            return "LEAT_ERR_BROKEN";
        case Status::fatal:
            return "LEAT_ERR_FATAL";
    }
    return "an unknown status";
}

bool Outlet::reject(const Batch&, std::span<const Reject>) {
    return false;
}
bool Outlet::reject_raw(std::string_view, std::string_view) {
    return false;
}
Status Outlet::checkpoint(std::string_view) {
    return Status::unsupported;
}

Result<std::shared_ptr<ItemBucket>> Outlet::make_bucket(const config::BucketSettings&, const ItemKind&) {
    return Error(Errc::bucket, "there are no buckets here");
}

Instance::Context::Context(const Component& of, InstanceSettings given, Stop& stop_state, observe::Log& to, Outlet& out)
    : abi{&host_table()},
      component(of),
      settings(std::move(given)),
      takes_rich_types(of.promises(LEAT_RICH_TYPES)),
      called(called_text(of, settings)),
      stop(stop_state),
      log(to),
      outlet(out),
      owner(process_memory().new_owner()) {
    if (!settings.config) return;
    for (const auto& pointer : settings.config->secrets) {
        boost::system::error_code error;
        const auto* const value = settings.config->value.find_pointer(pointer, error);
        if (!value) continue;
        auto text = value->is_string() ? std::string(value->get_string()) : boost::json::serialize(*value);
        // Shorter ones are in every text by chance.
        if (text.size() >= 3) secrets.push_back(std::move(text));
    }
}

void Instance::Context::violation(std::string text) {
    text = without_secrets(text);
    const std::lock_guard lock(violation_mutex);
    if (broke_rule.load(std::memory_order_relaxed)) return;
    broken_rule = std::move(text);
    broke_rule.store(true, std::memory_order_release);
}

StopState Instance::Context::woken_by() const {
    // A pipeline component is a source only while it reads.
    const auto* const running = entry.load(std::memory_order_relaxed);
    if (component.kind == Kind::pipeline && running != &entries::read && running != &entries::open)
        return StopState::stop;
    return settings.woken_by;
}

std::string Instance::Context::without_secrets(std::string_view text) const {
    std::string out(text);
    for (const auto& secret : secrets) {
        for (auto at = out.find(secret); at != std::string::npos; at = out.find(secret, at + 3))
            out.replace(at, secret.size(), "***");
    }
    return out;
}

Instance::Instance(const Component& component, InstanceSettings settings, Stop& stop, observe::Log& log, Outlet& outlet)
    : context_(std::make_unique<Context>(component, std::move(settings), stop, log, outlet)) {}

Answer Instance::create() {
    self_ = nullptr;
    auto answer = call(*context_, entries::create, [&] { return component().entry.create(&context_->abi, &self_); });
    created_ = answer.ok();  // after a failed create, destroy is not called
    return answer;
}

Result<std::unique_ptr<Instance>> Instance::create(const Component& component, InstanceSettings settings, Stop& stop,
                                                   observe::Log& log, Outlet& outlet) {
    auto out = std::make_unique<Instance>(component, std::move(settings), stop, log, outlet);
    if (const auto answer = out->create(); !answer.ok()) return out->error(answer, "create");
    return out;
}

Instance::~Instance() {
    if (abandoned_.load(std::memory_order_acquire)) {
        static_cast<void>(context_.release());  // a call that never returns may still look at it
        return;
    }
    close();
    destroy();
}

Answer Instance::destroy() {
    if (!std::exchange(created_, false)) return {};
    return call(*context_, entries::destroy, [&] {
        component().entry.destroy(self_);
        return LEAT_OK;
    });
}

const Component& Instance::component() const noexcept {
    return context_->component;
}
const std::string& Instance::role() const noexcept {
    return context_->settings.role;
}

std::string Instance::title() const {
    return context_->settings.role + " " + context_->component.id;
}

Answer Instance::open(std::string_view resume) {
    auto& component = context_->component;
    auto* const ctx = &context_->abi;
    const auto from = bytes_of(resume);
    auto answer = call(*context_, entries::open, [&] {
        switch (component.kind) {
            case Kind::source:
            case Kind::pipeline:
                return component.source.open(self_, ctx, &from);
            case Kind::transform:
                return component.transform.open(self_, ctx, &from);
            case Kind::sink:
                return component.sink.open(self_, ctx);
            case Kind::runner:
                break;
        }
        return leat_status{LEAT_OK};
    });
    open_ = answer.ok();
    return answer;
}

Answer Instance::close() {
    if (!std::exchange(open_, false)) return {};
    auto& component = context_->component;
    auto* const ctx = &context_->abi;
    return call(*context_, entries::close, [&] {
        switch (component.kind) {
            case Kind::source:
            case Kind::pipeline:
                component.source.close(self_, ctx);
                break;
            case Kind::transform:
                component.transform.close(self_, ctx);
                break;
            case Kind::sink:
                component.sink.close(self_, ctx);
                break;
            case Kind::runner:
                break;
        }
        return LEAT_OK;
    });
}

Answer Instance::run(const config::BucketSettings& bucket, std::string_view resume) {
    const auto limits = abi_of(bucket);
    const auto from = bytes_of(resume);
    return call(*context_, entries::run,
                [&] { return context_->component.runner.run(self_, &context_->abi, &limits, &from); });
}

std::unique_ptr<Instance> Instance::make_worker(std::uint32_t number, Outlet& outlet) const {
    auto settings = context_->settings;
    settings.role += " worker " + std::to_string(number);
    settings.woken_by = StopState::stop;  // what it has in hand is to be finished
    auto out =
        std::make_unique<Instance>(context_->component, std::move(settings), context_->stop, context_->log, outlet);
    out->self_ = self_;  // for interrupt; it is destroyed by this one alone
    return out;
}

Answer Instance::process(const ItemKind& kind, leat_items& items) {
    return call(*context_, entries::process_items,
                [&] { return kind.calls.process(kind.user, &context_->abi, &items); });
}

Answer Instance::deliver(const ItemKind& kind, leat_items& items) {
    return call(*context_, entries::deliver, [&] { return kind.calls.deliver(kind.user, &context_->abi, &items); });
}

Answer Instance::read(const config::BucketSettings& hint) {
    auto limits = abi_of(hint);
    limits.workers = 0;
    return call(*context_, entries::read,
                [&] { return context_->component.source.read(self_, &context_->abi, &limits); });
}

Answer Instance::ack(std::string_view position) {
    const auto at = bytes_of(position);
    return call(*context_, entries::ack, [&] { return context_->component.source.ack(self_, &context_->abi, &at); });
}

Answer Instance::process(const Batch& batch) {
    return call_with(*context_, entries::process, batch, [&](leat_batch* lent) {
        return context_->component.transform.process(self_, &context_->abi, lent);
    });
}

Answer Instance::flush(bool last) {
    return call(*context_, entries::flush,
                [&] { return context_->component.transform.flush(self_, &context_->abi, last ? 1 : 0); });
}

Answer Instance::save(std::string& state) {
    state.clear();
    return call(*context_, entries::save, [&] {
        leat_bytes bytes{};
        const auto status = context_->component.transform.save(self_, &context_->abi, &bytes);
        if (status != LEAT_OK || bytes.size == 0) return status;
        if (!bytes.data) {
            context_->violation("gave a state of " + std::to_string(bytes.size) + " bytes at NULL");
            return status;
        }
        state.assign(static_cast<const char*>(bytes.data), bytes.size);
        return status;
    });
}

Answer Instance::recover(const std::string& lane, std::string& token) {
    constexpr std::uint64_t longest_token = 4096;
    token.clear();
    return call(*context_, entries::recover, [&] {
        leat_bytes found{};
        const auto status = context_->component.sink.recover(self_, &context_->abi, lane.c_str(), &found);
        if (status != LEAT_OK || found.size == 0) return status;
        if (found.size > longest_token || !found.data) {
            context_->violation("gave a token of " + std::to_string(found.size) + " bytes; at most 4096 are stored");
            return status;
        }
        token.assign(static_cast<const char*>(found.data), found.size);
        return status;
    });
}

// A sink that has no begin, commit or abort is not called: for a small bucket the clocks around a call are much.

Answer Instance::begin(const BucketHead& head) {
    if (!component().has_begin) return {};
    const auto bucket = abi_of(head);
    return call(*context_, entries::begin,
                [&] { return context_->component.sink.begin(self_, &context_->abi, &bucket); });
}

Answer Instance::write(const Batch& batch) {
    return call_with(*context_, entries::write, batch,
                     [&](leat_batch* lent) { return context_->component.sink.write(self_, &context_->abi, lent); });
}

Answer Instance::commit(const BucketHead& head) {
    if (!component().has_commit) return {};
    const auto bucket = abi_of(head);
    return call(*context_, entries::commit,
                [&] { return context_->component.sink.commit(self_, &context_->abi, &bucket); });
}

void Instance::abort(const BucketHead& head) {
    if (!component().has_abort) return;
    const auto bucket = abi_of(head);
    call(*context_, entries::abort, [&] {
        context_->component.sink.abort(self_, &context_->abi, &bucket);
        return LEAT_OK;
    });
}

Answer Instance::pre_process() {
    return call(*context_, entries::pre_process,
                [&] { return context_->component.hooks.pre_process(self_, &context_->abi); });
}

Answer Instance::post_process(Status outcome) {
    return call(*context_, entries::post_process, [&] {
        return context_->component.hooks.post_process(self_, &context_->abi, static_cast<leat_status>(outcome));
    });
}

void Instance::interrupt(StopState state) {
    const auto& component = context_->component;
    const auto* const running = context_->in_plugin.load(std::memory_order_acquire);
    if (!running || !running->interruptible) return;
    try {
        switch (component.kind) {
            case Kind::runner:
                return component.runner.interrupt(self_);
            case Kind::source:
                return component.source.interrupt(self_);
            case Kind::transform:
                return component.transform.interrupt(self_);
            case Kind::sink:
                return component.sink.interrupt(self_);
            case Kind::pipeline:
                // Before a STOP, what it has in hand is to be finished.
                if (state < StopState::stop && running != &entries::read) return;
                component.source.interrupt(self_);
                if (component.sink.interrupt != component.source.interrupt) component.sink.interrupt(self_);
                return;
        }
    } catch (...) {
        context_->violation("let an exception escape from interrupt");
    }
}

std::string Instance::reason(const Answer& answer, std::string_view entry) {
    if (!answer.text.empty()) return answer.text;
    return std::string(entry) + " answered " + status_name(answer.status) + " and gave no reason";
}

Error Instance::error(const Answer& answer, std::string_view entry) const {
    const auto code = answer.misbehaved                      ? Errc::plugin
                      : answer.status == Status::config      ? Errc::configuration
                      : answer.status == Status::unsupported ? Errc::configuration
                                                             : Errc::pipeline_execution;
    const auto next = answer.status == Status::retry    ? Next::retry
                      : answer.status == Status::data   ? Next::dead_letter
                      : answer.status == Status::broken ? Next::rebuild
                                                        : Next::give_up;
    std::string message;
    if (answer.misbehaved) {
        message = std::string(entry) + " broke a rule of the plugin ABI: " + answer.text +
                  "; this is a bug in plugin " + std::string(context_->component.plugin_id()) + " " +
                  std::string(context_->component.plugin_version()) + ": report it to its vendor";
    } else if (answer.status == Status::cancelled) {
        message = std::string(entry) + " answered " + status_name(answer.status) + ", though no stop was asked" +
                  (answer.text.empty() ? "" : ": " + answer.text);
    } else {
        message = reason(answer, entry);
    }
    return Error(code, std::move(message), next).in(title()).in("pipeline \"" + context_->settings.pipeline + "\"");
}

Instance::Running Instance::running() const {
    const auto* const entry = context_->in_plugin.load(std::memory_order_acquire);
    if (!entry) return {};
    return {entry->name, entry->interruptible,
            std::chrono::nanoseconds(CallClock::exactly() - context_->since_ns.load(std::memory_order_relaxed)),
            entry->may_emit};
}

void Instance::abandon() noexcept {
    abandoned_.store(true, std::memory_order_release);
}

std::uint64_t Instance::live_blocks() const {
    const bool asked = context_->has_allocated.load(std::memory_order_relaxed);
    return asked && process_memory().uses_more_than(0) ? process_memory().live_blocks(context_->owner) : 0;
}

Memory::Owner Instance::memory_owner() const noexcept {
    return context_->owner;
}

double Instance::seconds() const noexcept {
    return static_cast<double>(context_->spent_ns.load(std::memory_order_relaxed)) / 1e9;
}

Instance::Reported Instance::reported() const {
    Reported out;
    const std::lock_guard lock(context_->metrics_mutex);
    for (const auto& metric : context_->metrics) {
        if (metric.kind != LEAT_GAUGE) continue;
        if (metric.name == "progress") {
            out.done = metric.value;
            out.unit = metric.unit;
        }
        if (metric.name == "progress_total") out.total = metric.value;
    }
    return out;
}

}  // namespace leat::plugin
