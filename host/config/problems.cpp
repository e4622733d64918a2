#include "config/problems.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace leat::config {

std::string Mark::text() const {
    if (line == 0) return file;
    return file + ':' + std::to_string(line) + ':' + std::to_string(column);
}

std::string Problem::text() const {
    std::string out = where.text();
    if (!out.empty()) out += ": ";
    if (!path.empty()) out += path + ": ";
    return out + message;
}

void Problems::add(Mark where, std::string path, std::string message, Errc code) {
    problems_.push_back({std::move(where), std::move(path), std::move(message), code});
}

std::vector<Problem> Problems::sorted() const {
    auto out = problems_;
    const auto key = [](const Problem& of) {
        return std::tie(of.where.file, of.where.line, of.where.column, of.path, of.message);
    };
    std::sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    out.erase(std::unique(out.begin(), out.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); }),
              out.end());
    return out;
}

Error Problems::to_error() const {
    std::string text;
    bool all_of_plugins = !empty();
    for (const auto& problem : sorted()) {
        text += (text.empty() ? "" : "\n") + problem.text();
        all_of_plugins = all_of_plugins && problem.code == Errc::plugin;
    }
    return Error(all_of_plugins ? Errc::plugin : Errc::configuration, std::move(text));
}

}  // namespace leat::config
