// A source of files with any file: rows that are legal Arrow and rejects, nothing left over, and the same again.
#pragma once

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <leat/testing.hpp>

#include "input.hpp"

namespace fuzz {

struct Read {
    leat_status status = LEAT_OK;
    std::string text;
    std::size_t rejects = 0;
};

inline Read read_file(const leat_component& component, const std::string& options) {
    leat::testing::instance source(component, options);
    Read out;
    out.status = source.created() < 0 ? source.created() : source.read_all();
    if (out.status < 0) require(!source.failure().empty(), "an error has no text");
    out.text = source.text();
    out.rejects = source.rejects.size();
    const std::string wrong = source.finish();
    if (!wrong.empty()) std::fprintf(stderr, "%s\n", wrong.c_str());
    require(wrong.empty(), "something was leaked or done against the rules");
    return out;
}

/// The first byte chooses the options, the others are the file.
template <std::size_t N>
int run(const std::uint8_t* data, std::size_t size, const std::array<const char*, N>& choices) {
    static const std::string path = [] {
        std::string name = (std::filesystem::temp_directory_path() / "leat-fuzz-XXXXXX").string();
        const int file = ::mkstemp(name.data());
        if (file < 0) std::abort();
        ::close(file);
        static const struct Remove {
            std::string name;
            ~Remove() { std::filesystem::remove(name); }
        } remove{name};
        return name;
    }();
    Input in(data, size);
    const std::string options = R"({"path": ")" + path + "\"" + choices[in.below(N)] + "}";
    {
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        const auto bytes = in.rest();
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    const leat_plugin& plugin = *leat_plugin_v1();
    for (std::uint32_t i = 0; i < plugin.n_components; ++i) {
        if (plugin.components[i]->kind != LEAT_SOURCE) continue;
        const auto read = read_file(*plugin.components[i], options);
        if (size % 4 != 0) continue;  // twice takes twice as long
        const auto again = read_file(*plugin.components[i], options);
        require(read.status == again.status && read.text == again.text && read.rejects == again.rejects,
                "the same file gave other rows");
    }
    return 0;
}

}  // namespace fuzz
