// The test of @name@: what the source gives, and that it goes on where it was.
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

    leat::testing::instance count(component, R"({"count": 3})");
    expect(count.read_all() == LEAT_END, "it ends");
    expect(count.text() == "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n", "it counts from 0");
    expect(count.finish() == "", "it leaks nothing, and keeps the rules");

    leat::testing::instance first(component, R"({"count": 2500})");
    expect(first.read() == LEAT_OK, "a read gives a part");
    const std::string position = first.emitted.back().position;
    const auto so_far = first.rows();
    leat::testing::instance second(component, R"({"count": 2500})");
    expect(second.open(position) == LEAT_OK && second.read_all() == LEAT_END, "it opens with a position");
    expect(so_far + second.rows() == 2500, "it goes on behind the position");
    expect(second.text().rfind("{\"n\":" + std::to_string(so_far) + "}\n", 0) == 0, "the next row is the first");

    leat::testing::instance other(component);
    expect(other.open("elsewhere") == LEAT_ERR_CONFIG, "a position that is not its own is refused");
    std::puts("passed");
}
