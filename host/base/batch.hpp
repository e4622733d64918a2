// Ownership of Arrow record batches inside the host.
//
// What a plugin emits is adopted once and then shared: a Batch is a window (offset, rows) on immutable arrays, and
// slicing or sharing one copies a pointer. What a plugin is lent gets fresh nodes over the same buffers, whose
// release works from the host's own record: the plugin may edit, move or keep the nodes as leat.h allows.
// In steady state nothing is allocated: records come from the pool of their schema.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arrow.hpp"
#include "base/free_list.hpp"
#include "base/schema.hpp"

namespace leat {

class BatchPool;

/// A handle to rows; empty when default-constructed. A handle belongs to one thread at a time, what it points to to
/// any.
class Batch {
public:
    Batch() = default;
    Batch(Batch&& other) noexcept
        : record_(std::exchange(other.record_, nullptr)),
          offset_(other.offset_),
          rows_(other.rows_),
          bytes_(other.bytes_),
          origin_(other.origin_) {}
    Batch& operator=(Batch&& other) noexcept {
        if (this == &other) return *this;
        reset();
        record_ = std::exchange(other.record_, nullptr);
        offset_ = other.offset_;
        rows_ = other.rows_;
        bytes_ = other.bytes_;
        origin_ = other.origin_;
        return *this;
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch() { reset(); }

    /// Takes the array by the Arrow move. It is legal for the pool's schema (see validate.hpp), which is not checked
    /// here.
    static Batch adopt(BatchPool& pool, ArrowArray& moved, std::string_view position = {});

    explicit operator bool() const noexcept { return record_ != nullptr; }
    std::int64_t rows() const noexcept { return rows_; }
    /// Bytes of the window's buffers: values, offsets, text and validity.
    std::uint64_t bytes() const noexcept { return bytes_; }
    BatchPool& pool() const noexcept;
    const Schema& schema() const noexcept;
    /// Where the source goes on after this batch; empty when it did not say.
    std::string_view position() const noexcept;
    /// As if it had not said so. Only while no other handle and no loan is of the same rows.
    void forget_position() noexcept;

    /// Where its rows came from, for whoever moves batches: see runtime/trail.hpp. Slices and shares keep it, with the
    /// number of their own first row; it is of the handle, not of what it points to.
    struct Origin {
        std::uint64_t segment = 0;
        std::uint64_t first_row = 0;
    };
    Origin origin() const noexcept { return origin_; }
    void set_origin(Origin origin) noexcept { origin_ = origin; }

    /// A second owner of the same rows.
    Batch share() const;
    /// Rows [offset, offset + rows) of this batch; no copy.
    Batch slice(std::int64_t offset, std::int64_t rows) const;
    void reset() noexcept {
        if (record_) release(*std::exchange(record_, nullptr));
    }

    /// Writes fresh nodes to `out`, which the receiver releases: top-level offset 0 and no validity, each child exactly
    /// rows() long. The buffers live until the receiver is done, whatever becomes of this handle.
    void lend(ArrowArray& out) const;

    /// If `array` is what lend() gave out, with no node edited: ends that loan and returns the batch it stood for, so
    /// that passing a batch through costs nothing. Else leaves it alone and returns an empty handle.
    static Batch take_back(BatchPool& pool, ArrowArray& array);

    /// True when `array` is a loan, or a node of one, that its holder does not own: released before, copied where it
    /// should have been moved, or still a part of what it was lent in.
    /// @param parent  of the node; NULL for a root
    static bool is_dead_loan(const ArrowArray& array, const ArrowArray* parent);

    /// How often this thread released a loan, or a node of one, that was over. Such a release changes nothing, but a
    /// plugin that does it is wrong; the callback has no context to say so, and the call around it has.
    static std::uint64_t releases_too_many_here() noexcept;

private:
    friend class BatchPool;
    struct Record;
    struct Loan;
    static void release(Record& record) noexcept;
    static void release_loan(ArrowArray* array);
    static void release_loaned_node(ArrowArray* array);

    Record* record_ = nullptr;
    std::int64_t offset_ = 0;
    std::int64_t rows_ = 0;
    std::uint64_t bytes_ = 0;
    Origin origin_;
};

/// Recycles the records of one schema's batches. Lives as long as the process, like the schemas themselves, because a
/// plugin may release what it holds at any time. Safe from any thread.
class BatchPool {
public:
    explicit BatchPool(const Schema& schema);
    ~BatchPool();
    BatchPool(const BatchPool&) = delete;
    BatchPool& operator=(const BatchPool&) = delete;
    const Schema& schema() const noexcept { return schema_; }

private:
    friend class Batch;
    Batch::Record* new_record();
    Batch::Loan* new_loan();

    const Schema& schema_;
    std::size_t nodes_ = 0;     // below the root, dictionaries included
    std::size_t children_ = 0;  // child pointers in all
    FreeList<Batch::Record> records_;
    FreeList<Batch::Loan> loans_;
};

/// Bytes of all buffers that rows [offset, offset + rows) of a validated column use, nested ones included; a
/// dictionary, which many batches share, is not counted.
std::uint64_t array_bytes(const TypeNode& type, const ArrowArray& array, std::int64_t offset, std::int64_t rows);

}  // namespace leat
