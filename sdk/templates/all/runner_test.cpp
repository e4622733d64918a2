// The test of @name@: the steps of the runner, from the first one and from a checkpoint, and that it stops.
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

    leat::testing::instance steps(component, R"({"steps": 3, "pause_ms": 0})");
    expect(steps.run() == LEAT_OK, "it runs to its end");
    expect(steps.logs.size() == 3 && steps.logs[2].text == "did a step step=3", "it does three steps");
    expect(steps.checkpoints.size() == 3, "it stores a checkpoint behind each");

    leat::testing::instance again(component, R"({"steps": 3, "pause_ms": 0})");
    expect(again.run(0, steps.checkpoints[1]) == LEAT_OK, "it runs from a checkpoint");
    expect(again.logs.size() == 1 && again.logs[0].text == "did a step step=3", "it does what is left");
    expect(again.finish() == "" && steps.finish() == "", "it leaks nothing, and keeps the rules");

    leat::testing::instance stopped(component, R"({"steps": 3, "pause_ms": 60000})");
    stopped.stop(LEAT_STOP);
    expect(stopped.run() == LEAT_ERR_CANCELLED, "it stops when it is asked to");
    std::puts("passed");
}
