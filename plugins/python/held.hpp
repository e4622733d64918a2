// Arrow data that Python and the host own together: whoever lets go last, on whatever thread, releases it.
#pragma once

#include <leat/leat.hpp>
#include <memory>
#include <vector>

namespace python {

/// The columns of a batch: a copy, as what the host keeps lives only as long as the instance.
class Columns {
public:
    explicit Columns(const leat_schema* from);
    /// Takes an ArrowSchema over.
    explicit Columns(ArrowSchema& moved);
    ~Columns();
    Columns(const Columns&) = delete;
    Columns& operator=(const Columns&) = delete;

    const ArrowSchema& raw() const { return schema_; }
    leat::schema_view view() const { return leat::schema_view(schema_); }
    /// Names and types, in order; who may be NULL, and metadata, do not count.
    bool equals(const leat::schema_view& other) const;

private:
    ArrowSchema schema_{};
};

class Held {
public:
    /// Takes an ArrowArray over.
    Held(std::shared_ptr<const Columns> columns, ArrowArray& moved);
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    const std::shared_ptr<const Columns>& columns() const { return columns_; }
    const ArrowArray& array() const { return array_; }
    std::int64_t rows() const { return array_.length; }
    leat::array_view column(int i) const;

    /// Everything of it, for somebody else: moved if nobody but `from` has it, shared otherwise. `from` is empty then.
    static ArrowArray give(std::shared_ptr<Held>& from);

private:
    std::shared_ptr<const Columns> columns_;
    ArrowArray array_;
};

/// Fresh nodes over the same buffers, which keep `owner` until each of them is released.
ArrowArray shared_array(const std::shared_ptr<const Held>& owner, const ArrowArray& of);
/// Arrays that are released with this, unless they were moved on.
struct Arrays {
    Arrays() = default;
    ~Arrays();
    Arrays(const Arrays&) = delete;
    Arrays& operator=(const Arrays&) = delete;
    std::vector<ArrowArray> list;
};
/// A batch of these columns, each `rows` long. They are moved.
ArrowArray struct_of_columns(Arrays& columns, std::int64_t rows);
/// Rows [first, first + count) of a batch, without a copy.
ArrowArray shared_rows(const std::shared_ptr<const Held>& owner, std::int64_t first, std::int64_t count);

ArrowSchema copied_schema(const leat::schema_view& from);

}  // namespace python
