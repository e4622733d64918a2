#include "config/difference.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <optional>

namespace leat::config {
namespace {

// Each takes its struct apart by all of its members, so that a new one cannot be forgotten here.

std::string difference(const RateSettings& one, const RateSettings& other) {
    return one == other ? "" : "rate";
}

std::string difference(const BucketSettings& one, const BucketSettings& other) {
    const auto& [rows, bytes, timeout, workers, ordered, workers_given_here] = one;
    static_cast<void>(workers_given_here);  // only says where it stands
    return rows != other.rows         ? "bucket.rows"
           : bytes != other.bytes     ? "bucket.bytes"
           : timeout != other.timeout ? "bucket.timeout"
           : workers != other.workers ? "bucket.workers"
           : ordered != other.ordered ? "bucket.order"
                                      : "";
}

std::string difference(const RetrySettings& one, const RetrySettings& other) {
    const auto& [attempts, first_wait, longest_wait, budget] = one;
    const bool same = attempts == other.attempts && first_wait == other.first_wait &&
                      longest_wait == other.longest_wait && budget == other.budget;
    return same ? "" : "retry";
}

std::string difference(const CircuitSettings& one, const CircuitSettings& other) {
    const auto& [failures, pause] = one;
    return failures == other.failures && pause == other.pause ? "" : "circuit";
}

/// The key of the first value that differs, as in ".path".
std::string difference(const boost::json::value& one, const boost::json::value& other) {
    if (one == other) return {};
    const auto* const object = one.if_object();
    const auto* const others = other.if_object();
    if (!object || !others) return {};
    for (const auto& member : *object) {
        const auto* const at = others->if_contains(member.key());
        if (!at || *at != member.value()) return "." + std::string(member.key());
    }
    for (const auto& member : *others)
        if (!object->contains(member.key())) return "." + std::string(member.key());
    return {};
}

std::string difference(const std::string& key, const ComponentSettings& one, const ComponentSettings& other) {
    const auto& [id, connection, connection_rate, value, where, marks, key_marks, variables, secrets, wrong] = one;
    static_cast<void>(where);
    static_cast<void>(marks);
    static_cast<void>(key_marks);
    static_cast<void>(variables);  // their values stand in `value`
    static_cast<void>(wrong);
    if (id != other.id || connection != other.connection) return key;
    const auto name = key + "." + (connection.empty() ? id : connection);
    if (!difference(connection_rate, other.connection_rate).empty()) return name + ".rate";
    if (value != other.value) return name + difference(value, other.value);
    return secrets == other.secrets ? "" : name;
}

std::string difference(const std::string& key, const std::optional<ComponentSettings>& one,
                       const std::optional<ComponentSettings>& other) {
    if (one.has_value() != other.has_value()) return key;
    return one ? difference(key, *one, *other) : "";
}

std::string difference(const DeadLetterSettings& one, const DeadLetterSettings& other) {
    const auto& [rows, fraction, to] = one;
    if (rows != other.rows || fraction != other.fraction) return "dead_letters.limit";
    return difference("dead_letters.to", to, other.to);
}

std::string difference(const std::vector<ComponentSettings>& one, const std::vector<ComponentSettings>& other) {
    for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
        auto found = difference("transform[" + std::to_string(i) + "]", one[i], other[i]);
        if (!found.empty()) return found;
    }
    return one.size() == other.size() ? "" : "transform[" + std::to_string(std::min(one.size(), other.size())) + "]";
}

std::string difference(const std::optional<DemandedDelivery>& one, const std::optional<DemandedDelivery>& other) {
    if (one.has_value() != other.has_value()) return "delivery";
    return !one || one->least == other->least ? "" : "delivery";
}

}  // namespace

std::string first_difference(const PipelineSettings& one, const PipelineSettings& other) {
    const auto& [name, where, run, extract, transform, load, bucket, retry, circuit, rate, dead_letters, delivery] =
        one;
    static_cast<void>(where);
    if (name != other.name) return "name";
    for (auto found : {difference("run", run, other.run), difference("extract", extract, other.extract),
                       difference(transform, other.transform), difference("load", load, other.load),
                       difference(bucket, other.bucket), difference(retry, other.retry),
                       difference(circuit, other.circuit), difference(rate, other.rate),
                       difference(dead_letters, other.dead_letters), difference(delivery, other.delivery)})
        if (!found.empty()) return found;
    return {};
}

}  // namespace leat::config
