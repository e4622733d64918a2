// Arrow arrays and schemas made by hand, legal and not.
#pragma once

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arrow.hpp"
#include "base/memory.hpp"
#include "base/schema.hpp"

namespace leat::test {

/// Arrays made here that were not released yet, their children not counted.
inline std::atomic<int> live_arrays{0};

/// The bytes of a buffer; none: a NULL buffer.
using Buffer = std::optional<std::string>;

template <class T>
Buffer values(const std::vector<T>& of) {
    return std::string(reinterpret_cast<const char*>(of.data()), of.size() * sizeof(T));
}

/// A bitmap, first bit first: "1101".
inline Buffer bits(std::string_view text) {
    std::string out((text.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '1') out[i / 8] = static_cast<char>(out[i / 8] | 1 << (i % 8));
    }
    return out;
}

struct ArrayNode {
    std::vector<std::unique_ptr<std::max_align_t[]>> storage;
    Memory* memory = nullptr;
    std::vector<void*> blocks;
    std::vector<const void*> buffers;
    std::vector<ArrowArray> children;
    std::vector<ArrowArray*> pointers;
    std::optional<ArrowArray> dictionary;
};

inline ArrayNode& node_of(const ArrowArray& array) {
    return *static_cast<ArrayNode*>(array.private_data);
}

inline void release_array(ArrowArray* array) {
    const std::unique_ptr<ArrayNode> node(static_cast<ArrayNode*>(array->private_data));
    for (ArrowArray* child : node->pointers) {
        if (child->release) child->release(child);
    }
    if (node->dictionary && node->dictionary->release) node->dictionary->release(&*node->dictionary);
    for (void* block : node->blocks)
        node->memory->release(block);
    array->release = nullptr;
    --live_arrays;
}

/// An array that owns its buffers. They lie in blocks of `memory`, whose sizes are known; NULL: on the heap.
inline ArrowArray make_array(std::int64_t length, const std::vector<Buffer>& buffers,
                             std::vector<ArrowArray> children = {}, Memory* memory = nullptr) {
    auto node = std::make_unique<ArrayNode>();
    node->memory = memory;
    for (const auto& bytes : buffers) {
        void* at = nullptr;
        if (bytes && memory) {
            at = memory->allocate(bytes->size(), 1);
            node->blocks.push_back(at);
        } else if (bytes) {
            constexpr auto unit = sizeof(std::max_align_t);
            node->storage.emplace_back(new std::max_align_t[bytes->size() / unit + 1]);
            at = node->storage.back().get();
        }
        if (bytes && !bytes->empty()) std::memcpy(at, bytes->data(), bytes->size());
        node->buffers.push_back(at);
    }
    node->children = std::move(children);
    for (auto& child : node->children)
        node->pointers.push_back(&child);
    ArrowArray out{};
    out.length = length;
    out.n_buffers = static_cast<std::int64_t>(node->buffers.size());
    out.buffers = node->buffers.data();
    out.n_children = static_cast<std::int64_t>(node->pointers.size());
    out.children = node->pointers.data();
    out.release = release_array;
    out.private_data = node.release();
    ++live_arrays;
    return out;
}

inline ArrowArray with_dictionary(ArrowArray indexes, ArrowArray dictionary) {
    auto& node = node_of(indexes);
    node.dictionary = dictionary;
    indexes.dictionary = &*node.dictionary;
    return indexes;
}

template <class T>
ArrowArray fixed(const std::vector<std::optional<T>>& cells, Memory* memory = nullptr) {
    std::vector<T> numbers;
    std::string valid;
    std::int64_t nulls = 0;
    for (const auto& cell : cells) {
        numbers.push_back(cell.value_or(T{}));
        valid += cell ? '1' : '0';
        nulls += cell ? 0 : 1;
    }
    auto out = make_array(static_cast<std::int64_t>(cells.size()), {nulls ? bits(valid) : Buffer(), values(numbers)},
                          {}, memory);
    out.null_count = nulls;
    return out;
}

template <class Offset = std::int32_t>
ArrowArray texts(const std::vector<std::optional<std::string>>& cells, Memory* memory = nullptr) {
    std::vector<Offset> offsets{0};
    std::string text, valid;
    std::int64_t nulls = 0;
    for (const auto& cell : cells) {
        text += cell.value_or("");
        offsets.push_back(static_cast<Offset>(text.size()));
        valid += cell ? '1' : '0';
        nulls += cell ? 0 : 1;
    }
    auto out = make_array(static_cast<std::int64_t>(cells.size()),
                          {nulls ? bits(valid) : Buffer(), values(offsets), Buffer(text)}, {}, memory);
    out.null_count = nulls;
    return out;
}

/// A list, or with 64-bit offsets a large list: lengths of the lists, and their items one after the other.
template <class Offset = std::int32_t>
ArrowArray lists(const std::vector<Offset>& lengths, ArrowArray items, Memory* memory = nullptr) {
    std::vector<Offset> offsets{0};
    for (const auto length : lengths)
        offsets.push_back(offsets.back() + length);
    return make_array(static_cast<std::int64_t>(lengths.size()), {Buffer(), values(offsets)}, {items}, memory);
}

inline ArrowArray record(std::int64_t rows, std::vector<ArrowArray> columns) {
    return make_array(rows, {Buffer()}, std::move(columns));
}

struct SchemaNode {
    std::string format, name, metadata;
    std::vector<ArrowSchema> children;
    std::vector<ArrowSchema*> pointers;
    std::optional<ArrowSchema> dictionary;
};

inline SchemaNode& node_of(const ArrowSchema& schema) {
    return *static_cast<SchemaNode*>(schema.private_data);
}

inline void release_schema(ArrowSchema* schema) {
    const std::unique_ptr<SchemaNode> node(static_cast<SchemaNode*>(schema->private_data));
    for (auto& child : node->children) {
        if (child.release) child.release(&child);
    }
    if (node->dictionary && node->dictionary->release) node->dictionary->release(&*node->dictionary);
    schema->release = nullptr;
}

inline ArrowSchema make_schema(std::string format, std::string name, std::vector<ArrowSchema> children = {}) {
    auto node = std::make_unique<SchemaNode>();
    node->format = std::move(format);
    node->name = std::move(name);
    node->children = std::move(children);
    for (auto& child : node->children)
        node->pointers.push_back(&child);
    ArrowSchema out{};
    out.format = node->format.c_str();
    out.name = node->name.c_str();
    out.flags = ARROW_FLAG_NULLABLE;
    out.n_children = static_cast<std::int64_t>(node->pointers.size());
    out.children = node->pointers.data();
    out.release = release_schema;
    out.private_data = node.release();
    return out;
}

inline ArrowSchema with_dictionary(ArrowSchema indexes, ArrowSchema dictionary) {
    auto& node = node_of(indexes);
    node.dictionary = dictionary;
    indexes.dictionary = &*node.dictionary;
    return indexes;
}

/// Arrow metadata of one pair.
inline ArrowSchema with_metadata(ArrowSchema schema, const std::string& key, const std::string& value) {
    const auto number = [](std::size_t n) {
        const auto narrow = static_cast<std::int32_t>(n);
        return std::string(reinterpret_cast<const char*>(&narrow), sizeof narrow);
    };
    auto& node = node_of(schema);
    node.metadata = number(1) + number(key.size()) + key + number(value.size()) + value;
    schema.metadata = node.metadata.data();
    return schema;
}

inline ArrowSchema json_schema(std::string name) {
    return with_metadata(make_schema("u", std::move(name)), "ARROW:extension:name", "arrow.json");
}

/// The host's schema of these columns; releases them.
inline Result<Schema> try_table(std::vector<ArrowSchema> columns) {
    auto root = make_schema("+s", "", std::move(columns));
    auto out = Schema::copy(root);
    root.release(&root);
    return out;
}

inline Schema table(std::vector<ArrowSchema> columns) {
    auto out = try_table(std::move(columns));
    BOOST_REQUIRE_MESSAGE(out.has_value(), (out.has_error() ? out.error().text() : std::string()));
    return std::move(out).value();
}

}  // namespace leat::test
