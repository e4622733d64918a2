#include "base/validate.hpp"

#include <algorithm>
#include <string>

#include "base/batch.hpp"

namespace leat {
namespace {

constexpr std::int64_t most_rows = INT32_MAX;
constexpr std::int64_t most_items = std::int64_t{1} << 48;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 62;

std::string number(std::int64_t value) {
    return std::to_string(value);
}

struct Validator {
    const Memory* blocks;
    Depth depth;

    static Error bad(const TypeNode& type, const std::string& why) {
        return Error(Errc::plugin,
                     (type.path.empty() ? std::string("the batch") : "column \"" + type.path + "\"") + ": " + why);
    }

    /// The buffer must be there when it is needed, aligned, and at least `bytes` long where its size is known.
    Result<> buffer(const TypeNode& type, const ArrowArray& array, int index, std::uint64_t bytes,
                    std::size_t alignment) const {
        const void* const at = array.buffers[index];
        if (bytes == 0) return done();
        const auto named = [&] { return "buffer " + std::to_string(index); };
        if (!at) return bad(type, named() + " is NULL, but " + std::to_string(bytes) + " bytes of it are needed");
        if (reinterpret_cast<std::uintptr_t>(at) % alignment != 0)
            return bad(type, named() + " is not aligned to " + std::to_string(alignment) + " bytes");
        if (!blocks) return done();
        const auto extent = blocks->find(at);
        if (!extent && blocks->contains(at))
            return bad(type, named() + " lies in memory of the host that was given back");
        if (!extent) return done();
        const auto skipped = static_cast<std::uint64_t>(static_cast<const std::byte*>(at) - extent->begin);
        const auto known = extent->size - std::min(extent->size, skipped);
        if (known < bytes)
            return bad(type, named() + " is " + std::to_string(known) + " bytes long, but " + std::to_string(bytes) +
                                 " are needed");
        return done();
    }

    /// Room for `count` values of a width that a plugin chose; the product must not wrap.
    Result<> values(const TypeNode& type, const ArrowArray& array, std::uint64_t count, std::uint64_t width,
                    std::size_t alignment) const {
        if (count > most_bytes / width)
            return bad(type, "length " + number(array.length) + " and offset " + number(array.offset));
        return buffer(type, array, 1, count * width, alignment);
    }

    Result<> validity(const TypeNode& type, const ArrowArray& array) const {
        if (array.buffers[0])
            return buffer(type, array, 0, static_cast<std::uint64_t>(array.offset + array.length + 7) / 8, 1);
        if (array.null_count > 0)
            return bad(type, "null_count is " + number(array.null_count) + ", but there is no validity buffer");
        return done();
    }

    template <class Offset>
    Result<std::int64_t> offsets(const TypeNode& type, const ArrowArray& array) const {
        const auto entries = static_cast<std::uint64_t>(array.offset + array.length) + 1;
        if (array.length == 0) return std::int64_t{0};  // nobody reads an offset then; it may be missing
        BOOST_OUTCOME_TRYV(buffer(type, array, 1, entries * sizeof(Offset), sizeof(Offset)));
        const auto* const at = static_cast<const Offset*>(array.buffers[1]) + array.offset;
        const std::int64_t n = array.length;
        // One pass without a branch, so that the compiler makes vectors of it.
        bool falls = false;
        for (std::int64_t i = 0; i < n; ++i)
            falls |= at[i + 1] < at[i];
        if (at[0] < 0 || falls) {
            if (at[0] < 0)
                return bad(type, "offsets[" + number(array.offset) + "] = " + number(at[0]) + " is negative");
            std::int64_t i = 0;
            while (at[i + 1] >= at[i])
                ++i;
            return bad(type, "offsets[" + number(array.offset + i + 1) + "] = " + number(at[i + 1]) +
                                 " is less than offsets[" + number(array.offset + i) + "] = " + number(at[i]));
        }
        return static_cast<std::int64_t>(at[n]);
    }

    template <class Offset>
    Result<> text(const TypeNode& type, const ArrowArray& array, bool utf8) const {
        BOOST_OUTCOME_TRY(const auto end, offsets<Offset>(type, array));
        BOOST_OUTCOME_TRYV(buffer(type, array, 2, static_cast<std::uint64_t>(end), 1));
        if (!utf8 || depth != Depth::text || end == 0) return done();
        const auto* const at = static_cast<const Offset*>(array.buffers[1]) + array.offset;
        const auto* const bytes = static_cast<const char*>(array.buffers[2]);
        const auto first = static_cast<std::size_t>(at[0]);
        // All texts as one run of bytes, then that no text begins inside a character: cheaper than one by one.
        if (is_ascii(bytes + first, static_cast<std::size_t>(end) - first)) return done();
        bool inside = false;
        for (std::int64_t i = 0; i < array.length; ++i) {
            inside |= at[i] < end && (static_cast<unsigned char>(bytes[at[i]]) & 0xC0) == 0x80;
        }
        if (!inside && is_utf8(bytes + first, static_cast<std::size_t>(end) - first)) return done();
        // Bytes under a null are nobody's business, so only now is it looked at row by row.
        for (std::int64_t i = 0; i < array.length; ++i) {
            if (is_null(array, i)) continue;
            if (!is_utf8(bytes + at[i], static_cast<std::size_t>(at[i + 1] - at[i])))
                return bad(type, "row " + number(i) + " is not UTF-8 text");
        }
        return done();
    }

    /// Of the root: nulls are for columns.
    Result<> no_null_row(const TypeNode& root, const ArrowArray& array) const {
        if (array.null_count == 0 || !array.buffers[0]) return done();
        for (std::int64_t i = 0; i < array.length; ++i) {
            if (is_null(array, i)) return bad(root, "row " + number(i) + " is null, but only its columns may be");
        }
        return done();
    }

    static bool is_null(const ArrowArray& array, std::int64_t row) {
        const auto* const bits = static_cast<const std::uint8_t*>(array.buffers[0]);
        const auto at = array.offset + row;
        return bits && !(bits[at / 8] >> (at % 8) & 1);
    }

    template <class Index>
    Result<> indexes(const TypeNode& type, const ArrowArray& array) const {
        const auto* const at = static_cast<const Index*>(array.buffers[1]) + array.offset;
        const auto size = static_cast<std::uint64_t>(array.dictionary->length);
        for (std::int64_t i = 0; i < array.length; ++i) {
            if (static_cast<std::uint64_t>(static_cast<std::int64_t>(at[i])) < size || is_null(array, i)) continue;
            return bad(type, "row " + number(i) + ": index " + number(static_cast<std::int64_t>(at[i])) +
                                 " into a dictionary of " + std::to_string(size) + " values");
        }
        return done();
    }

    Result<> dictionary(const TypeNode& type, const ArrowArray& array) const {
        if (!array.dictionary) return bad(type, "its dictionary is NULL");
        BOOST_OUTCOME_TRYV(node(*type.dictionary, *array.dictionary, &array));
        if (array.length == 0) return done();
        switch (type.bits) {
            case 8:
                return type.is_signed ? indexes<std::int8_t>(type, array) : indexes<std::uint8_t>(type, array);
            case 16:
                return type.is_signed ? indexes<std::int16_t>(type, array) : indexes<std::uint16_t>(type, array);
            case 32:
                return type.is_signed ? indexes<std::int32_t>(type, array) : indexes<std::uint32_t>(type, array);
            default:
                return type.is_signed ? indexes<std::int64_t>(type, array) : indexes<std::uint64_t>(type, array);
        }
    }

    Result<> children(const TypeNode& type, const ArrowArray& array, std::int64_t at_least) const {
        for (std::size_t i = 0; i < type.children.size(); ++i) {
            if (!array.children || !array.children[i]) return bad(type.children[i], "its array is NULL");
            const ArrowArray& child = *array.children[i];
            if (child.length < at_least)
                return bad(type.children[i],
                           "it has " + number(child.length) + " values, but " + number(at_least) + " are needed");
            BOOST_OUTCOME_TRYV(node(type.children[i], child, &array));
        }
        return done();
    }

    Result<> node(const TypeNode& type, const ArrowArray& array, const ArrowArray* parent) const {
        if (!array.release) return bad(type, "its array was released before");
        if (Batch::is_dead_loan(array, parent))
            return bad(type, "its array was released before, or copied where it should have been moved");
        if (array.length < 0 || array.length > most_items || array.offset < 0 || array.offset > most_items)
            return bad(type, "length " + number(array.length) + " and offset " + number(array.offset));
        if (array.null_count < -1 || array.null_count > array.length)
            return bad(type, "null_count is " + number(array.null_count) + " in " + number(array.length) + " values");
        const bool any_number = type.type == Type::rich;  // of views: as many as they have data buffers, and two more
        if ((any_number ? array.n_buffers < 0 : array.n_buffers != type.buffers) ||
            (array.n_buffers > 0 && !array.buffers))
            return bad(type, number(array.n_buffers) + " buffers where " + number(type.buffers) + " are due");
        if (array.n_children != static_cast<std::int64_t>(type.children.size()))
            return bad(type, number(array.n_children) + " children where " + std::to_string(type.children.size()) +
                                 " are due");
        if (type.buffers > 0) {
            BOOST_OUTCOME_TRYV(validity(type, array));
        }
        const std::int64_t end = array.offset + array.length;
        const auto bits = static_cast<std::uint64_t>(type.bits);
        switch (type.type) {
            case Type::null:
                return done();
            // How its children belong together is not looked into, but each of them is.
            case Type::rich:
                return children(type, array, 0);
            case Type::boolean:
                return buffer(type, array, 1, static_cast<std::uint64_t>(end + 7) / 8, 1);
            case Type::fixed: {
                const auto width = bits / 8;
                return values(type, array, static_cast<std::uint64_t>(end), width, std::min<std::size_t>(width, 8));
            }
            case Type::dictionary: {
                BOOST_OUTCOME_TRYV(buffer(type, array, 1, static_cast<std::uint64_t>(end) * bits / 8, bits / 8));
                return dictionary(type, array);
            }
            case Type::fixed_binary:
                return values(type, array, static_cast<std::uint64_t>(end), bits / 8, 1);
            case Type::text:
                return text<std::int32_t>(type, array, true);
            case Type::binary:
                return text<std::int32_t>(type, array, false);
            case Type::large_text:
                return text<std::int64_t>(type, array, true);
            case Type::large_binary:
                return text<std::int64_t>(type, array, false);
            case Type::list:
            case Type::map: {
                BOOST_OUTCOME_TRY(const auto items, offsets<std::int32_t>(type, array));
                return children(type, array, items);
            }
            case Type::large_list: {
                BOOST_OUTCOME_TRY(const auto items, offsets<std::int64_t>(type, array));
                return children(type, array, items);
            }
            case Type::fixed_list: {
                if (type.fixed_size > 0 && end > most_items / type.fixed_size)
                    return bad(type, "length " + number(array.length) + " and offset " + number(array.offset));
                return children(type, array, end * type.fixed_size);
            }
            case Type::structure:
                return children(type, array, end);
        }
        return done();
    }
};

}  // namespace

Result<> validate(const ArrowArray& array, const Schema& schema, const Memory* blocks, Depth depth) {
    const auto& root = schema.root();
    if (array.length > most_rows)
        return Validator::bad(root, number(array.length) + " rows; a batch has at most " + number(most_rows));
    const Validator validator{blocks, depth};
    BOOST_OUTCOME_TRYV(validator.node(root, array, nullptr));
    return validator.no_null_row(root, array);
}

}  // namespace leat
