#include "base/batch.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace leat {
namespace {

// A loan's records are reused, so a second release through a copied struct could end somebody else's loan. The upper
// 16 bits of the pointer, unused on x86-64 and AArch64, carry the generation of the record that the loan was made in.
constexpr int generation_shift = 48;

void* tag(void* record, std::uint16_t generation) {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(record) |
                                   (static_cast<std::uintptr_t>(generation) << generation_shift));
}

template <class T>
T* untag(void* tagged) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(tagged) &
                                ((std::uintptr_t{1} << generation_shift) - 1));
}

std::uint16_t generation_of(void* tagged) {
    return static_cast<std::uint16_t>(reinterpret_cast<std::uintptr_t>(tagged) >> generation_shift);
}

struct NodeCount {
    std::size_t nodes = 0;
    std::size_t children = 0;
};

void count_nodes(const ArrowSchema& type, NodeCount& count) {
    count.children += static_cast<std::size_t>(type.n_children);
    for (std::int64_t i = 0; i < type.n_children; ++i) {
        ++count.nodes;
        count_nodes(*type.children[i], count);
    }
    if (type.dictionary) {
        ++count.nodes;
        count_nodes(*type.dictionary, count);
    }
}

std::int64_t fixed_bits(std::string_view format) {
    switch (format.front()) {
        case 'b':
            return 1;
        case 'c':
        case 'C':
            return 8;
        case 's':
        case 'S':
        case 'e':
            return 16;
        case 'i':
        case 'I':
        case 'f':
            return 32;
        case 'l':
        case 'L':
        case 'g':
            return 64;
        case 'd':
            return format.size() > 4 && format.substr(format.size() - 4) == ",256" ? 256 : 128;
        case 'w':
            return 8 * std::strtoll(format.data() + 2, nullptr, 10);
        case 't':
            if (format[1] == 'd') return format[2] == 'D' ? 32 : 64;
            if (format[1] == 't') return format[2] == 's' || format[2] == 'm' ? 32 : 64;
            if (format[1] == 'i') return format[2] == 'M' ? 32 : format[2] == 'D' ? 64 : 128;
            return 64;
        default:
            return 0;
    }
}

template <class Offset>
std::pair<std::int64_t, std::int64_t> window(const ArrowArray& array, std::int64_t offset, std::int64_t rows) {
    const auto* offsets = static_cast<const Offset*>(array.buffers[1]);
    if (!offsets || rows == 0) return {0, 0};
    const Offset first = offsets[array.offset + offset];
    return {first, offsets[array.offset + offset + rows] - first};
}

}  // namespace

std::uint64_t array_bytes(const ArrowSchema& type, const ArrowArray& array, std::int64_t offset, std::int64_t rows) {
    const std::string_view format = type.format;
    if (format.empty()) return 0;
    const auto n = static_cast<std::uint64_t>(rows);
    std::uint64_t bytes = array.n_buffers > 0 && array.buffers[0] && format != "n" ? (n + 7) / 8 : 0;
    const bool wide = format[0] == 'U' || format[0] == 'Z' || format == "+L";
    if (format[0] == 'u' || format[0] == 'z' || format[0] == 'U' || format[0] == 'Z') {
        const auto [first, length] =
            wide ? window<std::int64_t>(array, offset, rows) : window<std::int32_t>(array, offset, rows);
        return bytes + n * (wide ? 8 : 4) + static_cast<std::uint64_t>(length);
    }
    if (format[0] != '+') return bytes + (n * static_cast<std::uint64_t>(fixed_bits(format)) + 7) / 8;
    if (format == "+l" || format == "+L" || format == "+m") {
        const auto [first, length] =
            wide ? window<std::int64_t>(array, offset, rows) : window<std::int32_t>(array, offset, rows);
        return bytes + n * (wide ? 8 : 4) + array_bytes(*type.children[0], *array.children[0], first, length);
    }
    std::int64_t width = 1;
    if (format.substr(0, 3) == "+w:") width = std::strtoll(format.data() + 3, nullptr, 10);
    for (std::int64_t i = 0; i < std::min(type.n_children, array.n_children); ++i) {
        bytes += array_bytes(*type.children[i], *array.children[i], (array.offset + offset) * width, rows * width);
    }
    return bytes;
}

/// What was emitted, kept until its last window and its last loan are gone.
struct Batch::Record {
    BatchPool* pool;
    std::atomic<std::uint32_t> owners{0};
    ArrowArray array;
    std::string position;

    void release() noexcept {
        if (owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        array.release(&array);
        pool->recycle(std::unique_ptr<Record>(this));
    }
};

/// One loan's nodes. Alive until the root and every node that was moved out of it are released.
struct Batch::Loan {
    BatchPool* pool;
    Record* record = nullptr;
    std::int64_t offset = 0;
    std::int64_t rows = 0;
    std::uint64_t bytes = 0;
    std::atomic<std::uint16_t> generation{0};
    std::atomic<std::uint32_t> owners{0};  // the root and each node below it
    std::vector<ArrowArray> nodes;
    std::vector<ArrowArray*> children;

    void give_back(std::uint32_t owned) noexcept {
        if (owners.fetch_sub(owned, std::memory_order_acq_rel) != owned) return;
        generation.fetch_add(1, std::memory_order_relaxed);
        std::exchange(record, nullptr)->release();
        pool->recycle(std::unique_ptr<Loan>(this));
    }

    // Hands out the loan's nodes in the order of a walk over the source array.
    struct Cursor {
        ArrowArray* node;
        ArrowArray** child;
    };

    ArrowArray* copy(const ArrowArray& from, Cursor& at) {
        ArrowArray* const node = at.node++;
        *node = from;
        node->release = &Batch::release_loaned_node;
        node->private_data = tag(this, generation);
        ArrowArray** const below = at.child;
        at.child += from.n_children;
        for (std::int64_t i = 0; i < from.n_children; ++i)
            below[i] = copy(*from.children[i], at);
        node->children = from.n_children > 0 ? below : nullptr;
        if (from.dictionary) node->dictionary = copy(*from.dictionary, at);
        return node;
    }

    static bool same(const ArrowArray& node, const ArrowArray& from, std::int64_t offset, std::int64_t length) {
        if (!node.release || node.length != length || node.offset != offset || node.buffers != from.buffers ||
            node.n_buffers != from.n_buffers || node.n_children != from.n_children)
            return false;
        for (std::int64_t i = 0; i < from.n_children; ++i) {
            const ArrowArray& below = *from.children[i];
            if (!same(*node.children[i], below, below.offset, below.length)) return false;
        }
        return !from.dictionary == !node.dictionary &&
               (!from.dictionary ||
                same(*node.dictionary, *from.dictionary, from.dictionary->offset, from.dictionary->length));
    }
};

Batch::Batch(Batch&& other) noexcept
    : record_(std::exchange(other.record_, nullptr)),
      offset_(other.offset_),
      rows_(other.rows_),
      bytes_(other.bytes_) {}

Batch& Batch::operator=(Batch&& other) noexcept {
    if (this != &other) {
        reset();
        record_ = std::exchange(other.record_, nullptr);
        offset_ = other.offset_;
        rows_ = other.rows_;
        bytes_ = other.bytes_;
    }
    return *this;
}

Batch Batch::adopt(BatchPool& pool, ArrowArray& moved, std::string_view position) {
    Batch out;
    out.record_ = pool.new_record();
    out.record_->array = moved;
    moved.release = nullptr;
    out.record_->position.assign(position);
    out.rows_ = out.record_->array.length;
    out.bytes_ = array_bytes(pool.schema().arrow(), out.record_->array, 0, out.rows_);
    return out;
}

BatchPool& Batch::pool() const noexcept {
    return *record_->pool;
}
const Schema& Batch::schema() const noexcept {
    return record_->pool->schema();
}
std::string_view Batch::position() const noexcept {
    return record_->position;
}

Batch Batch::share() const {
    Batch out;
    record_->owners.fetch_add(1, std::memory_order_relaxed);
    out.record_ = record_;
    out.offset_ = offset_;
    out.rows_ = rows_;
    out.bytes_ = bytes_;
    return out;
}

Batch Batch::slice(std::int64_t offset, std::int64_t rows) const {
    assert(offset >= 0 && rows >= 0 && offset + rows <= rows_);
    Batch out = share();
    out.offset_ += offset;
    out.rows_ = rows;
    out.bytes_ = array_bytes(schema().arrow(), record_->array, out.offset_, rows);
    return out;
}

void Batch::reset() noexcept {
    if (record_) std::exchange(record_, nullptr)->release();
}

void Batch::lend(ArrowArray& out) const {
    static const void* const no_validity[1] = {nullptr};
    Loan* const loan = record_->pool->new_loan();
    record_->owners.fetch_add(1, std::memory_order_relaxed);
    loan->record = record_;
    loan->offset = offset_;
    loan->rows = rows_;
    loan->bytes = bytes_;

    const ArrowArray& from = record_->array;
    Loan::Cursor at{loan->nodes.data(), loan->children.data() + from.n_children};
    for (std::int64_t i = 0; i < from.n_children; ++i) {
        ArrowArray* const node = loan->copy(*from.children[i], at);
        const bool whole = rows_ == node->length;
        node->offset += from.offset + offset_;  // a parent's offset applies to its children, and everybody forgets it
        node->length = rows_;
        if (!whole && node->null_count != 0) node->null_count = -1;
        loan->children[static_cast<std::size_t>(i)] = node;
    }
    loan->owners.store(static_cast<std::uint32_t>(1 + (at.node - loan->nodes.data())), std::memory_order_relaxed);

    out.length = rows_;
    out.null_count = 0;
    out.offset = 0;
    out.n_buffers = 1;
    out.n_children = from.n_children;
    out.buffers = const_cast<const void**>(no_validity);
    out.children = loan->children.data();
    out.dictionary = nullptr;
    out.release = &Batch::release_loan;
    out.private_data = tag(loan, loan->generation);
}

void Batch::release_loan(ArrowArray* array) {
    array->release = nullptr;
    Loan* const loan = untag<Loan>(array->private_data);
    if (generation_of(array->private_data) != loan->generation) return;  // released before; see is_dead_loan
    std::uint32_t owned = 1;
    // The loan's own nodes, not array->children: those the plugin may have edited. A node without release was moved
    // out.
    for (ArrowArray& node : loan->nodes) {
        if (!node.release) continue;
        node.release = nullptr;
        ++owned;
    }
    loan->give_back(owned);
}

void Batch::release_loaned_node(ArrowArray* array) {
    array->release = nullptr;
    Loan* const loan = untag<Loan>(array->private_data);
    if (generation_of(array->private_data) != loan->generation) return;
    loan->give_back(1);
}

bool Batch::is_dead_loan(const ArrowArray& array) {
    return array.release == &Batch::release_loan &&
           generation_of(array.private_data) != untag<Loan>(array.private_data)->generation;
}

Batch Batch::take_back(BatchPool& pool, ArrowArray& array) {
    if (array.release != &Batch::release_loan) return {};
    Loan& loan = *untag<Loan>(array.private_data);
    if (loan.pool != &pool || generation_of(array.private_data) != loan.generation) return {};
    const ArrowArray& from = loan.record->array;
    if (array.length != loan.rows || array.offset != 0 || array.n_children != from.n_children ||
        array.children != loan.children.data())
        return {};
    for (std::int64_t i = 0; i < from.n_children; ++i) {
        const ArrowArray& child = *from.children[i];
        if (!Loan::same(*array.children[i], child, child.offset + from.offset + loan.offset, loan.rows)) return {};
    }
    Batch out;
    loan.record->owners.fetch_add(1, std::memory_order_relaxed);
    out.record_ = loan.record;
    out.offset_ = loan.offset;
    out.rows_ = loan.rows;
    out.bytes_ = loan.bytes;
    array.release(&array);
    return out;
}

BatchPool::BatchPool(const Schema& schema) : schema_(schema) {
    NodeCount count;
    count_nodes(schema.arrow(), count);
    nodes_ = count.nodes;
    children_ = count.children;
}

BatchPool::~BatchPool() = default;

template <class T>
std::unique_ptr<T> BatchPool::pop(std::vector<std::unique_ptr<T>>& free) {
    const std::lock_guard lock(mutex_);
    if (free.empty()) return nullptr;
    auto out = std::move(free.back());
    free.pop_back();
    return out;
}

template <class T>
void BatchPool::push(std::vector<std::unique_ptr<T>>& free, std::unique_ptr<T> item) noexcept {
    const std::lock_guard lock(mutex_);
    free.push_back(std::move(item));
}

// A record or a loan owns itself while it is in use: its last owner, on whatever thread, hands it back.
Batch::Record* BatchPool::new_record() {
    auto record = pop(free_records_);
    if (!record) {
        record = std::make_unique<Batch::Record>();
        record->pool = this;
    }
    record->owners.store(1, std::memory_order_relaxed);
    return record.release();
}

Batch::Loan* BatchPool::new_loan() {
    auto loan = pop(free_loans_);
    if (!loan) {
        loan = std::make_unique<Batch::Loan>();
        loan->pool = this;
        loan->nodes.resize(nodes_);
        loan->children.resize(children_);
    }
    return loan.release();
}

void BatchPool::recycle(std::unique_ptr<Batch::Record> record) noexcept {
    push(free_records_, std::move(record));
}
void BatchPool::recycle(std::unique_ptr<Batch::Loan> loan) noexcept {
    push(free_loans_, std::move(loan));
}

}  // namespace leat
