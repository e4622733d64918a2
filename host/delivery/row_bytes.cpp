#include "delivery/row_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "delivery/bytes.hpp"

namespace leat::delivery {
namespace {

constexpr int deepest = 64;  // as Schema::copy allows
constexpr std::int64_t most_values_of_null = 1'000'000;

/// Arrow schema metadata as it lies in memory: pairs of texts, each behind its length.
std::string_view metadata_bytes(const char* metadata) {
    if (!metadata) return {};
    const auto number = [](const char* at) {
        std::int32_t out = 0;
        std::memcpy(&out, at, sizeof out);
        return out;
    };
    std::size_t size = 4;
    for (std::int64_t i = 0; i < 2 * std::int64_t{number(metadata)}; ++i)
        size += 4 + static_cast<std::size_t>(number(metadata + size));
    return {metadata, size};
}

void append_type(std::string& out, const ArrowSchema& type) {
    append_text(out, type.format);
    append_text(out, type.name ? type.name : "");
    append_text(out, metadata_bytes(type.metadata));
    append_number(out, static_cast<std::uint64_t>(type.flags), 8);
    append_number(out, static_cast<std::uint64_t>(type.n_children), 4);
    for (std::int64_t i = 0; i < type.n_children; ++i)
        append_type(out, *type.children[i]);
}

/// True when the pairs that it says it has are in it, and nothing else: who reads it later does not know where it ends.
bool is_whole(std::string_view metadata) {
    BytesReader from(metadata);
    for (auto texts = 2 * from.number(4); texts > 0 && from.good(); --texts)
        from.text();
    return from.all_read();
}

/// How many values a null has below it: those of the lists of a fixed length, and of structs, are there all the same.
/// Anything above the limit is one more than it.
std::int64_t values_of_null(const TypeNode& type) {
    constexpr auto limit = most_values_of_null;
    if (type.type == Type::fixed_list) {
        const auto each = values_of_null(type.children[0]);
        return each == 0 || type.fixed_size <= limit / each ? each * type.fixed_size : limit + 1;
    }
    if (type.type != Type::structure) {
        for (const auto& child : type.children)
            if (values_of_null(child) > limit) return limit + 1;
        return 1;
    }
    std::int64_t sum = 0;
    for (const auto& child : type.children)
        sum = std::min(limit + 1, sum + values_of_null(child));
    return sum;
}
bool is_too_wide(const Schema& schema) {
    return values_of_null(schema.root()) > most_values_of_null;
}

/// The nodes of a schema that is being read, and what they point to.
struct Nodes {
    std::deque<ArrowSchema> nodes;
    std::deque<std::string> texts;
    std::deque<std::vector<ArrowSchema*>> children;
    bool damaged = false;

    ArrowSchema* read(BytesReader& from, int depth) {
        auto& node = nodes.emplace_back();
        node.format = keep(from.text());
        node.name = keep(from.text());
        const auto metadata = from.text();
        if (!metadata.empty() && !is_whole(metadata)) damaged = true;
        node.metadata = metadata.empty() ? nullptr : keep(metadata);
        node.flags = static_cast<std::int64_t>(from.number(8));
        node.release = [](ArrowSchema* type) { type->release = nullptr; };
        auto& below = children.emplace_back();
        for (auto left = from.number(4); left > 0 && from.good() && depth < deepest; --left)
            below.push_back(read(from, depth + 1));
        node.n_children = static_cast<std::int64_t>(below.size());
        node.children = below.data();
        return &node;
    }

private:
    const char* keep(std::string_view text) { return texts.emplace_back(text).c_str(); }
};

template <class T>
T value_at(const void* values, std::int64_t at) {
    T out;
    std::memcpy(&out, static_cast<const char*>(values) + at * static_cast<std::int64_t>(sizeof out), sizeof out);
    return out;
}

/// First item and how many, of the list or text at `at`.
struct Window {
    std::int64_t first;
    std::int64_t count;
};
Window window_of(const TypeNode& type, const ArrowArray& array, std::int64_t at) {
    if (type.bits == 64) {
        const auto first = value_at<std::int64_t>(array.buffers[1], at);
        return {first, value_at<std::int64_t>(array.buffers[1], at + 1) - first};
    }
    const auto first = value_at<std::int32_t>(array.buffers[1], at);
    return {first, std::int64_t{value_at<std::int32_t>(array.buffers[1], at + 1)} - first};
}

bool bit_at(const void* bits, std::int64_t at) {
    return (static_cast<const std::uint8_t*>(bits)[at / 8] >> (at % 8) & 1) != 0;
}

/// @param row  of the array, without its offset
void append_value(std::string& out, const TypeNode& type, const ArrowArray& array, std::int64_t row) {
    const auto at = array.offset + row;
    const bool is_null = type.type == Type::null || (array.buffers[0] && !bit_at(array.buffers[0], at));
    append_number(out, is_null ? 0 : 1, 1);
    if (is_null) return;
    const auto append_items = [&](Window items) {
        for (std::int64_t i = 0; i < items.count; ++i)
            append_value(out, type.children[0], *array.children[0], items.first + i);
    };
    switch (type.type) {
        case Type::boolean:
            append_number(out, bit_at(array.buffers[1], at) ? 1 : 0, 1);
            return;
        case Type::fixed:
        case Type::fixed_binary: {
            const auto size = static_cast<std::size_t>(type.bits) / 8;
            out.append(static_cast<const char*>(array.buffers[1]) + static_cast<std::size_t>(at) * size, size);
            return;
        }
        case Type::text:
        case Type::binary:
        case Type::large_text:
        case Type::large_binary: {
            const auto bytes = window_of(type, array, at);
            append_text(out, bytes.count == 0
                                 ? std::string_view()
                                 : std::string_view(static_cast<const char*>(array.buffers[2]) + bytes.first,
                                                    static_cast<std::size_t>(bytes.count)));
            return;
        }
        case Type::list:
        case Type::large_list:
        case Type::map: {
            const auto items = window_of(type, array, at);
            append_number(out, static_cast<std::uint64_t>(items.count), 4);
            append_items(items);
            return;
        }
        case Type::fixed_list:
            append_items({at * type.fixed_size, type.fixed_size});
            return;
        case Type::structure:
            for (std::size_t i = 0; i < type.children.size(); ++i)
                append_value(out, type.children[i], *array.children[i], at);
            return;
        case Type::null:
        case Type::dictionary:
        case Type::rich:
            return;
    }
}

}  // namespace

std::string schema_bytes(const Schema& schema) {
    std::string out;
    append_type(out, schema.arrow());
    return out;
}

Result<Schema> schema_of(std::string_view bytes) {
    BytesReader from(bytes);
    Nodes nodes;
    const auto* const root = nodes.read(from, 0);
    if (!from.all_read() || nodes.damaged)
        return Error(Errc::pipeline_execution, "the schema that was kept with its row is damaged");
    auto schema = Schema::copy(*root);
    if (schema && is_too_wide(schema.value()))
        return Error(Errc::pipeline_execution, "the schema that was kept with its row is damaged");
    return schema;
}

bool can_keep_rows_of(const Schema& schema) {
    return schema.rich_column().empty() && !is_too_wide(schema);
}

std::string row_bytes(const Schema& schema, const ArrowArray& batch, std::int64_t row) {
    std::string out;
    const auto& columns = schema.root().children;
    for (std::size_t i = 0; i < columns.size(); ++i)
        append_value(out, columns[i], *batch.children[i], batch.offset + row);
    return out;
}

}  // namespace leat::delivery
