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

/// Gives up `owned` of what is owned in common; true for the last owner, who is alone with it then. Who owns all that
/// is left needs no interlocked instruction to know it: nobody is there who could take or give up anything.
bool was_last(std::atomic<std::uint32_t>& owners, std::uint32_t owned) {
    return owners.load(std::memory_order_acquire) == owned ||
           owners.fetch_sub(owned, std::memory_order_acq_rel) == owned;
}

// Releases on this thread of loans that were over; see Batch::releases_too_many_here.
thread_local std::uint64_t releases_too_many = 0;

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

/// First value and number of values, or bytes, that rows [offset, offset + rows) of a list or text stand for.
template <class Offset>
std::pair<std::int64_t, std::int64_t> window(const ArrowArray& array, std::int64_t offset, std::int64_t rows) {
    const auto* offsets = static_cast<const Offset*>(array.buffers[1]);
    if (!offsets || rows == 0) return {0, 0};
    const Offset first = offsets[array.offset + offset];
    return {first, offsets[array.offset + offset + rows] - first};
}

std::pair<std::int64_t, std::int64_t> window(const TypeNode& type, const ArrowArray& array, std::int64_t offset,
                                             std::int64_t rows) {
    return type.bits == 64 ? window<std::int64_t>(array, offset, rows) : window<std::int32_t>(array, offset, rows);
}

std::uint64_t whole_children_bytes(const TypeNode& type, const ArrowArray& array) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < type.children.size(); ++i)
        bytes += array_bytes(type.children[i], *array.children[i], 0, array.children[i]->length);
    return bytes;
}

}  // namespace

std::uint64_t array_bytes(const TypeNode& type, const ArrowArray& array, std::int64_t offset, std::int64_t rows) {
    const auto n = static_cast<std::uint64_t>(rows);
    const auto bits = static_cast<std::uint64_t>(type.bits);
    const std::uint64_t validity = type.buffers > 0 && array.buffers[0] ? (n + 7) / 8 : 0;
    switch (type.type) {
        case Type::null:
            return 0;
        case Type::boolean:
        case Type::fixed:
        case Type::fixed_binary:
        case Type::dictionary:
            return validity + (n * bits + 7) / 8;
        case Type::text:
        case Type::binary:
        case Type::large_text:
        case Type::large_binary:
            return validity + n * bits / 8 + static_cast<std::uint64_t>(window(type, array, offset, rows).second);
        case Type::list:
        case Type::large_list:
        case Type::map: {
            const auto [first, items] = window(type, array, offset, rows);
            return validity + n * bits / 8 + array_bytes(type.children[0], *array.children[0], first, items);
        }
        case Type::fixed_list:
            return validity + array_bytes(type.children[0], *array.children[0],
                                          (array.offset + offset) * type.fixed_size, rows * type.fixed_size);
        case Type::structure: {
            std::uint64_t bytes = validity;
            for (std::size_t i = 0; i < type.children.size(); ++i)
                bytes += array_bytes(type.children[i], *array.children[i], array.offset + offset, rows);
            return bytes;
        }
        case Type::rich:
            // Which values a window of it uses is not looked into: never too few.
            return whole_children_bytes(type, array);
    }
    return 0;
}

/// What was emitted, kept until its last window and its last loan are gone.
struct Batch::Record {
    BatchPool* pool;
    std::atomic<std::uint32_t> owners{0};
    ArrowArray array;
    std::string position;

    void release() noexcept {
        if (!was_last(owners, 1)) return;
        array.release(&array);
        pool->records_.give_back(std::unique_ptr<Record>(this));
    }
};

/// One loan's nodes. Alive until the root and every node that was moved out of it are released.
struct Batch::Loan {
    /// What the plugin gets of one node, to copy, edit, move and release as leat.h allows; the rest is the host's, so
    /// that a second release changes nothing.
    struct Node {
        ArrowArray array;
        Loan* loan = nullptr;
        std::uint32_t size = 1;  // of its subtree, itself included; the nodes lie in the order of a walk
        std::atomic<bool> live{false};
    };

    BatchPool* pool;
    Record* record = nullptr;
    std::int64_t offset = 0;
    std::int64_t rows = 0;
    std::uint64_t bytes = 0;
    std::atomic<std::uint16_t> generation{0};
    std::atomic<bool> root_live{false};
    std::atomic<std::uint32_t> owners{0};  // the root and each node below it
    std::vector<Node> nodes;
    std::vector<ArrowArray*> children;

    void give_back(std::uint32_t owned) noexcept {
        if (!was_last(owners, owned)) return;
        generation.store(static_cast<std::uint16_t>(generation.load(std::memory_order_relaxed) + 1),
                         std::memory_order_relaxed);
        std::exchange(record, nullptr)->release();
        pool->loans_.give_back(std::unique_ptr<Loan>(this));
    }

    /// Ends the nodes [first, last) but those that were moved out, with all that is below them. How many were ended.
    std::uint32_t end(std::size_t first, std::size_t last) noexcept {
        std::uint32_t ended = 0;
        for (std::size_t i = first; i < last;) {
            Node& node = nodes[i];
            if (!node.array.release) {
                i += node.size;
                continue;
            }
            node.array.release = nullptr;
            if (node.live.exchange(false, std::memory_order_acq_rel)) ++ended;
            ++i;
        }
        return ended;
    }

    // Hands out the loan's nodes in the order of a walk over the source array.
    struct Cursor {
        Node* node;
        ArrowArray** child;
    };

    ArrowArray* copy(const ArrowArray& from, Cursor& at) {
        Node& node = *at.node++;
        node.array = from;
        node.array.release = &Batch::release_loaned_node;
        node.array.private_data = tag(&node, generation);
        node.loan = this;
        node.live.store(true, std::memory_order_relaxed);
        ArrowArray** const below = at.child;
        at.child += from.n_children;
        for (std::int64_t i = 0; i < from.n_children; ++i)
            below[i] = copy(*from.children[i], at);
        node.array.children = from.n_children > 0 ? below : nullptr;
        if (from.dictionary) node.array.dictionary = copy(*from.dictionary, at);
        node.size = static_cast<std::uint32_t>(at.node - &node);
        return &node.array;
    }

    static bool same(const ArrowArray& node, const ArrowArray& from, std::int64_t offset, std::int64_t length) {
        if (node.release != &Batch::release_loaned_node || node.length != length || node.offset != offset ||
            node.buffers != from.buffers || node.n_buffers != from.n_buffers || node.n_children != from.n_children)
            return false;
        for (std::int64_t i = 0; i < from.n_children; ++i) {
            const ArrowArray& below = *from.children[i];
            if (!same(*node.children[i], below, below.offset, below.length)) return false;
        }
        return !from.dictionary == !node.dictionary &&
               (!from.dictionary ||
                same(*node.dictionary, *from.dictionary, from.dictionary->offset, from.dictionary->length));
    }

    /// The loan that an array is the root of or belongs to; NULL when it is none of ours.
    static Loan* of(const ArrowArray& array) {
        if (array.release == &Batch::release_loan) return untag<Loan>(array.private_data);
        if (array.release == &Batch::release_loaned_node) return untag<Node>(array.private_data)->loan;
        return nullptr;
    }
};

Batch Batch::adopt(BatchPool& pool, ArrowArray& moved, std::string_view position) {
    Batch out;
    out.record_ = pool.new_record();
    out.record_->array = moved;
    moved.release = nullptr;
    out.record_->position.assign(position);
    out.rows_ = out.record_->array.length;
    out.bytes_ = array_bytes(pool.schema().root(), out.record_->array, 0, out.rows_);
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
void Batch::forget_position() noexcept {
    assert(record_->owners.load(std::memory_order_relaxed) == 1);
    record_->position.clear();
}

Batch Batch::share() const {
    Batch out;
    record_->owners.fetch_add(1, std::memory_order_relaxed);
    out.record_ = record_;
    out.offset_ = offset_;
    out.rows_ = rows_;
    out.bytes_ = bytes_;
    out.origin_ = origin_;
    return out;
}

Batch Batch::slice(std::int64_t offset, std::int64_t rows) const {
    assert(offset >= 0 && rows >= 0 && offset + rows <= rows_);
    Batch out = share();
    out.offset_ += offset;
    out.rows_ = rows;
    out.bytes_ = array_bytes(schema().root(), record_->array, out.offset_, rows);
    out.origin_.first_row += static_cast<std::uint64_t>(offset);
    return out;
}

void Batch::release(Record& record) noexcept {
    record.release();
}

void Batch::lend(ArrowArray& out) const {
    static constexpr const void* no_validity[1] = {nullptr};
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
    loan->root_live.store(true, std::memory_order_relaxed);

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
    const bool dead = is_dead_loan(*array, nullptr);
    Loan* const loan = untag<Loan>(array->private_data);
    array->release = nullptr;
    if (dead || !loan->root_live.exchange(false, std::memory_order_acq_rel)) {
        ++releases_too_many;
        return;
    }
    // The loan's own nodes, not array->children: those the plugin may have edited.
    loan->give_back(1 + loan->end(0, loan->nodes.size()));
}

void Batch::release_loaned_node(ArrowArray* array) {
    auto* const node = untag<Loan::Node>(array->private_data);
    const bool dead = generation_of(array->private_data) != node->loan->generation;
    array->release = nullptr;
    if (dead || !node->live.exchange(false, std::memory_order_acq_rel)) {
        ++releases_too_many;
        return;
    }
    const auto first = static_cast<std::size_t>(node - node->loan->nodes.data());
    node->loan->give_back(1 + node->loan->end(first + 1, first + node->size));
}

bool Batch::is_dead_loan(const ArrowArray& array, const ArrowArray* parent) {
    const Loan* const loan = Loan::of(array);
    if (!loan) return false;
    if (generation_of(array.private_data) != loan->generation) return true;
    if (array.release == &Batch::release_loan) return !loan->root_live.load(std::memory_order_acquire);
    const auto* const node = untag<Loan::Node>(array.private_data);
    if (!node->live.load(std::memory_order_acquire)) return true;
    // In its own place a node is held by what it was lent in; elsewhere it must have been moved, not copied.
    return &array == &node->array ? !parent || Loan::of(*parent) != loan : node->array.release != nullptr;
}

std::uint64_t Batch::releases_too_many_here() noexcept {
    return releases_too_many;
}

Batch Batch::take_back(BatchPool& pool, ArrowArray& array) {
    if (array.release != &Batch::release_loan) return {};
    Loan& loan = *untag<Loan>(array.private_data);
    if (loan.pool != &pool || is_dead_loan(array, nullptr)) return {};
    const ArrowArray& from = loan.record->array;
    if (array.length != loan.rows || array.offset != 0 || array.n_children != from.n_children ||
        array.children != loan.children.data())
        return {};
    for (std::int64_t i = 0; i < from.n_children; ++i) {
        const ArrowArray& child = *from.children[i];
        if (!array.children[i] ||
            !Loan::same(*array.children[i], child, child.offset + from.offset + loan.offset, loan.rows))
            return {};
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

// A record or a loan owns itself while it is in use: its last owner, on whatever thread, hands it back.
Batch::Record* BatchPool::new_record() {
    auto record = records_.take();
    if (!record) {
        record = std::make_unique<Batch::Record>();
        record->pool = this;
    }
    record->owners.store(1, std::memory_order_relaxed);
    return record.release();
}

Batch::Loan* BatchPool::new_loan() {
    auto loan = loans_.take();
    if (!loan) {
        loan = std::make_unique<Batch::Loan>();
        loan->pool = this;
        loan->nodes = std::vector<Batch::Loan::Node>(nodes_);
        loan->children.resize(children_);
    }
    return loan.release();
}

}  // namespace leat
