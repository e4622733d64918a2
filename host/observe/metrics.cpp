#include "observe/metrics.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace leat::observe {
namespace {

/// As the text format wants it between quotes.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

/// The shortest text that is read back as the same number, whatever the locale.
std::string number_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 32> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end.ptr};
}

std::string_view next_word(std::string_view& text) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    return word;
}

}  // namespace

void Exposition::add(Metric metric, std::initializer_list<std::string_view> labels, double value) {
    add_text(metric, labels, number_text(value));
}

void Exposition::add(Metric metric, std::initializer_list<std::string_view> labels, std::uint64_t value) {
    add_text(metric, labels, std::to_string(value));
}

void Exposition::add_text(Metric metric, std::initializer_list<std::string_view> labels, const std::string& value) {
    const auto& of = metric_names[metric.index()];
    auto& out = lines_[metric.index()];
    out += of.name;
    auto names = of.labels;
    char before = '{';
    for (const auto label : labels) {
        out += before;
        out += next_word(names);
        out += "=\"" + escaped(label) + '"';
        before = ',';
    }
    if (before == ',') out += '}';
    out += ' ' + value + '\n';
}

std::string Exposition::text() const {
    std::string out;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        if (lines_[i].empty()) continue;
        const auto& of = metric_names[i];
        const std::string name(of.name);
        out += "# HELP " + name + ' ' + std::string(of.help) + '\n';
        out += "# TYPE " + name + (of.type == counter ? " counter\n" : " gauge\n");
        out += lines_[i];
    }
    return out;
}

}  // namespace leat::observe
