#include "config/node.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "base/error.hpp"
#include "base/validate.hpp"

namespace leat::config {
namespace {

constexpr std::size_t most_nodes = 200'000;  // a few aliases of aliases must not fill the memory
constexpr int deepest = 100;

Mark mark_of(const YAML::Mark& mark, const std::string& file) {
    return {file, mark.line < 0 ? 0 : mark.line + 1, mark.column < 0 ? 0 : mark.column + 1};
}

/// Builds the tree from yaml-cpp's events: they show duplicate keys, tags and aliases, which its Node class hides.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(std::string file, Problems& problems) : file_(std::move(file)), problems_(problems) {}

    std::optional<Node> root;

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node;
        node.mark = mark_of(mark, file_);
        node.plain = true;
        place(std::move(node), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            problems_.add(mark_of(mark, file_), "", "this alias stands inside of what it refers to");
            Node node;
            node.mark = mark_of(mark, file_);
            node.plain = true;
            return place(std::move(node), 0);
        }
        nodes_ += size_of(found->second);
        if (nodes_ > most_nodes) throw too_large(mark);
        place(found->second, 0);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node;
        node.mark = mark_of(mark, file_);
        node.text = value;
        node.plain = tag == "?" || tag.empty();
        if (tag == "!secret") {
            node.secret = true;
        } else if (tag != "?" && tag != "!" && !tag.empty()) {
            problems_.add(node.mark, "", "the tag " + tag + " is not known here; only !secret is");
        }
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
        std::optional<Node> key;  // of the entry whose value comes next
    };

    static std::size_t size_of(const Node& node) {
        std::size_t out = 1;
        for (const auto& item : node.items)
            out += size_of(item);
        for (const auto& [key, value] : node.entries)
            out += 1 + size_of(value);
        return out;
    }

    static YAML::ParserException too_large(const YAML::Mark& mark) {
        return {mark, "more than " + std::to_string(most_nodes) + " values"};
    }

    void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (stack_.size() >= deepest) throw YAML::ParserException(mark, "nested more than 100 deep");
        Open made{Node{}, anchor, std::nullopt};
        made.node.kind = kind;
        made.node.mark = mark_of(mark, file_);
        if (tag != "?" && !tag.empty() && tag != "!")
            problems_.add(made.node.mark, "", "the tag " + tag + " is not known here; only !secret is");
        stack_.push_back(std::move(made));
    }

    void close() {
        auto closed = std::move(stack_.back());
        stack_.pop_back();
        place(std::move(closed.node), closed.anchor);
    }

    void place(Node node, YAML::anchor_t anchor) {
        if (++nodes_ > most_nodes) throw YAML::ParserException(YAML::Mark(), "more than 200000 values");
        if (anchor != 0) anchors_[anchor] = node;
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
            top.node.entries.emplace_back(std::move(*top.key), std::move(node));
            top.key.reset();
        }
    }

    void take_key(Open& top, Node key) {
        if (key.kind != Node::Kind::scalar) {
            problems_.add(key.mark, "", "a key must be a plain text");
            key.text = "?";
        }
        if (key.text == "<<")
            problems_.add(key.mark, "", "merge keys (<<) are not part of YAML 1.2; write the keys out");
        if (const auto* first = find_key(top.node, key.text)) {
            problems_.add(key.mark, "",
                          "the key \"" + key.text + "\" stands twice in this mapping, first in line " +
                              std::to_string(first->mark.line));
        }
        top.key = std::move(key);
    }

    static const Node* find_key(const Node& map, const std::string& name) {
        for (const auto& [key, value] : map.entries) {
            if (key.text == name) return &key;
        }
        return nullptr;
    }

    const std::string file_;
    Problems& problems_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Node> anchors_;
    std::size_t nodes_ = 0;
};

/// What yaml-cpp cannot say well: bytes that are no text, and tabs. False when parsing makes no sense.
bool look_at_bytes(const std::string& text, const std::string& file, Problems& problems) {
    if (const auto nul = text.find('\0'); nul != std::string::npos) {
        const int line =
            1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n'));
        problems.add({file, line, 1}, "", "a NUL byte: this is no YAML text");
        return false;
    }
    if (!is_utf8(text.data(), text.size())) {
        problems.add({file, 0, 0}, "", "is not UTF-8 text; save it as UTF-8");
        return false;
    }
    std::istringstream lines(text);
    std::string line;
    bool fine = true;
    for (int number = 1; std::getline(lines, line); ++number) {
        const auto first = line.find_first_not_of(' ');
        if (first == std::string::npos || line[first] != '\t') continue;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        problems.add({file, number, static_cast<int>(first) + 1}, "", "a tab cannot indent YAML; use spaces");
        fine = false;
    }
    return fine;
}

class Resolver {
public:
    Resolver(const Environment& environment, Problems& problems) : environment_(environment), problems_(problems) {}

    void walk(Node& node) {
        if (node.kind == Node::Kind::scalar) {
            if (node.secret) {
                resolve_secret(node);
            } else {
                expand(node);
            }
        }
        for (auto& item : node.items)
            walk(item);
        for (auto& [key, value] : node.entries)
            walk(value);
    }

private:
    /// Replaces ${NAME} and ${NAME:-default}; $$ stands for one $.
    void expand(Node& node) {
        std::string out;
        const std::string& text = node.text;
        for (std::size_t i = 0; i < text.size();) {
            if (text.compare(i, 3, "$${") == 0) {
                out += "${";
                i += 3;
                continue;
            }
            if (text.compare(i, 2, "${") != 0) {
                out += text[i++];
                continue;
            }
            const auto end = text.find('}', i);
            if (end == std::string::npos) {
                problems_.add(node.mark, "", "\"${\" without its \"}\"; write $${ for the text itself");
                return;
            }
            out += value_of(text.substr(i + 2, end - i - 2), node.mark);
            i = end + 1;
        }
        node.text = std::move(out);
    }

    std::string value_of(const std::string& inside, const Mark& mark) {
        const auto colon = inside.find(":-");
        const std::string name = inside.substr(0, colon);
        const auto value = environment_(name);
        if (value && (!value->empty() || colon == std::string::npos)) return *value;
        if (colon != std::string::npos) return inside.substr(colon + 2);
        problems_.add(mark, "", "the environment has no " + name + "; set it, or write ${" + name + ":-default}");
        return {};
    }

    void resolve_secret(Node& node) {
        const std::string from = node.text;
        node.text.clear();
        node.plain = false;
        if (from.rfind("env:", 0) == 0) {
            if (const auto value = environment_(from.substr(4))) {
                node.text = *value;
            } else {
                problems_.add(node.mark, "", "!secret: the environment has no " + from.substr(4));
            }
        } else if (from.rfind("file:", 0) == 0) {
            read_secret_file(node, from.substr(5));
        } else {
            problems_.add(node.mark, "", "!secret needs env:NAME or file:PATH");
        }
    }

    void read_secret_file(Node& node, const std::filesystem::path& named) {
        const auto path = std::filesystem::path(node.mark.file).parent_path() / named;
        errno = 0;
        std::ifstream in(path, std::ios::binary);
        std::ostringstream content;
        if (!in || std::filesystem::is_directory(path) || !(content << in.rdbuf())) {
            problems_.add(node.mark, "",
                          "!secret: cannot read " + path.string() + ": " +
                              (errno ? errno_text(errno) : std::string("it is empty or no file")));
            return;
        }
        node.text = content.str();
        if (!node.text.empty() && node.text.back() == '\n') node.text.pop_back();
    }

    const Environment& environment_;
    Problems& problems_;
};

}  // namespace

bool Node::is_null() const {
    return kind == Kind::scalar && plain &&
           (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
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
    if (!look_at_bytes(text, file, problems)) return std::nullopt;
    TreeBuilder builder(file, problems);
    try {
        std::istringstream in(text);
        YAML::Parser parser(in);
        if (!parser.HandleNextDocument(builder)) return Node{};
        TreeBuilder second(file, problems);
        if (parser.HandleNextDocument(second))
            problems.add(second.root ? second.root->mark : Mark{file, 0, 0}, "",
                         "a second document; one file holds one");
    } catch (const YAML::Exception& e) {
        problems.add(mark_of(e.mark, file), "", "is not YAML: " + e.msg);
        return std::nullopt;
    }
    if (!builder.root) return Node{};
    Resolver(environment, problems).walk(*builder.root);
    return std::move(*builder.root);
}

boost::json::value scalar_value(const Node& scalar) {
    const std::string& text = scalar.text;
    if (!scalar.plain) return boost::json::value(text);
    if (scalar.is_null()) return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    const char* const begin = text.data() + (text[0] == '+' ? 1 : 0);
    const char* const end = text.data() + text.size();
    std::int64_t whole = 0;
    if (auto [at, error] = std::from_chars(begin, end, whole); error == std::errc() && at == end) return whole;
    std::uint64_t large = 0;
    if (auto [at, error] = std::from_chars(begin, end, large); error == std::errc() && at == end) return large;
    const std::string_view unsigned_part(*begin == '-' ? begin + 1 : begin, end);
    if (unsigned_part == ".inf" || unsigned_part == ".Inf" || unsigned_part == ".INF")
        return *begin == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    const bool looks_like_float = unsigned_part.find_first_not_of("0123456789.eE+-") == std::string_view::npos &&
                                  unsigned_part.find_first_of(".eE") != std::string_view::npos &&
                                  unsigned_part.find_first_of("0123456789") != std::string_view::npos;
    double number = 0;
    if (looks_like_float) {
        if (auto [at, error] = std::from_chars(begin, end, number); error == std::errc() && at == end) return number;
    }
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
    if (node.secret) component.secrets.push_back(at);
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
