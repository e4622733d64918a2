// What a script gives, as batches for the host.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "batch_object.hpp"

namespace python {

class Results {
public:
    /// Rows on their way: made by us, or somebody's.
    struct Part {
        std::shared_ptr<Held> held;
        std::int64_t rows() const { return held->rows(); }
    };

    /// `schema` may be NULL for a source that has not said: the first Arrow batch tells.
    explicit Results(const leat_schema* schema);

    const leat_schema* schema() const { return schema_; }

    /// Turns one result into parts: None, a batch, a dict of columns, a list of rows or of results. Throws Raised, with
    /// the text `what` in front ("what process returned"), or std::bad_alloc; then nothing of it is kept.
    void add(const leat::context& ctx, PyObject* result, std::vector<Part>& parts, const std::string& what);

    /// For the host; empties `part`.
    leat::batch give(Part& part) const;
    /// Those rows of a part that are not in `rejects`.
    std::vector<Part> without(const leat::context& ctx, const Part& part, const Rejects& rejects);

private:
    void choose(const leat::context& ctx, const leat_schema* schema);
    void need_schema(const std::string& what) const;
    void add_held(const leat::context& ctx, std::shared_ptr<Held> held, std::vector<Part>& parts,
                  const std::string& what);
    void add_foreign(const leat::context& ctx, PyObject* exporter, std::vector<Part>& parts, const std::string& what);
    void add_columns(const leat::context& ctx, PyObject* columns, std::vector<Part>& parts, const std::string& what);
    void add_rows(const leat::context& ctx, PyObject* rows, std::vector<Part>& parts, const std::string& what);
    ArrowArray column_from(const leat::context& ctx, int index, PyObject* values);
    void refuse_unknown(PyObject* names, const std::string& place) const;
    Part built(leat::builder& builder) const;

    const leat_schema* schema_ = nullptr;
    std::shared_ptr<const Columns> columns_;
    std::vector<Object> names_;
    std::optional<leat::builder> builder_;
    std::vector<std::unique_ptr<leat::builder>> by_column_;
};

}  // namespace python
