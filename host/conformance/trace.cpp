#include "conformance/trace.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace leat::conformance {

struct Trace::Page {
    std::array<char, 64> entry;
    std::array<char, 256> note;
    std::array<char, 16384> text;
    std::atomic<std::uint32_t> inside;
    std::atomic<Verdict::Kind> kind;
    std::atomic<std::uint64_t> progress;
};

namespace {

template <class Place>
void put(Place& place, std::string_view text) {
    const auto size = std::min(text.size(), place.size() - 1);
    std::memcpy(place.data(), text.data(), size);
    place[size] = '\0';
}

/// The child may have died while it wrote.
template <class Place>
std::string get(const Place& place) {
    return {place.data(), ::strnlen(place.data(), place.size())};
}

}  // namespace

Result<Trace> Trace::map(int descriptor) {
    void* const at = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (at == MAP_FAILED) {
        const auto why = errno;
        ::close(descriptor);
        return Error(Errc::io, "cannot share memory with the process of a test: " + errno_text(why));
    }
    return Trace(descriptor, static_cast<Page*>(at));
}

Result<Trace> Trace::make() {
    const int descriptor = ::memfd_create("leat-test", MFD_CLOEXEC);
    if (descriptor < 0) return Error(Errc::io, "cannot share memory with the process of a test: " + errno_text(errno));
    if (::ftruncate(descriptor, sizeof(Page)) != 0) {
        const auto why = errno;
        ::close(descriptor);
        return Error(Errc::io, "cannot share memory with the process of a test: " + errno_text(why));
    }
    return map(descriptor);
}

Result<Trace> Trace::inherit() {
    return map(child_end);
}

Trace::Trace(Trace&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), page_(std::exchange(other.page_, nullptr)) {}

Trace& Trace::operator=(Trace&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(page_, other.page_);
    return *this;
}

Trace::~Trace() {
    if (page_) ::munmap(page_, sizeof(Page));
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Trace::enter(std::string_view entry) {
    put(page_->entry, entry);
    page_->inside.store(1, std::memory_order_release);
}
void Trace::leave() {
    page_->inside.store(0, std::memory_order_release);
}
void Trace::note(std::string_view what) {
    put(page_->note, what);
}
void Trace::set_progress(std::uint64_t progress) {
    page_->progress.store(progress, std::memory_order_release);
}
void Trace::conclude(const Verdict& verdict) {
    put(page_->text, verdict.text);
    page_->kind.store(verdict.kind, std::memory_order_release);
}

std::string Trace::entry() const {
    return get(page_->entry);
}
bool Trace::is_inside() const noexcept {
    return page_->inside.load(std::memory_order_acquire) != 0;
}
std::string Trace::noted() const {
    return get(page_->note);
}
std::uint64_t Trace::progress() const noexcept {
    return page_->progress.load(std::memory_order_acquire);
}
Verdict Trace::verdict() const {
    return {page_->kind.load(std::memory_order_acquire), get(page_->text)};
}

}  // namespace leat::conformance
