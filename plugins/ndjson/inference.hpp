// What type a column has, found from its values.
//
// Nothing is ever lost by the type that is chosen: numbers become int64, uint64, float64 or decimal, whichever holds
// all of them digit for digit; text becomes a date or a timestamp only if every value is one; values that have no type
// in common become JSON text.
#pragma once

#include <simdjson.h>
#include <leat/leat.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "json_text.hpp"
#include "time_text.hpp"

namespace ndjson {

enum class Nested { structs, text };

class Shape;

/// The keys of an object in the order in which they were first seen.
class Members {
public:
    Shape& of(std::string_view key);
    [[nodiscard]] std::size_t size() const { return all_.size(); }
    [[nodiscard]] auto begin() const { return all_.begin(); }
    [[nodiscard]] auto end() const { return all_.end(); }

private:
    std::vector<std::pair<std::string, std::unique_ptr<Shape>>> all_;
    std::unordered_map<std::string, std::size_t> places_;
};

/// Everything that was seen of the values of one column, or of one level within it.
class Shape {
public:
    /// Objects deeper than this, or with more keys, are kept as JSON text: they are data, not columns.
    static constexpr int deepest = 32;
    static constexpr std::size_t most_members = 1000;

    /// Counts one value in. Returns false when it is not sound JSON; the line has been checked before.
    bool see(simdjson::ondemand::value value, int depth = 0) {
        simdjson::ondemand::json_type type{};
        if (value.type().get(type) != simdjson::SUCCESS) return false;
        switch (type) {
            case simdjson::ondemand::json_type::object:
                return see_object(value, depth);
            case simdjson::ondemand::json_type::array:
                return see_array(value, depth);
            case simdjson::ondemand::json_type::string: {
                std::string_view text;
                if (value.get_string().get(text) != simdjson::SUCCESS) return false;
                see_text(text);
                return true;
            }
            case simdjson::ondemand::json_type::number:
                see_number(token_of(value));
                return true;
            case simdjson::ondemand::json_type::boolean:
                booleans_ = true;
                return true;
            case simdjson::ondemand::json_type::null:
                return true;
        }
        return false;
    }

    [[nodiscard]] leat::data_type type(Nested nested) const {
        const bool texts = texts_ || dates_ || local_times_ || instants_;
        const bool numbers = integers_ || fractions_;
        const int kinds =
            int(texts) + int(numbers) + int(booleans_) + int(members_ != nullptr) + int(items_ != nullptr);
        if (kinds != 1) return leat::json;  // mixed; or nothing but null, so that any value may still come
        if (booleans_) return leat::boolean;
        if (numbers) return number_type();
        if (texts) return text_type();
        if (nested == Nested::text || too_deep_) return leat::json;
        if (items_ != nullptr) return leat::list_of(items_->type(nested));
        return struct_type(nested);
    }

    /// The characters of a scalar value, without what follows them.
    static std::string_view token_of(simdjson::ondemand::value& value) {
        std::string_view token = value.raw_json_token();
        while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') {
            token.remove_suffix(1);
        }
        return token;
    }

private:
    bool see_object(simdjson::ondemand::value& value, int depth) {
        simdjson::ondemand::object object;
        if (value.get_object().get(object) != simdjson::SUCCESS) return false;
        if (members_ == nullptr) members_ = std::make_unique<Members>();
        too_deep_ |= depth >= deepest;
        for (auto entry : object) {
            simdjson::ondemand::field field;
            std::string_view key;
            if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
            if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
            if (too_deep_ || members_->size() > most_members) continue;
            if (!members_->of(key).see(field.value(), depth + 1)) return false;
        }
        return true;
    }
    bool see_array(simdjson::ondemand::value& value, int depth) {
        simdjson::ondemand::array array;
        if (value.get_array().get(array) != simdjson::SUCCESS) return false;
        if (items_ == nullptr) items_ = std::make_unique<Shape>();
        too_deep_ |= depth >= deepest;
        for (auto&& entry : array) {
            simdjson::ondemand::value item;
            if (std::forward<decltype(entry)>(entry).get(item) != simdjson::SUCCESS) return false;
            if (!too_deep_ && !items_->see(item, depth + 1)) return false;
        }
        return true;
    }

    void see_text(std::string_view text) {
        // All that is a date has this form; most text is told apart by it.
        if (texts_ || text.size() < 10 || text[4] != '-' || text[7] != '-') {
            texts_ = true;
        } else if (text.size() == 10 && read_date(text)) {
            dates_ = true;
        } else if (const auto moment = read_timestamp(text)) {
            (moment->has_zone ? instants_ : local_times_) = true;
            fraction_digits_ = std::max(fraction_digits_, moment->written_digits);
        } else {
            texts_ = true;
        }
    }

    void see_number(std::string_view token) {
        const bool negative = token.front() == '-';
        const std::string_view digits = token.substr(negative ? 1 : 0);
        const std::size_t point = digits.find_first_of(".eE");
        const auto whole = static_cast<int>(point == std::string_view::npos ? digits.size() : point);
        whole_digits_ = std::max(whole_digits_, whole);
        if (point != std::string_view::npos) {
            fractions_ = true;
            const std::size_t exponent = digits.find_first_of("eE");
            exponents_ |= exponent != std::string_view::npos;
            const std::size_t places = std::min(exponent, digits.size()) - point;
            if (digits[point] == '.') places_ = std::max(places_, static_cast<int>(places) - 1);
            return;
        }
        integers_ = true;
        negatives_ |= negative;
        std::int64_t narrow = 0;
        std::uint64_t wide = 0;
        const char* const end = token.data() + token.size();
        if (std::from_chars(token.data(), end, narrow).ec == std::errc()) {
            inexact_as_float_ |= narrow > exact_in_float || narrow < -exact_in_float;
            return;
        }
        beyond_int64_ = inexact_as_float_ = true;
        beyond_uint64_ |= negative || std::from_chars(token.data(), end, wide).ec != std::errc();
    }

    [[nodiscard]] leat::data_type number_type() const {
        if (!fractions_) {
            if (!beyond_int64_) return leat::i64;
            if (!beyond_uint64_ && !negatives_) return leat::u64;
            if (whole_digits_ <= 38) return leat::decimal(38, 0);
            return leat::json;
        }
        if (!inexact_as_float_) return leat::f64;
        if (!exponents_ && whole_digits_ + places_ <= 38) return leat::decimal(38, places_);
        return leat::json;
    }
    [[nodiscard]] leat::data_type text_type() const {
        if (texts_ || int(dates_) + int(local_times_) + int(instants_) != 1) return leat::utf8;
        if (dates_) return leat::date32;
        const std::string_view zone = instants_ ? "UTC" : "";
        return fraction_digits_ > 6 ? leat::timestamp_ns(zone) : leat::timestamp_us(zone);
    }
    [[nodiscard]] leat::data_type struct_type(Nested nested) const {
        if (members_->size() == 0 || members_->size() > most_members) return leat::json;
        leat::fields fields;
        for (const auto& [name, shape] : *members_) {
            fields.emplace_back(name, shape->type(nested));
        }
        return leat::struct_of(std::move(fields));
    }

    static constexpr std::int64_t exact_in_float = std::int64_t{1} << 53;

    bool booleans_ = false;
    bool integers_ = false;
    bool fractions_ = false;  ///< numbers with a point or an exponent
    bool exponents_ = false;
    bool negatives_ = false;
    bool beyond_int64_ = false;
    bool beyond_uint64_ = false;
    bool inexact_as_float_ = false;  ///< an integer that float64 cannot hold
    bool texts_ = false;
    bool dates_ = false;
    bool local_times_ = false;
    bool instants_ = false;
    bool too_deep_ = false;
    int whole_digits_ = 0;
    int places_ = 0;
    FractionDigits fraction_digits_ = 0;
    std::unique_ptr<Members> members_;  ///< when an object was seen
    std::unique_ptr<Shape> items_;      ///< when a list was seen
};

inline Shape& Members::of(std::string_view key) {
    const auto [place, is_new] = places_.try_emplace(std::string(key), all_.size());
    if (is_new) all_.emplace_back(std::string(key), std::make_unique<Shape>());
    return *all_[place->second].second;
}

}  // namespace ndjson
