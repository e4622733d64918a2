// Files that a test makes: folders of its own, copies of fixtures, and copies that were tampered with.
#pragma once

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "plugin/places.hpp"

namespace leat::test {

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "leat-test-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()));
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// The library of a fixture, as built.
inline std::filesystem::path fixture(const std::string& name) {
    return std::filesystem::path(LEAT_FIXTURES) / name / (name + plugin::library_ending);
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    BOOST_REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::filesystem::path write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream out(path, std::ios::binary);
    out << bytes;
    BOOST_REQUIRE(out.flush());
    return path;
}

}  // namespace leat::test
