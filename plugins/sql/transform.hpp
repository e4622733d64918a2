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
#include "cell_copy.hpp"
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
    void settle(const leat::context& ctx, std::int64_t first, std::int64_t end);
    std::string run(std::int64_t first, std::int64_t end);
    std::string write_row();
    void copy_passed();

    const Query query_;
    arrow_sql::Database database_;
    arrow_sql::BatchTable batch_;
    const leat_schema* planned_for_ = nullptr;
    std::optional<Plan> plan_;
    std::optional<leat::builder> out_;
    std::vector<arrow_sql::CellWriter> writers_;  // by column of the result
    std::vector<std::int64_t> results_;           // the row that each result comes from
    bool warned_of_nan_ = false;
};

}  // namespace sql_transform
