# Everything Florin links against, all from Debian 12. docs/dependencies.md says why each is here.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(pqxx REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(qrencode REQUIRED IMPORTED_TARGET libqrencode)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
# It defines _FILE_OFFSET_BITS, which 64-bit systems do not need and precompiled headers refuse.
set_target_properties(PkgConfig::hiredis PROPERTIES INTERFACE_COMPILE_OPTIONS "")
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(fido2 REQUIRED IMPORTED_TARGET libfido2)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)
find_library(UNISTRING unistring REQUIRED)
find_library(HPDF hpdf REQUIRED)
add_library(hpdf::hpdf INTERFACE IMPORTED)
target_link_libraries(hpdf::hpdf INTERFACE ${HPDF})

# google/api/*.proto and google/rpc/*.proto, used at build time from the package, never copied.
find_path(GOOGLEAPIS_PROTOS google/api/annotations.proto
  PATHS /usr/share/gocode/src/github.com/gogo/googleapis NO_DEFAULT_PATH REQUIRED)
find_program(PROTOC protoc REQUIRED)

# p11-kit/pkcs11.h, the C interface of PKCS #11. libp11-kit itself is not linked.
find_path(PKCS11_HEADERS p11-kit/pkcs11.h PATH_SUFFIXES p11-kit-1 REQUIRED)
