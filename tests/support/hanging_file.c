// SPDX-License-Identifier: Apache-2.0
//
// LD_PRELOAD shim: opening the file named by $HANGING_FILE waits for as long as there is a file of
// that name with ".hang" after it, as on a mount whose server has gone. Meanwhile that one is
// locked: the process may not be allowed to make a file that says so.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int next_open(const char* path, int flags, mode_t mode) {
  int (*next)(const char*, int, ...);
  void* address = dlsym(RTLD_NEXT, "open");
  if (address == NULL) abort();
  memcpy(&next, &address, sizeof address);
  return next(path, flags, mode);
}

static void hang_on(const char* path) {
  char file[PATH_MAX];
  snprintf(file, sizeof file, "%s.hang", path);
  const int locked = next_open(file, O_RDONLY | O_CLOEXEC, 0);
  flock(locked, LOCK_SH);
  while (access(file, F_OK) == 0) usleep(10000);
  close(locked);
}

static int is_to_hang(const char* path) {
  char file[PATH_MAX];
  const char* hanging = getenv("HANGING_FILE");
  if (hanging == NULL || strcmp(path, hanging) != 0) return 0;
  snprintf(file, sizeof file, "%s.hang", path);
  return access(file, F_OK) == 0;
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (is_to_hang(path)) hang_on(path);
  return next_open(path, flags, mode);
}
