// A batch of Arrow columns as a table that SQLite reads in place: text and binary cells point into the Arrow buffers.
//
// How a cell looks in SQL:
//   bool                   INTEGER 0 or 1
//   integers               INTEGER; an uint64 above 2^63-1 is TEXT, because no INTEGER holds it
//   floats                 REAL, or TEXT of the digits that read back as the same number; NaN is NULL, because SQLite
//                          has no NaN
//   decimal                INTEGER when the scale is 0 and it fits, else REAL; or TEXT, digit for digit
//   utf8, json             TEXT
//   binary                 BLOB
//   date, time, timestamp  TEXT as in calendar_text.hpp, so that SQLite's date functions work
//   duration               INTEGER, counting its unit
//   list, struct, map      TEXT, as JSON
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <leat/leat.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calendar_text.hpp"

namespace arrow_sql {

/// Memory for texts that SQLite may point to until clear(): it never moves.
class TextArena {
public:
    /// Room for `size` bytes, to be followed by take.
    char* room(std::size_t size);
    /// Keeps the first `size` bytes of the room.
    void take(std::size_t size) { used_ += size; }
    /// True when so much is kept that more should be copied by SQLite: a join may read a cell a million times.
    bool full() const { return current_ >= most_chunks; }
    void clear() {
        current_ = 0;
        used_ = 0;
    }

private:
    static constexpr std::size_t chunk_size = 256 * 1024;
    static constexpr std::size_t most_chunks = 64;

    std::vector<std::unique_ptr<char[]>> chunks_;
    std::size_t current_ = 0;
    std::size_t used_ = 0;
};

/// What floats and decimals are to SQLite: numbers to calculate with, or text that keeps every digit.
enum class NumberAs : std::uint8_t { number, text };

/// One column of the batch that is lent now.
struct BatchColumn {
    /// Answers with cell `row`, which is not NULL.
    using Put = void (*)(sqlite3_context*, BatchColumn&, std::int64_t row);

    BatchColumn(const leat::array_view& from, NumberAs numbers, TextArena& texts);

    bool is_null(std::int64_t row) const {
        if (validity == nullptr) return false;
        const std::int64_t bit = view.offset() + row;
        return (validity[bit >> 3] >> (bit & 7) & 1) == 0;
    }

    leat::array_view view;
    Put put;
    const std::uint8_t* validity;  // null: no NULL
    const void* values;            // of row 0; for bool the whole bitmap
    const char* bytes = nullptr;   // text and binary
    std::int64_t width = 0;        // of a fixed_binary
    int scale = 0;
    Unit unit = Unit::none;
    TextArena* arena;
    std::int64_t not_a_number = 0;  // NaNs that were read as NULL
};

/// The table. It lives as long as the connection that it is registered with, at one address.
class BatchTable {
public:
    /// `name` is what SQL calls it.
    BatchTable(sqlite3* database, std::string name) : database_(database), name_(std::move(name)) {}
    BatchTable(const BatchTable&) = delete;
    BatchTable& operator=(const BatchTable&) = delete;

    /// Gives the table these columns; statements that read it must have been finalized. Throws CONFIG when SQLite takes
    /// two names for the same, UNSUPPORTED for a type that has no form above.
    void declare(const leat::schema_view& columns);
    /// By column; empty: all are numbers.
    void set_numbers(std::vector<NumberAs> numbers) { numbers_ = std::move(numbers); }

    /// Lends a batch of the declared columns, until the next lend or give_back.
    void lend(const leat::batch& lent);
    void give_back();
    /// Leaves rows of the lent batch out of all scans, those with a true; `rows` must last until give_back.
    void skip(const std::vector<bool>& rows) { skipped_ = &rows; }
    /// The rows that a scan yields: [first, end). A lend sets all of them.
    void limit(std::int64_t first, std::int64_t end) {
        first_ = first;
        end_ = end;
        scans_ = 0;
    }

    /// The row that the last scan stands on.
    std::int64_t row() const { return row_; }
    /// Scans that were begun since limit.
    int scans() const { return scans_; }
    /// A column of the lent batch.
    const BatchColumn& column(int i) const { return columns_[static_cast<std::size_t>(i)]; }
    /// NaNs that were read as NULL from this batch.
    std::int64_t not_a_number() const;
    const std::string& name() const { return name_; }

    /// How EXPLAIN QUERY PLAN marks a scan of this table: at the end of its line.
    static constexpr const char* mark = "lent";
    /// The column that a declared type, as sqlite3_column_decltype gives it, belongs to; -1: none of ours.
    static int column_of(const char* declared_type);

private:
    struct Connection;
    struct Scan;
    /// The first row from `row` on that a scan yields.
    std::int64_t next_from(std::int64_t row) const {
        while (skipped_ != nullptr && row < end_ && (*skipped_)[static_cast<std::size_t>(row)])
            ++row;
        return row;
    }
    static const sqlite3_module module;

    sqlite3* database_;
    std::string name_;
    std::string definition_;
    std::vector<NumberAs> numbers_;
    std::vector<BatchColumn> columns_;
    TextArena arena_;
    const std::vector<bool>* skipped_ = nullptr;
    std::int64_t first_ = 0;
    std::int64_t end_ = 0;
    std::int64_t row_ = 0;
    int scans_ = 0;
};

}  // namespace arrow_sql
