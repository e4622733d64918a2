// A record batch's schema, checked once and kept.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arrow.hpp"
#include "base/result.hpp"

namespace leat {

enum class Type : std::uint8_t {
    null,
    boolean,
    fixed,         ///< numbers, times and decimals of `bits` bits
    fixed_binary,  ///< `bits` / 8 bytes
    text,
    binary,
    large_text,
    large_binary,
    list,
    large_list,
    fixed_list,  ///< of `fixed_size` items
    structure,
    map,
    dictionary,  ///< indexes of `bits` bits
    rich,        ///< views, unions and run-end encoding: known to exist, not looked into
};

/// One node of a schema's tree.
struct TypeNode {
    Type type = Type::null;
    bool nullable = false;
    bool is_signed = false;       ///< of a dictionary's indexes
    std::int32_t bits = 0;        ///< width of one value; of text, binary, lists and maps: of one offset
    std::int64_t fixed_size = 0;  ///< items per list
    std::int64_t buffers = 0;     ///< that an array of this type has
    std::string path;             ///< "order.lines[].price", for messages
    std::vector<TypeNode> children;
    std::unique_ptr<TypeNode> dictionary;  ///< what a dictionary's indexes stand for
};

/// An immutable deep copy of a struct schema ("+s") whose children are the columns.
class Schema {
public:
    /// Copies `schema` and leaves it to the caller. Errors: Errc::plugin, naming the column and the format that is
    /// wrong.
    static Result<Schema> copy(const ArrowSchema& schema);
    Schema(Schema&& other) noexcept = default;
    Schema& operator=(Schema&& other) noexcept = default;
    virtual ~Schema();

    int columns() const noexcept { return static_cast<int>(root_.children.size()); }
    std::string_view name(int column) const { return arrow().children[column]->name; }
    std::string_view format(int column) const { return arrow().children[column]->format; }
    const ArrowSchema& arrow() const noexcept;
    const TypeNode& root() const noexcept { return root_; }
    /// Equal exactly when two schemas are: names, types, nullability and metadata.
    const std::string& key() const noexcept { return key_; }
    /// The path of the first column of a type that needs LEAT_RICH_TYPES: a dictionary, or one that is not looked into.
    /// Empty when there is none.
    const std::string& rich_column() const noexcept { return rich_; }

    /// The type for people: "int64", "timestamp[us, UTC]", "list<text>", "json".
    std::string type_name(int column) const;

private:
    struct Tree;  // owns the copied ArrowSchema nodes
    Schema() = default;
    std::shared_ptr<const Tree> tree_;
    TypeNode root_;
    std::string key_;
    std::string rich_;
};

/// The type of one schema node for people.
std::string type_name(const ArrowSchema& type);

/// The value of a key in Arrow schema metadata; empty when it is not there.
std::string_view metadata_value(const char* metadata, std::string_view key);

}  // namespace leat
