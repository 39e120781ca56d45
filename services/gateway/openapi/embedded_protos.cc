#include "services/gateway/openapi/embedded_protos.h"

// Nothing but a comment, which is another for other contents.
#include FLORIN_COMMENTED_PROTOS_SUM

// The assembler reads the file: a compiler takes minutes for what an array of that size would say.
asm(R"(
  .section .rodata
  .balign 16
  .local florin_commented_protos_begin
  .local florin_commented_protos_end
florin_commented_protos_begin:
  .incbin ")" FLORIN_COMMENTED_PROTOS R"("
florin_commented_protos_end:
  .previous
)");

extern "C" const char florin_commented_protos_begin[];
extern "C" const char florin_commented_protos_end[];

namespace florin::gateway {

std::string_view EmbeddedProtos() {
  return {florin_commented_protos_begin,
          static_cast<std::size_t>(florin_commented_protos_end - florin_commented_protos_begin)};
}

}  // namespace florin::gateway
