#include "batch_table.hpp"

#include <cmath>
#include <cstring>

#include "database.hpp"
#include "json_text.hpp"
#include "number_text.hpp"

namespace arrow_sql {
namespace {

using leat::kind;

template <class T>
T value_at(const BatchColumn& column, std::int64_t row) {
    return static_cast<const T*>(column.values)[row];
}

void put_null(sqlite3_context*, BatchColumn&, std::int64_t) {}  // what a context answers when nothing is said

void put_bool(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    const std::int64_t bit = column.view.offset() + row;
    sqlite3_result_int(out, static_cast<const std::uint8_t*>(column.values)[bit >> 3] >> (bit & 7) & 1);
}

template <class T>
void put_integer(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    sqlite3_result_int64(out, value_at<T>(column, row));
}

template <class Write>
void put_written(sqlite3_context* out, BatchColumn& column, std::size_t longest, Write write) {
    if (column.arena->full()) {
        char text[longest_decimal_text];
        return sqlite3_result_text(out, text, static_cast<int>(write(text) - text), SQLITE_TRANSIENT);
    }
    char* const begin = column.arena->room(longest);
    const auto size = static_cast<std::size_t>(write(begin) - begin);
    column.arena->take(size);
    sqlite3_result_text(out, begin, static_cast<int>(size), SQLITE_STATIC);
}

void put_uint64(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    const auto value = value_at<std::uint64_t>(column, row);
    if (value <= INT64_MAX) return sqlite3_result_int64(out, static_cast<std::int64_t>(value));
    put_written(out, column, 20, [value](char* to) { return std::to_chars(to, to + 20, value).ptr; });
}

void put_real(sqlite3_context* out, BatchColumn& column, double value) {
    column.not_a_number += std::isnan(value);
    sqlite3_result_double(out, value);  // SQLite makes NULL of NaN
}
template <class T>
void put_float(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_real(out, column, value_at<T>(column, row));
}
void put_half(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_real(out, column, to_double(value_at<leat::half>(column, row)));
}
template <class Float>
void put_digits(sqlite3_context* out, BatchColumn& column, Float value) {
    constexpr std::size_t longest = 32;
    put_written(out, column, longest, [&](char* to) { return std::to_chars(to, to + longest, value).ptr; });
}
template <class T>
void put_float_text(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_digits(out, column, value_at<T>(column, row));
}
void put_half_text(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_digits(out, column, to_double(value_at<leat::half>(column, row)));
}

void put_decimal_text(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    const Int128 value = wide(value_at<leat::decimal128>(column, row));
    put_written(out, column, longest_decimal_text, [&](char* to) { return write_decimal(to, value, column.scale); });
}
void put_decimal_number(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    const Int128 value = wide(value_at<leat::decimal128>(column, row));
    if (column.scale == 0 && value >= INT64_MIN && value <= INT64_MAX) {
        return sqlite3_result_int64(out, static_cast<std::int64_t>(value));
    }
    char text[longest_decimal_text];
    double nearest = 0;
    std::from_chars(text, write_decimal(text, value, column.scale), nearest);
    sqlite3_result_double(out, nearest);
}

using PutBytes = void (*)(sqlite3_context*, const void*, sqlite3_uint64);
void as_text(sqlite3_context* out, const void* data, sqlite3_uint64 size) {
    sqlite3_result_text64(out, static_cast<const char*>(data), size, SQLITE_STATIC, SQLITE_UTF8);
}
void as_blob(sqlite3_context* out, const void* data, sqlite3_uint64 size) {
    sqlite3_result_blob64(out, data, size, SQLITE_STATIC);
}
template <class Offset, PutBytes Put>
void put_bytes(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    const auto* const offsets = static_cast<const Offset*>(column.values);
    const auto size = static_cast<sqlite3_uint64>(offsets[row + 1] - offsets[row]);
    // An empty cell may lie in no buffer at all, and to SQLite a null pointer is NULL.
    Put(out, size == 0 ? "" : column.bytes + offsets[row], size);
}
void put_fixed_binary(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    sqlite3_result_blob64(out, column.bytes + row * column.width, static_cast<sqlite3_uint64>(column.width),
                          SQLITE_STATIC);
}

void put_date32(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_written(out, column, longest_calendar_text,
                [&](char* to) { return write_date(to, value_at<std::int32_t>(column, row)); });
}
void put_date64(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_written(out, column, longest_calendar_text,
                [&](char* to) { return write_date(to, day_of_millis(value_at<std::int64_t>(column, row))); });
}
template <class T>
void put_time(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_written(out, column, longest_calendar_text,
                [&](char* to) { return write_time(to, value_at<T>(column, row), column.unit); });
}
void put_timestamp(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    put_written(out, column, longest_calendar_text,
                [&](char* to) { return write_timestamp(to, value_at<std::int64_t>(column, row), column.unit); });
}

void put_json(sqlite3_context* out, BatchColumn& column, std::int64_t row) {
    try {
        std::string text;
        append_json(text, column.view, row);
        sqlite3_result_text64(out, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(out);
    } catch (const std::exception& e) {
        sqlite3_result_error(out, e.what(), -1);
    }
}

/// Null: there is no form for this type.
BatchColumn::Put put_of(const leat::type_info& type, NumberAs numbers) {
    switch (type.id) {
        case kind::null:
            return put_null;
        case kind::boolean:
            return put_bool;
        case kind::int8:
            return put_integer<std::int8_t>;
        case kind::int16:
            return put_integer<std::int16_t>;
        case kind::int32:
            return put_integer<std::int32_t>;
        case kind::int64:
        case kind::duration:
            return put_integer<std::int64_t>;
        case kind::uint8:
            return put_integer<std::uint8_t>;
        case kind::uint16:
            return put_integer<std::uint16_t>;
        case kind::uint32:
            return put_integer<std::uint32_t>;
        case kind::uint64:
            return put_uint64;
        case kind::float16:
            return numbers == NumberAs::text ? put_half_text : put_half;
        case kind::float32:
            return numbers == NumberAs::text ? put_float_text<float> : put_float<float>;
        case kind::float64:
            return numbers == NumberAs::text ? put_float_text<double> : put_float<double>;
        case kind::decimal:
            return numbers == NumberAs::text ? put_decimal_text : put_decimal_number;
        case kind::utf8:
            return put_bytes<std::int32_t, as_text>;
        case kind::large_utf8:
            return put_bytes<std::int64_t, as_text>;
        case kind::binary:
            return put_bytes<std::int32_t, as_blob>;
        case kind::large_binary:
            return put_bytes<std::int64_t, as_blob>;
        case kind::fixed_binary:
            return put_fixed_binary;
        case kind::date32:
            return put_date32;
        case kind::date64:
            return put_date64;
        case kind::time32:
            return put_time<std::int32_t>;
        case kind::time64:
            return put_time<std::int64_t>;
        case kind::timestamp:
            return put_timestamp;
        case kind::list:
        case kind::large_list:
        case kind::structure:
        case kind::map:
            return put_json;
        case kind::other:
            break;
    }
    return nullptr;
}

/// Where row 0 of the second buffer lies.
const void* first_value(const leat::array_view& view, const leat::type_info& type) {
    const auto at = [&](std::int64_t size) -> const void* {
        const char* const buffer = view.buffer<char>(1);
        return buffer == nullptr ? nullptr : buffer + view.offset() * size;
    };
    switch (type.id) {
        case kind::boolean:
            return view.buffer<char>(1);
        case kind::int8:
        case kind::uint8:
            return at(1);
        case kind::int16:
        case kind::uint16:
        case kind::float16:
            return at(2);
        case kind::int32:
        case kind::uint32:
        case kind::float32:
        case kind::date32:
        case kind::time32:
        case kind::utf8:
        case kind::binary:
            return at(4);
        case kind::decimal:
            return at(16);
        case kind::fixed_binary:
            return at(type.width);
        case kind::null:
        case kind::structure:
            return nullptr;
        default:
            return at(8);
    }
}

/// The affinity decides how SQLite compares the column with a literal: a date is text, whatever it looks like.
const char* affinity_of(const leat::type_info& type) {
    switch (type.id) {
        case kind::boolean:
        case kind::int8:
        case kind::int16:
        case kind::int32:
        case kind::int64:
        case kind::uint8:
        case kind::uint16:
        case kind::uint32:
        case kind::uint64:
        case kind::duration:
            return "INTEGER";
        case kind::float16:
        case kind::float32:
        case kind::float64:
            return "REAL";
        case kind::decimal:
            return "NUMERIC";
        case kind::binary:
        case kind::large_binary:
        case kind::fixed_binary:
        case kind::null:
            return "BLOB";
        default:
            return "TEXT";
    }
}

}  // namespace

char* TextArena::room(std::size_t size) {
    if (chunks_.empty() || used_ + size > chunk_size) {
        if (!chunks_.empty()) ++current_;
        if (current_ == chunks_.size()) chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_size));
        used_ = 0;
    }
    return chunks_[current_].get() + used_;
}

BatchColumn::BatchColumn(const leat::array_view& from, NumberAs numbers, TextArena& texts) : view(from), arena(&texts) {
    const leat::type_info type = view.type();
    put = put_of(type, numbers);
    validity = view.has_nulls() ? view.buffer<std::uint8_t>(0) : nullptr;
    values = first_value(view, type);
    bytes = type.id == kind::fixed_binary ? static_cast<const char*>(values) : view.buffer<char>(2);
    width = type.width;
    scale = type.scale;
    unit = type.unit;
}

struct BatchTable::Connection : sqlite3_vtab {
    BatchTable* table;
};

struct BatchTable::Scan : sqlite3_vtab_cursor {
    BatchTable* table;
    std::int64_t row;
    std::int64_t end;
};

// Exceptions must not pass through SQLite, which is C.
const sqlite3_module BatchTable::module = [] {
    sqlite3_module m{};
    m.iVersion = 1;
    // Without xCreate the table is there by its name alone.
    m.xConnect = [](sqlite3* database, void* table, int, const char* const*, sqlite3_vtab** out, char**) {
        auto* const self = static_cast<BatchTable*>(table);
        if (const int code = sqlite3_declare_vtab(database, self->definition_.c_str()); code != SQLITE_OK) return code;
        auto* const made = new (std::nothrow) Connection{};
        if (made == nullptr) return SQLITE_NOMEM;
        made->table = self;
        *out = made;
        return SQLITE_OK;
    };
    m.xDisconnect = [](sqlite3_vtab* connection) {
        delete static_cast<Connection*>(connection);
        return SQLITE_OK;
    };
    m.xDestroy = m.xDisconnect;
    m.xBestIndex = [](sqlite3_vtab*, sqlite3_index_info* plan) {
        plan->estimatedRows = 10'000;
        plan->estimatedCost = 10'000;
        plan->idxStr = const_cast<char*>(mark);  // SQLite only prints it
        return SQLITE_OK;
    };
    m.xOpen = [](sqlite3_vtab* connection, sqlite3_vtab_cursor** out) {
        auto* const scan = new (std::nothrow) Scan{};
        if (scan == nullptr) return SQLITE_NOMEM;
        scan->table = static_cast<Connection*>(connection)->table;
        *out = scan;
        return SQLITE_OK;
    };
    m.xClose = [](sqlite3_vtab_cursor* cursor) {
        delete static_cast<Scan*>(cursor);
        return SQLITE_OK;
    };
    m.xFilter = [](sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
        auto* const scan = static_cast<Scan*>(cursor);
        ++scan->table->scans_;
        scan->row = scan->table->row_ = scan->table->next_from(scan->table->first_);
        scan->end = scan->table->end_;
        return SQLITE_OK;
    };
    m.xNext = [](sqlite3_vtab_cursor* cursor) {
        auto* const scan = static_cast<Scan*>(cursor);
        scan->row = scan->table->row_ = scan->table->next_from(scan->row + 1);
        return SQLITE_OK;
    };
    m.xEof = [](sqlite3_vtab_cursor* cursor) -> int {
        const auto* const scan = static_cast<Scan*>(cursor);
        return scan->row >= scan->end;
    };
    m.xColumn = [](sqlite3_vtab_cursor* cursor, sqlite3_context* out, int index) {
        const auto* const scan = static_cast<Scan*>(cursor);
        BatchColumn& column = scan->table->columns_[static_cast<std::size_t>(index)];
        if (!column.is_null(scan->row)) column.put(out, column, scan->row);  // NULL is what is not said
        return SQLITE_OK;
    };
    m.xRowid = [](sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
        *out = static_cast<Scan*>(cursor)->row;
        return SQLITE_OK;
    };
    return m;
}();

void BatchTable::declare(const leat::schema_view& columns) {
    std::string definition = "CREATE TABLE batch(";
    for (int i = 0; i < columns.size(); ++i) {
        const leat::schema_view column = columns[i];
        for (int k = 0; k < i; ++k) {
            if (same_name(columns[k].name(), column.name())) {
                throw leat::error(LEAT_ERR_CONFIG, "columns '" + std::string(columns[k].name()) + "' and '" +
                                                       std::string(column.name()) +
                                                       "' have one name in SQL, where case does not count: rename one");
            }
        }
        if (put_of(column.type(), NumberAs::number) == nullptr) {
            throw leat::error(LEAT_ERR_UNSUPPORTED, "column '" + std::string(column.name()) + "' is of Arrow type " +
                                                        column.format() + ", which has no form in SQLite");
        }
        // The type carries the column's number, so that a result column can be traced back to it.
        definition += (i == 0 ? "" : ", ") + sql_name(column.name()) + ' ' + affinity_of(column.type()) + '(' +
                      std::to_string(i) + ')';
    }
    if (columns.size() == 0) throw leat::error(LEAT_ERR_CONFIG, "the rows have no columns");
    columns_.clear();
    numbers_.clear();
    definition_ = definition + ')';
    // Registering again makes SQLite forget the table under this name as it was.
    if (sqlite3_create_module_v2(database_, name_.c_str(), &module, this, nullptr) != SQLITE_OK) throw std::bad_alloc();
}

void BatchTable::lend(const leat::batch& lent) {
    give_back();
    arena_.clear();
    for (int i = 0; i < lent.columns(); ++i) {
        const auto index = static_cast<std::size_t>(i);
        columns_.emplace_back(lent.column(i), index < numbers_.size() ? numbers_[index] : NumberAs::number, arena_);
    }
    limit(0, lent.rows());
}

void BatchTable::give_back() {
    columns_.clear();
    skipped_ = nullptr;
    limit(0, 0);
}

std::int64_t BatchTable::not_a_number() const {
    std::int64_t sum = 0;
    for (const BatchColumn& column : columns_)
        sum += column.not_a_number;
    return sum;
}

int BatchTable::column_of(const char* declared_type) {
    if (declared_type == nullptr) return -1;
    const char* const open = std::strchr(declared_type, '(');
    return open == nullptr ? -1 : std::atoi(open + 1);
}

}  // namespace arrow_sql
