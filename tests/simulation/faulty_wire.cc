#include "tests/simulation/faulty_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/status/check.h"

namespace florin::simulation {
namespace {

// ---- Octets

bool Receive(int socket, std::size_t size, std::string& bytes) {
  const std::size_t begin = bytes.size();
  bytes.resize(begin + size);
  for (std::size_t got = 0; got < size;) {
    const ssize_t count = recv(socket, bytes.data() + begin + got, size - got, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    got += static_cast<std::size_t>(count);
  }
  return true;
}

bool Send(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::uint32_t ReadNumber(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char octet : bytes.substr(0, 4))
    number = number << 8 | static_cast<unsigned char>(octet);
  return number;
}

std::string WriteNumber(std::size_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

// ---- Messages: a letter, the length of what follows (its own four octets included), the body

struct Message {
  std::string bytes;
  char letter() const { return bytes[0]; }
  std::string_view body() const { return std::string_view(bytes).substr(5); }
};

std::string MessageOf(char letter, std::string_view body) {
  std::string bytes(1, letter);
  bytes += WriteNumber(body.size() + 4);
  bytes += body;
  return bytes;
}

std::optional<Message> ReadMessage(int socket) {
  Message message;
  if (!Receive(socket, 5, message.bytes)) return std::nullopt;
  const std::uint32_t length = ReadNumber(std::string_view(message.bytes).substr(1));
  if (length < 4 || !Receive(socket, length - 4, message.bytes)) return std::nullopt;
  return message;
}

// ErrorResponse and ReadyForQuery.
std::string ErrorAnswer(std::string_view sqlstate, char transaction_status) {
  std::string fields;
  for (const std::string_view field : {std::string_view("SERROR"), std::string_view("VERROR")}) {
    fields.append(field).append(1, '\0');
  }
  fields.append("C").append(sqlstate).append(1, '\0');
  fields.append("Mby the faulty wire").append(2, '\0');
  return MessageOf('E', fields) + MessageOf('Z', std::string(1, transaction_status));
}

// "DIRECTORY" of "host=DIRECTORY dbname=…", and the rest.
std::pair<std::string, std::string> SplitHost(const std::string& conninfo) {
  const std::string prefix = "host=";
  const std::size_t end = conninfo.find(' ');
  FLORIN_CHECK(conninfo.starts_with(prefix) && end != std::string::npos,
               "the server's conninfo begins with its directory");
  return {conninfo.substr(prefix.size(), end - prefix.size()), conninfo.substr(end)};
}

}  // namespace

struct FaultyWire::State {
  std::string server_socket;
  std::string database;  // " dbname=… user=…"
  int listener = -1;
  int port = 0;
  std::thread acceptor;

  mutable std::mutex mutex;
  std::condition_variable gone;
  // All below guarded by mutex.
  std::set<int> clients;
  bool stopping = false;
  Fault fault = Fault::kBeforeServer;
  int exchanges_before = 0;
  int times = 0;
  int struck = 0;
  std::int64_t commits = 0;

  void Listen();
  void Accept(const std::shared_ptr<State>& self);
  // The fault that strikes the next exchange, if one does.
  std::optional<Fault> Next(bool is_rollback);
};

// One client and its connection to the server, in the client's thread.
class FaultyWire::Line {
 public:
  Line(State& wire, int client);
  ~Line();
  void Serve();

 private:
  bool PassStartup();
  // What the client sends up to Query, Sync, Terminate, or the end of its rows (CopyDone,
  // CopyFail); nothing if it is gone.
  std::optional<std::string> ReadRequest();
  // All that the server answers up to ReadyForQuery, or until it wants rows (CopyInResponse);
  // nothing if it is gone.
  std::optional<std::string> ReadAnswer();
  bool Pass(const std::string& request);
  bool Execute(const std::string& request);
  bool Refuse(std::string_view sqlstate);

  State& wire_;
  const int client_;
  int server_ = -1;
  char last_letter_ = 0;           // Of the request.
  std::string last_query_;         // Its text, if it is a Query.
  char transaction_status_ = 'I';  // 'I' idle, 'T' in a transaction, 'E' in a failed one.
};

// ---- The wire

void FaultyWire::State::Listen() {
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool listens = bind(listener, generic, size) == 0 && listen(listener, 16) == 0 &&
                       getsockname(listener, generic, &size) == 0;
  FLORIN_CHECK(listens, "the faulty wire listens on loopback");
  port = ntohs(address.sin_port);
}

void FaultyWire::State::Accept(const std::shared_ptr<State>& self) {
  while (true) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (client < 0) return;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    {
      std::lock_guard lock(mutex);
      clients.insert(client);
      if (stopping) shutdown(client, SHUT_RDWR);
    }
    std::thread([self, client] { Line(*self, client).Serve(); }).detach();
  }
}

std::optional<Fault> FaultyWire::State::Next(bool is_rollback) {
  std::lock_guard lock(mutex);
  if (times == 0) return std::nullopt;
  if (exchanges_before > 0) {
    exchanges_before -= 1;
    return std::nullopt;
  }
  const bool tells = fault == Fault::kSerializationFailure || fault == Fault::kDeadlock;
  if (tells && is_rollback) return std::nullopt;
  times -= 1;
  struck += 1;
  return fault;
}

FaultyWire::FaultyWire(const std::string& server) : state_(std::make_shared<State>()) {
  const auto [directory, database] = SplitHost(server);
  state_->server_socket = directory + "/.s.PGSQL.5432";
  state_->database = database;
  state_->Listen();
  state_->acceptor = std::thread([state = state_] { state->Accept(state); });
}

FaultyWire::~FaultyWire() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  for (const int client : state_->clients) shutdown(client, SHUT_RDWR);
  lock.unlock();
  shutdown(state_->listener, SHUT_RDWR);  // Wakes accept().
  state_->acceptor.join();
  close(state_->listener);
  lock.lock();
  state_->gone.wait(lock, [this] { return state_->clients.empty(); });
}

std::string FaultyWire::conninfo() const {
  // Neither encryption is asked for, so the start-up packet is the first.
  return absl::StrCat("host=127.0.0.1 port=", state_->port, " sslmode=disable gssencmode=disable",
                      state_->database);
}

void FaultyWire::Arm(Fault fault, int exchange, int times) {
  FLORIN_CHECK(exchange > 0 && times > 0, "a fault strikes some time");
  std::lock_guard lock(state_->mutex);
  state_->fault = fault;
  state_->exchanges_before = exchange - 1;
  state_->times = times;
  state_->struck = 0;
}

int FaultyWire::Disarm() {
  std::lock_guard lock(state_->mutex);
  state_->times = 0;
  return state_->struck;
}

std::int64_t FaultyWire::commits() const {
  std::lock_guard lock(state_->mutex);
  return state_->commits;
}

// ---- One connection

FaultyWire::Line::Line(State& wire, int client) : wire_(wire), client_(client) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  FLORIN_CHECK(wire.server_socket.size() < sizeof(address.sun_path), "the socket's path is short");
  wire.server_socket.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    server_ = server;
  } else {
    close(server);
  }
}

FaultyWire::Line::~Line() {
  // The server first: its transaction, if any, is over before the client is told.
  if (server_ >= 0) close(server_);
  std::lock_guard lock(wire_.mutex);
  wire_.clients.erase(client_);
  close(client_);
  wire_.gone.notify_all();
}

void FaultyWire::Line::Serve() {
  if (server_ < 0 || !PassStartup()) return;
  while (std::optional<std::string> request = ReadRequest()) {
    if (!Pass(*request)) return;
  }
}

// The first packet has no letter.
bool FaultyWire::Line::PassStartup() {
  std::string packet;
  if (!Receive(client_, 4, packet)) return false;
  const std::uint32_t length = ReadNumber(packet);
  if (length < 8 || length > 10'000 || !Receive(client_, length - 4, packet)) return false;
  return Execute(packet);
}

std::optional<std::string> FaultyWire::Line::ReadRequest() {
  std::string request;
  while (std::optional<Message> message = ReadMessage(client_)) {
    request += message->bytes;
    last_letter_ = message->letter();
    if (std::string_view("QSXcf").find(last_letter_) == std::string_view::npos) continue;
    last_query_ = last_letter_ == 'Q' ? std::string(message->body()) : std::string();
    return request;
  }
  return std::nullopt;
}

std::optional<std::string> FaultyWire::Line::ReadAnswer() {
  std::string answer;
  while (std::optional<Message> message = ReadMessage(server_)) {
    answer += message->bytes;
    if (message->letter() == 'C' && message->body().starts_with("COMMIT")) {
      std::lock_guard lock(wire_.mutex);
      wire_.commits += 1;
    }
    if (message->letter() == 'G') return answer;
    if (message->letter() != 'Z') continue;
    transaction_status_ = message->body()[0];
    return answer;
  }
  Send(client_, answer);  // The server's last words.
  return std::nullopt;
}

bool FaultyWire::Line::Execute(const std::string& request) {
  if (!Send(server_, request)) return false;
  const std::optional<std::string> answer = ReadAnswer();
  return answer && Send(client_, *answer);
}

// Whether the connection goes on.
bool FaultyWire::Line::Pass(const std::string& request) {
  if (last_letter_ == 'X') {
    Send(server_, request);
    return false;
  }
  const std::optional<Fault> fault = wire_.Next(last_query_.starts_with("ROLLBACK"));
  if (!fault) return Execute(request);
  switch (*fault) {
    case Fault::kBeforeServer:
      return false;
    case Fault::kAfterServer:
      if (Send(server_, request)) ReadAnswer();
      return false;
    case Fault::kSerializationFailure:
      return Refuse("40001");
    case Fault::kDeadlock:
      break;
  }
  return Refuse("40P01");
}

// Has the server's transaction, if there is one, really fail before the client is told so: a COMMIT
// that fails ends it, any other statement leaves it to be rolled back.
bool FaultyWire::Line::Refuse(std::string_view sqlstate) {
  if (transaction_status_ == 'T') {
    const bool commits = last_query_.starts_with("COMMIT");
    const std::string_view fail = commits ? "ROLLBACK" : "SELECT 1/0";
    if (!Send(server_, MessageOf('Q', std::string(fail) + '\0')) || !ReadAnswer()) return false;
  }
  return Send(client_, ErrorAnswer(sqlstate, transaction_status_));
}

}  // namespace florin::simulation
