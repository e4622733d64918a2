// Any array of any schema: the validator says no, or everything in it can be read. Buffers are blocks of the host's
// memory, and what lies behind each is poisoned, so that a validator which lets too much through ends the run.
#include <sanitizer/asan_interface.h>

#include <bit>
#include <deque>
#include <vector>

#include "base/cell_text.hpp"
#include "base/memory.hpp"
#include "base/validate.hpp"
#include "delivery/row_builder.hpp"
#include "delivery/row_bytes.hpp"
#include "input.hpp"

namespace {

using fuzz::Input;

const char* const formats[] = {"n",   "b",     "c",   "C",  "s",  "i",   "l",    "L",   "f",      "g",
                               "e",   "u",     "z",   "U",  "Z",  "tdD", "tdm",  "ttu", "tsu:",   "tsn:UTC",
                               "tDu", "d:9,2", "w:3", "+l", "+L", "+s",  "+w:2", "+m",  "d:38,10"};

/// A schema and an array of it, and all that they point to.
struct Arrays {
    explicit Arrays(leat::Memory& of) : memory(of) {}
    Arrays(const Arrays&) = delete;
    Arrays& operator=(const Arrays&) = delete;
    ~Arrays() {
        for (void* block : blocks) {
            __asan_unpoison_memory_region(block, block_bytes);
            memory.release(block);
        }
    }

    ArrowSchema* type(Input& in, int depth, const char* format) {
        auto& out = schemas.emplace_back();
        out.format = format;
        out.name = texts.emplace_back(1, static_cast<char>('a' + in.below(26))).c_str();
        out.flags = in.byte() & 7;
        out.release = [](ArrowSchema* of) { of->release = nullptr; };
        const std::string_view form = format;
        std::size_t children = 0;
        if (form == "+s") children = 1 + in.below(3);
        if (form == "+l" || form == "+L" || form == "+m" || form.substr(0, 2) == "+w") children = 1;
        auto& below = schema_children.emplace_back();
        for (std::size_t i = 0; i < children; ++i) {
            const char* of_child = form == "+m" ? "+s" : formats[in.below(depth < 4 ? std::size(formats) : 23)];
            below.push_back(type(in, depth + 1, of_child));
        }
        if (form == "+m") {  // key and value
            auto& entry = *below[0];
            while (schema_children_of(entry).size() < 2)
                schema_children_of(entry).push_back(type(in, depth + 2, "i"));
            schema_children_of(entry).resize(2);
            entry.n_children = 2;
            entry.children = schema_children_of(entry).data();
            entry.flags = 0;
            entry.children[0]->flags = 0;
        }
        out.n_children = static_cast<std::int64_t>(below.size());
        out.children = below.data();
        out.private_data = &below;
        if (depth > 0 && children == 0 && in.byte() > 250 && form.size() == 1 && form != "n")
            out.dictionary = type(in, depth + 1, "u");
        return &out;
    }

    ArrowArray* array(Input& in, const ArrowSchema& of, std::int64_t length) {
        auto& out = arrays.emplace_back();
        const std::string_view form = of.format;
        out.length = in.mostly<std::int64_t>(length);
        out.offset = in.byte() < 200 ? 0 : in.mostly<std::int64_t>(static_cast<std::int64_t>(in.below(9)));
        out.release = [](ArrowArray* one) { one->release = nullptr; };
        std::size_t buffers = 2;
        if (form == "n") buffers = 0;
        if (form == "+s" || form.substr(0, 2) == "+w") buffers = 1;
        if (form == "u" || form == "z" || form == "U" || form == "Z") buffers = 3;
        out.null_count = form == "n" ? out.length : in.byte() < 128 ? 0 : in.mostly<std::int64_t>(-1);
        const auto rows = static_cast<std::uint64_t>(std::clamp<std::int64_t>(length, 0, 64)) + 9;
        auto& pointers = buffer_lists.emplace_back();
        for (std::size_t i = 0; i < buffers; ++i) {
            const std::size_t right = i == 0 ? (rows + 7) / 8 : i == 2 ? in.byte() : rows * 16;
            const bool is_left_out = i == 0 ? in.byte() < 128 : in.byte() == 255;
            pointers.push_back(is_left_out ? nullptr : buffer(in, in.mostly<std::uint16_t>(right)));
        }
        out.n_buffers = in.mostly<std::int64_t>(static_cast<std::int64_t>(pointers.size()));
        out.n_buffers = std::min<std::int64_t>(out.n_buffers, static_cast<std::int64_t>(pointers.size()));
        out.buffers = pointers.data();
        auto& below = array_children.emplace_back();
        // How many rows a child needs. Length and offset may be any number: far ones are cut, so that the sum is one.
        const auto near = [](std::int64_t number) { return std::clamp<std::int64_t>(number, -1000, 1000); };
        const auto end = near(length) + near(out.offset);
        const auto inner = form.substr(0, 2) == "+w" ? 2 * end
                           : form == "+s"            ? end
                                                     : static_cast<std::int64_t>(in.below(40));
        for (std::int64_t i = 0; i < of.n_children; ++i)
            below.push_back(in.byte() == 255 ? nullptr
                                             : array(in, *of.children[i], std::min<std::int64_t>(inner, 200)));
        out.n_children = static_cast<std::int64_t>(below.size()) - (in.byte() == 255 ? 1 : 0);
        out.children = below.data();
        if (of.dictionary && in.byte() < 250)
            out.dictionary = array(in, *of.dictionary, static_cast<std::int64_t>(in.below(9)));
        return &out;
    }

    leat::Memory& memory;

private:
    static constexpr std::size_t block_bytes = 128 * 1024;  // all are of one class: see below

    std::vector<ArrowSchema*>& schema_children_of(ArrowSchema& of) {
        return *static_cast<std::vector<ArrowSchema*>*>(of.private_data);
    }
    /// Filled from the input as far as that goes, and by zeros. Its bytes end where its block ends.
    void* buffer(Input& in, std::size_t size) {
        size = std::max<std::size_t>(size, 1);  // a block of no bytes is one of one byte
        void* const block = memory.allocate(size, 1);
        if (!block) std::abort();
        blocks.push_back(block);
        const auto bytes = in.take(std::min<std::size_t>(size, in.byte()));
        std::memset(block, 0, size);
        std::memcpy(block, bytes.data(), bytes.size());
        const auto room = std::max<std::size_t>(64, std::bit_ceil(size));
        __asan_poison_memory_region(static_cast<char*>(block) + size, room - size);
        return block;
    }

    std::deque<ArrowSchema> schemas;
    std::deque<std::vector<ArrowSchema*>> schema_children;
    std::deque<std::string> texts;
    std::deque<ArrowArray> arrays;
    std::deque<std::vector<ArrowArray*>> array_children;
    std::deque<std::vector<const void*>> buffer_lists;
    std::vector<void*> blocks;
};

void read_all(const leat::Schema& schema, const ArrowArray& array) {
    const bool is_kept = leat::delivery::can_keep_rows_of(schema);
    leat::delivery::RowBuilder again(schema);
    std::vector<std::string> kept;
    for (std::int64_t row = 0; row < array.length; ++row) {
        if (row >= 32 && row < array.length - 8) continue;
        for (int column = 0; column < schema.columns(); ++column)
            (void)leat::cell_text(schema, array, column, row);
        (void)leat::row_json(schema, array, row);
        if (!is_kept) continue;
        kept.push_back(leat::delivery::row_bytes(schema, array, row));
        fuzz::require(again.add(kept.back()).has_value(), "a row that was kept cannot be read again");
    }
    auto rebuilt = again.finish();
    for (std::size_t i = 0; i < kept.size(); ++i) {
        fuzz::require(leat::delivery::row_bytes(schema, rebuilt, static_cast<std::int64_t>(i)) == kept[i],
                      "a row that was kept is another one");
    }
    rebuilt.release(&rebuilt);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static leat::Memory memory;
    Input in(data, size);
    Arrays made(memory);
    const auto* const type = made.type(in, 0, "+s");
    const auto schema = leat::Schema::copy(*type);
    if (!schema) return 0;
    const auto* const array = made.array(in, *type, static_cast<std::int64_t>(in.below(40)));
    const auto valid = leat::validate(*array, schema.value(), &memory, leat::Depth::text);
    if (!valid) {
        fuzz::require(!valid.error().message().empty(), "an error has no text");
        return 0;
    }
    read_all(schema.value(), *array);
    return 0;
}
