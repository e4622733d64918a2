// What the tests of the plugins for files share: the library, files in a directory of their own, and reading results.
#pragma once

#include <leat/testing.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace file_test {

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
        std::string name = (fs::temp_directory_path() / "leat-files-XXXXXX").string();
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

/// A user who may not read or write what others have closed to him, also when the test runs as root.
struct AsNobody {
    AsNobody() {
        fs::permissions(".", fs::perms{0755});
        if (before == 0 && ::seteuid(65534) != 0) throw std::runtime_error("seteuid");
    }
    ~AsNobody() {
        if (::seteuid(before) != 0) std::abort();
    }
    uid_t before = ::geteuid();
};

/// Stands for the end of a disk: both end in a short write and then an error. SIGXFSZ, which would end the process, is
/// left as it is.
struct FileSizeLimit {
    explicit FileSizeLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before);
        const rlimit limit{bytes, before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before); }
    rlimit before{};
};

/// Standard input, for as long as this lives.
struct StandardInput {
    explicit StandardInput(int fd) : before(::dup(STDIN_FILENO)) { ::dup2(fd, STDIN_FILENO); }
    ~StandardInput() {
        ::dup2(before, STDIN_FILENO);
        ::close(before);
    }
    int before;
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

/// What `tool` (gzip or zstd) makes of `text`.
inline std::string packed(const std::string& tool, const std::string& text) {
    put("plain", text);
    if (std::system((tool + " -c plain > packed").c_str()) != 0) throw std::runtime_error(tool);
    std::string out = get("packed");
    fs::remove("plain");
    fs::remove("packed");
    return out;
}

/// Options as JSON, with the path in front.
inline std::string options(const std::string& path, const std::string& more = "") {
    return R"({"path": ")" + path + "\"" + (more.empty() ? "" : ", " + more) + "}";
}

inline leat_bucket bucket_number(std::uint64_t id) {
    leat_bucket bucket{};
    bucket.struct_size = sizeof bucket;
    bucket.attempt = 1;
    bucket.id = id;
    bucket.lane = "test/sink";
    return bucket;
}

inline std::string reasons(const instance& any) {
    std::string out;
    for (const auto& reject : any.rejects)
        out += reject.why + "\n";
    return out;
}

}  // namespace file_test
