#include "delivery/row_builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "config/wording.hpp"
#include "delivery/bytes.hpp"
#include "delivery/json_tree.hpp"

namespace leat::delivery {
namespace {

using Bits = std::vector<std::uint8_t>;

void append_bit(Bits& bits, std::int64_t at, bool value) {
    if (at % 8 == 0) bits.push_back(0);
    if (value) bits.back() = static_cast<std::uint8_t>(bits.back() | 1U << (at % 8));
}

Error damaged() {
    return Error(Errc::pipeline_execution, "the row that was kept is damaged");
}

}  // namespace

// ---- Columns that grow ----------------------------------------------------------------------------------------------

/// One node of the arrays that are being made.
struct RowBuilder::Column {
    Column(const TypeNode& node, const ArrowSchema& arrow) : type(node), schema(arrow) {
        for (std::size_t i = 0; i < node.children.size(); ++i)
            children.push_back(std::make_unique<Column>(node.children[i], *arrow.children[i]));
        begin();
    }

    const TypeNode& type;
    const ArrowSchema& schema;
    std::int64_t length = 0;
    std::int64_t nulls = 0;
    Bits validity;
    std::string values;  // fixed: of all rows; text: the bytes; booleans: bits
    Bits booleans;
    std::string offsets;
    std::int64_t items = 0;  // where the next list or text begins
    std::vector<std::unique_ptr<Column>> children;

    bool has_offsets() const { return type.bits > 0 && (is_text() || is_list()); }
    bool is_text() const {
        return type.type == Type::text || type.type == Type::binary || type.type == Type::large_text ||
               type.type == Type::large_binary;
    }
    bool is_list() const { return type.type == Type::list || type.type == Type::large_list || type.type == Type::map; }

    void begin() {
        length = nulls = items = 0;
        validity.clear();
        values.clear();
        booleans.clear();
        offsets.clear();
        if (has_offsets()) append_offset();
        for (const auto& child : children)
            child->begin();
    }

    void append_offset() { append_number(offsets, static_cast<std::uint64_t>(items), type.bits / 8); }

    void end_value(bool is_valid) {
        append_bit(validity, length++, is_valid);
        nulls += is_valid ? 0 : 1;
        if (has_offsets()) append_offset();
    }

    void append_null() {
        switch (type.type) {
            case Type::boolean:
                append_bit(booleans, length, false);
                break;
            case Type::fixed:
            case Type::fixed_binary:
                values.append(static_cast<std::size_t>(type.bits) / 8, '\0');
                break;
            case Type::fixed_list:
                for (std::int64_t i = 0; i < type.fixed_size; ++i)
                    children[0]->append_null();
                break;
            case Type::structure:
                for (const auto& child : children)
                    child->append_null();
                break;
            default:
                break;
        }
        end_value(false);
    }

    void append_bytes(std::string_view bytes) {
        values += bytes;
        items += static_cast<std::int64_t>(bytes.size());
    }

    /// How much there is, to take back what came after.
    struct Mark {
        std::int64_t length, nulls, items;
        std::size_t values;
        std::vector<Mark> children;
    };
    Mark mark() const {
        Mark out{length, nulls, items, values.size(), {}};
        for (const auto& child : children)
            out.children.push_back(child->mark());
        return out;
    }
    void go_back(const Mark& to) {
        const auto cut_bits = [&](Bits& bits) {
            if (bits.empty()) return;
            bits.resize(static_cast<std::size_t>((to.length + 7) / 8));
            if (to.length % 8 != 0) bits.back() = static_cast<std::uint8_t>(bits.back() & ((1U << to.length % 8) - 1));
        };
        length = to.length;
        nulls = to.nulls;
        items = to.items;
        values.resize(to.values);
        cut_bits(validity);
        cut_bits(booleans);
        if (has_offsets())
            offsets.resize(static_cast<std::size_t>(to.length + 1) * static_cast<std::size_t>(type.bits) / 8);
        for (std::size_t i = 0; i < children.size(); ++i)
            children[i]->go_back(to.children[i]);
    }

    // ---- From bytes ----

    bool add(BytesReader& from) {
        const auto is_there = from.number(1);
        if (is_there > 1) return false;
        if (is_there == 0) {
            append_null();
            return from.good();
        }
        switch (type.type) {
            case Type::boolean: {
                const auto bit = from.number(1);
                if (bit > 1) return false;
                append_bit(booleans, length, bit != 0);
                break;
            }
            case Type::fixed:
            case Type::fixed_binary:
                values += from.bytes(static_cast<std::uint64_t>(type.bits) / 8);
                break;
            case Type::text:
            case Type::binary:
            case Type::large_text:
            case Type::large_binary:
                append_bytes(from.text());
                break;
            case Type::list:
            case Type::large_list:
            case Type::map:
                for (auto left = from.number(4); left > 0; --left, ++items)
                    if (!children[0]->add(from)) return false;
                break;
            case Type::fixed_list:
                for (std::int64_t i = 0; i < type.fixed_size; ++i)
                    if (!children[0]->add(from)) return false;
                break;
            case Type::structure:
                for (const auto& child : children)
                    if (!child->add(from)) return false;
                break;
            case Type::null:
            case Type::dictionary:
            case Type::rich:
                return false;
        }
        end_value(true);
        return from.good();
    }

    // ---- From JSON ----

    /// Why a value cannot be taken.
    using Trouble = std::optional<std::string>;

    Trouble cannot_hold(const std::string& text) const {
        return "column " + config::in_quotes(type.path) + " is " + type_name(schema) + " and cannot hold " + text;
    }

    Trouble add_json(const JsonTree& value) {
        using Kind = JsonTree::Kind;
        if (value.kind == Kind::null) {
            append_null();
            return std::nullopt;
        }
        Trouble trouble;
        switch (type.type) {
            case Type::null:
                return cannot_hold(value.serialized());
            case Type::structure:
                trouble = add_fields(value);
                break;
            case Type::list:
            case Type::large_list:
                trouble = add_items(value);
                items += static_cast<std::int64_t>(value.items.size());
                break;
            case Type::fixed_list:
                if (value.items.size() != static_cast<std::size_t>(type.fixed_size))
                    return cannot_hold("a list of " + std::to_string(value.items.size()) + " items");
                trouble = add_items(value);
                break;
            case Type::map:
                trouble = add_pairs(value);
                break;
            case Type::boolean:
                if (value.kind != Kind::boolean) return cannot_hold(value.serialized());
                append_bit(booleans, length, value.is_true);
                break;
            default:
                if (is_text() && metadata_value(schema.metadata, "ARROW:extension:name") == "arrow.json") {
                    append_bytes(value.serialized());
                } else if ((value.kind != Kind::text && value.kind != Kind::number) ||
                           !add_text(value.text, value.kind == Kind::text)) {
                    return cannot_hold(value.serialized());
                }
        }
        if (trouble) return trouble;
        end_value(true);
        return std::nullopt;
    }

    Trouble add_items(const JsonTree& value) {
        if (value.kind != JsonTree::Kind::list) return cannot_hold("what is no list");
        for (const auto& item : value.items)
            if (auto trouble = children[0]->add_json(item)) return trouble;
        return std::nullopt;
    }

    // [[key, value], ...], for keys need not be texts, nor be there once.
    Trouble add_pairs(const JsonTree& value) {
        if (value.kind != JsonTree::Kind::list) return cannot_hold("what is no list of pairs");
        auto& entries = *children[0];
        for (const auto& pair : value.items) {
            if (pair.kind != JsonTree::Kind::list || pair.items.size() != 2)
                return cannot_hold("an entry that is no pair");
            for (std::size_t i = 0; i < 2; ++i)
                if (auto trouble = entries.children[i]->add_json(pair.items[i])) return trouble;
            entries.end_value(true);
            ++items;
        }
        return std::nullopt;
    }

    Trouble add_fields(const JsonTree& value) {
        if (value.kind != JsonTree::Kind::object) return cannot_hold("what is no object");
        const auto in_here = type.path.empty() ? std::string() : " in " + config::in_quotes(type.path);
        const auto rows = length;
        for (std::size_t i = 0; i < value.items.size(); ++i) {
            const auto& key = value.keys[i];
            const auto child = std::find_if(children.begin(), children.end(), [&](const auto& column) {
                return column->length == rows && key == column->schema.name;
            });
            if (child == children.end()) {
                const bool twice = std::find(value.keys.begin(), value.keys.begin() + static_cast<std::ptrdiff_t>(i),
                                             key) != value.keys.begin() + static_cast<std::ptrdiff_t>(i);
                return (twice ? "there are two values for the column " : "there is no column ") +
                       config::in_quotes(key) + in_here;
            }
            if (auto trouble = (*child)->add_json(value.items[i])) return trouble;
        }
        for (const auto& child : children)
            if (child->length == rows) child->append_null();
        return std::nullopt;
    }

    /// @param quoted  it was a JSON text, not a number
    bool add_text(const std::string& text, bool quoted) {
        const std::string_view format = schema.format;
        switch (format[0]) {
            case 'u':
            case 'U':
                if (quoted) append_bytes(text);
                return quoted;
            case 'z':
            case 'Z':
            case 'w': {
                const auto bytes = quoted ? from_hex(text) : std::nullopt;
                if (!bytes || (format[0] == 'w' && bytes->size() != static_cast<std::size_t>(type.bits) / 8))
                    return false;
                format[0] == 'w' ? static_cast<void>(values += *bytes) : append_bytes(*bytes);
                return true;
            }
            case 'd':
                return add_decimal(text);
            case 't':
                return quoted && add_time(text);
            case 'f':
                return add_float<float>(text);
            case 'g':
                return add_float<double>(text);
            case 'e':
                return add_half(text);
            default:
                return !quoted && add_integer(text);
        }
    }

    static std::optional<std::string> from_hex(std::string_view text) {
        std::string out;
        if (text.size() % 2 != 0) return std::nullopt;
        for (std::size_t i = 0; i < text.size(); i += 2) {
            unsigned byte = 0;
            const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
            if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
            out += static_cast<char>(byte);
        }
        return out;
    }

    template <class T>
    static std::optional<T> number(std::string_view text) {
        T out{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
        if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
        return out;
    }

    void append_fixed(std::uint64_t bits) { append_number(values, bits, static_cast<std::size_t>(type.bits) / 8); }

    bool add_integer(std::string_view text) {
        const auto width = type.bits;
        if (std::strchr("csil", schema.format[0])) {
            const auto value = number<std::int64_t>(text);
            const auto most = std::numeric_limits<std::int64_t>::max() >> (64 - width);
            if (!value || *value > most || *value < -most - 1) return false;
            append_fixed(static_cast<std::uint64_t>(*value));
            return true;
        }
        const auto value = number<std::uint64_t>(text);
        if (!value || (width < 64 && *value >> width != 0)) return false;
        append_fixed(*value);
        return true;
    }

    template <class T>
    bool add_float(const std::string& text) {
        const auto value = number<T>(text);  // "nan" and "inf" too
        if (!value) return false;
        char bytes[sizeof(T)];
        std::memcpy(bytes, &*value, sizeof bytes);
        values.append(bytes, sizeof bytes);
        return true;
    }

    static double half_to_double(std::uint32_t half) {
        const int exponent = static_cast<int>(half >> 10 & 31), mantissa = static_cast<int>(half & 1023);
        return exponent == 31 ? (mantissa ? NAN : INFINITY)
               : exponent     ? std::ldexp(1024 + mantissa, exponent - 25)
                              : std::ldexp(mantissa, -24);
    }

    // Halves are rare, and there are few of them: the nearest is found by looking at all.
    bool add_half(const std::string& text) {
        const auto value = number<double>(text);
        if (!value) return false;
        constexpr std::uint32_t infinite = 0x7C00, not_a_number = 0x7E00;
        const double wanted = std::fabs(*value);
        std::uint32_t nearest = std::isnan(*value) ? not_a_number : infinite;
        if (std::isfinite(*value)) {
            nearest = 0;
            for (std::uint32_t half = 1; half < infinite; ++half) {
                if (std::fabs(half_to_double(half) - wanted) < std::fabs(half_to_double(nearest) - wanted))
                    nearest = half;
            }
            if (wanted > 65'520) return false;  // from there on it would be infinite
        }
        append_fixed(nearest | (std::signbit(*value) ? 0x8000U : 0));
        return true;
    }

    // d:precision,scale[,bits]
    bool add_decimal(std::string_view text) {
        std::array<std::int64_t, 3> parts{0, 0, 128};
        const std::string_view format = std::string_view(schema.format).substr(2);
        for (std::size_t part = 0, at = 0; part < parts.size() && at < format.size(); ++part) {
            const auto end = std::min(format.find(',', at), format.size());
            parts[part] = number<std::int64_t>(format.substr(at, end - at)).value_or(0);
            at = end + 1;
        }
        const bool negative = text.starts_with('-');
        if (negative) text.remove_prefix(1);
        const auto point = std::min(text.find('.'), text.size());
        std::string digits(text.substr(0, point));
        auto fraction = point < text.size() ? std::string(text.substr(point + 1)) : std::string();
        if (digits.empty() || (point < text.size() && fraction.empty())) return false;
        const auto scale = parts[1];
        if (static_cast<std::int64_t>(fraction.size()) > std::max<std::int64_t>(scale, 0)) return false;
        if (scale >= 0) {
            digits += fraction + std::string(static_cast<std::size_t>(scale) - fraction.size(), '0');
        } else {
            // What it cannot hold of the last digits must be zeros.
            const auto cut = static_cast<std::size_t>(-scale);
            const auto zeros = std::min(cut, digits.size());
            if (digits.find_last_not_of('0') != std::string::npos &&
                digits.find_last_not_of('0') >= digits.size() - zeros)
                return false;
            digits.resize(digits.size() - zeros);
        }
        std::array<std::uint32_t, 8> words{};
        std::int64_t significant = 0;
        for (const char digit : digits) {
            if (digit < '0' || digit > '9') return false;
            if (significant > 0 || digit != '0') ++significant;
            std::uint64_t carry = static_cast<std::uint64_t>(digit - '0');
            for (auto& word : words) {
                carry += std::uint64_t{word} * 10;
                word = static_cast<std::uint32_t>(carry);
                carry >>= 32;
            }
        }
        if (significant > parts[0]) return false;
        if (negative) {
            std::uint64_t carry = 1;
            for (auto& word : words) {
                carry += static_cast<std::uint32_t>(~word);
                word = static_cast<std::uint32_t>(carry);
                carry >>= 32;
            }
        }
        for (int i = 0; i < type.bits / 32; ++i)
            append_number(values, words[static_cast<std::size_t>(i)], 4);
        return true;
    }

    /// Digits of a fixed number at the beginning of the text, which is shortened by them.
    static std::optional<std::int64_t> take_digits(std::string_view& text, std::size_t least, std::size_t most) {
        std::size_t count = 0;
        while (count < std::min(most, text.size()) && text[count] >= '0' && text[count] <= '9')
            ++count;
        if (count < least) return std::nullopt;
        const auto out = number<std::int64_t>(text.substr(0, count));
        text.remove_prefix(count);
        return out;
    }
    static bool take(std::string_view& text, char expected) {
        if (!text.starts_with(expected)) return false;
        text.remove_prefix(1);
        return true;
    }

    /// YYYY-MM-DD as days since 1970-01-01, in the proleptic Gregorian calendar.
    static std::optional<std::int64_t> take_date(std::string_view& text) {
        const bool negative = take(text, '-');
        auto year = take_digits(text, 4, 12);
        if (!year || !take(text, '-')) return std::nullopt;
        const auto month = take_digits(text, 2, 2);
        if (!month || !take(text, '-')) return std::nullopt;
        const auto day = take_digits(text, 2, 2);
        if (!day || *month < 1 || *month > 12) return std::nullopt;
        if (negative) year = -*year;
        static constexpr std::array days_of{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        const bool leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
        const auto most = days_of[static_cast<std::size_t>(*month - 1)] + (*month == 2 && leap ? 1 : 0);
        if (*day < 1 || *day > most) return std::nullopt;
        // Counted in eras of 400 years that begin on 1 March, so that the leap day comes last.
        const auto y = *month <= 2 ? *year - 1 : *year;
        const auto era = (y >= 0 ? y : y - 399) / 400;
        const auto of_era = y - era * 400;
        const auto of_year = (153 * (*month + (*month > 2 ? -3 : 9)) + 2) / 5 + *day - 1;
        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    }

    static std::int64_t per_second(char unit) {
        switch (unit) {
            case 's':
                return 1;
            case 'm':
                return 1'000;
            case 'u':
                return 1'000'000;
            default:
                return 1'000'000'000;
        }
    }

    /// HH:MM:SS[.fraction] in units since midnight.
    static std::optional<std::int64_t> take_time(std::string_view& text, std::int64_t units) {
        const auto hours = take_digits(text, 2, 2);
        if (!hours || !take(text, ':')) return std::nullopt;
        const auto minutes = take_digits(text, 2, 2);
        if (!minutes || !take(text, ':')) return std::nullopt;
        const auto seconds = take_digits(text, 2, 2);
        if (!seconds || *hours > 23 || *minutes > 59 || *seconds > 59) return std::nullopt;
        std::int64_t out = ((*hours * 60 + *minutes) * 60 + *seconds) * units;
        if (!take(text, '.')) return out;
        std::int64_t unit = units;
        bool any = false;
        for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), any = true) {
            unit /= 10;
            if (unit == 0 && text[0] != '0') return std::nullopt;
            out += (text[0] - '0') * unit;
        }
        return any ? std::optional(out) : std::nullopt;
    }

    static std::optional<std::int64_t> timestamp(std::string_view text, std::int64_t units, bool zoned) {
        const auto days = take_date(text);
        if (!days || !take(text, 'T')) return std::nullopt;
        const auto time = take_time(text, units);
        if (!time || (zoned && !take(text, 'Z')) || !text.empty()) return std::nullopt;
        std::int64_t out = 0;
        if (__builtin_mul_overflow(*days, 86400 * units, &out) || __builtin_add_overflow(out, *time, &out))
            return std::nullopt;
        return out;
    }

    bool add_time(std::string_view text) {
        const std::string_view format = schema.format;
        std::optional<std::int64_t> value;
        switch (format[1]) {
            case 'd':
                if (format[2] == 'D') {
                    value = take_date(text);
                    if (!text.empty() || (value && *value != static_cast<std::int32_t>(*value))) value.reset();
                } else {
                    value = timestamp(text, 1'000, true);
                    if (!value) value = timestamp(text, 1'000, false);
                }
                break;
            case 't':
                value = take_time(text, per_second(format[2]));
                if (!text.empty()) value.reset();
                break;
            case 's':
                value = timestamp(text, per_second(format[2]), format.size() > 4);
                break;
            case 'D': {
                static constexpr std::array<std::string_view, 4> names{" s", " ms", " us", " ns"};
                const auto name = names[std::string_view("smun").find(format[2])];
                if (text.ends_with(name)) value = number<std::int64_t>(text.substr(0, text.size() - name.size()));
                break;
            }
            default: {  // intervals, as their bytes
                const auto bytes = from_hex(text);
                if (!bytes || bytes->size() != static_cast<std::size_t>(type.bits) / 8) return false;
                values += *bytes;
                return true;
            }
        }
        if (!value) return false;
        append_fixed(static_cast<std::uint64_t>(*value));
        return true;
    }

    // ---- Out ----

    /// What an array that was handed out owns.
    struct Owned {
        std::deque<ArrowArray> nodes;
        std::deque<std::vector<const void*>> buffers;
        std::deque<std::vector<ArrowArray*>> children;
        std::deque<std::string> bytes;
        std::deque<Bits> bits;
    };

    void move_to(ArrowArray& out, Owned& owned) {
        auto& buffers = owned.buffers.emplace_back();
        const auto add_bits = [&](Bits& bits) { buffers.push_back(owned.bits.emplace_back(std::move(bits)).data()); };
        const auto add_bytes = [&](std::string& bytes) {
            buffers.push_back(owned.bytes.emplace_back(std::move(bytes)).data());
        };
        if (type.type != Type::null) {
            if (nulls > 0) {
                add_bits(validity);
            } else {
                buffers.push_back(nullptr);
            }
        }
        if (type.type == Type::boolean) add_bits(booleans);
        if (has_offsets()) add_bytes(offsets);
        if (is_text() || type.type == Type::fixed || type.type == Type::fixed_binary) add_bytes(values);
        auto& below = owned.children.emplace_back();
        for (const auto& child : children) {
            auto& node = owned.nodes.emplace_back();
            child->move_to(node, owned);
            node.release = [](ArrowArray* array) { array->release = nullptr; };
            below.push_back(&node);
        }
        out.length = length;
        out.null_count = nulls;
        out.offset = 0;
        out.n_buffers = static_cast<std::int64_t>(buffers.size());
        out.buffers = buffers.data();
        out.n_children = static_cast<std::int64_t>(below.size());
        out.children = below.data();
        out.dictionary = nullptr;
        out.private_data = nullptr;
    }
};

// ---- Rows -----------------------------------------------------------------------------------------------------------

RowBuilder::RowBuilder(const Schema& schema) : root_(std::make_unique<Column>(schema.root(), schema.arrow())) {}
RowBuilder::~RowBuilder() = default;

std::int64_t RowBuilder::rows() const noexcept {
    return root_->length;
}

Result<> RowBuilder::add(std::string_view bytes) {
    const auto before = root_->mark();
    BytesReader from(bytes);
    bool good = true;
    for (const auto& column : root_->children)
        good = good && column->add(from);
    if (!good || !from.all_read()) {
        root_->go_back(before);
        return damaged();
    }
    root_->end_value(true);
    return done();
}

Result<> RowBuilder::add_json(std::string_view json) {
    BOOST_OUTCOME_TRY(const auto value, JsonTree::parse(json));
    if (value.kind != JsonTree::Kind::object) return Error(Errc::pipeline_execution, "it is no JSON object");
    const auto before = root_->mark();
    const auto trouble = root_->add_json(value);
    if (!trouble) return done();
    root_->go_back(before);
    return Error(Errc::pipeline_execution, *trouble);
}

ArrowArray RowBuilder::finish() {
    auto owned = std::make_unique<Column::Owned>();
    ArrowArray out;
    root_->move_to(out, *owned);
    root_->begin();
    out.release = [](ArrowArray* array) {
        const std::unique_ptr<Column::Owned> ended(static_cast<Column::Owned*>(array->private_data));
        array->release = nullptr;
    };
    out.private_data = owned.release();
    return out;
}

}  // namespace leat::delivery
