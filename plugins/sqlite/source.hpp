// Rows out of a table or a query of a SQLite file.
#pragma once

#include <leat/leat.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cell_writer.hpp"
#include "database.hpp"

namespace arrow_sql {

/// SQLite's columns have no types of their own, only values do. A column's Arrow type comes from the option `types`,
/// else from its declared type, else from the values of the first rows. A row with a value that does not fit becomes a
/// dead letter.
///
/// There are two ways to read. A table with a rowid is read in the order of it, a statement for each read: between two
/// reads nothing is locked, and the position is the rowid. Everything else is one statement for the whole run, on one
/// snapshot; the position is the number of rows, good as long as nobody writes to the database.
class SqliteSource {
public:
    explicit SqliteSource(leat::context& ctx);

    void open(leat::context& ctx, std::string_view resume);
    leat_status read(leat::context& ctx, const leat_bucket_config& hint);
    void close(leat::context& ctx);

private:
    struct FreeValue {
        void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
    };
    using Value = std::unique_ptr<sqlite3_value, FreeValue>;
    using Row = std::vector<Value>;

    void check_table() const;
    std::string find_rowid() const;
    std::vector<std::string> table_columns() const;
    void go_to(leat::context& ctx, std::string_view resume);
    void take_snapshot(const leat::context& ctx);
    std::string state_of_files() const;
    void prepare();
    void sample();
    leat::fields find_types(const leat::context& ctx) const;
    leat::field field_of(const leat::context& ctx, int column) const;
    void report_range(const leat::context& ctx);

    bool by_rowid() const { return !rowid_.empty(); }
    bool collect(const leat::context& ctx, const leat_bucket_config& hint);
    bool next_row();
    void take_row(const leat::context& ctx);
    void reject(const leat::context& ctx, const std::string& why) const;
    void emit(const leat::context& ctx);
    std::string subject() const { return table_.empty() ? "query" : "table '" + table_ + "'"; }

    const std::string path_;
    const std::string table_;
    const std::string query_;
    std::map<std::string, leat::data_type> types_;  // by column, as the option says

    Database database_;
    Statement rows_;
    std::string rowid_;             // what the table's rowid is called; empty: there is none
    bool is_utf16_ = false;         // the text of the database
    int columns_ = 0;               // without the rowid, which comes last
    std::vector<Row> sampled_;      // the first rows, until they are emitted
    std::size_t sample_given_ = 0;  // how many of them were
    bool sample_is_all_ = false;
    std::optional<leat::builder> out_;
    std::vector<CellWriter> writers_;
    std::vector<sqlite3_value*> values_;  // of the row at hand; the rowid last
    bool at_row_ = false;                 // values_ is a row that is not taken yet
    std::optional<std::int64_t> last_rowid_;
    std::int64_t rows_read_ = 0;
    std::int64_t not_emitted_ = 0;  // rows that were read since the last emit, rejected ones among them
    std::string state_;             // of the files, when the snapshot was taken
    std::int64_t first_rowid_ = 0;  // of the table
    leat::metric progress_;
};

}  // namespace arrow_sql
