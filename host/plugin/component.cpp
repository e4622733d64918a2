#include "plugin/component.hpp"

namespace leat::plugin {

std::string_view kind_name(Kind kind) noexcept {
    switch (kind) {
        case Kind::runner:
            return "runner";
        case Kind::source:
            return "source";
        case Kind::transform:
            return "transform";
        case Kind::sink:
            return "sink";
        case Kind::pipeline:
            return "pipeline";
    }
    return "component";
}

std::string Component::name() const {
    return std::string(kind_name(kind)) + " \"" + id + "\"";
}

}  // namespace leat::plugin
