#include "config/resolve.hpp"

#include <algorithm>
#include <filesystem>

#include "base/result.hpp"
#include "base/utf8.hpp"
#include "config/text_file.hpp"
#include "config/wording.hpp"

namespace leat::config {
namespace {

constexpr std::size_t largest_secret = 1u << 20;

bool is_variable(std::string_view name) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !name.empty() && is_letter(name[0]) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

class Resolver {
public:
    Resolver(const Environment& environment, Problems& problems) : environment_(environment), problems_(problems) {}

    void walk(Node& node, const std::string& path) {
        if (node.kind == Node::Kind::scalar) {
            if (expand(node, path) && node.secret) read_secret(node, path);
        }
        for (std::size_t i = 0; i < node.items.size(); ++i)
            walk(node.items[i], path + '[' + std::to_string(i) + ']');
        for (auto& [key, value] : node.entries)
            walk(value, below(path, key.text));
    }

private:
    bool expand(Node& node, const std::string& path) {
        std::string out;
        const std::string& text = node.text;
        const auto problem = [&](std::string message) {
            problems_.add(node.mark, path, std::move(message));
            node.wrong = true;
            return false;
        };
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
            if (end == std::string::npos) return problem("has ${ without its }; write $${ for the text ${ itself");
            const std::string inside = text.substr(i + 2, end - i - 2);
            const auto colon = inside.find(":-");
            const std::string name = inside.substr(0, colon);
            if (!is_variable(name)) {
                return problem(in_quotes("${" + inside + '}') +
                               " names no variable; write ${NAME} or ${NAME:-default}, or $${ for the text ${ itself");
            }
            if (inside.find("${") != std::string::npos)
                return problem("the default of ${" + name + "} holds another ${; write one that does not");
            const auto found = environment_(name);
            const bool has_default = colon != std::string::npos;
            if (!found && !has_default) {
                return problem("the environment has no " + name + "; set it, or write a default, as in ${" + name +
                               ":-default}");
            }
            const bool takes_default = has_default && (!found || found->empty());
            const std::string value = takes_default ? inside.substr(colon + 2) : *found;
            node.variables.push_back({name, !takes_default});
            if (!is_utf8(value.data(), value.size()))
                return problem("what the environment has as " + name + " is not UTF-8");
            out += value;
            i = end + 1;
        }
        node.text = std::move(out);
        return true;
    }

    void read_secret(Node& node, const std::string& path) {
        const auto from = std::exchange(node.text, {});
        const auto problem = [&](const std::string& message) {
            problems_.add(node.mark, path, "!secret: " + message);
            node.wrong = true;
        };
        std::string value;
        if (from.rfind("env:", 0) == 0) {
            const auto found = environment_.take_secret(from.substr(4));
            if (!found) return problem("the environment has no " + from.substr(4) + "; set it");
            value = *found;
        } else if (const auto file = file_of(from, node)) {
            if (!*file) return problem(file->error().message());
            auto content = read_text_file(file->value(), largest_secret);
            if (!content) return problem(file->value().string() + ' ' + content.error().message());
            value = std::move(content).value();
            if (!value.empty() && value.back() == '\n') value.pop_back();
            if (!value.empty() && value.back() == '\r') value.pop_back();
        } else {
            // What stands there may be the secret itself: it is not shown.
            return problem("must be file:PATH, credential:NAME or env:NAME");
        }
        if (value.empty()) return problem(from + " is empty");
        if (!is_utf8(value.data(), value.size()) || value.find('\0') != std::string::npos)
            return problem(from + " holds bytes that are no text in UTF-8");
        node.text = std::move(value);
    }

    /// The file that file: or credential: names; empty: neither of them stands there.
    std::optional<Result<std::filesystem::path>> file_of(const std::string& from, const Node& node) const {
        if (from.starts_with("file:"))
            return (std::filesystem::path(node.mark.file).parent_path() / from.substr(5)).make_preferred();
        constexpr std::string_view credential = "credential:";
        if (!from.starts_with(credential)) return std::nullopt;
        const auto name = from.substr(credential.size());
        // As systemd has them: no credential lies in a folder.
        if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
            return Error(Errc::configuration, "credential: stands before a name without /, as in credential:shop");
        const auto directory = environment_("CREDENTIALS_DIRECTORY");
        if (!directory || directory->empty()) {
            return Error(Errc::configuration,
                         "there are no credentials here: the environment has no "
                         "CREDENTIALS_DIRECTORY; let systemd bring it, with LoadCredential=" +
                             name + ":/etc/leat/" + name + " in the unit, or write file:PATH");
        }
        return std::filesystem::path(*directory) / name;
    }

    const Environment& environment_;
    Problems& problems_;
};

}  // namespace

void resolve(Node& root, const Environment& environment, Problems& problems) {
    Resolver(environment, problems).walk(root, "");
}

}  // namespace leat::config
