// A transform that is a Python class.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "results.hpp"
#include "script.hpp"

namespace python {

class Transform {
public:
    explicit Transform(leat::context& ctx) : script_(ctx, "process", false) {}
    ~Transform();

    void open(leat::context& ctx, std::string_view state);
    const leat_schema* derive(leat::context& ctx, const leat_schema* in);
    void process(leat::context& ctx, leat::batch& lent);
    void flush(leat::context& ctx, bool last);
    std::string save(leat::context& ctx);
    void close(leat::context& ctx);
    void interrupt() noexcept { script_.interrupt(); }

private:
    /// What process gave for a batch. Kept while the host has no memory for it: the class has seen the batch, and must
    /// not see it twice.
    struct Given {
        Object batch, result;
        std::shared_ptr<Rejects> rejects;
    };

    void plan_for(const leat::context& ctx, const leat_schema* in);
    void give(const leat::context& ctx, std::vector<Results::Part>& parts) const;

    Script script_;
    const leat_schema* planned_for_ = nullptr;
    std::shared_ptr<const Columns> in_;
    std::unique_ptr<Results> out_;
    std::optional<Given> given_;
};

}  // namespace python
