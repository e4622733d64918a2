#include "base/schema.hpp"

#include <charconv>
#include <cstring>
#include <deque>
#include <optional>

#include "base/utf8.hpp"

namespace leat {
namespace {

constexpr int deepest = 64;
constexpr std::int64_t most_columns = 100'000;

std::int32_t read_int32(const char* from) {
    std::int32_t out;
    std::memcpy(&out, from, sizeof out);
    return out;
}

/// Bytes of Arrow schema metadata: pairs of length-prefixed strings. Zero for none; nothing when it is malformed.
std::optional<std::size_t> metadata_size(const char* metadata) {
    if (!metadata) return 0;
    const auto pairs = read_int32(metadata);
    if (pairs < 0) return std::nullopt;
    std::size_t at = 4;
    for (std::int64_t i = 0; i < 2 * std::int64_t{pairs}; ++i) {
        const auto length = read_int32(metadata + at);
        if (length < 0) return std::nullopt;
        at += 4 + static_cast<std::size_t>(length);
    }
    return at;
}

struct Format {
    Type type;
    std::int32_t bits = 0;
    std::int64_t fixed_size = 0;
    std::int64_t buffers = 2;
    std::int64_t children = 0;  // -1: any number
    bool is_signed = false;
};

std::optional<std::int64_t> positive(std::string_view text) {
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size() || out <= 0 || out > INT32_MAX) return std::nullopt;
    return out;
}

std::optional<Format> decimal_format(std::string_view text) {
    // d:precision,scale[,bits]
    std::vector<std::int64_t> numbers;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto part = text.substr(0, comma);
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
        if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
        numbers.push_back(number);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    if (numbers.size() == 2) numbers.push_back(128);
    if (numbers.size() != 3 || (numbers[2] != 128 && numbers[2] != 256)) return std::nullopt;
    const auto most = numbers[2] == 128 ? 38 : 76;
    if (numbers[0] < 1 || numbers[0] > most) return std::nullopt;
    return Format{Type::fixed, static_cast<std::int32_t>(numbers[2])};
}

std::optional<Format> time_format(std::string_view format) {
    if (format == "tdD" || format == "tts" || format == "ttm" || format == "tiM") return Format{Type::fixed, 32};
    if (format == "tdm" || format == "ttu" || format == "ttn" || format == "tiD" || format == "tDs" ||
        format == "tDm" || format == "tDu" || format == "tDn")
        return Format{Type::fixed, 64};
    if (format == "tin") return Format{Type::fixed, 128};
    if (format.size() >= 4 && format.substr(0, 2) == "ts" && std::strchr("smun", format[2]) && format[3] == ':')
        return Format{Type::fixed, 64};
    return std::nullopt;
}

std::optional<Format> nested_format(std::string_view format) {
    if (format == "+s") return Format{Type::structure, 0, 0, 1, -1};
    if (format == "+l") return Format{Type::list, 32, 0, 2, 1};
    if (format == "+L") return Format{Type::large_list, 64, 0, 2, 1};
    if (format == "+m") return Format{Type::map, 32, 0, 2, 1};
    if (format.substr(0, 3) == "+w:") {
        const auto size = positive(format.substr(3));
        if (!size && format != "+w:0") return std::nullopt;
        return Format{Type::fixed_list, 0, size.value_or(0), 1, 1};
    }
    if (format == "+r" || format == "+vl" || format == "+vL" || format.substr(0, 2) == "+u")
        return Format{Type::rich, 0, 0, -1, -1};
    return std::nullopt;
}

std::optional<Format> parse(std::string_view format) {
    if (format.empty()) return std::nullopt;
    if (format[0] == '+') return nested_format(format);
    if (format.substr(0, 2) == "d:") return decimal_format(format.substr(2));
    if (format.substr(0, 2) == "w:") {
        const auto bytes = positive(format.substr(2));
        if (!bytes || *bytes > INT32_MAX / 8) return std::nullopt;
        return Format{Type::fixed_binary, static_cast<std::int32_t>(8 * *bytes)};
    }
    if (format[0] == 't') return time_format(format);
    if (format == "vu" || format == "vz") return Format{Type::rich, 0, 0, -1};
    if (format.size() != 1) return std::nullopt;
    switch (format[0]) {
        case 'n':
            return Format{Type::null, 0, 0, 0};
        case 'b':
            return Format{Type::boolean, 1};
        case 'c':
            return Format{Type::fixed, 8, 0, 2, 0, true};
        case 'C':
            return Format{Type::fixed, 8};
        case 's':
            return Format{Type::fixed, 16, 0, 2, 0, true};
        case 'S':
            return Format{Type::fixed, 16};
        case 'i':
            return Format{Type::fixed, 32, 0, 2, 0, true};
        case 'I':
            return Format{Type::fixed, 32};
        case 'l':
            return Format{Type::fixed, 64, 0, 2, 0, true};
        case 'L':
            return Format{Type::fixed, 64};
        case 'e':
            return Format{Type::fixed, 16};
        case 'f':
            return Format{Type::fixed, 32};
        case 'g':
            return Format{Type::fixed, 64};
        case 'u':
            return Format{Type::text, 32, 0, 3};
        case 'z':
            return Format{Type::binary, 32, 0, 3};
        case 'U':
            return Format{Type::large_text, 64, 0, 3};
        case 'Z':
            return Format{Type::large_binary, 64, 0, 3};
        default:
            return std::nullopt;
    }
}

Error bad(const std::string& path, const std::string& why) {
    return Error(Errc::plugin, (path.empty() ? std::string("the schema") : "column \"" + path + "\"") + ": " + why);
}

void append_sized(std::string& key, std::string_view text) {
    key += std::to_string(text.size());
    key += ':';
    key += text;
}

void release_nothing(ArrowSchema* schema) {
    schema->release = nullptr;
}

}  // namespace

/// The copied nodes and everything that they point to. Deques, because the nodes point at each other.
struct Schema::Tree {
    std::deque<ArrowSchema> nodes;
    std::deque<std::string> texts;
    std::deque<std::vector<ArrowSchema*>> children;

    const char* keep(std::string text) { return texts.emplace_back(std::move(text)).c_str(); }

    struct Reader;
};

struct Schema::Tree::Reader {
    Tree& tree;
    std::string& key;
    std::string& rich;

    Result<ArrowSchema*> read(const ArrowSchema& from, TypeNode& node, int depth) {
        if (depth > deepest) return bad(node.path, "nested more than " + std::to_string(deepest) + " deep");
        if (!from.release) return bad(node.path, "the schema was released before");
        if (!from.format) return bad(node.path, "it has no format");
        const auto format = parse(from.format);
        if (!format) return bad(node.path, "\"" + std::string(from.format).substr(0, 80) + "\" is no Arrow format");
        if (from.n_children < 0 || from.n_children > most_columns || (from.n_children > 0 && !from.children) ||
            (format->children >= 0 && format->children != from.n_children))
            return bad(node.path, "format \"" + std::string(from.format) + "\" with " +
                                      std::to_string(from.n_children) + " children");
        const auto metadata = metadata_size(from.metadata);
        if (!metadata) return bad(node.path, "its metadata is malformed");

        node.type = format->type;
        node.nullable = (from.flags & ARROW_FLAG_NULLABLE) != 0;
        node.bits = format->bits;
        node.fixed_size = format->fixed_size;
        node.buffers = format->buffers;
        node.is_signed = format->is_signed;

        ArrowSchema& out = tree.nodes.emplace_back();
        out = ArrowSchema{};
        out.format = tree.keep(from.format);
        out.name = tree.keep(from.name ? from.name : "");
        out.metadata = *metadata > 0 ? tree.keep(std::string(from.metadata, *metadata)) : nullptr;
        out.flags = from.flags;
        out.release = release_nothing;
        append_sized(key, out.format);
        append_sized(key, out.name);
        append_sized(key, {out.metadata ? out.metadata : "", *metadata});
        key += std::to_string(from.flags) + '/' + std::to_string(from.n_children) + (from.dictionary ? '*' : ';');
        if (rich.empty() && (format->type == Type::rich || from.dictionary)) rich = node.path;
        BOOST_OUTCOME_TRYV(read_children(from, node, out, depth));
        if (from.dictionary) {
            if (!std::strchr("cCsSiIlL", format->type == Type::fixed ? from.format[0] : '?') || from.format[1])
                return bad(node.path, "a dictionary needs integer indexes, not \"" + std::string(from.format) + "\"");
            node.type = Type::dictionary;
            node.dictionary = std::make_unique<TypeNode>();
            node.dictionary->path = node.path;
            BOOST_OUTCOME_TRY(out.dictionary, read(*from.dictionary, *node.dictionary, depth + 1));
        }
        return &out;
    }

    Result<> read_children(const ArrowSchema& from, TypeNode& node, ArrowSchema& out, int depth) {
        if (from.n_children == 0) return done();
        auto& list = tree.children.emplace_back();
        const bool is_list = node.type != Type::structure;
        for (std::int64_t i = 0; i < from.n_children; ++i) {
            if (!from.children[i]) return bad(node.path, "child " + std::to_string(i) + " is NULL");
            auto& child = node.children.emplace_back();
            const std::string name = from.children[i]->name ? from.children[i]->name : "";
            if (!is_utf8(name.data(), name.size()))
                return bad(node.path, "the name of child " + std::to_string(i) + " is not UTF-8 text");
            child.path = is_list ? node.path + "[]" : node.path.empty() ? name : node.path + "." + name;
        }
        for (std::int64_t i = 0; i < from.n_children; ++i) {
            BOOST_OUTCOME_TRY(auto* const copied,
                              read(*from.children[i], node.children[static_cast<std::size_t>(i)], depth + 1));
            list.push_back(copied);
        }
        out.n_children = from.n_children;
        out.children = list.data();
        if (node.type == Type::map &&
            (node.children[0].type != Type::structure || node.children[0].children.size() != 2))
            return bad(node.path, "a map needs one struct of a key and a value");
        return done();
    }
};

Schema::~Schema() = default;

const ArrowSchema& Schema::arrow() const noexcept {
    return tree_->nodes.front();
}

Result<Schema> Schema::copy(const ArrowSchema& schema) {
    Schema out;
    auto tree = std::make_shared<Tree>();
    Tree::Reader reader{*tree, out.key_, out.rich_};
    BOOST_OUTCOME_TRYV(reader.read(schema, out.root_, 0));
    if (out.root_.type != Type::structure)
        return bad("", "a batch is a struct, format \"+s\", not \"" + std::string(schema.format) + "\"");
    out.tree_ = std::move(tree);
    return out;
}

std::string_view metadata_value(const char* metadata, std::string_view key) {
    if (!metadata) return {};
    const auto pairs = read_int32(metadata);
    const char* at = metadata + 4;
    const auto next = [&at] {
        const auto length = static_cast<std::size_t>(read_int32(at));
        const std::string_view out(at + 4, length);
        at += 4 + length;
        return out;
    };
    for (std::int32_t i = 0; i < pairs; ++i) {
        const auto name = next();
        const auto value = next();
        if (name == key) return value;
    }
    return {};
}

std::string Schema::type_name(int column) const {
    return leat::type_name(*arrow().children[column]);
}

std::string type_name(const ArrowSchema& type) {
    const std::string_view format = type.format;
    if (type.dictionary) return "dictionary<" + type_name(*type.dictionary) + ">";
    if (metadata_value(type.metadata, "ARROW:extension:name") == "arrow.json") return "json";
    static constexpr std::pair<std::string_view, const char*> names[] = {
        {"n", "null"},           {"b", "bool"},           {"c", "int8"},          {"C", "uint8"},
        {"s", "int16"},          {"S", "uint16"},         {"i", "int32"},         {"I", "uint32"},
        {"l", "int64"},          {"L", "uint64"},         {"e", "float16"},       {"f", "float32"},
        {"g", "float64"},        {"u", "text"},           {"U", "text"},          {"z", "binary"},
        {"Z", "binary"},         {"tdD", "date"},         {"tdm", "date[ms]"},    {"tts", "time[s]"},
        {"ttm", "time[ms]"},     {"ttu", "time[us]"},     {"ttn", "time[ns]"},    {"tDs", "duration[s]"},
        {"tDm", "duration[ms]"}, {"tDu", "duration[us]"}, {"tDn", "duration[ns]"}};
    for (const auto& [code, name] : names) {
        if (format == code) return name;
    }
    const auto inner = [&](std::int64_t i) { return type_name(*type.children[i]); };
    if (format == "+l" || format == "+L" || format.substr(0, 2) == "+w") return "list<" + inner(0) + ">";
    if (format == "+m") {
        const auto& entry = *type.children[0];
        return "map<" + type_name(*entry.children[0]) + ", " + type_name(*entry.children[1]) + ">";
    }
    if (format == "+s") {
        std::string out = "struct<";
        for (std::int64_t i = 0; i < type.n_children; ++i) {
            out += (i ? ", " : "") + std::string(type.children[i]->name) + ": " + inner(i);
        }
        return out + ">";
    }
    if (format.substr(0, 2) == "d:") return "decimal(" + std::string(format.substr(2)) + ")";
    if (format.substr(0, 2) == "w:") return "binary(" + std::string(format.substr(2)) + ")";
    if (format.substr(0, 2) == "ts") {
        static constexpr const char* units[] = {"s", "ms", "us", "ns"};
        const std::string_view letters = "smun";
        const std::string unit = units[letters.find(format[2])];
        return "timestamp[" + unit + (format.size() > 4 ? ", " + std::string(format.substr(4)) : "") + "]";
    }
    return std::string(format);
}

}  // namespace leat
