# florin_proto, florin_library, florin_service, florin_test: the only ways to add a target.
#
# Every target states its layer and its dependencies, and a wrong edge stops the configuration:
#
#   proto                      depends on protos
#   lib                        depends on lib, proto
#   domain   (of a service)    depends on the pure libraries only: status, money, ids, text
#   proof    (of the ledger)   depends on lib: what an outsider's verifier is made of
#   store    (of a service)    depends on its own domain, proof, lib
#   flow     (of a service)    depends on its own domain, proof, store, lib, proto
#   rpc      (of a service)    depends on its own domain, proof, store, flow, lib, proto
#   pages    (of a service)    depends on its own domain, proof, store, flow, lib, proto: what
#                              people read (HTML, PDF), and the RPCs that serve it
#   transcode (of the gateway) depends on lib, proto
#   limits   (of the gateway)  depends on lib, proto
#   openapi  (of the gateway)  depends on its own transcode, lib, proto
#   http     (of the gateway)  depends on its own transcode, limits, openapi, lib, proto
#   main     (of a service)    depends on everything of its own service, lib, proto
#   test                       depends on anything (tests/tidy checks what tests include)
#
# A service may depend on the protos of another service only if services/edges.cmake lists that
# edge.
include(${CMAKE_SOURCE_DIR}/services/edges.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/unity.cmake)

set(FLORIN_PURE_LIBS status money ids text)
set(FLORIN_MAY_lib lib proto)
set(FLORIN_MAY_domain lib)
set(FLORIN_MAY_proof lib)
set(FLORIN_MAY_store lib domain proof)
set(FLORIN_MAY_flow lib proto domain proof store)
set(FLORIN_MAY_rpc lib proto domain proof store flow)
set(FLORIN_MAY_pages lib proto domain proof store flow pages)
set(FLORIN_MAY_transcode lib proto)
set(FLORIN_MAY_limits lib proto)
set(FLORIN_MAY_openapi lib proto transcode)
set(FLORIN_MAY_http lib proto transcode limits openapi)
set(FLORIN_MAY_main lib proto domain proof store flow rpc pages transcode limits openapi http)
set(FLORIN_MAY_test lib proto domain proof store flow rpc pages transcode limits openapi http main
  test)

# The service that a directory belongs to, or "" outside services/.
function(_florin_service_of directory out)
  if(directory MATCHES "/services/([a-z_]+)")
    set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
  else()
    set(${out} "" PARENT_SCOPE)
  endif()
endfunction()

# Stops the configuration unless TARGET of LAYER may depend on every one of DEPS.
function(_florin_check_edges target layer deps)
  get_target_property(own ${target} FLORIN_SERVICE)
  foreach(dep IN LISTS deps)
    if(dep MATCHES "::" OR NOT TARGET ${dep})
      if(NOT dep MATCHES "::")
        message(FATAL_ERROR "${target}: dependency '${dep}' is no target (declare it first)")
      endif()
      continue()  # A package of Debian's; tests/tidy checks includes.
    endif()
    get_target_property(dep_layer ${dep} FLORIN_LAYER)
    get_target_property(dep_service ${dep} FLORIN_SERVICE)
    if(NOT dep_layer IN_LIST FLORIN_MAY_${layer})
      message(FATAL_ERROR "${target} (${layer}) may not depend on ${dep} (${dep_layer}): "
        "a ${layer} may depend on: ${FLORIN_MAY_${layer}}. See cmake/florin.cmake.")
    endif()
    if(layer STREQUAL "domain" AND NOT dep IN_LIST FLORIN_PURE_LIBS)
      message(FATAL_ERROR "${target} (domain) may depend only on ${FLORIN_PURE_LIBS}, not on ${dep}")
    endif()
    if(layer STREQUAL "test" OR NOT dep_service OR NOT own OR dep_service STREQUAL own)
      continue()
    endif()
    if(NOT dep_layer STREQUAL "proto")
      message(FATAL_ERROR "${target}: services meet only through protos, not through ${dep}")
    endif()
    if(NOT dep_service IN_LIST FLORIN_EDGES_${own})
      message(FATAL_ERROR "${target}: no edge ${own} -> ${dep_service} in services/edges.cmake")
    endif()
  endforeach()
endfunction()

function(_florin_declare target layer)
  _florin_service_of(${CMAKE_CURRENT_SOURCE_DIR} service)
  set_target_properties(${target} PROPERTIES FLORIN_LAYER ${layer} FLORIN_SERVICE "${service}")
endfunction()

# The two precompiled headers. Domain code gets none, so that it can see only what it includes.
function(_florin_precompile target layer)
  if(NOT layer STREQUAL "domain" AND NOT layer STREQUAL "proto")
    target_precompile_headers(${target} REUSE_FROM florin_pch)
    add_dependencies(${target} florin_pch_sum)
  endif()
endfunction()

# florin_library(NAME LAYER DEPS... [SRCS...]): a static library, header-only where it has no SRCS.
function(florin_library name)
  cmake_parse_arguments(ARG "" "LAYER" "SRCS;DEPS" ${ARGN})
  if(ARG_SRCS)
    add_library(${name} STATIC ${ARG_SRCS})
    target_link_libraries(${name} PUBLIC florin_flags ${ARG_DEPS})
    _florin_precompile(${name} ${ARG_LAYER})
    florin_unity(${name} ${ARG_SRCS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE florin_flags ${ARG_DEPS})
  endif()
  _florin_declare(${name} ${ARG_LAYER})
  _florin_check_edges(${name} ${ARG_LAYER} "${ARG_DEPS}")
endfunction()

# florin_service(NAME DEPS... [SRCS...]): the process florin-NAME from main.cc, and SRCS beside it.
function(florin_service name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  set(target florin-${name})
  add_executable(${target} main.cc ${ARG_SRCS})
  target_link_libraries(${target} PRIVATE florin_flags ${ARG_DEPS})
  _florin_precompile(${target} main)
  florin_unity(${target} main.cc ${ARG_SRCS})
  _florin_declare(${target} main)
  _florin_check_edges(${target} main "${ARG_DEPS}")
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# florin_test(NAME SRCS... DEPS... [LABEL unit] [TIMEOUT 600] [ARGS...] [RUN_SERIAL]): a GoogleTest
# program run by ctest. LABEL says its kind: unit, contract, tidy, e2e, crash, simulation (DESIGN:
# testing).
function(florin_test name)
  cmake_parse_arguments(ARG "RUN_SERIAL" "LABEL;TIMEOUT" "SRCS;DEPS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE florin_flags ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  _florin_precompile(${name} test)
  florin_unity(${name} ${ARG_SRCS})
  _florin_declare(${name} test)
  _florin_check_edges(${name} test "${ARG_DEPS}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "FLORIN_SOURCE_DIR=${CMAKE_SOURCE_DIR};FLORIN_BINARY_DIR=${CMAKE_BINARY_DIR};${ARG_ENVIRONMENT}")
  if(ARG_RUN_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
  if(FLORIN_SANITIZE MATCHES address)
    set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
      "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/lsan.supp")
    if(ARG_LABEL MATCHES "unit|contract")
      # Whole stacks, so that the suppressions can tell a library's leak from ours. The services of
      # the end-to-end tests would be too slow with them.
      set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT "ASAN_OPTIONS=fast_unwind_on_malloc=0")
    endif()
  endif()
endfunction()

# florin_proto(NAME FILES... DEPS... [SERVICE name]): messages, and for files with services the
# rpc::Service base and the client of libs/rpc. FILES are paths below proto/.
function(florin_proto name)
  cmake_parse_arguments(ARG "" "SERVICE" "FILES;DEPS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/proto)
  set(messages)
  set(stubs)
  foreach(file IN LISTS ARG_FILES)
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    set(outputs ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
    set(flags --cpp_out=${out})
    set(needs)
    list(APPEND messages ${out}/${stem}.pb.cc)
    if(ARG_SERVICE)
      list(APPEND outputs ${out}/${stem}.rpc.cc ${out}/${stem}.rpc.h)
      list(APPEND flags --plugin=protoc-gen-florin=$<TARGET_FILE:protoc-gen-florin> --florin_out=${out})
      list(APPEND stubs ${out}/${stem}.rpc.cc)
      set(needs protoc-gen-florin)
    endif()
    if(EXISTS ${CMAKE_SOURCE_DIR}/proto/${file})
      set(source ${CMAKE_SOURCE_DIR}/proto/${file})
    else()
      set(source ${GOOGLEAPIS_PROTOS}/${file})
    endif()
    add_custom_command(OUTPUT ${outputs}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND ${PROTOC} -I ${CMAKE_SOURCE_DIR}/proto -I ${GOOGLEAPIS_PROTOS} ${flags} ${source}
      DEPENDS ${source} ${needs} VERBATIM)
  endforeach()
  add_library(${name} STATIC ${messages})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} protobuf::libprotobuf)
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  if(FLORIN_SANITIZE)
    target_link_libraries(${name} PRIVATE florin_flags)
    target_compile_options(${name} PRIVATE -w)
  endif()
  set_target_properties(${name} PROPERTIES FLORIN_LAYER proto FLORIN_SERVICE "${ARG_SERVICE}")
  if(ARG_SERVICE)
    # The stubs need libs/rpc, the messages nothing: two targets, so that libraries may use messages
    # below rpc.
    add_library(${name}_rpc STATIC ${stubs})
    target_link_libraries(${name}_rpc PUBLIC ${name} rpc florin_flags)
    target_precompile_headers(${name}_rpc REUSE_FROM florin_pch)
    add_dependencies(${name}_rpc florin_pch_sum)
    florin_unity_stubs(${name}_rpc)
    set_target_properties(${name}_rpc PROPERTIES FLORIN_LAYER proto FLORIN_SERVICE "${ARG_SERVICE}")
  endif()
endfunction()
