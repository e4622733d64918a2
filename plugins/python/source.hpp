// A source that is a Python class.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "results.hpp"
#include "script.hpp"

namespace python {

class Source {
public:
    explicit Source(leat::context& ctx) : script_(ctx, "read", true) {}
    ~Source();

    void open(leat::context& ctx, std::string_view resume);
    leat_status read(leat::context& ctx);
    void ack(leat::context& ctx, std::string_view position);
    void close(leat::context& ctx);
    void interrupt() noexcept { script_.interrupt(); }

private:
    /// What read gave, and where it was then. Kept while the host has no memory for it.
    struct Given {
        Object result;
        std::string position;
    };

    std::optional<Object> next(const leat::context& ctx);
    void plan(const leat::context& ctx);
    leat_status read_once(const leat::context& ctx);
    leat_status put_out(const leat::context& ctx);

    Script script_;
    Object items_;  // what read has returned, if it yields
    bool has_position_ = false;
    std::int64_t rows_ = 0;  // given out since the very beginning, for a class without position()
    std::int64_t skip_ = 0;  // rows that were given out before the resume
    std::unique_ptr<Results> out_;
    std::optional<Given> given_;
};

}  // namespace python
