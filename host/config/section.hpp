// Reads one mapping of the YAML key by key.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.hpp"
#include "config/problems.hpp"
#include "config/settings.hpp"

namespace leat::config {

/// Every read_ function leaves its target alone when the key is missing, and also when the value is wrong: that is a
/// problem, and a configuration with problems is not run.
class Section {
public:
    /// `node` must outlive the section. A node that is no mapping is a problem; an empty one has no keys.
    Section(const Node& node, std::string path, Problems& problems);

    /// A key that is there: its value, and the name that it was written with.
    struct Found {
        const Node* value = nullptr;
        std::string_view name;
        explicit operator bool() const noexcept { return value != nullptr; }
        const Node* operator->() const noexcept { return value; }
    };

    /// The key is known from now on. `name` must outlive the section.
    Found get(std::string_view name);
    /// The same under either name. Both at once is a problem.
    Found get(std::string_view name, std::string_view alias);

    /// A whole number from `least` to `most`.
    template <class Integer>
    void read_count(const Found& found, Integer& out, std::uint64_t least, std::uint64_t most) {
        std::uint64_t read = out;
        if (count(found, least, most, read)) out = static_cast<Integer>(read);
    }
    /// A size with its unit.
    void read_bytes(const Found& found, std::uint64_t& out, std::uint64_t least, std::uint64_t most);
    /// A duration with its unit.
    void read_duration(const Found& found, std::chrono::nanoseconds& out, std::chrono::nanoseconds least,
                       std::chrono::nanoseconds most);
    /// A rate with its unit, or a list of one of rows and one of bytes.
    void read_rate(const Found& found, RateSettings& out);

    /// Call it last: every key that nobody asked for is a problem.
    void finish();

    bool is_mapping() const { return node_.kind == Node::Kind::map; }
    std::string path_of(std::string_view name) const;
    void problem(const Found& found, std::string message);

private:
    struct Known {
        std::string_view name, alias;
    };
    void read_one_rate(const Node& node, const std::string& path, RateSettings& out);
    bool count(const Found& found, std::uint64_t least, std::uint64_t most, std::uint64_t& out);

    const Node& node_;
    const std::string path_;
    Problems& problems_;
    std::vector<Known> known_;
};

/// `the text "abc"`, `a list`; a secret is never shown.
std::string description(const Node& node);

}  // namespace leat::config
