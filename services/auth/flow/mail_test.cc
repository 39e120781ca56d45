// Messages as files and by SMTP.
#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/file_mail.h"
#include "services/auth/flow/mail_message.h"
#include "services/auth/flow/smtp_mail.h"

namespace florin::auth {
namespace {

constexpr char kComposed[] =
    "From: no-reply@bank.example\r\nTo: ann@example.com\r\nSubject: Hello\r\n"
    "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
    "Message-ID: <00000000-0000-0000-0000-000000000001@bank.example>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n"
    "Line one\r\n\xe2\x82\xac\r\n";

const Mail kMail = {
    .to = "ann@example.com", .subject = "Hello", .body = "Line one\n\xe2\x82\xac\n"};
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(ComposeMessage, IsAnInternetMessage) {
  EXPECT_EQ(
      ComposeMessage(kMail, "no-reply@bank.example", kNow, "00000000-0000-0000-0000-000000000001"),
      kComposed);
}

TEST(FileMail, WritesOneFileForEachMessage) {
  char directory[] = "/tmp/florin_mail_XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  async::Runtime runtime(1);
  FakeClock clock(kNow);
  SequentialIds ids;
  FileMail mail(directory, "no-reply@bank.example", clock, ids);
  ASSERT_THAT(runtime.Run(mail.Send(kMail)), IsOk());
  ASSERT_THAT(runtime.Run(mail.Send(kMail)), IsOk());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    ++files;
    EXPECT_EQ(entry.path().extension(), ".eml");
    struct stat facts;
    ASSERT_EQ(stat(entry.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777u, 0600u);
  }
  EXPECT_EQ(files, 2);
  std::filesystem::remove_all(directory);
  EXPECT_THAT(runtime.Run(mail.Send(kMail)), StatusHasReason(Reason::kUnavailable));
}

// Answers one client as a mail server does, and keeps what it said.
class SmtpServer {
 public:
  SmtpServer() : acceptor_(io_, {asio::ip::make_address("127.0.0.1"), 0}) {
    thread_ = std::thread([this] { Serve(); });
  }
  ~SmtpServer() {
    if (thread_.joinable()) thread_.join();
  }
  std::string url() const {
    return "smtp://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  std::string Said() {
    thread_.join();
    return said_;
  }

 private:
  void Serve() {
    asio::ip::tcp::socket socket = acceptor_.accept();
    boost::system::error_code error;
    const auto say = [&](const std::string& text) {
      asio::write(socket, asio::buffer(text), error);
    };
    say("220 test\r\n");
    std::string buffer;
    for (bool data = false; !error;) {
      const std::size_t size = asio::read_until(socket, asio::dynamic_buffer(buffer),
                                                data ? "\r\n.\r\n" : "\r\n", error);
      if (error) break;
      const std::string line = buffer.substr(0, size);
      buffer.erase(0, size);
      said_ += line;
      const bool begins_data = !data && line.starts_with("DATA");
      data = begins_data;
      say(begins_data                ? "354 go on\r\n"
          : line.starts_with("QUIT") ? "221 bye\r\n"
                                     : "250 fine\r\n");
      if (line.starts_with("QUIT")) break;
    }
  }

  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::string said_;
  std::thread thread_;
};

TEST(SmtpMail, HandsAMessageOver) {
  SmtpServer server;
  async::Runtime runtime(1);
  FakeClock clock(kNow);
  SequentialIds ids;
  SmtpMail mail({.url = server.url(), .allow_plaintext = true, .from = "no-reply@bank.example"},
                clock, ids);
  ASSERT_THAT(runtime.Run(mail.Send(kMail)), IsOk());
  const std::string said = server.Said();
  EXPECT_NE(said.find("MAIL FROM:<no-reply@bank.example>"), std::string::npos) << said;
  EXPECT_NE(said.find("RCPT TO:<ann@example.com>"), std::string::npos);
  EXPECT_NE(said.find(kComposed), std::string::npos) << said;
}

// Not even the address is said to a server that offers no TLS.
TEST(SmtpMail, GoesNowhereInTheClearUnlessAllowed) {
  SmtpServer server;
  async::Runtime runtime(1);
  FakeClock clock(kNow);
  SequentialIds ids;
  SmtpMail mail({.url = server.url(), .from = "no-reply@bank.example"}, clock, ids);
  EXPECT_THAT(runtime.Run(mail.Send(kMail)), StatusHasReason(Reason::kUnavailable));
  const std::string said = server.Said();
  EXPECT_EQ(said.find("ann@example.com"), std::string::npos) << said;
}

}  // namespace
}  // namespace florin::auth
