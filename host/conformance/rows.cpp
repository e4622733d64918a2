#include "conformance/rows.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <utility>

#include "base/cell_text.hpp"
#include "conformance/lent_memory.hpp"
#include "plugin/schema_table.hpp"

namespace leat::conformance {
namespace {

using Numbers = std::vector<std::int64_t>;

// ---- The schema -------------------------------------------------------------------------------------------------

/// What `ARROW:extension:name` = `arrow.json` looks like in Arrow's metadata.
std::string json_metadata() {
    std::string out;
    const auto number = [&](std::int32_t value) {
        out.append(static_cast<const char*>(static_cast<const void*>(&value)), sizeof value);
    };
    const auto text = [&](std::string_view of) {
        number(static_cast<std::int32_t>(of.size()));
        out += of;
    };
    number(1);
    text("ARROW:extension:name");
    text("arrow.json");
    return out;
}

void release_nothing(ArrowSchema* schema) {
    schema->release = nullptr;
}

/// Nodes that point to the columns' texts.
struct SchemaNodes {
    const std::string json = json_metadata();
    std::deque<ArrowSchema> nodes;
    std::deque<std::vector<ArrowSchema*>> lists;

    ArrowSchema* add(const Column& column) {
        auto& node = nodes.emplace_back();
        node = ArrowSchema{};
        node.format = column.format.c_str();
        node.name = column.name.c_str();
        node.metadata = column.is_json ? json.c_str() : nullptr;
        node.flags = column.nullable ? ARROW_FLAG_NULLABLE : 0;
        node.release = release_nothing;
        if (column.children.empty()) return &node;
        auto& list = lists.emplace_back();
        for (const auto& child : column.children)
            list.push_back(add(child));
        node.n_children = static_cast<std::int64_t>(list.size());
        node.children = list.data();
        return &node;
    }
};

// ---- The cells --------------------------------------------------------------------------------------------------

std::uint64_t dice(std::int64_t row, std::uint64_t salt) {
    auto x = static_cast<std::uint64_t>(row) + salt * 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

bool is_null(const Column& column, std::int64_t row) {
    return column.format == "n" || (column.nullable && dice(row, 7) % 4 == 1);
}

bool is_one_of(std::string_view format, std::initializer_list<std::string_view> formats) {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
}

/// In units of the format, so that every value is a time that there is.
std::int64_t time_value(std::string_view format, std::int64_t row) {
    const auto per_second = [&] {
        switch (format[2]) {
            case 'm':
                return std::int64_t{1000};
            case 'u':
                return std::int64_t{1'000'000};
            case 'n':
                return std::int64_t{1'000'000'000};
            default:
                return std::int64_t{1};
        }
    };
    const auto some = static_cast<std::int64_t>(dice(row, 3) % 86'400);
    if (format == "tdD") return 18'000 + some % 1000;
    if (format == "tdm") return (18'000 + some % 1000) * 86'400'000;
    if (format[1] == 't' || format[1] == 'D') return some * per_second() + (per_second() > 1 ? 5 : 0);
    if (format[1] == 's') return (1'600'000'000 + some) * per_second() + (per_second() > 1 ? 250 : 0);
    return some % 12;
}

double real_value(const Column& column, std::int64_t row) {
    if (column.is_odd && dice(row, 8) % 8 == 0) return std::numeric_limits<double>::quiet_NaN();
    if (column.is_odd && dice(row, 8) % 8 == 1) return -std::numeric_limits<double>::infinity();
    return static_cast<double>(row) + 0.25;
}

/// The bytes of one cell of fixed width.
void write_fixed(const Column& column, std::int64_t row, std::byte* out, std::size_t width) {
    const auto& format = column.format;
    const auto put = [&](const auto& value) { std::memcpy(out, &value, std::min(width, sizeof value)); };
    if (format == "f") return put(static_cast<float>(real_value(column, row)));
    if (format == "g") return put(real_value(column, row));
    if (format == "e") return put(static_cast<std::uint16_t>(0x3C00 + dice(row, 4) % 512));
    if (format[0] == 'w') {
        for (std::size_t i = 0; i < width; ++i)
            out[i] = static_cast<std::byte>(dice(row, i));
        return;
    }
    if (format == "tiD") {
        const std::int32_t days_and_millis[] = {static_cast<std::int32_t>(row % 30), 1500};
        return put(days_and_millis);
    }
    std::int64_t value = row + 1;
    if (is_one_of(format, {"c", "C"})) value = row % 100;
    if (is_one_of(format, {"s", "S"})) value = row % 30'000;
    if (format[0] == 't') value = time_value(format, row);
    if (format[0] == 'd') value = row * 25 + 1;
    std::memset(out, value < 0 ? 0xFF : 0, width);
    put(value);
}

std::size_t width_of(const std::string& format) {
    if (is_one_of(format, {"c", "C"})) return 1;
    if (is_one_of(format, {"s", "S", "e"})) return 2;
    if (is_one_of(format, {"i", "I", "f", "tdD", "tts", "ttm", "tiM"})) return 4;
    if (format == "tin") return 16;
    if (format[0] == 'd') return format.size() > 4 && format.substr(format.size() - 4) == ",256" ? 32 : 16;
    if (format[0] == 'w') return static_cast<std::size_t>(std::stoul(format.substr(2)));
    return 8;
}

std::string text_of(const Column& column, std::int64_t row) {
    const auto number = std::to_string(row);
    if (column.is_json) return R"({"row": )" + number + R"(, "tags": ["a", "b"]})";
    if (is_one_of(column.format, {"z", "Z"})) return std::string("\0\xff\x01", 3) + number;
    // Empty ones, and letters of two and more bytes.
    const auto kind = dice(row, 5) % 5;
    if (column.is_odd && kind == 2) return std::string("NUL \0 in ", 9) + number;
    return kind == 0 ? std::string() : kind == 1 ? "z\xC3\xBCrich, \"" + number + "\"" : "row " + number;
}

// ---- The arrays -------------------------------------------------------------------------------------------------

/// What one array node is made of; it goes with the node.
struct Node {
    std::vector<std::unique_ptr<LentBlock>> blocks;
    std::vector<const void*> buffers;
    std::deque<ArrowArray> children;
    std::vector<ArrowArray*> pointers;
};

void release_array(ArrowArray* array) {
    const std::unique_ptr<Node> node(static_cast<Node*>(array->private_data));
    for (auto* const child : node->pointers) {
        if (child->release) child->release(child);
    }
    array->release = nullptr;
}

class Builder {
public:
    bool is_out_of_memory() const { return is_out_of_memory_; }

    ArrowArray build(const Column& column, const Numbers& rows) {
        auto node = std::make_unique<Node>();
        ArrowArray out{};
        out.length = static_cast<std::int64_t>(rows.size());
        if (column.format == "n") {
            out.null_count = out.length;
        } else {
            add_validity(*node, out, column, rows);
            add_values(*node, column, rows);
        }
        for (auto& child : node->children)
            node->pointers.push_back(&child);
        for (const auto& block : node->blocks)
            block->seal();
        out.n_buffers = static_cast<std::int64_t>(node->buffers.size());
        out.buffers = node->buffers.data();
        out.n_children = static_cast<std::int64_t>(node->pointers.size());
        out.children = node->pointers.data();
        out.release = release_array;
        out.private_data = node.release();
        return out;
    }

private:
    std::byte* block(Node& node, std::size_t bytes) {
        auto made = LentBlock::make(bytes);
        if (!made) {
            is_out_of_memory_ = true;
            node.buffers.push_back(nullptr);
            return nullptr;
        }
        auto* const data = made->data();
        node.buffers.push_back(data);
        node.blocks.push_back(std::move(made));
        return data;
    }

    static void set_bit(std::byte* bits, std::size_t at) { bits[at / 8] |= std::byte{1} << (at % 8); }

    void add_validity(Node& node, ArrowArray& out, const Column& column, const Numbers& rows) {
        out.null_count = std::count_if(rows.begin(), rows.end(), [&](auto row) { return is_null(column, row); });
        if (out.null_count == 0) {
            node.buffers.push_back(nullptr);
            return;
        }
        auto* const bits = block(node, (rows.size() + 7) / 8);
        for (std::size_t i = 0; bits && i < rows.size(); ++i) {
            if (!is_null(column, rows[i])) set_bit(bits, i);
        }
    }

    template <class Offset, class Length>
    void add_offsets(Node& node, const Numbers& rows, Length length) {
        auto* const out = block(node, (rows.size() + 1) * sizeof(Offset));
        Offset at = 0;
        for (std::size_t i = 0; out && i < rows.size(); ++i) {
            at += static_cast<Offset>(length(i));
            std::memcpy(out + (i + 1) * sizeof at, &at, sizeof at);
        }
    }

    template <class Offset>
    void add_texts(Node& node, const Column& column, const Numbers& rows) {
        std::string all;
        std::vector<std::size_t> lengths;
        for (const auto row : rows) {
            const auto one = is_null(column, row) ? std::string() : text_of(column, row);
            lengths.push_back(one.size());
            all += one;
        }
        add_offsets<Offset>(node, rows, [&](std::size_t i) { return lengths[i]; });
        auto* const bytes = block(node, all.size());
        if (bytes) std::memcpy(bytes, all.data(), all.size());
    }

    template <class Offset>
    void add_list(Node& node, const Column& column, const Numbers& rows) {
        const auto count = [&](std::size_t i) {
            return is_null(column, rows[i]) ? std::uint64_t{0} : dice(rows[i], 6) % 4;
        };
        Numbers items;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            for (std::uint64_t j = 0; j < count(i); ++j)
                items.push_back(rows[i] * 4 + static_cast<std::int64_t>(j));
        }
        add_offsets<Offset>(node, rows, count);
        node.children.push_back(build(column.children.front(), items));
    }

    void add_values(Node& node, const Column& column, const Numbers& rows) {
        const auto& format = column.format;
        if (is_one_of(format, {"u", "z"})) return add_texts<std::int32_t>(node, column, rows);
        if (is_one_of(format, {"U", "Z"})) return add_texts<std::int64_t>(node, column, rows);
        if (is_one_of(format, {"+l", "+m"})) return add_list<std::int32_t>(node, column, rows);
        if (format == "+L") return add_list<std::int64_t>(node, column, rows);
        if (format == "+s") {
            for (const auto& child : column.children)
                node.children.push_back(build(child, rows));
            return;
        }
        if (format[0] == '+') {  // +w:N
            Numbers items;
            const auto size = std::stoll(format.substr(3));
            for (const auto row : rows) {
                for (std::int64_t j = 0; j < size; ++j)
                    items.push_back(row * size + j);
            }
            node.children.push_back(build(column.children.front(), items));
            return;
        }
        if (format == "b") {
            auto* const bits = block(node, (rows.size() + 7) / 8);
            for (std::size_t i = 0; bits && i < rows.size(); ++i) {
                if (dice(rows[i], 2) % 2 == 0) set_bit(bits, i);
            }
            return;
        }
        const auto width = width_of(format);
        auto* const cells = block(node, rows.size() * width);
        for (std::size_t i = 0; cells && i < rows.size(); ++i)
            write_fixed(column, rows[i], cells + i * width, width);
    }

    bool is_out_of_memory_ = false;
};

Column nested(std::string format, std::vector<Column> children) {
    return {"v", std::move(format), true, std::move(children)};
}

}  // namespace

Columns order_columns() {
    return {{"id", "l", false}, {"name", "u"}, {"price", "g"}, {"quantity", "l"}, {"sold_at", "tsu:"}};
}

Result<Column> column_of(const std::string& name, const std::string& type) {
    static constexpr std::pair<std::string_view, const char*> formats[] = {
        {"bool", "b"},      {"int8", "c"},         {"int16", "s"},
        {"int32", "i"},     {"int64", "l"},        {"uint8", "C"},
        {"uint16", "S"},    {"uint32", "I"},       {"uint64", "L"},
        {"float32", "f"},   {"float64", "g"},      {"text", "u"},
        {"binary", "z"},    {"date", "tdD"},       {"time", "ttu"},
        {"json", "u"},      {"timestamp", "tsu:"}, {"timestamptz", "tsu:UTC"},
        {"duration", "tDu"}};
    for (const auto& [known, format] : formats) {
        if (type == known) return Column{name, format, true, {}, type == "json"};
    }
    if (type.size() > 9 && type.substr(0, 8) == "decimal(" && type.back() == ')') {
        std::string digits;
        std::copy_if(type.begin() + 8, type.end() - 1, std::back_inserter(digits), [](char c) { return c != ' '; });
        return Column{name, "d:" + digits};
    }
    return Error(Errc::configuration, "column " + name + ": \"" + type +
                                          "\" is no type; write int64, float64, decimal(12,2), text, bool, binary, "
                                          "date, time, timestamp, timestamptz, duration or json");
}

const Columns& columns_of_all_types() {
    static const Columns all = [] {
        Columns out;
        for (const char* format : {"b",   "c",   "C",   "s",   "S",   "i",    "I",    "l",      "L",       "e",
                                   "f",   "g",   "u",   "U",   "z",   "Z",    "w:4",  "d:12,2", "d:38,10", "tdD",
                                   "tdm", "tts", "ttm", "ttu", "ttn", "tss:", "tsm:", "tsu:",   "tsn:",    "tsu:UTC",
                                   "tDs", "tDm", "tDu", "tDn", "tiM", "tiD",  "n"})
            out.push_back({"v", format, true, {}, false, true});
        out.push_back({"v", "u", true, {}, true});
        out.push_back(nested("+l", {{"item", "i"}}));
        out.push_back(nested("+L", {{"item", "u"}}));
        out.push_back(nested("+w:3", {{"item", "l"}}));
        out.push_back(nested("+s", {{"x", "l"}, {"y", "u"}}));
        out.push_back(nested("+m", {{"entries", "+s", false, {{"key", "l", false}, {"value", "u"}}}}));
        out.push_back(nested("+l", {{"item", "+s", true, {{"x", "d:12,2"}, {"y", "+l", true, {{"item", "tdD"}}}}}}));
        return out;
    }();
    return all;
}

Result<Batch> make_rows(const Columns& columns, std::int64_t first, std::int64_t count, std::int64_t skipped) {
    const Column all{"", "+s", false, columns};
    SchemaNodes nodes;
    BOOST_OUTCOME_TRY(const auto* const schema, plugin::process_schemas().intern(*nodes.add(all)));
    Numbers rows;
    for (auto row = first - skipped; row < first + count + skipped; ++row)
        rows.push_back(row);
    Builder builder;
    auto array = builder.build(all, rows);
    if (builder.is_out_of_memory()) {
        array.release(&array);
        return Error(Errc::plugin, "there is no memory for the rows of the test");
    }
    return Batch::adopt(schema->pool, array).slice(skipped, count);
}

std::vector<std::string> texts_of(const Batch& batch) {
    std::vector<std::string> out;
    ArrowArray lent{};
    batch.lend(lent);
    for (std::int64_t row = 0; row < batch.rows(); ++row)
        out.push_back(row_json(batch.schema(), lent, row));
    lent.release(&lent);
    return out;
}

}  // namespace leat::conformance
