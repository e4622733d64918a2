#include "fit.hpp"

#include <algorithm>
#include <cmath>

#include "database.hpp"
#include "number_text.hpp"

namespace arrow_sql {
namespace {

using leat::kind;

/// Every integer up to here is a double of its own.
constexpr std::int64_t exact_integers = std::int64_t{1} << 53;

template <class T, class Visit>
void each_valid(const leat::array_view& values, Visit visit) {
    const leat::column<T> column(values);
    for (std::int64_t row = 0; row < column.size(); ++row) {
        if (column.valid(row)) visit(row, column[row]);
    }
}

bool is_text(kind id) {
    return id == kind::utf8 || id == kind::large_utf8;
}
bool is_binary(kind id) {
    return id == kind::binary || id == kind::large_binary || id == kind::fixed_binary;
}
bool is_float(kind id) {
    return id == kind::float16 || id == kind::float32 || id == kind::float64;
}
/// Neither numbers nor free text: ISO 8601 text, JSON.
bool is_written_out(const leat::schema_view& column) {
    switch (column.type().id) {
        case kind::date32:
        case kind::date64:
        case kind::time32:
        case kind::time64:
        case kind::timestamp:
        case kind::list:
        case kind::large_list:
        case kind::structure:
        case kind::map:
            return true;
        default:
            return column.is_json();
    }
}

/// Digits from the first to the last that is not 0.
int significant_digits(std::string_view number) {
    int digits = 0, zeros = 0;
    for (const char c : number.substr(0, number.find_first_of("eE"))) {
        if (c < '0' || c > '9') continue;
        if (c == '0') {
            zeros += digits > 0;
        } else {
            digits += zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

template <class Number>
std::string printed(Number number) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

/// What is left of `text` once SQLite has made a number of it, as it does under a numeric type when all of it is one.
/// Empty: it stays text.
std::string as_number(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    if (const auto integer = read_number<std::int64_t>(text)) return printed(*integer);
    if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
    double real = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), real);
    if (end != text.data() + text.size() || fault == std::errc::invalid_argument) return {};
    if (fault == std::errc::result_out_of_range) return "infinity or 0";
    return std::isfinite(real) ? printed(real) : std::string();  // 'inf' and 'nan' stay text
}

std::string shown(std::string_view text) {
    constexpr std::size_t most = 60;
    std::size_t size = std::min(text.size(), most);
    while (size > 0 && size < text.size() && (text[size] & 0xC0) == 0x80)
        --size;  // never cut inside a character
    return "'" + std::string(text.substr(0, size)) + (size < text.size() ? "...'" : "'");
}

}  // namespace

Fit::Fit(std::string_view place, const leat::schema_view& column, std::string_view declared, bool strict)
    : declared_(declared),
      affinity_(strict && same_name(declared, "ANY") ? Affinity::blob : affinity_declared(declared)),
      type_(column.type()) {
    const bool number_type = affinity_ == Affinity::integer || affinity_ == Affinity::real;
    number_only_ = number_type || (affinity_ == Affinity::numeric && declares_decimal(declared));
    if (affinity_ == Affinity::text || (affinity_ == Affinity::blob && type_.id == kind::decimal)) {
        numbers_ = NumberAs::text;
    }
    const bool fits = is_binary(type_.id)      ? !number_type && affinity_ != Affinity::text
                      : is_written_out(column) ? !number_only_
                                               : true;
    if (fits) return;
    throw leat::error(LEAT_ERR_CONFIG, std::string(place) + "column '" + std::string(column.name()) + "' is " +
                                           declared_ + " in the table, which cannot hold the " + name_of(column) +
                                           " that the rows bring; convert it with a sql transform, or write to another "
                                           "table");
}

void Fit::check(const leat::array_view& values, const Refuse& refuse) const {
    if (is_float(type_.id)) return check_floats(values, refuse);
    if (type_.id == kind::decimal) return check_decimals(values, refuse);
    if (is_text(type_.id)) return check_texts(values, refuse);
    check_integers(values, refuse);
}

std::string Fit::is_no(std::string_view value) const {
    return std::string(value) + " is no " + declared_;
}

void Fit::check_floats(const leat::array_view& values, const Refuse& refuse) const {
    const auto check = [&](std::int64_t row, auto value) {
        if (std::isnan(value)) {
            refuse(row, "SQLite has no NaN; make it NULL before, or leave the row out");
        } else if (affinity_ == Affinity::integer && !(value == std::trunc(value) && std::fabs(value) < 0x1p63F)) {
            refuse(row, is_no(printed(value)));
        }
    };
    switch (type_.id) {
        case kind::float16:
            return each_valid<leat::half>(values, [&](std::int64_t row, leat::half h) { check(row, to_double(h)); });
        case kind::float32:
            return each_valid<float>(values, check);
        default:
            return each_valid<double>(values, check);
    }
}

void Fit::check_integers(const leat::array_view& values, const Refuse& refuse) const {
    if (type_.id == kind::uint64 && affinity_ != Affinity::text) {
        each_valid<std::uint64_t>(values, [&](std::int64_t row, std::uint64_t value) {
            if (value <= INT64_MAX) return;
            refuse(row, std::to_string(value) +
                            " is more than SQLite's largest integer, 9223372036854775807; cast the column to text");
        });
    }
    if (affinity_ != Affinity::real) return;
    const auto check = [&](std::int64_t row, auto value) {
        if (value <= static_cast<decltype(value)>(exact_integers) &&
            (std::is_unsigned_v<decltype(value)> || value >= static_cast<decltype(value)>(-exact_integers)))
            return;
        refuse(row,
               std::to_string(value) + " has more digits than a " + declared_ + " keeps; declare the column INTEGER");
    };
    if (type_.id == kind::int64 || type_.id == kind::duration) return each_valid<std::int64_t>(values, check);
    if (type_.id == kind::uint64) return each_valid<std::uint64_t>(values, check);
}

void Fit::check_decimals(const leat::array_view& values, const Refuse& refuse) const {
    if (numbers_ == NumberAs::text) return;
    Int128 one = 1;
    for (int i = 0; i < type_.scale; ++i)
        one *= 10;
    each_valid<leat::decimal128>(values, [&](std::int64_t row, const leat::decimal128& value) {
        const Int128 number = wide(value);
        const bool integer = type_.scale == 0 && affinity_ != Affinity::real;  // goes in as an INTEGER
        const Int128 bound = integer ? Int128(INT64_MAX) : Int128(exact_in_real - 1);
        const bool fraction = affinity_ == Affinity::integer && number % one != 0;
        if (number <= bound && number >= -bound && !fraction) return;
        char text[longest_decimal_text];
        const std::string digits(&text[0], write_decimal(text, number, type_.scale));
        refuse(row, fraction ? is_no(digits)
                             : digits +
                                   " has more digits than SQLite keeps in a numeric column (15, or 18 without a "
                                   "fraction); declare the column DECIMAL TEXT");
    });
}

bool Fit::holds_number(std::string_view text) const {
    if (affinity_ == Affinity::integer) return read_number<std::int64_t>(text).has_value();
    const auto number = read_number<double>(text);
    if (!number || !std::isfinite(*number)) return false;
    return affinity_ == Affinity::real || significant_digits(text) <= 15;
}

void Fit::check_texts(const leat::array_view& values, const Refuse& refuse) const {
    if (affinity_ == Affinity::text || affinity_ == Affinity::blob) return;
    each_valid<std::string_view>(values, [&](std::int64_t row, std::string_view text) {
        if (number_only_) {
            if (!holds_number(text)) refuse(row, is_no(shown(text)));
        } else if (const std::string number = as_number(text); !number.empty() && number != text) {
            refuse(row, shown(text) + " would become the number " + number + ", for to SQLite the type " + declared_ +
                            " is numeric; declare the column TEXT");
        }
    });
}

}  // namespace arrow_sql
