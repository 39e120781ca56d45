# florin_unity(TARGET SRCS...): compiles the sources of TARGET in groups, each as one file.
#
# Most of a source's compilation is what it includes and instantiates, and neighbours include the
# same: in groups it costs half (five sources of a store: 46 s of processor time alone, 22 s
# together). Names of an anonymous namespace would meet in a group, so two sources that define the
# same one are kept apart.
set(FLORIN_UNITY 8 CACHE STRING "Sources compiled together; 1: each alone, for work on one of them")

# What SOURCE defines for itself alone: names in its anonymous namespaces, aliases and macros.
function(_florin_private_names source out)
  file(READ ${source} text)
  string(REGEX REPLACE "[][;]" " " text "${text}")
  set(names)
  string(REGEX MATCHALL "\n#define [A-Za-z0-9_]+" macros "${text}")
  list(APPEND names ${macros})
  while(TRUE)
    string(FIND "${text}" "\nnamespace {\n" begin)
    if(begin EQUAL -1)
      break()
    endif()
    math(EXPR begin "${begin} + 12")
    string(SUBSTRING "${text}" ${begin} -1 text)
    string(FIND "${text}" "\n}  // namespace\n" length)
    string(SUBSTRING "${text}" 0 ${length} inside)
    # The last word of a definition's first line, before its parameters, value or body; with the
    # parameters where overloads go together. A test may give one a literal that suits several.
    string(REGEX MATCHALL "\n[A-Za-z][^\n={]*" heads "${inside}")
    foreach(head IN LISTS heads)
      string(REGEX MATCH "^[^(]*" before "${head}")
      if(before MATCHES "^\n(using|struct|class|enum class|enum) ([A-Za-z0-9_]+)")
        list(APPEND names ${CMAKE_MATCH_2})
      elseif(NOT before MATCHES "^\n[A-Z_]+$"  # TEST and the like.
          AND before MATCHES "([^A-Za-z0-9_:]|^)([A-Za-z0-9_]+) *$")
        set(name ${CMAKE_MATCH_2})
        if(NOT source MATCHES "_test\\.cc$" AND head MATCHES "\\(.*$")
          string(REGEX REPLACE " [a-z0-9_]+([,)]|$)" "\\1" types "${CMAKE_MATCH_0}")
          string(APPEND name "${types}")
        endif()
        list(APPEND names "${name}")
      endif()
    endforeach()
  endwhile()
  list(REMOVE_DUPLICATES names)
  set(${out} "${names}" PARENT_SCOPE)
endfunction()

# It looks only at the file given to the compiler, and takes everything else for a header.
set(_FLORIN_UNITY_WARNINGS -Wno-subobject-linkage)

# The same for the stubs of protos, which are generated so that nothing in them can meet.
function(florin_unity_stubs target)
  if(FLORIN_UNITY GREATER 1)
    set_target_properties(${target} PROPERTIES
      UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${FLORIN_UNITY})
    target_compile_options(${target} PRIVATE ${_FLORIN_UNITY_WARNINGS})
  endif()
endfunction()

function(florin_unity target)
  list(FILTER ARGN INCLUDE REGEX "^[^/].*\\.cc$")  # Not what the build generates.
  list(LENGTH ARGN count)
  if(FLORIN_UNITY LESS 2 OR count LESS 2)
    return()
  endif()
  set(groups 0)
  foreach(source IN LISTS ARGN)
    _florin_private_names(${CMAKE_CURRENT_SOURCE_DIR}/${source} names)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    set(group 0)
    while(group LESS groups)
      set(met ${names})
      list(REMOVE_ITEM met ${taken_${group}})
      list(LENGTH met left)
      list(LENGTH names all)
      if(left EQUAL all AND size_${group} LESS FLORIN_UNITY)
        break()
      endif()
      math(EXPR group "${group} + 1")
    endwhile()
    if(group EQUAL groups)
      math(EXPR groups "${groups} + 1")
      set(taken_${group})
      set(size_${group} 0)
    endif()
    list(APPEND taken_${group} ${names})
    math(EXPR size_${group} "${size_${group}} + 1")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${target}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  target_compile_options(${target} PRIVATE ${_FLORIN_UNITY_WARNINGS})
endfunction()
