// What the tests of ndjson.so share: the library, files in a directory of their own, and reading results.
#pragma once

#include <leat/testing.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace ndjson_test {

namespace fs = std::filesystem;
using leat::testing::instance;

inline const leat_component& component(std::uint32_t kind) {
    static const leat::testing::library library(LEAT_PLUGIN_FILE);
    const leat_plugin& plugin = library.plugin();
    for (std::uint32_t i = 0; i < plugin.n_components; ++i) {
        if (plugin.components[i]->kind == kind) return *plugin.components[i];
    }
    throw std::invalid_argument("no component of this kind");
}

/// A directory of its own for each test, gone with it.
struct Directory {
    Directory() {
        std::string name = (fs::temp_directory_path() / "ndjson-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path = name;
        start = fs::current_path();
        fs::current_path(path);  // so that messages name files as a user would
    }
    ~Directory() {
        fs::current_path(start);
        fs::remove_all(path);
    }
    fs::path path;
    fs::path start;
};

inline void put(const std::string& name, const std::string& text) {
    std::ofstream(name, std::ios::binary) << text;
}

inline std::string get(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

inline std::string with_path(const std::string& options, const std::string& path = "events.ndjson") {
    return R"({"path": ")" + path + "\"" + (options.empty() ? "" : ", " + options) + "}";
}

inline std::string reasons(const instance& any) {
    std::string out;
    for (const auto& reject : any.rejects)
        out += reject.why + "\n";
    return out;
}

}  // namespace ndjson_test
