// What the tests of configurations share: texts in, problems as text out.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>

#include "config/load.hpp"
#include "config/problems.hpp"

namespace leat::config::testing {

using Variables = std::map<std::string, std::string>;

inline Environment environment(Variables variables) {
    return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
}

/// One problem a line; empty when there is none.
inline std::string text_of(const Problems& problems) {
    return problems.empty() ? std::string() : problems.to_error().message();
}

/// What is wrong with a configuration called leat.yaml.
inline std::string problems_of(const std::string& yaml, const Variables& variables = {}) {
    Problems problems;
    load_text(yaml, "leat.yaml", environment(variables), problems);
    return text_of(problems);
}

/// The settings of a configuration without problems.
inline Settings settings_of(const std::string& yaml, const Variables& variables = {}) {
    Problems problems;
    auto settings = load_text(yaml, "leat.yaml", environment(variables), problems);
    BOOST_TEST_REQUIRE(text_of(problems) == "");
    BOOST_REQUIRE(settings);
    return std::move(*settings);
}

/// A configuration that is complete but for `more`, which begins in line 4.
inline std::string complete_with(const std::string& more) {
    return "version: 1\npipelines:\n  p: {extract: generate, load: stdout}\n" + more;
}

/// A pipeline called p with these keys, which begin in line 4; each line is to be indented by four spaces.
inline std::string pipeline_with(const std::string& keys) {
    return "version: 1\npipelines:\n  p:\n" + keys;
}

/// A folder of its own, removed at the end.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "leat-config-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

    std::filesystem::path write(const std::string& name, const std::string& content) const {
        const auto file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << content;
        return file;
    }

    /// What is wrong with a file in it, with the folder left out of the text.
    std::string problems_of(const std::string& name, const Variables& variables = {}) const {
        Problems problems;
        load((path_ / name).make_preferred(), environment(variables), problems);
        return without_folder(text_of(problems));
    }

    Settings settings_of(const std::string& name, const Variables& variables = {}) const {
        Problems problems;
        auto settings = load((path_ / name).make_preferred(), environment(variables), problems);
        BOOST_TEST_REQUIRE(text_of(problems) == "");
        BOOST_REQUIRE(settings);
        return std::move(*settings);
    }

    /// What is left of a path behind the folder comes with `/`, whatever the system writes; what is mixed stays wrong.
    std::string without_folder(std::string text) const {
        constexpr auto separator = static_cast<char>(std::filesystem::path::preferred_separator);
        const std::string folder = path_.string() + separator;
        for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
            text.erase(at, folder.size());
            const auto end = std::min(text.find_first_of(":\" \n", at), text.size());
            for (; separator != '/' && at < end; ++at) {
                if (text[at] == separator || text[at] == '/') text[at] = text[at] == '/' ? separator : '/';
            }
        }
        return text;
    }

private:
    std::filesystem::path path_;
};

}  // namespace leat::config::testing
