# Writes OUT, the definition of kVersion (launch/command_line/version.h), for VERSION and the commit of the checkout SOURCE.
# A script (cmake -P) that each build runs, so that a program never names another commit than its own.
set(version ${VERSION})
if(EXISTS ${SOURCE}/.git)  # not that of a folder around it
  execute_process(
    COMMAND git --no-optional-locks --git-dir=${SOURCE}/.git --work-tree=${SOURCE} describe --always --exclude=* --dirty=,\ changed
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(commit)
    string(APPEND version " (${commit})")
  endif()
endif()
set(text "#include \"launch/command_line/version.h\"\n\nconst char quadhop::kVersion[] = \"${version}\";\n")
file(CONFIGURE OUTPUT ${OUT} CONTENT "${text}" @ONLY)  # left as it is if it is the same
