#include "values.hpp"

#include <datetime.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

namespace python {
namespace {

using leat::array_view;
using leat::kind;
using leat::time_unit;

/// Units in a second.
std::int64_t per_second(time_unit unit) {
    switch (unit) {
        case time_unit::milli:
            return 1'000;
        case time_unit::micro:
            return 1'000'000;
        case time_unit::nano:
            return 1'000'000'000;
        default:
            return 1;
    }
}

constexpr std::int64_t seconds_of_day = 86'400;

std::int64_t floor_of(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

struct Day {
    int year;
    int month;
    int day;
};

/// Nothing where Python's calendar, years 1 to 9999, has no such day.
std::optional<Day> day_of(std::int64_t since_1970) {
    if (since_1970 < -719'162 || since_1970 > 2'932'896) return std::nullopt;
    const std::chrono::year_month_day date(
        std::chrono::sys_days(std::chrono::days(static_cast<std::chrono::days::rep>(since_1970))));
    return Day{static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
               static_cast<int>(static_cast<unsigned>(date.day()))};
}

std::int64_t days_since_1970(int year, int month, int day) {
    const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    return std::chrono::sys_days(date).time_since_epoch().count();
}

[[noreturn]] void no_such_day(const leat::schema_view& column) {
    raise(PyExc_OverflowError, "column '" + std::string(column.name()) +
                                   "': the date is outside of the years 1 to 9999, which Python's datetime has");
}

Object date_of(const leat::schema_view& column, std::int64_t since_1970) {
    const auto day = day_of(since_1970);
    if (!day) no_such_day(column);
    return Object::take(PyDate_FromDate(day->year, day->month, day->day));
}

Object integer(std::int64_t value) {
    return Object::take(PyLong_FromLongLong(value));
}

Object time_of(std::int64_t value, time_unit unit) {
    if (unit == time_unit::nano) return integer(value);
    const std::int64_t scale = per_second(unit), seconds = floor_of(value, scale);
    const auto micros = static_cast<int>((value - seconds * scale) * (1'000'000 / scale));
    return Object::take(PyTime_FromTime(static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60),
                                        static_cast<int>(seconds % 60), micros));
}

Object timestamp_of(const leat::schema_view& column, const leat::type_info& type, std::int64_t value) {
    if (type.unit == time_unit::nano) return integer(value);
    const std::int64_t scale = per_second(type.unit), seconds = floor_of(value, scale);
    const std::int64_t days = floor_of(seconds, seconds_of_day);
    const auto in_day = static_cast<int>(seconds - days * seconds_of_day);
    const auto micros = static_cast<int>((value - seconds * scale) * (1'000'000 / scale));
    const auto day = day_of(days);
    if (!day) no_such_day(column);
    return Object::take(PyDateTimeAPI->DateTime_FromDateAndTime(
        day->year, day->month, day->day, in_day / 3600, in_day / 60 % 60, in_day % 60, micros,
        type.zone.empty() ? Py_None : PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType));
}

Object duration_of(const leat::schema_view& column, std::int64_t value, time_unit unit) {
    if (unit == time_unit::nano) return integer(value);
    const std::int64_t scale = per_second(unit), seconds = floor_of(value, scale);
    const std::int64_t days = floor_of(seconds, seconds_of_day);
    if (days < -999'999'999 || days > 999'999'999) no_such_day(column);
    return Object::take(PyDelta_FromDSU(static_cast<int>(days), static_cast<int>(seconds - days * seconds_of_day),
                                        static_cast<int>((value - seconds * scale) * (1'000'000 / scale))));
}

double half_value(std::uint16_t bits) {
    return PyFloat_Unpack2(reinterpret_cast<const char*>(&bits), 1);
}

__extension__ using Wide = unsigned __int128;

/// decimal.Decimal, by its digits.
Object decimal_object(const std::string& digits) {
    const Object module = Object::take(PyImport_ImportModule("decimal"));
    return module.attribute("Decimal").call(text_of(digits));
}

Object decimal_of(const leat::decimal128& value, int scale) {
    Wide rest = static_cast<Wide>(static_cast<std::uint64_t>(value.high)) << 64 | value.low;
    const bool negative = value.high < 0;
    if (negative) rest = ~rest + 1;
    std::string digits;
    for (; rest != 0; rest /= 10)
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    if (digits.empty()) digits = "0";
    return decimal_object((negative ? "-" : "") + digits + "E" + std::to_string(-scale));
}

template <class T>
T plain(const array_view& column, std::int64_t row) {
    T value;
    std::memcpy(&value, column.buffer<T>(1) + column.offset() + row, sizeof value);
    return value;
}

Object bytes_of(std::string_view bytes) {
    return Object::take(PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
}

Object text_cell(const array_view& column, std::int64_t row) {
    const std::string_view text = leat::column<std::string_view>(column)[row];
    return Object::take(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
}

Object list_cell(const array_view& column, std::int64_t row, bool pairs) {
    const leat::list_view lists(column);
    const array_view items = lists.items();
    const std::int64_t begin = lists.begin(row), end = lists.end(row);
    Object out = Object::take(PyList_New(static_cast<Py_ssize_t>(end - begin)));
    for (std::int64_t i = begin; i < end; ++i) {
        Object item;
        if (pairs) {
            const Object key = to_python(items.member(0), i), value = to_python(items.member(1), i);
            item = Object::take(PyTuple_Pack(2, key.get(), value.get()));
        } else {
            item = to_python(items, i);
        }
        PyList_SET_ITEM(out.get(), static_cast<Py_ssize_t>(i - begin), item.release());
    }
    return out;
}

Object struct_cell(const array_view& column, std::int64_t row) {
    Object out = Object::take(PyDict_New());
    for (int i = 0; i < column.schema().size(); ++i) {
        const array_view member = column.member(i);
        const Object name = text_of(member.schema().name()), value = to_python(member, row);
        if (PyDict_SetItem(out.get(), name.get(), value.get()) != 0) throw Raised{};
    }
    return out;
}

// ---- from Python

std::string place_of(const leat::any_column& to) {
    return "column '" + std::string(to.schema().name()) + "'";
}

const char* word_for(const leat::any_column& to) {
    switch (to.id()) {
        case kind::boolean:
            return "a bool";
        case kind::int8:
            return "an int8";
        case kind::int16:
            return "an int16";
        case kind::int32:
            return "an int32";
        case kind::int64:
            return "an int64";
        case kind::uint8:
            return "a uint8";
        case kind::uint16:
            return "a uint16";
        case kind::uint32:
            return "a uint32";
        case kind::uint64:
            return "a uint64";
        case kind::float16:
        case kind::float32:
        case kind::float64:
            return "a float";
        case kind::decimal:
            return "a decimal";
        case kind::utf8:
        case kind::large_utf8:
            return "text";
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary:
            return "bytes";
        case kind::date32:
        case kind::date64:
            return "a date";
        case kind::time32:
        case kind::time64:
            return "a time";
        case kind::timestamp:
            return "a datetime";
        case kind::duration:
            return "a timedelta";
        case kind::list:
        case kind::large_list:
            return "a list";
        case kind::map:
            return "a list of pairs";
        case kind::structure:
            return "a dict";
        default:
            return "None";
    }
}

[[noreturn]] void refuse(const leat::any_column& to, PyObject* value, const std::string& more = {}) {
    raise(PyExc_TypeError, place_of(to) + ": " + shown(value) + " is not " + word_for(to) + more);
}

[[noreturn]] void too_large(const leat::any_column& to, PyObject* value) {
    raise(PyExc_OverflowError, place_of(to) + ": " + shown(value) + " does not fit " + (word_for(to) + 0));
}

bool is_integer(PyObject* value) {
    return PyLong_Check(value) != 0 && PyBool_Check(value) == 0;
}

/// An int, or what is one to Python (numpy's integers), but no bool.
std::optional<std::int64_t> signed_of(PyObject* value) {
    int over = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &over);
    if (number == -1 && PyErr_Occurred() != nullptr) throw Raised{};
    if (over != 0) return std::nullopt;
    return number;
}

Object as_integer(leat::any_column& to, PyObject* value) {
    if (is_integer(value)) return Object::share(value);
    if (PyBool_Check(value) != 0 || PyIndex_Check(value) == 0) refuse(to, value);
    return Object::take(PyNumber_Index(value));
}

template <class T>
void append_integer(leat::any_column& to, PyObject* value) {
    const Object number = as_integer(to, value);
    if constexpr (std::is_same_v<T, std::uint64_t>) {
        const unsigned long long got = PyLong_AsUnsignedLongLong(number.get());
        if (got == std::numeric_limits<unsigned long long>::max() && PyErr_Occurred() != nullptr) {
            PyErr_Clear();
            too_large(to, value);
        }
        to.as<T>().append(got);
    } else {
        const auto got = signed_of(number.get());
        if (!got || *got < std::int64_t{std::numeric_limits<T>::min()} ||
            *got > std::int64_t{std::numeric_limits<T>::max()}) {
            too_large(to, value);
        }
        to.as<T>().append(static_cast<T>(*got));
    }
}

double float_from(const leat::any_column& to, PyObject* value) {
    if (PyFloat_Check(value) != 0) return PyFloat_AS_DOUBLE(value);
    if (PyBool_Check(value) != 0 || PyUnicode_Check(value) != 0 || PyNumber_Check(value) == 0) refuse(to, value);
    const double got = PyFloat_AsDouble(value);
    if (got == -1.0 && PyErr_Occurred() != nullptr) throw Raised{};
    if (is_integer(value)) {
        const Object back = Object::take(PyLong_FromDouble(got));
        const int same = PyObject_RichCompareBool(back.get(), value, Py_EQ);
        if (same < 0) throw Raised{};
        if (same == 0) raise(PyExc_OverflowError, place_of(to) + ": " + shown(value) + " has more digits than a float");
    }
    return got;
}

/// Appends the digits of a Decimal or an int, unscaled.
void append_decimal(leat::any_column& to, PyObject* value) {
    const leat::type_info type = to.schema().type();
    if (PyFloat_Check(value) != 0 || PyBool_Check(value) != 0 || PyUnicode_Check(value) != 0) {
        refuse(to, value, ": a decimal.Decimal or an int is due");
    }
    const Object module = Object::take(PyImport_ImportModule("decimal"));
    const Object decimal = module.attribute("Decimal");
    Object exact = Object::share(value);
    if (PyObject_IsInstance(value, decimal.get()) != 1) {
        if (!is_integer(value)) refuse(to, value, ": a decimal.Decimal or an int is due");
        exact = decimal.call(exact);
    }
    const Object text = Object::take(PyObject_CallMethod(exact.get(), "__format__", "s", "f"));
    std::string_view digits = utf8_of(text.get());
    const bool negative = !digits.empty() && digits.front() == '-';
    if (negative) digits.remove_prefix(1);
    Wide number = 0;
    int behind = -1, count = 0;
    for (const char c : digits) {
        if (c == '.') {
            behind = 0;
            continue;
        }
        if (c < '0' || c > '9') refuse(to, value);  // NaN and Infinity
        if (behind >= 0 && ++behind > type.scale) {
            if (c != '0') {
                raise(PyExc_ValueError, place_of(to) + ": " + shown(value) + " has more than " +
                                            std::to_string(type.scale) + " digits behind the point");
            }
            continue;
        }
        number = number * 10 + static_cast<unsigned>(c - '0');
        if (number != 0) ++count;
        if (count > type.precision) too_large(to, value);
    }
    for (int have = behind < 0 ? 0 : std::min(behind, type.scale); have < type.scale; ++have) {
        number *= 10;
        if (number != 0) ++count;
    }
    if (count > type.precision) too_large(to, value);
    if (negative) number = ~number + 1;
    to.as<leat::decimal128>().append(leat::decimal128(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(number >> 64)), static_cast<std::uint64_t>(number)));
}

void append_text(leat::any_column& to, PyObject* value) {
    if (PyUnicode_Check(value) == 0) refuse(to, value);
    const std::string_view text = utf8_of(value);
    if (to.id() == kind::utf8) {
        to.as<std::string_view>().append(text);
    } else {
        to.as<leat::bytes_column<std::int64_t>>().append(text);
    }
}

void append_bytes(leat::any_column& to, PyObject* value) {
    if (PyObject_CheckBuffer(value) == 0) refuse(to, value);
    struct Buffer {
        Py_buffer raw{};
        explicit Buffer(PyObject* from) {
            if (PyObject_GetBuffer(from, &raw, PyBUF_SIMPLE) != 0) throw Raised{};
        }
        ~Buffer() { PyBuffer_Release(&raw); }
    } const buffer(value);
    const std::string_view bytes(static_cast<const char*>(buffer.raw.buf), static_cast<std::size_t>(buffer.raw.len));
    switch (to.id()) {
        case kind::binary:
            return to.as<std::string_view>().append(bytes);
        case kind::fixed_binary:
            if (static_cast<std::int64_t>(bytes.size()) != to.schema().type().width) {
                raise(PyExc_ValueError, place_of(to) + ": " + std::to_string(bytes.size()) + " bytes, where each has " +
                                            std::to_string(to.schema().type().width));
            }
            return to.as<leat::fixed_binary_column>().append(bytes);
        default:
            return to.as<leat::bytes_column<std::int64_t>>().append(bytes);
    }
}

/// Microseconds in units of the column; refuses what would be cut.
std::int64_t in_unit(const leat::any_column& to, PyObject* value, std::int64_t seconds, int micros) {
    const std::int64_t scale = per_second(to.schema().type().unit);
    if (scale <= 1'000'000) {
        const std::int64_t step = 1'000'000 / scale;
        if (micros % step != 0) {
            raise(PyExc_ValueError,
                  place_of(to) + ": " + shown(value) + " has a finer fraction of a second than the column");
        }
        return seconds * scale + micros / step;
    }
    if (seconds > 9'223'372'035 || seconds < -9'223'372'036) too_large(to, value);
    return seconds * scale + micros * (scale / 1'000'000);
}

void append_units(leat::any_column& to, std::int64_t units) {
    if (to.id() == kind::date32 || to.id() == kind::time32) {
        if (units < std::numeric_limits<std::int32_t>::min() || units > std::numeric_limits<std::int32_t>::max()) {
            const Object number = integer(units);
            too_large(to, number.get());
        }
        return to.as<std::int32_t>().append(static_cast<std::int32_t>(units));
    }
    to.as<std::int64_t>().append(units);
}

void append_date(leat::any_column& to, PyObject* value) {
    if (PyDate_Check(value) == 0 || PyDateTime_Check(value) != 0) refuse(to, value);
    const std::int64_t days =
        days_since_1970(PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value));
    append_units(to, to.id() == kind::date32 ? days : days * seconds_of_day * 1000);
}

void append_time(leat::any_column& to, PyObject* value) {
    if (PyTime_Check(value) == 0) refuse(to, value);
    const std::int64_t seconds = PyDateTime_TIME_GET_HOUR(value) * 3600 + PyDateTime_TIME_GET_MINUTE(value) * 60 +
                                 PyDateTime_TIME_GET_SECOND(value);
    append_units(to, in_unit(to, value, seconds, PyDateTime_TIME_GET_MICROSECOND(value)));
}

void append_timestamp(leat::any_column& to, PyObject* value) {
    if (PyDateTime_Check(value) == 0) refuse(to, value);
    const bool zoned = !to.schema().type().zone.empty();
    std::int64_t seconds =
        days_since_1970(PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value)) *
            seconds_of_day +
        PyDateTime_DATE_GET_HOUR(value) * 3600 + PyDateTime_DATE_GET_MINUTE(value) * 60 +
        PyDateTime_DATE_GET_SECOND(value);
    int micros = PyDateTime_DATE_GET_MICROSECOND(value);
    const Object offset = Object::take(PyObject_CallMethod(value, "utcoffset", nullptr));
    if (zoned != (PyDelta_Check(offset.get()) != 0)) {
        refuse(to, value,
               zoned ? " with a time zone, which this column has" : " without a time zone, as this column has none");
    }
    if (zoned) {
        seconds -=
            PyDateTime_DELTA_GET_DAYS(offset.get()) * seconds_of_day + PyDateTime_DELTA_GET_SECONDS(offset.get());
        micros -= PyDateTime_DELTA_GET_MICROSECONDS(offset.get());
        if (micros < 0) {
            micros += 1'000'000;
            --seconds;
        }
    }
    append_units(to, in_unit(to, value, seconds, micros));
}

void append_duration(leat::any_column& to, PyObject* value) {
    if (PyDelta_Check(value) == 0) refuse(to, value);
    const std::int64_t seconds =
        PyDateTime_DELTA_GET_DAYS(value) * seconds_of_day + PyDateTime_DELTA_GET_SECONDS(value);
    // More than 292,000 years in microseconds.
    if (seconds > 9'223'372'036'853 || seconds < -9'223'372'036'853) too_large(to, value);
    append_units(to, in_unit(to, value, seconds, PyDateTime_DELTA_GET_MICROSECONDS(value)));
}

template <class Column>
void append_list(leat::any_column& to, PyObject* value) {
    if (PyUnicode_Check(value) != 0 || PyBytes_Check(value) != 0 || PyDict_Check(value) != 0 ||
        PySequence_Check(value) == 0) {
        refuse(to, value);
    }
    const Object items = Object::take(PySequence_Fast(value, "a list is due"));
    Column& lists = to.as<Column>();
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i)
        append_value(lists.items(), PySequence_Fast_GET_ITEM(items.get(), i));
    lists.end_list();
}

void append_map(leat::any_column& to, PyObject* value) {
    Object pairs = Object::share(value);
    if (PyDict_Check(value) != 0) pairs = Object::take(PyDict_Items(value));
    if (PyList_Check(pairs.get()) == 0 && PyTuple_Check(pairs.get()) == 0) refuse(to, value);
    leat::map_column& maps = to.as<leat::map_column>();
    const Object items = Object::take(PySequence_Fast(pairs.get(), "a list is due"));
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
        PyObject* const pair = PySequence_Fast_GET_ITEM(items.get(), i);
        if (PyTuple_Check(pair) == 0 || PyTuple_GET_SIZE(pair) != 2) refuse(to, value);
        append_value(maps.keys(), PyTuple_GET_ITEM(pair, 0));
        append_value(maps.values(), PyTuple_GET_ITEM(pair, 1));
    }
    maps.end_map();
}

void append_struct(leat::any_column& to, PyObject* value) {
    if (PyDict_Check(value) == 0) refuse(to, value);
    leat::struct_column& structs = to.as<leat::struct_column>();
    Py_ssize_t found = 0;
    for (int i = 0; i < structs.members(); ++i) {
        const Object name = text_of(structs.member(i).schema().name());
        PyObject* const cell = PyDict_GetItemWithError(value, name.get());
        if (cell == nullptr && PyErr_Occurred() != nullptr) throw Raised{};
        if (cell != nullptr) ++found;
        append_value(structs.member(i), cell == nullptr ? Py_None : cell);
    }
    if (found != PyDict_GET_SIZE(value)) refuse(to, value, " of the struct's members alone");
    structs.end_struct();
}

}  // namespace

void start_values() {
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == nullptr) throw Raised{};
}

Object to_python(const array_view& column, std::int64_t row) {
    if (!column.valid(row)) return Object::share(Py_None);
    const leat::schema_view schema = column.schema();
    switch (const leat::type_info type = column.type(); type.id) {
        case kind::null:
            return Object::share(Py_None);
        case kind::boolean:
            return Object::share(leat::column<bool>(column)[row] ? Py_True : Py_False);
        case kind::int8:
            return integer(plain<std::int8_t>(column, row));
        case kind::int16:
            return integer(plain<std::int16_t>(column, row));
        case kind::int32:
            return integer(plain<std::int32_t>(column, row));
        case kind::int64:
            return integer(plain<std::int64_t>(column, row));
        case kind::uint8:
            return integer(plain<std::uint8_t>(column, row));
        case kind::uint16:
            return integer(plain<std::uint16_t>(column, row));
        case kind::uint32:
            return integer(plain<std::uint32_t>(column, row));
        case kind::uint64:
            return Object::take(PyLong_FromUnsignedLongLong(plain<std::uint64_t>(column, row)));
        case kind::float16:
            return Object::take(PyFloat_FromDouble(half_value(plain<std::uint16_t>(column, row))));
        case kind::float32:
            return Object::take(PyFloat_FromDouble(static_cast<double>(plain<float>(column, row))));
        case kind::float64:
            return Object::take(PyFloat_FromDouble(plain<double>(column, row)));
        case kind::decimal:
            return decimal_of(plain<leat::decimal128>(column, row), type.scale);
        case kind::utf8:
        case kind::large_utf8:
            return text_cell(column, row);
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary:
            return bytes_of(leat::column<std::string_view>(column)[row]);
        case kind::date32:
            return date_of(schema, plain<std::int32_t>(column, row));
        case kind::date64:
            return date_of(schema, floor_of(plain<std::int64_t>(column, row), seconds_of_day * 1000));
        case kind::time32:
            return time_of(plain<std::int32_t>(column, row), type.unit);
        case kind::time64:
            return time_of(plain<std::int64_t>(column, row), type.unit);
        case kind::timestamp:
            return timestamp_of(schema, type, plain<std::int64_t>(column, row));
        case kind::duration:
            return duration_of(schema, plain<std::int64_t>(column, row), type.unit);
        case kind::list:
        case kind::large_list:
            return list_cell(column, row, false);
        case kind::map:
            return list_cell(column, row, true);
        case kind::structure:
            return struct_cell(column, row);
        case kind::other:
            break;
    }
    raise(PyExc_TypeError, "column '" + std::string(schema.name()) + "' is of Arrow type " + schema.format() +
                               ", whose values Leat does not show to Python; pyarrow may, with the whole batch");
}

void append_value(leat::any_column& to, PyObject* value) {
    if (value == Py_None) return to.append_null();
    switch (to.id()) {
        case kind::boolean:
            if (PyBool_Check(value) == 0) refuse(to, value);
            return to.as<bool>().append(value == Py_True);
        case kind::int8:
            return append_integer<std::int8_t>(to, value);
        case kind::int16:
            return append_integer<std::int16_t>(to, value);
        case kind::int32:
            return append_integer<std::int32_t>(to, value);
        case kind::int64:
            return append_integer<std::int64_t>(to, value);
        case kind::uint8:
            return append_integer<std::uint8_t>(to, value);
        case kind::uint16:
            return append_integer<std::uint16_t>(to, value);
        case kind::uint32:
            return append_integer<std::uint32_t>(to, value);
        case kind::uint64:
            return append_integer<std::uint64_t>(to, value);
        case kind::float16: {
            leat::half half;
            if (PyFloat_Pack2(float_from(to, value), reinterpret_cast<char*>(&half.bits), 1) != 0) throw Raised{};
            return to.as<leat::half>().append(half);
        }
        case kind::float32: {
            const double number = float_from(to, value);
            if (std::isfinite(number) && std::abs(number) > static_cast<double>(std::numeric_limits<float>::max())) {
                too_large(to, value);
            }
            return to.as<float>().append(static_cast<float>(number));
        }
        case kind::float64:
            return to.as<double>().append(float_from(to, value));
        case kind::decimal:
            return append_decimal(to, value);
        case kind::utf8:
        case kind::large_utf8:
            return append_text(to, value);
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary:
            return append_bytes(to, value);
        case kind::date32:
        case kind::date64:
            if (is_integer(value)) break;
            return append_date(to, value);
        case kind::time32:
        case kind::time64:
            if (is_integer(value)) break;
            return append_time(to, value);
        case kind::timestamp:
            if (is_integer(value)) break;
            return append_timestamp(to, value);
        case kind::duration:
            if (is_integer(value)) break;
            return append_duration(to, value);
        case kind::list:
            return append_list<leat::list_column>(to, value);
        case kind::large_list:
            return append_list<leat::large_list_column>(to, value);
        case kind::map:
            return append_map(to, value);
        case kind::structure:
            return append_struct(to, value);
        default:
            refuse(to, value);
    }
    // An int is what Arrow keeps: days, or units since 1970 or midnight.
    const auto units = signed_of(value);
    if (!units) too_large(to, value);
    append_units(to, *units);
}

namespace {

/// Copies `count` values of T, if they are that wide and of that sort.
template <class T>
bool append_plain(leat::any_column& to, const Py_buffer& from) {
    if (from.itemsize != static_cast<Py_ssize_t>(sizeof(T))) return false;
    const std::string_view format = from.format == nullptr ? "B" : from.format;
    const char sort = format.back();
    if (format.size() > 1 && format.front() != '@' && format.front() != '=' && format.front() != '<') return false;
    const std::string_view sorts = std::is_floating_point_v<T> ? "fd" : std::is_unsigned_v<T> ? "BHILQN" : "bhilqn";
    if (sorts.find(sort) == sorts.npos) return false;
    to.as<T>().append(static_cast<const T*>(from.buf), from.len / from.itemsize);
    return true;
}

bool append_numbers(leat::any_column& to, const Py_buffer& from) {
    switch (to.id()) {
        case kind::int8:
            return append_plain<std::int8_t>(to, from);
        case kind::int16:
            return append_plain<std::int16_t>(to, from);
        case kind::int32:
        case kind::date32:
        case kind::time32:
            return append_plain<std::int32_t>(to, from);
        case kind::int64:
        case kind::date64:
        case kind::time64:
        case kind::timestamp:
        case kind::duration:
            return append_plain<std::int64_t>(to, from);
        case kind::uint8:
            return append_plain<std::uint8_t>(to, from);
        case kind::uint16:
            return append_plain<std::uint16_t>(to, from);
        case kind::uint32:
            return append_plain<std::uint32_t>(to, from);
        case kind::uint64:
            return append_plain<std::uint64_t>(to, from);
        case kind::float32:
            return append_plain<float>(to, from);
        case kind::float64:
            return append_plain<double>(to, from);
        default:
            return false;
    }
}

}  // namespace

bool append_buffer(leat::any_column& to, PyObject* values) {
    if (PyObject_CheckBuffer(values) == 0) return false;
    struct Buffer {
        Py_buffer raw{};
        explicit Buffer(PyObject* from) {
            if (PyObject_GetBuffer(from, &raw, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) throw Raised{};
        }
        ~Buffer() { PyBuffer_Release(&raw); }
    } const buffer(values);
    if (buffer.raw.ndim == 1 && append_numbers(to, buffer.raw)) return true;
    raise(PyExc_TypeError, place_of(to) + ": a buffer of format '" +
                               (buffer.raw.format == nullptr ? "B" : buffer.raw.format) + "' holds no " +
                               to.schema().format() + " values in one row; a list does for every type");
}

}  // namespace python
