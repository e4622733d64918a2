// The test of @name@: what goes from the source of the pipeline into its sink.
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

    leat::testing::instance sum(component, R"({"count": 5})");
    expect(sum.read_all() == LEAT_END, "the source ends");
    expect(sum.text() == "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n", "it counts from 0");
    leat::batch rows = std::move(sum.emitted[0].rows);
    expect(sum.load({&rows, &rows}) == LEAT_OK, "the sink takes a bucket");
    expect(sum.post_process(LEAT_OK) == LEAT_OK, "the run ends");
    expect(sum.logs.size() == 1 && sum.logs[0].text == "added up sum=20", "it has added up both batches");
    rows.reset();
    expect(sum.finish() == "", "it leaks nothing, and keeps the rules");

    leat::testing::instance rest(component, R"({"count": 5})");
    expect(rest.open("3") == LEAT_OK && rest.read_all() == LEAT_END, "the source opens with a position");
    expect(rest.text() == "{\"n\":3}\n{\"n\":4}\n", "it goes on behind the position");
    std::puts("passed");
}
