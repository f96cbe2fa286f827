// SPDX-License-Identifier: Apache-2.0
//
// LD_PRELOAD shim that makes allocations fail, on demand. It does not go with a sanitizer, which
// has an allocator of its own.
//
// $ALLOCATION_FAULT_FILE names a file that the shim creates and maps: numbers that the test writes
// and reads while the process runs. Allocations are counted from the moment `enabled` is set. Those
// from number `first` on fail, `failures` of them. $ALLOCATION_FAULT="FIRST:FAILURES" sets that
// before the process makes its first allocation. With $ALLOCATION_FAULT_OF, only allocations of the
// library count whose file name has that in it. Failures are counted apart that libraries met which
// do not look for them.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
  atomic_ulong enabled;
  atomic_ulong first;
  atomic_ulong failures;
  atomic_ulong count;      // allocations since `enabled` was set
  atomic_ulong unchecked;  // failures of those that such libraries made
};

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t number, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

static struct control* control;
static const char* only_of;  // NULL: of all

__attribute__((constructor)) static void map_control(void) {
  const char* path = getenv("ALLOCATION_FAULT_FILE");
  const int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof *control) != 0) abort();
  void* memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) abort();
  close(file);
  control = memory;
  only_of = getenv("ALLOCATION_FAULT_OF");
  const char* fault = getenv("ALLOCATION_FAULT");
  unsigned long first = 0;
  unsigned long failures = 0;
  if (fault == NULL) return;
  if (sscanf(fault, "%lu:%lu", &first, &failures) != 2) abort();
  control->first = first;
  control->failures = failures;
  control->enabled = 1;
}

static int is_of(const void* code, const char* library) {
  Dl_info object;
  return dladdr(code, &object) != 0 && strstr(object.dli_fname, library) != NULL;
}

static int is_unchecked(const void* code) {
  return is_of(code, "libcivetweb.so") || is_of(code, "libseccomp.so");
}

static int fails(const void* caller) {
  if (control == NULL || atomic_load(&control->enabled) == 0) return 0;
  if (only_of != NULL && !is_of(caller, only_of)) return 0;
  const unsigned long number = atomic_fetch_add(&control->count, 1) + 1;
  if (number < control->first || number - control->first >= control->failures) return 0;
  if (is_unchecked(caller)) atomic_fetch_add(&control->unchecked, 1);
  errno = ENOMEM;
  return 1;
}

#define FAILS fails(__builtin_return_address(0))

void* malloc(size_t size) { return FAILS ? NULL : __libc_malloc(size); }
void* calloc(size_t number, size_t size) { return FAILS ? NULL : __libc_calloc(number, size); }
void* realloc(void* memory, size_t size) { return FAILS ? NULL : __libc_realloc(memory, size); }
void* memalign(size_t alignment, size_t size) {
  return FAILS ? NULL : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return FAILS ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  void* const got = FAILS ? NULL : __libc_memalign(alignment, size);
  if (got == NULL) return ENOMEM;
  *memory = got;
  return 0;
}
