#include "base/error.hpp"

namespace leat {
namespace {

class Category final : public std::error_category {
public:
    const char* name() const noexcept override { return "leat"; }
    std::string message(int code) const override {
        switch (static_cast<Errc>(code)) {
            case Errc::configuration:
                return "configuration error";
            case Errc::pipeline_execution:
                return "pipeline execution failed";
            case Errc::cancelled:
                return "cancelled";
            case Errc::worker_pool_exhausted:
                return "worker pool exhausted";
            case Errc::bucket:
                return "bucket failed";
            case Errc::io:
                return "input or output failed";
            case Errc::plugin:
                return "plugin breaks the ABI";
        }
        return "unknown leat error " + std::to_string(code);
    }
};

}  // namespace

const std::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

std::error_code make_error_code(Errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

Error::Error(Errc code, std::string message, Next next)
    : code_(code), next_(next), detail_(std::make_shared<const Detail>(Detail{std::move(message), {}})) {}

std::string Error::text() const {
    std::string out;
    for (const auto& part : detail_->context)
        out += part + ": ";
    return out + detail_->message;
}

Error Error::in(std::string context) const {
    auto detail = std::make_shared<Detail>(*detail_);
    detail->context.insert(detail->context.begin(), std::move(context));
    Error out = *this;
    out.detail_ = std::move(detail);
    return out;
}

std::string errno_text(int error_number) {
    return std::generic_category().message(error_number);
}

}  // namespace leat
