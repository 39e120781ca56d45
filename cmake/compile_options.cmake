# Flags of every target, and the sanitizer variants.
set(FLORIN_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

# Assertions stay on in every build: RelWithDebInfo without NDEBUG.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

add_library(florin_flags INTERFACE)
target_compile_options(florin_flags INTERFACE
  -Wall -Wextra -Werror -Wno-missing-field-initializers
  # GCC 12 takes the aligned_alloc and free in the frames of Asio's coroutines for a mismatch where
  # it inlines only one.
  -Wno-mismatched-new-delete
  # gRPC demands -pthread; the precompiled header serves only those who have the same flags.
  -pthread -fcoroutines -fno-omit-frame-pointer -fstack-protector-strong
  # The same object for every checkout and build directory, so that ccache can serve it.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= )
target_compile_definitions(florin_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

target_include_directories(florin_flags INTERFACE ${CMAKE_SOURCE_DIR})

if(FLORIN_SANITIZE)
  target_compile_options(florin_flags INTERFACE
    # What a sanitizer adds to the code makes this warning guess wrong.
    -Wno-maybe-uninitialized
    -fsanitize=${FLORIN_SANITIZE} -fno-sanitize-recover=all -O1)
  target_link_options(florin_flags INTERFACE -fsanitize=${FLORIN_SANITIZE})
endif()
