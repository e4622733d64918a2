// Rows into a table of a SQLite file: one transaction per bucket, rows and token together.
#pragma once

#include <leat/leat.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch_table.hpp"
#include "database.hpp"
#include "fit.hpp"

namespace arrow_sql {

/// The batch is a table to SQLite, so that a whole batch goes in with one INSERT ... SELECT. A row that breaks a
/// constraint stops the statement: what it did is taken back to a savepoint, the rows before the bad one go in again,
/// the bad one becomes a dead letter, and the statement goes on behind it.
class SqliteSink {
public:
    explicit SqliteSink(leat::context& ctx);

    void open(leat::context& ctx);
    std::string recover(leat::context& ctx, std::string_view lane);
    void begin(leat::context& ctx, const leat_bucket& bucket);
    void write(leat::context& ctx, leat::batch& lent);
    void commit(leat::context& ctx, const leat_bucket& bucket);
    void abort(leat::context& ctx, const leat_bucket& bucket);
    void close(leat::context& ctx);

private:
    enum class Mode { append, replace, upsert };
    /// A column of the table as it is in the database.
    struct TableColumn {
        std::string name;
        std::string type;
        bool required;  // NOT NULL, and nothing fills it in
        bool generated;
        int key_place;  // 1 for the first column of the primary key, 0 for none
    };

    // Called with the first batch, and whenever the columns of the batches change.
    void prepare_target(const leat::context& ctx, const leat::schema_view& columns);
    std::vector<TableColumn> table_columns() const;
    void create_table(const leat::schema_view& columns) const;
    void check_columns(const leat::schema_view& columns, const std::vector<TableColumn>& table) const;
    void fit_columns(const leat::schema_view& columns, const std::vector<TableColumn>& table);
    void check_key(const leat::schema_view& columns) const;
    bool key_is_unique(const std::vector<TableColumn>& table) const;
    bool finds(const char* sql) const;
    std::string insert_statement(const leat::schema_view& columns) const;

    void refuse_unfit(const leat::context& ctx, const leat::batch& lent);
    void insert_rows(const leat::context& ctx, std::int64_t first, std::int64_t end);
    std::string try_insert(std::int64_t first, std::int64_t end);
    void step(const Statement& statement) const;
    std::string stored_token(std::string_view lane) const;
    void check_token(const leat_bucket& bucket) const;
    void store_token(const leat_bucket& bucket) const;
    void take_back_file() const;
    bool in_transaction() const { return sqlite3_get_autocommit(database_.raw()) == 0; }
    std::string about_table(std::string_view text) const { return "table '" + table_ + "': " + std::string(text); }
    /// "shop.db: table 'orders': ..."
    std::string at_table(std::string_view text) const { return path_ + ": " + about_table(text); }

    const std::string path_;
    const std::string table_;
    const Mode mode_;
    const std::vector<std::string> key_;
    const bool create_;

    Database database_;
    bool made_file_ = false;  // by open()
    std::optional<BatchTable> batch_;
    Statement insert_;
    const leat_schema* prepared_for_ = nullptr;  // the schema that insert_ was made for; null: not made yet
    Statement savepoint_, release_, roll_back_;  // around insert_
    std::vector<Fit> fits_;                      // by column of the batch
    std::vector<bool> refused_;                  // rows of the batch that are dead letters before SQLite sees them
    bool cuts_journal_ = false;                  // journal_mode=TRUNCATE
    bool row_by_row_ = false;                    // the table has triggers
    bool counts_changes_ = false;                // a trigger that ignores a row shows in the number of changes
    bool to_be_emptied_ = false;                 // mode replace, and no bucket that did it is committed
    bool emptied_ = false;                       // the open bucket has removed the old rows, or found no table
};

}  // namespace arrow_sql
