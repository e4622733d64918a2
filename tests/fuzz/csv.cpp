#include "rows_of_files.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr std::array<const char*, 8> choices = {
        "",
        R"x(, "infer": "none")x",
        R"x(, "infer": "all")x",
        R"x(, "header": false, "delimiter": ";")x",
        R"x(, "quote": "", "nulls": ["", "NA"])x",
        R"x(, "header": false, "columns": ["a", "b"], "types": {"a": "int64", "b": "timestamp"})x",
        R"x(, "header": false, "columns": ["a", "b", "c"], "types": {"a": "decimal(12,2)", "b": "json", "c": "binary"})x",
        R"x(, "header": false, "columns": ["a", "b", "c"], "types": {"a": "duration", "b": "timestamptz", "c": "float64"})x",
    };
    return fuzz::run(data, size, choices);
}
