#include "services/ledger/flow/book_watch.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "libs/telemetry/metrics.h"

namespace florin::ledger {
namespace {

// Between polls while they fail; pauses double up to it.
constexpr absl::Duration kLongestPause = absl::Seconds(1);

}  // namespace

struct BookWatch::State {
  State(Executor on, BookReader& from, absl::Duration every)
      : executor(on), reader(from), poll(every) {}

  struct Book {
    std::map<int, std::shared_ptr<async::Bell>> watchers;
    std::shared_ptr<async::Bell> wake = std::make_shared<async::Bell>();  // Of the poller.
    std::int64_t last_sequence = -1;  // That the watchers were told of.
  };

  // Whether anybody watches the book; if not, it is forgotten, and its poller must end.
  bool IsWatched(const std::string& name) {
    std::lock_guard lock(mutex);
    const auto book = books.find(name);
    if (!book->second.watchers.empty()) return true;
    books.erase(book);
    return false;
  }

  void Tell(const std::string& name, std::int64_t last_sequence) {
    std::lock_guard lock(mutex);
    Book& book = books.at(name);
    if (last_sequence <= book.last_sequence) return;
    book.last_sequence = last_sequence;
    for (const auto& [key, bell] : book.watchers) bell->Ring();
  }

  void Leave(const std::string& name, int key) {
    std::lock_guard lock(mutex);
    Book& book = books.at(name);
    book.watchers.erase(key);
    if (book.watchers.empty()) book.wake->Ring();
  }

  const Executor executor;
  BookReader& reader;
  const absl::Duration poll;
  std::mutex mutex;
  std::map<std::string, Book> books;  // Guarded by mutex. Each has a poller.
  int next_key = 0;                   // Guarded by mutex.
};

BookWatch::BookWatch(Executor executor, BookReader& reader, absl::Duration poll)
    : state_(std::make_shared<State>(executor, reader, poll)) {}

BookWatch::Watcher::Watcher(std::shared_ptr<State> state, std::string book, int key)
    : state_(std::move(state)), book_(std::move(book)), key_(key) {}

BookWatch::Watcher::~Watcher() {
  if (state_ != nullptr) state_->Leave(book_, key_);
}

BookWatch::Watcher BookWatch::Watch(const std::string& book, std::shared_ptr<async::Bell> bell) {
  std::shared_ptr<async::Bell> poller;  // To be started.
  int key = 0;
  {
    std::lock_guard lock(state_->mutex);
    const auto [place, is_new] = state_->books.try_emplace(book);
    key = state_->next_key++;
    place->second.watchers.emplace(key, std::move(bell));
    if (is_new) poller = place->second.wake;
  }
  if (poller != nullptr) {
    asio::co_spawn(state_->executor, Poll(state_, book, std::move(poller)), asio::detached);
  }
  return Watcher(state_, book, key);
}

void BookWatch::Wake(const std::string& book) {
  std::lock_guard lock(state_->mutex);
  const auto watched = state_->books.find(book);
  if (watched != state_->books.end()) watched->second.wake->Ring();
}

Task<void> BookWatch::Poll(std::shared_ptr<State> state, std::string book,
                           std::shared_ptr<async::Bell> wake) {
  absl::Duration pause = state->poll;
  while (state->IsWatched(book)) {
    const absl::StatusOr<std::int64_t> last = co_await state->reader.LastSequence(book);
    if (last.ok()) {
      state->Tell(book, *last);
      pause = state->poll;
    } else {
      telemetry::Count("florin_ledger_watch_polls_failed_total");
      pause = std::min(pause * 2, kLongestPause);
    }
    co_await wake->Wait(pause);
  }
}

}  // namespace florin::ledger
