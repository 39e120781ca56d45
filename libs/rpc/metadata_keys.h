// Names of the gRPC metadata that Florin's calls carry. Lower case, as gRPC demands.
#pragma once

namespace florin::rpc {

inline constexpr char kRequestIdKey[] = "x-request-id";
inline constexpr char kClientAddressKey[] = "x-florin-client-address";
inline constexpr char kTraceparentKey[] = "traceparent";
inline constexpr char kAuthorizationKey[] = "authorization";  // "Bearer TOKEN"
inline constexpr char kIdempotencyKeyKey[] = "idempotency-key";
inline constexpr char kReplayedKey[] = "idempotency-replayed";  // In trailers: "true"

inline constexpr char kBearerPrefix[] = "Bearer ";

}  // namespace florin::rpc
