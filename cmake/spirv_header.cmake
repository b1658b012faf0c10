# cmake -DSPIRV=FILE -DNAME=ARRAY -DHEADER=FILE -P spirv_header.cmake  writes a shader's words as a C++ array

file(READ ${SPIRV} bytes HEX)
string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1, " words "${bytes}")
string(REGEX REPLACE "(([0-9a-fx]+, ){10})" "\\1\n" words "${words}")
file(WRITE ${HEADER} "static const uint32_t ${NAME}[] = {\n${words}\n};\n")
