// Tells those who watch a book when it has grown.
//
//   const BookWatch::Watcher watcher = watch.Watch("main", call.bell());
//   while (true) {
//     …read and send what is new…
//     FLORIN_CO_RETURN_IF_ERROR(co_await call.Wait(absl::Seconds(10)));
//   }
//
// However many watch a book, one coroutine asks for its last sequence (one row) every `poll`, and
// at once after a commit of this process (Wake). It asks the reader that the watchers read from,
// and rings only for what that has come to: a replica may show a commit later than its primary.
// It ends when nobody watches the book any more.
//
// Thread-safe. Watchers may outlive the BookWatch; destroy it after the Runtime has stopped.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "libs/async/bell.h"
#include "libs/async/task.h"
#include "services/ledger/store/book_reader.h"

namespace florin::ledger {

class BookWatch {
 private:
  struct State;

 public:
  // `reader` is not owned and outlives the Runtime's threads.
  BookWatch(Executor executor, BookReader& reader, absl::Duration poll = absl::Milliseconds(20));

  // Somebody's place: its bell rings until it is destroyed.
  class Watcher {
   public:
    Watcher(std::shared_ptr<State> state, std::string book, int key);
    Watcher(Watcher&&) = default;
    ~Watcher();

   private:
    std::shared_ptr<State> state_;
    std::string book_;
    int key_;
  };

  // Rings `bell` whenever the book has grown from now on, and maybe once without cause. Make it
  // before the first read, so that nothing falls between the two. The book should exist: one that
  // does not is asked for again and again.
  [[nodiscard]] Watcher Watch(const std::string& book, std::shared_ptr<async::Bell> bell);

  // This process has committed something to the book.
  void Wake(const std::string& book);

 private:
  static Task<void> Poll(std::shared_ptr<State> state, std::string book,
                         std::shared_ptr<async::Bell> wake);

  std::shared_ptr<State> state_;
};

}  // namespace florin::ledger
