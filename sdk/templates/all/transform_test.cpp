// The test of @name@: which rows the transform keeps.
#include <cstdio>
#include <cstdlib>
#include <leat/testing.hpp>

static void expect(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "FAILED: %s\n", what);
    std::exit(1);
}

int main() {
    const leat::testing::library file("./@name@.so");
    const leat_component& component = file.component("@component@");
    leat::testing::host h;
    leat::batch in = h.batch_of({{"n", leat::i64}, {"s", leat::utf8}},
                                R"([[1, "a"], [5, "b"], [6, null], [null, "d"], [4, "e"], [7, "f"]])");

    leat::testing::instance some(component, R"({"column": "n", "min": 5})");
    expect(some.process(in) == LEAT_OK, "it takes the batch");
    expect(some.text() == "{\"n\":5,\"s\":\"b\"}\n{\"n\":6,\"s\":null}\n{\"n\":7,\"s\":\"f\"}\n",
           "it keeps 5 and more");
    expect(some.finish() == "", "it leaks nothing, and keeps the rules");

    leat::testing::instance none(component, R"({"column": "n", "min": 8})");
    expect(none.process(in) == LEAT_OK && none.rows() == 0, "it keeps nothing where nothing is large enough");

    leat::testing::instance wrong(component, R"({"column": "s", "min": 1})");
    expect(wrong.process(in) == LEAT_ERR_CONFIG, "a column of text is refused");
    expect(wrong.failure() == "there is no int64 column \"s\": set `column`", "it says what to do");
    std::puts("passed");
}
