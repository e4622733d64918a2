#include "rows_of_files.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr std::array<const char*, 6> choices = {
        "",
        R"x(, "infer": "all")x",
        R"x(, "nested": "text")x",
        R"x(, "infer": "all", "nested": "text")x",
        R"x(, "infer": "none", "types": {"a": "int64", "b": "timestamp", "c": "decimal(12,2)", "d": "json"})x",
        R"x(, "infer": "none", "types": {"a": "duration", "b": "timestamptz", "c": "float32", "d": "binary"})x",
    };
    return fuzz::run(data, size, choices);
}
