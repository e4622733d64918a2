// The receipts of a state directory: one for each run, also for one that failed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/database.hpp"

namespace leat::delivery {

struct StoredReceipt {
    std::string run;      ///< its name, that of its directory
    std::string started;  ///< RFC 3339, UTC
    std::string json;     ///< as `leat run --json` prints it
    bool damaged = false;
};

/// Every member is safe from any thread.
class ReceiptTable {
public:
    /// All must outlive the table. `mutex` guards the connection.
    static Result<std::unique_ptr<ReceiptTable>> make(Database& database, std::mutex& mutex);

    /// Durable on return. Errors: io.
    Result<> add(const StoredReceipt& receipt);
    /// Hands out the receipts, the newest first, to the end or until `take` returns false. Errors: io.
    Result<> each(const std::function<bool(StoredReceipt receipt)>& take);
    /// Errors: io.
    Result<std::optional<StoredReceipt>> find(std::string_view run);

private:
    ReceiptTable(Database& database, std::mutex& mutex, Statement add, Statement list, Statement find)
        : database_(database), mutex_(mutex), add_(std::move(add)), list_(std::move(list)), find_(std::move(find)) {}

    Database& database_;
    std::mutex& mutex_;
    const Statement add_, list_, find_;
};

}  // namespace leat::delivery
