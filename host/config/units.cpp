#include "config/units.hpp"

#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "config/suggest.hpp"
#include "config/wording.hpp"

namespace leat::config {
namespace {

struct Unit {
    const char* name;
    std::uint64_t size;
};

/// A kind of quantity: its units from the largest to the smallest, and how to talk about it.
struct Quantity {
    std::string_view noun;
    std::string_view example;
    std::string_view least;  ///< its unit of 1
    std::uint64_t most;
    std::vector<Unit> units;
};

const Quantity& sizes() {
    static const Quantity out{"a size",
                              "8MiB",
                              "B",
                              std::numeric_limits<std::uint64_t>::max(),
                              {{"TiB", 1ULL << 40},
                               {"TB", 1'000'000'000'000},
                               {"GiB", 1ULL << 30},
                               {"GB", 1'000'000'000},
                               {"MiB", 1ULL << 20},
                               {"MB", 1'000'000},
                               {"KiB", 1ULL << 10},
                               {"kB", 1'000},
                               {"B", 1}}};
    return out;
}

const Quantity& durations() {
    static const Quantity out{"a duration",
                              "5s",
                              "ns",
                              std::numeric_limits<std::int64_t>::max(),
                              {{"d", 86'400'000'000'000},
                               {"h", 3'600'000'000'000},
                               {"m", 60'000'000'000},
                               {"s", 1'000'000'000},
                               {"ms", 1'000'000},
                               {"us", 1'000},
                               {"ns", 1}}};
    return out;
}

constexpr std::string_view rows_per_second = "rows/s";

const Quantity& rates() {
    static const Quantity out{"a rate",
                              "5000 rows/s or 20MiB/s",
                              "B/s",
                              std::numeric_limits<std::uint64_t>::max(),
                              {{"TiB/s", 1ULL << 40},
                               {"TB/s", 1'000'000'000'000},
                               {"GiB/s", 1ULL << 30},
                               {"GB/s", 1'000'000'000},
                               {"MiB/s", 1ULL << 20},
                               {"MB/s", 1'000'000},
                               {"KiB/s", 1ULL << 10},
                               {"kB/s", 1'000},
                               {"B/s", 1},
                               {rows_per_second.data(), 1}}};
    return out;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

Error wrong(std::string message) {
    return Error(Errc::configuration, std::move(message));
}

/// The digits before and behind the point, and what follows them.
struct Parts {
    std::string_view whole, fraction, unit;
};

std::optional<Parts> split(std::string_view text) {
    Parts out;
    std::size_t at = 0;
    while (at < text.size() && is_digit(text[at]))
        ++at;
    out.whole = text.substr(0, at);
    if (out.whole.empty()) return std::nullopt;
    if (at < text.size() && text[at] == '.') {
        const auto begin = ++at;
        while (at < text.size() && is_digit(text[at]))
            ++at;
        out.fraction = text.substr(begin, at - begin);
        if (out.fraction.empty()) return std::nullopt;
    }
    while (at < text.size() && text[at] == ' ')
        ++at;
    out.unit = text.substr(at);
    return out;
}

const Unit* find_unit(const Quantity& quantity, std::string_view name) {
    for (const auto& unit : quantity.units) {
        if (unit.name == name) return &unit;
    }
    return nullptr;
}

Result<std::uint64_t> parse(const Quantity& quantity, std::string_view text) {
    const std::string is = "is " + in_quotes(text) + ", ";
    const std::string as_in = ", as in " + std::string(quantity.example);
    if (!text.empty() && text[0] == '-') return wrong(is + "but must not be negative");
    const auto parts = split(text);
    if (!parts) return wrong(is + "but must be " + std::string(quantity.noun) + as_in);
    std::vector<std::string> names;
    for (const auto& unit : quantity.units)
        names.insert(names.begin(), unit.name);
    if (parts->unit.empty()) return wrong(is + "but needs a unit: " + joined(names, "or") + as_in);
    const Unit* unit = find_unit(quantity, parts->unit);
    if (!unit) {
        const auto suggestion = did_you_mean(parts->unit, names);
        return wrong(is + "but " + in_quotes(parts->unit) + " is no unit of " + std::string(quantity.noun) +
                     (suggestion.empty() ? "; the" : suggestion + " The") + " units are " + joined(names, "and"));
    }
    const auto* const least = unit->size == 1 ? unit : find_unit(quantity, quantity.least);
    const auto too_fine = [&] { return wrong(is + "which is no whole number of " + least->name); };
    const auto too_large = [&] { return wrong(is + "which is more than this host can count"); };
    std::uint64_t out = 0;
    for (const char digit : parts->whole) {
        const auto ones = static_cast<std::uint64_t>(digit - '0');
        if (out > (quantity.most - ones) / 10) return too_large();
        out = out * 10 + ones;
    }
    if (out > quantity.most / unit->size) return too_large();
    out *= unit->size;
    if (parts->fraction.size() > 18) return too_fine();
    std::uint64_t numerator = 0, denominator = 1;
    for (const char digit : parts->fraction) {
        numerator = numerator * 10 + static_cast<std::uint64_t>(digit - '0');
        denominator *= 10;
    }
    const auto common = std::gcd(unit->size, denominator);
    if (numerator % (denominator / common) != 0) return too_fine();
    const auto rest = numerator / (denominator / common) * (unit->size / common);
    if (rest > quantity.most - out) return too_large();
    return out + rest;
}

std::string text_of(const Quantity& quantity, std::uint64_t count) {
    for (const auto& unit : quantity.units) {
        if (count >= unit.size && count % unit.size == 0) return std::to_string(count / unit.size) + unit.name;
    }
    return '0' + std::string(quantity.units.back().name);
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
    return parse(sizes(), text);
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    BOOST_OUTCOME_TRY(const auto count, parse(durations(), text));
    return std::chrono::nanoseconds(static_cast<std::int64_t>(count));
}

Result<Rate> parse_rate(std::string_view text) {
    BOOST_OUTCOME_TRY(const auto count, parse(rates(), text));
    if (count == 0) return wrong("is " + in_quotes(text) + ", but must let something through");
    return Rate{count, text.ends_with(rows_per_second)};
}

std::string bytes_text(std::uint64_t bytes) {
    return text_of(sizes(), bytes);
}

std::string duration_text(std::chrono::nanoseconds duration) {
    return text_of(durations(), static_cast<std::uint64_t>(duration.count()));
}

}  // namespace leat::config
