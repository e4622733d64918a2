// A SELECT over each batch, run by SQLite on the Arrow columns where they lie.
#pragma once

#include <leat/leat.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../sqlite/batch_table.hpp"
#include "../sqlite/cell_writer.hpp"
#include "../sqlite/database.hpp"
#include "plan.hpp"

namespace sql_transform {

class SqlTransform {
public:
    explicit SqlTransform(leat::context& ctx);

    const leat_schema* derive(leat::context& ctx, const leat_schema* in);
    void process(leat::context& ctx, leat::batch& lent);
    /// Nothing is kept from one batch to the next.
    std::string save(leat::context&) { return {}; }

private:
    void plan_for(const leat::context& ctx, const leat_schema* in);
    void run(const leat::context& ctx);
    /// Writes the row that the statement stands on. Why it was refused; "" if it was not.
    std::string write_row();
    void reject_input_row(const leat::context& ctx, std::int64_t row, const std::string& why);
    /// A query may join the batch with itself or with json_each, or put rows aside; then no one row is to blame.
    bool knows_input_row() const { return plan_->row_by_row && batch_.scans() == 1 && batch_.row() < rows_; }

    const Query query_;
    arrow_sql::Database database_;
    arrow_sql::BatchTable batch_;
    const leat_schema* planned_for_ = nullptr;
    std::optional<Plan> plan_;
    std::optional<leat::builder> out_;
    std::vector<arrow_sql::CellWriter> writers_;
    // While one batch is processed: its rows, the input row that the newest result rows came from, and where they
    // begin.
    std::int64_t rows_ = 0;
    std::int64_t input_row_ = -1;
    std::int64_t its_results_ = 0;
    bool warned_of_nan_ = false;
};

}  // namespace sql_transform
