// Runs of one pipeline, one after the other.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "delivery/state_store.hpp"
#include "lab.hpp"

namespace leat::test {

/// A folder and a state directory that several runs share.
class Runs {
public:
    using Configure = std::function<void(Lab&)>;

    runtime::PipelineReceipt run(const Configure& configure, const std::function<void(Lab&)>& meanwhile = {}) {
        const SystemClock clock;
        auto opened = delivery::StateStore::open(folder->path() / "state", clock);
        BOOST_REQUIRE_MESSAGE(opened, (opened.has_error() ? opened.error().text() : std::string()));
        Lab lab(folder);
        lab.state = opened.value().get();
        lab.fresh = std::exchange(fresh, false);
        configure(lab);
        const auto receipt = lab.run_one_while([&] {
            if (meanwhile) meanwhile(lab);
        });
        BOOST_TEST(receipt.balanced, receipt.imbalance);
        warnings = lab.log.text();
        return receipt;
    }

    std::vector<std::int64_t> written() const {
        std::vector<std::int64_t> out;
        for (const auto& line : lines_of(*folder / "out"))
            out.push_back(std::stoll(line));
        return out;
    }

    const std::shared_ptr<const Folder> folder = std::make_shared<const Folder>();
    bool fresh = false;  // of the next run
    std::string warnings;
};

}  // namespace leat::test
