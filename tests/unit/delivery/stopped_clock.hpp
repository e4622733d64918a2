#pragma once

#include <chrono>

#include "base/clock.hpp"

/// Shows 2023-11-14T22:13:20Z, and so many seconds more.
class StoppedClock final : public leat::Clock {
public:
    Steady now() const override { return {}; }
    Wall wall() const override { return Wall(std::chrono::seconds(1'700'000'000 + later) + fraction); }
    int later = 0;
    std::chrono::milliseconds fraction{0};
};
