#include "plugin/component.hpp"

#include "plugin/library.hpp"

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

std::string_view Component::plugin_id() const noexcept {
    return library ? std::string_view(library->id()) : "leat";
}

std::string_view Component::plugin_version() const noexcept {
    return library ? std::string_view(library->version()) : LEAT_VERSION;
}

std::string Component::name() const {
    return std::string(kind_name(kind)) + " \"" + id + "\"";
}

}  // namespace leat::plugin
