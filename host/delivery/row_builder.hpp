// Makes Arrow rows of what was kept of them: their bytes, or JSON that a person has edited.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/arrow.hpp"
#include "base/result.hpp"
#include "base/schema.hpp"

namespace leat::delivery {

/// Rows of one schema, one after the other. A row that cannot be added leaves nothing behind.
class RowBuilder {
public:
    /// `schema`, which can_keep_rows_of(), must outlive the builder.
    explicit RowBuilder(const Schema& schema);
    ~RowBuilder();
    RowBuilder(const RowBuilder&) = delete;
    RowBuilder& operator=(const RowBuilder&) = delete;

    /// What row_bytes wrote. Errors: pipeline_execution, when the bytes are damaged.
    Result<> add(std::string_view bytes);

    /// A JSON object as row_json writes it: a key for each column, in any order; one that is missing is null.
    /// Errors: pipeline_execution; no JSON, a key that is no column, or a value that its column cannot hold.
    Result<> add_json(std::string_view json);

    std::int64_t rows() const noexcept;

    /// The rows so far, as a struct array of the schema that owns its buffers; the builder is empty afterwards.
    ArrowArray finish();

private:
    struct Column;
    std::unique_ptr<Column> root_;
};

}  // namespace leat::delivery
