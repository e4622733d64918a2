#include "config/node.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>

#include "base/utf8.hpp"
#include "config/resolve.hpp"
#include "config/wording.hpp"

namespace leat::config {
namespace {

constexpr std::size_t most_nodes = 200'000;  // a few aliases of aliases must not fill the memory
constexpr std::size_t deepest = 100;

bool is_null_word(std::string_view text) {
    return text == "null" || text == "Null" || text == "NULL" || text == "~";
}

/// The text, and where in it yaml-cpp's marks are: it counts columns in bytes.
class Source {
public:
    Source(const std::string& text, std::string file) : text_(text), file_(std::move(file)) {
        lines_.push_back(0);
        for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;)
            lines_.push_back(++at);
    }

    std::string_view line(int number) const {
        if (number < 0 || static_cast<std::size_t>(number) >= lines_.size()) return {};
        const auto begin = lines_[static_cast<std::size_t>(number)];
        return std::string_view(text_).substr(begin, text_.find('\n', begin) - begin);
    }

    std::string_view from(const YAML::Mark& mark) const {
        const auto rest = line(mark.line);
        return rest.substr(std::min(rest.size(), static_cast<std::size_t>(std::max(0, mark.column))));
    }

    Mark mark(const YAML::Mark& mark) {
        if (mark.line < 0) return {file_, 0, 0};
        if (mark.line != counted_.line || mark.column < counted_.column) counted_ = {mark.line, 0, 0};
        const auto text = line(mark.line);
        const auto end = std::min(text.size(), static_cast<std::size_t>(std::max(0, mark.column)));
        for (auto at = static_cast<std::size_t>(counted_.column); at < end; ++at)
            counted_.characters += (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
        counted_.column = static_cast<int>(end);
        return {file_, mark.line + 1, counted_.characters + 1};
    }

    /// Where the first thing stands that is no comment.
    Mark begin() {
        for (int number = 0; static_cast<std::size_t>(number) < lines_.size(); ++number) {
            const auto text = line(number);
            const auto at = text.find_first_not_of(" \t\r");
            if (at == std::string_view::npos || text[at] == '#') continue;
            YAML::Mark found;
            found.line = number;
            found.column = static_cast<int>(at);
            return mark(found);
        }
        return {file_, 1, 1};
    }

    /// Whether the scalar at `mark`, which may begin with a tag or an anchor, opens a quote that nothing closes.
    bool has_open_quote(const YAML::Mark& mark) const {
        if (mark.line < 0 || static_cast<std::size_t>(mark.line) >= lines_.size()) return false;
        const std::string_view text = text_;
        auto at =
            std::min(text.size(), lines_[static_cast<std::size_t>(mark.line)] + static_cast<std::size_t>(mark.column));
        while (at < text.size() && std::string_view("!&# \t\r\n").find(text[at]) != std::string_view::npos) {
            const auto ends = text[at] == '#' ? "\n" : " \t\r\n";
            at = std::min(text.find_first_not_of(" \t\r\n", text.find_first_of(ends, at)), text.size());
        }
        if (at == text.size() || (text[at] != '"' && text[at] != '\'')) return false;
        const char quote = text[at];
        while (++at < text.size()) {
            if (quote == '"' && text[at] == '\\') {
                ++at;
            } else if (text[at] == quote) {
                const bool is_doubled = quote == '\'' && text.substr(at + 1, 1) == "'";
                if (!is_doubled) return false;
                ++at;
            }
        }
        return true;
    }

private:
    /// Where the last mark was: the next is mostly behind it, perhaps in the same very long line.
    struct Counted {
        int line = -1, column = 0, characters = 0;
    };

    const std::string& text_;
    const std::string file_;
    std::vector<std::size_t> lines_;
    Counted counted_;
};

/// Builds the tree from yaml-cpp's events: they show duplicate keys, tags and aliases, which its Node class hides.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(Source& source, Problems& problems) : source_(source), problems_(problems) {}

    std::optional<Node> root;
    YAML::Mark begin;
    bool has_begun = false;

    /// The list or mapping that was being read when the parser gave up, or where the last value began.
    Mark innermost() const { return stack_.empty() ? last_ : stack_.back().node.mark; }
    Mark last() const { return last_; }
    YAML::Mark last_scalar() const { return last_scalar_; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        begin = mark;
        has_begun = true;
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node;
        node.text = null_word_at(mark);
        // Nothing is nowhere: the parser's mark is that of what follows.
        node.mark = node.text.empty() && last_.line != 0 ? last_ : source_.mark(mark);
        place(std::move(node), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            problem(source_.mark(mark), "this alias stands inside of what it refers to");
            Node node;
            node.mark = source_.mark(mark);
            node.wrong = true;
            return place(std::move(node), 0);
        }
        if (stack_.size() + found->second.depth > deepest) throw too_deep(mark);
        at_ = mark;
        count(found->second.nodes);
        place(found->second.node, 0);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node;
        node.mark = source_.mark(mark);
        node.text = value;
        node.plain = tag == "?";
        node.secret = tag == "!secret";
        node.wrong = !node.secret && !check_tag(node.mark, tag);
        at_ = last_scalar_ = mark;
        place(std::move(node), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(Node::Kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(Node::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

private:
    struct Open {
        Node node;
        YAML::anchor_t anchor;
        std::optional<Node> key;                  // of the entry whose value comes next
        std::map<std::string, Mark> keys_so_far;  // of a mapping
    };
    struct Anchored {
        Node node;
        std::size_t nodes, depth;
    };

    static std::size_t size_of(const Node& node) {
        std::size_t out = 1;
        for (const auto& item : node.items)
            out += size_of(item);
        for (const auto& [key, value] : node.entries)
            out += 1 + size_of(value);
        return out;
    }

    static std::size_t depth_of(const Node& node) {
        std::size_t out = 0;
        for (const auto& item : node.items)
            out = std::max(out, depth_of(item));
        for (const auto& [key, value] : node.entries)
            out = std::max(out, depth_of(value));
        return out + 1;
    }

    static YAML::ParserException too_deep(const YAML::Mark& mark) {
        return {mark, "nested more than " + std::to_string(deepest) + " deep"};
    }

    void count(std::size_t nodes) {
        nodes_ += nodes;
        if (nodes_ > most_nodes)
            throw YAML::ParserException(at_, "more than " + std::to_string(most_nodes) + " values");
    }

    /// yaml-cpp does not tell `null` from nothing, but a component may be called null.
    std::string null_word_at(const YAML::Mark& mark) const {
        const auto text = source_.from(mark);
        const auto end = std::min(text.size(), text.find_first_of(" \t\r,:}]"));
        const auto word = text.substr(0, end);
        if (!is_null_word(word)) return {};
        const auto next = text.find_first_not_of(" \t\r", end);
        const bool is_key = next != std::string_view::npos && text[next] == ':';
        const bool wants_key = !stack_.empty() && stack_.back().node.kind == Node::Kind::map && !stack_.back().key;
        // Where a value is wanted and a key stands, the value is nothing, and the key is that of the next entry.
        return is_key && !wants_key ? std::string() : std::string(word);
    }

    bool check_tag(const Mark& mark, const std::string& tag) {
        if (tag == "?" || tag == "!") return true;
        problem(mark, tag == "!secret" ? "!secret stands before a text: file:PATH, credential:NAME or env:NAME"
                                       : "the tag " + printable(tag) + " is not known here; only !secret is");
        return false;
    }

    void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (stack_.size() >= deepest) throw too_deep(mark);
        Open made{Node{}, anchor, std::nullopt, {}};
        made.node.kind = kind;
        made.node.mark = last_ = source_.mark(mark);
        check_tag(made.node.mark, tag);
        at_ = mark;
        count(1);
        stack_.push_back(std::move(made));
    }

    void close() {
        auto closed = std::move(stack_.back());
        stack_.pop_back();
        place(std::move(closed.node), closed.anchor);
    }

    void place(Node node, YAML::anchor_t anchor) {
        if (node.kind == Node::Kind::scalar) {
            last_ = node.mark;
            count(1);
        }
        if (anchor != 0) {
            Anchored made{node, size_of(node), depth_of(node)};
            count(made.nodes);
            anchors_.insert_or_assign(anchor, std::move(made));
        }
        if (stack_.empty()) {
            root = std::move(node);
            return;
        }
        auto& top = stack_.back();
        if (top.node.kind == Node::Kind::list) {
            top.node.items.push_back(std::move(node));
        } else if (!top.key) {
            take_key(top, std::move(node));
        } else {
            const auto [first, is_new] = top.keys_so_far.try_emplace(top.key->text, top.key->mark);
            if (is_new && !top.key->wrong) {
                top.node.entries.push_back({std::move(*top.key), std::move(node)});
            } else if (!is_new) {
                problem(top.key->mark, "this key stands twice in its mapping, first at " + first->second.text());
            }
            top.key.reset();
        }
    }

    void take_key(Open& top, Node key) {
        const bool is_text = key.kind == Node::Kind::scalar && !key.secret;
        const Mark mark = key.mark;
        if (!is_text) {
            problem(mark, "a key must be a text");
            key = Node{};
            key.mark = mark;
        }
        top.key = std::move(key);
        if (top.key->text == "<<") problem(mark, "merge keys (<<) are not read here; write the keys out");
        top.key->wrong = !is_text || top.key->text == "<<";
        top.node.wrong = top.node.wrong || top.key->wrong;
    }

    /// Of the value that is being read.
    void problem(const Mark& mark, std::string message) {
        std::string path;
        for (const auto& open : stack_) {
            if (open.node.kind == Node::Kind::list) {
                path += '[' + std::to_string(open.node.items.size()) + ']';
            } else if (open.key) {
                path = below(path, open.key->text);
            }
        }
        problems_.add(mark, std::move(path), std::move(message));
    }

    Source& source_;
    Problems& problems_;
    YAML::Mark at_;  ///< of the last event that has one
    YAML::Mark last_scalar_ = YAML::Mark::null_mark();
    Mark last_;  ///< of the last scalar, or the begin of the last list or mapping
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::size_t nodes_ = 0;
};

/// Bytes that can be in no YAML text. yaml-cpp takes some of them for the end of the file.
bool look_at_bytes(const std::string& text, const std::string& file, Problems& problems) {
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        const auto control = std::find_if(line.begin(), line.end(), [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7F;
        });
        if (control != line.end()) {
            problems.add({file, number, static_cast<int>(control - line.begin()) + 1}, "",
                         *control == '\0' ? "a NUL byte: this is no YAML in UTF-8"
                                          : "the control character " + printable({&*control, 1}) +
                                                "; in a text in double quotes it can be written like this");
            return false;
        }
        if (!is_utf8(line.data(), line.size())) {
            problems.add({file, number, 1}, "", "this line is not UTF-8; save the file as UTF-8");
            return false;
        }
    }
    return true;
}

/// What yaml-cpp found wrong, in words that say what to do.
void add_syntax_problem(const YAML::Exception& e, Source& source, const TreeBuilder& builder, Problems& problems) {
    const auto line = source.line(e.mark.line);
    const auto indent = line.find_first_not_of(' ');
    if (indent != std::string_view::npos && line[indent] == '\t') {
        auto tab = e.mark;
        tab.column = static_cast<int>(indent);
        return problems.add(source.mark(tab), "", "a tab cannot indent YAML; use spaces");
    }
    const auto has = [&](std::string_view what) { return e.msg.find(what) != std::string::npos; };
    Mark where = source.mark(e.mark);
    std::string message = e.msg;
    if (has("illegal map value")) {
        message = "a value cannot stand here; check the indentation, and put a text with \": \" in quotes";
    } else if (has("illegal block entry")) {
        message = "a list cannot begin here; check the indentation";
    } else if (has("end of map flow") || has("end of sequence flow")) {
        where = builder.innermost();
        message = "what is opened here is not closed; put a text with { } [ ] or , in quotes";
    } else if (has("end of map not found") || has("end of sequence not found")) {
        message = "this does not go on with what stands above it; check the indentation";
    } else if (has("illegal flow end")) {
        message = "this bracket was never opened; put a text that begins with it in quotes";
    } else if (has("illegal EOF in scalar")) {
        const bool is_first = builder.last().line == 0;  // nothing was read before it
        where = is_first ? source.begin() : builder.last();
        message = is_first ? "a quote is opened and never closed" : "behind this, a quote is opened and never closed";
    } else if (has("unknown token")) {
        message = "a text that begins with " + in_quotes(source.from(e.mark).substr(0, 1)) + " must be in quotes";
    } else if (has("referenced anchor")) {
        message = "nothing is called " + in_quotes(source.from(e.mark)) + "; put a text that begins with * in quotes";
    } else if (has("unknown escape character")) {
        message += "; write \\\\ for a backslash, or use single quotes";
    }
    problems.add(where, "", "is not YAML: " + message);
}

}  // namespace

bool Node::is_null() const {
    return kind == Kind::scalar && plain && !secret && (text.empty() || is_null_word(text));
}

const Node* Node::find(std::string_view key) const {
    for (const auto& [name, value] : entries) {
        if (name.text == key) return &value;
    }
    return nullptr;
}

std::vector<std::string> Node::keys() const {
    std::vector<std::string> out;
    for (const auto& [name, value] : entries)
        out.push_back(name.text);
    return out;
}

std::optional<Node> parse_yaml(const std::string& text, const std::string& file, const Environment& environment,
                               Problems& problems) {
    static constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.rfind(byte_order_mark, 0) == 0)
        return parse_yaml(text.substr(byte_order_mark.size()), file, environment, problems);
    if (!look_at_bytes(text, file, problems)) return std::nullopt;
    Source source(text, file);
    TreeBuilder builder(source, problems), second(source, problems);
    bool has_second = false;
    try {
        std::istringstream in(text);
        YAML::Parser parser(in);
        parser.HandleNextDocument(builder);
        has_second = parser.HandleNextDocument(second);
    } catch (const YAML::Exception& e) {
        add_syntax_problem(e, source, second.has_begun ? second : builder, problems);
        return std::nullopt;
    }
    if (has_second) {
        const bool is_marked = source.line(second.begin.line).rfind("---", 0) == 0;
        problems.add(source.mark(second.begin), "",
                     is_marked ? "a second document begins here, but a file holds one"
                               : "is not YAML: this does not go on with what stands above it; check the indentation");
        if (!is_marked) return std::nullopt;
    }
    // yaml-cpp takes the line feed that ends the file for the quote that is missing.
    if (const auto scalar = builder.last_scalar(); source.has_open_quote(scalar)) {
        problems.add(source.mark(scalar), "", "is not YAML: a quote is opened and never closed");
        return std::nullopt;
    }
    if (!builder.root) return Node{};
    resolve(*builder.root, environment, problems);
    return std::move(*builder.root);
}

namespace {

/// A whole number in the core schema's notations: 42, -7, 0x2A, 0o52. Empty when it fits neither int64 nor uint64.
std::optional<boost::json::value> whole_number(std::string_view text) {
    const bool is_negative = text[0] == '-';
    std::string_view digits = text.substr(is_negative || text[0] == '+' ? 1 : 0);
    int base = 10;
    if (digits.size() == text.size() && (text.rfind("0x", 0) == 0 || text.rfind("0o", 0) == 0)) {
        base = text[1] == 'x' ? 16 : 8;
        digits.remove_prefix(2);
    }
    std::uint64_t magnitude = 0;
    const char* const end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, magnitude, base);
    if (error != std::errc() || at != end) return std::nullopt;
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (is_negative) {
        if (magnitude > most + 1) return std::nullopt;
        return static_cast<std::int64_t>(0 - magnitude);
    }
    if (magnitude > most) return magnitude;
    return static_cast<std::int64_t>(magnitude);
}

std::optional<double> floating_number(std::string_view text) {
    const std::string_view digits = text.substr(text[0] == '-' || text[0] == '+' ? 1 : 0);
    if (digits.find_first_of(".eE") == std::string_view::npos ||
        !(digits[0] == '.' || (digits[0] >= '0' && digits[0] <= '9')))
        return std::nullopt;
    double out = 0;
    const char* const end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, out);
    if (error != std::errc() || at != end) return std::nullopt;
    return text[0] == '-' ? -out : out;
}

}  // namespace

boost::json::value scalar_value(const Node& scalar) {
    const std::string& text = scalar.text;
    if (!scalar.plain || scalar.secret) return boost::json::value(text);
    if (scalar.is_null()) return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    if (auto whole = whole_number(text)) return std::move(*whole);
    if (const auto number = floating_number(text)) return *number;
    return boost::json::value(text);
}

std::string pointer_step(std::string_view key) {
    std::string out = "/";
    for (const char c : key)
        out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return out;
}

namespace {

boost::json::value convert(const Node& node, const std::string& at, ComponentSettings& component) {
    component.marks[at] = node.mark;
    if (!node.variables.empty()) component.variables[at] = node.variables;
    if (node.secret) component.secrets.push_back(at);
    if (node.wrong) component.wrong.push_back(at);
    if (node.kind == Node::Kind::scalar) return scalar_value(node);
    if (node.kind == Node::Kind::list) {
        boost::json::array out;
        for (std::size_t i = 0; i < node.items.size(); ++i)
            out.push_back(convert(node.items[i], at + "/" + std::to_string(i), component));
        return out;
    }
    boost::json::object out;
    for (const auto& [key, value] : node.entries) {
        const std::string pointer = at + pointer_step(key.text);
        component.key_marks[pointer] = key.mark;
        out[key.text] = convert(value, pointer, component);
    }
    return out;
}

}  // namespace

void to_json(const Node& node, ComponentSettings& component) {
    component.value = convert(node, "", component);
}

}  // namespace leat::config
