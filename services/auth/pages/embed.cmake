# Writes OUT: the files of FILES as C++ strings, for assets.cc. Run at build time.
#   cmake -DOUT=… -DFILES=a.css,b.js -P embed.cmake
string(REPLACE "," ";" files "${FILES}")
set(text "// Made by embed.cmake from pages/assets/.\n")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(READ ${file} contents)
  # One literal may have 64 KiB in standard C++; none of these comes near.
  string(APPEND text "{\"${name}\", R\"FLORIN(${contents})FLORIN\"},\n")
endforeach()
file(WRITE ${OUT} "${text}")
