// Rows out of a table or a query of a SQLite file.
#pragma once

#include <atomic>
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
/// else from its declared type, unless one of the first rows contradicts it, else from the values of these rows. A row
/// with a value that does not fit becomes a dead letter.
class SqliteSource {
public:
    explicit SqliteSource(leat::context& ctx);

    void open(leat::context& ctx, std::string_view resume);
    leat_status read(leat::context& ctx, const leat_bucket_config& hint);
    void close(leat::context& ctx);
    void interrupt() noexcept;

private:
    struct FreeValue {
        void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
    };
    using Value = std::unique_ptr<sqlite3_value, FreeValue>;
    using Row = std::vector<Value>;

    void check_table(const leat::context& ctx) const;
    std::string find_rowid() const;
    std::vector<std::string> column_names(std::string_view from) const;
    void prepare(std::string_view resume);
    void sample();
    leat::field field_of(int column) const;
    void make_builder(const leat::context& ctx);
    void report_range(const leat::context& ctx) const;
    bool take_row(const leat::context& ctx, sqlite3_value* const* values);
    void reject(const leat::context& ctx, sqlite3_value* const* values, const std::string& why) const;
    std::string subject() const { return table_.empty() ? "query" : "table '" + table_ + "'"; }

    const std::string path_;
    const std::string table_;
    const std::string query_;
    std::map<std::string, leat::data_type> types_;  // by column, as the option says

    Database database_;
    Statement rows_;
    std::string rowid_;             // what the table's rowid is called; empty: there is none, so no position either
    int columns_ = 0;               // without the rowid, which comes last
    std::vector<Row> sampled_;      // the first rows, until they are emitted
    std::size_t sample_given_ = 0;  // how many of them were
    bool sample_is_all_ = false;
    std::optional<leat::builder> out_;
    std::vector<CellWriter> writers_;
    std::int64_t position_ = 0;  // rowid of the last row that was read
    std::int64_t rows_read_ = 0;
    std::int64_t first_rowid_ = 0;
    std::optional<leat::metric> progress_;
    leat_ctx* host_ctx_;
    std::atomic<bool> return_soon_{false};
};

}  // namespace arrow_sql
