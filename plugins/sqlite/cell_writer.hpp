// SQLite's dynamically typed values into Arrow columns of one type, without loss: a value either fits or is refused.
//
// What fits a column:
//   integers       an INTEGER in range; a REAL without fraction, up to 2^53; TEXT that is such a number
//   floats         REAL; an INTEGER up to 2^53 (2^24 for float32); TEXT that is a number
//   bool           INTEGER 0 or 1; TEXT true, false, t, f, yes, no, 1 or 0, in any case
//   text           TEXT that is UTF-8; numbers, with the digits that read back as the same; never a BLOB
//   json           as text; what is no JSON is the reader's to find
//   binary         BLOB; TEXT, byte for byte
//   decimal        INTEGER; a REAL by its first 15 digits, which is what SQLite keeps of it; TEXT; exactly at the scale
//   date, time,
//   timestamp      ISO 8601 TEXT; never a number, which may mean seconds, milliseconds or Julian days
//   duration       INTEGER
#pragma once

#include <sqlite3.h>

#include <leat/leat.hpp>
#include <string>

namespace arrow_sql {

/// Writes one column of a builder, which must outlive it.
class CellWriter {
public:
    explicit CellWriter(leat::any_column& column);

    /// Appends `value`, or answers false and appends nothing.
    bool write(sqlite3_value* value) const {
        if (sqlite3_value_type(value) != SQLITE_NULL) return store_(*this, value);
        if (!nullable_) return false;
        column_->append_null();
        return true;
    }
    /// Why write refused `value`: "amount: 'abc' (text) is not an int64".
    std::string refusal(sqlite3_value* value) const;

    leat::any_column& column() const { return *column_; }
    const leat::type_info& type() const { return type_; }

private:
    using Store = bool (*)(const CellWriter&, sqlite3_value*);

    leat::any_column* column_;
    leat::type_info type_;
    bool nullable_;
    Store store_;
};

/// A value for a message: "'abc' (text)", "1.5 (real)", "NULL".
std::string shown(sqlite3_value* value);

/// A value as JSON, for a dead letter: text as a string, a BLOB as {"hex": "..."}.
void append_json_value(std::string& out, sqlite3_value* value);

}  // namespace arrow_sql
