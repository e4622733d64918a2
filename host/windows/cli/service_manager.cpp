// Nobody listens: systemd is not here, and leat is no service of Windows.
#include "cli/service_manager.hpp"

namespace leat::cli {

ServiceManager ServiceManager::of_this_process() {
    return {};
}

ServiceManager::ServiceManager(ServiceManager&&) noexcept = default;
ServiceManager::~ServiceManager() = default;
void ServiceManager::ready() {}
void ServiceManager::reloading() {}
void ServiceManager::stopping() {}
void ServiceManager::status(const std::string&) {}
void ServiceManager::keep_alive() {}
void ServiceManager::send(std::string_view) const {}

}  // namespace leat::cli
