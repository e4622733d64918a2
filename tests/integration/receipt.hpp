// The receipt of a run, as scripts read it: the last line of standard output of `leat run --json`.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>

namespace integration {

inline boost::json::object receipt_of(const std::string& out) {
    const auto end = out.find_last_not_of('\n');
    const auto begin = out.rfind('\n', end);
    const auto line = out.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
    boost::json::error_code error;
    auto value = boost::json::parse(line, error);
    return error || !value.is_object() ? boost::json::object() : value.get_object();
}

/// One pipeline's part.
inline boost::json::object pipeline_of(const std::string& out, std::size_t index = 0) {
    const auto receipt = receipt_of(out);
    const auto* const list = receipt.if_contains("pipelines");
    if (!list || !list->is_array() || list->get_array().size() <= index) return {};
    return list->get_array()[index].get_object();
}

inline std::uint64_t number(const boost::json::object& of, const char* key) {
    const auto* const value = of.if_contains(key);
    if (!value || !value->is_number()) return UINT64_MAX;
    return value->to_number<std::uint64_t>();
}

inline std::string text(const boost::json::object& of, const char* key) {
    const auto* const value = of.if_contains(key);
    return !value ? "missing" : value->is_string() ? std::string(value->get_string()) : boost::json::serialize(*value);
}

/// "read 3 = delivered 2 + filtered 0 + dead 1, done, balanced": what a test compares in one go.
inline std::string balance(const std::string& out, std::size_t index = 0) {
    const auto one = pipeline_of(out, index);
    if (one.empty()) return "no receipt";
    return "read " + std::to_string(number(one, "read")) + " = delivered " + std::to_string(number(one, "delivered")) +
           " + filtered " + std::to_string(number(one, "filtered")) + " + dead " + std::to_string(number(one, "dead")) +
           ", " + text(one, "outcome") +
           (text(receipt_of(out), "balanced") == "true" ? ", balanced" : ", NOT balanced");
}

}  // namespace integration
