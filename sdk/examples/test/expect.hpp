// expect.hpp: what the tests of the examples share.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <leat/testing.hpp>
#include <string>

inline void expect(bool holds, const std::string& what, const std::string& seen = {}) {
    if (holds) return;
    std::fprintf(stderr, "FAILED: %s%s%s\n", what.c_str(), seen.empty() ? "" : "; seen: ", seen.c_str());
    std::exit(1);
}
inline void expect_same(const std::string& seen, const std::string& due, const std::string& what) {
    expect(seen == due, what + "; due: " + due, seen);
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}
inline void write_file(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// A directory of its own, for the time of a test; the test works in it.
class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "leat-example-XXXXXX").string();
        expect(::mkdtemp(name.data()) != nullptr, "a temporary directory is made");
        path_ = name;
        before_ = std::filesystem::current_path();
        std::filesystem::current_path(path_);
    }
    ~scratch() {
        std::filesystem::current_path(before_);
        std::filesystem::remove_all(path_);
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

private:
    std::filesystem::path path_, before_;
};
