#include "delivery/receipt_table.hpp"

#include "delivery/bytes.hpp"

namespace leat::delivery {
namespace {

std::uint64_t checksum_of(const StoredReceipt& receipt) {
    std::string bytes;
    append_text(bytes, receipt.run);
    append_text(bytes, receipt.started);
    append_text(bytes, receipt.json);
    return checksum(bytes);
}

StoredReceipt receipt_of(const Statement& row) {
    StoredReceipt out{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))};
    out.damaged = row.number(3) != checksum_of(out);
    return out;
}

}  // namespace

Result<std::unique_ptr<ReceiptTable>> ReceiptTable::make(Database& database, std::mutex& mutex) {
    const std::string select = "SELECT run, started, json, checksum FROM receipts ";
    BOOST_OUTCOME_TRY(auto add,
                      database.prepare("INSERT INTO receipts (run, started, json, checksum) VALUES (?1, ?2, ?3, ?4)"));
    BOOST_OUTCOME_TRY(auto list, database.prepare(select + "ORDER BY id DESC"));
    BOOST_OUTCOME_TRY(auto find, database.prepare(select + "WHERE run = ?1"));
    return std::unique_ptr<ReceiptTable>(
        new ReceiptTable(database, mutex, std::move(add), std::move(list), std::move(find)));
}

Result<> ReceiptTable::add(const StoredReceipt& receipt) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRYV(database_.set_durable(true));
    const Statement::Use use(add_);
    add_.bind_text(1, receipt.run);
    add_.bind_text(2, receipt.started);
    add_.bind_text(3, receipt.json);
    add_.bind(4, checksum_of(receipt));
    return add_.run();
}

Result<> ReceiptTable::each(const std::function<bool(StoredReceipt)>& take) {
    const std::lock_guard lock(mutex_);
    const Statement::Use use(list_);
    for (;;) {
        BOOST_OUTCOME_TRY(const bool row, list_.step());
        if (!row || !take(receipt_of(list_))) return done();
    }
}

Result<std::optional<StoredReceipt>> ReceiptTable::find(std::string_view run) {
    const std::lock_guard lock(mutex_);
    const Statement::Use use(find_);
    find_.bind_text(1, run);
    BOOST_OUTCOME_TRY(const bool row, find_.step());
    if (!row) return std::optional<StoredReceipt>();
    return std::optional(receipt_of(find_));
}

}  // namespace leat::delivery
