// The test of @name@: what the sink writes, and what an abort takes back.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <leat/testing.hpp>

static void expect(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "FAILED: %s\n", what);
    std::exit(1);
}

static std::string text_of(const char* path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

int main() {
    const leat::testing::library file("./@name@.so");
    const leat_component& component = file.component("@component@");
    std::remove("test-out.txt");
    leat::testing::host h;
    leat::batch in = h.batch_of({{"n", leat::i64}, {"s", leat::utf8}}, R"([[1, "a"], [null, "b"], [-3, "c"]])");

    leat::testing::instance lines(component, R"({"path": "test-out.txt", "column": "n"})");
    expect(lines.load({&in, &in}) == LEAT_OK, "it takes a bucket");
    expect(text_of("test-out.txt") == "1\nnull\n-3\n1\nnull\n-3\n", "it writes a line for each row");

    leat_bucket bucket{};
    bucket.struct_size = sizeof bucket;
    bucket.attempt = 1;
    bucket.id = 2;
    bucket.lane = "test/sink";
    expect(lines.begin(bucket) == LEAT_OK && lines.write(in) == LEAT_OK, "it takes another bucket");
    lines.abort(bucket);
    expect(text_of("test-out.txt") == "1\nnull\n-3\n1\nnull\n-3\n", "an abort leaves nothing");
    expect(lines.finish() == "", "it leaks nothing, and keeps the rules");

    leat::testing::instance wrong(component, R"({"path": "test-out.txt", "column": "s"})");
    expect(wrong.load(in) == LEAT_ERR_CONFIG, "a column of text is refused");
    expect(wrong.failure() == "there is no int64 column \"s\": set `column`", "it says what to do");

    leat::testing::instance nowhere(component, R"({"path": "no-such-folder/out.txt"})");
    expect(nowhere.open() == LEAT_ERR_CONFIG, "a file that cannot be opened is refused");
    expect(nowhere.failure().rfind("cannot open no-such-folder/out.txt: ", 0) == 0, "it says which");
    std::remove("test-out.txt");
    std::puts("passed");
}
